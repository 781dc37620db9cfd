# The plugin host stands alone: the loop's tests and the benchmarks use it without the station.
medius_library(medius_plugin_host
               SOURCES ${CMAKE_CURRENT_LIST_DIR}/plugin_host.cpp ${CMAKE_CURRENT_LIST_DIR}/plugin_elf.cpp
                       ${CMAKE_CURRENT_LIST_DIR}/plugin_file.cpp
               DEPS medius_base medius_plugin_abi
               PRIVATE_DEPS ${CMAKE_DL_LIBS})
if(MEDIUS_SANITIZE)
  # Sanitized plugins call into the sanitizer's run time; the symbol check must let them.
  target_compile_definitions(medius_plugin_host PRIVATE MEDIUS_SANITIZED=1)
endif()
if(TARGET medius_station)
  target_link_libraries(medius_station PUBLIC medius_plugin_host)
endif()
