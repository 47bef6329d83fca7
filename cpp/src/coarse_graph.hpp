// Networks of parts: groups of voxels, or of smaller parts, that are strongly joined within a block
// of 2 x 2 x 2.
//
// Blocks are coloured like a chess-board, so that all of a colour can be relaxed at once; the last
// ones of a periodic structure of an odd number of blocks have colours of their own.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "voxel_network.hpp"

namespace microtwin {

struct CoarseGraph {
    Shape3 blocks;
    std::array<bool, 3> periodic{};
    std::vector<std::int32_t> first;   // part of each block, in C order, and the count of parts
    std::vector<std::uint8_t> colour;  // of each block
    int colours = 2;
    std::vector<std::int32_t> parent;  // part of the next coarser network; -1 where nothing flows
    // Of a network of parts of parts: those of part i are member_begin[i]..member_begin[i + 1].
    std::vector<std::int32_t> member;
    std::vector<std::int64_t> member_begin;
    // Edges of part i are begin[i]..begin[i + 1]. From near[i] on they lead to other blocks of the
    // same colour, in the corners of some periodic structures: relaxation does not look at them.
    std::vector<std::int64_t> begin, near;
    std::vector<std::int32_t> neighbour;
    std::vector<float> conductance;
    std::vector<float> ground;    // to where the potential is held
    std::vector<float> diagonal;  // all conductances of a part together
    std::vector<float> halfway;   // resistance from a part to the middle of its parent

    std::int64_t size() const { return static_cast<std::int64_t>(ground.size()); }
};

// An edge of members seen as one of their parts is longer: it goes on to the middle of either part.
// How much that adds in series, the two `halfway` resistances, is half that of a member's best edge
// within its part; in a uniform medium this doubles the length, but not where a part is one member,
// nor where a neck or a film is all that counts.
inline float lengthened(float conductance, float halfway) {
    return conductance / (1 + conductance * halfway);
}

// Two voxels of a block are strongly joined if their conductance is this share of the largest that
// either has to a neighbour; a part is strongly joined to another if it is of the largest that it
// has itself, so that a film goes with one of the wires beside it, and does not join them.
inline constexpr float kStrong = 0.1F;

// So many parts are made one at most: the flow within a part is found by equations of all of them.
inline constexpr std::size_t kMembers = 32;

// Of each voxel, in padded rows.
struct VoxelParts {
    // What does not conduct is in the first, empty part of its row of blocks.
    Padded<std::int32_t> part;
    Padded<float> halfway;  // resistance to the middle of its part
};

// Parts of voxels, and which voxel is in which.
CoarseGraph coarsened(const VoxelNetwork& fine, VoxelParts& parts, int threads);

// Parts of parts; the finer network is told the parent of each.
CoarseGraph coarsened(CoarseGraph& fine, int threads);

}  // namespace microtwin
