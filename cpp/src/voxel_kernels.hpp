// Loops over the rows of a voxel network.
#pragma once

#include <cstdint>

#include "simd.hpp"
#include "voxel_network.hpp"

namespace microtwin {

// What a loop over a row needs: pointers to its first voxel.
struct NetworkRow {
    NetworkRow(const VoxelNetwork& network, std::int64_t row)
        : at(row * network.rows.width), width(network.rows.width), sz(network.rows.stride(0)),
          sy(network.rows.stride(1)), gz(network.conductance[0].data() + at),
          gy(network.conductance[1].data() + at), gx(network.conductance[2].data() + at),
          inverse(network.inverse.data() + at) {}

    std::int64_t at, width, sz, sy;
    const float *gz, *gy, *gx, *inverse;
};

// Every second voxel of a row, beginning with the first or the second.
struct Half {
    int second;
};

// x = b / diagonal in one half, 0 in the other.
void begin_half(const NetworkRow& row, Half half, const float* b, float* x);

// Solves the equations of one half, given the other; without the seams, whose conductance is only
// in the diagonal.
void relax_half(const NetworkRow& row, Half half, const float* b, float* x);

// What flows into one half from the other.
void inflow_of_half(const NetworkRow& row, Half half, const float* x, float* inflow);

// The resistance from each voxel to the middle of its part: half that of its best edge within.
void halfway_of_row(const NetworkRow& row, const std::int32_t* part, float* halfway);

// y = A p without seams and contacts; returns p . y.
double apply_row(const NetworkRow& row, const float* p, float* y);
double apply_row(const NetworkRow& row, const double* p, double* y);

// r -= A z without seams and contacts; returns z . (2 r - A z), with r as it was: by how much the
// energy falls with z.
double relieve_row(const NetworkRow& row, const float* z, float* r);
double relieve_row(const NetworkRow& row, const float* z, double* r);

double dot(std::int64_t size, const float* a, const float* b);
double dot(std::int64_t size, const double* a, const float* b);

// p = z + beta * p
void direct(std::int64_t size, float beta, const float* z, float* p);
void direct(std::int64_t size, double beta, const float* z, double* p);

// x += alpha * p, r -= alpha * q
void advance(std::int64_t size, float alpha, const float* p, const float* q, float* x, float* r);
void advance(std::int64_t size, double alpha, const double* p, const double* q, double* x,
             double* r);

// How much flows in a mean gradient from the voxels of a row to the next along each axis, all told,
// with the energy that takes; and how much more flows into each voxel than out of it.
struct RowFlow {
    double energy = 0;
    double along[3] = {0, 0, 0};
};
RowFlow flow_of_row(const NetworkRow& row, const double* gradient, const float* u, float* surplus);
RowFlow flow_of_row(const NetworkRow& row, const double* gradient, const double* u,
                    double* surplus);

}  // namespace microtwin
