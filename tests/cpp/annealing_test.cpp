// Annealing used from plain C++, held against recounts and the textbook.
#include "microtwin/annealing.hpp"

#include <algorithm>
#include <cmath>

#include "check.hpp"
#include "microtwin/textbook.hpp"
#include "structures.hpp"
#include "wanted.hpp"

namespace microtwin::test {
namespace {

const std::vector<Statistic> kAll{Statistic::two_point, Statistic::lineal_path,
                                  Statistic::chord_length, Statistic::cluster};

// Curves that are not read off lines of bits.
void add_terms(std::vector<TargetCurve>& targets, const Structure& model, std::int64_t lags,
               bool periodic) {
    const auto add = [&](Statistic statistic, const Step& step, std::int64_t room) {
        if (room < 1) return;
        TargetCurve target{statistic, 1, step, {}, {}, {}, {}};
        target.values.resize(static_cast<std::size_t>(std::min(lags, room)));
        target.weights.assign(target.values.size(), 0.1);
        const LagCounts found = count(target, model.view(), periodic);
        for (std::size_t j = 0; j < found.hits.size(); ++j)
            target.values[j] =
                static_cast<double>(found.hits[j]) / static_cast<double>(found.trials[j]);
        targets.push_back(target);
    };
    std::int64_t shortest = model.shape[2];
    for (const std::int64_t side : model.shape.sides)
        if (side > 1) shortest = std::min(shortest, side);
    add(Statistic::radial, {0, 0, 1}, periodic ? shortest - 1 : model.shape[2] - 1);
    for (const Step& step : kSteps)
        for (const Statistic statistic : {Statistic::surface_void, Statistic::surface_surface})
            add(statistic, step, lag_bound(model.shape, step) - (periodic ? 1 : 3));
}

// The structure with another label for each cluster of a phase, by flood, and 0 elsewhere. For
// structures of fewer than 256 clusters.
Structure naive_clusters(const Structure& structure, std::uint8_t phase, bool periodic) {
    const Shape3& shape = structure.shape;
    Structure result{shape, std::vector<std::uint8_t>(structure.labels.size())};
    std::uint8_t clusters = 0;
    for (std::size_t i = 0; i < result.labels.size(); ++i) {
        if (structure.labels[i] != phase || result.labels[i] != 0) continue;
        ++clusters;
        CHECK(clusters != 0);
        std::vector<std::int64_t> reached{static_cast<std::int64_t>(i)};
        while (!reached.empty()) {
            const std::int64_t voxel = reached.back();
            reached.pop_back();
            const auto index = static_cast<std::size_t>(voxel);
            if (structure.labels[index] != phase || result.labels[index] != 0) continue;
            result.labels[index] = clusters;
            const std::array<std::int64_t, 3> at{voxel / (shape[1] * shape[2]),
                                                 voxel / shape[2] % shape[1], voxel % shape[2]};
            for (std::size_t axis = 0; axis < 3; ++axis)
                for (const int by : {-1, 1}) {
                    auto to = at;
                    to[axis] += by;
                    if (periodic) to[axis] = wrapped(to[axis], shape.sides[axis]);
                    if (to[axis] < 0 || to[axis] >= shape.sides[axis]) continue;
                    reached.push_back((to[0] * shape[1] + to[1]) * shape[2] + to[2]);
                }
        }
    }
    return result;
}

// Walks from every voxel along the step, and looks whether it is in the same cluster there.
LagCounts naive_cluster_pairs(const Structure& structure, const TargetCurve& target,
                              const CountOptions& options) {
    const Shape3& shape = structure.shape;
    const Structure clusters = naive_clusters(structure, target.phase, options.periodic);
    const auto lags = static_cast<std::size_t>(target.lags() + 1);
    LagCounts counts{std::vector<std::int64_t>(lags), std::vector<std::int64_t>(lags)};
    for (std::int64_t i = 0; i < shape.size(); ++i) {
        const std::uint8_t mine = clusters.labels[static_cast<std::size_t>(i)];
        std::array<std::int64_t, 3> at{i / (shape[1] * shape[2]), i / shape[2] % shape[1],
                                       i % shape[2]};
        for (std::size_t lag = 0; lag < lags; ++lag) {
            counts.trials[lag] += 1;
            counts.hits[lag] += mine != 0 && clusters.view().at(at[0], at[1], at[2]) == mine;
            bool inside = true;
            for (std::size_t axis = 0; axis < 3; ++axis) {
                const std::int64_t side = shape.sides[axis];
                at[axis] += target.step[axis];
                if (options.periodic) at[axis] = wrapped(at[axis], side);
                inside = inside && at[axis] >= 0 && at[axis] < side;
            }
            if (!inside) break;
        }
    }
    return counts;
}

LagCounts recount(const Structure& structure, const TargetCurve& target, bool periodic) {
    if (target.statistic == Statistic::radial || target.statistic == Statistic::surface_void ||
        target.statistic == Statistic::surface_surface)
        return count(target, structure.view(), periodic);  // which shares nothing with the terms
    if (target.statistic != Statistic::cluster)
        return naive_along_lines(structure, target, periodic);
    LagCounts counts = naive_cluster_pairs(structure, target, {target.lags(), periodic, 1});
    counts.hits.erase(counts.hits.begin());
    counts.trials.erase(counts.trials.begin());
    return counts;
}

double energy_of(const Structure& structure, const std::vector<TargetCurve>& targets,
                 bool periodic) {
    double energy = 0.0;
    for (const TargetCurve& target : targets) {
        const LagCounts counts = recount(structure, target, periodic);
        for (std::size_t j = 0; j < target.values.size(); ++j) {
            if (counts.trials[j] == 0) continue;
            const double error =
                static_cast<double>(counts.hits[j]) / static_cast<double>(counts.trials[j]) -
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

constexpr std::array<Moves, 7> kMoves{{{Proposals::anywhere, false},
                                       {Proposals::at_interfaces, false},
                                       {Proposals::by_neighbours, false},
                                       {Proposals::at_interfaces, true},
                                       {Proposals::by_neighbours, true},
                                       {Proposals::anywhere, false, Rule::threshold},
                                       {Proposals::by_neighbours, false, Rule::deluge}}};

void energies_and_hits_after_a_run_are_those_of_a_recount(bool all) {
    for (const Case& c : kCases) {
        Structure start = random_structure(c.shape, c.phases, 11);
        const Structure model = random_structure(c.shape, c.phases, 12);
        auto targets = targets_of(model, {0, 1}, c.lags, c.periodic, all ? kAll : kTextbook,
                                  all ? kSteps.size() : 3);
        if (all) {
            add_rows(targets, c.shape, 7);
            add_terms(targets, model, c.lags, c.periodic);
        }
        Annealer annealer(start.view(), targets, {c.periodic, 5});
        const double before = annealer.energy();
        CHECK(close(before, energy_of(start, targets, c.periodic), before));
        std::int64_t accepted = 0;
        for (const double temperature : {before, 1e-3 * before, 0.0})
            for (const Moves moves : kMoves)
                accepted += annealer.run(1000, temperature, -1.0, moves);
        CHECK(accepted > 100 && annealer.proposed() == 3000 * std::ssize(kMoves));

        Structure after{c.shape, annealer.labels()};
        CHECK(after.labels != start.labels);
        CHECK(close(annealer.energy(), energy_of(after, targets, c.periodic), before));
        for (std::size_t i = 0; i < targets.size(); ++i) {
            const LagCounts counts = recount(after, targets[i], c.periodic);
            CHECK(annealer.curve(i).hits() == counts.hits);
        }
        std::sort(after.labels.begin(), after.labels.end());
        std::sort(start.labels.begin(), start.labels.end());
        CHECK(after.labels == start.labels);  // the volume fractions stay
    }
}

void fixed_voxels_stay() {
    for (const Case& c : kCases) {
        const Structure start = random_structure(c.shape, c.phases, 71);
        const auto targets =
            targets_of(random_structure(c.shape, c.phases, 72), {0, 1}, c.lags, c.periodic);
        std::vector<std::uint8_t> fixed(start.labels.size());
        Xoshiro256 random(8);
        for (auto& one : fixed) one = random.next() % 3 == 0;
        for (const Moves moves : kMoves) {
            Annealer annealer(start.view(), targets, {c.periodic, 5, fixed.data()});
            CHECK(annealer.run(1000, annealer.energy(), -1.0, moves) > 10);
            const Structure after{c.shape, annealer.labels()};
            CHECK(
                close(annealer.energy(), energy_of(after, targets, c.periodic), annealer.energy()));
            CHECK(after.labels != start.labels);
            for (std::size_t i = 0; i < fixed.size(); ++i)
                CHECK(fixed[i] == 0 || after.labels[i] == start.labels[i]);
        }
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
                targets_of(random_structure(c.shape, c.phases, 32), {1}, c.lags, c.periodic, kAll);
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

// For every rule and kind of moves, with fixed voxels and without.
void a_run_cut_into_slices_is_the_same_run() {
    for (const std::size_t index : {0, 4, 5}) {
        const Case& c = kCases[index];
        const Structure start = random_structure(c.shape, c.phases, 51);
        const auto targets =
            targets_of(random_structure(c.shape, c.phases, 52), {1},
                       std::min<std::int64_t>(c.lags, 9), c.periodic, kTextbook, 1);
        std::vector<std::uint8_t> fixed(start.labels.size());
        Xoshiro256 random(8);
        for (auto& one : fixed) one = random.next() % 3 == 0;
        for (const bool fix : {false, true})
            for (const Rule rule : {Rule::metropolis, Rule::threshold, Rule::deluge})
                for (const auto kind :
                     {Proposals::anywhere, Proposals::at_interfaces, Proposals::by_neighbours})
                    for (const bool balanced : {false, true}) {
                        const Moves moves{kind, balanced, rule};
                        const AnnealingOptions options{c.periodic, 9, fix ? fixed.data() : nullptr};
                        Annealer whole(start.view(), targets, options);
                        Annealer sliced(start.view(), targets, options);
                        const double energy = whole.energy();
                        const double level = rule == Rule::deluge ? 1.02 * energy : 1e-3 * energy;
                        // Lists once sorted stay so: moves anywhere of them are others.
                        for (const Moves& first : {Moves{}, moves, Moves{}}) {
                            whole.run(100, level, -1.0, first);
                            for (const std::int64_t slice : {1, 2, 3, 8, 9, 77})
                                sliced.run(slice, level, -1.0, first);
                        }
                        CHECK(whole.accepted() > 10);
                        CHECK(sliced.labels() == whole.labels());
                        CHECK(sliced.energy() == whole.energy());
                        CHECK(sliced.accepted() == whole.accepted());
                        CHECK(sliced.snapshot().sites == whole.snapshot().sites);
                        CHECK(sliced.snapshot().random == whole.snapshot().random);
                    }
    }
}

void a_sorted_annealer_can_go_back_to_lists_that_were_not() {
    const Case& c = kCases[0];
    const Structure start = random_structure(c.shape, c.phases, 53);
    const auto targets = targets_of(random_structure(c.shape, c.phases, 54), {1}, 9, c.periodic);
    Annealer annealer(start.view(), targets, {c.periodic, 9});
    Annealer other(start.view(), targets, {c.periodic, 10});
    const Annealer::Snapshot snapshot = annealer.snapshot();
    other.run(0, 0.0, -1.0, {Proposals::by_neighbours});
    other.restore(snapshot);
    CHECK(!other.snapshot().sorted);
    for (const Moves moves : kMoves) {
        annealer.run(300, 1e-3, -1.0, moves);
        other.run(300, 1e-3, -1.0, moves);
    }
    CHECK(other.labels() == annealer.labels() && other.energy() == annealer.energy());
}

// Voxels of a phase at random, near where it percolates, and sides of one voxel and of two.
void clusters_are_followed_as_they_join_and_split() {
    const std::array<Case, 8> cases{{{{{1, 17, 16}}, 9, true, 59},
                                     {{{1, 17, 16}}, 15, false, 59},
                                     {{{7, 8, 9}}, 6, true, 35},
                                     {{{7, 8, 9}}, 6, false, 35},
                                     {{{1, 2, 30}}, 20, true, 70},
                                     {{{2, 2, 20}}, 11, true, 50},
                                     {{{9, 1, 9}}, 5, true, 60},
                                     {{{3, 1, 40}}, 5, false, 60}}};
    for (const Case& c : cases)
        for (const bool hot : {true, false}) {
            Structure start{c.shape, {}};
            Xoshiro256 random(17);
            for (std::int64_t i = 0; i < c.shape.size(); ++i)
                start.labels.push_back(random.next() % 100 < c.phases);
            const auto targets =
                targets_of(start, {0, 1}, c.lags, c.periodic, {Statistic::cluster}, kSteps.size());
            Annealer annealer(start.view(), targets, {c.periodic, 3});
            CHECK(close(annealer.energy(), 0.0, 1e-9));
            for (int round = 0; round < 4; ++round)
                for (const Moves moves : kMoves) {
                    annealer.run(20, hot ? 1e9 : 1e-3, -1.0, moves);
                    const Structure after{c.shape, annealer.labels()};
                    annealer.sample_differences(3);
                    for (std::size_t i = 0; i < targets.size(); ++i) {
                        const LagCounts counts = recount(after, targets[i], c.periodic);
                        CHECK(annealer.curve(i).hits() == counts.hits);
                        CHECK(same(count(targets[i], after.view(), c.periodic), counts));
                    }
                }
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

void impossible_annealing_is_refused() {
    const Structure start = random_structure({{1, 8, 8}}, 2, 61);
    const auto make = [&](const TargetCurve& target) {
        return Annealer(start.view(), {target}, {true, 0});
    };
    const TargetCurve good{Statistic::two_point, 1, {0, 0, 1}, {}, {0.1, 0.1}, {1.0, 1.0}, {}};
    CHECK(make(good).curve_count() == 1);
    auto bad = good;
    bad.step = {0, 0, 2};
    CHECK_REFUSES(make(bad));
    bad = good;
    bad.origin = {0, 1, 6};
    CHECK_REFUSES(make(bad));
    bad = good;
    bad.origin = {0, 0, -2};  // no displacement at all is among these
    CHECK_REFUSES(make(bad));
    bad.origin = {0, 0, -3};
    CHECK(make(bad).curve_count() == 1);
    bad = good;
    for (const double number : {-1.0, std::nan(""), HUGE_VAL}) {
        bad.weights = {1.0, number};
        CHECK_REFUSES(make(bad));
    }
    bad = good;
    for (const double number : {std::nan(""), HUGE_VAL}) {
        bad.values = {0.1, number};
        CHECK_REFUSES(make(bad));
    }
    bad = good;
    bad.phase = 2;
    CHECK_REFUSES(make(bad));
    bad = good;
    bad.statistic = Statistic::radial;
    CHECK_REFUSES(Annealer(start.view(), {bad, bad}, {true, 0}));
    bad.values = bad.weights = std::vector<double>(8, 1.0);
    CHECK_REFUSES(make(bad));
    bad.statistic = Statistic::surface_void;
    bad.values = bad.weights = std::vector<double>(6, 1.0);
    CHECK(make(bad).curve_count() == 1);
    CHECK_REFUSES(Annealer(start.view(), {bad}, {false, 0}));
    CHECK_REFUSES(Annealer(start.view(), {bad, bad}, {true, 0}));
    const Structure thin = random_structure({{2, 8, 8}}, 2, 63);
    bad.values = bad.weights = {1.0};
    CHECK_REFUSES(Annealer(thin.view(), {bad}, {false, 0}));
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
    auto cluster = good;
    cluster.statistic = Statistic::cluster;
    CHECK(make(cluster).curve_count() == 1);
    CHECK_REFUSES(Annealer(start.view(), {cluster, cluster}, {true, 0}));
    cluster.given = count(cluster, start.view(), true);
    CHECK_REFUSES(make(cluster));
    CHECK_REFUSES(Annealer({start.labels.data(), {{0, 8, 8}}}, {good}, {true, 0}));
    // Refused before a voxel is looked at: a site has 32 bits for its coordinates.
    for (const Shape3 shape : {Shape3{{1, 65537, 65536}}, Shape3{{1625, 1625, 1625}}})
        CHECK_REFUSES(Annealer({nullptr, shape}, {good}, {true, 0}));
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
    energies_and_hits_after_a_run_are_those_of_a_recount(false);
    energies_and_hits_after_a_run_are_those_of_a_recount(true);
    fixed_voxels_stay();
    the_fast_annealer_does_what_the_textbook_does();
    a_restored_annealer_goes_on_exactly();
    a_run_cut_into_slices_is_the_same_run();
    a_sorted_annealer_can_go_back_to_lists_that_were_not();
    clusters_are_followed_as_they_join_and_split();
    an_annealer_stops_at_an_energy_that_is_enough();
    impossible_annealing_is_refused();
    std::printf("%d checks failed\n", failures);
    return failures == 0 ? 0 : 1;
}
