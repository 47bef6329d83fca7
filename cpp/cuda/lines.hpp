// What one CUDA thread counts: where its lines are, and how it follows them.
#pragma once

#include <algorithm>
#include <cstdint>

#include "microtwin/grid.hpp"
#include "microtwin/statistics.hpp"
#include "thread.hpp"

namespace microtwin::cuda {

inline constexpr int kLagBlock = 8;        // lags that a thread counts pairs of at once
inline constexpr int kPairPositions = 32;  // voxels of a line whose pairs a thread counts
inline constexpr int kPathPositions = 8;   // voxels of a line whose segments a thread counts

struct Voxel {
    std::int64_t z, y, x;
};

// The voxels of a bit mask [z][y][word of x], and a step through them that goes up in z or, within
// a slice, in y.
struct Lattice {
    std::int64_t depth, height, width;  // voxels along z, y, x
    std::int64_t words;                 // of a row; zeros follow its last voxel
    int dz, dy, dx;
    bool periodic;

    // Voxels of a line: from the first slice to the last, or from the first row.
    MICROTWIN_DEVICE std::int64_t length() const { return dz != 0 ? depth : height; }
    // Where so many steps lead, perhaps outside.
    MICROTWIN_DEVICE Voxel walk(const Voxel& from, std::int64_t steps) const {
        const Voxel to{from.z + dz * steps, from.y + dy * steps, from.x + dx * steps};
        return periodic ? Voxel{wrapped(to.z, depth), wrapped(to.y, height), wrapped(to.x, width)}
                        : to;
    }

  private:
    MICROTWIN_DEVICE static std::int64_t wrapped(std::int64_t i, std::int64_t side) {
        i %= side;
        return i < 0 ? i + side : i;
    }
};

// Lines along x are lines along y of a mask with x and y exchanged.
inline bool needs_turned(const Step& step) { return step[0] == 0 && step[1] == 0; }

inline Lattice lattice_along(const Shape3& shape, const Step& step, bool periodic) {
    const auto [dz, dy, dx] = step;
    if (needs_turned(step))
        return {shape[0], shape[2], shape[1], ceil_div(shape[1], 64), 0, 1, 0, periodic};
    return {shape[0], shape[1], shape[2], ceil_div(shape[2], 64), dz, dy, dx, periodic};
}

// 64 lines side by side in x, followed step by step. What lies outside is zero.
class Line {
  public:
    MICROTWIN_DEVICE Line(const std::uint64_t* mask, const Lattice& lattice, const Voxel& at)
        : mask_(mask), lattice_(lattice), at_(at),
          row_((at.z * lattice.height + at.y) * lattice.words) {}

    // The voxels that the lines are at. Goes one step on.
    MICROTWIN_DEVICE std::uint64_t next() {
        const std::uint64_t word = here();
        step();
        return word;
    }

  private:
    MICROTWIN_DEVICE std::uint64_t here() const {
        if (at_.z >= lattice_.depth || at_.y < 0 || at_.y >= lattice_.height) return 0;
        if (lattice_.dx == 0) return mask_[row_ + at_.x / 64];  // these begin at whole words
        std::uint64_t word = bits(at_.x);
        // Round again, once: there are no more lines than voxels of the row.
        const std::int64_t left = lattice_.width - at_.x;
        if (lattice_.periodic && left < 64) word |= mask_[row_] << left;
        return word;
    }
    // 64 voxels of the row from x on.
    MICROTWIN_DEVICE std::uint64_t bits(std::int64_t x) const {
        if (x <= -64 || x >= lattice_.width) return 0;
        if (x < 0) return mask_[row_] << -x;
        const std::int64_t word = x / 64, shift = x % 64;
        std::uint64_t result = mask_[row_ + word] >> shift;
        if (shift != 0 && word + 1 < lattice_.words)
            result |= mask_[row_ + word + 1] << (64 - shift);
        return result;
    }
    MICROTWIN_DEVICE void step() {
        const std::int64_t slice = lattice_.height * lattice_.words;
        at_ = {at_.z + lattice_.dz, at_.y + lattice_.dy, at_.x + lattice_.dx};
        row_ += lattice_.dz * slice + lattice_.dy * lattice_.words;
        if (!lattice_.periodic) return;
        if (at_.z == lattice_.depth) {
            at_.z = 0;
            row_ -= lattice_.depth * slice;
        }
        if (at_.y == lattice_.height) {
            at_.y = 0;
            row_ -= slice;
        } else if (at_.y < 0) {
            at_.y = lattice_.height - 1;
            row_ += slice;
        }
        if (at_.x == lattice_.width) at_.x = 0;
        if (at_.x < 0) at_.x = lattice_.width - 1;
    }

