// The interface of a phase, counted on the faces of voxels: n(x) of the face neighbours of a voxel
// are on the other side, of which one is in the phase and the other is not.
#pragma once

#include <cstdint>
#include <vector>

#include "microtwin/grid.hpp"
#include "microtwin/targets.hpp"

namespace microtwin {

// A voxel of a field: n in the lowest three bits, and whether it is in the phase in the next.
inline constexpr unsigned kFaceBits = 3;
constexpr std::uint8_t faces_of(std::uint8_t voxel) { return voxel & 7; }
constexpr std::uint8_t in_phase(std::uint8_t voxel) {
    return static_cast<std::uint8_t>(voxel >> kFaceBits);
}

// One byte a voxel. A side of one voxel has no neighbours across it.
std::vector<std::uint8_t> surface_field(const LabelView& labels, std::uint8_t phase, bool periodic);

// Visits the face neighbours of a voxel, by flat indices.
template <class Visit>
void for_each_face(const Shape3& shape, const Offset& at, bool periodic, Visit&& visit) {
    const std::int64_t voxel = (at[0] * shape[1] + at[1]) * shape[2] + at[2];
    std::int64_t stride = 1;
    for (std::size_t axis = 3; axis-- > 0;) {
        const std::int64_t side = shape.sides[axis];
        if (side > 1) {
            if (at[axis] > 0) {
                visit(voxel - stride);
            } else if (periodic) {
                visit(voxel + (side - 1) * stride);
            }
            if (at[axis] < side - 1) {
                visit(voxel + stride);
            } else if (periodic) {
                visit(voxel - (side - 1) * stride);
            }
        }
        stride *= side;
    }
}

// Whether a voxel counts as the end of a pair: all its neighbours are known.
inline bool has_all_neighbours(const Shape3& shape, const Offset& at, bool periodic) {
    for (std::size_t axis = 0; axis < 3 && !periodic; ++axis)
        if (shape.sides[axis] > 1 && (at[axis] < 1 || at[axis] > shape.sides[axis] - 2))
            return false;
    return true;
}

// Of surface_surface: n(x) n(x + r). Of surface_void: n(x) I(x + r) + I(x) n(x + r), where I is 1
// in the phase. Four trials a pair: the area that belongs to a voxel is half of its faces.
LagCounts surface_counts(const TargetCurve& target, const LabelView& labels, bool periodic);

}  // namespace microtwin
