#include "microtwin/statistics.hpp"

#include "bind.hpp"

namespace microtwin::python {

void bind_statistics(py::module_& m) { bind_counts<two_point, lineal_path, chord_lengths>(m); }

}  // namespace microtwin::python
