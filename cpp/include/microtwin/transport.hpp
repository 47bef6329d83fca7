// Effective transport coefficients: div(k grad u) = 0 on voxels by finite volumes.
//
// Two voxels exchange the harmonic mean of their conductivities times the difference of u. Every
// answer comes with an interval that holds the effective conductivity of the discrete problem: from
// above the energy of the potential that was found (Dirichlet's principle), from below that of a
// flux without sources (Thomson's).
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <vector>

#include "microtwin/grid.hpp"

namespace microtwin {

// Where the potential is held: at the two outer faces across an axis, or in the centres of the
// first and last voxels; or nowhere, but it falls by one a voxel along the axis, apart from a part
// that is periodic in all directions.
enum class Boundary { face, centre, periodic };

// How the potential is stored. Sums are in double precision always.
enum class Precision { automatic, single, twice };

struct TransportProblem {
    LabelView labels;
    std::array<double, 256> conductivities{};  // of each label, 0 or more
    int axis = 0;                              // of the core's three
    Boundary boundary = Boundary::face;
    bool periodic_sides = false;   // else insulated; of no meaning where all is periodic
    const float* start = nullptr;  // a potential to begin with, contiguous; not finite: unknown
};

struct TransportOptions {
    double tolerance = 1e-4;  // width of the interval, in units of its upper end
    int max_iterations = 1000;
    Precision precision = Precision::automatic;
    int threads = 1;
    // Called once an iteration with how many there were and about how far, in units of it, the
    // effective conductivity is off; what it throws ends the work.
    std::function<void(int iterations, double error)> poll;
};

struct Transport {
    bool percolates = false;
    bool converged = false;
    double effective = 0;          // conductivity: by the energy, whose error is of second order
    double lower = 0, upper = 0;   // of the interval that holds it
    std::array<double, 3> flux{};  // mean, in a mean gradient of one along the axis
    double flux_in = 0, flux_out = 0;  // through the two faces
    int iterations = 0;
    Precision precision = Precision::single;
    std::int64_t solved = 0;  // voxels of the part that percolates
};

// Solves a problem. Where `potential` is not null, it gets u of each voxel (of periodic problems
// the periodic part), NaN where nothing flows because nothing percolates.
Transport solve_transport(const TransportProblem& problem, const TransportOptions& options,
                          float* potential);

}  // namespace microtwin
