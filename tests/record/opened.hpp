// A store that a test opens.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "controller/record/store.hpp"

namespace medius::record::test {

// Nothing, and a failure of the test, when it cannot be opened.
inline std::unique_ptr<Store> opened(const std::string& directory) {
  auto store = Store::open(directory);
  if (!store) {
    ADD_FAILURE() << store.error().message;
    return nullptr;
  }
  return std::move(*store);
}

}  // namespace medius::record::test
