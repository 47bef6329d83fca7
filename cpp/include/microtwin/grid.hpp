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

// Phase labels that somebody else owns, contiguous in C order.
struct LabelView {
    const std::uint8_t* data = nullptr;
    Shape3 shape;

    std::uint8_t at(std::int64_t z, std::int64_t y, std::int64_t x) const {
        return data[(z * shape[1] + y) * shape[2] + x];
    }
};

}  // namespace microtwin
