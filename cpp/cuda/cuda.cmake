# The optional extension module _cuda: its kernels in a library of their own, away from the flags
# that pybind11 sets for C++. With MICROTWIN_CUDA=AUTO whatever is missing only leaves it out.
include(CheckLanguage)
include(CheckSourceCompiles)

function(microtwin_leave_out_cuda reason)
  if(MICROTWIN_CUDA STREQUAL "AUTO")
    message(STATUS "microtwin is built without CUDA: ${reason}")
  else()
    message(FATAL_ERROR "MICROTWIN_CUDA=${MICROTWIN_CUDA}, but ${reason}")
  endif()
endfunction()

if(NOT MICROTWIN_CUDA AND NOT MICROTWIN_CUDA STREQUAL "AUTO")
  return()
endif()
check_language(CUDA)
if(NOT CMAKE_CUDA_COMPILER)
  microtwin_leave_out_cuda("no nvcc was found that works with this C++ compiler")
  return()
endif()

# Turing to Hopper as machine code; newer processors compile the last one's PTX when first used.
# Set only after the language is enabled: an nvcc that does not know them all must not stop AUTO.
if(DEFINED CMAKE_CUDA_ARCHITECTURES OR DEFINED ENV{CUDAARCHS})
  enable_language(CUDA)
else()
  set(CMAKE_CUDA_ARCHITECTURES OFF)
  enable_language(CUDA)
  set(CMAKE_CUDA_ARCHITECTURES 75-real 80-real 86-real 89-real 90)
endif()
set(CMAKE_REQUIRED_FLAGS -std=c++20)
check_source_compiles(CUDA "
  #include <bit>
  #include <vector>
  __global__ void kernel(int* out) { *out = 1; }
  int main() { return std::popcount(std::vector<unsigned>(1, 3u)[0]); }" MICROTWIN_CUDA_COMPILES)
unset(CMAKE_REQUIRED_FLAGS)
if(NOT MICROTWIN_CUDA_COMPILES)
  microtwin_leave_out_cuda("${CMAKE_CUDA_COMPILER} ${CMAKE_CUDA_COMPILER_VERSION} cannot compile \
C++20 for the architectures ${CMAKE_CUDA_ARCHITECTURES}")
  return()
endif()
message(STATUS "microtwin is built with CUDA for the architectures ${CMAKE_CUDA_ARCHITECTURES}")

if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)  # CMake below 3.26 does not know that nvcc can
  set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)
endif()
add_library(microtwin_cuda STATIC cpp/cuda/annealing.cu cpp/cuda/statistics.cu
  cpp/cuda/transport.cu)
# Random numbers are the core's; and a walker rounds as it does on a CPU: without contraction.
set_source_files_properties(cpp/cuda/annealing.cu PROPERTIES
  COMPILE_OPTIONS "--expt-relaxed-constexpr;--fmad=false")
set_source_files_properties(cpp/cuda/transport.cu PROPERTIES COMPILE_OPTIONS "--fmad=false")
set_target_properties(microtwin_cuda PROPERTIES
  CUDA_STANDARD 20 CUDA_STANDARD_REQUIRED ON CUDA_EXTENSIONS OFF CUDA_VISIBILITY_PRESET hidden)
target_include_directories(microtwin_cuda PUBLIC cpp/cuda PRIVATE cpp/src)
target_link_libraries(microtwin_cuda PUBLIC microtwin_core)
target_compile_options(microtwin_cuda PRIVATE
  $<$<BOOL:${MICROTWIN_WERROR}>:--Werror=all-warnings>)
if(NOT MSVC)
  target_compile_options(microtwin_cuda PRIVATE -Xcompiler=-Wall,-Wextra,-Wshadow,-ffp-contract=off)
endif()

pybind11_add_module(_cuda MODULE bindings/cuda.cpp bindings/cuda_annealing.cpp
  bindings/transport.cpp)
set_target_properties(microtwin_cuda _cuda PROPERTIES CUDA_RUNTIME_LIBRARY Static)
target_link_libraries(_cuda PRIVATE microtwin_cuda)
install(TARGETS _cuda DESTINATION microtwin)
