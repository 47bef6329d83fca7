// The arithmetic of an annealing proposal, over lags in lanes of a fixed order: the same sums to
// the last bit whatever the width of the processor's registers.
#pragma once

#include <cstddef>
#include <cstdint>

namespace microtwin {

inline constexpr std::size_t kLanes = 16;

// Change of the two-point hits when a voxel leaves and another enters a phase: change[j] is the
// number of neighbours at lag 1 + j that the entering voxel sees less what the leaving one saw.
void two_point_change(const std::uint64_t* entering_ahead, const std::uint64_t* entering_behind,
                      const std::uint64_t* leaving_ahead, const std::uint64_t* leaving_behind,
                      std::size_t lags, std::int32_t* change);

// Change of the lineal-path hits when a voxel leaves between runs of la and lb voxels and another
// enters between runs of ea and eb voxels.
void lineal_path_change(std::int32_t ea, std::int32_t eb, std::int32_t la, std::int32_t lb,
                        std::size_t lags, std::int32_t* change);

// Sum of change * (slope + curvature * change).
double energy_change(const std::int32_t* change, const float* slope, const float* curvature,
                     std::size_t lags);

}  // namespace microtwin
