// The arithmetic of an annealing proposal, over lags in lanes of a fixed order: the same sums to
// the last bit whatever the width of the processor's registers. Every array is padded to whole
// lanes.
#pragma once

#include <cstddef>
#include <cstdint>

namespace microtwin {

inline constexpr std::size_t kLanes = 16;

// Changes of two-point hits are kept as bytes from 0 to 2 * kNoChange.
inline constexpr std::uint8_t kNoChange = 2;

// Change of the two-point hits when a voxel leaves and another enters a phase: change[j] is the
// number of neighbours at lag 1 + j that the entering voxel sees less what the leaving one saw,
// plus kNoChange.
void two_point_change(const std::uint64_t* entering_ahead, const std::uint64_t* entering_behind,
                      const std::uint64_t* leaving_ahead, const std::uint64_t* leaving_behind,
                      std::size_t lags, std::uint8_t* change);

// Change of the lineal-path hits when a voxel leaves between runs of la and lb voxels and another
// enters between runs of ea and eb voxels.
void lineal_path_change(std::int32_t ea, std::int32_t eb, std::int32_t la, std::int32_t lb,
                        std::size_t lags, std::int32_t* change);

// Sum of change * (slope + curvature * change).
double energy_change(const std::uint8_t* change, const float* slope, const float* curvature,
                     std::size_t lags);
double energy_change(const std::int32_t* change, const float* slope, const float* curvature,
                     std::size_t lags);

// A curve's hits (whole numbers, exact in a double), what they should be, and its lags' parts in
// the energy: error = hits * scale - target, energy = sum of weight * error^2.
struct CurveLanes {
    double* hits;
    const double* scale;
    const double* target;
    const double* weight;
    float* slope;  // of the energy in the hits
    std::size_t lags;
};

struct CurveSums {
    double energy;
    double steepness;  // sum of |slope|
};

// Adds a change to the hits and returns the sums that follow.
CurveSums absorb(const std::uint8_t* change, const CurveLanes& curve);
CurveSums absorb(const std::int32_t* change, const CurveLanes& curve);

}  // namespace microtwin
