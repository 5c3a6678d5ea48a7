# Open MPI, by which several processes train together, is optional and never linked with the
# program: a module beside it is, and is loaded when mpirun or srun has started it. The search path
# of the program finds the module, in the build folder and where it is installed.
if(CMAKE_CROSSCOMPILING)
  return()
endif()
set(MPI_CXX_SKIP_MPICXX TRUE)
find_package(MPI COMPONENTS CXX)
if(NOT MPI_CXX_FOUND)
  message(STATUS "No MPI (libopenmpi-dev): training will run in one process only")
  return()
endif()
include(GNUInstallDirs)
set(module_dir ${CMAKE_INSTALL_LIBDIR}/avocado)
add_library(avocado_mpi MODULE src/train/processes_mpi.module.cc)
target_link_libraries(avocado_mpi PRIVATE avocado_flags MPI::MPI_CXX)
set_target_properties(avocado_mpi PROPERTIES
  PREFIX "" LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/${module_dir})
install(TARGETS avocado_mpi DESTINATION ${module_dir})
file(RELATIVE_PATH program_to_module /p/${CMAKE_INSTALL_BINDIR} /p/${module_dir})
set_target_properties(avocado PROPERTIES
  BUILD_RPATH ${CMAKE_BINARY_DIR}/${module_dir} INSTALL_RPATH "$ORIGIN/${program_to_module}")
add_dependencies(avocado avocado_mpi)
# For the tests. AddressSanitizer loads modules by a search path of its own and finds none.
if(NOT AVOCADO_SANITIZE)
  set(AVOCADO_MPIRUN ${MPIEXEC_EXECUTABLE})
endif()
