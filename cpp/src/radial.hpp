// Pairs of one phase at all displacements of about a length.
#pragma once

#include <cmath>
#include <cstdint>

#include "microtwin/grid.hpp"
#include "microtwin/statistics.hpp"

namespace microtwin {

// The lag that a displacement belongs to, by the square of its length, which is rounded.
inline std::int64_t radial_lag(std::int64_t square) {
    return static_cast<std::int64_t>(std::floor(std::sqrt(static_cast<double>(square)) + 0.5));
}

// Hits and trials at lag 1 .. lags: every displacement and its opposite count.
LagCounts radial_counts(const LabelView& labels, std::uint8_t phase, std::int64_t lags,
                        bool periodic);

// How many lags there may be: every displacement of the last one has to be one of the structure,
// where it wraps, and at least one of them where it does not.
std::int64_t radial_bound(const Shape3& shape, bool periodic);

}  // namespace microtwin
