// What one thread does in transport: the equations of one voxel, of one part or of a block of
// parts. The arithmetic is that of the core's multigrid, in the same order.
#pragma once

#include <cstdint>

#include "thread.hpp"

namespace microtwin::cuda {

// A voxel network in padded rows.
struct Voxels {
    const float *gz, *gy, *gx, *inverse;
    std::int64_t size, width, sz, sy, ny;

    MICROTWIN_DEVICE int colour(std::int64_t q) const {
        const std::int64_t row = q / width;
        return static_cast<int>((row / ny + row % ny + q % width) & 1);
    }
    MICROTWIN_DEVICE float inflow(const float* x, std::int64_t q) const {
        return gz[q] * x[q + sz] + gz[q - sz] * x[q - sz] + gy[q] * x[q + sy] +
               gy[q - sy] * x[q - sy] + gx[q] * x[q + 1] + gx[q - 1] * x[q - 1];
    }
    MICROTWIN_DEVICE float outflow(const float* x, std::int64_t q) const {
        const float own = x[q];
        return gz[q] * (own - x[q + sz]) + gz[q - sz] * (own - x[q - sz]) +
               gy[q] * (own - x[q + sy]) + gy[q - sy] * (own - x[q - sy]) +
               gx[q] * (own - x[q + 1]) + gx[q - 1] * (own - x[q - 1]);
    }
};

// Edges that rows know nothing of, gathered by where they lead to: entries begin[i]..begin[i + 1]
// join to[i] with from[e], or with what is held at 0 where that is -1.
struct Joins {
    const std::int64_t *to, *begin, *from;
    const float* conductance;
    std::int64_t count;
};

// A network of parts, and of which parts its parts are made.
struct Parts {
    const std::int32_t *first, *parent, *member, *neighbour;
    const std::uint8_t* colour;  // of each block
    const std::int64_t *begin, *near, *member_begin;
    const float *conductance, *diagonal;
    std::int64_t size, blocks;

