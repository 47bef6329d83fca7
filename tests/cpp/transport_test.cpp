// Transport from plain C++: what the sanitizer builds run.
#include "microtwin/transport.hpp"

#include <cmath>

#include "check.hpp"
#include "structures.hpp"

namespace microtwin::test {
namespace {

double in_series(double a, double b) { return a + b > 0 ? 2 * a * b / (a + b) : 0; }

// Effective conductivity by Gauss-Seidel, voxel by voxel, straight from the definition.
double relaxed(const TransportProblem& problem, int sweeps) {
    const Shape3& shape = problem.labels.shape;
    const bool all_around = problem.boundary == Boundary::periodic;
    const auto side = static_cast<double>(shape[problem.axis]);
    std::vector<double> k, u(static_cast<std::size_t>(shape.size()), 0.0);
    for (std::int64_t i = 0; i < shape.size(); ++i)
        k.push_back(problem.conductivities[problem.labels.data[i]]);
    const auto flat = [&](const Offset& at) {
        return static_cast<std::size_t>((at[0] * shape[1] + at[1]) * shape[2] + at[2]);
    };
    // Conductance to the neighbour on one side, and the potential there.
    const auto look = [&](std::int64_t i, int axis, int way) {
        Offset at = offset_of(i, shape);
        auto& along = at[static_cast<std::size_t>(axis)];
        const double own = k[static_cast<std::size_t>(i)];
        along += way;
        if (along >= 0 && along < shape[axis]) {
            const std::size_t j = flat(at);
            const double fall = all_around && axis == problem.axis ? way : 0;
            return std::pair(in_series(own, k[j]), u[j] - fall);
        }
        if (all_around || (problem.periodic_sides && axis != problem.axis)) {
            along = wrapped(along, shape[axis]);
            const double fall = all_around && axis == problem.axis ? way : 0;
            return std::pair(in_series(own, k[flat(at)]), u[flat(at)] - fall);
        }
        if (axis == problem.axis) return std::pair(2 * own, way < 0 ? 1.0 : 0.0);
        return std::pair(0.0, 0.0);
    };
    for (int sweep = 0; sweep < sweeps; ++sweep)
        for (std::int64_t i = 0; i < shape.size(); ++i) {
            double sum = 0, all = 0;
            for (int axis = 0; axis < 3; ++axis)
                for (const int way : {-1, 1}) {
                    const auto [g, value] = look(i, axis, way);
                    sum += g * value;
                    all += g;
                }
            if (all > 0) u[static_cast<std::size_t>(i)] = sum / all;
        }
    double energy = 0;
    for (std::int64_t i = 0; i < shape.size(); ++i)
        for (int axis = 0; axis < 3; ++axis)
            for (const int way : {-1, 1}) {
                const auto [g, value] = look(i, axis, way);
                const double fall = u[static_cast<std::size_t>(i)] - value;
                const Offset at = offset_of(i, shape);
                const std::int64_t next = at[static_cast<std::size_t>(axis)] + way;
                const bool outside =
                    !all_around && axis == problem.axis && (next < 0 || next >= shape[axis]);
                energy += (outside ? 1 : 0.5) * g * fall * fall;
            }
    const double voxels = static_cast<double>(shape.size());
    return all_around ? energy / voxels : energy * side * side / voxels;
}

TransportProblem problem_of(const Structure& structure, int axis, Boundary boundary, bool sides) {
    TransportProblem problem;
    problem.labels = structure.view();
    problem.conductivities = {0.0, 1.0, 0.03};
    problem.axis = axis;
    problem.boundary = boundary;
    problem.periodic_sides = sides;
    return problem;
}

void the_interval_holds_what_relaxation_finds() {
    const std::array<Shape3, 5> shapes{
        {{{5, 6, 7}}, {{1, 9, 12}}, {{4, 1, 1}}, {{3, 8, 2}}, {{1, 1, 17}}}};
    std::uint64_t seed = 0;
    for (const Shape3& shape : shapes)
        for (int axis = 0; axis < 3; ++axis)
            for (const auto boundary : {Boundary::face, Boundary::periodic})
                for (const bool sides : {false, true}) {
                    const Structure structure = random_structure(shape, 3, ++seed);
                    const auto problem = problem_of(structure, axis, boundary, sides);
                    const double wanted = relaxed(problem, 3000);
                    TransportOptions options;
                    options.tolerance = 1e-5;
                    const Transport found = solve_transport(problem, options, nullptr);
                    CHECK(found.converged);
                    CHECK(found.lower <= wanted * (1 + 1e-5) + 1e-9);
                    CHECK(found.upper >= wanted * (1 - 1e-5) - 1e-9);
                }
}

void any_number_of_threads_finds_the_same() {
    const Structure structure = random_structure({{61, 47, 50}}, 3, 5);
    for (const auto boundary : {Boundary::face, Boundary::centre, Boundary::periodic}) {
        const auto problem = problem_of(structure, 1, boundary, true);
        std::vector<float> first, potential(structure.labels.size());
        Transport one;
        for (const int threads : {1, 2, 5}) {
            TransportOptions options;
            options.threads = threads;
            const Transport found = solve_transport(problem, options, potential.data());
            if (threads == 1) {
                one = found;
                first = potential;
                continue;
            }
            CHECK(found.lower == one.lower && found.upper == one.upper);
            CHECK(found.iterations == one.iterations);
            bool same = true;
            for (std::size_t i = 0; i < first.size(); ++i)
                same = same && (first[i] == potential[i] ||
                                (std::isnan(first[i]) && std::isnan(potential[i])));
            CHECK(same);
        }
    }
}

void high_contrasts_are_solved_in_double_precision() {
    Structure structure{{{1, 40, 40}}, {}};
    for (std::int64_t i = 0; i < 1600; ++i)  // a film across the way, and islands
        structure.labels.push_back(i / 40 == 20 ? 2 : i % 7 == 0 ? 2 : 1);
    auto problem = problem_of(structure, 1, Boundary::face, false);
    problem.conductivities[2] = 1e-9;
    TransportOptions options;
    options.tolerance = 1e-6;
    const Transport found = solve_transport(problem, options, nullptr);
    CHECK(found.converged);
    CHECK(found.precision == Precision::twice);
    // The film is 1/40 of the length; where islands touch it, it is twice as thick.
    CHECK(found.lower > 3e-8 && found.upper < 4e-8);
}

void what_does_not_percolate_conducts_nothing() {
    Structure structure{{{6, 5, 4}}, std::vector<std::uint8_t>(120, 1)};
    for (std::size_t i = 40; i < 60; ++i) structure.labels[i] = 0;
    std::vector<float> potential(120, 1);
    const Transport found =
        solve_transport(problem_of(structure, 0, Boundary::face, false), {}, potential.data());
    CHECK(!found.percolates && found.effective == 0 && found.upper == 0 && found.iterations == 0);
    CHECK(std::isnan(potential[0]));
}

struct Stop {};

void work_can_be_stopped() {
    const Structure structure = random_structure({{20, 20, 20}}, 2, 3);
    TransportOptions options;
    options.poll = [](int, double) { throw Stop{}; };
    bool stopped = false;
    try {
        solve_transport(problem_of(structure, 0, Boundary::periodic, false), options, nullptr);
    } catch (const Stop&) {
        stopped = true;
    }
    CHECK(stopped);
}

}  // namespace
}  // namespace microtwin::test

int main() {
    using namespace microtwin::test;
    the_interval_holds_what_relaxation_finds();
    any_number_of_threads_finds_the_same();
    high_contrasts_are_solved_in_double_precision();
    what_does_not_percolate_conducts_nothing();
    work_can_be_stopped();
    std::printf("%d checks failed\n", failures);
    return failures == 0 ? 0 : 1;
}
