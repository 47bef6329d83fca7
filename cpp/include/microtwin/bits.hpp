// Bit-packed phase masks.
#pragma once

#include <cstdint>

#include "microtwin/grid.hpp"
#include "microtwin/memory.hpp"

namespace microtwin {

inline constexpr int kWordBits = 64;

// One bit a voxel, 1 where the label is the phase; rows of x padded with zeros to whole words.
class PhaseMask {
  public:
    PhaseMask(const LabelView& labels, std::uint8_t phase, int threads);
    static PhaseMask ones(const Shape3& shape);

    const Shape3& shape() const { return shape_; }
    std::int64_t words_per_row() const { return words_; }
    const std::uint64_t* row(std::int64_t z, std::int64_t y) const {
        return bits_.data() + (z * shape_[1] + y) * words_;
    }
    // Keeps what both masks have; they must be of one shape.
    void intersect(const PhaseMask& other);
    // The same mask with x and y exchanged, so that lines along x can be read as lines along y.
    PhaseMask transposed_xy(int threads) const;

  private:
    explicit PhaseMask(const Shape3& shape);

    Shape3 shape_;
    std::int64_t words_ = 0;
    WordBuffer bits_;
};

}  // namespace microtwin
