// One bind_* function for each concern, and what they share.
#pragma once

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <vector>

#include "arrays.hpp"
#include "microtwin/statistics.hpp"

namespace microtwin::python {

void bind_statistics(py::module_& m);
void bind_annealing(py::module_& m);

inline py::tuple lag_tables(const std::vector<LagCounts>& counts) {
    std::vector<const std::vector<std::int64_t>*> hits, trials;
    for (const auto& axis : counts) {
        hits.push_back(&axis.hits);
        trials.push_back(&axis.trials);
    }
    return py::make_tuple(table(hits), table(trials));
}

using CountFunction = std::vector<LagCounts> (*)(const LabelView&, std::uint8_t,
                                                 const std::vector<int>&, const CountOptions&);

// _core and _cuda offer the same counts.
template <CountFunction count>
void bind_count(py::module_& m, const char* name, const char* doc) {
    using namespace py::literals;
    m.def(
        name,
        [](const LabelArray& labels, std::uint8_t phase, const std::vector<int>& axes,
           std::int64_t max_lag, bool periodic, int threads) {
            const LabelView structure = view(labels);
            const std::vector<int> directions = core_axes(labels, axes);
            std::vector<LagCounts> counts;
            {
                const py::gil_scoped_release release;
                counts = count(structure, phase, directions, {max_lag, periodic, threads});
            }
            return lag_tables(counts);
        },
        "labels"_a, "phase"_a, "axes"_a, "max_lag"_a, "periodic"_a, "threads"_a, doc);
}

}  // namespace microtwin::python