    const std::uint64_t* mask_;
    const Lattice& lattice_;  // of the kernel's arguments
    Voxel at_;                // of the first of the lines
    std::int64_t row_;        // where the words of its row begin
};

// What one thread has to do: everything that begins in successive voxels of 64 lines.
struct Share {
    Voxel first;          // of the first line
    std::int64_t rows;    // voxels of each line; none where there are more threads than work
    std::uint64_t lines;  // which of the 64 there are
    std::int64_t lag;     // the first one to be counted

    // The lines on which something may begin k voxels on.
    MICROTWIN_DEVICE std::uint64_t begin(std::int64_t k) const { return k < rows ? lines : 0; }
};

// Deals a count out to blocks of threads. All threads of a block have the same lags; neighbouring
// threads have neighbouring words, which lie side by side in memory. Every voxel is in one share:
// where lines lean and do not wrap, some enter through the sides of the few rows of a share, and so
// the first and last words of lines begin outside.
struct Work {
    Lattice lattice;
    std::int64_t positions;  // of a line, for one thread
    std::int64_t lags;       // for one thread
    std::int64_t reach;      // largest lag

    MICROTWIN_DEVICE std::int64_t threads() const {
        return words() * siblings() * ceil_div(lattice.length(), positions);
    }
    MICROTWIN_DEVICE std::int64_t blocks() const {
        return ceil_div(threads(), kThreads) * ceil_div(reach + 1, lags);
    }
    MICROTWIN_DEVICE Share share(std::int64_t block, int thread) const {
        const std::int64_t across = ceil_div(threads(), kThreads);
        const std::int64_t item = block % across * kThreads + thread;
        const std::int64_t line = item / words() % siblings();
        const std::int64_t row = item / words() / siblings() * positions;
        const std::int64_t y = line - (lattice.dy > 0 ? lead_y() : 0);
        const std::int64_t x = item % words() * 64 - (lattice.dx > 0 ? lead_x() : 0);
        const std::int64_t left = lattice.width - x;
        return {lattice.dz != 0 ? Voxel{row, y, x} : Voxel{line, row, x},
                least(positions, lattice.length() - row),
                lattice.periodic && left < 64 ? (std::uint64_t{1} << left) - 1 : ~std::uint64_t{0},
                block / across * lags};
    }
    // The lines of a share, `ahead` voxels on.
    MICROTWIN_DEVICE Line line(const std::uint64_t* mask, const Share& share,
                               std::int64_t ahead) const {
        return {mask, lattice, lattice.walk(share.first, ahead)};
    }

