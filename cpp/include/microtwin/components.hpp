// Connected clusters of one phase: their numbers, sizes and how far they reach.
//
// A. Rosenfeld and J. L. Pfaltz, J. ACM 13, 471 (1966); winding of periodic clusters after
// J. Machta et al., Phys. Rev. E 54, 1332 (1996).
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "microtwin/grid.hpp"

namespace microtwin {

// How many of the three coordinates of two neighbours may differ by one.
enum class Neighbours { face = 1, edge = 2, corner = 3 };

struct ClusterOptions {
    Neighbours neighbours = Neighbours::face;
    bool periodic = false;  // clusters go on across the faces
    int threads = 1;
};

// Clusters are numbered 1, 2, ... in the order of their first voxels; entry k - 1 is cluster k.
struct Clusters {
    std::vector<std::int64_t> sizes;  // voxels
    // Whether it percolates along z, y and x: it touches both faces, or, where it is periodic, it
    // winds around: a way along it leads from a voxel to the image of that voxel in another cell.
    std::vector<std::array<std::uint8_t, 3>> percolates;
};

// Finds the clusters of a phase, and writes the number of each voxel's cluster to `image`, 0
// outside the phase, unless `image` is null. The result does not depend on the threads.
Clusters find_clusters(const LabelView& labels, std::uint8_t phase, const ClusterOptions& options,
                       std::int32_t* image);

}  // namespace microtwin
