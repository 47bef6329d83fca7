// One volume that many walkers anneal at a time, each within a block of its own.
//
// A sweep cuts the volume into blocks, shifted at random, and visits them colour by colour: between
// any two blocks of a colour there is a whole one of another, so that no walker sees what another
// writes. Each starts from the hits of the whole and mends its part of the error; the changes of
// hits are whole numbers and add up to those of the volume, whatever the order.
#pragma once

#include <array>
#include <stdexcept>
#include <vector>

#include "problem.hpp"

namespace microtwin::cuda {

class BlockGrid {
  public:
    // Blocks have sides of at least `block` voxels, but for volumes that are not two such wide:
    // those are not cut along that axis.
    BlockGrid(const Shape3& shape, std::int64_t block, std::int64_t reach) : shape_(shape) {
        if (block < 1 || block < reach)
            throw std::invalid_argument("block must be at least the largest lag");
        for (int axis = 0; axis < 3; ++axis) {
            const std::int64_t pairs = shape[axis] / 2 / block;
            counts_[at(axis)] = pairs > 0 ? 2 * pairs : 1;
        }
    }

    std::int64_t blocks() const { return counts_[0] * counts_[1] * counts_[2]; }
    int colours() const { return colours(0) * colours(1) * colours(2); }
    std::int64_t active() const { return blocks() / colours(); }  // of each colour
    // The blocks of a colour, where the first block of all begins at a voxel.
    std::vector<Box> of_colour(int colour, const Offset& shift) const {
        const int odd[3] = {colour / colours(2) / colours(1), colour / colours(2) % colours(1),
                            colour % colours(2)};
        std::vector<Box> result;
        for (std::int64_t z = odd[0]; z < counts_[0]; z += 2)
            for (std::int64_t y = odd[1]; y < counts_[1]; y += 2)
                for (std::int64_t x = odd[2]; x < counts_[2]; x += 2)
                    result.push_back(box({z, y, x}, shift));
        return result;
    }

  private:
    static std::size_t at(int axis) { return static_cast<std::size_t>(axis); }
    int colours(int axis) const { return counts_[at(axis)] > 1 ? 2 : 1; }
    std::int64_t edge(int axis, std::int64_t i) const {
        return i * shape_[axis] / counts_[at(axis)];
    }
    Box box(const Offset& cell, const Offset& shift) const {
        Box result{};
        for (int axis = 0; axis < 3; ++axis) {
            const std::int64_t begin = edge(axis, cell[at(axis)]);
            result.origin[axis] =
                static_cast<std::uint32_t>(wrapped(begin + shift[at(axis)], shape_[axis]));
            result.sides[axis] = static_cast<std::uint32_t>(edge(axis, cell[at(axis)] + 1) - begin);
        }
        return result;
    }

    Shape3 shape_;
    std::array<std::int64_t, 3> counts_{};
};

// The blocks that are annealed together, and how.
struct Round {
    std::vector<Box> boxes;
    std::vector<std::int64_t> proposals;  // of each
    std::vector<double> target;           // of each of them alike
    std::uint64_t seed = 0;               // of the first, and so on
};

// One sweep: play(round, hits) anneals the blocks of a round and adds the changes to the hits.
template <class Play>
void sweep(const Plan& plan, const BlockGrid& grid, const Shape3& shape, std::int64_t proposals,
           Xoshiro256& random, std::vector<std::int64_t>& hits, Play&& play) {
    Offset shift{};
    for (int axis = 0; axis < 3; ++axis)
        shift[static_cast<std::size_t>(axis)] = static_cast<std::int64_t>(below(
            static_cast<std::uint32_t>(random.next()), static_cast<std::uint64_t>(shape[axis])));
    const std::int64_t all = grid.blocks();
    std::int64_t done = 0;
    for (int colour = 0; colour < grid.colours(); ++colour) {
        Round round{
            grid.of_colour(colour, shift), {}, plan.shared_target(hits, all - done), random.next()};
        for (std::size_t i = 0; i < round.boxes.size(); ++i, ++done)
            round.proposals.push_back(proposals / all + (done < proposals % all ? 1 : 0));
        play(round, hits);
    }
}

// Its hits have room for the active blocks.
inline std::vector<Task> block_tasks(const Plan& plan, const Round& round, const Arena& arena) {
    std::vector<Task> tasks;
    std::int64_t site = 0;
    for (std::size_t i = 0; i < round.boxes.size(); ++i) {
        const Box& box = round.boxes[i];
        tasks.push_back({box, arena.labels, arena.bits, arena.sites + site, arena.target,
                         arena.start, arena.hits + static_cast<std::int64_t>(i) * plan.table_size(),
                         arena.total, arena.accepted, round.proposals[i], round.seed + i});
        site += box.size();
    }
    return tasks;
}

inline void check_sweeps(const Sweeps& sweeps) {
    if (sweeps.count < 0) throw std::invalid_argument("sweeps must be at least 0");
    if (sweeps.proposals < 0) throw std::invalid_argument("proposals must be at least 0");
}

}  // namespace microtwin::cuda
