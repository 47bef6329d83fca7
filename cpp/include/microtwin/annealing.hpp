// Reconstruction by simulated annealing: pixel exchange at fixed volume fractions.
//
// C. L. Y. Yeong and S. Torquato, Phys. Rev. E 57, 495 (1998). The energy is the weighted sum of
// squared differences between target curves and those of the structure; after an exchange it is
// updated from the two voxels' lines alone and never computed anew.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "microtwin/grid.hpp"
#include "microtwin/line_curves.hpp"
#include "microtwin/random.hpp"
#include "microtwin/sites.hpp"
#include "microtwin/targets.hpp"
#include "microtwin/term.hpp"

namespace microtwin {

// Which voxels a proposal exchanges: any two of different phases; two that lie at an interface
// (have a face neighbour of another phase), all alike; or voxels drawn in proportion to the square
// of how many such neighbours they have. Once a structure is formed nearly all exchanges that are
// accepted are at interfaces. Exchanges change the interface that they are drawn from: without a
// correction the last two kinds depart a little from detailed balance, see Moves::balanced.
enum class Proposals : std::uint8_t { anywhere, at_interfaces, by_neighbours };

// When an exchange that raises the energy by dE is made, at a level T: with probability
// exp(-dE / T); if dE <= T (threshold accepting, G. Dueck and T. Scheuer 1990); if the energy stays
// at or below T (great deluge, G. Dueck 1993).
enum class Rule : std::uint8_t { metropolis, threshold, deluge };

struct Moves {
    Proposals kind = Proposals::anywhere;
    // Accept by the rule of Metropolis and Hastings: exp(-dE / T) times the odds of proposing the
    // exchange back. Needs both ends of each exchange looked at, and so is a little slower.
    bool balanced = false;
    Rule rule = Rule::metropolis;
};

struct AnnealingOptions {
    bool periodic = true;
    std::uint64_t seed = 0;
    const std::uint8_t* fixed = nullptr;  // one byte a voxel: 1 where its label is not to change
};

class Annealer {
  public:
    // Takes a copy of the labels. Every phase of a target must have fewer than 2^32 voxels.
    Annealer(const LabelView& start, std::vector<TargetCurve> targets,
             const AnnealingOptions& options);

    // Exchanges voxels of a box of a larger structure, whose curves are kept by `lines`: all that
    // are not fixed. The box has its first voxel at `corner` and may go on behind the last side.
    Annealer(LineCurves& lines, const LabelView& box, const Offset& corner,
             const AnnealingOptions& options);

    // Proposes exchanges at a level, the temperature of Rule::metropolis (0: accept only what
    // lowers the energy or keeps it); returns how many were accepted. Stops early once the total
    // squared error is at or below `enough`.
    std::int64_t run(std::int64_t proposals, double level, double enough = -1.0,
                     const Moves& moves = {});
    // Energy differences of random exchanges, none of which is made.
    std::vector<double> sample_differences(std::int64_t count);
    // Energy difference if the labels of two voxels (flat indices) were exchanged.
    double difference(std::int64_t a, std::int64_t b);

    double energy() const { return energy_; }
    double error() const { return error_; }  // of the curves: see Curve::error
    std::int64_t proposed() const { return proposed_; }
    std::int64_t accepted() const { return accepted_; }
    std::vector<std::uint8_t> labels() const { return sites_.labels(); }  // of the box
    // In the order of the targets.
    const Curve& curve(std::size_t index) const;
    std::size_t curve_count() const { return homes_.size(); }

    // Everything that the future of a run depends on beside the targets; see `restore`.
    struct Snapshot {
        std::vector<std::vector<Site>> sites;  // in the order of the lists
        bool sorted = false;                   // whether they were sorted by neighbours
        Xoshiro256::State random{};
        std::int64_t proposed = 0, accepted = 0;
    };
    Snapshot snapshot() const;
    // Goes on exactly as the annealer that made the snapshot, on the same structure, would.
    void restore(const Snapshot& snapshot);

  private:
    // Two voxels and their labels, which a proposal would exchange.
    struct Exchange : LineCurves::Swap {
        std::size_t index_a = 0, index_b = 0;  // in the lists of their labels

        bool shares_a_voxel(const Exchange& o) const {
            const auto either = [&](std::uint8_t label, std::size_t index) {
                return (label == o.label_a && index == o.index_a) ||
                       (label == o.label_b && index == o.index_b);
            };
            return either(label_a, index_a) || either(label_b, index_b);
        }
    };
    // A proposal drawn ahead of its turn, so that what it looks at is on its way from memory.
    struct Draft {
        Xoshiro256 random{0};  // before it was drawn
        Exchange exchange{};
        double limit = 0.0;  // the largest energy difference it is accepted with
        bool placed = false;
    };
    // Where the curve of a target is kept.
    struct Home {
        int term;  // in terms_; -1: in lines_
        std::size_t index;
    };

    void add_terms(const LabelView& start, std::vector<TargetCurve>& targets);
    void locate(Exchange& exchange) const;
    void draw(Proposals kind, Exchange& exchange);
    void draw_two_labels(std::uint64_t bits, Exchange& exchange);
    std::size_t draw_site(Proposals kind, std::uint8_t label, std::uint32_t bits) const;
    void draft(const Moves& moves, double level, Draft& draft);
    bool make_if_accepted(const Draft& draft, const Moves& moves, double level);
    bool make_if_odds_allow(const Exchange& exchange, double limit, Proposals kind,
                            double temperature);
    double proposal_weight(Proposals kind, const Exchange& exchange) const;
    std::int64_t flat(const Offset& at) const {
        return (at[0] * shape_[1] + at[1]) * shape_[2] + at[2];
    }
    // The energy difference, or nothing as soon as it is certain to exceed `limit`.
    std::optional<double> difference_below(const Exchange& exchange, double limit);
    void commit(const Exchange& exchange);
    void sum_up();

    Shape3 shape_;
    bool periodic_;
    Xoshiro256 random_;
    std::int64_t proposed_ = 0, accepted_ = 0;
    double energy_ = 0.0, error_ = 0.0;
    SiteLists sites_;
    std::vector<Home> homes_;
    std::unique_ptr<LineCurves> own_lines_;
    LineCurves* lines_;
    Offset corner_{};  // of the voxels to exchange, in the structure of the lines
    std::vector<std::unique_ptr<Term>> terms_;
    // The least that the terms from each on can add to a difference; the last is zero.
    std::vector<double> term_floors_;
};

}  // namespace microtwin
