#include "microtwin/transport.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include "flux_bound.hpp"
#include "microtwin/parallel.hpp"
#include "relief.hpp"
#include "voxel_kernels.hpp"

namespace microtwin {
namespace {

// Conductances are stored in single precision; the effective conductivity is off by no more.
constexpr double kRounding = 1.2e-7;

// Sweeps that even out what is missing before the interval is told: at high contrasts it is wider
// without by a factor of five, that of three iterations.
constexpr int kEasing = 4;

// Iterations without a look at the interval.
constexpr int kLongest = 25;

std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }

// Conjugate gradients on a network, with potentials stored as T.
template <class T>
class Solver {
  public:
    Solver(const VoxelNetwork& net, Multigrid& grids, const TransportOptions& options)
        : net_(net), grids_(grids), options_(options), u_(make<T>()), direction_(make<T>()),
          driven_(make<T>()), residual_(make<T>()), z_(make<float>()) {}

    Padded<T>& potential() { return u_; }

    // Goes on until the interval is narrow enough, or nothing is gained any more.
    void solve(Transport& result) {
        restart();
        double before = std::numeric_limits<double>::infinity();  // gap at the last restart
        double pessimism = 8;   // of the bound: how much wider it is than the error, about
        double left = energy_;  // error of the energy, about
        Outlook outlook;
        int since = 0;  // the last look at the interval
        while (!result.converged && result.iterations < options_.max_iterations) {
            poll(result.iterations, left);
            const double gained = iterate();
            ++result.iterations;
            left = outlook.left(gained);
            energy_ -= gained;
            const bool last = result.iterations == options_.max_iterations;
            if (!(gained > 0) || last || ++since == kLongest || pessimism * left < 0.8 * wanted()) {
                since = 0;
                const double gap = measure(result);
                if (result.converged) return;
                if (left > 0) pessimism = std::clamp(gap / left, 1.0, 1e6);
                if (!drifted() && gained > 0) continue;
                if (gap > before / 4) return;  // precision is at its end
                before = gap;
                restart();
                outlook.forget();
            }
        }
    }

    // The same where another makes the iterations; each time from what is missing then.
    void solve(Relief& relief, Transport& result) {
        restart();
        double before = std::numeric_limits<double>::infinity(), pessimism = 8;
        while (!result.converged && result.iterations < options_.max_iterations) {
            const int done = result.iterations;
            const Relief::Gain gain =
                relief.solve(single(residual_), z_.data(),
                             {0.8 * wanted() / pessimism, options_.max_iterations - done,
                              [&](int iterations, double left) { poll(done + iterations, left); }});
            result.iterations += gain.iterations;
            sum_over_rows(1, [&](std::int64_t, std::int64_t at) {
                for (std::int64_t q = at; q < at + net_.rows.width; ++q)
                    u_[q] += static_cast<T>(z_[q]);
                return 0.0;
            });
            const double gap = measure(result);
            if (gain.iterations == 0 || !(gap < before / 2)) return;  // precision is at its end
            // Islands behind bad conductors hold next to no energy, but make the interval wide.
            pessimism = std::clamp(1.5 * gap / std::max(gain.left, gap * 1e-15), pessimism, 1e15);
            before = gap;
            restart();
        }
    }

    // The interval of what has been found; returns the width of the energy's.
    double measure(Transport& result) {
        Flow flow = flow_of(u_);
        energy_ = flow.energy;
        for (int axis = 0; axis < 3; ++axis)
            result.flux[index(axis)] = flow.along[axis] * net_.unit;
        result.flux_in = flow.in * net_.unit;
        result.flux_out = flow.out * net_.unit;
        true_residual_norms();
        const double eased = ease();
        const double gap =
            eased + energy_of_imbalance(net_, grids_, driven_.data(), options_.threads);
        const double unit = net_.scale * net_.unit;
        result.effective = energy_ * unit;
        result.upper = energy_ * unit * (1 + kRounding);
        result.lower = std::max(energy_ - gap, 0.0) * unit * (1 - kRounding);
        // Where something percolates there is a flow; if its energy is lost, precision was too low.
        result.converged =
            energy_ > 0 && result.upper - result.lower <= options_.tolerance * result.upper;
        return gap;
    }

