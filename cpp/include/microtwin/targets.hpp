// What annealing is asked for: curves of a structure, and how far it is from them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "microtwin/grid.hpp"
#include "microtwin/lanes.hpp"
#include "microtwin/statistics.hpp"

namespace microtwin {

enum class Statistic : std::uint8_t {
    two_point,
    lineal_path,
    chord_length,
    cluster,          // pairs of one cluster of face neighbours
    surface_void,     // voxel faces at one end of a lag, the phase at the other
    surface_surface,  // voxel faces at both ends
    radial,           // two_point over all displacements of about a length, whatever the step
};

// Whether LineCurves knows such curves: pairs, paths or chords.
constexpr bool on_lines(Statistic statistic) {
    return statistic == Statistic::two_point || statistic == Statistic::lineal_path ||
           statistic == Statistic::chord_length;
}

// What one curve of the structure should be at lags 1 .. R: lag j is the displacement
// origin + j * step. Only two_point knows origins other than none: with rows along x at every
// origin (dz, dy, dx) it covers a window of the full map. A weight of zero leaves a lag out; lag 0
// is the volume fraction, which an exchange never changes.
struct TargetCurve {
    Statistic statistic = Statistic::two_point;
    std::uint8_t phase = 0;
    Step step{0, 0, 1};
    Offset origin{0, 0, 0};
    std::vector<double> values;   // probabilities at lag 1, 2, ...
    std::vector<double> weights;  // of the squared error at each lag; same length
    // Of a larger structure, of which the one to anneal is a part; counted where there are none.
    LagCounts given{};

    std::int64_t lags() const { return static_cast<std::int64_t>(values.size()); }
};

// The counts that a target is about, of lags 1 .. R: entry j is lag j + 1.
LagCounts count(const TargetCurve& target, const LabelView& labels, bool periodic);

// Throws std::invalid_argument unless a structure can have such a curve.
void check_target(const TargetCurve& target, const Shape3& shape, bool periodic);

// A curve of the structure beside its target. Arrays over lags are padded to whole lanes with
// zeros, which change nothing.
class Curve {
  public:
    Curve(TargetCurve target, const LagCounts& counts);

    // Adds a change of the hits: one that lanes.hpp knows, or one number for each padded lag.
    template <class Change>
    void absorb(const Change& change) {
        sums_ = microtwin::absorb(
            change, {hits_.data(), scale_.data(), target_.values.data(), target_.weights.data(),
                     plain_ ? nullptr : counted_.data(), slope_.data(), hits_.size()});
    }
    // Sets the hits and the target's values, one for each lag.
    void aim(const std::vector<std::int64_t>& hits, const std::vector<double>& values);
    // The energy difference of a change at one lag.
    double difference(std::size_t lag, std::int32_t change) const {
        const auto e = static_cast<double>(change);
        return e * (static_cast<double>(slope_[lag]) + static_cast<double>(curvature_[lag]) * e);
    }

    const TargetCurve& target() const { return target_; }
    std::size_t lags() const { return lags_; }           // without the padding
    std::size_t padded() const { return hits_.size(); }  // with it
    CurveShape shape() const { return {slope_.data(), curvature_.data(), slope_.size()}; }
    double energy() const { return sums_.energy; }
    // Squared, without the weights; a row of a map, of which there are many lags, has none.
    double error() const { return sums_.error; }
    // No exchange that changes each lag by at most `most` changes the energy by less.
    double floor(double most) const;
    std::vector<std::int64_t> hits() const;

  private:
    TargetCurve target_;
    std::size_t lags_;
    std::vector<double> hits_;     // whole numbers below 2^53: exact
    std::vector<double> scale_;    // 1 / trials
    std::vector<double> counted_;  // 1 where the weight is not zero; rows of maps count nothing
    bool plain_ = true;            // all weights are 0 or 1: the energy is the error
    std::vector<float> slope_, curvature_;
    CurveSums sums_{};
};

// The curve of a target as the structure has it: counted, unless the counts are given.
Curve curve_of(TargetCurve target, const LabelView& labels, bool periodic);

}  // namespace microtwin
