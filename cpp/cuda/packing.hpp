// How labels go over to the device, and which of them become bits.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "microtwin/grid.hpp"
#include "thread.hpp"

namespace microtwin::cuda {

// Consecutive rows of a volume that are copied to the device at once: whole slices, or whole words
// of rows of one slice.
struct Strip {
    std::int64_t z, slices;  // first slice, how many
    std::int64_t y, rows;    // first row in each of them, how many
};

inline std::vector<Strip> strips(const Shape3& shape, std::int64_t voxels) {
    std::vector<Strip> result;
    const std::int64_t slices = voxels / (shape[1] * shape[2]);
    if (slices > 0) {
        for (std::int64_t z = 0; z < shape[0]; z += slices)
            result.push_back({z, std::min(slices, shape[0] - z), 0, shape[1]});
        return result;
    }
    const std::int64_t rows = std::max<std::int64_t>(voxels / shape[2] / 64, 1) * 64;
    for (std::int64_t z = 0; z < shape[0]; ++z)
        for (std::int64_t y = 0; y < shape[1]; y += rows)
            result.push_back({z, 1, y, std::min(rows, shape[1] - y)});
    return result;
}

// The voxels of a mask: those of a phase, or those of every other one; where there is a window,
// only those inside.
struct Selection {
    std::uint8_t phase;
    bool others = false;
};

struct Voxels {
    const std::uint8_t* labels;
    const std::uint8_t* window;  // null: everything is inside
    Selection selection;

    MICROTWIN_DEVICE bool selected(std::int64_t i) const {
        return (labels[i] == selection.phase) != selection.others &&
               (window == nullptr || window[i] == 1);
    }
};

// The word of a mask with x and y exchanged that holds rows y .. y + 63 of one slice at one x,
// where the voxel of row y is `top` and `rows` rows are left.
MICROTWIN_DEVICE inline std::uint64_t pack_down(const Voxels& voxels, std::int64_t top,
                                                std::int64_t rows, std::int64_t width) {
    std::uint64_t word = 0;
    for (int bit = 0; bit < 64 && bit < rows; ++bit)
        word |= static_cast<std::uint64_t>(voxels.selected(top + bit * width)) << bit;
    return word;
}

}  // namespace microtwin::cuda
