// What one CUDA thread does: where its bits are, and how it counts them. Plain C++ unless nvcc
// compiles it, so that a test can do the work of every thread on a machine without a GPU.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <vector>

#include "microtwin/grid.hpp"

#if defined(__CUDACC__)
#define MICROTWIN_DEVICE __host__ __device__
#else
#define MICROTWIN_DEVICE
#endif
#if defined(__CUDA_ARCH__)  // the host's compiler knows no such pragma
#define MICROTWIN_PRAGMA(text) _Pragma(#text)
#define MICROTWIN_UNROLL(times) MICROTWIN_PRAGMA(unroll times)
#else
#define MICROTWIN_UNROLL(times)
#endif

namespace microtwin::cuda {

inline constexpr int kThreads = 256;       // of a block
inline constexpr int kLagBlock = 8;        // lags that a thread counts pairs of at once
inline constexpr int kPairPositions = 32;  // voxels of a line whose pairs a thread counts
inline constexpr int kPathPositions = 8;   // voxels of a line whose segments a thread counts

MICROTWIN_DEVICE inline std::int64_t ceil_div(std::int64_t a, std::int64_t b) {
    return (a + b - 1) / b;
}

MICROTWIN_DEVICE inline std::uint32_t ones(std::uint64_t word) {
#if defined(__CUDA_ARCH__)
    return static_cast<std::uint32_t>(__popcll(static_cast<unsigned long long>(word)));
#else
    return static_cast<std::uint32_t>(std::popcount(word));
#endif
}

// Consecutive rows of a volume that are copied to the device at once: whole slices, or whole words
// of rows of one slice.
struct Strip {
    std::int64_t z, slices;  // first slice, how many
    std::int64_t y, rows;    // first row in each of them, how many
};

inline std::vector<Strip> strips(const Shape3& shape, std::int64_t voxels) {
    std::vector<Strip> result;
    const std::int64_t slices = voxels / (shape[1] * shape[2]);
    if (slices > 0) {
        for (std::int64_t z = 0; z < shape[0]; z += slices)
            result.push_back({z, std::min(slices, shape[0] - z), 0, shape[1]});
        return result;
    }
    const std::int64_t rows = std::max<std::int64_t>(voxels / shape[2] / 64, 1) * 64;
    for (std::int64_t z = 0; z < shape[0]; ++z)
        for (std::int64_t y = 0; y < shape[1]; y += rows)
            result.push_back({z, 1, y, std::min(rows, shape[1] - y)});
    return result;
}

// One line of each of 64 neighbours, a word for each voxel along it.
struct Line {
    const std::uint64_t* words;
    std::int64_t stride, length;
    bool periodic;

    MICROTWIN_DEVICE std::uint64_t inside(std::int64_t i) const {
        return i < length ? words[i * stride] : 0;
    }
    // Beyond the last voxel: the line once more where it wraps, otherwise nothing.
    MICROTWIN_DEVICE std::uint64_t at(std::int64_t i) const {
        if (i < length) return words[i * stride];
        return periodic ? inside(i - length) : 0;
    }
};

// All lines along one axis of a bit mask [outer][row][word]; a column is the word that holds one
// bit of each of 64 lines.
struct Lines {
    std::int64_t length, columns;
    std::int64_t words;                     // columns of one outer index
    std::int64_t row_stride, outer_stride;  // in words

