// Pixel-exchange annealing as a textbook writes it: byte arrays and plain loops over lags.
//
// The oracle that the fast annealer is tested against, proposal by proposal, and the yardstick that
// it is timed against. Same targets, same random numbers; nothing here is clever.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <vector>

#include "microtwin/annealing.hpp"
#include "microtwin/statistics.hpp"

namespace microtwin {

class TextbookAnnealer {
  public:
    TextbookAnnealer(const LabelView& start, std::vector<TargetCurve> targets,
                     const AnnealingOptions& options)
        : shape_(start.shape), periodic_(options.periodic), random_(options.seed),
          labels_(start.data, start.data + start.shape.size()), sites_(256) {
        for (std::int64_t i = 0; i < shape_.size(); ++i) sites_[labels_[size(i)]].push_back(i);
        for (int label = 0; label < 256; ++label)
            if (!sites_[size(label)].empty()) present_.push_back(static_cast<std::uint8_t>(label));
        if (present_.size() < 2)
            throw std::invalid_argument("the structure must have at least two phases to exchange");
        for (auto& target : targets) {
            if (target.weights.size() != target.values.size())
                throw std::invalid_argument("a target must have one weight for each value");
            const auto axis = std::find(target.step.begin(), target.step.end(), 1);
            if (target.origin != Offset{} ||
                std::count(target.step.begin(), target.step.end(), 0) != 2)
                throw std::invalid_argument("the textbook knows curves along axes only");
            const LagCounts counts = count(target, start, periodic_);
            curves_.push_back({std::move(target),
                               static_cast<int>(axis - target.step.begin()),
                               counts.hits,
                               counts.trials,
                               {}});
        }
        energy_ = energy_after_changes();
    }

    std::int64_t run(std::int64_t proposals, double temperature) {
        std::int64_t accepted = 0;
        for (std::int64_t k = 0; k < proposals; ++k) {
            const std::uint64_t bits = random_.next();
            const std::uint8_t a = present_[0], b = present_[1];
            const auto i = below(static_cast<std::uint32_t>(bits), sites_[a].size());
            const auto j = below(static_cast<std::uint32_t>(bits >> 32), sites_[b].size());
            const double limit =
                temperature > 0.0 ? -temperature * std::log(random_.uniform()) : 0.0;
            std::int64_t& p = sites_[a][i];
            std::int64_t& q = sites_[b][j];
            const double after = exchange(p, q);
            if (after - energy_ <= limit) {
                for (auto& curve : curves_)
                    for (std::size_t r = 0; r < curve.hits.size(); ++r)
                        curve.hits[r] += curve.change[r];
                energy_ = after;
                std::swap(p, q);
                ++accepted;
            } else {
                std::swap(labels_[size(p)], labels_[size(q)]);
            }
        }
        return accepted;
    }

    double difference(std::int64_t p, std::int64_t q) {
        if (std::min(p, q) < 0 || std::max(p, q) >= shape_.size())
            throw std::invalid_argument("a voxel index is outside the structure");
        const double after = exchange(p, q);
        std::swap(labels_[size(p)], labels_[size(q)]);
        return after - energy_;
    }
    double energy() const { return energy_; }
    const std::vector<std::uint8_t>& labels() const { return labels_; }

  private:
    struct Curve {
        TargetCurve target;
        int axis;
        std::vector<std::int64_t> hits, trials, change;  // of lag 1, 2, ...
    };
    static std::size_t size(std::int64_t i) { return static_cast<std::size_t>(i); }

    // Exchanges two labels and returns the energy that the structure then has.
    double exchange(std::int64_t p, std::int64_t q) {
        for (auto& curve : curves_) curve.change.assign(curve.hits.size(), 0);
        const std::uint8_t a = labels_[size(p)], b = labels_[size(q)];
        count_voxel(p, -1);
        labels_[size(p)] = b;
        count_voxel(p, +1);
        count_voxel(q, -1);
        labels_[size(q)] = a;
        count_voxel(q, +1);
        return energy_after_changes();
    }

    // Adds what a voxel, with the label it has now, contributes to each count.
    void count_voxel(std::int64_t index, std::int64_t sign) {
        const std::uint8_t phase = labels_[size(index)];
        const std::array<std::int64_t, 3> at{index / (shape_[1] * shape_[2]),
                                             index / shape_[2] % shape_[1], index % shape_[2]};
        for (auto& curve : curves_) {
            if (curve.target.phase != phase) continue;
            const int axis = curve.axis;
            const auto lags = static_cast<std::int64_t>(curve.target.values.size());
            const std::int64_t n = shape_[axis], x = at[size(axis)];
            const std::int64_t stride = axis == 0   ? shape_[1] * shape_[2]
                                        : axis == 1 ? shape_[2]
                                                    : 1;
            const auto is_phase = [&](std::int64_t lag) {
                std::int64_t other = x + lag;
                if (periodic_) other = (other + n) % n;
                if (other < 0 || other >= n) return false;
                return labels_[size(index + (other - x) * stride)] == phase;
            };
            if (curve.target.statistic == Statistic::two_point) {
                for (std::int64_t r = 1; r <= lags; ++r)
                    curve.change[size(r - 1)] += sign * (is_phase(r) + is_phase(-r));
            } else {
                std::int64_t ahead = 0, behind = 0;
                while (ahead < lags && is_phase(ahead + 1)) ++ahead;
                while (behind < lags && is_phase(-behind - 1)) ++behind;
                for (std::int64_t r = 1; r <= lags; ++r)  // segments of r + 1 that hold the voxel
                    for (std::int64_t left = 0; left <= r; ++left)
                        if (left <= behind && r - left <= ahead) curve.change[size(r - 1)] += sign;
            }
        }
    }

    double energy_after_changes() const {
        double energy = 0.0;
        for (const auto& curve : curves_)
            for (std::size_t r = 0; r < curve.hits.size(); ++r) {
                const std::int64_t change = curve.change.empty() ? 0 : curve.change[r];
                const double value = static_cast<double>(curve.hits[r] + change) /
                                     static_cast<double>(curve.trials[r]);
                const double error = value - curve.target.values[r];
                energy += curve.target.weights[r] * error * error;
            }
        return energy;
    }

    Shape3 shape_;
    bool periodic_;
    Xoshiro256 random_;
    std::vector<std::uint8_t> labels_, present_;
    std::vector<std::vector<std::int64_t>> sites_;
    std::vector<Curve> curves_;
    double energy_ = 0.0;
};

}  // namespace microtwin
