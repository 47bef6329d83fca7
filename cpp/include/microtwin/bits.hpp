// Bit-packed phase masks, and the bundles of 512 parallel lines that the counting kernels read.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "microtwin/grid.hpp"

namespace microtwin {

inline constexpr int kWordBits = 64;
inline constexpr int kBundleWords = 8;  // 8 words of 64 bits: one cache line, one AVX-512 register

// One bit a voxel, 1 where the label is the phase; rows of x padded with zeros to whole words.
class PhaseMask {
  public:
    PhaseMask(const LabelView& labels, std::uint8_t phase, int threads);

    const Shape3& shape() const { return shape_; }
    std::int64_t words_per_row() const { return words_; }
    const std::uint64_t* row(std::int64_t z, std::int64_t y) const {
        return bits_.data() + (z * shape_[1] + y) * words_;
    }
    // The same mask with x and y exchanged, so that lines along x can be read as lines along y.
    PhaseMask transposed_xy(int threads) const;

  private:
    explicit PhaseMask(const Shape3& shape);

    Shape3 shape_;
    std::int64_t words_ = 0;
    std::vector<std::uint64_t> bits_;
};

// All lines of a mask along axis z or y, 64 to a word, in bundles of kBundleWords words. Bit b of
// word k of row i of a bundle is voxel i of one line; lines that do not exist are all zero.
class LineBundles {
  public:
    LineBundles(const PhaseMask& mask, int axis);

    std::int64_t count() const { return (columns_ + kBundleWords - 1) / kBundleWords; }
    std::int64_t length() const { return length_; }
    // Copies a bundle to rows[0 .. length) x kBundleWords.
    void gather(std::int64_t bundle, std::uint64_t* rows) const;

  private:
    const std::uint64_t* origin_;
    std::int64_t length_;        // voxels in a line
    std::int64_t columns_;       // words across all lines
    std::int64_t words_;         // words across the lines of one outer index
    std::int64_t row_stride_;    // words from voxel i of a line to voxel i + 1
    std::int64_t outer_stride_;  // words from one outer index to the next
};

}  // namespace microtwin
