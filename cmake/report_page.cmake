# The page of `avocado report` as one string: its parts in src/cli/report_page/ become the header
# cli/report_page.h. An edited part is taken in by the next build.
set(folder ${CMAKE_SOURCE_DIR}/src/cli/report_page)
set(scripts "")
foreach(part words.js chart.js page.js)
  file(READ ${folder}/${part} script)
  string(APPEND scripts "${script}")
endforeach()
file(READ ${folder}/style.css style)
file(READ ${folder}/page.html page)
string(REPLACE "/*style*/" "${style}" page "${page}")
string(REPLACE "/*script*/" "${scripts}" page "${page}")
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/generated/cli/report_page.h @ONLY CONTENT
"// Made by cmake/report_page.cmake.
#pragma once
namespace avocado::cli {
inline constexpr const char* kReportPage = R\"page(@page@)page\";
}
")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
  ${folder}/words.js ${folder}/chart.js ${folder}/page.js ${folder}/style.css ${folder}/page.html)
set_source_files_properties(src/cli/report.cc PROPERTIES INCLUDE_DIRECTORIES ${CMAKE_BINARY_DIR}/generated)
