#include "microtwin/term.hpp"

#include <stdexcept>
#include <utility>

#include "cluster_term.hpp"
#include "radial_term.hpp"
#include "surface_term.hpp"

namespace microtwin {

std::unique_ptr<Term> make_term(const LabelView& labels, std::vector<TargetCurve> targets,
                                bool periodic) {
    switch (targets.at(0).statistic) {
        case Statistic::radial:
            return make_radial_term(labels, std::move(targets), periodic);
        case Statistic::surface_void:
        case Statistic::surface_surface:
            return make_surface_term(labels, std::move(targets), periodic);
        case Statistic::cluster:
            return std::make_unique<ClusterTerm>(labels, std::move(targets), periodic);
        default:
            throw std::invalid_argument("this statistic cannot be annealed");
    }
}

}  // namespace microtwin
