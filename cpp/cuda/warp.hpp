// 32 threads that work as one. Where nvcc does not compile for a GPU, a plain loop over them: what
// is written with these classes does the same, to the last bit, on a machine without one.
#pragma once

#include <cstdint>

#include "thread.hpp"

namespace microtwin::cuda {

inline constexpr int kWarpLanes = 32;

// A value of its own for each lane.
template <class T>
class PerLane {
  public:
#if defined(__CUDA_ARCH__)
    MICROTWIN_DEVICE T& operator[](int) { return here_; }

  private:
    T here_{};
#else
    MICROTWIN_DEVICE T& operator[](int lane) { return lanes_[lane]; }

  private:
    T lanes_[kWarpLanes]{};
#endif
};

// All lanes of a warp call each of these together. What is not within one of them every lane does
// alike, for itself: it may read, but memory is written only within `each` and `once`.
class Warp {
  public:
    // Work(lane) on every lane. No lane sees what another writes here; later all do.
    template <class Work>
    MICROTWIN_DEVICE void each(Work&& work) const {
#if defined(__CUDA_ARCH__)
        __syncwarp();
        work(static_cast<int>(threadIdx.x) % kWarpLanes);
        __syncwarp();
#else
        for (int lane = 0; lane < kWarpLanes; ++lane) work(lane);
#endif
    }
    template <class Work>
    MICROTWIN_DEVICE void once(Work&& work) const {
#if defined(__CUDA_ARCH__)
        each([&](int lane) {
            if (lane == 0) work();
        });
#else
        work();
#endif
    }
    // Bit l of the result is that of lane l.
    MICROTWIN_DEVICE std::uint32_t ballot(PerLane<bool>& votes) const {
#if defined(__CUDA_ARCH__)
        return __ballot_sync(0xFFFFFFFFu, votes[0]);
#else
        std::uint32_t result = 0;
        for (int lane = 0; lane < kWarpLanes; ++lane)
            result |= static_cast<std::uint32_t>(votes[lane]) << lane;
        return result;
#endif
    }
    // Added up in a fixed order: neighbours last.
    MICROTWIN_DEVICE double sum(PerLane<double>& terms) const {
#if defined(__CUDA_ARCH__)
        double result = terms[0];
        for (int apart = kWarpLanes / 2; apart > 0; apart /= 2)
            result += __shfl_xor_sync(0xFFFFFFFFu, result, apart);
        return result;
#else
        double sums[kWarpLanes];
        for (int lane = 0; lane < kWarpLanes; ++lane) sums[lane] = terms[lane];
        for (int apart = kWarpLanes / 2; apart > 0; apart /= 2)
            for (int lane = 0; lane < apart; ++lane) sums[lane] += sums[lane + apart];
        return sums[0];
#endif
    }
};

// Writes that do not get in each other's way where several warps work on one structure.
MICROTWIN_DEVICE inline void add_exactly(std::int64_t& to, std::int64_t change) {
#if defined(__CUDA_ARCH__)
    atomicAdd(reinterpret_cast<unsigned long long*>(&to), static_cast<unsigned long long>(change));
#else
    to += change;
#endif
}
MICROTWIN_DEVICE inline void flip_bits(std::uint64_t& word, std::uint64_t bits) {
#if defined(__CUDA_ARCH__)
    atomicXor(reinterpret_cast<unsigned long long*>(&word), static_cast<unsigned long long>(bits));
#else
    word ^= bits;
#endif
}

}  // namespace microtwin::cuda