  private:
    double wanted() const { return (options_.tolerance - 2 * kRounding) * energy_; }
    void poll(int iterations, double left) const {
        if (options_.poll) options_.poll(iterations, energy_ > 0 ? left / energy_ : 1);
    }

    struct Flow {
        double energy = 0, in = 0, out = 0;
        double along[3] = {0, 0, 0};
    };

    template <class U>
    Padded<U> make() const {
        return Padded<U>(net_.rows.size(), net_.rows.stride(0) + 16);
    }

    // Work on rows, summed up row by row: the same whatever the number of threads.
    template <class Work>
    double sum_over_rows(double nanoseconds_a_voxel, Work&& work) {
        const std::int64_t rows = net_.rows.rows();
        partial_.assign(index(rows), 0.0);
        const double all = nanoseconds_a_voxel * static_cast<double>(net_.rows.size());
        parallel_ranges(rows, worthwhile(options_.threads, all), 0,
                        [&](std::int64_t begin, std::int64_t end, int&) {
                            for (std::int64_t row = begin; row < end; ++row)
                                partial_[index(row)] = work(row, row * net_.rows.width);
                        });
        double sum = 0;
        for (const double part : partial_) sum += part;
        return sum;
    }

    // Leaves in driven_ what is missing in each voxel.
    Flow flow_of(const Padded<T>& u) {
        std::vector<RowFlow> flows(index(net_.rows.rows()));
        T* out = driven_.data();
        sum_over_rows(4, [&](std::int64_t row, std::int64_t at) {
            flows[index(row)] =
                flow_of_row(NetworkRow(net_, row), net_.gradient.data(), u.data() + at, out + at);
            return 0.0;
        });
        Flow all;
        for (const RowFlow& flow : flows) {
            all.energy += flow.energy;
            for (int axis = 0; axis < 3; ++axis) all.along[axis] += flow.along[axis];
        }
        for (const Seam& seam : net_.seams) {
            const double fall = net_.gradient[index(seam.axis)] +
                                static_cast<double>(u[seam.last]) -
                                static_cast<double>(u[seam.first]);
            const double flux = static_cast<double>(seam.conductance) * fall;
            out[seam.last] -= static_cast<T>(flux);
            out[seam.first] += static_cast<T>(flux);
            all.energy += flux * fall;
            all.along[seam.axis] += flux;
        }
        for (const Contact& contact : net_.contacts) {
            const double fall =
                static_cast<double>(u[contact.voxel]) - static_cast<double>(contact.potential);
            const double flux = static_cast<double>(contact.conductance) * fall;
            out[contact.voxel] -= static_cast<T>(flux);
            all.energy += flux * fall;
            (contact.potential > 0 ? all.in : all.out) += contact.potential > 0 ? -flux : flux;
        }
        scale_flows(all);
        return all;
    }

    // To a mean gradient of one.
    void scale_flows(Flow& all) const {
        for (double& along : all.along) along *= net_.flow_scale;
        all.in *= net_.scale;
        all.out *= net_.scale;
        if (net_.contacts.empty())
            all.in = all.out = all.along[net_.axis];
        else
            all.along[net_.axis] = (all.in + all.out) / 2;
    }

    void restart() {
        energy_ = flow_of(u_).energy;
        sum_over_rows(1, [&](std::int64_t, std::int64_t at) {
            for (std::int64_t q = at; q < at + net_.rows.width; ++q) residual_[q] = driven_[q];
            return 0.0;
        });
        fresh_ = true;
    }

    // How the residual of the recursion compares with that of the potential.
    void true_residual_norms() {
        apart_ = sum_over_rows(1, [&](std::int64_t, std::int64_t at) {
            double sum = 0;
            for (std::int64_t q = at; q < at + net_.rows.width; ++q) {
                const double difference = static_cast<double>(driven_[q] - residual_[q]);
                sum += difference * difference * static_cast<double>(net_.inverse[q]);
            }
            return sum;
        });
        norm_ = sum_over_rows(1, [&](std::int64_t, std::int64_t at) {
            double sum = 0;
            for (std::int64_t q = at; q < at + net_.rows.width; ++q) {
                const auto source = static_cast<double>(driven_[q]);
                sum += source * source * static_cast<double>(net_.inverse[q]);
            }
            return sum;
        });
    }

