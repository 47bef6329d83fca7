#include "microtwin/line_bits.hpp"

#include <algorithm>
#include <limits>

namespace microtwin {
namespace {

// Of the axes that a step moves along, the one that lines are as long as. Lines that wrap are the
// fewest along the longest. Of leaning lines that end there are, for each voxel of their length, as
// many more side by side: along the longest they would fill far more memory than the structure.
std::size_t axis_of_lines(const Shape3& shape, const Step& step, bool periodic) {
    std::size_t best = 3;
    for (std::size_t axis = 0; axis < 3; ++axis) {
        if (step[axis] == 0) continue;
        const bool better = best == 3 || (periodic ? shape.sides[axis] > shape.sides[best]
                                                   : shape.sides[axis] < shape.sides[best]);
        if (better) best = axis;
    }
    return best;
}

}  // namespace

LineFrame::LineFrame(const Shape3& shape, const Step& step, bool periodic)
    : shape_(shape), step_(step), periodic_(periodic), main_(axis_of_lines(shape, step, periodic)),
      others_{main_ == 0 ? std::size_t{1} : std::size_t{0},
              main_ == 2 ? std::size_t{1} : std::size_t{2}},
      widths_{}, length_(shape.sides[main_]) {
    for (std::size_t i = 0; i < 2; ++i) {
        const std::int64_t side = shape_.sides[others_[i]];
        const bool leans = step_[others_[i]] != 0;
        widths_[i] = side + (leans && !periodic_ ? length_ - 1 : 0);
        closed_ = closed_ && (!leans || !periodic_ || length_ % side == 0);
        bends_ = bends_ || (leans && periodic_);
    }
    const Spot origin = found({0, 0, 0});
    line_[3] = origin.line;
    at_[3] = origin.at;
    for (std::size_t axis = 0; axis < 3 && !bends_; ++axis) {
        Offset next{};
        next[axis] = 1;
        line_[axis] = found(next).line - origin.line;
        at_[axis] = found(next).at - origin.at;
    }
}

std::int64_t LineFrame::shifted(std::int64_t line, std::int64_t times) const {
    std::array<std::int64_t, 2> c{line / widths_[1], line % widths_[1]};
    for (std::size_t i = 0; i < 2; ++i)
        if (step_[others_[i]] != 0)
            c[i] = wrapped(c[i] + step_[others_[i]] * times * length_, widths_[i]);
    return c[0] * widths_[1] + c[1];
}

std::int64_t LineFrame::room(const Offset& voxel, int sign) const {
    std::int64_t room = std::numeric_limits<std::int64_t>::max();
    for (std::size_t axis = 0; axis < 3; ++axis) {
        const int way = sign * step_[axis];
        if (way > 0) room = std::min(room, shape_.sides[axis] - 1 - voxel[axis]);
        if (way < 0) room = std::min(room, voxel[axis]);
    }
    return room;
}

bool LineFrame::arrives(const Offset& from, const Offset& to, std::int64_t k) const {
    for (std::size_t axis = 0; axis < 3; ++axis) {
        std::int64_t there = from[axis] + k * step_[axis];
        if (periodic_ && step_[axis] != 0) there = wrapped(there, shape_.sides[axis]);
        if (there != to[axis]) return false;
    }
    return true;
}

LineBits::LineBits(const LineFrame& frame, std::int64_t reach, bool periodic)
    : frame_(frame), margin_(reach), words_((frame.length() + 2 * margin_ + 63) / 64),
      origin_((reach + 63) / 64), periodic_(periodic),
      bits_(static_cast<std::size_t>(2 * origin_ + frame.lines() * words_ + 2)) {}

void LineBits::flip(const Spot& spot) {
    const std::int64_t length = frame_.length(), place = margin_ + spot.at;
    if (!periodic_) {
        toggle(spot.line, place);
    } else if (frame_.closed()) {
        // The voxel and all its images are on one line, a length apart.
        std::int64_t first = place;
        while (first >= length) first -= length;
        for (; first < length + 2 * margin_; first += length) toggle(spot.line, first);
    } else {
        // It is also what lies so many lengths ahead on the line as many before its own.
        for (std::int64_t times = -(place / length); place + times * length < length + 2 * margin_;
             ++times)
            toggle(frame_.next(spot.line, -times), place + times * length);
    }
}

}  // namespace microtwin
