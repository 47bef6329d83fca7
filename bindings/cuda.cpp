#include "bind.hpp"
#include "statistics.hpp"
#include "transport.hpp"

PYBIND11_MODULE(_cuda, m) {
    namespace mp = microtwin::python;
    m.doc() =
        "Counts on an NVIDIA GPU, equal to those of the core, annealing and transport. Use the "
        "Python packages.";
    m.def("device_count", &microtwin::cuda::device_count,
          "How many GPUs can be used; 0 where there is no GPU or no driver.");
    namespace mc = microtwin::cuda;
    mp::bind_counts<mc::two_point, mc::lineal_path, mc::chord_lengths>(m);
    mp::bind_cuda_annealing(m);
    mp::bind_transport(m, &mc::solve_transport);
}
