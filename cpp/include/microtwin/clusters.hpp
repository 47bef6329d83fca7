// The two-point cluster function: both ends of a lag lie in one and the same cluster.
//
// S. Torquato, J. D. Beasley and Y. C. Chiew, J. Chem. Phys. 88, 6540 (1988).
#pragma once

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

// Pairs (x, x + r e) with both ends in one cluster; one entry for each step e. Where a lag does not
// fit the shape, there are no trials.
std::vector<LagCounts> cluster_pairs(const ClusterView& clusters, const std::vector<Step>& steps,
                                     const CountOptions& options);

}  // namespace microtwin
