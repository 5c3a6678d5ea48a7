# avocado_room(NAME [ROOMS other...] [DEPS target...])
#
# Makes the static library avocado_NAME from src/NAME/**/*.cc and, when tests are on, the program
# NAME_test from the *_test.cc beside them. ROOMS are the rooms it may use.
# Files ending in .simd.cc are compiled once per instruction set (see simd.cmake); one ending in
# .module.cc is a library of its own that the program loads when it needs it (see mpi.cmake).
include(${CMAKE_CURRENT_LIST_DIR}/simd.cmake)

function(avocado_room name)
  cmake_parse_arguments(arg "" "" "ROOMS;DEPS" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${name}/*.cc)
  set(tests ${sources})
  set(simd ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  list(FILTER simd INCLUDE REGEX "\\.simd\\.cc$")
  list(FILTER sources EXCLUDE REGEX "(_test|\\.simd|\\.module)\\.cc$")

  if(NOT sources)
    add_library(avocado_${name} INTERFACE)
    target_link_libraries(avocado_${name} INTERFACE avocado_flags)
    return()
  endif()
  add_library(avocado_${name} STATIC ${sources})
  target_link_libraries(avocado_${name} PUBLIC avocado_flags ${arg_DEPS})
  foreach(room ${arg_ROOMS})
    target_link_libraries(avocado_${name} PUBLIC avocado_${room})
  endforeach()
  if(simd)
    avocado_simd(avocado_${name} ${simd})
  endif()

  if(AVOCADO_TESTS AND tests)
    find_package(GTest REQUIRED)
    add_executable(${name}_test ${tests})
    target_link_libraries(${name}_test PRIVATE avocado_${name} GTest::gtest_main)
    target_include_directories(${name}_test PRIVATE ${CMAKE_SOURCE_DIR}/tests)
    target_compile_definitions(${name}_test PRIVATE AVOCADO_TEST_DATA="${AVOCADO_TEST_DATA}"
                               AVOCADO_TESTS="${CMAKE_SOURCE_DIR}/tests")
    add_test(NAME ${name} COMMAND ${name}_test)
  endif()
endfunction()
