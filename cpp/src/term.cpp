#include "microtwin/term.hpp"

#include <stdexcept>
#include <utility>

namespace microtwin {

std::unique_ptr<Term> make_term(const LabelView&, std::vector<TargetCurve> targets, bool) {
    switch (targets.at(0).statistic) {
        default:
            throw std::invalid_argument("this statistic cannot be annealed");
    }
}

}  // namespace microtwin
