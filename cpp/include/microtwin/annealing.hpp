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
#include "microtwin/random.hpp"
#include "microtwin/statistics.hpp"

namespace microtwin {

enum class Statistic : std::uint8_t { two_point, lineal_path };

// The counts of a statistic of a phase along an axis.
LagCounts count_along(Statistic statistic, const LabelView& labels, std::uint8_t phase, int axis,
                      const CountOptions& options);

// Which voxels a proposal exchanges: any two of different phases, or two that lie at an interface
// (have a face neighbour of another phase). Once a structure is formed nearly all exchanges that
// are accepted are of the second kind. They change the interface that they are drawn from, so that
// detailed balance does not hold exactly; at the low temperatures they are meant for it hardly
// matters. A quench (temperature 0) needs none.
enum class Proposals : std::uint8_t { anywhere, at_interfaces };

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
// (periodic) or stay empty, so that the neighbourhood of a voxel is read without a branch.
class LineBits {
  public:
    LineBits(std::int64_t lines, std::int64_t length, std::int64_t reach, bool periodic);

    std::int64_t chunks() const { return margin_ / 64; }  // words of 64 lags within reach
    void flip(std::int64_t line, std::int64_t x);
    // Bit j of the result is voxel x + 1 + 64 * chunk + j.
    std::uint64_t ahead(std::int64_t line, std::int64_t x, std::int64_t chunk) const {
        return read(line, margin_ + x + 1 + 64 * chunk);
    }
    // Bit 63 - j of the result is voxel x - 1 - 64 * chunk - j.
    std::uint64_t behind(std::int64_t line, std::int64_t x, std::int64_t chunk) const {
        return read(line, margin_ + x - 64 * (chunk + 1));
    }

  private:
    std::uint64_t read(std::int64_t line, std::int64_t bit) const {
        const std::uint64_t* word = bits_.data() + line * words_ + (bit >> 6);
        const unsigned shift = static_cast<unsigned>(bit & 63);
        return (word[0] >> shift) | ((word[1] << 1) << (63 - shift));
    }
    void toggle(std::int64_t line, std::int64_t bit) {
        bits_[static_cast<std::size_t>(line * words_ + (bit >> 6))] ^= std::uint64_t{1}
                                                                       << (bit & 63);
    }

    std::int64_t length_, margin_, words_;
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
                     Proposals kind = Proposals::anywhere);
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
        std::vector<std::vector<std::uint64_t>> sites;
        Xoshiro256::State random{};
        std::int64_t proposed = 0;
    };
    Snapshot snapshot() const;
    // Goes on exactly as the annealer that made the snapshot, on the same structure, would.
    void restore(const Snapshot& snapshot);

  private:
    // A voxel as z << 42 | y << 21 | x: no division to find its lines.
    using Site = std::uint64_t;
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
        // By the proposal in hand, as bytes for the two-point probability.
        std::vector<std::uint8_t> small_change;
        std::vector<std::int32_t> change;
        double energy = 0.0;
        double floor = 0.0;  // no exchange changes this curve's energy by less
    };
    // What a voxel sees along a line, in words of 64 lags: bit j of word c is lag 64 c + j + 1.
    struct Neighbourhood {
        std::vector<std::uint64_t> ahead, behind;
    };
    // The curves of one phase along one axis, and where its bits are.
    struct Channel {
        std::uint8_t phase = 0;
        int axis = 0;
        std::size_t mask = 0;                  // index into masks_
        bool inverted = false;                 // the bits are those of the other of two phases
        int two_point = -1, lineal_path = -1;  // indices into curves_, -1: none
        Neighbourhood leaving, entering;       // of the proposal in hand
    };
    // Two voxels and their labels, which a proposal would exchange.
    struct Exchange {
        std::uint8_t label_a = 0, label_b = 0;
        std::size_t index_a = 0, index_b = 0;  // into sites_[label]
        Place a, b;
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
    Exchange draw(Proposals kind);
    bool at_interface(std::uint8_t label, const Place& p) const;
    void look(Channel& channel, const Place& from, Neighbourhood& out);
    void look_both(Channel& channel, const Place& leaving, const Place& entering);
    // The energy difference, or nothing as soon as it is certain to exceed `limit`.
    std::optional<double> difference_below(const Exchange& exchange, double limit);
    void commit(const Exchange& exchange);
    void absorb_change(Curve& curve);
    void sum_up();

    Shape3 shape_;
    bool periodic_;
    Xoshiro256 random_;
    std::int64_t proposed_ = 0;
    double energy_ = 0.0;
    std::vector<std::vector<Site>> sites_;  // by label
    std::vector<std::uint8_t> present_;     // labels that have voxels
    std::vector<Curve> curves_;
    std::vector<Channel> channels_;
    std::vector<std::uint8_t> masks_;  // phases whose bits are kept
    std::vector<LineBits> lines_;      // of each mask along each of three axes
    double floor_ = 0.0;               // of all curves together
};

}  // namespace microtwin
