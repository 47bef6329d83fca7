// Reconstruction by simulated annealing: pixel exchange at fixed volume fractions.
//
// C. L. Y. Yeong and S. Torquato, Phys. Rev. E 57, 495 (1998). The energy is the weighted sum of
// squared differences between target curves and those of the structure; after an exchange it is
// updated from the two voxels' lines alone and never computed anew.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "microtwin/grid.hpp"
#include "microtwin/lanes.hpp"
#include "microtwin/random.hpp"
#include "microtwin/sites.hpp"
#include "microtwin/statistics.hpp"

namespace microtwin {

enum class Statistic : std::uint8_t { two_point, lineal_path };

// The counts of a statistic of a phase along an axis.
LagCounts count_along(Statistic statistic, const LabelView& labels, std::uint8_t phase, int axis,
                      const CountOptions& options);

// Which voxels a proposal exchanges: any two of different phases; two that lie at an interface
// (have a face neighbour of another phase), all alike; or voxels drawn in proportion to the square
// of how many such neighbours they have. Once a structure is formed nearly all exchanges that are
// accepted are at interfaces. Exchanges change the interface that they are drawn from: without a
// correction the last two kinds depart a little from detailed balance, see Moves::balanced.
enum class Proposals : std::uint8_t { anywhere, at_interfaces, by_neighbours };

struct Moves {
    Proposals kind = Proposals::anywhere;
    // Accept by the rule of Metropolis and Hastings: exp(-dE / T) times the odds of proposing the
    // exchange back. Needs both ends of each exchange looked at, and so is a little slower.
    bool balanced = false;
};

// What one curve of the structure should be: lags 1 .. R of a statistic of a phase along an axis.
// A weight of zero leaves a lag out; lag 0 is the volume fraction, which an exchange never changes.
struct TargetCurve {
    Statistic statistic = Statistic::two_point;
    std::uint8_t phase = 0;
    int axis = 2;
    std::vector<double> values;   // probabilities at lag 1, 2, ...
    std::vector<double> weights;  // of the squared error at each lag; same length
};

struct AnnealingOptions {
    bool periodic = true;
    std::uint64_t seed = 0;
};

// The lines of one phase along one axis as bits, with margins on both sides that repeat the line
// (periodic) or stay empty, so that the neighbourhood of a voxel is read without a branch. Bits
// beyond the reach are anything.
class LineBits {
  public:
    LineBits(std::int64_t lines, std::int64_t length, std::int64_t reach, bool periodic);

    void flip(std::int64_t line, std::int64_t x);
    // Bit j of the result is voxel x + 1 + 64 * chunk + j.
    std::uint64_t ahead(std::int64_t line, std::int64_t x, std::int64_t chunk) const {
        return read(line, margin_ + x + 1 + 64 * chunk);
    }
    // Bit 63 - j of the result is voxel x - 1 - 64 * chunk - j.
    std::uint64_t behind(std::int64_t line, std::int64_t x, std::int64_t chunk) const {
        return read(line, margin_ + x - 64 * (chunk + 1));
    }
    const std::uint64_t* near(std::int64_t line, std::int64_t x) const {
        return word(line, margin_ + x);
    }

  private:
    const std::uint64_t* word(std::int64_t line, std::int64_t bit) const {
        return bits_.data() + origin_ + line * words_ + (bit >> 6);
    }
    std::uint64_t read(std::int64_t line, std::int64_t bit) const {
        const std::uint64_t* first = word(line, bit);
        const unsigned shift = static_cast<unsigned>(bit & 63);
        return (first[0] >> shift) | ((first[1] << 1) << (63 - shift));
    }
    void toggle(std::int64_t line, std::int64_t bit) {
        bits_[static_cast<std::size_t>(origin_ + line * words_ + (bit >> 6))] ^= std::uint64_t{1}
                                                                                 << (bit & 63);
    }

    std::int64_t length_, margin_;
    std::int64_t words_;   // of a line
    std::int64_t origin_;  // words before the first line, which may be read but hold nothing
    bool periodic_;
    std::vector<std::uint64_t> bits_;
};

class Annealer {
  public:
    // Takes a copy of the labels. Every phase of a target must have fewer than 2^32 voxels.
    Annealer(const LabelView& start, std::vector<TargetCurve> targets,
             const AnnealingOptions& options);

    // Proposes exchanges at a temperature (0: accept only what lowers the energy or keeps it);
    // returns how many were accepted. Stops early once the energy is at or below `enough`.
    std::int64_t run(std::int64_t proposals, double temperature, double enough = -1.0,
                     const Moves& moves = {});
    // Energy differences of random exchanges, none of which is made.
    std::vector<double> sample_differences(std::int64_t count);
    // Energy difference if the labels of two voxels (flat indices) were exchanged.
    double difference(std::int64_t a, std::int64_t b);

