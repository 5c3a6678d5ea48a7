# The library for other programs, and `make install`. Only the C interface of include/avocado is
# visible in it; avocado.h is a header over that.
add_library(avocado_shared SHARED $<TARGET_OBJECTS:avocado_api>)
target_link_libraries(avocado_shared PRIVATE avocado_api)
target_include_directories(avocado_shared INTERFACE
  $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/include> $<INSTALL_INTERFACE:include>)
target_compile_features(avocado_shared INTERFACE cxx_std_17)
set_target_properties(avocado_shared PROPERTIES
  OUTPUT_NAME avocado EXPORT_NAME avocado LINKER_LANGUAGE CXX
  VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
if(AVOCADO_SANITIZE)
  target_link_options(avocado_shared PRIVATE -fsanitize=${AVOCADO_SANITIZE})
endif()

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/avocado)

install(TARGETS avocado)
install(TARGETS avocado_shared EXPORT avocado-targets)
install(EXPORT avocado-targets NAMESPACE avocado:: DESTINATION ${package_dir})
install(DIRECTORY include/avocado DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
configure_package_config_file(cmake/avocadoConfig.cmake.in avocadoConfig.cmake
  INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(avocadoConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/avocadoConfig.cmake ${CMAKE_BINARY_DIR}/avocadoConfigVersion.cmake
  DESTINATION ${package_dir})
file(RELATIVE_PATH pc_to_prefix /p/${CMAKE_INSTALL_LIBDIR}/pkgconfig /p)
configure_file(cmake/avocado.pc.in avocado.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/avocado.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(FILES models/avocado-nano.gguf DESTINATION ${CMAKE_INSTALL_DATADIR}/avocado/models OPTIONAL)
install(FILES docs/avocado.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES completions/avocado.bash RENAME avocado
  DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
install(FILES completions/_avocado DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
