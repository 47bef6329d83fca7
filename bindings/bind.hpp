// One bind_* function for each concern, and what they share.
#pragma once

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <vector>

#include "arrays.hpp"
#include "microtwin/statistics.hpp"
#include "microtwin/transport.hpp"

namespace microtwin::python {

// The core's solver of transport, or that for GPUs.
using SolveTransport = Transport (*)(const TransportProblem&, const TransportOptions&, float*);

void bind_statistics(py::module_& m);
void bind_annealing(py::module_& m);
void bind_clusters(py::module_& m);
void bind_distance(py::module_& m);
void bind_configurations(py::module_& m);
void bind_transport(py::module_& m, SolveTransport solve);
void bind_cuda_annealing(py::module_& m);  // of _cuda

inline py::tuple lag_tables(const std::vector<LagCounts>& counts) {
    std::vector<const std::vector<std::int64_t>*> hits, trials;
    for (const auto& axis : counts) {
        hits.push_back(&axis.hits);
        trials.push_back(&axis.trials);
    }
    return py::make_tuple(table(hits), table(trials));
}

using Labels = const LabelArray&;
using Window = const std::optional<LabelArray>&;
using Steps = const std::vector<std::vector<int>>&;

template <class Count>
py::tuple counted(Labels labels, Window window, Steps steps, const CountOptions& options,
                  Count&& count) {
    const Sample structure = sample(labels, window);
    const std::vector<Step> directions = core_steps(labels, steps);
    std::vector<LagCounts> counts;
    {
        const py::gil_scoped_release release;
        counts = count(structure, directions, options);
    }
    return lag_tables(counts);
}

using PairCount = std::vector<LagCounts> (*)(const Sample&, std::uint8_t, std::uint8_t,
                                             const std::vector<Step>&, const CountOptions&);
using RunCount = std::vector<LagCounts> (*)(const Sample&, std::uint8_t, const std::vector<Step>&,
                                            const CountOptions&);

// _core and _cuda offer the same counts: (hits, trials), each (steps, max_lag + 1) int64.
template <PairCount two_point, RunCount lineal_path, RunCount chord_lengths>
void bind_counts(py::module_& m) {
    using namespace py::literals;
    m.def(
        "two_point",
        [](Labels labels, Window window, std::uint8_t first, std::uint8_t second, Steps steps,
           std::int64_t max_lag, bool periodic, int threads) {
            return counted(labels, window, steps, {max_lag, periodic, threads},
                           [=](const auto& structure, const auto&... rest) {
                               return two_point(structure, first, second, rest...);
                           });
        },
        "labels"_a, "window"_a, "first"_a, "second"_a, "steps"_a, "max_lag"_a, "periodic"_a,
        "threads"_a, "Count pairs of voxels, one phase at the first end and one at the second.");
    const auto bind_runs = [&]<RunCount count>(const char* name, const char* doc) {
        m.def(
            name,
            [](Labels labels, Window window, std::uint8_t phase, Steps steps, std::int64_t max_lag,
               bool periodic, int threads) {
                return counted(labels, window, steps, {max_lag, periodic, threads},
                               [=](const auto& structure, const auto&... rest) {
                                   return count(structure, phase, rest...);
                               });
            },
            "labels"_a, "window"_a, "phase"_a, "steps"_a, "max_lag"_a, "periodic"_a, "threads"_a,
            doc);
    };
    bind_runs.template operator()<lineal_path>("lineal_path", "Count segments within a phase.");
    bind_runs.template operator()<chord_lengths>("chord_lengths",
                                                 "Count chords of a phase by their length.");
}

}  // namespace microtwin::python
