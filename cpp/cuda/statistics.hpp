// The counts of microtwin/statistics.hpp on an NVIDIA GPU: the same integers. No CUDA types here.
#pragma once

#include <cstdint>
#include <vector>

#include "microtwin/statistics.hpp"

namespace microtwin::cuda {

// How many GPUs can be used; 0 where there is no GPU or no driver.
int device_count();

// `options.threads` is not used. Throws std::runtime_error with CUDA's message where a call fails.
std::vector<LagCounts> two_point(const Sample& sample, std::uint8_t first, std::uint8_t second,
                                 const std::vector<Step>& steps, const CountOptions& options);
std::vector<LagCounts> lineal_path(const Sample& sample, std::uint8_t phase,
                                   const std::vector<Step>& steps, const CountOptions& options);
std::vector<LagCounts> chord_lengths(const Sample& sample, std::uint8_t phase,
                                     const std::vector<Step>& steps, const CountOptions& options);

}  // namespace microtwin::cuda
