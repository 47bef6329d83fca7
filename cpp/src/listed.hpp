// What terms of the energy share that list the change of each hit: see Term.
#pragma once

#include <cstddef>
#include <utility>

#include "microtwin/targets.hpp"

namespace microtwin {

// The curve of a target as the structure has it.
inline Curve curve_of(TargetCurve target, const LabelView& labels, bool periodic) {
    LagCounts counts =
        target.given.hits.empty() ? count(target, labels, periodic) : std::move(target.given);
    return {std::move(target), counts};
}

// The energy difference of a change of the hits, one number for each lag.
template <class Integer>
double energy_difference(const Curve& curve, const Integer* change) {
    double sum = 0.0;
    for (std::size_t j = 0; j < curve.lags(); ++j) sum += curve.difference(j, change[j]);
    return sum;
}

constexpr Offset offset_of(std::int64_t voxel, const Shape3& shape) {
    return {voxel / (shape[1] * shape[2]), voxel / shape[2] % shape[1], voxel % shape[2]};
}

}  // namespace microtwin
