// Exact Euclidean distances to the nearest voxel outside a phase.
//
// A. Meijster, J. Roerdink, W. Hesselink, in: Mathematical Morphology and its Applications to Image
// and Signal Processing (2000), 331; P. Felzenszwalb, D. Huttenlocher, Theory of Computing 8, 415
// (2012).
#pragma once

#include <cstdint>

#include "microtwin/grid.hpp"

namespace microtwin {

inline constexpr std::int64_t kNoLimit = std::int64_t{1} << 15;

// distances[i] becomes the squared distance, in voxels, from the centre of voxel i to that of the
// nearest voxel that is not of the phase; 0 outside the phase. What lies beyond the faces is no
// other phase, unless the structure goes on periodically. `distances` has the size and the order of
// the labels.
//
// Where a `limit` in voxels is given, distances greater than it may come out too great, and the
// search for them is the shorter.
//
// Throws std::invalid_argument where every voxel is of the phase, or where the squares of the sides
// add up to more than 10^9, so that distances might not fit.
void squared_distances(const LabelView& labels, std::uint8_t phase, bool periodic, int threads,
                       std::int32_t* distances, std::int64_t limit = kNoLimit);

}  // namespace microtwin