    MICROTWIN_DEVICE float inflow(const float* x, std::int64_t i) const {
        float sum = 0;
        for (std::int64_t e = begin[i]; e < near[i]; ++e) sum += conductance[e] * x[neighbour[e]];
        return sum;
    }
};

// Each of these is called once for every i in a range, in any order and at once.

template <class T>
struct Clear {
    T* x;
    MICROTWIN_DEVICE void operator()(std::int64_t i) const { x[i] = 0; }
};

struct BeginVoxel {
    Voxels net;
    const float* r;
    float* z;
    MICROTWIN_DEVICE void operator()(std::int64_t q) const {
        z[q] = net.colour(q) == 0 ? r[q] * net.inverse[q] : 0;
    }
};

struct RelaxVoxel {
    Voxels net;
    int colour;
    const float* r;
    float* z;
    MICROTWIN_DEVICE void operator()(std::int64_t q) const {
        if (net.colour(q) == colour) z[q] += (r[q] + net.inflow(z, q)) * net.inverse[q] - z[q];
    }
};

// What flows into some voxels around the edges, after all else has.
struct RelaxAround {
    Joins joins;
    const float* inverse;
    float* z;
    MICROTWIN_DEVICE void operator()(std::int64_t i) const {
        const std::int64_t to = joins.to[i];
        for (std::int64_t e = joins.begin[i]; e < joins.begin[i + 1]; ++e)
            z[to] += joins.conductance[e] * z[joins.from[e]] * inverse[to];
    }
};

// What is missing in the parts of a block of voxels, whose second colour is relaxed.
struct GatherVoxels {
    Voxels net;
    std::int64_t nz, nx, by, bx;  // sides of the voxels, and of the blocks
    const std::int32_t *part, *first;
    const float* z;
    float* currents;
    MICROTWIN_DEVICE void operator()(std::int64_t b) const {
        for (std::int64_t i = first[b]; i < first[b + 1]; ++i) currents[i] = 0;
        const std::int64_t z0 = b / bx / by * 2, y0 = b / bx % by * 2, x0 = b % bx * 2;
        for (int i = 0; i < 8; ++i) {
            const std::int64_t at_z = z0 + i / 4, at_y = y0 + i / 2 % 2, at_x = x0 + i % 2;
            if (at_z >= nz || at_y >= net.ny || at_x >= nx || (at_z + at_y + at_x) % 2 != 0)
                continue;
            const std::int64_t q = (at_z * net.ny + at_y) * net.width + at_x;
            // What does not conduct may be in the part of another block, where it adds nothing.
            if (net.inverse[q] > 0) currents[part[q]] += net.inflow(z, q);
        }
    }
};

// The same from around the edges: joins to parts from voxels.
struct GatherAround {
    Joins joins;
    const float* z;
    float* currents;
    MICROTWIN_DEVICE void operator()(std::int64_t i) const {
        for (std::int64_t e = joins.begin[i]; e < joins.begin[i + 1]; ++e)
            currents[joins.to[i]] += joins.conductance[e] * z[joins.from[e]];
    }
};

struct SpreadVoxel {
    Voxels net;
    const std::int32_t* part;
    const float* potentials;
    float* z;
    MICROTWIN_DEVICE void operator()(std::int64_t q) const {
        if (net.colour(q) == 0) z[q] += potentials[part[q]];
    }
};

// The parts of one block one after the other, if it has the colour.
struct RelaxBlock {
    Parts graph;
    int colour;
    bool forwards;
    const float* currents;
    float* x;
    MICROTWIN_DEVICE void operator()(std::int64_t b) const {
        if (graph.colour[b] != colour) return;
        const std::int64_t first = graph.first[b], count = graph.first[b + 1] - first;
        for (std::int64_t k = 0; k < count; ++k) {
            const std::int64_t i = first + (forwards ? k : count - 1 - k);
            if (graph.diagonal[i] > 0)
                x[i] = (currents[i] + graph.inflow(x, i)) / graph.diagonal[i];
        }
    }
};

struct GatherParts {
    Parts graph, next;
    const float *currents, *x;
    float* coarser;
    MICROTWIN_DEVICE void operator()(std::int64_t p) const {
        float sum = 0;
        for (std::int64_t m = next.member_begin[p]; m < next.member_begin[p + 1]; ++m) {
            const std::int64_t i = next.member[m];
            sum += currents[i] - graph.diagonal[i] * x[i] + graph.inflow(x, i);
        }
        coarser[p] = sum;
    }
};

struct SpreadPart {
    Parts graph;
    const float* coarser;
    float* x;
    MICROTWIN_DEVICE void operator()(std::int64_t i) const {
        if (graph.parent[i] >= 0) x[i] += coarser[graph.parent[i]];
    }
};

// The coarsest network, by the inverse of its equations; or without one, where nothing is joined.
struct SolveCoarsest {
    Parts graph;
    const double* inverse;
    const float* currents;
    float* x;
    MICROTWIN_DEVICE void operator()(std::int64_t i) const {
        if (inverse == nullptr) {
            x[i] = graph.diagonal[i] > 0 ? currents[i] / graph.diagonal[i] : 0;
            return;
        }
        double sum = 0;
        for (std::int64_t k = 0; k < graph.size; ++k)
            sum += inverse[i * graph.size + k] * static_cast<double>(currents[k]);
        x[i] = static_cast<float>(sum);
    }
};

struct TurnTo {
    float beta;
    const float* z;
    float* direction;
    MICROTWIN_DEVICE void operator()(std::int64_t q) const {
        direction[q] = z[q] + beta * direction[q];
    }
};

struct Drive {
    Voxels net;
    const float* direction;
    float* driven;
    MICROTWIN_DEVICE void operator()(std::int64_t q) const {
        driven[q] = net.outflow(direction, q);
    }
};

struct DriveAround {
    Joins joins;
    const float* direction;
    float* driven;
    MICROTWIN_DEVICE void operator()(std::int64_t i) const {
        const std::int64_t to = joins.to[i];
        for (std::int64_t e = joins.begin[i]; e < joins.begin[i + 1]; ++e) {
            const float other = joins.from[e] < 0 ? 0 : direction[joins.from[e]];
            driven[to] += joins.conductance[e] * (direction[to] - other);
        }
    }
};

struct Advance {
    float alpha;
    const float *direction, *driven;
    float *u, *r;
    MICROTWIN_DEVICE void operator()(std::int64_t q) const {
        u[q] += alpha * direction[q];
        r[q] -= alpha * driven[q];
    }
};

// Sums of products in a fixed order: the same in every run.
struct PartialDot {
    const float *a, *b;
    std::int64_t size, stride;
    double* sums;
    MICROTWIN_DEVICE void operator()(std::int64_t i) const {
        double sum = 0;
        for (std::int64_t q = i; q < size; q += stride)
            sum += static_cast<double>(a[q]) * static_cast<double>(b[q]);
        sums[i] = sum;
    }
};

struct PartialSum {
    const double* values;
    std::int64_t size, stride;
    double* sums;
    MICROTWIN_DEVICE void operator()(std::int64_t i) const {
        double sum = 0;
        for (std::int64_t k = i; k < size; k += stride) sum += values[k];
        sums[i] = sum;
    }
};

}  // namespace microtwin::cuda
