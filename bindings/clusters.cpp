#include "microtwin/clusters.hpp"

#include "arrays.hpp"
#include "bind.hpp"
#include "microtwin/components.hpp"

namespace microtwin::python {
namespace {

using ClusterArray = py::array_t<std::int32_t, py::array::c_style>;

py::tuple clusters_of(const LabelArray& labels, std::uint8_t phase, int differ, bool periodic,
                      int threads, bool image) {
    const LabelView structure = view(labels);
    ClusterArray numbers(
        image ? std::vector<py::ssize_t>(labels.shape(), labels.shape() + labels.ndim())
              : std::vector<py::ssize_t>{0});
    std::int32_t* const pixels = image ? numbers.mutable_data() : nullptr;
    Clusters found;
    {
        const py::gil_scoped_release release;
        const ClusterOptions options{static_cast<Neighbours>(differ), periodic, threads};
        found = find_clusters(structure, phase, options, pixels);
    }
    // The axes of a 2-D array are the last two of the core's three.
    const py::ssize_t ndim = labels.ndim();
    py::array_t<bool> percolates({static_cast<py::ssize_t>(found.sizes.size()), ndim});
    auto rows = percolates.mutable_unchecked<2>();
    for (py::ssize_t k = 0; k < rows.shape(0); ++k)
        for (py::ssize_t axis = 0; axis < ndim; ++axis)
            rows(k, axis) = found.percolates[static_cast<std::size_t>(k)]
                                            [static_cast<std::size_t>(axis + 3 - ndim)] != 0;
    return py::make_tuple(image ? py::object(numbers) : py::none(), copy(found.sizes), percolates);
}

py::tuple pairs(const ClusterArray& clusters, const std::vector<std::vector<int>>& vectors,
                std::int64_t max_lag, bool periodic, int threads) {
    const ClusterView structure{clusters.data(), shape_of(clusters, "clusters")};
    const auto steps = core_steps(clusters, vectors);
    std::vector<LagCounts> counts;
    {
        const py::gil_scoped_release release;
        counts = cluster_pairs(structure, steps, {max_lag, periodic, threads});
    }
    return lag_tables(counts);
}

}  // namespace

void bind_clusters(py::module_& m) {
    using namespace py::literals;
    m.def("clusters", &clusters_of, "labels"_a, "phase"_a, "differ"_a, "periodic"_a, "threads"_a,
          "image"_a = true,
          "Clusters of a phase whose neighbours differ in at most so many coordinates: their image "
          "(int32, or None), sizes and which axes each percolates along.");
    m.def("cluster_pairs", &pairs, "clusters"_a, "steps"_a, "max_lag"_a, "periodic"_a, "threads"_a,
          "Count pairs of voxels of one cluster: (hits, trials), each (steps, max_lag + 1) int64.");
}

}  // namespace microtwin::python
