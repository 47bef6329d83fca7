// The inner loop of the cluster function: how many entries of two lists are equal, lag by lag.
#pragma once

#include <cstdint>
#include <vector>

namespace microtwin {

// Entries of a register of 512 bits.
template <class Label>
inline constexpr std::int64_t kMatchLanes = 64 / static_cast<std::int64_t>(sizeof(Label));

// Lags are counted so many at a time: beyond the last there must be so many more to read.
inline constexpr std::int64_t kMatchLags = 8;

// Copies labels for `count_matches`: to `ahead` as they are, to `here` with the largest number
// there is instead of 0, so that no label at all is not matched.
void copy_labels(const std::int32_t* labels, std::int64_t count, std::uint16_t* ahead,
                 std::uint16_t* here);
void copy_labels(const std::int32_t* labels, std::int64_t count, std::uint32_t* ahead,
                 std::uint32_t* here);

// hits[r] += number of i < count with a[i] == b[i + r * stride], for r = 0 .. max_lag. `count` is a
// multiple of kMatchLanes; b holds count + (max_lag + kMatchLags) * stride entries. Labels have 16
// or 32 bits.
template <class Label>
using MatchKernel = void (*)(const Label* a, const Label* b, std::int64_t count,
                             std::int64_t stride, std::int64_t max_lag, std::int64_t* hits);

// The kernels that this processor can run, the fastest first.
template <class Label>
std::vector<MatchKernel<Label>> match_kernels();

template <class Label>
void count_matches(const Label* a, const Label* b, std::int64_t count, std::int64_t stride,
                   std::int64_t max_lag, std::int64_t* hits) {
    static const MatchKernel<Label> kernel = match_kernels<Label>().front();
    kernel(a, b, count, stride, max_lag, hits);
}

}  // namespace microtwin
