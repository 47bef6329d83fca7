// A phase as lines of bits along each axis, of which single voxels are flipped and whose
// neighbourhoods are read: what a walker looks at.
#pragma once

#include <cstdint>

#include "thread.hpp"
#include "warp.hpp"

namespace microtwin::cuda {

inline constexpr int kMaxLags = 128;
inline constexpr int kSightWords = kMaxLags / 64;

MICROTWIN_DEVICE inline std::uint64_t reversed(std::uint64_t word) {
#if defined(__CUDA_ARCH__)
    return __brevll(word);
#else
    for (int half = 32; half > 0; half /= 2) {
        const std::uint64_t low = ~std::uint64_t{0} / ((std::uint64_t{1} << half) + 1);
        word = ((word >> half) & low) | (word & low) << half;
    }
    return word;
#endif
}

// A voxel as a place on a line along an axis.
struct Place {
    std::int64_t line, at;
};

// What is seen from a voxel along an axis: bit j is the voxel j + 1 steps away.
struct Sight {
    std::uint64_t ahead[kSightWords]{}, behind[kSightWords]{};

    // How many there are at lag 32 * chunk + lane + 1.
    MICROTWIN_DEVICE int neighbours(int chunk, int lane) const {
        const int shift = chunk % 2 * 32 + lane;
        return static_cast<int>(((ahead[chunk / 2] >> shift) & 1) +
                                ((behind[chunk / 2] >> shift) & 1));
    }
    // Of successive voxels in the phase, as far as the lags go.
    MICROTWIN_DEVICE static int run(const std::uint64_t (&words)[kSightWords], int lags) {
        std::uint32_t length = 0;
        for (int w = 0; w < kSightWords && length == 64u * static_cast<unsigned>(w); ++w)
            length += ones(words[w] & ~(words[w] + 1));
        return static_cast<int>(least(length, lags));
    }
    MICROTWIN_DEVICE static void clear(std::uint64_t (&words)[kSightWords], std::int64_t steps) {
        for (int w = 0; w < kSightWords; ++w)
            if (steps > 64 * w && steps <= 64 * (w + 1))
                words[w] &= ~(std::uint64_t{1} << (steps - 64 * w - 1));
    }
};

// Where the bits of a voxel are: words of one phase, first all lines along z, then y, then x. A
// line has margins on both sides, in whole words, that repeat it (periodic) or are empty, so that a
// neighbourhood is read without a branch. Bits beyond the reach, below every side, are anything.
struct BitLines {
    std::int64_t sides[3];
    bool periodic;
    bool used[3];           // axes without lines are left out
    std::int64_t margin;    // bits
    std::int64_t words[3];  // of a line; one behind the last margin is read but holds nothing
    std::int64_t first[4];  // word of the lines along each axis; last: words of one phase

    MICROTWIN_DEVICE std::int64_t voxels() const { return sides[0] * sides[1] * sides[2]; }
    MICROTWIN_DEVICE Place place(std::uint32_t voxel, int axis) const {
        const auto width = static_cast<std::uint32_t>(sides[2]);
        const std::uint32_t slice = static_cast<std::uint32_t>(sides[1]) * width;
        if (axis == 0) return {voxel % slice, voxel / slice};
        if (axis == 1) return {voxel / slice * width + voxel % width, voxel % slice / width};
        return {voxel / width, voxel % width};
    }
    MICROTWIN_DEVICE std::int64_t voxel(const Place& place, int axis) const {
        const std::int64_t width = sides[2], slice = sides[1] * width;
        if (axis == 0) return place.at * slice + place.line;
        if (axis == 1) return place.line / width * slice + place.at * width + place.line % width;
        return place.line * width + place.at;
    }

    // One word of a phase: the voxels of that label, and their repetitions.
    MICROTWIN_DEVICE std::uint64_t packed(std::int64_t word, const std::uint8_t* labels,
                                          std::uint8_t label) const {
        int axis = 0;
        while (word >= first[axis + 1]) ++axis;
        const std::int64_t line = (word - first[axis]) / words[axis];
        const std::int64_t begin = (word - first[axis]) % words[axis] * 64 - margin;
        std::uint64_t result = 0;
        for (int bit = 0; bit < 64; ++bit) {
            std::int64_t at = begin + bit;
            if (periodic && at < 0)
                at += sides[axis];
            else if (periodic && at >= sides[axis] && begin + bit < sides[axis] + margin)
                at -= sides[axis];
            if (at >= 0 && at < sides[axis])
                result |= std::uint64_t{labels[voxel({line, at}, axis)] == label} << bit;
        }
        return result;
    }

    MICROTWIN_DEVICE void flip(std::uint64_t* bits, std::uint32_t voxel) const {
        for (int axis = 0; axis < 3; ++axis) {
            if (!used[axis]) continue;
            const Place at = place(voxel, axis);
            toggle(bits, axis, at.line, at.at);
            if (!periodic) continue;
            if (at.at < margin) toggle(bits, axis, at.line, at.at + sides[axis]);
            if (at.at >= sides[axis] - margin) toggle(bits, axis, at.line, at.at - sides[axis]);
        }
    }

    // What is seen from one voxel as if another were not in the phase.
    MICROTWIN_DEVICE Sight look(const std::uint64_t* bits, int axis, const Place& from,
                                const Place& without) const {
        Sight sight;
        for (int w = 0; w < kSightWords && 64 * w < margin; ++w) {
            sight.ahead[w] = read(bits, axis, from.line, from.at + 1 + 64 * w);
            sight.behind[w] = reversed(read(bits, axis, from.line, from.at - 64 * (w + 1)));
        }
        if (from.line != without.line) return sight;
        const std::int64_t there = without.at - from.at;
        Sight::clear(sight.ahead, periodic && there < 0 ? there + sides[axis] : there);
        Sight::clear(sight.behind, periodic && there > 0 ? sides[axis] - there : -there);
        return sight;
    }

  private:
    MICROTWIN_DEVICE std::int64_t word_of(int axis, std::int64_t line, std::int64_t bit) const {
        return first[axis] + line * words[axis] + bit / 64;
    }
    MICROTWIN_DEVICE void toggle(std::uint64_t* bits, int axis, std::int64_t line,
                                 std::int64_t at) const {
        flip_bits(bits[word_of(axis, line, margin + at)], std::uint64_t{1} << ((margin + at) % 64));
    }
    MICROTWIN_DEVICE std::uint64_t read(const std::uint64_t* bits, int axis, std::int64_t line,
                                        std::int64_t at) const {
        const std::uint64_t* word = bits + word_of(axis, line, margin + at);
        const auto shift = static_cast<unsigned>((margin + at) % 64);
        return (word[0] >> shift) | ((word[1] << 1) << (63 - shift));
    }
};

}  // namespace microtwin::cuda