  private:
    MICROTWIN_DEVICE std::int64_t lead(bool leans) const {
        return leans && !lattice.periodic ? positions - 1 : 0;
    }
    MICROTWIN_DEVICE std::int64_t lead_x() const { return lead(lattice.dx != 0); }
    MICROTWIN_DEVICE std::int64_t lead_y() const {
        return lead(lattice.dz != 0 && lattice.dy != 0);
    }
    MICROTWIN_DEVICE std::int64_t words() const { return ceil_div(lattice.width + lead_x(), 64); }
    // Rows of such words side by side.
    MICROTWIN_DEVICE std::int64_t siblings() const {
        return lattice.dz != 0 ? lattice.height + lead_y() : lattice.depth;
    }
};

inline Work pair_work(const Shape3& shape, const Step& step, const CountOptions& options) {
    const std::int64_t reach = std::min(options.max_lag, lag_bound(shape, step) - 1);
    return {lattice_along(shape, step, options.periodic), kPairPositions, kLagBlock, reach};
}

inline Work path_work(const Shape3& shape, const Step& step, const CountOptions& options) {
    const std::int64_t reach = std::min(options.max_lag, lag_bound(shape, step) - 1);
    return {lattice_along(shape, step, options.periodic), kPathPositions, reach + 1, reach};
}

// Chords without a window are counted like paths. Inside a window a ring has no place for a chord
// of all but one of its voxels.
inline Work windowed_chord_work(const Shape3& shape, const Step& step,
                                const CountOptions& options) {
    Work work = path_work(shape, step, options);
    const std::int64_t fits = lag_bound(shape, step) - (options.periodic ? 2 : 1);
    work.reach = std::max<std::int64_t>(std::min(work.reach, fits), 0);
    work.lags = work.reach + 1;
    return work;
}

// Adds to hits[j] the pairs of lag share.lag + j that begin in a share, in a mask, and end in
// another or the same.
MICROTWIN_DEVICE inline void count_pairs(const Work& work, const Share& share,
                                         const std::uint64_t* first, const std::uint64_t* second,
                                         std::uint32_t (&hits)[kLagBlock]) {
    Line from = work.line(first, share, 0), to = work.line(second, share, share.lag);
    std::uint64_t ahead[kLagBlock];  // what a voxel sees at each lag; one word is new at a step
    for (int j = 1; j < kLagBlock; ++j) ahead[j] = to.next();
    MICROTWIN_UNROLL(8)
    for (int k = 0; k < kPairPositions; ++k) {
        for (int j = 1; j < kLagBlock; ++j) ahead[j - 1] = ahead[j];
        ahead[kLagBlock - 1] = to.next();
        const std::uint64_t here = from.next() & share.begin(k);
        for (int j = 0; j < kLagBlock; ++j) hits[j] += ones(here & ahead[j]);
    }
}

// kPathPositions successive voxels of each line, which move along.
class Frame {
  public:
    MICROTWIN_DEVICE explicit Frame(const Line& line) : line_(line) {
        for (int k = 0; k < kPathPositions; ++k) words_[k] = line_.next();
    }
    MICROTWIN_DEVICE std::uint64_t operator[](int k) const { return words_[k]; }
    MICROTWIN_DEVICE void move() {
        for (int k = 1; k < kPathPositions; ++k) words_[k - 1] = words_[k];
        words_[kPathPositions - 1] = line_.next();
    }

  private:
    Line line_;
    std::uint64_t words_[kPathPositions];
};

// Segments of r + 1 voxels of a mask that begin in a share; r grows from 0.
class Paths {
  public:
    MICROTWIN_DEVICE Paths(const Work& work, const Share& share, const std::uint64_t* mask,
                           const std::uint64_t*)
        : ends_(work.line(mask, share, 0)) {
        for (int k = 0; k < kPathPositions; ++k) open_[k] = share.begin(k) & ends_[k];
    }
    // How many lie wholly in the mask.
    MICROTWIN_DEVICE std::uint32_t count() const {
        std::uint32_t sum = 0;
        for (int k = 0; k < kPathPositions; ++k) sum += ones(open_[k]);
        return sum;
    }
    MICROTWIN_DEVICE bool may_grow() const { return count() != 0; }
    MICROTWIN_DEVICE void lengthen() {
        ends_.move();
        for (int k = 0; k < kPathPositions; ++k) open_[k] &= ends_[k];
    }

  private:
    Frame ends_;
    std::uint64_t open_[kPathPositions];
};

// Runs of r voxels of a mask behind a voxel of another, the border, that begin in a share; r grows
// from 0.
class Chords {
  public:
    MICROTWIN_DEVICE Chords(const Work& work, const Share& share, const std::uint64_t* mask,
                            const std::uint64_t* border)
        : inner_(work.line(mask, share, 1)), ends_(work.line(border, share, 1)) {
        Line first = work.line(border, share, 0);
        for (int k = 0; k < kPathPositions; ++k) open_[k] = share.begin(k) & first.next();
    }
    // How many end at the border too.
    MICROTWIN_DEVICE std::uint32_t count() const {
        std::uint32_t sum = 0;
        for (int k = 0; k < kPathPositions; ++k) sum += ones(open_[k] & ends_[k]);
        return sum;
    }
    MICROTWIN_DEVICE bool may_grow() const {
        std::uint64_t any = 0;
        for (int k = 0; k < kPathPositions; ++k) any |= open_[k];
        return any != 0;
    }
    MICROTWIN_DEVICE void lengthen() {
        for (int k = 0; k < kPathPositions; ++k) open_[k] &= inner_[k];
        inner_.move();
        ends_.move();
    }

  private:
    Frame inner_, ends_;
    std::uint64_t open_[kPathPositions];
};

}  // namespace microtwin::cuda
