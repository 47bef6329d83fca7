#include "voxel_kernels.hpp"

#include <algorithm>
#include <array>

namespace microtwin {
namespace {

constexpr int kWide = 16;

// 1 and 0 in turn, for as many voxels as are looked at in one go.
constexpr std::array<float, kWide + 1> kTurns = [] {
    std::array<float, kWide + 1> turns{};
    for (std::size_t i = 0; i < turns.size(); ++i) turns[i] = i % 2 == 0 ? 1.0F : 0.0F;
    return turns;
}();

// Sums in lanes of a fixed order: the same on every processor. Rows are whole vectors wide.
template <class A, class B>
MICROTWIN_INLINE double sum_of_products(std::int64_t size, const A* a, const B* b) {
    double sums[kWide] = {};
    for (std::int64_t k = 0; k < size; k += kWide)
        for (int l = 0; l < kWide; ++l)
            sums[l] += static_cast<double>(a[k + l]) * static_cast<double>(b[k + l]);
    double sum = 0;
    for (const double part : sums) sum += part;
    return sum;
}

MICROTWIN_INLINE float inflow(const NetworkRow& row, const float* x, std::int64_t k) {
    return row.gz[k] * x[k + row.sz] + row.gz[k - row.sz] * x[k - row.sz] +
           row.gy[k] * x[k + row.sy] + row.gy[k - row.sy] * x[k - row.sy] + row.gx[k] * x[k + 1] +
           row.gx[k - 1] * x[k - 1];
}

template <class T>
MICROTWIN_INLINE double apply(const NetworkRow& row, const T* __restrict p, T* __restrict y) {
    const std::int64_t sz = row.sz, sy = row.sy;
    const float *gz = row.gz, *gy = row.gy, *gx = row.gx;
    for (std::int64_t k = 0; k < row.width; ++k) {
        const T own = p[k];
        y[k] = static_cast<T>(gz[k]) * (own - p[k + sz]) +
               static_cast<T>(gz[k - sz]) * (own - p[k - sz]) +
               static_cast<T>(gy[k]) * (own - p[k + sy]) +
               static_cast<T>(gy[k - sy]) * (own - p[k - sy]) +
               static_cast<T>(gx[k]) * (own - p[k + 1]) +
               static_cast<T>(gx[k - 1]) * (own - p[k - 1]);
    }
    return sum_of_products(row.width, p, y);
}

template <class T>
MICROTWIN_INLINE double relieve(const NetworkRow& row, const float* __restrict z, T* __restrict r) {
    double sums[kWide] = {};
    const std::int64_t sz = row.sz, sy = row.sy;
    for (std::int64_t k0 = 0; k0 < row.width; k0 += kWide)
        for (int l = 0; l < kWide; ++l) {
            const std::int64_t k = k0 + l;
            const T own = z[k];
            const auto to = [&](float g, std::int64_t other) MICROTWIN_INLINE_LAMBDA {
                return static_cast<T>(g) * (own - static_cast<T>(z[other]));
            };
            const T out = to(row.gz[k], k + sz) + to(row.gz[k - sz], k - sz) +
                          to(row.gy[k], k + sy) + to(row.gy[k - sy], k - sy) +
                          to(row.gx[k], k + 1) + to(row.gx[k - 1], k - 1);
            const T before = r[k];
            r[k] = before - out;
            sums[l] += static_cast<double>(own) *
                       (2 * static_cast<double>(before) - static_cast<double>(out));
        }
    double sum = 0;
    for (const double part : sums) sum += part;
    return sum;
}

template <class T>
MICROTWIN_INLINE void add_to(std::int64_t size, T alpha, const T* __restrict p,
                             const T* __restrict q, T* __restrict x, T* __restrict r) {
    for (std::int64_t k = 0; k < size; ++k) {
        x[k] += alpha * p[k];
        r[k] -= alpha * q[k];
    }
}

template <class T>
MICROTWIN_INLINE RowFlow flow(const NetworkRow& row, const double* gradient, const T* __restrict u,
                              T* __restrict surplus) {
    double energy[kWide] = {}, along_z[kWide] = {}, along_y[kWide] = {}, along_x[kWide] = {};
    const std::int64_t sz = row.sz, sy = row.sy;
    const double ez = gradient[0], ey = gradient[1], ex = gradient[2];
    const auto value = [&](std::int64_t k)
                           MICROTWIN_INLINE_LAMBDA { return static_cast<double>(u[k]); };
    for (std::int64_t k0 = 0; k0 < row.width; k0 += kWide)
        for (int l = 0; l < kWide; ++l) {
            const std::int64_t k = k0 + l;
            const double own = value(k);
            const double dz = ez + own - value(k + sz), dy = ey + own - value(k + sy),
                         dx = ex + own - value(k + 1);
            const double fz = static_cast<double>(row.gz[k]) * dz,
                         fy = static_cast<double>(row.gy[k]) * dy,
                         fx = static_cast<double>(row.gx[k]) * dx;
            surplus[k] = static_cast<T>(
                static_cast<double>(row.gz[k - sz]) * (ez + value(k - sz) - own) - fz +
                static_cast<double>(row.gy[k - sy]) * (ey + value(k - sy) - own) - fy +
                static_cast<double>(row.gx[k - 1]) * (ex + value(k - 1) - own) - fx);
            energy[l] += fz * dz + fy * dy + fx * dx;
            along_z[l] += fz;
            along_y[l] += fy;
            along_x[l] += fx;
        }
    RowFlow sums;
    for (int l = 0; l < kWide; ++l) {
        sums.energy += energy[l];
        sums.along[0] += along_z[l];
        sums.along[1] += along_y[l];
        sums.along[2] += along_x[l];
    }
    return sums;
}

}  // namespace

MICROTWIN_CLONES void begin_half(const NetworkRow& row, Half half, const float* __restrict b,
                                 float* __restrict x) {
    const float* turn = kTurns.data() + half.second;
    for (std::int64_t k = 0; k < row.width; k += kWide)
        for (int l = 0; l < kWide; ++l) x[k + l] = turn[l] * b[k + l] * row.inverse[k + l];
}

// Reads voxels of the half at hand, too, only to throw away what comes of them, while another
// thread may be writing them.
MICROTWIN_UNSYNCHRONISED MICROTWIN_CLONES void relax_half(const NetworkRow& row, Half half,
                                                          const float* __restrict b, float* x) {
    const float* turn = kTurns.data() + half.second;
    for (std::int64_t k = 0; k < row.width; k += kWide) {
        float solved[kWide];
        for (int l = 0; l < kWide; ++l)
            solved[l] = (b[k + l] + inflow(row, x, k + l)) * row.inverse[k + l];
        for (int l = 0; l < kWide; ++l) x[k + l] += turn[l] * (solved[l] - x[k + l]);
    }
}

MICROTWIN_CLONES void inflow_of_half(const NetworkRow& row, Half half, const float* __restrict x,
                                     float* __restrict out) {
    const float* turn = kTurns.data() + half.second;
    for (std::int64_t k = 0; k < row.width; k += kWide)
        for (int l = 0; l < kWide; ++l) out[k + l] = turn[l] * inflow(row, x, k + l);
}

MICROTWIN_CLONES void halfway_of_row(const NetworkRow& row, const std::int32_t* __restrict part,
                                     float* __restrict halfway) {
    for (std::int64_t k = 0; k < row.width; ++k) {
        const auto within = [&](float g, std::int64_t step) MICROTWIN_INLINE_LAMBDA {
            return part[k + step] == part[k] ? g : 0.0F;
        };
        const float z = std::max(within(row.gz[k], row.sz), within(row.gz[k - row.sz], -row.sz));
        const float y = std::max(within(row.gy[k], row.sy), within(row.gy[k - row.sy], -row.sy));
        const float x = std::max(within(row.gx[k], 1), within(row.gx[k - 1], -1));
        const float best = std::max(x, std::max(y, z));
        halfway[k] = best > 0 ? 0.5F / best : 0;
    }
}

MICROTWIN_CLONES double apply_row(const NetworkRow& row, const float* p, float* y) {
    return apply(row, p, y);
}
MICROTWIN_CLONES double apply_row(const NetworkRow& row, const double* p, double* y) {
    return apply(row, p, y);
}

MICROTWIN_CLONES double relieve_row(const NetworkRow& row, const float* z, float* r) {
    return relieve(row, z, r);
}
MICROTWIN_CLONES double relieve_row(const NetworkRow& row, const float* z, double* r) {
    return relieve(row, z, r);
}

MICROTWIN_CLONES double dot(std::int64_t size, const float* a, const float* b) {
    return sum_of_products(size, a, b);
}
MICROTWIN_CLONES double dot(std::int64_t size, const double* a, const float* b) {
    return sum_of_products(size, a, b);
}

MICROTWIN_CLONES void direct(std::int64_t size, float beta, const float* __restrict z,
                             float* __restrict p) {
    for (std::int64_t k = 0; k < size; ++k) p[k] = z[k] + beta * p[k];
}
MICROTWIN_CLONES void direct(std::int64_t size, double beta, const float* __restrict z,
                             double* __restrict p) {
    for (std::int64_t k = 0; k < size; ++k) p[k] = static_cast<double>(z[k]) + beta * p[k];
}

MICROTWIN_CLONES void advance(std::int64_t size, float alpha, const float* p, const float* q,
                              float* x, float* r) {
    add_to(size, alpha, p, q, x, r);
}
MICROTWIN_CLONES void advance(std::int64_t size, double alpha, const double* p, const double* q,
                              double* x, double* r) {
    add_to(size, alpha, p, q, x, r);
}

MICROTWIN_CLONES RowFlow flow_of_row(const NetworkRow& row, const double* gradient, const float* u,
                                     float* surplus) {
    return flow(row, gradient, u, surplus);
}
MICROTWIN_CLONES RowFlow flow_of_row(const NetworkRow& row, const double* gradient, const double* u,
                                     double* surplus) {
    return flow(row, gradient, u, surplus);
}

}  // namespace microtwin
