# medius_library(NAME SOURCES ... [DEPS ...] [PRIVATE_DEPS ...] [REALTIME])
# A box of the architecture. REALTIME boxes run in the 1 kHz loop: no exceptions, no RTTI.
function(medius_library name)
  cmake_parse_arguments(arg "REALTIME" "" "SOURCES;DEPS;PRIVATE_DEPS" ${ARGN})
  if(arg_SOURCES)
    add_library(${name} STATIC ${arg_SOURCES})
    target_include_directories(${name} PUBLIC ${CMAKE_SOURCE_DIR})
    target_compile_options(${name} PRIVATE ${MEDIUS_WARNINGS}
                           $<$<COMPILE_LANGUAGE:CXX>:${MEDIUS_CXX_WARNINGS}>)
    target_link_libraries(${name} PUBLIC ${arg_DEPS} PRIVATE ${arg_PRIVATE_DEPS})
    if(arg_REALTIME)
      target_compile_options(${name} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-fno-exceptions -fno-rtti>
                             -fno-asynchronous-unwind-tables)
    endif()
  else()
    add_library(${name} INTERFACE)
    target_include_directories(${name} INTERFACE ${CMAKE_SOURCE_DIR})
    target_link_libraries(${name} INTERFACE ${arg_DEPS})
  endif()
endfunction()

# medius_executable(NAME SOURCES ... DEPS ...)
function(medius_executable name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR})
  target_compile_options(${name} PRIVATE ${MEDIUS_WARNINGS}
                         $<$<COMPILE_LANGUAGE:CXX>:${MEDIUS_CXX_WARNINGS}>)
  target_link_libraries(${name} PRIVATE ${arg_DEPS})
endfunction()

# medius_plugin(NAME SOURCES ... [DEPS ...])
# A resistance profile as a shared object that exports medius_entry and nothing else.
set(MEDIUS_PLUGIN_DIR ${CMAKE_BINARY_DIR}/plugins.d)
function(medius_plugin name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPS" ${ARGN})
  add_library(${name} MODULE ${arg_SOURCES})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR})
  target_compile_options(${name} PRIVATE ${MEDIUS_WARNINGS} -fvisibility=hidden
                         $<$<COMPILE_LANGUAGE:CXX>:${MEDIUS_CXX_WARNINGS} -fno-exceptions -fno-rtti
                         -fvisibility-inlines-hidden>)
  target_link_libraries(${name} PRIVATE medius_plugin_sdk ${arg_DEPS})
  target_link_options(${name} PRIVATE -Wl,-z,nodelete -Wl,--exclude-libs,ALL
                      -Wl,--version-script=${CMAKE_SOURCE_DIR}/plugins/sdk/exports.map)
  set_target_properties(${name} PROPERTIES PREFIX "" SUFFIX ".so"
                        LIBRARY_OUTPUT_DIRECTORY ${MEDIUS_PLUGIN_DIR})
endfunction()

# medius_test(NAME SOURCES ... [DEPS ...] [LABELS ...] [TIMEOUT s] [SERIAL])
# A GoogleTest binary, one ctest case per test.
function(medius_test name)
  cmake_parse_arguments(arg "SERIAL" "TIMEOUT" "SOURCES;DEPS;LABELS" ${ARGN})
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  add_executable(${name} ${arg_SOURCES})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR})
  target_compile_options(${name} PRIVATE ${MEDIUS_WARNINGS}
                         $<$<COMPILE_LANGUAGE:CXX>:${MEDIUS_CXX_WARNINGS}>)
  target_compile_definitions(${name} PRIVATE MEDIUS_SOURCE_DIR="${CMAKE_SOURCE_DIR}"
                             MEDIUS_BINARY_DIR="${CMAKE_BINARY_DIR}"
                             MEDIUS_PLUGIN_DIR="${MEDIUS_PLUGIN_DIR}")
  target_link_libraries(${name} PRIVATE ${arg_DEPS} GTest::gtest GTest::gmock GTest::gtest_main)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests.d)
  gtest_discover_tests(${name} DISCOVERY_TIMEOUT 60
                       PROPERTIES TIMEOUT ${arg_TIMEOUT} LABELS "${arg_LABELS}" RUN_SERIAL ${arg_SERIAL})
endfunction()

# medius_script_test(NAME COMMAND ... [LABELS ...] [TIMEOUT s])
# A test that is a program of its own (Python, shell) and passes by exit code 0.
function(medius_script_test name)
  cmake_parse_arguments(arg "SERIAL" "TIMEOUT" "COMMAND;LABELS" ${ARGN})
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 300)
  endif()
  add_test(NAME ${name} COMMAND ${arg_COMMAND})
  set_tests_properties(${name} PROPERTIES TIMEOUT ${arg_TIMEOUT} LABELS "${arg_LABELS}"
    RUN_SERIAL ${arg_SERIAL} SKIP_RETURN_CODE 77
    ENVIRONMENT "MEDIUS_SOURCE_DIR=${CMAKE_SOURCE_DIR};MEDIUS_BINARY_DIR=${CMAKE_BINARY_DIR}")
endfunction()
