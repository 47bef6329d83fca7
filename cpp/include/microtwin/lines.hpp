// Parallel lines of a bit mask, 512 at a time: what the counting kernels read.
#pragma once

#include <cstdint>

#include "microtwin/bits.hpp"
#include "microtwin/grid.hpp"

namespace microtwin {

inline constexpr int kBundleWords = 8;  // 8 words of 64 bits: one cache line, one AVX-512 register

struct Range {
    std::int64_t begin, end;

    std::int64_t size() const { return end - begin; }
};

// All lines of a mask along a step that has a z or a y component, 64 to a word, in bundles of
// kBundleWords words. Bit b of word k of row i of a bundle is voxel i of one line; what lies
// outside the mask is zero. Every voxel is on one line, at one row below length(); where lines
// wrap, they go on behind their last row. The mask must outlive the lines.
class LineBundles {
  public:
    LineBundles(const PhaseMask& mask, const Step& step, bool periodic);

    std::int64_t count() const { return (columns_ + kBundleWords - 1) / kBundleWords; }
    std::int64_t length() const { return length_; }
    // The rows of a bundle that can hold anything.
    Range rows(std::int64_t bundle) const;
    // Copies those rows of a bundle, and `tail` more, to rows[...] x kBundleWords.
    void gather(std::int64_t bundle, std::int64_t tail, std::uint64_t* rows) const;

  private:
    struct Voxel {
        std::int64_t z, y, x;
    };
    Voxel start(std::int64_t column) const;  // at row 0; it may lie outside
    Range rows_of(std::int64_t column) const;
    void gather_straight(std::int64_t first, std::int64_t width, std::int64_t tail,
                         std::uint64_t* rows) const;
    void gather_wrapped(std::int64_t column, std::int64_t height, std::uint64_t* rows) const;
    void gather_inside(std::int64_t column, const Range& range, std::uint64_t* rows) const;

    const PhaseMask& mask_;
    Step step_;
    bool periodic_;
    bool along_z_;           // rows go up in z, otherwise in y
    std::int64_t length_;    // rows of a line
    std::int64_t lead_x_;    // voxels by which lines begin before the first x,
    std::int64_t lead_y_;    // and before the first y
    std::int64_t words_;     // words of 64 lines side by side in x
    std::int64_t siblings_;  // such words side by side in y (or z where rows go up in y)
    std::int64_t columns_;
};

}  // namespace microtwin
