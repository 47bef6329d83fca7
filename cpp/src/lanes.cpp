#include "lanes.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>

// Compiled for several instruction sets, chosen when the library is loaded. Contraction to fused
// multiply-add is off for the whole core (see CMakeLists.txt): every version rounds alike.
#if defined(__linux__) && defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define MICROTWIN_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define MICROTWIN_CLONES
#endif

namespace microtwin {
namespace {

// Eight bits to eight bytes of 0 or 1.
constexpr std::array<std::uint64_t, 256> make_spread() {
    std::array<std::uint64_t, 256> table{};
    for (std::size_t value = 0; value < table.size(); ++value)
        for (unsigned bit = 0; bit < 8; ++bit)
            table[value] |= static_cast<std::uint64_t>((value >> bit) & 1) << (8 * bit);
    return table;
}
constexpr auto kSpread = make_spread();

std::uint64_t spread(std::uint64_t word, unsigned byte) {
    return kSpread[(word >> (8 * byte)) & 0xFF];
}

// Adds up the lanes pairwise, always in the same order.
template <class Number>
double fold(std::array<Number, kLanes>& sums) {
    for (std::size_t width = kLanes / 2; width > 0; width /= 2)
        for (std::size_t k = 0; k < width; ++k) sums[k] += sums[k + width];
    return static_cast<double>(sums[0]);
}

constexpr int unbiased(std::uint8_t change) { return int{change} - int{kNoChange}; }
constexpr int unbiased(std::int32_t change) { return change; }

// Inlined into each of the versions below, so that it is compiled for their instruction sets.
template <class Change>
[[gnu::always_inline]] inline double sum_energy_change(const Change* change, const float* slope,
                                                       const float* curvature, std::size_t lags) {
    std::array<float, kLanes> sums{};
    for (std::size_t begin = 0; begin < lags; begin += kLanes)
        for (std::size_t k = 0; k < kLanes; ++k) {
            const auto e = static_cast<float>(unbiased(change[begin + k]));
            sums[k] += e * (slope[begin + k] + curvature[begin + k] * e);
        }
    return fold(sums);
}

template <class Change>
[[gnu::always_inline]] inline CurveSums add_change(const Change* change, const CurveLanes& curve) {
    std::array<double, kLanes> energy{}, steepness{};
    for (std::size_t begin = 0; begin < curve.lags; begin += kLanes)
        for (std::size_t k = 0; k < kLanes; ++k) {
            const std::size_t j = begin + k;
            curve.hits[j] += unbiased(change[j]);
            const double error = curve.hits[j] * curve.scale[j] - curve.target[j];
            const double pull = curve.weight[j] * error;
            const double slope = 2.0 * pull * curve.scale[j];
            curve.slope[j] = static_cast<float>(slope);
            energy[k] += pull * error;
            steepness[k] += std::abs(slope);
        }
    return {fold(energy), fold(steepness)};
}

}  // namespace

void two_point_change(const std::uint64_t* entering_ahead, const std::uint64_t* entering_behind,
                      const std::uint64_t* leaving_ahead, const std::uint64_t* leaving_behind,
                      std::size_t lags, std::uint8_t* change) {
    constexpr std::uint64_t kBias = kNoChange * 0x0101010101010101ULL;  // no byte falls below 0
    for (std::size_t lag = 0; lag < lags; lag += 8) {
        const std::size_t chunk = lag / 64;
        const auto byte = static_cast<unsigned>(lag % 64 / 8);
        const std::uint64_t sums =
            kBias + spread(entering_ahead[chunk], byte) + spread(entering_behind[chunk], byte) -
            spread(leaving_ahead[chunk], byte) - spread(leaving_behind[chunk], byte);
        if constexpr (std::endian::native == std::endian::little)
            std::memcpy(change + lag, &sums, sizeof sums);
        else
            for (unsigned j = 0; j < 8; ++j)
                change[lag + j] = static_cast<std::uint8_t>(sums >> (8 * j));
    }
}

MICROTWIN_CLONES
void lineal_path_change(std::int32_t ea, std::int32_t eb, std::int32_t la, std::int32_t lb,
                        std::size_t lags, std::int32_t* change) {
    // Joining runs of a and b voxels by one more makes segments(a + b + 1) of segments(a) and (b).
    const auto segments = [](std::int32_t run, std::int32_t lag) { return std::max(run - lag, 0); };
    for (std::size_t begin = 0; begin < lags; begin += kLanes)
        for (std::size_t k = 0; k < kLanes; ++k) {
            const auto lag = static_cast<std::int32_t>(begin + k + 1);
            change[begin + k] = segments(ea + eb + 1, lag) - segments(ea, lag) - segments(eb, lag) -
                                segments(la + lb + 1, lag) + segments(la, lag) + segments(lb, lag);
        }
}

MICROTWIN_CLONES
double energy_change(const std::uint8_t* change, const float* slope, const float* curvature,
                     std::size_t lags) {
    return sum_energy_change(change, slope, curvature, lags);
}

MICROTWIN_CLONES
double energy_change(const std::int32_t* change, const float* slope, const float* curvature,
                     std::size_t lags) {
    return sum_energy_change(change, slope, curvature, lags);
}

MICROTWIN_CLONES
CurveSums absorb(const std::uint8_t* change, const CurveLanes& curve) {
    return add_change(change, curve);
}

MICROTWIN_CLONES
CurveSums absorb(const std::int32_t* change, const CurveLanes& curve) {
    return add_change(change, curve);
}

}  // namespace microtwin
