#include <pybind11/stl.h>

#include "annealing.hpp"
#include "arrays.hpp"
#include "bind.hpp"
#include "targets.hpp"

namespace microtwin::python {
namespace {

cuda::WalkOptions options(bool periodic, std::uint64_t seed, double level, const std::string& moves,
                          const std::string& rule) {
    return {periodic, seed, {level, moves_named(moves), rule_named(rule)}};
}

LabelArray like(const LabelArray& starts, const std::vector<std::uint8_t>& labels) {
    LabelArray result(std::vector<py::ssize_t>(starts.shape(), starts.shape() + starts.ndim()));
    std::copy(labels.begin(), labels.end(), result.mutable_data());
    return result;
}

// One array for each curve: (replicas, lags).
py::list hits_of_replicas(const cuda::Annealed& found) {
    py::list result;
    for (std::size_t curve = 0; curve < found.hits[0].size(); ++curve) {
        std::vector<const std::vector<std::int64_t>*> rows;
        for (const auto& replica : found.hits) rows.push_back(&replica[curve]);
        result.append(table(rows));
    }
    return result;
}

py::tuple anneal_replicas(const LabelArray& starts, const std::vector<Target>& targets,
                          bool periodic, std::uint64_t seed, std::int64_t proposals, double level,
                          const std::string& moves, const std::string& rule) {
    if (starts.ndim() != 3 && starts.ndim() != 4)
        throw py::value_error("starts must be a stack of 2-D or 3-D labels, not " +
                              std::to_string(starts.ndim()) + "-D");
    if (starts.shape(0) == 0) throw py::value_error("starts must not be empty");
    const py::array first = starts[py::int_(0)];
    const cuda::Replicas replicas{starts.data(), shape_of(first, "labels"), starts.shape(0)};
    const auto wanted = curves(first, targets);
    const auto how = options(periodic, seed, level, moves, rule);
    cuda::Annealed found;
    {
        const py::gil_scoped_release release;
        found = cuda::anneal_replicas(replicas, wanted, how, proposals);
    }
    return py::make_tuple(like(starts, found.labels), hits_of_replicas(found),
                          copy(found.accepted));
}

py::tuple anneal_blocks(const LabelArray& labels, const std::vector<Target>& targets, bool periodic,
                        std::uint64_t seed, std::int64_t sweeps, std::int64_t proposals_per_sweep,
                        double level, std::int64_t block, const std::string& moves,
                        const std::string& rule) {
    const LabelView start = view(labels);
    const auto wanted = curves(labels, targets);
    const auto how = options(periodic, seed, level, moves, rule);
    cuda::Annealed found;
    {
        const py::gil_scoped_release release;
        found = cuda::anneal_blocks(start, wanted, how, {sweeps, proposals_per_sweep, block});
    }
    py::list hits;
    for (const auto& curve : found.hits[0]) hits.append(copy(curve));
    return py::make_tuple(like(labels, found.labels), hits, found.accepted[0]);
}

}  // namespace

void bind_cuda_annealing(py::module_& m) {
    using namespace py::literals;
    m.def("anneal_replicas", &anneal_replicas, "starts"_a, "targets"_a, "periodic"_a, "seed"_a,
          "proposals"_a, "level"_a, "moves"_a = "anywhere", "rule"_a = "metropolis",
          "Anneal a stack of structures, one warp each; replica i draws from seed + i.");
    m.def("anneal_blocks", &anneal_blocks, "labels"_a, "targets"_a, "periodic"_a, "seed"_a,
          "sweeps"_a, "proposals_per_sweep"_a, "level"_a, "block"_a, "moves"_a = "anywhere",
          "rule"_a = "metropolis",
          "Anneal one structure in blocks that do not see each other, many at a time.");
}

}  // namespace microtwin::python
