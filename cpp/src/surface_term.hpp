// The term of Statistic::surface_void, and that of Statistic::surface_surface.
#pragma once

#include <memory>
#include <vector>

#include "microtwin/term.hpp"

namespace microtwin {

std::unique_ptr<Term> make_surface_term(const LabelView& labels, std::vector<TargetCurve> targets,
                                        bool periodic);

}  // namespace microtwin
