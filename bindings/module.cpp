#include "bind.hpp"

PYBIND11_MODULE(_core, m) {
    m.doc() =
        "The C++ core of microtwin: exact counts, annealing, transport. Use the Python packages.";
    microtwin::python::bind_statistics(m);
    microtwin::python::bind_annealing(m);
    microtwin::python::bind_clusters(m);
    microtwin::python::bind_configurations(m);
    microtwin::python::bind_distance(m);
    microtwin::python::bind_transport(m, &microtwin::solve_transport);
}
