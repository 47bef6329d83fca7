// The core used from plain C++: what the sanitizer builds run.
#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

#include "check.hpp"
#include "microtwin/random.hpp"
#include "microtwin/statistics.hpp"
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

}  // namespace
}  // namespace microtwin::test

int main() {
    using namespace microtwin::test;
    stripes_have_closed_forms();
    every_overlap_kernel_counts_the_same();
    a_lag_beyond_the_side_has_no_trials();
    counts_are_those_of_the_definition_for_any_number_of_threads();
    impossible_counts_are_refused();
    std::printf("%d checks failed\n", failures);
    return failures == 0 ? 0 : 1;
}
