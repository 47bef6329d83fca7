// Fuzzes the core: bytes become a small structure, steps and options, as odd as they come.
//
// What is refused is refused by std::invalid_argument. Of what is counted, hits are no more than
// trials and no number of threads changes a count; of what is solved, the interval holds the
// answer. Built by -DMICROTWIN_FUZZ=ON with clang; run: build/fuzz/core_fuzz CORPUS
// -max_total_time=600
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <stdexcept>
#include <vector>

#include "microtwin/components.hpp"
#include "microtwin/grid.hpp"
#include "microtwin/statistics.hpp"
#include "microtwin/transport.hpp"

namespace {

using namespace microtwin;

void require(bool holds) {
    if (!holds) std::abort();
}

// The bytes, one after the other; zeros once they are used up.
class Bytes {
  public:
    Bytes(const std::uint8_t* data, std::size_t size) : data_(data), left_(size) {}

    std::uint8_t next() {
        if (left_ == 0) return 0;
        --left_;
        return *data_++;
    }
    int between(int low, int high) { return low + next() % (high - low + 1); }

  private:
    const std::uint8_t* data_;
    std::size_t left_;
};

bool same(const std::vector<LagCounts>& a, const std::vector<LagCounts>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
        return x.hits == y.hits && x.trials == y.trials;
    });
}

template <class Count>
void check_lags(CountOptions options, const Count& count) {
    try {
        options.threads = 1;
        const auto alone = count(options);
        options.threads = 3;
        require(same(alone, count(options)));
        for (const LagCounts& curve : alone) {
            require(curve.hits.size() == curve.trials.size());
            for (std::size_t lag = 0; lag < curve.hits.size(); ++lag) {
                require(0 <= curve.hits[lag] && curve.hits[lag] <= curve.trials[lag]);
            }
        }
    } catch (const std::invalid_argument&) {
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Bytes bytes(data, size);
    const Shape3 shape{{bytes.between(1, 7), bytes.between(1, 9), bytes.between(1, 70)}};
    const int labels_used = bytes.between(1, 4);
    const bool masked = bytes.next() & 1;
    const bool periodic = bytes.next() & 1;
    const auto phase = static_cast<std::uint8_t>(bytes.between(0, 4));
    std::vector<Step> steps;
    for (int i = bytes.between(0, 3); i >= 0; --i) {
        // Wrong ones too: those that do not begin with 1, and too long ones.
        steps.push_back({bytes.between(-1, 2), bytes.between(-1, 1), bytes.between(-1, 1)});
    }
    CountOptions options;
    options.max_lag = bytes.between(-1, 80);
    options.periodic = periodic;

    const auto count = static_cast<std::size_t>(shape.size());
    std::vector<std::uint8_t> labels(count), window(count);
    for (auto& label : labels) label = static_cast<std::uint8_t>(bytes.next() % labels_used);
    for (auto& inside : window) inside = masked ? bytes.next() & 1 : 1;
    const LabelView view{labels.data(), shape};
    const Sample sample{view, masked ? window.data() : nullptr};

    check_lags(options, [&](const CountOptions& o) {
        check_count(sample, steps, o);
        return two_point(sample, phase, static_cast<std::uint8_t>(labels_used - 1), steps, o);
    });
    check_lags(options, [&](const CountOptions& o) {
        check_count(sample, steps, o);
        return lineal_path(sample, phase, steps, o);
    });
    check_lags(options, [&](const CountOptions& o) {
        check_count(sample, steps, o);
        return chord_lengths(sample, phase, steps, o);
    });

    const auto voxels = label_counts(sample, 2);
    require(voxels == label_counts(sample, 1));

    TransportProblem problem;
    problem.labels = view;
    for (int label = 0; label < labels_used; ++label) {
        const double steps_up = bytes.between(0, 30);
        problem.conductivities[static_cast<std::size_t>(label)] =
            steps_up == 0 ? 0 : std::pow(10.0, steps_up / 10 - 2);
    }
    problem.axis = bytes.between(0, 2);
    problem.boundary = bytes.next() & 1 ? Boundary::face : Boundary::periodic;
    problem.periodic_sides = bytes.next() & 1;
    TransportOptions solving;
    solving.tolerance = 1e-3;
    solving.max_iterations = 60;
    solving.threads = bytes.between(1, 2);
    std::vector<float> potential(count);
    try {
        const Transport found = solve_transport(problem, solving, potential.data());
        require(std::isfinite(found.effective) && found.effective >= 0);
        require(found.lower <= found.effective * (1 + 1e-5) + 1e-12);
        require(found.effective <= found.upper * (1 + 1e-5) + 1e-12);
        if (!found.percolates) require(found.effective == 0);
    } catch (const std::invalid_argument&) {
    }
    return 0;
}
