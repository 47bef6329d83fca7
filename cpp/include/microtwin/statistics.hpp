// Exact integer counts of the correlation functions along directions of a voxel grid.
//
// S. Torquato, Random Heterogeneous Materials (2002), chapters 2 and 12.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "microtwin/grid.hpp"

namespace microtwin {

struct CountOptions {
    std::int64_t max_lag = 0;  // lags 0 .. max_lag are counted
    bool periodic = false;     // wrap at the faces, or count only what lies inside
    int threads = 1;
};

// hits[r] of trials[r] events happened at lag r. Where a lag does not fit the shape, both are zero.
struct LagCounts {
    std::vector<std::int64_t> hits;
    std::vector<std::int64_t> trials;
};

// Pairs (x, x + r e) with the first phase at x and the second at x + r e; one entry for each step
// e.
std::vector<LagCounts> two_point(const Sample& sample, std::uint8_t first, std::uint8_t second,
                                 const std::vector<Step>& steps, const CountOptions& options);

// Segments of r + 1 voxels that lie wholly in the phase.
std::vector<LagCounts> lineal_path(const Sample& sample, std::uint8_t phase,
                                   const std::vector<Step>& steps, const CountOptions& options);

// Chords: runs of exactly r voxels of the phase with a voxel that is none at either end. A trial is
// a place where one could be seen: r + 2 voxels inside, or, where lines wrap, any voxel.
std::vector<LagCounts> chord_lengths(const Sample& sample, std::uint8_t phase,
                                     const std::vector<Step>& steps, const CountOptions& options);

struct Share {
    std::int64_t hits, trials;
};

// Of all pairs of neighbours along each step, those of which one is of the phase.
std::vector<Share> interfaces(const Sample& sample, std::uint8_t phase,
                              const std::vector<Step>& steps, bool periodic, int threads);

// How many voxels of each label there are.
std::array<std::int64_t, 256> label_counts(const Sample& sample, int threads);

// Throws std::invalid_argument unless these can be counted.
void check_count(const Sample& sample, const std::vector<Step>& steps, const CountOptions& options);

// How many lags 0, 1, ... fit a shape along a step: the least of the sides it moves along.
std::int64_t lag_bound(const Shape3& shape, const Step& step);

// How many pairs (or segments) of lag r there are along a step where there is no window; with
// `margin`, how many of them have so many voxels more inside, counted over both ends.
std::vector<std::int64_t> lag_trials(const Shape3& shape, const Step& step, std::int64_t max_lag,
                                     bool periodic, std::int64_t margin = 0);

}  // namespace microtwin
