#include "microtwin/annealing.hpp"

#include <pybind11/stl.h>

#include <algorithm>
#include <memory>

#include "arrays.hpp"
#include "bind.hpp"
#include "microtwin/blocks.hpp"
#include "microtwin/textbook.hpp"
#include "targets.hpp"

namespace microtwin::python {
namespace {

py::tuple count_target(const LabelArray& labels, const Target& target, bool periodic) {
    const TargetCurve wanted = curve(labels, target);
    check_target(wanted, view(labels).shape, periodic);
    const LagCounts counts = count(wanted, view(labels), periodic);
    return py::make_tuple(copy(counts.hits), copy(counts.trials));
}

template <class Kind>
std::unique_ptr<Kind> make(const LabelArray& labels, const std::vector<Target>& targets,
                           bool periodic, std::uint64_t seed,
                           const std::optional<LabelArray>& fixed) {
    const Sample structure = sample(labels, fixed);
    auto wanted = curves(labels, targets);
    const py::gil_scoped_release release;
    return std::make_unique<Kind>(structure.labels, std::move(wanted),
                                  AnnealingOptions{periodic, seed, structure.window});
}

// The weighted squared error of each curve.
template <class Kind>
py::array_t<double> energies(const Kind& annealer) {
    std::vector<double> result;
    for (std::size_t i = 0; i < annealer.curve_count(); ++i)
        result.push_back(annealer.curve(i).energy());
    return copy(result);
}

py::tuple snapshot(const Annealer& annealer) {
    const auto state = annealer.snapshot();
    py::dict sites;
    for (std::size_t label = 0; label < state.sites.size(); ++label)
        if (!state.sites[label].empty()) sites[py::int_(label)] = copy(state.sites[label]);
    return py::make_tuple(sites, state.sorted, state.random, state.proposed, state.accepted);
}

void restore(Annealer& annealer, const std::map<int, std::vector<Site>>& sites, bool sorted,
             const Xoshiro256::State& random, std::int64_t proposed, std::int64_t accepted) {
    Annealer::Snapshot state;
    state.sites.resize(256);
    for (const auto& [label, list] : sites) state.sites.at(static_cast<std::size_t>(label)) = list;
    state.sorted = sorted;
    state.random = random;
    state.proposed = proposed;
    state.accepted = accepted;
    annealer.restore(state);
}

}  // namespace

void bind_annealing(py::module_& m) {
    using namespace py::literals;
    using Release = py::call_guard<py::gil_scoped_release>;
    m.def("count_target", &count_target, "labels"_a, "target"_a, "periodic"_a,
          "Hits and trials, at lag 1, 2, ..., of what a target of annealing is about.");
    py::class_<Annealer>(m, "Annealer", "Pixel-exchange annealing with incremental energies.")
        .def(py::init(&make<Annealer>), "labels"_a, "targets"_a, "periodic"_a, "seed"_a,
             "fixed"_a = py::none())
        .def(
            "run",
            [](Annealer& self, std::int64_t proposals, double level, double enough,
               const std::string& moves, bool balanced, const std::string& rule) {
                return self.run(proposals, level, enough,
                                {moves_named(moves), balanced, rule_named(rule)});
            },
            "proposals"_a, "level"_a, "enough"_a = -1.0, "moves"_a = "anywhere",
            "balanced"_a = false, "rule"_a = "metropolis", Release())
        .def(
            "sample_differences",
            [](Annealer& self, std::int64_t count) { return copy(self.sample_differences(count)); })
        .def("difference", &Annealer::difference, "a"_a, "b"_a)
        .def_property_readonly("energy", &Annealer::energy)
        .def_property_readonly("error", &Annealer::error)
        .def_property_readonly("proposed", &Annealer::proposed)
        .def_property_readonly("accepted", &Annealer::accepted)
        .def("energies", &energies<Annealer>)
        .def("labels", [](const Annealer& self) { return copy(self.labels()); })
        .def("hits",
             [](const Annealer& self, std::size_t curve) { return copy(self.curve(curve).hits()); })
        .def("snapshot", &snapshot)
        .def("restore", &restore, "sites"_a, "sorted"_a, "random"_a, "proposed"_a, "accepted"_a);
    py::class_<BlockAnnealer>(m, "BlockAnnealer", "Annealing of many blocks at the same time.")
        .def(
            py::init([](const LabelArray& labels, const std::vector<Target>& targets, bool periodic,
                        std::uint64_t seed, int threads, const std::optional<LabelArray>& fixed) {
                const Sample structure = sample(labels, fixed);
                auto wanted = curves(labels, targets);
                const py::gil_scoped_release release;
                return std::make_unique<BlockAnnealer>(
                    structure.labels, std::move(wanted),
                    AnnealingOptions{periodic, seed, structure.window}, threads);
            }),
            "labels"_a, "targets"_a, "periodic"_a, "seed"_a, "threads"_a, "fixed"_a = py::none())
        .def(
            "sweep",
            [](BlockAnnealer& self, std::int64_t side, double proposals, double level,
               double enough, const std::string& moves) {
                return self.sweep({side, proposals, level, enough, {moves_named(moves)}});
            },
            "side"_a = 64, "proposals"_a = 8.0, "level"_a = 0.0, "enough"_a = 0.0,
            "moves"_a = "neighbours", Release())
        .def_property_readonly("energy", &BlockAnnealer::energy)
        .def_property_readonly("error", &BlockAnnealer::error)
        .def_property_readonly("proposed", &BlockAnnealer::proposed)
        .def_property_readonly("accepted", &BlockAnnealer::accepted)
        .def_property_readonly("sweeps", &BlockAnnealer::sweeps)
        .def("energies", &energies<BlockAnnealer>)
        .def("labels", [](const BlockAnnealer& self) { return copy(self.labels()); })
        .def("hits", [](const BlockAnnealer& self,
                        std::size_t curve) { return copy(self.curve(curve).hits()); })
        .def("restore", &BlockAnnealer::restore, "sweeps"_a, "proposed"_a, "accepted"_a);
    py::class_<TextbookAnnealer>(m, "TextbookAnnealer", "The slow oracle of Annealer.")
        .def(py::init(&make<TextbookAnnealer>), "labels"_a, "targets"_a, "periodic"_a, "seed"_a,
             "fixed"_a = py::none())
        .def("run", &TextbookAnnealer::run, "proposals"_a, "temperature"_a, Release())
        .def("difference", &TextbookAnnealer::difference, "a"_a, "b"_a)
        .def_property_readonly("energy", &TextbookAnnealer::energy)
        .def("labels", [](const TextbookAnnealer& self) { return copy(self.labels()); });
}

}  // namespace microtwin::python
