// Transport on an NVIDIA GPU: the iterations there, the interval of the answer by the core. No CUDA
// types here.
#pragma once

#include "microtwin/transport.hpp"

namespace microtwin::cuda {

// As microtwin::solve_transport.
Transport solve_transport(const TransportProblem& problem, const TransportOptions& options,
                          float* potential);

}  // namespace microtwin::cuda
