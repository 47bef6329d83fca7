// One bind_* function for each concern, and what they share.
#pragma once

#include <pybind11/pybind11.h>

#include <vector>

#include "arrays.hpp"
#include "microtwin/statistics.hpp"

namespace microtwin::python {

void bind_statistics(py::module_& m);
void bind_annealing(py::module_& m);

inline py::tuple lag_tables(const std::vector<LagCounts>& counts) {
    std::vector<const std::vector<std::int64_t>*> hits, trials;
    for (const auto& axis : counts) {
        hits.push_back(&axis.hits);
        trials.push_back(&axis.trials);
    }
    return py::make_tuple(table(hits), table(trials));
}

}  // namespace microtwin::python
