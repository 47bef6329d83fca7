// The curves of a structure that are read off lines of bits: pairs, paths and chords along any
// direction, and pairs at the displacements of a map; and what an exchange of two voxels would do
// to them.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "microtwin/grid.hpp"
#include "microtwin/lanes.hpp"
#include "microtwin/line_bits.hpp"
#include "microtwin/targets.hpp"

namespace microtwin {

class LineCurves {
  public:
    static constexpr std::size_t kMaxFrames = 13;  // directions of a cube

    // A voxel, and where it is on the lines along each direction in use.
    struct Place {
        Offset at;
        std::array<Spot, kMaxFrames> spots;
    };
    // Two voxels and their labels, which differ and would be exchanged.
    struct Swap {
        std::uint8_t label_a = 0, label_b = 0;
        Place a{}, b{};
    };

    LineCurves(const LabelView& start, std::vector<TargetCurve> targets, bool periodic);

    const Shape3& structure() const { return shape_; }
    // In the order of the targets.
    const Curve& curve(std::size_t index) const { return curves_[order_[index]]; }
    std::size_t count() const { return curves_.size(); }
    double energy() const { return energy_; }
    double error() const { return error_; }

    void place(const Offset& voxel, Place& place) const {
        place.at = voxel;
        for (std::size_t f = 0; f < frames_.size(); ++f) place.spots[f] = frames_[f].spot(voxel);
    }
    void prefetch(const Place& place) const;
    // The energy difference of an exchange, or nothing as soon as it is certain to exceed `limit`.
    std::optional<double> difference_below(const Swap& swap, double limit);
    // Makes the exchange that difference_below has looked at last.
    void commit(const Swap& swap);

    // Gives a voxel another label; the counts stay as they are until the next `aim`.
    void relabel(const Offset& voxel, std::uint8_t before, std::uint8_t after);
    // Sets the counts of every target's curve, and what they should be.
    void aim(const std::vector<std::vector<std::int64_t>>& hits,
             const std::vector<std::vector<double>>& values);

  private:
    // The curves of one phase along one direction, and where its bits are.
    struct Channel {
        std::uint8_t phase = 0;
        Step step{};
        Offset origin{};
        bool row = false;                                         // of a map
        std::size_t frame = 0;                                    // index into frames_
        std::size_t lines = 0;                                    // index into lines_
        bool inverted = false;                                    // they are of the other phase
        std::int64_t lags = 0;                                    // that its sights must reach
        int two_point = -1, lineal_path = -1, chord_length = -1;  // in curves_, -1: none
        // Of the exchange in hand: what is seen, for each 64 lags, and the steps that lie inside
        // ahead of and behind either voxel.
        std::vector<Sight> sights;
        std::array<std::int64_t, 2> entering_room{}, leaving_room{};
    };
    // Chords that an exchange makes and ends.
    struct ChordChange {
        std::size_t count = 0;
        std::array<std::size_t, 6> lag{};
        std::array<std::int32_t, 6> change{};
    };
    struct Lines {
        std::uint8_t phase;
        std::size_t frame;
        std::int64_t reach;
    };

    void add_channel(std::size_t curve);
    std::size_t add_frame(const Step& step);
    void look(Channel& channel, const Swap& swap) const;
    void look_along(Channel& channel, const Place& leaving, const Place& entering) const;
    void look_at_row(Channel& channel, const Place& leaving, const Place& entering) const;
    PairChange pair_change(const Channel& channel) const;
    void path_change(const Channel& channel, PathChange& change) const;
    ChordChange chord_change(const Channel& channel) const;
    double difference_of_chords(const Channel& channel) const;
    static bool touched(const Channel& channel, const Swap& swap) {
        return channel.phase == swap.label_a || channel.phase == swap.label_b;
    }
    const Curve& at(int curve) const { return curves_[static_cast<std::size_t>(curve)]; }
    void sum_up();

    Shape3 shape_;
    bool periodic_;
    bool two_phases_;
    std::vector<Curve> curves_;
    std::vector<std::size_t> order_;  // where the curve of each target is
    std::vector<Channel> channels_;   // first rays through the voxels, then rows of maps
    std::size_t rays_ = 0;            // how many of the former
    std::vector<Step> steps_;
    std::vector<LineFrame> frames_;  // along steps_
    std::vector<Lines> kept_;
    std::vector<LineBits> lines_;  // of kept_
    double energy_ = 0.0, error_ = 0.0;
    // The least that the two-point curves of all rays can add to a difference, and those of the
    // rows from each on; the last is zero.
    double pair_floor_ = 0.0;
    std::vector<double> row_floors_;
    // Of the exchange in hand; kept so that none allocates.
    std::vector<PairChange> pair_changes_;
    std::vector<PathChange> path_changes_;
    std::vector<std::int32_t> hits_change_;
};

}  // namespace microtwin
