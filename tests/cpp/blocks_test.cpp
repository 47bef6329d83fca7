// Annealing in blocks, held against recounts; under a thread sanitizer, too.
#include "microtwin/blocks.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "check.hpp"
#include "structures.hpp"
#include "wanted.hpp"

namespace microtwin::test {
namespace {

struct Case {
    Shape3 shape;
    std::int64_t lags;
    bool periodic;
    std::uint64_t phases;
    std::size_t steps;  // of kSteps
    std::int64_t rows;  // radius of the map; 0: none
};

// Sides below a block's, of one voxel and of two; blocks that are cut unevenly.
const std::array<Case, 12> kCases{{{{{1, 40, 37}}, 12, true, 2, 4, 3},
                                   {{{1, 40, 37}}, 36, false, 2, 4, 3},
                                   {{{1, 9, 150}}, 70, true, 2, 5, 0},
                                   {{{150, 9, 1}}, 66, false, 3, 8, 0},
                                   {{{17, 8, 13}}, 8, true, 2, 13, 2},
                                   {{{17, 8, 13}}, 9, false, 2, 13, 2},
                                   {{{6, 7, 20}}, 6, true, 4, 13, 0},
                                   {{{12, 13, 14}}, 12, false, 3, 13, 0},
                                   {{{2, 2, 40}}, 30, true, 2, 13, 1},
                                   {{{2, 30, 2}}, 20, false, 2, 13, 1},
                                   {{{1, 1, 97}}, 80, true, 2, 3, 0},
                                   {{{5, 6, 7}}, 6, true, 3, 13, 0}}};

const std::vector<Statistic> kOnLines{Statistic::two_point, Statistic::lineal_path,
                                      Statistic::chord_length};

std::vector<TargetCurve> targets_for(const Case& c, std::uint64_t seed) {
    auto targets = targets_of(random_structure(c.shape, c.phases, seed), {0, 1}, c.lags, c.periodic,
                              kOnLines, c.steps);
    if (c.rows > 0) add_rows(targets, c.shape, c.rows);
    return targets;
}

std::vector<std::uint8_t> some_fixed(const Shape3& shape) {
    std::vector<std::uint8_t> fixed(static_cast<std::size_t>(shape.size()));
    Xoshiro256 random(8);
    for (auto& one : fixed) one = random.next() % 3 == 0;
    return fixed;
}

Sweep sweep_of(std::int64_t side, double level, Proposals kind) {
    return {side, 1.0, level, 0.0, {kind}};
}

void sweeps(BlockAnnealer& annealer, double level) {
    for (const Proposals kind :
         {Proposals::by_neighbours, Proposals::anywhere, Proposals::at_interfaces})
        for (const std::int64_t side : {8, 11}) {
            annealer.sweep(sweep_of(side, level, kind));
            level *= 0.01;
        }
}

void check_counts(const BlockAnnealer& annealer, const std::vector<TargetCurve>& targets,
                  const Case& c) {
    const Structure after{c.shape, annealer.labels()};
    double energy = 0.0;
    for (std::size_t i = 0; i < targets.size(); ++i) {
        const LagCounts counts = naive_along_lines(after, targets[i], c.periodic);
        CHECK(annealer.curve(i).hits() == counts.hits);
        for (std::size_t j = 0; j < counts.hits.size(); ++j) {
            if (counts.trials[j] == 0) continue;
            const double error =
                static_cast<double>(counts.hits[j]) / static_cast<double>(counts.trials[j]) -
                targets[i].values[j];
            energy += targets[i].weights[j] * error * error;
        }
    }
    CHECK(std::abs(annealer.energy() - energy) <= 1e-9 * (energy + 1e-3));
}

void counts_after_sweeps_are_those_of_a_recount_for_any_number_of_threads() {
    for (const Case& c : kCases)
        for (const bool fix : {false, true}) {
            const Structure start = random_structure(c.shape, c.phases, 11);
            const auto targets = targets_for(c, 12);
            const auto fixed = some_fixed(c.shape);
            const AnnealingOptions options{c.periodic, 5, fix ? fixed.data() : nullptr};
            BlockAnnealer one(start.view(), targets, options, 1);
            sweeps(one, one.energy());
            CHECK(one.accepted() > 10 && one.sweeps() == 6 && one.proposed() >= one.accepted());
            check_counts(one, targets, c);
            BlockAnnealer many(start.view(), targets, options, fix ? 2 : 3);
            sweeps(many, many.energy());
            CHECK(many.labels() == one.labels() && many.energy() == one.energy());
            CHECK(many.proposed() == one.proposed() && many.accepted() == one.accepted());
            auto before = start.labels, after = one.labels();
            CHECK(after != before);
            for (std::size_t i = 0; i < fixed.size(); ++i)
                CHECK(!fix || fixed[i] == 0 || after[i] == before[i]);
            std::sort(before.begin(), before.end());
            std::sort(after.begin(), after.end());
            CHECK(after == before);  // the volume fractions stay
        }
}

void a_restored_annealer_goes_on_exactly() {
    for (const Case& c : kCases) {
        const Structure start = random_structure(c.shape, c.phases, 31);
        const auto targets = targets_for(c, 32);
        const AnnealingOptions options{c.periodic, 9};
        BlockAnnealer first(start.view(), targets, options, 2);
        const double level = 0.1 * first.energy();
        first.sweep(sweep_of(8, level, Proposals::by_neighbours));
        first.sweep(sweep_of(11, 0.0, Proposals::anywhere));
        const Structure stopped{c.shape, first.labels()};
        BlockAnnealer second(stopped.view(), targets, options, 1);
        second.restore(first.sweeps(), first.proposed(), first.accepted());
        CHECK(second.energy() == first.energy() && second.error() == first.error());
        for (BlockAnnealer* annealer : {&first, &second})
            for (const double enough : {0.0, 0.5 * annealer->error()}) {
                Sweep sweep = sweep_of(8, 0.01 * level, Proposals::by_neighbours);
                sweep.enough = enough;
                annealer->sweep(sweep);
            }
        CHECK(second.labels() == first.labels() && second.energy() == first.energy());
        CHECK(second.sweeps() == 4 && second.proposed() == first.proposed());
        CHECK(second.accepted() == first.accepted());
    }
}

// What a thread does to its lines for a block, and takes back after it.
void labels_taken_back_leave_no_trace() {
    for (const Case& c : kCases) {
        const Structure start = random_structure(c.shape, c.phases, 41);
        const auto targets = targets_for(c, 42);
        LineCurves lines(start.view(), targets, c.periodic), fresh = lines;
        Xoshiro256 random(43);
        const auto voxel = [&] {
            return static_cast<std::int64_t>(below(static_cast<std::uint32_t>(random.next()),
                                                   static_cast<std::uint64_t>(c.shape.size())));
        };
        const auto at = [&](std::int64_t i) {
            return Offset{i / (c.shape[1] * c.shape[2]), i / c.shape[2] % c.shape[1],
                          i % c.shape[2]};
        };
        auto labels = start.labels;
        const auto swap_of = [&](std::int64_t a, std::int64_t b) {
            LineCurves::Swap swap{
                labels[static_cast<std::size_t>(a)], labels[static_cast<std::size_t>(b)], {}, {}};
            lines.place(at(a), swap.a);
            lines.place(at(b), swap.b);
            return swap;
        };
        for (int k = 0; k < 200; ++k) {
            const std::int64_t a = voxel(), b = voxel();
            const auto swap = swap_of(a, b);
            if (swap.label_a == swap.label_b) continue;
            lines.difference_below(swap, std::numeric_limits<double>::infinity());
            lines.commit(swap);
            std::swap(labels[static_cast<std::size_t>(a)], labels[static_cast<std::size_t>(b)]);
        }
        for (std::size_t i = 0; i < labels.size(); ++i)
            if (labels[i] != start.labels[i])
                lines.relabel(at(static_cast<std::int64_t>(i)), labels[i], start.labels[i]);
        labels = start.labels;
        std::vector<std::vector<std::int64_t>> hits;
        std::vector<std::vector<double>> values;
        for (std::size_t i = 0; i < lines.count(); ++i) {
            hits.push_back(fresh.curve(i).hits());
            values.push_back(targets[i].values);
        }
        lines.aim(hits, values);
        CHECK(lines.energy() == fresh.energy());
        for (int k = 0; k < 200; ++k) {
            const auto swap = swap_of(voxel(), voxel());
            if (swap.label_a == swap.label_b) continue;
            const double any = std::numeric_limits<double>::infinity();
            CHECK(lines.difference_below(swap, any) == fresh.difference_below(swap, any));
        }
    }
}

// A checkered structure is far from blobs, and blocks bring it most of the way.
void a_quench_in_blocks_lowers_the_energy() {
    for (const bool periodic : {true, false})
        for (const Shape3 shape : {Shape3{{1, 64, 60}}, Shape3{{20, 18, 22}}}) {
            Structure model{shape, {}}, start{shape, {}};
            for (std::int64_t i = 0; i < shape.size(); ++i) {
                const std::int64_t z = i / (shape[1] * shape[2]), y = i / shape[2] % shape[1],
                                   x = i % shape[2];
                model.labels.push_back((z / 5 + y / 5 + x / 5) % 2 == 0);
                start.labels.push_back(model.labels.back());
            }
            Xoshiro256 random(3);
            for (std::size_t i = start.labels.size(); i-- > 1;)
                std::swap(start.labels[i],
                          start.labels[below(static_cast<std::uint32_t>(random.next()), i + 1)]);
            const auto targets = targets_of(model, {1}, 8, periodic);
            BlockAnnealer annealer(start.view(), targets, {periodic, 1}, 2);
            const double before = annealer.energy();
            for (int k = 0; k < 6; ++k) annealer.sweep({16});
            CHECK(annealer.energy() < 0.1 * before);
        }
}

// However little of the error is to be left, and if nothing but rows of a map are asked for, which
// have no error.
void sweeps_go_on_until_enough_is_done() {
    const Structure start = random_structure({{1, 40, 40}}, 2, 51);
    const auto targets = targets_of(random_structure({{1, 40, 40}}, 2, 52), {1}, 8, true);
    for (const double enough : {1e-3, 1e-12, 1e-40, 1e-300}) {
        BlockAnnealer annealer(start.view(), targets, {true, 1}, 2);
        CHECK(annealer.sweep({8, 2.0, 0.0, enough}) > 0);
        CHECK(annealer.sweep({8, 0.0, 0.0, enough}) == 0);
        CHECK(annealer.sweep({8, 2.0, 0.0, 2.0 * annealer.error()}) >= 0);
    }
    std::vector<TargetCurve> rows;
    add_rows(rows, start.shape, 3);
    BlockAnnealer annealer(start.view(), rows, {true, 1}, 2);
    const double before = annealer.energy();
    CHECK(annealer.error() == 0.0);
    CHECK(annealer.sweep({8}) > 0 && annealer.energy() < before);
}

// Blocks of one phase, and of voxels that are all fixed but those of one phase.
void blocks_without_anything_to_exchange_stay() {
    Structure start{{{1, 40, 40}}, std::vector<std::uint8_t>(1600, 255)};
    for (std::size_t i = 0; i < 40; ++i) start.labels[i] = 0;
    TargetCurve target{Statistic::two_point, 255, {0, 1, 0}, {}, {0.5, 0.5}, {1.0, 1.0}, {}};
    BlockAnnealer free(start.view(), {target}, {false, 1}, 3);
    CHECK(free.sweep({8}) > 0);
    std::vector<std::uint8_t> fixed(start.labels.size());
    for (std::size_t i = 0; i < 40; ++i) fixed[i] = 1;
    for (const bool periodic : {true, false}) {
        BlockAnnealer annealer(start.view(), {target}, {periodic, 1, fixed.data()}, 3);
        CHECK(annealer.sweep({8, 8.0, 1e9}) == 0 && annealer.labels() == start.labels);
        CHECK(annealer.proposed() == 0 && annealer.sweeps() == 1);
    }
}

void impossible_blocks_are_refused() {
    const Structure start = random_structure({{1, 8, 8}}, 2, 61);
    const TargetCurve good{Statistic::two_point, 1, {0, 0, 1}, {}, {0.1, 0.1}, {1.0, 1.0}, {}};
    const auto make = [&](const TargetCurve& target, int threads) {
        return BlockAnnealer(start.view(), {target}, {true, 0}, threads);
    };
    BlockAnnealer annealer = make(good, 1);
    CHECK(annealer.curve_count() == 1);
    for (const double proposals :
         {-1.0, std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()})
        CHECK_REFUSES(annealer.sweep({8, proposals}));
    CHECK(annealer.sweeps() == 0);
    CHECK_REFUSES(make(good, 0));
    auto bad = good;
    bad.phase = 2;
    CHECK_REFUSES(make(bad, 1));
    bad = good;
    bad.statistic = Statistic::cluster;
    CHECK_REFUSES(make(bad, 1));
    bad = good;
    bad.values = bad.weights = std::vector<double>(8, 1.0);
    CHECK_REFUSES(make(bad, 1));
    CHECK_REFUSES(BlockAnnealer(start.view(), {good, good}, {true, 0}, 1));
}

}  // namespace
}  // namespace microtwin::test

int main() {
    using namespace microtwin::test;
    counts_after_sweeps_are_those_of_a_recount_for_any_number_of_threads();
    a_restored_annealer_goes_on_exactly();
    labels_taken_back_leave_no_trace();
    a_quench_in_blocks_lowers_the_energy();
    sweeps_go_on_until_enough_is_done();
    blocks_without_anything_to_exchange_stay();
    impossible_blocks_are_refused();
    std::printf("%d checks failed\n", failures);
    return failures == 0 ? 0 : 1;
}
