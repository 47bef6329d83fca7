// What annealing is asked for in its tests, and recounts of it as the definitions say.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "microtwin/targets.hpp"
#include "structures.hpp"

namespace microtwin::test {

inline const std::array<Step, 13> kSteps{{{1, 0, 0},
                                          {0, 1, 0},
                                          {0, 0, 1},
                                          {0, 1, 1},
                                          {0, 1, -1},
                                          {1, 0, 1},
                                          {1, 0, -1},
                                          {1, 1, 0},
                                          {1, -1, 0},
                                          {1, 1, 1},
                                          {1, 1, -1},
                                          {1, -1, 1},
                                          {1, -1, -1}}};

inline const std::vector<Statistic> kTextbook{Statistic::two_point, Statistic::lineal_path};

// Curves of another structure, along so many of the steps that it has room for.
inline std::vector<TargetCurve> targets_of(const Structure& model,
                                           const std::vector<std::uint8_t>& phases,
                                           std::int64_t lags, bool periodic,
                                           const std::vector<Statistic>& statistics = kTextbook,
                                           std::size_t steps = 3) {
    std::vector<TargetCurve> targets;
    for (const std::uint8_t phase : phases)
        for (std::size_t i = 0; i < steps; ++i)
            for (const auto statistic : statistics) {
                const std::int64_t spare = statistic == Statistic::chord_length ? 2 : 1;
                const std::int64_t room = lag_bound(model.shape, kSteps[i]) - spare;
                if (room < 1) continue;
                TargetCurve target{statistic, phase, kSteps[i], {}, {}, {}, {}};
                target.values.resize(static_cast<std::size_t>(std::min(lags, room)));
                const LagCounts found = count(target, model.view(), periodic);
                for (std::size_t j = 0; j < found.hits.size(); ++j) {
                    const auto trials =
                        static_cast<double>(std::max<std::int64_t>(found.trials[j], 1));
                    target.values[j] = static_cast<double>(found.hits[j]) / trials;
                    target.weights.push_back(1.0 / static_cast<double>(j + 1));
                }
                targets.push_back(target);
            }
    return targets;
}

// The rows of a map within so many voxels, of half the displacements.
inline void add_rows(std::vector<TargetCurve>& targets, const Shape3& shape, std::int64_t radius) {
    const auto reach = [&](int axis) { return std::min(radius, shape[axis] - 1); };
    for (std::int64_t z = 0; z <= reach(0); ++z)
        for (std::int64_t y = z == 0 ? 1 : -reach(1); y <= reach(1); ++y) {
            TargetCurve row{Statistic::two_point, 1, {0, 0, 1}, {z, y, -reach(2) - 1}, {}, {}, {}};
            row.values.assign(static_cast<std::size_t>(2 * reach(2) + 1), 0.3);
            row.weights.assign(row.values.size(), 0.5);
            targets.push_back(row);
        }
}

// Pairs of phase voxels at the displacements of a row of the map.
inline LagCounts naive_row(const Structure& structure, const TargetCurve& target, bool periodic) {
    const Shape3& shape = structure.shape;
    LagCounts counts;
    for (std::int64_t lag = 1; lag <= target.lags(); ++lag) {
        const Offset by{target.origin[0], target.origin[1], target.origin[2] + lag};
        std::int64_t hits = 0, trials = 0;
        for (std::int64_t i = 0; i < shape.size(); ++i) {
            Offset to{i / (shape[1] * shape[2]) + by[0], i / shape[2] % shape[1] + by[1],
                      i % shape[2] + by[2]};
            bool inside = true;
            for (std::size_t axis = 0; axis < 3; ++axis) {
                const std::int64_t side = shape.sides[axis];
                if (periodic) to[axis] = ((to[axis] % side) + side) % side;
                inside = inside && to[axis] >= 0 && to[axis] < side;
            }
            if (!inside) continue;
            ++trials;
            hits += structure.labels[static_cast<std::size_t>(i)] == target.phase &&
                    structure.view().at(to[0], to[1], to[2]) == target.phase;
        }
        counts.hits.push_back(hits);
        counts.trials.push_back(trials);
    }
    return counts;
}

// Hits and trials, from lag 1, of what is read off lines.
inline LagCounts naive_along_lines(const Structure& structure, const TargetCurve& target,
                                   bool periodic) {
    if (target.origin != Offset{}) return naive_row(structure, target, periodic);
    const Event event = target.statistic == Statistic::chord_length  ? Event::chord
                        : target.statistic == Statistic::lineal_path ? Event::path
                                                                     : Event::pair;
    LagCounts counts =
        naive_count(structure, target.phase, target.step, {target.lags(), periodic, 1}, event);
    counts.hits.erase(counts.hits.begin());
    counts.trials.erase(counts.trials.begin());
    return counts;
}

}  // namespace microtwin::test