    // Takes from what is missing, in driven_, what a potential of some sweeps drives, z; returns by
    // how much z lets the energy fall. The flux of z together with one that carries away the rest c
    // has the energy z.(2 r - A z) + |c|^2, as z and c meet in z.(r - A z).
    double ease() {
        grids_.smooth(single(driven_), z_.data(), kEasing);
        double fall = sum_over_rows(1, [&](std::int64_t row, std::int64_t at) {
            return relieve_row(NetworkRow(net_, row), z_.data() + at, driven_.data() + at);
        });
        for (const Contact& contact : net_.contacts) {
            const auto z = static_cast<T>(z_[contact.voxel]),
                       flux = static_cast<T>(contact.conductance) * z;
            driven_[contact.voxel] -= flux;
            fall -= static_cast<double>(flux) * static_cast<double>(z);
        }
        for (const Seam& seam : net_.seams) {
            const T drop = static_cast<T>(z_[seam.last]) - static_cast<T>(z_[seam.first]),
                    flux = static_cast<T>(seam.conductance) * drop;
            driven_[seam.last] -= flux;
            driven_[seam.first] += flux;
            fall -= static_cast<double>(flux) * static_cast<double>(drop);
        }
        return std::max(fall, 0.0);
    }

    bool drifted() const { return apart_ > 0.01 * norm_; }

    // One step; returns by how much the energy fell.
    double iterate() {
        const std::int64_t width = net_.rows.width;
        grids_.cycle(single(residual_), z_.data());
        const double rz = sum_over_rows(0.5, [&](std::int64_t, std::int64_t at) {
            return dot(width, residual_.data() + at, z_.data() + at);
        });
        if (!(rz > 0)) return 0;
        const auto beta = static_cast<T>(fresh_ ? 0 : rz / rz_);
        sum_over_rows(0.5, [&](std::int64_t, std::int64_t at) {
            direct(width, beta, z_.data() + at, direction_.data() + at);
            return 0.0;
        });
        rz_ = rz;
        fresh_ = false;
        const double work = apply();
        if (!(work > 0)) return 0;
        const double alpha = rz / work;
        sum_over_rows(1, [&](std::int64_t, std::int64_t at) {
            advance(width, static_cast<T>(alpha), direction_.data() + at, driven_.data() + at,
                    u_.data() + at, residual_.data() + at);
            return 0.0;
        });
        return alpha * rz;
    }

    // Currents for the multigrid, which works in single precision.
    const float* single(const Padded<T>& currents) {
        if constexpr (std::is_same_v<T, float>) {
            return currents.data();
        } else {
            if (single_.size() == 0) single_ = make<float>();
            sum_over_rows(0.5, [&](std::int64_t, std::int64_t at) {
                for (std::int64_t q = at; q < at + net_.rows.width; ++q)
                    single_[q] = static_cast<float>(currents[q]);
                return 0.0;
            });
            return single_.data();
        }
    }

    double apply() {
        double work = sum_over_rows(1, [&](std::int64_t row, std::int64_t at) {
            return apply_row(NetworkRow(net_, row), direction_.data() + at, driven_.data() + at);
        });
        for (const Contact& contact : net_.contacts) {
            const T p = direction_[contact.voxel], flux = static_cast<T>(contact.conductance) * p;
            driven_[contact.voxel] += flux;
            work += static_cast<double>(flux) * static_cast<double>(p);
        }
        for (const Seam& seam : net_.seams) {
            const T fall = direction_[seam.last] - direction_[seam.first],
                    flux = static_cast<T>(seam.conductance) * fall;
            driven_[seam.last] += flux;
            driven_[seam.first] -= flux;
            work += static_cast<double>(flux) * static_cast<double>(fall);
        }
        return work;
    }

