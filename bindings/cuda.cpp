#include "bind.hpp"
#include "statistics.hpp"

PYBIND11_MODULE(_cuda, m) {
    namespace mp = microtwin::python;
    m.doc() = "Counts on an NVIDIA GPU, equal to those of the core. Use the Python packages.";
    m.def("device_count", &microtwin::cuda::device_count,
          "How many GPUs can be used; 0 where there is no GPU or no driver.");
    mp::bind_count<microtwin::cuda::two_point>(
        m, "two_point",
        "Count pairs of voxels of a phase: (hits, trials), each (axes, max_lag + 1) int64.");
    mp::bind_count<microtwin::cuda::lineal_path>(
        m, "lineal_path",
        "Count segments within a phase: (hits, trials), each (axes, max_lag + 1) int64.");
}
