// The inner loop of the two-point count, chosen at run time for the processor at hand.
#pragma once

#include <cstdint>
#include <vector>

namespace microtwin {

using OverlapKernel = void (*)(const std::uint64_t* rows, const std::uint64_t* others,
                               std::int64_t n, std::int64_t max_lag, std::int64_t* hits);

// Every version that this processor can run, the fastest first; all count the same.
std::vector<OverlapKernel> overlap_kernels();

// hits[r] += sum over rows i < n of popcount(rows_i & others_{i+r}) for r in 0 .. max_lag. Rows are
// kBundleWords words each, aligned to 64 bytes; n rows and n + max_lag others must be readable, and
// they may be the same.
void count_overlaps(const std::uint64_t* rows, const std::uint64_t* others, std::int64_t n,
                    std::int64_t max_lag, std::int64_t* hits);

}  // namespace microtwin
