#include "microtwin/statistics.hpp"

#include "arrays.hpp"
#include "bind.hpp"

namespace microtwin::python {
namespace {

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
    bind_count<two_point>(
        m, "two_point",
        "Count pairs of voxels of a phase: (hits, trials), each (axes, max_lag + 1) int64.");
    bind_count<lineal_path>(
        m, "lineal_path",
        "Count segments within a phase: (hits, trials), each (axes, max_lag + 1) int64.");
    m.def("run_lengths", &runs, "labels"_a, "phase"_a, "axes"_a, "periodic"_a, "threads"_a,
          "Histogram of runs by length, and whole-line rings, for each axis.");
}

}  // namespace microtwin::python
