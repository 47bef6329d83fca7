// What annealing is asked for, as Python says it: for _core and _cuda.
#pragma once

#include <pybind11/stl.h>

#include <string>
#include <tuple>
#include <vector>

#include "arrays.hpp"
#include "microtwin/annealing.hpp"
#include "microtwin/targets.hpp"

namespace microtwin::python {

// Statistic, phase, step, origin (none: no components), values and weights at lag 1, 2, ...
using Target = std::tuple<std::string, std::uint8_t, std::vector<int>, std::vector<int>,
                          std::vector<double>, std::vector<double>>;

inline Statistic statistic_named(const std::string& name) {
    if (name == "two_point") return Statistic::two_point;
    if (name == "lineal_path") return Statistic::lineal_path;
    if (name == "chord_length") return Statistic::chord_length;
    if (name == "cluster") return Statistic::cluster;
    if (name == "surface_void") return Statistic::surface_void;
    if (name == "surface_surface") return Statistic::surface_surface;
    if (name == "radial") return Statistic::radial;
    throw py::value_error("no target can be set for the statistic \"" + name + "\"");
}

inline Rule rule_named(const std::string& name) {
    if (name == "metropolis") return Rule::metropolis;
    if (name == "threshold") return Rule::threshold;
    if (name == "deluge") return Rule::deluge;
    throw py::value_error("there is no rule \"" + name + "\"");
}

inline Proposals moves_named(const std::string& name) {
    if (name == "anywhere") return Proposals::anywhere;
    if (name == "interfaces") return Proposals::at_interfaces;
    if (name == "neighbours") return Proposals::by_neighbours;
    throw py::value_error("there are no moves \"" + name + "\"");
}

inline TargetCurve curve(const py::array& labels, const Target& target) {
    const auto& [statistic, phase, step, origin, values, weights] = target;
    Offset from{};
    if (!origin.empty()) {
        if (std::ssize(origin) != labels.ndim())
            throw py::value_error("an origin must have one component for each axis of labels");
        std::copy(origin.begin(), origin.end(), from.end() - std::ssize(origin));
    }
    return {statistic_named(statistic),
            phase,
            core_steps(labels, {step})[0],
            from,
            values,
            weights,
            {}};
}

inline std::vector<TargetCurve> curves(const py::array& labels,
                                       const std::vector<Target>& targets) {
    std::vector<TargetCurve> result;
    for (const Target& target : targets) result.push_back(curve(labels, target));
    return result;
}

}  // namespace microtwin::python