    double energy() const { return energy_; }
    std::int64_t proposed() const { return proposed_; }
    std::vector<std::uint8_t> labels() const;
    // hits[0] of curve i is lag 1.
    std::vector<std::int64_t> hits(std::size_t curve) const;
    std::size_t curve_count() const { return curves_.size(); }

    // Everything that the future of a run depends on beside the targets; see `restore`.
    struct Snapshot {
        std::vector<std::vector<Site>> sites;  // in the order of the lists
        bool sorted = false;                   // whether they were sorted by neighbours
        Xoshiro256::State random{};
        std::int64_t proposed = 0;
    };
    Snapshot snapshot() const;
    // Goes on exactly as the annealer that made the snapshot, on the same structure, would.
    void restore(const Snapshot& snapshot);

  private:
    struct Place {
        std::array<std::int64_t, 3> at;    // coordinate along each axis
        std::array<std::int64_t, 3> line;  // index of the line along each axis
    };
    // Arrays over lags are padded to whole lanes with zeros, which change nothing.
    struct Curve {
        TargetCurve target;
        std::size_t lags = 0;       // without the padding
        std::vector<double> hits;   // whole numbers below 2^53: exact
        std::vector<double> scale;  // 1 / trials
        // An exchange that changes the hits by e changes the energy by the sum of
        // e * (slope + curvature * e).
        std::vector<float> slope, curvature;
        double energy = 0.0;
        double floor = 0.0;  // no exchange changes a two-point curve's energy by less
    };
    // The curves of one phase along one axis, and where its bits are.
    struct Channel {
        std::uint8_t phase = 0;
        int axis = 0;
        std::size_t mask = 0;                  // index into masks_
        bool inverted = false;                 // the bits are those of the other of two phases
        int two_point = -1, lineal_path = -1;  // indices into curves_, -1: none
        std::vector<Sight> sights;             // of the proposal in hand, one for each 64 lags
    };
    // Two voxels and their labels, which a proposal would exchange.
    struct Exchange {
        std::uint8_t label_a = 0, label_b = 0;
        std::size_t index_a = 0, index_b = 0;  // in the lists of their labels
        Place a, b;
    };
    // A proposal drawn ahead of its turn, so that what it looks at is on its way from memory.
    struct Draft {
        Xoshiro256 random;  // before it was drawn
        Exchange exchange;
        double limit;  // the largest energy difference it is accepted with
        bool placed;
    };

    void add_curves(const LabelView& start, std::vector<TargetCurve> targets);
    void add_channel(int curve);
    const LineBits& bits(std::size_t mask, int axis) const {
        return lines_[3 * mask + static_cast<std::size_t>(axis)];
    }
    LineBits& bits(std::size_t mask, int axis) {
        return lines_[3 * mask + static_cast<std::size_t>(axis)];
    }
    Place place(Site site) const;
    void draw(Proposals kind, Exchange& exchange);
    void draw_two_labels(std::uint64_t bits, Exchange& exchange);
    std::size_t draw_site(Proposals kind, std::uint8_t label, std::uint32_t bits) const;
    void draft(const Moves& moves, double temperature, Draft& draft);
    void look_up(Draft& draft) const;
    bool accepted(const Draft& draft, const Moves& moves, double temperature);
    double proposal_weight(Proposals kind, const Exchange& exchange) const;
    void look(Channel& channel, const Place& leaving, const Place& entering);
    PairChange pair_change(const Channel& channel) const;
    PathChange path_change(const Channel& channel) const;
    // The energy difference, or nothing as soon as it is certain to exceed `limit`.
    std::optional<double> difference_below(const Exchange& exchange, double limit);
    void commit(const Exchange& exchange);
    void absorb_hits(Curve& curve);
    void sum_up();

    Shape3 shape_;
    bool periodic_;
    Xoshiro256 random_;
    std::int64_t proposed_ = 0;
    double energy_ = 0.0;
    SiteLists sites_;
    std::vector<Curve> curves_;
    std::vector<Channel> channels_;
    std::vector<std::uint8_t> masks_;  // phases whose bits are kept
    std::vector<LineBits> lines_;      // of each mask along each of three axes
    double pair_floor_ = 0.0;          // of all two-point curves together
    // Of the proposal in hand; kept so that no proposal allocates.
    std::vector<PairChange> pair_changes_;
    std::vector<PathChange> path_changes_;
    std::vector<std::int32_t> hits_change_;
};

}  // namespace microtwin
