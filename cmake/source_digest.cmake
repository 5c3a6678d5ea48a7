# The digest of the sources that a receipt names: that of their `sha256sum` lines, in ascending order
# of the paths. In the folder of the sources,
#   find CMakeLists.txt cmake include src -type f | LC_ALL=C sort | xargs sha256sum | sha256sum
# prints it. Included by CMakeLists.txt this has source_digest.cc made when a source has changed; as a
# script (cmake -P) it makes that file.
if(CMAKE_SCRIPT_MODE_FILE)
  file(GLOB_RECURSE sources RELATIVE ${folder} ${folder}/cmake/* ${folder}/include/* ${folder}/src/*)
  list(APPEND sources CMakeLists.txt)
  list(SORT sources COMPARE STRING)
  set(lines "")
  foreach(source ${sources})
    file(SHA256 ${folder}/${source} digest)
    string(APPEND lines "${digest}  ${source}\n")
  endforeach()
  string(SHA256 digest "${lines}")
  file(WRITE ${output} "namespace avocado::cli {
extern const char* const kSourceDigest;
const char* const kSourceDigest = \"${digest}\";
}  // namespace avocado::cli
")
  return()
endif()

file(GLOB_RECURSE source_files CONFIGURE_DEPENDS cmake/* include/* src/*)
set(source_digest ${CMAKE_BINARY_DIR}/source_digest.cc)
add_custom_command(
  OUTPUT ${source_digest}
  COMMAND ${CMAKE_COMMAND} -Dfolder=${CMAKE_SOURCE_DIR} -Doutput=${source_digest}
          -P ${CMAKE_SOURCE_DIR}/cmake/source_digest.cmake
  DEPENDS ${source_files} ${CMAKE_SOURCE_DIR}/CMakeLists.txt
  COMMENT "Digest of the sources"
  VERBATIM)
target_sources(avocado_cli PRIVATE ${source_digest})
