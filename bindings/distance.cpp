#include "microtwin/distance.hpp"

#include <optional>

#include "arrays.hpp"
#include "bind.hpp"
#include "microtwin/pore_size.hpp"

namespace microtwin::python {
namespace {

py::array_t<std::int32_t> distances(const LabelArray& labels, std::uint8_t phase, bool periodic,
                                    int threads, std::int64_t limit) {
    const LabelView structure = view(labels);
    py::array_t<std::int32_t> result(
        std::vector<py::ssize_t>(labels.shape(), labels.shape() + labels.ndim()));
    std::int32_t* const out = result.mutable_data();
    {
        const py::gil_scoped_release release;
        squared_distances(structure, phase, periodic, threads, out, limit);
    }
    return result;
}

using DistanceArray = py::array_t<std::int32_t, py::array::c_style>;

py::tuple pore_counts(const LabelArray& labels, std::uint8_t phase, const DistanceArray& squared,
                      const std::optional<DistanceArray>& to_unknown, bool faces,
                      std::int64_t steps, int threads) {
    const LabelView structure = view(labels);
    if (squared.size() != labels.size() || (to_unknown && to_unknown->size() != labels.size()))
        throw py::value_error("distances must have the shape of the labels");
    const PoreField field{structure,      phase,
                          squared.data(), to_unknown ? to_unknown->data() : nullptr,
                          faces,          labels.ndim() == 2};
    PoreCounts counts;
    {
        const py::gil_scoped_release release;
        counts = pore_size(field, steps, threads);
    }
    return py::make_tuple(table({&counts.hits}), table({&counts.trials}));
}

}  // namespace

void bind_distance(py::module_& m) {
    using namespace py::literals;
    m.def("squared_distances", &distances, "labels"_a, "phase"_a, "periodic"_a, "threads"_a,
          "limit"_a = kNoLimit,
          "Squared distance in voxels of each voxel of a phase to the nearest outside it.");
    m.def("pore_size", &pore_counts, "labels"_a, "phase"_a, "squared"_a, "to_unknown"_a, "faces"_a,
          "steps"_a, "threads"_a,
          "Count voxels further than 0, 1/2, 1, ... from other phases: (hits, trials), (1, n).");
}

}  // namespace microtwin::python
