// The term of Statistic::radial.
#pragma once

#include <memory>
#include <vector>

#include "microtwin/term.hpp"

namespace microtwin {

std::unique_ptr<Term> make_radial_term(const LabelView& labels, std::vector<TargetCurve> targets,
                                       bool periodic);

}  // namespace microtwin
