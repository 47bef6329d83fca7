// The two-point cluster function: both ends of a lag lie in one and the same cluster.
//
// S. Torquato, J. D. Beasley and Y. C. Chiew, J. Chem. Phys. 88, 6540 (1988).
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "microtwin/grid.hpp"
#include "microtwin/statistics.hpp"

namespace microtwin {

// Cluster of each voxel, 0 for none, that somebody else owns, contiguous in C order.
struct ClusterView {
    const std::int32_t* data = nullptr;
    Shape3 shape;

    const std::int32_t* row(std::int64_t z, std::int64_t y) const {
        return data + (z * shape[1] + y) * shape[2];
    }
};

// Pairs (x, x + r e) with both ends in one cluster, for each step e, whose components along z, y
// and x are -1, 0 or 1. A lag must be shorter than every side that its step runs along: others have
// no trials.
std::vector<LagCounts> cluster_pairs(const ClusterView& clusters,
                                     const std::vector<std::array<int, 3>>& steps,
                                     const CountOptions& options);

}  // namespace microtwin
