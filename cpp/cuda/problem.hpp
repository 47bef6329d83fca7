// Targets as walkers read them: channels and tables over lags.
#pragma once

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "walker.hpp"

namespace microtwin::cuda {

class Plan {
  public:
    // For structures of these labels, each of which has all of them.
    Plan(const Shape3& shape, const std::vector<std::uint8_t>& labels,
         std::vector<TargetCurve> targets, bool periodic)
        : targets_(std::move(targets)), periodic_(periodic) {
        check(shape, labels);
        problem_.label_count = static_cast<int>(labels.size());
        std::copy(labels.begin(), labels.end(), problem_.labels);
        problem_.lines.periodic = periodic;
        std::copy(shape.sides.begin(), shape.sides.end(), problem_.lines.sides);
        problem_.curve_count = static_cast<int>(targets_.size());
        reach_ = 0;
        for (const TargetCurve& target : targets_) reach_ = std::max(reach_, target.lags());
        problem_.stride = static_cast<int>(ceil_div(reach_, kWarpLanes)) * kWarpLanes;
        for (std::size_t i = 0; i < targets_.size(); ++i) add_curve(static_cast<int>(i));
        lay_out_lines();
        add_tables(shape);
    }

    // Tables lie where the pointers say.
    Problem problem(const double* scale, const double* weight) const {
        Problem result = problem_;
        result.scale = scale;
        result.weight = weight;
        return result;
    }
    const std::vector<double>& scale() const { return scale_; }
    const std::vector<double>& weight() const { return weight_; }
    const std::vector<double>& target() const { return target_; }
    std::int64_t reach() const { return reach_; }  // the largest lag
    std::int64_t table_size() const { return problem_.table_size(); }
    // Words of all phases of a structure.
    std::int64_t bit_words() const { return problem_.lines.first[3] * problem_.plane_count; }

    // Hits of a structure in rows like the tables; and the rows without their padding.
    std::vector<std::int64_t> count_rows(const LabelView& labels) const {
        std::vector<std::int64_t> rows(scale_.size());
        for (std::size_t i = 0; i < targets_.size(); ++i) {
            const LagCounts counts = count(targets_[i], labels, periodic_);
            std::copy(counts.hits.begin(), counts.hits.end(), rows.begin() + row(i));
        }
        return rows;
    }
    std::vector<std::vector<std::int64_t>> curves(const std::int64_t* rows) const {
        std::vector<std::vector<std::int64_t>> result;
        for (std::size_t i = 0; i < targets_.size(); ++i)
            result.emplace_back(rows + row(i), rows + row(i) + targets_[i].lags());
        return result;
    }
    double energy(const std::vector<std::int64_t>& rows) const {
        double energy = 0.0;
        for (std::size_t i = 0; i < rows.size(); ++i) {
            const double error = static_cast<double>(rows[i]) * scale_[i] - target_[i];
            energy += weight_[i] * error * error;
        }
        return energy;
    }
    // What each of so many parts has to aim at, so that together they mend the error once.
    std::vector<double> shared_target(const std::vector<std::int64_t>& rows,
                                      std::int64_t parts) const {
        std::vector<double> result(rows.size());
        for (std::size_t i = 0; i < rows.size(); ++i) {
            const double value = static_cast<double>(rows[i]) * scale_[i];
            result[i] = value - (value - target_[i]) / static_cast<double>(parts);
        }
        return result;
    }

  private:
    std::ptrdiff_t row(std::size_t curve) const {
        return static_cast<std::ptrdiff_t>(curve) * problem_.stride;
    }

    void check(const Shape3& shape, const std::vector<std::uint8_t>& labels) const {
        if (shape.size() >= std::int64_t{1} << 31)
            throw std::invalid_argument("the structure must have fewer than 2^31 voxels");
        if (labels.size() < 2)
            throw std::invalid_argument("the structure must have at least two phases to exchange");
        if (labels.size() > kMaxLabels)
            throw std::invalid_argument("the GPU anneals structures of at most " +
                                        std::to_string(kMaxLabels) + " phases");
        if (targets_.empty()) throw std::invalid_argument("there must be at least one target");
        for (const TargetCurve& target : targets_) {
            if (target.statistic != Statistic::two_point &&
                target.statistic != Statistic::lineal_path)
                throw std::invalid_argument(
                    "the GPU anneals to two_point and lineal_path targets only");
            if (target.origin != Offset{} ||
                std::count(target.step.begin(), target.step.end(), 0) != 2)
                throw std::invalid_argument("the GPU anneals to targets along axes only");
            if (std::count(labels.begin(), labels.end(), target.phase) == 0)
                throw std::invalid_argument("a target's phase is not in the structure");
            check_target(target, shape, periodic_);
            if (target.lags() > kMaxLags)
                throw std::invalid_argument("the GPU anneals to targets of at most " +
                                            std::to_string(kMaxLags) + " lags");
        }
    }

