#include "microtwin/statistics.hpp"

#include "bind.hpp"

namespace microtwin::python {

namespace {

py::tuple count_interfaces(Labels labels, Window window, std::uint8_t phase, Steps steps,
                           bool periodic, int threads) {
    const Sample structure = sample(labels, window);
    const std::vector<Step> directions = core_steps(labels, steps);
    std::vector<Share> shares;
    {
        const py::gil_scoped_release release;
        shares = interfaces(structure, phase, directions, periodic, threads);
    }
    std::vector<std::int64_t> hits, trials;
    for (const Share& share : shares) {
        hits.push_back(share.hits);
        trials.push_back(share.trials);
    }
    return py::make_tuple(copy(hits), copy(trials));
}

CountArray count_labels(Labels labels, Window window, int threads) {
    const Sample structure = sample(labels, window);
    std::array<std::int64_t, 256> counts;
    {
        const py::gil_scoped_release release;
        counts = label_counts(structure, threads);
    }
    return CountArray(static_cast<py::ssize_t>(counts.size()), counts.data());
}

}  // namespace

void bind_statistics(py::module_& m) {
    using namespace py::literals;
    bind_counts<two_point, lineal_path, chord_lengths>(m);
    m.def("interfaces", &count_interfaces, "labels"_a, "window"_a, "phase"_a, "steps"_a,
          "periodic"_a, "threads"_a,
          "Count pairs of neighbours of which one is of the phase: (hits, trials), each (steps,).");
    m.def("label_counts", &count_labels, "labels"_a, "window"_a, "threads"_a,
          "Count the voxels of each of 256 labels.");
}

}  // namespace microtwin::python
