// Structures to count, and the counts as their definitions say.
#pragma once

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

inline LagCounts naive_count(const Structure& structure, std::uint8_t phase, int axis,
                             const CountOptions& options, bool whole_segment) {
    const LabelView view = structure.view();
    const Shape3& shape = structure.shape;
    const auto lags = static_cast<std::size_t>(options.max_lag + 1);
    LagCounts counts{std::vector<std::int64_t>(lags), std::vector<std::int64_t>(lags)};
    for (std::int64_t z = 0; z < shape[0]; ++z)
        for (std::int64_t y = 0; y < shape[1]; ++y)
            for (std::int64_t x = 0; x < shape[2]; ++x) {
                bool unbroken = true;
                const bool first = view.at(z, y, x) == phase;
                for (std::int64_t r = 0; r <= options.max_lag && r < shape[axis]; ++r) {
                    std::array<std::int64_t, 3> end{z, y, x};
                    std::int64_t& moved = end[static_cast<std::size_t>(axis)];
                    moved += r;
                    if (moved >= shape[axis] && !options.periodic) break;
                    moved %= shape[axis];
                    const bool last = view.at(end[0], end[1], end[2]) == phase;
                    unbroken = unbroken && last;
                    counts.trials[static_cast<std::size_t>(r)] += 1;
                    counts.hits[static_cast<std::size_t>(r)] +=
                        whole_segment ? unbroken : first && last;
                }
            }
    return counts;
}

inline bool same(const LagCounts& a, const LagCounts& b) {
    return a.hits == b.hits && a.trials == b.trials;
}

}  // namespace microtwin::test
