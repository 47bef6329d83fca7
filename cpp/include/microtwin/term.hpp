// Parts of the annealing energy that are not read off lines of bits: each keeps what it needs.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "microtwin/grid.hpp"
#include "microtwin/targets.hpp"

namespace microtwin {

class Term {
  public:
    virtual ~Term() = default;
    // The energy difference if the labels of two voxels (flat indices), which differ, were
    // exchanged. Leaves the structure as it is.
    virtual double difference(std::int64_t a, std::int64_t b) = 0;
    // Makes the exchange that `difference` has looked at last.
    virtual void commit() = 0;
    // The targets' curves, in the order they were given.
    virtual const std::vector<Curve>& curves() const = 0;
};

// The term of the targets' statistic: they are all of that one, and of one phase.
std::unique_ptr<Term> make_term(const LabelView& labels, std::vector<TargetCurve> targets,
                                bool periodic);

}  // namespace microtwin
