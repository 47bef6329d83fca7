// A small fast random generator whose whole state can be saved.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

namespace microtwin {

// xoshiro256** of D. Blackman and S. Vigna (2018), seeded by splitmix64 as they advise. All of it
// is constexpr: nvcc compiles that for the GPU, too.
class Xoshiro256 {
  public:
    using State = std::array<std::uint64_t, 4>;

    constexpr explicit Xoshiro256(std::uint64_t seed) {
        for (auto& word : state_) {
            seed += 0x9E3779B97F4A7C15ULL;
            std::uint64_t z = seed;
            z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
            z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
            word = z ^ (z >> 31);
        }
    }
    constexpr explicit Xoshiro256(const State& state) : state_(state) {}

    constexpr std::uint64_t next() {
        const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
        const std::uint64_t shifted = state_[1] << 17;
        state_[2] ^= state_[0];
        state_[3] ^= state_[1];
        state_[1] ^= state_[2];
        state_[0] ^= state_[3];
        state_[2] ^= shifted;
        state_[3] = std::rotl(state_[3], 45);
        return result;
    }
    // Uniform in (0, 1]: its logarithm is finite.
    constexpr double uniform() { return static_cast<double>((next() >> 11) + 1) * 0x1p-53; }
    constexpr const State& state() const { return state_; }

  private:
    State state_{};
};

// 32 random bits to 0 .. n - 1 (n <= 2^32): multiply and shift; the bias is below n / 2^32.
constexpr std::uint64_t below(std::uint32_t bits, std::uint64_t n) { return (bits * n) >> 32; }

}  // namespace microtwin
