#include "controller/record/recorder.hpp"

namespace medius::record {

struct Recorder::Impl {
  Store& store;
  rt::EngineChannels& channels;
  Callbacks callbacks;
};

Recorder::Recorder(Store& store, rt::EngineChannels& channels, Callbacks callbacks)
    : impl_(new Impl{store, channels, std::move(callbacks)}) {}
Recorder::~Recorder() = default;
void Recorder::drain() {
  rt::SampleRecord record;
  while (impl_->channels.samples.pop(record)) {
    if (impl_->callbacks.on_samples) impl_->callbacks.on_samples({&record, 1});
  }
}
void Recorder::open_set(const SetRecord& set, std::uint16_t, const measure::MetricConfig&) {
  const auto opened = impl_->store.open_set(set);
  if (!opened && impl_->callbacks.on_store_error) impl_->callbacks.on_store_error(opened.error());
}
void Recorder::rep_closed(std::uint16_t, const measure::RepBoundary&) {}
tl::expected<StoredSet, StoreError> Recorder::close_set(const SetRecord& summary) {
  drain();
  return impl_->store.close_set(summary);
}

}  // namespace medius::record
