// A phase as lines of bits along one direction, of which single voxels are flipped and whose
// neighbourhoods are read: what annealing looks at.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "microtwin/grid.hpp"

namespace microtwin {

// A voxel as a place on a line.
struct Spot {
    std::int64_t line, at;
};

// The lines of a shape along a step, which may lean. Every voxel is on one of them.
class LineFrame {
  public:
    LineFrame(const Shape3& shape, const Step& step, bool periodic);

    Spot spot(const Offset& voxel) const {
        if (bends_) return found(voxel);
        return {line_[0] * voxel[0] + line_[1] * voxel[1] + line_[2] * voxel[2] + line_[3],
                at_[0] * voxel[0] + at_[1] * voxel[1] + at_[2] * voxel[2] + at_[3]};
    }
    std::int64_t lines() const { return widths_[0] * widths_[1]; }
    std::int64_t length() const { return length_; }
    // Whether each line comes back to its own beginning, if it does not end.
    bool closed() const { return closed_; }
    // The line that goes on where a line of a wrapping structure has gone its length so many times.
    std::int64_t next(std::int64_t line, std::int64_t times) const {
        return closed_ ? line : shifted(line, times);
    }
    // How many steps from a voxel lie inside, ahead (sign 1) or behind (-1).
    std::int64_t room(const Offset& voxel, int sign) const;
    // Steps k in 1 .. reach from one voxel that arrive at another.
    template <class Visit>
    void for_each_way(const Offset& from, const Offset& to, std::int64_t reach,
                      Visit&& visit) const {
        std::int64_t first = (to[main_] - from[main_]) * step_[main_];
        if (periodic_) first = first > 0 ? first : first + length_;
        for (std::int64_t k = first; k >= 1 && k <= reach; k += length_) {
            if (arrives(from, to, k)) visit(k);
            if (!periodic_) break;
        }
    }

  private:
    std::int64_t shifted(std::int64_t line, std::int64_t times) const;
    Spot found(const Offset& voxel) const {
        const std::int64_t at = step_[main_] > 0 ? voxel[main_] : length_ - 1 - voxel[main_];
        return {side(0, voxel, at) * widths_[1] + side(1, voxel, at), at};
    }
    // Where the line of a voxel crosses the first plane of the main axis.
    std::int64_t side(std::size_t which, const Offset& voxel, std::int64_t at) const {
        const std::size_t axis = others_[which];
        const std::int64_t c = voxel[axis] - step_[axis] * at;
        if (!periodic_) return step_[axis] > 0 ? c + length_ - 1 : c;
        return wrapped(c, shape_.sides[axis]);
    }
    bool arrives(const Offset& from, const Offset& to, std::int64_t k) const;

    Shape3 shape_;
    Step step_;
    bool periodic_;
    std::size_t main_;                    // of the axes that a step moves along: see axis_of_lines
    std::array<std::size_t, 2> others_;   // the other two
    std::array<std::int64_t, 2> widths_;  // lines side by side along them
    std::int64_t length_;
    bool closed_ = true;
    bool bends_ = false;  // lines lean and wrap: else line and place are linear in a voxel's
    std::array<std::int64_t, 4> line_{}, at_{};  // coordinates, with these factors and constants
};

// The lines of one phase as bits, with margins on both sides that repeat what follows (periodic) or
// stay empty, so that the neighbourhood of a voxel is read without a branch. Bits beyond the reach
// are anything.
class LineBits {
  public:
    LineBits(const LineFrame& frame, std::int64_t reach, bool periodic);

    void flip(const Spot& spot);
    // Bit j of the result is voxel x + 1 + 64 * chunk + j.
    std::uint64_t ahead(std::int64_t line, std::int64_t x, std::int64_t chunk) const {
        return read(line, margin_ + x + 1 + 64 * chunk);
    }
    // Bit 63 - j of the result is voxel x - 1 - 64 * chunk - j.
    std::uint64_t behind(std::int64_t line, std::int64_t x, std::int64_t chunk) const {
        return read(line, margin_ + x - 64 * (chunk + 1));
    }
    const std::uint64_t* near(const Spot& spot) const { return word(spot.line, margin_ + spot.at); }
    const LineFrame& frame() const { return frame_; }

  private:
    const std::uint64_t* word(std::int64_t line, std::int64_t bit) const {
        return bits_.data() + origin_ + line * words_ + (bit >> 6);
    }
    std::uint64_t read(std::int64_t line, std::int64_t bit) const {
        const std::uint64_t* first = word(line, bit);
        const unsigned shift = static_cast<unsigned>(bit & 63);
        return (first[0] >> shift) | ((first[1] << 1) << (63 - shift));
    }
    void toggle(std::int64_t line, std::int64_t bit) {
        bits_[static_cast<std::size_t>(origin_ + line * words_ + (bit >> 6))] ^= std::uint64_t{1}
                                                                                 << (bit & 63);
    }

    LineFrame frame_;
    std::int64_t margin_;
    std::int64_t words_;   // of a line
    std::int64_t origin_;  // words before the first line, which may be read but hold nothing
    bool periodic_;
    std::vector<std::uint64_t> bits_;
};

}  // namespace microtwin
