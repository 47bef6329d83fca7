#include "microtwin/statistics.hpp"

#include <pybind11/stl.h>

#include "arrays.hpp"
#include "bind.hpp"

namespace microtwin::python {
namespace {

using CountFunction = std::vector<LagCounts> (*)(const LabelView&, std::uint8_t,
                                                 const std::vector<int>&, const CountOptions&);

template <CountFunction count>
py::tuple lag_counts(const LabelArray& labels, std::uint8_t phase, const std::vector<int>& axes,
                     std::int64_t max_lag, bool periodic, int threads) {
    const LabelView structure = view(labels);
    const std::vector<int> directions = core_axes(labels, axes);
    std::vector<LagCounts> counts;
    {
        const py::gil_scoped_release release;
        counts = count(structure, phase, directions, {max_lag, periodic, threads});
    }
    return lag_tables(counts);
}

py::list runs(const LabelArray& labels, std::uint8_t phase, const std::vector<int>& axes,
              bool periodic, int threads) {
    const LabelView structure = view(labels);
    const std::vector<int> directions = core_axes(labels, axes);
    std::vector<RunLengths> found;
    {
        const py::gil_scoped_release release;
        found = run_lengths(structure, phase, directions, periodic, threads);
    }
    py::list result;
    for (const auto& axis : found) result.append(py::make_tuple(copy(axis.length), axis.rings));
    return result;
}

}  // namespace

void bind_statistics(py::module_& m) {
    using namespace py::literals;
    m.def("two_point", &lag_counts<two_point>, "labels"_a, "phase"_a, "axes"_a, "max_lag"_a,
          "periodic"_a, "threads"_a,
          "Count pairs of voxels of a phase: (hits, trials), each (axes, max_lag + 1) int64.");
    m.def("lineal_path", &lag_counts<lineal_path>, "labels"_a, "phase"_a, "axes"_a, "max_lag"_a,
          "periodic"_a, "threads"_a,
          "Count segments within a phase: (hits, trials), each (axes, max_lag + 1) int64.");
    m.def("run_lengths", &runs, "labels"_a, "phase"_a, "axes"_a, "periodic"_a, "threads"_a,
          "Histogram of runs by length, and whole-line rings, for each axis.");
}

}  // namespace microtwin::python
