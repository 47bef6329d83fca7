// The arithmetic of an annealing proposal, over lags in lanes of a fixed order: the same sums to
// the last bit whatever the width of the processor's registers. Every array over lags is padded to
// whole lanes with zeros, which change nothing.
#pragma once

#include <cstddef>
#include <cstdint>

namespace microtwin {

inline constexpr std::size_t kLanes = 16;

constexpr std::size_t whole_lanes(std::size_t lags) {
    return (lags + kLanes - 1) / kLanes * kLanes;
}

// An exchange that changes the hits of a curve by e at each lag changes its energy by the sum of
// e * (slope + curvature * e).
struct CurveShape {
    const float* slope;
    const float* curvature;
    std::size_t lags;
};

// The 64 voxels before and behind the voxel that enters a phase, and the one that leaves it: bit j
// of a word ahead, and bit 63 - j of a word behind, is lag j + 1.
struct Sight {
    std::uint64_t entering_ahead, entering_behind, leaving_ahead, leaving_behind;
};

// The two-point hits at lag j + 1 change by the number of neighbours that the entering voxel has at
// that lag, less those of the leaving one.
struct PairChange {
    const Sight* sights;  // one for each 64 lags
    CurveShape curve;
};

// The lineal-path hits change when a voxel enters between runs of some voxels, and another leaves.
struct PathChange {
    std::int32_t entering_ahead, entering_behind, leaving_ahead, leaving_behind;
    CurveShape curve;
};

// The energy difference of several curves together.
double energy_difference(const PairChange* changes, std::size_t count);
double energy_difference(const PathChange* changes, std::size_t count);

// A curve's hits (whole numbers, exact in a double), what they should be, and its lags' parts in
// the energy: error = hits * scale - target, energy = sum of weight * error^2.
struct CurveLanes {
    double* hits;
    const double* scale;
    const double* target;
    const double* weight;
    const double* counted;  // 1 where the error counts; null where that is the energy
    float* slope;           // of the energy in the hits
    std::size_t lags;
};

struct CurveSums {
    double energy;
    double steepness;  // sum of |slope|
    double error;      // sum of error^2 where it counts
};

// Adds a change to the hits and returns the sums that follow.
CurveSums absorb(const PairChange& change, const CurveLanes& curve);
CurveSums absorb(const PathChange& change, const CurveLanes& curve);
CurveSums absorb(const std::int32_t* change, const CurveLanes& curve);

}  // namespace microtwin
