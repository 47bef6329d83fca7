// Lines of small numbers along one direction, in the manner of LineBits.
#pragma once

#include <cstdint>
#include <vector>

#include "microtwin/line_bits.hpp"

namespace microtwin {

// One byte a voxel, with margins on both sides that repeat what follows (periodic) or stay zero, so
// that the neighbourhood of a voxel is read without a branch.
class LineBytes {
  public:
    LineBytes(const LineFrame& frame, std::int64_t reach, bool periodic)
        : frame_(frame), margin_(reach), stride_(frame.length() + 2 * reach), periodic_(periodic),
          bytes_(static_cast<std::size_t>(frame.lines() * stride_)) {}

    void set(const Spot& spot, std::uint8_t value) {
        put(spot.line, spot.at, value);
        if (!periodic_) return;
        const std::int64_t length = frame_.length();
        // The voxel is also what lies `times` lengths ahead on the line so many before its own.
        for (std::int64_t times = 1; spot.at + times * length < length + margin_; ++times)
            put(frame_.next(spot.line, -times), spot.at + times * length, value);
        for (std::int64_t times = 1; spot.at - times * length >= -margin_; ++times)
            put(frame_.next(spot.line, times), spot.at - times * length, value);
    }
    // The voxel; those ahead of it and behind it lie there, too, as far as the reach.
    const std::uint8_t* near(const Spot& spot) const {
        return bytes_.data() + index(spot.line, spot.at);
    }
    const LineFrame& frame() const { return frame_; }

  private:
    std::int64_t index(std::int64_t line, std::int64_t at) const {
        return line * stride_ + margin_ + at;
    }
    void put(std::int64_t line, std::int64_t at, std::uint8_t value) {
        bytes_[static_cast<std::size_t>(index(line, at))] = value;
    }

    LineFrame frame_;
    std::int64_t margin_, stride_;
    bool periodic_;
    std::vector<std::uint8_t> bytes_;
};

}  // namespace microtwin