    int plane_of(std::uint8_t label) {
        std::uint8_t* const end = problem_.plane_labels + problem_.plane_count;
        std::uint8_t* const found = std::find(problem_.plane_labels, end, label);
        if (found == end) {
            *end = label;
            ++problem_.plane_count;
        }
        return static_cast<int>(found - problem_.plane_labels);
    }
    // Two-point and lineal-path curve of a phase along an axis share what is seen.
    void add_curve(int index) {
        const TargetCurve& target = targets_[static_cast<std::size_t>(index)];
        const bool is_pair = target.statistic == Statistic::two_point;
        const auto axis = static_cast<int>(std::find(target.step.begin(), target.step.end(), 1) -
                                           target.step.begin());
        const auto fits = [&](const Channel& channel) {
            return channel.label == target.phase && channel.axis == axis &&
                   (is_pair ? channel.pair : channel.path) < 0;
        };
        Channel* const end = problem_.channels + problem_.channel_count;
        Channel* const channel = std::find_if(problem_.channels, end, fits);
        if (channel == end) {
            if (problem_.channel_count == kMaxChannels)
                throw std::invalid_argument("there are too many targets for the GPU");
            *channel = {target.phase, plane_of(target.phase), axis, 0, -1, -1};
            ++problem_.channel_count;
            problem_.lines.used[axis] = true;
        }
        (is_pair ? channel->pair : channel->path) = index;
        channel->lags = std::max(channel->lags, static_cast<int>(target.lags()));
    }
    void lay_out_lines() {
        BitLines& lines = problem_.lines;
        lines.margin = ceil_div(reach_, 64) * 64;
        for (int axis = 0; axis < 3; ++axis) {
            lines.words[axis] = ceil_div(lines.sides[axis] + 2 * lines.margin, 64) + 1;
            const std::int64_t count = lines.used[axis] ? lines.voxels() / lines.sides[axis] : 0;
            lines.first[axis + 1] = lines.first[axis] + count * lines.words[axis];
        }
    }
    void add_tables(const Shape3& shape) {
        const auto size = static_cast<std::size_t>(table_size());
        for (auto* table : {&scale_, &weight_, &target_}) table->resize(size);
        for (std::size_t i = 0; i < targets_.size(); ++i) {
            const TargetCurve& target = targets_[i];
            const auto trials = lag_trials(shape, target.step, target.lags(), periodic_, 0);
            for (std::size_t j = 0; j < target.values.size(); ++j) {
                if (trials[j + 1] <= 0) continue;
                const std::size_t at = static_cast<std::size_t>(row(i)) + j;
                scale_[at] = 1.0 / static_cast<double>(trials[j + 1]);
                weight_[at] = target.weights[j];
                target_[at] = target.values[j];
            }
        }
    }

    std::vector<TargetCurve> targets_;
    bool periodic_;
    std::int64_t reach_ = 0;
    Problem problem_{};
    std::vector<double> scale_, weight_, target_;
};

// The labels of a structure, in order.
inline std::vector<std::uint8_t> labels_of(const LabelView& structure) {
    bool seen[256] = {};
    for (std::int64_t i = 0; i < structure.shape.size(); ++i) seen[structure.data[i]] = true;
    std::vector<std::uint8_t> result;
    for (int label = 0; label < 256; ++label)
        if (seen[label]) result.push_back(static_cast<std::uint8_t>(label));
    return result;
}

// For replicas that have the same labels.
inline Plan plan_for(const Replicas& starts, const std::vector<TargetCurve>& targets,
                     bool periodic) {
    if (starts.count < 1 || starts.shape.size() < 1)
        throw std::invalid_argument("labels must not be empty");
    const auto labels = labels_of(starts.view(0));
    for (std::int64_t i = 1; i < starts.count; ++i)
        if (labels_of(starts.view(i)) != labels)
            throw std::invalid_argument("all replicas must have the same phases");
    return {starts.shape, labels, targets, periodic};
}

inline void check_orders(const Orders& orders, std::int64_t proposals) {
    if (orders.kind == Proposals::by_neighbours)
        throw std::invalid_argument("the GPU draws voxels anywhere or at interfaces");
    if (orders.rule == Rule::deluge)
        throw std::invalid_argument("the GPU knows the rules metropolis and threshold");
    if (!(orders.level >= 0.0)) throw std::invalid_argument("level must be at least 0");
    if (proposals < 0) throw std::invalid_argument("proposals must be at least 0");
}

// Where walkers find structures of which each has all that Plan says, one behind the other.
struct Arena {
    std::uint8_t* labels;
    std::uint64_t* bits;
    std::uint32_t* sites;  // as many as labels
    const double* target;
    const std::int64_t* start;
    std::int64_t *hits, *total, *accepted;
};

inline std::vector<Task> replica_tasks(const Plan& plan, const Replicas& starts, const Arena& arena,
                                       std::int64_t proposals, std::uint64_t seed) {
    std::vector<Task> tasks;
    const auto side = [&](int axis) { return static_cast<std::uint32_t>(starts.shape[axis]); };
    for (std::int64_t i = 0; i < starts.count; ++i) {
        const std::int64_t voxel = i * starts.shape.size(), row = i * plan.table_size();
        tasks.push_back({{{0, 0, 0}, {side(0), side(1), side(2)}},
                         arena.labels + voxel,
                         arena.bits + i * plan.bit_words(),
                         arena.sites + voxel,
                         arena.target,
                         arena.start + row,
                         arena.hits + row,
                         arena.total + row,
                         arena.accepted + i,
                         proposals,
                         seed + static_cast<std::uint64_t>(i)});
    }
    return tasks;
}

}  // namespace microtwin::cuda
