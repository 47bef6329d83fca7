// Structures to count, and the counts as their definitions say.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "microtwin/grid.hpp"
#include "microtwin/random.hpp"
#include "microtwin/statistics.hpp"

namespace microtwin::test {

struct Structure {
    Shape3 shape;
    std::vector<std::uint8_t> labels;

    LabelView view() const { return {labels.data(), shape}; }
};

// Voxels that stay in the phase of the one before with some probability: runs of every length.
inline Structure random_structure(const Shape3& shape, std::uint64_t phases, std::uint64_t seed) {
    Xoshiro256 random(seed);
    Structure result{shape, {}};
    std::uint8_t label = 0;
    for (std::int64_t i = 0; i < shape.size(); ++i) {
        if (random.uniform() < 0.3)
            label =
                static_cast<std::uint8_t>(below(static_cast<std::uint32_t>(random.next()), phases));
        result.labels.push_back(label);
    }
    return result;
}

// Odd sides, words of 64 voxels and one more or less, lines shorter than a lag.
inline const std::array<Shape3, 9> kShapes{{{{1, 1, 1}},
                                            {{1, 1, 97}},
                                            {{1, 97, 1}},
                                            {{1, 63, 65}},
                                            {{1, 64, 127}},
                                            {{2, 65, 64}},
                                            {{31, 3, 5}},
                                            {{7, 11, 130}},
                                            {{3, 129, 2}}}};

enum class Event { pair, path, chord };

inline Step along(int axis) {
    Step step{};
    step[static_cast<std::size_t>(axis)] = 1;
    return step;
}

// Walks r steps from every voxel and looks. A pair's far end may be of another phase.
inline LagCounts naive_count(const Structure& structure, std::uint8_t phase, const Step& step,
                             const CountOptions& options, Event event, int partner = -1) {
    const LabelView view = structure.view();
    const Shape3& shape = structure.shape;
    const auto lags = static_cast<std::size_t>(options.max_lag + 1);
    const bool chord = event == Event::chord;
    LagCounts counts{std::vector<std::int64_t>(lags), std::vector<std::int64_t>(lags)};
    // The label some steps from a voxel; -1 outside.
    const auto label = [&](std::int64_t voxel, std::int64_t r) {
        std::array<std::int64_t, 3> at{voxel / (shape[1] * shape[2]), voxel / shape[2] % shape[1],
                                       voxel % shape[2]};
        for (std::size_t k = 0; k < 3; ++k) {
            const std::int64_t side = shape[static_cast<int>(k)];
            at[k] += r * step[k];
            if (options.periodic) at[k] = (at[k] % side + side) % side;
            if (at[k] < 0 || at[k] >= side) return -1;
        }
        return static_cast<int>(view.at(at[0], at[1], at[2]));
    };
    for (std::int64_t voxel = 0; voxel < shape.size(); ++voxel)
        for (std::int64_t r = 0; r <= options.max_lag && r < lag_bound(shape, step); ++r) {
            if (label(voxel, r + chord) < 0) break;
            int mine = 0;
            for (std::int64_t k = 0; k <= r; ++k) mine += label(voxel, k) == phase;
            bool hit = mine == r + 1;
            if (event == Event::pair)
                hit =
                    label(voxel, 0) == phase && label(voxel, r) == (partner < 0 ? phase : partner);
            if (chord)
                hit =
                    r > 0 && mine == r && label(voxel, 0) != phase && label(voxel, r + 1) != phase;
            counts.trials[static_cast<std::size_t>(r)] += 1;
            counts.hits[static_cast<std::size_t>(r)] += hit;
        }
    return counts;
}

inline bool same(const LagCounts& a, const LagCounts& b) {
    return a.hits == b.hits && a.trials == b.trials;
}

inline bool same(const std::vector<LagCounts>& a, const std::vector<LagCounts>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](const LagCounts& one, const LagCounts& two) { return same(one, two); });
}

}  // namespace microtwin::test
