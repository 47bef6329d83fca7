// What terms of the energy share that list the change of each hit: see Term.
#pragma once

#include <cstddef>

#include "microtwin/targets.hpp"

namespace microtwin {

// The energy difference of a change of the hits, one number for each lag.
template <class Integer>
double energy_difference(const Curve& curve, const Integer* change) {
    double sum = 0.0;
    for (std::size_t j = 0; j < curve.lags(); ++j) sum += curve.difference(j, change[j]);
    return sum;
}

}  // namespace microtwin
