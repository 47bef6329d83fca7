#include "microtwin/statistics.hpp"

#include <algorithm>
#include <functional>
#include <stdexcept>

#include "microtwin/parallel.hpp"
#include "overlap.hpp"
#include "packed.hpp"
#include "runs.hpp"

namespace microtwin {
namespace {

using Counts = std::vector<std::int64_t>;

Counts summed(const std::vector<Counts>& parts) {
    Counts total = parts[0];
    for (auto part = parts.begin() + 1; part != parts.end(); ++part)
        std::transform(total.begin(), total.end(), part->begin(), total.begin(), std::plus<>{});
    return total;
}

// The largest lag that can be counted along these lines.
std::int64_t reach_of(const Shape3& shape, const Step& step, const CountOptions& options) {
    return std::min(options.max_lag, lag_bound(shape, step) - 1);
}

// Threads worth starting to go over lines, where a row of a bundle takes so many nanoseconds.
int workers_for(const LineBundles& lines, const CountOptions& options, double row) {
    return worthwhile(options.threads, static_cast<double>(lines.count() * lines.length()) * row);
}

// first and second may be the same lines.
Counts pair_hits(const LineBundles& first, const LineBundles& second, std::int64_t reach,
                 const CountOptions& options) {
    const bool same = &first == &second;
    const Counts zero(static_cast<std::size_t>(options.max_lag + 1));
    return summed(parallel_ranges(
        first.count(), workers_for(first, options, 5.0 + 0.4 * static_cast<double>(reach)), zero,
        [&](std::int64_t begin, std::int64_t end, Counts& hits) {
            RowBuffer rows(first.length() + reach), others(same ? 0 : first.length() + reach);
            for (std::int64_t bundle = begin; bundle < end; ++bundle) {
                const std::int64_t n = first.rows(bundle).size();
                const std::int64_t far = options.periodic ? reach : std::min(reach, n - 1);
                if (n == 0) continue;
                first.gather(bundle, far, rows.row(0));
                if (!same) second.gather(bundle, far, others.row(0));
                count_overlaps(rows.row(0), same ? rows.row(0) : others.row(0), n, far,
                               hits.data());
            }
        }));
}

// hits[r] of the segments that begin on a line, where they lie in runs and runs[l] counts the runs
// of l voxels: such a run holds l - r segments of r + 1.
Counts segments_in_runs(const Counts& runs, std::int64_t max_lag, std::int64_t reach) {
    Counts hits(static_cast<std::size_t>(max_lag + 1));
    std::int64_t longer = 0, segments = 0;  // runs longer than r, and their segments at lag r
    for (std::int64_t r = std::ssize(runs) - 2; r >= 0; --r) {
        longer += runs[static_cast<std::size_t>(r + 1)];
        segments += longer;
        if (r <= reach) hits[static_cast<std::size_t>(r)] = segments;
    }
    return hits;
}

Counts path_hits(const LineBundles& lines, std::int64_t reach, const CountOptions& options) {
    const std::int64_t tail = options.periodic ? reach : 0;
    const Counts zero(static_cast<std::size_t>(lines.length() + tail + 1));
    const Counts runs = summed(parallel_ranges(
        lines.count(), workers_for(lines, options, 150.0), zero,
        [&](std::int64_t begin, std::int64_t end, Counts& found) {
            RowBuffer rows(lines.length() + tail);
            for (std::int64_t bundle = begin; bundle < end; ++bundle) {
                lines.gather(bundle, tail, rows.row(0));
                for (int k = 0; k < kBundleWords; ++k)
                    count_runs(rows.row(0) + k, lines.rows(bundle).size(), tail, found.data());
            }
        }));
    return segments_in_runs(runs, options.max_lag, reach);
}

Counts chord_hits(const LineBundles& lines, const LineBundles* window, std::int64_t reach,
                  const CountOptions& options) {
    // A chord that begins in the last row ends reach + 1 rows later, if it is not too long.
    const std::int64_t tail = options.periodic ? reach + 1 : 0;
    const Counts zero(static_cast<std::size_t>(options.max_lag + 1));
    return summed(parallel_ranges(
        lines.count(), workers_for(lines, options, 150.0), zero,
        [&](std::int64_t begin, std::int64_t end, Counts& found) {
            RowBuffer rows(lines.length() + tail);
            RowBuffer inside(window == nullptr ? 0 : lines.length() + tail);
            for (std::int64_t bundle = begin; bundle < end; ++bundle) {
                lines.gather(bundle, tail, rows.row(0));
                if (window != nullptr) window->gather(bundle, tail, inside.row(0));
                for (int k = 0; k < kBundleWords; ++k)
                    count_chords(rows.row(0) + k, window == nullptr ? nullptr : inside.row(0) + k,
                                 {lines.rows(bundle).size(), tail, reach}, found.data());
            }
        }));
}

// Voxels that differ from the next one along their line, both in the window if there is one.
std::int64_t differing(const LineBundles& lines, const LineBundles* window,
                       const CountOptions& options) {
    const std::int64_t tail = options.periodic ? 1 : 0;
    const Counts zero(1);
    return summed(
        parallel_ranges(lines.count(), workers_for(lines, options, 10.0), zero,
                        [&](std::int64_t begin, std::int64_t end, Counts& hits) {
                            RowBuffer rows(lines.length() + tail);
                            RowBuffer inside(window == nullptr ? 0 : lines.length() + tail);
                            for (std::int64_t bundle = begin; bundle < end; ++bundle) {
                                const std::int64_t pairs = lines.rows(bundle).size() - 1 + tail;
                                lines.gather(bundle, tail, rows.row(0));
                                if (window != nullptr) window->gather(bundle, tail, inside.row(0));
                                for (std::int64_t i = 0; i < pairs; ++i)
                                    for (int k = 0; k < kBundleWords; ++k) {
                                        std::uint64_t differ = rows.row(i)[k] ^ rows.row(i + 1)[k];
                                        if (window != nullptr)
                                            differ &= inside.row(i)[k] & inside.row(i + 1)[k];
                                        rows.row(i)[k] = differ;
                                    }
                                if (pairs > 0)
                                    count_overlaps(rows.row(0), rows.row(0), pairs, 0, hits.data());
                            }
                        }))[0];
}

// Lines that lean and do not wrap begin and end within a bundle: what is beyond is no phase, but it
// is not inside either.
bool needs_window(const Sample& sample, const Step& step, bool periodic) {
    const bool leans = std::count(step.begin(), step.end(), 0) != 2;
    return sample.window != nullptr || (leans && !periodic);
}

Packed packed_window(const Sample& sample, int threads) {
    const Shape3& shape = sample.labels.shape;
    return {sample.window != nullptr ? PhaseMask({sample.window, shape}, 1, threads)
                                     : PhaseMask::ones(shape),
            threads};
}

}  // namespace

void check_count(const Sample& sample, const std::vector<Step>& steps,
                 const CountOptions& options) {
    for (int axis = 0; axis < 3; ++axis)
        if (sample.labels.shape[axis] < 1) throw std::invalid_argument("labels must not be empty");
    for (const Step& step : steps) {
        const auto first = std::find_if(step.begin(), step.end(), [](int one) { return one != 0; });
        const bool unit =
            std::all_of(step.begin(), step.end(), [](int one) { return one >= -1 && one <= 1; });
        if (!unit || first == step.end() || *first != 1)
            throw std::invalid_argument(
                "a step must have components -1, 0, 1, the first that is not 0 being 1");
    }
    if (options.max_lag < 0) throw std::invalid_argument("max_lag must be at least 0");
    if (options.threads < 1) throw std::invalid_argument("threads must be at least 1");
}

std::int64_t lag_bound(const Shape3& shape, const Step& step) {
    std::int64_t bound = std::max({shape[0], shape[1], shape[2]});
    for (int axis = 0; axis < 3; ++axis)
        if (step[static_cast<std::size_t>(axis)] != 0) bound = std::min(bound, shape[axis]);
    return bound;
}

std::vector<std::int64_t> lag_trials(const Shape3& shape, const Step& step, std::int64_t max_lag,
                                     bool periodic, std::int64_t margin) {
    Counts trials(static_cast<std::size_t>(max_lag + 1));
    for (std::int64_t r = 0; r <= std::min(max_lag, lag_bound(shape, step) - 1); ++r) {
        std::int64_t& places = trials[static_cast<std::size_t>(r)];
        places = 1;
        for (int axis = 0; axis < 3; ++axis) {
            const bool moves = step[static_cast<std::size_t>(axis)] != 0 && !periodic;
            places *= std::max<std::int64_t>(shape[axis] - (moves ? r + margin : 0), 0);
        }
    }
    return trials;
}

std::vector<LagCounts> two_point(const Sample& sample, std::uint8_t first, std::uint8_t second,
                                 const std::vector<Step>& steps, const CountOptions& options) {
    check_count(sample, steps, options);
    const Shape3& shape = sample.labels.shape;
    Packed one(packed(sample, first, options.threads), options.threads);
    std::optional<Packed> two, window;
    if (second != first) two.emplace(packed(sample, second, options.threads), options.threads);
    if (sample.window != nullptr) window.emplace(packed_window(sample, options.threads));
    std::vector<LagCounts> result;
    for (const Step& step : steps) {
        const std::int64_t reach = reach_of(shape, step, options);
        const LineBundles lines = one.along(step, options.periodic);
        LagCounts counts;
        if (two) {
            counts.hits = pair_hits(lines, two->along(step, options.periodic), reach, options);
        } else {
            counts.hits = pair_hits(lines, lines, reach, options);
        }
        if (window) {
            const LineBundles places = window->along(step, options.periodic);
            counts.trials = pair_hits(places, places, reach, options);
        } else {
            counts.trials = lag_trials(shape, step, options.max_lag, options.periodic);
        }
        result.push_back(std::move(counts));
    }
    return result;
}

std::vector<LagCounts> lineal_path(const Sample& sample, std::uint8_t phase,
                                   const std::vector<Step>& steps, const CountOptions& options) {
    check_count(sample, steps, options);
    const Shape3& shape = sample.labels.shape;
    Packed lines(packed(sample, phase, options.threads), options.threads);
    std::vector<LagCounts> result;
    for (const Step& step : steps) {
        const std::int64_t reach = reach_of(shape, step, options);
        result.push_back({path_hits(lines.along(step, options.periodic), reach, options),
                          lag_trials(shape, step, options.max_lag, options.periodic)});
    }
    if (sample.window != nullptr) {
        const auto places = lineal_path({{sample.window, shape}}, 1, steps, options);
        for (std::size_t i = 0; i < steps.size(); ++i) result[i].trials = places[i].hits;
    }
    return result;
}

std::vector<LagCounts> chord_lengths(const Sample& sample, std::uint8_t phase,
                                     const std::vector<Step>& steps, const CountOptions& options) {
    check_count(sample, steps, options);
    const Shape3& shape = sample.labels.shape;
    Packed lines(packed(sample, phase, options.threads), options.threads);
    const bool masked = sample.window != nullptr;
    std::optional<Packed> window;
    std::vector<LagCounts> result;
    for (const Step& step : steps) {
        // Inside a window a ring has no place for a chord of all but one of its voxels.
        const std::int64_t fits = lag_bound(shape, step) - (masked && options.periodic ? 2 : 1);
        const std::int64_t reach =
            std::clamp<std::int64_t>(options.max_lag, 0, std::max<std::int64_t>(fits, 0));
        const LineBundles along = lines.along(step, options.periodic);
        LagCounts counts;
        if (needs_window(sample, step, options.periodic)) {
            if (!window) window.emplace(packed_window(sample, options.threads));
            const LineBundles places = window->along(step, options.periodic);
            counts.hits = chord_hits(along, &places, reach, options);
        } else {
            counts.hits = chord_hits(along, nullptr, reach, options);
        }
        counts.trials = lag_trials(shape, step, options.max_lag, options.periodic, 1);
        result.push_back(std::move(counts));
    }
    if (masked) {
        const CountOptions longer{options.max_lag + 1, options.periodic, options.threads};
        const auto places = lineal_path({{sample.window, shape}}, 1, steps, longer);
        for (std::size_t i = 0; i < steps.size(); ++i)
            result[i].trials.assign(places[i].hits.begin() + 1, places[i].hits.end());
    }
    return result;
}

std::vector<Share> interfaces(const Sample& sample, std::uint8_t phase,
                              const std::vector<Step>& steps, bool periodic, int threads) {
    const CountOptions options{1, periodic, threads};
    check_count(sample, steps, options);
    const Shape3& shape = sample.labels.shape;
    Packed lines(packed(sample, phase, threads), threads);
    std::optional<Packed> window;
    std::vector<Share> result;
    for (const Step& step : steps) {
        Share share{0, lag_trials(shape, step, 1, periodic)[1]};
        if (share.trials > 0 && needs_window(sample, step, periodic)) {
            if (!window) window.emplace(packed_window(sample, threads));
            const LineBundles places = window->along(step, periodic);
            share.hits = differing(lines.along(step, periodic), &places, options);
            share.trials = pair_hits(places, places, 1, options)[1];
        } else if (share.trials > 0) {
            share.hits = differing(lines.along(step, periodic), nullptr, options);
        }
        result.push_back(share);
    }
    return result;
}

std::array<std::int64_t, 256> label_counts(const Sample& sample, int threads) {
    check_count(sample, {}, {0, false, threads});
    // Neighbours are mostly alike: in tables of their own, none waits for the one before.
    constexpr std::int64_t kTables = 4;
    using Tables = std::array<std::array<std::int64_t, 256>, kTables>;
    const std::int64_t voxels = sample.labels.shape.size();
    const auto parts = parallel_ranges(
        voxels, threads, Tables{}, [&](std::int64_t begin, std::int64_t end, Tables& tables) {
            const std::uint8_t* labels = sample.labels.data;
            if (sample.window != nullptr) {
                for (std::int64_t i = begin; i < end; ++i)
                    tables[static_cast<std::size_t>(i % kTables)][labels[i]] +=
                        sample.window[i] == 1;
                return;
            }
            std::int64_t i = begin;
            for (; i + kTables <= end; i += kTables)
                for (std::size_t k = 0; k < kTables; ++k)
                    ++tables[k][labels[i + static_cast<std::int64_t>(k)]];
            for (; i < end; ++i) ++tables[0][labels[i]];
        });
    std::array<std::int64_t, 256> total{};
    for (const Tables& tables : parts)
        for (const auto& table : tables)
            for (std::size_t label = 0; label < total.size(); ++label) total[label] += table[label];
    return total;
}

}  // namespace microtwin
