#include "microtwin/configurations.hpp"

#include <optional>

#include "arrays.hpp"
#include "bind.hpp"

namespace microtwin::python {
namespace {

CountArray counts(const LabelArray& labels, const std::optional<LabelArray>& mask,
                  std::uint8_t phase, bool periodic, int threads) {
    const LabelView structure = view(labels);
    if (mask && !std::equal(labels.shape(), labels.shape() + labels.ndim(), mask->shape(),
                            mask->shape() + mask->ndim()))
        throw py::value_error("the mask must have the shape of the labels");
    const std::uint8_t* const counted = mask ? mask->data() : nullptr;
    const bool flat = labels.ndim() == 2;
    std::vector<std::int64_t> found;
    {
        const py::gil_scoped_release release;
        found = configurations(structure, counted, flat, phase, periodic, threads);
    }
    return copy(found);
}

}  // namespace

void bind_configurations(py::module_& m) {
    using namespace py::literals;
    m.def("configurations", &counts, "labels"_a, "mask"_a, "phase"_a, "periodic"_a, "threads"_a,
          "Count the 16 (3-D: 256) kinds of neighbourhoods of 2 x 2 (x 2) voxels of a phase.");
}

}  // namespace microtwin::python
