# Flags that every target shares. Determinism first: the same object code must give the same bits with
# gcc and clang at every optimisation level.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)

# -ffp-contract=off: a fused multiply-add changes the trace; -ffast-math would remove the NaN guards.
add_compile_options(-ffp-contract=off -fno-fast-math)
string(CONCAT medius_all_flags "${CMAKE_CXX_FLAGS} ${CMAKE_C_FLAGS} ${CMAKE_CXX_FLAGS_RELEASE} "
       "${CMAKE_CXX_FLAGS_RELWITHDEBINFO} ${CMAKE_CXX_FLAGS_DEBUG}")
foreach(forbidden -ffast-math -Ofast -funsafe-math-optimizations -ffinite-math-only -march=native)
  string(FIND "${medius_all_flags}" "${forbidden}" found)
  if(NOT found EQUAL -1)
    message(FATAL_ERROR "${forbidden} is refused: it breaks bit-identical replay or removes the NaN "
                        "guards of the safety kernel. Remove it from CMAKE_CXX_FLAGS/CMAKE_C_FLAGS.")
  endif()
endforeach()

set(MEDIUS_WARNINGS -Wall -Wextra -Wconversion -Wshadow -Wdouble-promotion -Werror)
set(MEDIUS_CXX_WARNINGS -Wold-style-cast -Wnon-virtual-dtor -Woverloaded-virtual)

# Assertions are for bugs and stay on in release builds.
foreach(kind RELEASE RELWITHDEBINFO MINSIZEREL)
  string(REPLACE "-DNDEBUG" "" CMAKE_CXX_FLAGS_${kind} "${CMAKE_CXX_FLAGS_${kind}}")
  string(REPLACE "-DNDEBUG" "" CMAKE_C_FLAGS_${kind} "${CMAKE_C_FLAGS_${kind}}")
endforeach()

add_link_options(-Wl,-z,now -Wl,-z,relro)

set(MEDIUS_SANITIZE "" CACHE STRING "Comma-separated sanitizers, e.g. address,undefined or thread")
if(MEDIUS_SANITIZE)
  add_compile_options(-fsanitize=${MEDIUS_SANITIZE} -fno-omit-frame-pointer -g)
  add_link_options(-fsanitize=${MEDIUS_SANITIZE})
  if(MEDIUS_SANITIZE MATCHES "undefined")
    add_compile_options(-fno-sanitize-recover=undefined)
  endif()
  # Asio and gtest trip these false alarms of gcc 12 under sanitizers.
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-Wno-maybe-uninitialized -Wno-stringop-overflow)
  endif()
endif()

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
endif()