    const VoxelNetwork& net_;
    Multigrid& grids_;
    const TransportOptions& options_;
    Padded<T> u_, direction_, driven_, residual_;
    Padded<float> z_, single_;
    std::vector<double> partial_;
    double rz_ = 0, energy_ = 0, apart_ = 0, norm_ = 0;
    bool fresh_ = true;
};

// Calls visit(voxel, voxel in padded rows, z, y, x).
template <class Visit>
void each_voxel(const RowShape& rows, Visit&& visit) {
    std::int64_t voxel = 0;
    for (std::int64_t z = 0; z < rows.shape[0]; ++z)
        for (std::int64_t y = 0; y < rows.shape[1]; ++y)
            for (std::int64_t x = 0; x < rows.shape[2]; ++x, ++voxel)
                visit(voxel, rows.at(z, y, x), std::array<std::int64_t, 3>{z, y, x});
}

template <class T>
void begin(const TransportProblem& problem, const VoxelNetwork& net, Padded<T>& u) {
    const auto axis = index(problem.axis);
    const auto side = static_cast<double>(problem.labels.shape[problem.axis]);
    const bool at_face = problem.boundary == Boundary::face;
    each_voxel(net.rows, [&](std::int64_t voxel, std::int64_t q, const auto& at) {
        if (!(net.inverse[q] > 0)) return;
        double value = 0;
        const auto along = static_cast<double>(at[axis]);
        if (problem.boundary != Boundary::periodic)
            value = at_face ? 1 - (along + 0.5) / side : 1 - along / (side - 1);
        if (problem.start != nullptr && std::isfinite(problem.start[voxel]))
            value = problem.start[voxel];
        u[q] = static_cast<T>(value);
    });
}

// The potential of a voxel that is no unknown.
float fixed_potential(const TransportProblem& problem, const VoxelNetwork& net, std::int64_t voxel,
                      std::int64_t along) {
    const bool held = problem.boundary == Boundary::centre && net.leads[index(voxel)] != 0 &&
                      (along == 0 || along == problem.labels.shape[problem.axis] - 1);
    if (!held) return std::numeric_limits<float>::quiet_NaN();
    return along == 0 ? 1 : 0;
}

template <class T>
void write(const TransportProblem& problem, const VoxelNetwork& net, const Padded<T>& u,
           float* potential) {
    const auto axis = index(problem.axis);
    each_voxel(net.rows, [&](std::int64_t voxel, std::int64_t q, const auto& at) {
        potential[voxel] = net.solved > 0 && net.inverse[q] > 0
                               ? static_cast<float>(u[q])
                               : fixed_potential(problem, net, voxel, at[axis]);
    });
}

}  // namespace

Transport solve_transport(const TransportProblem& problem, const TransportOptions& options,
                          float* potential) {
    return solve_transport(problem, options, potential, nullptr);
}

Transport solve_transport(const TransportProblem& problem, const TransportOptions& options,
                          float* potential, const MakeRelief& make_relief) {
    const VoxelNetwork net = voxel_network(problem, options.threads);
    Transport result;
    const std::int64_t size = problem.labels.shape.size();
    if (potential != nullptr)
        std::fill(potential, potential + size, std::numeric_limits<float>::quiet_NaN());
    if (!net.percolates()) {
        result.converged = true;
        return result;
    }
    result.percolates = true;
    result.solved = net.connected;
    if (net.solved == 0) {  // two planes, and nothing between them
        const double all = net.direct * net.scale * net.unit;
        result.effective = result.lower = result.upper = result.flux_in = result.flux_out = all;
        result.flux[index(problem.axis)] = all;
        result.converged = true;
        if (potential != nullptr) write(problem, net, Padded<float>(), potential);
        return result;
    }
    Multigrid grids(net, options.threads);
    const std::unique_ptr<Relief> relief = make_relief ? make_relief(net, grids) : nullptr;
    const auto run = [&](auto& solver) {
        relief ? solver.solve(*relief, result) : solver.solve(result);
        if (potential != nullptr) write(problem, net, solver.potential(), potential);
    };
    if (options.precision != Precision::twice) {
        Solver<float> solver(net, grids, options);
        begin(problem, net, solver.potential());
        run(solver);
        if (result.converged || options.precision == Precision::single) return result;
    }
    // Begins anew: what single precision has left is rough.
    result.precision = Precision::twice;
    Solver<double> solver(net, grids, options);
    begin(problem, net, solver.potential());
    run(solver);
    return result;
}

}  // namespace microtwin
