// Shapes and views of label arrays. A 2-D image is a volume with one slice (z = 1).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace microtwin {

// Number of voxels along z, y, x; x is the fastest axis (C order).
struct Shape3 {
    std::array<std::int64_t, 3> sides{1, 1, 1};

    constexpr std::int64_t operator[](int axis) const {
        return sides[static_cast<std::size_t>(axis)];
    }
    constexpr std::int64_t size() const { return sides[0] * sides[1] * sides[2]; }
    constexpr bool operator==(const Shape3&) const = default;
};

// One voxel along a direction, in z, y, x: components -1, 0 or 1, the first that is not 0 being 1.
using Step = std::array<int, 3>;

// Any displacement, in z, y, x.
using Offset = std::array<std::int64_t, 3>;

// Where a voxel is, from its flat index.
constexpr Offset offset_of(std::int64_t voxel, const Shape3& shape) {
    return {voxel / (shape[1] * shape[2]), voxel / shape[2] % shape[1], voxel % shape[2]};
}

// A coordinate on a ring of so many voxels.
constexpr std::int64_t wrapped(std::int64_t at, std::int64_t side) {
    if (at >= 0 && at < side) return at;  // nearly always, and a division is slow
    const std::int64_t rest = at % side;
    return rest < 0 ? rest + side : rest;
}

// Phase labels that somebody else owns, contiguous in C order.
struct LabelView {
    const std::uint8_t* data = nullptr;
    Shape3 shape;

    std::uint8_t at(std::int64_t z, std::int64_t y, std::int64_t x) const {
        return data[(z * shape[1] + y) * shape[2] + x];
    }
};

// Labels to measure. Where there is a window (one byte a voxel, like the labels), only what lies in
// its voxels of value 1 counts.
struct Sample {
    LabelView labels;
    const std::uint8_t* window = nullptr;
};

}  // namespace microtwin
