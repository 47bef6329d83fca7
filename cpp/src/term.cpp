#include "microtwin/term.hpp"

#include <stdexcept>

namespace microtwin {

std::unique_ptr<Term> radial_term(const LabelView&, std::vector<TargetCurve>, bool) {
    throw std::invalid_argument("radial curves cannot be annealed yet");
}
std::unique_ptr<Term> cluster_term(const LabelView&, std::vector<TargetCurve>, bool) {
    throw std::invalid_argument("cluster functions cannot be annealed yet");
}

}  // namespace microtwin
