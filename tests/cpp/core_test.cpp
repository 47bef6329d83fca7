// The core used from plain C++: what the sanitizer builds run.
#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

#include "check.hpp"
#include "microtwin/annealing.hpp"
#include "microtwin/statistics.hpp"
#include "microtwin/textbook.hpp"
#include "overlap.hpp"
#include "structures.hpp"

namespace microtwin::test {
namespace {

using Counts = std::vector<std::int64_t>;

void stripes_have_closed_forms() {
    // Along x 1 1 0 0 1 1 0 0, constant along y.
    Structure stripes{{{1, 6, 8}}, {}};
    for (int i = 0; i < 48; ++i) stripes.labels.push_back(i % 4 < 2);
    const auto view = stripes.view();

    const Step x = along(2), y = along(1);
    CHECK(two_point({view}, 1, 1, {x}, {4, true, 1})[0].hits == (Counts{24, 12, 0, 12, 24}));
    CHECK(two_point({view}, 1, 1, {x}, {4, false, 1})[0].hits == (Counts{24, 12, 0, 6, 12}));
    CHECK(two_point({view}, 1, 1, {x}, {4, false, 1})[0].trials == (Counts{48, 42, 36, 30, 24}));
    CHECK(two_point({view}, 1, 0, {x}, {4, true, 1})[0].hits == (Counts{0, 12, 24, 12, 0}));
    CHECK(lineal_path({view}, 1, {x}, {3, true, 1})[0].hits == (Counts{24, 12, 0, 0}));
    CHECK(lineal_path({view}, 1, {y}, {5, false, 1})[0].hits == (Counts{24, 20, 16, 12, 8, 4}));
    CHECK(lineal_path({view}, 1, {y}, {5, true, 1})[0].hits == Counts(6, 24));

    const auto chords = chord_lengths({view}, 1, {x, y}, {4, true, 1});
    CHECK(chords[0].hits == (Counts{0, 0, 12, 0, 0}) && chords[1].hits == Counts(5, 0));
    // Inside, the first of the two on each line begins at a face and is no whole chord.
    CHECK(chord_lengths({view}, 1, {x}, {4, false, 1})[0].hits == (Counts{0, 0, 6, 0, 0}));

    // A window of the first four voxels of each line: one chord of two, cut by it.
    std::vector<std::uint8_t> window;
    for (int i = 0; i < 48; ++i) window.push_back(i % 8 < 4);
    const Sample part{view, window.data()};
    CHECK(two_point(part, 1, 1, {x}, {2, false, 1})[0].hits == (Counts{12, 6, 0}));
    CHECK(two_point(part, 1, 1, {x}, {2, false, 1})[0].trials == (Counts{24, 18, 12}));
    CHECK(lineal_path(part, 1, {x}, {2, true, 1})[0].trials == (Counts{24, 18, 12}));
    CHECK(chord_lengths(part, 1, {x}, {2, false, 1})[0].hits == Counts(3, 0));
    CHECK(chord_lengths(part, 0, {x}, {2, false, 1})[0].trials == (Counts{18, 12, 6}));
}

void every_overlap_kernel_counts_the_same() {
    Xoshiro256 random(3);
    for (const std::int64_t n : {1, 14, 15, 16, 31, 100}) {
        const std::int64_t max_lag = n - 1;
        std::vector<std::uint64_t> storage(static_cast<std::size_t>((n + max_lag + 1) * 8));
        const auto misaligned = reinterpret_cast<std::uintptr_t>(storage.data()) % 64;
        std::uint64_t* rows = storage.data() + (misaligned == 0 ? 0 : (64 - misaligned) / 8);
        for (std::int64_t i = 0; i < n * 8; ++i) rows[i] = random.next() | random.next();
        Counts expected(static_cast<std::size_t>(n));
        for (std::int64_t r = 0; r < n; ++r)
            for (std::int64_t i = 0; i < n * 8; ++i)
                expected[static_cast<std::size_t>(r)] += std::popcount(rows[i] & rows[i + 8 * r]);
        for (const OverlapKernel kernel : overlap_kernels()) {
            Counts hits(expected.size());
            kernel(rows, rows, n, max_lag, hits.data());
            CHECK(hits == expected);
        }
    }
}

void a_lag_beyond_the_side_has_no_trials() {
    const Structure line{{{1, 1, 5}}, {1, 1, 1, 1, 1}};
    for (const bool periodic : {false, true})
        for (const LagCounts& found :
             {two_point({line.view()}, 1, 1, {along(2)}, {7, periodic, 1})[0],
              lineal_path({line.view()}, 1, {along(2)}, {7, periodic, 1})[0]}) {
            CHECK(std::accumulate(found.hits.begin() + 5, found.hits.end(), std::int64_t{0}) == 0);
            CHECK(found.hits == found.trials);
        }
}

void counts_are_those_of_the_definition_for_any_number_of_threads() {
    const std::vector<Step> steps{{0, 0, 1}, {0, 1, 0}, {1, 0, 0},  {0, 1, -1}, {1, 0, 1},
                                  {1, 1, 0}, {1, 1, 1}, {1, -1, 1}, {1, 0, -1}, {1, -1, -1}};
    std::uint64_t seed = 0;
    for (const Shape3& shape : kShapes) {
        const Structure structure = random_structure(shape, 3, ++seed);
        const Sample sample{structure.view()};
        for (const bool periodic : {false, true}) {
            std::vector<LagCounts> expected[4];
            const CountOptions once{30, periodic, 1};
            for (const Step& step : steps) {
                expected[0].push_back(naive_count(structure, 1, step, once, Event::pair));
                expected[1].push_back(naive_count(structure, 1, step, once, Event::pair, 2));
                expected[2].push_back(naive_count(structure, 1, step, once, Event::path));
                expected[3].push_back(naive_count(structure, 1, step, once, Event::chord));
            }
            for (const int threads : {1, 2, 7}) {
                const CountOptions options{30, periodic, threads};
                CHECK(same(two_point(sample, 1, 1, steps, options), expected[0]));
                CHECK(same(two_point(sample, 1, 2, steps, options), expected[1]));
                CHECK(same(lineal_path(sample, 1, steps, options), expected[2]));
                CHECK(same(chord_lengths(sample, 1, steps, options), expected[3]));
            }
        }
    }
}

// Curves of another structure, along all axes that are long enough.
std::vector<TargetCurve> targets_of(const Structure& model, const std::vector<std::uint8_t>& phases,
                                    std::int64_t lags, bool periodic) {
    std::vector<TargetCurve> targets;
    for (const std::uint8_t phase : phases)
        for (int axis = 0; axis < 3; ++axis) {
            if (model.shape[axis] < 2) continue;
            const std::int64_t reach = std::min(lags, model.shape[axis] - 1);
            for (const auto statistic : {Statistic::two_point, Statistic::lineal_path}) {
                const auto found =
                    count_along(statistic, model.view(), phase, axis, {reach, periodic, 1});
                TargetCurve target{statistic, phase, axis, {}, {}};
                for (std::size_t r = 1; r < found.hits.size(); ++r) {
                    target.values.push_back(static_cast<double>(found.hits[r]) /
                                            static_cast<double>(found.trials[r]));
                    target.weights.push_back(1.0 / static_cast<double>(r));
                }
                targets.push_back(target);
            }
        }
    return targets;
}

LagCounts recount(const Structure& structure, const TargetCurve& target, bool periodic) {
    const CountOptions options{static_cast<std::int64_t>(target.values.size()), periodic, 1};
    return naive_count(structure, target.phase, along(target.axis), options,
                       target.statistic == Statistic::lineal_path ? Event::path : Event::pair);
}

double energy_of(const Structure& structure, const std::vector<TargetCurve>& targets,
                 bool periodic) {
    double energy = 0.0;
    for (const TargetCurve& target : targets) {
        const LagCounts counts = recount(structure, target, periodic);
        for (std::size_t j = 0; j < target.values.size(); ++j) {
            const double error = static_cast<double>(counts.hits[j + 1]) /
                                     static_cast<double>(counts.trials[j + 1]) -
                                 target.values[j];
            energy += target.weights[j] * error * error;
        }
    }
    return energy;
}

bool close(double a, double b, double scale) { return std::abs(a - b) <= 1e-5 * scale; }

struct Case {
    Shape3 shape;
    std::int64_t lags;
    bool periodic;
    std::uint64_t phases;
};

const std::array<Case, 7> kCases{{{{{1, 40, 37}}, 12, true, 2},
                                  {{{1, 40, 37}}, 36, false, 2},
                                  {{{1, 9, 150}}, 100, true, 2},
                                  {{{9, 10, 11}}, 8, true, 2},
                                  {{{9, 10, 11}}, 10, false, 2},
                                  {{{6, 7, 20}}, 6, true, 4},
                                  {{{1, 30, 31}}, 15, false, 3}}};

constexpr std::array<Moves, 5> kMoves{{{Proposals::anywhere, false},
                                       {Proposals::at_interfaces, false},
                                       {Proposals::by_neighbours, false},
                                       {Proposals::at_interfaces, true},
                                       {Proposals::by_neighbours, true}}};

void energies_and_hits_after_a_run_are_those_of_a_recount() {
    for (const Case& c : kCases) {
        Structure start = random_structure(c.shape, c.phases, 11);
        const auto targets =
            targets_of(random_structure(c.shape, c.phases, 12), {0, 1}, c.lags, c.periodic);
        Annealer annealer(start.view(), targets, {c.periodic, 5});
        const double before = annealer.energy();
        CHECK(close(before, energy_of(start, targets, c.periodic), before));
        std::int64_t accepted = 0;
        for (const double temperature : {before, 1e-3 * before, 0.0})
            for (const Moves moves : kMoves)
                accepted += annealer.run(1000, temperature, -1.0, moves);
        CHECK(accepted > 100 && annealer.proposed() == 15000);

        Structure after{c.shape, annealer.labels()};
        CHECK(after.labels != start.labels);
        CHECK(close(annealer.energy(), energy_of(after, targets, c.periodic), before));
        for (std::size_t i = 0; i < targets.size(); ++i) {
            const LagCounts counts = recount(after, targets[i], c.periodic);
            CHECK(annealer.hits(i) == Counts(counts.hits.begin() + 1, counts.hits.end()));
        }
        std::sort(after.labels.begin(), after.labels.end());
        std::sort(start.labels.begin(), start.labels.end());
        CHECK(after.labels == start.labels);  // the volume fractions stay
    }
}

void the_fast_annealer_does_what_the_textbook_does() {
    for (const Case& c : kCases) {
        if (c.phases != 2) continue;
        const Structure start = random_structure(c.shape, 2, 21);
        const auto targets =
            targets_of(random_structure(c.shape, 2, 22), {0, 1}, c.lags, c.periodic);
        Annealer fast(start.view(), targets, {c.periodic, 7});
        TextbookAnnealer textbook(start.view(), targets, {c.periodic, 7});
        const double scale = fast.energy();
        CHECK(close(fast.energy(), textbook.energy(), scale));

        Xoshiro256 random(3);
        const auto voxel = [&] {
            return static_cast<std::int64_t>(below(static_cast<std::uint32_t>(random.next()),
                                                   static_cast<std::uint64_t>(c.shape.size())));
        };
        for (int k = 0; k < 300; ++k) {
            const std::int64_t a = voxel(), b = voxel();
            CHECK(close(fast.difference(a, b), textbook.difference(a, b), scale));
        }
        CHECK(fast.run(1000, 0.01 * scale) == textbook.run(1000, 0.01 * scale));
        CHECK(fast.labels() == textbook.labels());
        CHECK(close(fast.energy(), textbook.energy(), scale));
    }
}

void a_restored_annealer_goes_on_exactly() {
    for (const Case& c : kCases)
        for (const Moves moves : kMoves) {
            const Structure start = random_structure(c.shape, c.phases, 31);
            const auto targets =
                targets_of(random_structure(c.shape, c.phases, 32), {1}, c.lags, c.periodic);
            Annealer first(start.view(), targets, {c.periodic, 9});
            const double temperature = 1e-3 * first.energy();
            first.run(1500, temperature, -1.0, moves);
            const Structure stopped{c.shape, first.labels()};
            const Annealer::Snapshot snapshot = first.snapshot();
            first.run(1500, temperature, -1.0, moves);

            Annealer second(stopped.view(), targets, {c.periodic, 1234});
            second.restore(snapshot);
            // In slices: how a run is cut up changes nothing.
            for (const std::int64_t slice : {1, 2, 497, 1000})
                second.run(slice, temperature, -1.0, moves);
            CHECK(second.labels() == first.labels());
            CHECK(second.energy() == first.energy());
            CHECK(second.proposed() == first.proposed());
            CHECK(second.sample_differences(50) == first.sample_differences(50));
        }
}

void an_annealer_stops_at_an_energy_that_is_enough() {
    const Structure start = random_structure({{1, 32, 32}}, 2, 41);
    const auto targets = targets_of(random_structure({{1, 32, 32}}, 2, 42), {1}, 8, true);
    Annealer annealer(start.view(), targets, {true, 1});
    const double enough = 0.5 * annealer.energy();
    annealer.run(1'000'000, 0.0, enough);
    CHECK(annealer.energy() <= enough && annealer.proposed() < 1'000'000);
    CHECK(annealer.run(10, 0.0, enough) == 0);
}

void impossible_counts_are_refused() {
    const Structure structure = random_structure({{2, 3, 4}}, 2, 51);
    const auto view = structure.view();
    for (const auto count : {lineal_path, chord_lengths}) {
        for (const Step& step : {Step{0, 0, 0}, Step{0, 0, 2}, Step{-1, 0, 0}, Step{0, -1, 1}})
            CHECK_REFUSES(count({view}, 1, {step}, {1, false, 1}));
        CHECK_REFUSES(count({view}, 1, {along(0)}, {-1, false, 1}));
        CHECK_REFUSES(count({view}, 1, {along(0)}, {1, false, 0}));
        CHECK_REFUSES(count({{nullptr, {{0, 3, 4}}}}, 1, {along(0)}, {1, false, 1}));
    }
    CHECK_REFUSES(two_point({view}, 1, 1, {{0, 0, 0}}, {1, false, 1}));
}

void impossible_annealing_is_refused() {
    const Structure start = random_structure({{1, 8, 8}}, 2, 61);
    const auto make = [&](const TargetCurve& target) {
        return Annealer(start.view(), {target}, {true, 0});
    };
    const TargetCurve good{Statistic::two_point, 1, 2, {0.1, 0.1}, {1.0, 1.0}};
    CHECK(make(good).curve_count() == 1);
    auto bad = good;
    bad.axis = 3;
    CHECK_REFUSES(make(bad));
    bad = good;
    bad.phase = 2;
    CHECK_REFUSES(make(bad));
    bad = good;
    bad.weights = {1.0};
    CHECK_REFUSES(make(bad));
    bad = good;
    bad.values = bad.weights = {};
    CHECK_REFUSES(make(bad));
    bad = good;
    bad.values = bad.weights = std::vector<double>(8, 1.0);
    CHECK_REFUSES(make(bad));
    CHECK_REFUSES(Annealer(start.view(), {good, good}, {true, 0}));
    CHECK_REFUSES(Annealer({start.labels.data(), {{0, 8, 8}}}, {good}, {true, 0}));
    const Structure uniform{{{1, 8, 8}}, std::vector<std::uint8_t>(64, 1)};
    CHECK_REFUSES(Annealer(uniform.view(), {good}, {true, 0}));
    CHECK_REFUSES(TextbookAnnealer(uniform.view(), {good}, {true, 0}));

    Annealer annealer = make(good);
    CHECK_REFUSES(annealer.difference(0, 64));
    CHECK_REFUSES(annealer.difference(-1, 0));
    TextbookAnnealer textbook(start.view(), {good}, {true, 0});
    CHECK_REFUSES(textbook.difference(0, 64));
    CHECK_REFUSES(textbook.difference(-1, 0));
    CHECK_REFUSES(annealer.restore(Annealer::Snapshot{}));
    const Structure other = random_structure({{1, 8, 8}}, 2, 62);
    CHECK_REFUSES(annealer.restore(Annealer(other.view(), {good}, {true, 0}).snapshot()));
}

}  // namespace
}  // namespace microtwin::test

int main() {
    using namespace microtwin::test;
    stripes_have_closed_forms();
    every_overlap_kernel_counts_the_same();
    a_lag_beyond_the_side_has_no_trials();
    counts_are_those_of_the_definition_for_any_number_of_threads();
    energies_and_hits_after_a_run_are_those_of_a_recount();
    the_fast_annealer_does_what_the_textbook_does();
    a_restored_annealer_goes_on_exactly();
    an_annealer_stops_at_an_energy_that_is_enough();
    impossible_counts_are_refused();
    impossible_annealing_is_refused();
    std::printf("%d checks failed\n", failures);
    return failures == 0 ? 0 : 1;
}
