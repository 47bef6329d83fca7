// Exact integer counts of the correlation functions along the axes of a voxel grid.
//
// S. Torquato, Random Heterogeneous Materials (2002), chapters 2 and 12.
#pragma once

#include <cstdint>
#include <vector>

#include "microtwin/grid.hpp"

namespace microtwin {

struct CountOptions {
    std::int64_t max_lag = 0;  // lags 0 .. max_lag are counted
    bool periodic = false;     // wrap at the faces, or count only what lies inside
    int threads = 1;
};

// hits[r] of trials[r] events happened at lag r. Where a lag does not fit the axis, both are zero.
struct LagCounts {
    std::vector<std::int64_t> hits;
    std::vector<std::int64_t> trials;
};

// Maximal runs of a phase along lines: length[l] runs of exactly l voxels. A periodic line that is
// all phase is no run: it has no end. Such lines are counted in `rings`.
struct RunLengths {
    std::vector<std::int64_t> length;
    std::int64_t rings = 0;
};

// Pairs (x, x + r e) with both ends in the phase; one entry for each axis asked for.
std::vector<LagCounts> two_point(const LabelView& labels, std::uint8_t phase,
                                 const std::vector<int>& axes, const CountOptions& options);

// Segments of r + 1 voxels that lie wholly in the phase.
std::vector<LagCounts> lineal_path(const LabelView& labels, std::uint8_t phase,
                                   const std::vector<int>& axes, const CountOptions& options);

// Histogram of run lengths 0 .. n along each axis asked for, n the side along it.
std::vector<RunLengths> run_lengths(const LabelView& labels, std::uint8_t phase,
                                    const std::vector<int>& axes, bool periodic, int threads);

// Throws std::invalid_argument unless these can be counted.
void check_count(const LabelView& labels, const std::vector<int>& axes,
                 const CountOptions& options);

// How many pairs (or segments) of lag r there are along an axis.
std::vector<std::int64_t> lag_trials(const Shape3& shape, int axis, std::int64_t max_lag,
                                     bool periodic);

}  // namespace microtwin
