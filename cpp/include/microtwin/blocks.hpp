// Annealing a large structure block by block, the blocks of a sweep at the same time.
//
// Each block sees the structure as it was when the sweep began, exchanges voxels of its own only,
// and takes upon itself its share of the error: of B blocks each aims at error / B less. What they
// do to one another is left out on the way and found by counting the whole structure afresh after
// the sweep; it is small, for changes that know nothing of each other cancel. The next sweep is cut
// at other places. What is looked at fits the caches whatever the size of the structure, and the
// result does not depend on the number of threads.
#pragma once

#include <cstdint>
#include <vector>

#include "microtwin/annealing.hpp"
#include "microtwin/grid.hpp"
#include "microtwin/line_curves.hpp"
#include "microtwin/targets.hpp"

namespace microtwin {

struct Sweep {
    std::int64_t side = 64;  // of a block, about
    double proposals = 8.0;  // of each voxel, at most; a block that gains little stops earlier
    double level = 0.0;
    double enough = 0.0;  // total squared error to come to
    Moves moves{Proposals::by_neighbours};
};

class BlockAnnealer {
  public:
    // The targets are all of curves along lines: pairs, paths or chords.
    BlockAnnealer(const LabelView& start, std::vector<TargetCurve> targets,
                  const AnnealingOptions& options, int threads);

    // Returns how many exchanges were made. Their course depends on the seed, on how many sweeps
    // there were before, and on the structure.
    std::int64_t sweep(const Sweep& sweep);

    double energy() const;
    double error() const;
    std::int64_t proposed() const { return proposed_; }
    std::int64_t accepted() const { return accepted_; }
    std::int64_t sweeps() const { return sweeps_; }
    const std::vector<std::uint8_t>& labels() const { return labels_; }
    const Curve& curve(std::size_t index) const { return curves_.at(index); }
    std::size_t curve_count() const { return curves_.size(); }
    // Goes on as the annealer would that has come to this structure.
    void restore(std::int64_t sweeps, std::int64_t proposed, std::int64_t accepted);

  private:
    struct Block {
        Offset corner;  // of its first voxel
        Shape3 shape;
    };
    struct Change {
        std::int64_t voxel;
        std::uint8_t before, after;
    };
    struct Outcome {
        std::vector<Change> changes;
        std::int64_t proposed = 0, accepted = 0;
    };

    std::vector<Block> cut(std::int64_t side, Xoshiro256& random) const;
    Outcome anneal(const Block& block, const Sweep& sweep, double enough, std::uint64_t seed,
                   LineCurves& lines) const;
    void recount();
    LabelView view() const { return {labels_.data(), shape_}; }

    Shape3 shape_;
    bool periodic_;
    std::uint64_t seed_;
    std::vector<std::uint8_t> labels_, fixed_;
    std::vector<TargetCurve> targets_;
    std::vector<Curve> curves_;
    std::vector<LineCurves> workers_;  // one a thread: the whole structure
    std::int64_t sweeps_ = 0, proposed_ = 0, accepted_ = 0;
};

}  // namespace microtwin
