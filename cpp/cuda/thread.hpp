// What the code of a CUDA thread is made of. Plain C++ unless nvcc compiles it, so that a test can
// do the work of every thread on a machine without a GPU.
#pragma once

#include <bit>
#include <cstdint>

#if defined(__CUDACC__)
#define MICROTWIN_DEVICE __host__ __device__
#else
#define MICROTWIN_DEVICE
#endif
#if defined(__CUDA_ARCH__)  // the host's compiler knows no such pragma
#define MICROTWIN_PRAGMA(text) _Pragma(#text)
#define MICROTWIN_UNROLL(times) MICROTWIN_PRAGMA(unroll times)
#else
#define MICROTWIN_UNROLL(times)
#endif

namespace microtwin::cuda {

inline constexpr int kThreads = 256;  // of a block

MICROTWIN_DEVICE inline std::int64_t ceil_div(std::int64_t a, std::int64_t b) {
    return (a + b - 1) / b;
}

MICROTWIN_DEVICE inline std::int64_t least(std::int64_t a, std::int64_t b) { return a < b ? a : b; }

MICROTWIN_DEVICE inline std::uint32_t ones(std::uint64_t word) {
#if defined(__CUDA_ARCH__)
    return static_cast<std::uint32_t>(__popcll(static_cast<unsigned long long>(word)));
#else
    return static_cast<std::uint32_t>(std::popcount(word));
#endif
}

}  // namespace microtwin::cuda
