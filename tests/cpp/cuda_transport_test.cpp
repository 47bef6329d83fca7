// Does the work of every GPU thread of transport here, in more than one order, and compares with
// the core.
#include <cmath>
#include <memory>
#include <numeric>

#include "check.hpp"
#include "machine_relief.hpp"
#include "structures.hpp"

namespace microtwin::cuda {
namespace {

using test::random_structure;
using test::Structure;

template <class T>
class HostMemory {
  public:
    explicit HostMemory(std::int64_t count)
        : values_(std::make_unique<std::vector<T>>(static_cast<std::size_t>(count))) {}
    T* data() const { return values_->data(); }
    void upload(const T* from, std::int64_t count) { std::copy_n(from, count, data()); }
    void download(T* into, std::int64_t count) const { std::copy_n(data(), count, into); }

  private:
    std::unique_ptr<std::vector<T>> values_;
};

enum class Order { forwards, backwards, strides };

// Threads run at once and in any order: what they leave must not depend on it.
template <Order order>
struct Host {
    template <class T>
    using Buffer = HostMemory<T>;

    template <class Work>
    void run(std::int64_t count, const Work& work) const {
        constexpr std::int64_t kStep = order == Order::strides ? 7 : 1;
        for (std::int64_t first = 0; first < kStep; ++first)
            for (std::int64_t i = first; i < count; i += kStep)
                work(order == Order::backwards ? count - 1 - i : i);
    }
    double read(const double* value) const { return *value; }
};

template <Order order>
Transport solved(const TransportProblem& problem, const TransportOptions& options,
                 float* potential) {
    return microtwin::solve_transport(
        problem, options, potential, [](const VoxelNetwork& net, const Multigrid& grids) {
            return std::make_unique<MachineRelief<Host<order>>>(net, grids);
        });
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

template <class Check>
void each_problem(Check&& check) {
    const std::array<Shape3, 5> shapes{
        {{{21, 18, 35}}, {{1, 40, 33}}, {{7, 6, 5}}, {{30, 1, 9}}, {{1, 1, 17}}}};
    std::uint64_t seed = 0;
    for (const Shape3& shape : shapes)
        for (int axis = 0; axis < 3; ++axis)
            for (const auto boundary : {Boundary::face, Boundary::centre, Boundary::periodic})
                for (const bool sides : {false, true}) {
                    if (boundary == Boundary::centre && shape[axis] < 2) continue;
                    const Structure structure = random_structure(shape, 3, ++seed);
                    check(problem_of(structure, axis, boundary, sides));
                }
}

// One step from zero: the cycle is the core's, and so are the currents it is driven by.
void one_iteration_is_that_of_the_core() {
    int compared = 0;
    each_problem([&](const TransportProblem& problem) {
        const VoxelNetwork net = voxel_network(problem, 1);
        if (net.solved == 0) return;
        Multigrid grids(net, 1);
        const std::int64_t size = net.rows.size(), room = net.rows.stride(0) + 16;
        Padded<float> currents(size, room), wanted(size, room), found(size, room);
        std::uint32_t random = 12345;
        for (std::int64_t q = 0; q < size; ++q) {
            random = random * 1664525U + 1013904223U;
            if (net.inverse[q] > 0)
                currents[q] = static_cast<float>(random >> 8) / 16777216.0F - 0.5F;
        }
        grids.cycle(currents.data(), wanted.data());
        MachineRelief<Host<Order::forwards>> relief(net, grids);
        const Relief::Gain gain = relief.solve(currents.data(), found.data(), {0, 1, nullptr});
        if (gain.iterations == 0) return;  // nothing is driven: the currents are in balance
        // The step makes a multiple of what the cycle finds.
        double product = 0, square = 0, most = 0;
        for (std::int64_t q = 0; q < size; ++q) {
            product += static_cast<double>(found[q]) * static_cast<double>(wanted[q]);
            square += static_cast<double>(wanted[q]) * static_cast<double>(wanted[q]);
            most = std::max(most, std::abs(static_cast<double>(found[q])));
        }
        const double alpha = product / square;
        bool same = alpha > 0;
        for (std::int64_t q = 0; q < size; ++q)
            same = same && std::abs(static_cast<double>(found[q]) -
                                    alpha * static_cast<double>(wanted[q])) <= 2e-5 * most;
        CHECK(same);
        ++compared;
    });
    CHECK(compared > 40);
}

void the_interval_is_as_narrow_and_holds_what_the_core_finds() {
    int percolating = 0;
    each_problem([&](const TransportProblem& problem) {
        TransportOptions options;
        options.tolerance = 1e-5;
        const Transport wanted = microtwin::solve_transport(problem, options, nullptr);
        const Transport found = solved<Order::forwards>(problem, options, nullptr);
        CHECK(found.percolates == wanted.percolates);
        CHECK(found.converged && found.solved == wanted.solved);
        CHECK(found.lower <= wanted.upper && wanted.lower <= found.upper);
        CHECK(found.upper - found.lower <= 1e-5 * found.upper);
        CHECK(found.iterations <= 2 * wanted.iterations + 6);
        percolating += found.percolates;
    });
    CHECK(percolating > 40);
}

void threads_may_come_in_any_order() {
    const Structure structure = random_structure({{27, 31, 22}}, 3, 8);
    for (const auto boundary : {Boundary::face, Boundary::periodic}) {
        const auto problem = problem_of(structure, 1, boundary, true);
        std::vector<float> first(structure.labels.size()), second(first.size()),
            third(first.size());
        const Transport one = solved<Order::forwards>(problem, {}, first.data());
        const Transport two = solved<Order::backwards>(problem, {}, second.data());
        const Transport three = solved<Order::strides>(problem, {}, third.data());
        CHECK(one.lower == two.lower && one.upper == two.upper);
        CHECK(one.lower == three.lower && one.upper == three.upper);
        bool same = true;
        for (std::size_t i = 0; i < first.size(); ++i)
            same =
                same && (std::isnan(first[i]) || (first[i] == second[i] && first[i] == third[i]));
        CHECK(same);
    }
}

void what_single_precision_leaves_is_corrected() {
    Structure structure{{{1, 40, 40}}, {}};
    for (std::int64_t i = 0; i < 1600; ++i)  // a film across the way, and islands
        structure.labels.push_back(i / 40 == 20 ? 2 : i % 7 == 0 ? 2 : 1);
    auto problem = problem_of(structure, 1, Boundary::face, false);
    problem.conductivities[2] = 1e-9;
    TransportOptions options;
    options.tolerance = 1e-6;
    const Transport wanted = microtwin::solve_transport(problem, options, nullptr);
    for (const auto precision : {Precision::automatic, Precision::twice}) {
        options.precision = precision;
        const Transport found = solved<Order::forwards>(problem, options, nullptr);
        CHECK(found.converged);
        CHECK(found.lower <= wanted.upper && wanted.lower <= found.upper);
    }
}

// Their energy is next to nothing, and so says nothing about how wide the interval still is.
void islands_behind_bad_conductors_are_solved() {
    // Noise averaged over some voxels along each axis, cut at two levels.
    const Shape3 shape{{50, 37, 61}};
    Xoshiro256 random(1);
    std::vector<double> noise(static_cast<std::size_t>(shape.size())), sum(noise.size());
    for (double& value : noise) value = random.uniform();
    for (const std::int64_t stride : {shape[1] * shape[2], shape[2], std::int64_t{1}}) {
        for (std::size_t i = 0; i < noise.size(); ++i) {
            sum[i] = 0;
            for (std::size_t k = 0; k < 4; ++k)
                sum[i] += noise[(i + k * static_cast<std::size_t>(stride)) % noise.size()];
        }
        noise.swap(sum);
    }
    std::vector<double> sorted = noise;
    std::sort(sorted.begin(), sorted.end());
    Structure structure{shape, {}};
    for (const double value : noise)
        structure.labels.push_back(
            static_cast<std::uint8_t>((value > sorted[sorted.size() * 35 / 100]) +
                                      (value > sorted[sorted.size() * 70 / 100])));
    for (const auto boundary : {Boundary::face, Boundary::centre, Boundary::periodic}) {
        auto problem = problem_of(structure, 2, boundary, true);
        problem.conductivities = {1e-8, 0.3, 1.0};
        TransportOptions options;
        options.tolerance = 1e-5;
        const Transport wanted = microtwin::solve_transport(problem, options, nullptr);
        const Transport found = solved<Order::forwards>(problem, options, nullptr);
        CHECK(found.converged);
        CHECK(found.lower <= wanted.upper && wanted.lower <= found.upper);
        CHECK(found.iterations <= 2 * wanted.iterations + 6);
    }
}

// A relief that finds nonsense makes no answer, least of all a wrong one.
class Nonsense : public Relief {
  public:
    explicit Nonsense(const VoxelNetwork& net) : net_(net) {}
    Gain solve(const float*, float* potential, const Aim&) override {
        for (std::int64_t q = 0; q < net_.rows.size(); ++q)
            potential[q] = net_.inverse[q] > 0 ? static_cast<float>(q % 5) : 0.0F;
        return {1, 0};
    }

  private:
    const VoxelNetwork& net_;
};

void nonsense_from_a_device_only_widens_the_interval() {
    const Structure structure = random_structure({{12, 14, 13}}, 2, 4);
    auto problem = problem_of(structure, 0, Boundary::face, false);
    problem.conductivities = {0.2, 1.0};
    const Transport wanted = microtwin::solve_transport(problem, {}, nullptr);
    const Transport found = microtwin::solve_transport(
        problem, {}, nullptr,
        [](const VoxelNetwork& net, const Multigrid&) { return std::make_unique<Nonsense>(net); });
    CHECK(!found.converged);
    CHECK(found.lower <= wanted.upper && wanted.lower <= found.upper);
}

}  // namespace
}  // namespace microtwin::cuda

int main() {
    using namespace microtwin::cuda;
    one_iteration_is_that_of_the_core();
    the_interval_is_as_narrow_and_holds_what_the_core_finds();
    threads_may_come_in_any_order();
    what_single_precision_leaves_is_corrected();
    islands_behind_bad_conductors_are_solved();
    nonsense_from_a_device_only_widens_the_interval();
    std::printf("%d checks failed\n", failures);
    return failures == 0 ? 0 : 1;
}