    MICROTWIN_DEVICE Line line(const std::uint64_t* mask, std::int64_t column,
                               bool periodic) const {
        return {mask + column / words * outer_stride + column % words, row_stride, length,
                periodic};
    }
};

// Along axis 0 or 1 the bits of a word lie along x, mask (z, y, ceil(x / 64)); along axis 2 they
// lie along y, mask (z, x, ceil(y / 64)).
inline Lines lines_along(const Shape3& shape, int axis) {
    const std::int64_t rows = shape[axis == 2 ? 2 : 1];
    const std::int64_t words = ceil_div(shape[axis == 2 ? 1 : 2], 64);
    if (axis == 0) return {shape[0], rows * words, rows * words, rows * words, 0};
    return {rows, shape[0] * words, words, words, rows * words};
}

// The word of a mask for axis 2 that holds rows y .. y + 63 of one slice at one x, where the label
// of row y is at `top` and `rows` rows are left.
MICROTWIN_DEVICE inline std::uint64_t pack_down(const std::uint8_t* top, std::int64_t rows,
                                                std::int64_t width, std::uint8_t phase) {
    std::uint64_t word = 0;
    for (int bit = 0; bit < 64 && bit < rows; ++bit)
        word |= static_cast<std::uint64_t>(top[bit * width] == phase) << bit;
    return word;
}

// Deals a count out to blocks of threads. All threads of a block have the same lags; neighbouring
// threads have neighbouring columns, which lie side by side in memory. A thread too many begins
// behind the end of its line, where there is nothing to count.
struct Work {
    Lines lines;
    std::int64_t positions;  // of a line, for one thread
    std::int64_t lags;       // for one thread
    std::int64_t reach;      // largest lag

    MICROTWIN_DEVICE std::int64_t threads() const {
        return lines.columns * ceil_div(lines.length, positions);
    }
    MICROTWIN_DEVICE std::int64_t blocks() const {
        return ceil_div(threads(), kThreads) * ceil_div(reach + 1, lags);
    }
    struct Share {
        std::int64_t column, position, lag;
    };
    MICROTWIN_DEVICE Share share(std::int64_t block, int thread) const {
        const std::int64_t across = ceil_div(threads(), kThreads);
        const std::int64_t item = block % across * kThreads + thread;
        return {item % lines.columns, item / lines.columns * positions, block / across * lags};
    }
};

inline Work pair_work(const Lines& lines, std::int64_t reach) {
    return {lines, kPairPositions, kLagBlock, reach};
}

inline Work path_work(const Lines& lines, std::int64_t reach) {
    return {lines, kPathPositions, reach + 1, reach};
}

// Adds to hits[j] the pairs of lag `lag` + j that begin at one of kPairPositions voxels.
MICROTWIN_DEVICE inline void count_pairs(const Line& line, std::int64_t position, std::int64_t lag,
                                         std::uint32_t (&hits)[kLagBlock]) {
    std::uint64_t ahead[kLagBlock];  // what the voxel sees at each lag; one word is new at a step
    for (int j = 1; j < kLagBlock; ++j) ahead[j] = line.at(position + lag + j - 1);
    MICROTWIN_UNROLL(8)
    for (int k = 0; k < kPairPositions; ++k) {
        for (int j = 1; j < kLagBlock; ++j) ahead[j - 1] = ahead[j];
        ahead[kLagBlock - 1] = line.at(position + k + lag + kLagBlock - 1);
        const std::uint64_t here = line.inside(position + k);
        for (int j = 0; j < kLagBlock; ++j) hits[j] += ones(here & ahead[j]);
    }
}

// Segments that begin at kPathPositions voxels, all of the same length, which grows.
class Paths {
  public:
    MICROTWIN_DEVICE Paths(const Line& line, std::int64_t position)
        : line_(line), next_(position + kPathPositions) {
        for (int k = 0; k < kPathPositions; ++k) alive_[k] = line_.inside(position + k);
        for (int k = 0; k < kPathPositions; ++k) ahead_[k] = line_.at(position + k);
    }
    // How many lie wholly in the phase.
    MICROTWIN_DEVICE std::uint32_t count() const {
        std::uint32_t sum = 0;
        for (int k = 0; k < kPathPositions; ++k) sum += ones(alive_[k]);
        return sum;
    }
    MICROTWIN_DEVICE void lengthen() {
        for (int k = 1; k < kPathPositions; ++k) ahead_[k - 1] = ahead_[k];
        ahead_[kPathPositions - 1] = line_.at(next_++);
        for (int k = 0; k < kPathPositions; ++k) alive_[k] &= ahead_[k];
    }

  private:
    Line line_;
    std::int64_t next_;
    std::uint64_t alive_[kPathPositions], ahead_[kPathPositions];
};

}  // namespace microtwin::cuda
