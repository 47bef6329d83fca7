#include "microtwin/distance.hpp"

#include "arrays.hpp"
#include "bind.hpp"

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

}  // namespace

void bind_distance(py::module_& m) {
    using namespace py::literals;
    m.def("squared_distances", &distances, "labels"_a, "phase"_a, "periodic"_a, "threads"_a,
          "limit"_a = kNoLimit,
          "Squared distance in voxels of each voxel of a phase to the nearest outside it.");
}

}  // namespace microtwin::python
