// Networks of parts: connected groups of voxels, or of smaller parts, within blocks of 2 x 2 x 2.
//
// As two parts of one block are not joined, a network of blocks coloured like a chess-board is
// coloured as well, but for edges around a periodic structure of an odd number of blocks.
#pragma once

#include <cstdint>
#include <vector>

#include "voxel_network.hpp"

namespace microtwin {

struct CoarseGraph {
    Shape3 blocks;
    std::vector<std::int32_t> first;   // part of each block, in C order, and the count of parts
    std::vector<std::int32_t> parent;  // part of the next coarser network; -1 where nothing flows
    // Of a network of parts of parts: those of part i are member_begin[i]..member_begin[i + 1].
    std::vector<std::int32_t> member;
    std::vector<std::int64_t> member_begin;
    // Edges of part i are begin[i]..begin[i + 1]; those up to near[i] lead to the other colour.
    std::vector<std::int64_t> begin, near;
    std::vector<std::int32_t> neighbour;
    std::vector<float> conductance;
    std::vector<float> ground;   // to where the potential is held
    std::vector<float> inverse;  // of all conductances of a part together; 0 where there are none
    std::vector<std::uint8_t> colour;

    std::int64_t size() const { return static_cast<std::int64_t>(ground.size()); }
};

// Half the sum of the conductances between two parts: these are twice as far apart as their
// members, a factor that only the sums within one network know nothing of.
inline constexpr float kCoarser = 0.5F;

// Parts of voxels; `part` gets the number of each voxel's in padded rows. What does not conduct is
// in the first, empty part of its row of blocks.
CoarseGraph coarsened(const VoxelNetwork& fine, Padded<std::int32_t>& part, int threads);

// Parts of parts; the finer network is told the parent of each.
CoarseGraph coarsened(CoarseGraph& fine);

}  // namespace microtwin
