// The finite-volume equations of the part of a structure that percolates.
#pragma once

#include <cstdint>
#include <vector>

#include "microtwin/transport.hpp"
#include "padded.hpp"

namespace microtwin {

// Voxels in rows along x that are padded to whole vectors; what is padding conducts nothing, so
// that rows need no borders: what lies behind the last voxel of a row is joined to it by nothing.
struct RowShape {
    Shape3 shape;
    std::int64_t width = 0;  // of a padded row

    std::int64_t rows() const { return shape[0] * shape[1]; }
    std::int64_t stride(int axis) const {
        return axis == 2 ? 1 : axis == 1 ? width : width * shape[1];
    }
    std::int64_t at(std::int64_t z, std::int64_t y, std::int64_t x) const {
        return (z * shape[1] + y) * width + x;
    }
    std::int64_t size() const { return rows() * width; }
};

// A voxel joined to where the potential is held.
struct Contact {
    std::int64_t voxel;
    float conductance;
    float potential;  // 1 or 0
};

// Two voxels joined around the edge of a periodic structure.
struct Seam {
    std::int64_t last, first;
    float conductance;
    int axis;
};

struct VoxelNetwork {
    RowShape rows;
    // Between a voxel and the next along z, y and x; in units of the largest conductivity.
    std::array<Padded<float>, 3> conductance;
    Padded<float> inverse;  // of all conductances of a voxel together; 0 where nothing flows
    std::vector<Contact> contacts;
    std::vector<Seam> seams;
    std::array<double, 3> gradient{};  // that is imposed: how much the potential falls a voxel
    double unit = 1;                   // the largest conductivity
    double direct = 0;  // conductance between the two planes where nothing lies between them
    // From energy and what flows in to the effective conductivity, and from what flows through all
    // faces together across an axis to that in a mean gradient of one; in these units.
    double scale = 1, flow_scale = 1;
    std::size_t axis = 0;
    std::int64_t solved = 0;     // voxels that are unknowns
    std::int64_t connected = 0;  // that lead from end to end, planes of fixed values among them
    // Of each voxel of the labels, not 0 where it is one of these; between centres only.
    std::vector<std::uint8_t> leads;

    bool percolates() const { return solved > 0 || direct > 0; }
};

VoxelNetwork voxel_network(const TransportProblem& problem, int threads);

}  // namespace microtwin
