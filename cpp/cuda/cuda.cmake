# The optional extension module _cuda: its kernels in a library of their own, away from the flags
# that pybind11 sets for C++. With MICROTWIN_CUDA=AUTO whatever is missing only leaves it out.
include(CheckLanguage)
include(CheckSourceCompiles)

function(microtwin_find_cuda result)
  set(${result} FALSE PARENT_SCOPE)
  if(MICROTWIN_CUDA STREQUAL "OFF")
    return()
  endif()
  check_language(CUDA)
  if(NOT CMAKE_CUDA_COMPILER)
    set(MICROTWIN_CUDA_PROBLEM "no working nvcc was found" PARENT_SCOPE)
    return()
  endif()
  set(${result} TRUE PARENT_SCOPE)
endfunction()

# Where the compiler works by itself: does it know C++20, these architectures, the host's headers?
function(microtwin_try_cuda result)
  set(CMAKE_REQUIRED_FLAGS -std=c++20)
  check_source_compiles(CUDA "
    #include <bit>
    #include <vector>
    __global__ void kernel(int* out) { *out = 1; }
    int main() { return std::popcount(std::vector<unsigned>(1, 3u)[0]); }" MICROTWIN_CUDA_COMPILES)
  set(${result} ${MICROTWIN_CUDA_COMPILES} PARENT_SCOPE)
endfunction()

microtwin_find_cuda(MICROTWIN_WITH_CUDA)
if(MICROTWIN_WITH_CUDA)
  # Turing to Hopper as machine code; newer processors compile the last one's PTX when first used.
  if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES AND NOT DEFINED ENV{CUDAARCHS})
    set(CMAKE_CUDA_ARCHITECTURES 75-real 80-real 86-real 89-real 90)
  endif()
  enable_language(CUDA)
  set(CMAKE_CUDA_VISIBILITY_PRESET hidden)
  set(CMAKE_CUDA_RUNTIME_LIBRARY Static)
  microtwin_try_cuda(MICROTWIN_WITH_CUDA)
  if(NOT MICROTWIN_WITH_CUDA)
    set(MICROTWIN_CUDA_PROBLEM "${CMAKE_CUDA_COMPILER} cannot compile C++20 for \
${CMAKE_CUDA_ARCHITECTURES} with this C++ compiler")
  endif()
endif()

if(NOT MICROTWIN_WITH_CUDA)
  if(MICROTWIN_CUDA STREQUAL "ON")
    message(FATAL_ERROR "MICROTWIN_CUDA=ON, but ${MICROTWIN_CUDA_PROBLEM}")
  elseif(NOT MICROTWIN_CUDA STREQUAL "OFF")
    message(STATUS "microtwin is built without CUDA: ${MICROTWIN_CUDA_PROBLEM}")
  endif()
  return()
endif()

message(STATUS "microtwin is built with CUDA for ${CMAKE_CUDA_ARCHITECTURES}")
if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)  # CMake below 3.26 does not know that nvcc can
  set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)
endif()
add_library(microtwin_cuda STATIC cpp/cuda/statistics.cu)
set_target_properties(microtwin_cuda PROPERTIES
  CUDA_STANDARD 20 CUDA_STANDARD_REQUIRED ON CUDA_EXTENSIONS OFF)
target_include_directories(microtwin_cuda PUBLIC cpp/cuda)
target_link_libraries(microtwin_cuda PUBLIC microtwin_core)
target_compile_options(microtwin_cuda PRIVATE
  $<$<BOOL:${MICROTWIN_WERROR}>:--Werror=all-warnings>)
if(NOT MSVC)
  target_compile_options(microtwin_cuda PRIVATE -Xcompiler=-Wall,-Wextra,-Wshadow)
endif()

pybind11_add_module(_cuda MODULE bindings/cuda.cpp)
target_link_libraries(_cuda PRIVATE microtwin_cuda)
install(TARGETS _cuda DESTINATION microtwin)
