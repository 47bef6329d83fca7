// Does the work of every walker here, lane after lane, and compares with definitions and the core.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "blocks.hpp"
#include "check.hpp"
#include "microtwin/textbook.hpp"
#include "structures.hpp"

namespace microtwin::cuda {
namespace {

using test::Structure;
using Rows = std::vector<std::int64_t>;

constexpr double kAny = std::numeric_limits<double>::infinity();

// What the GPU's memory would hold.
class HostArena {
  public:
    HostArena(const Plan& plan, const std::vector<Structure>& starts, std::int64_t walkers)
        : plan_(plan), shape_(starts[0].shape), target_(plan.target()), accepted_(starts.size()),
          hits_(static_cast<std::size_t>(walkers * plan.table_size())) {
        for (const Structure& one : starts) {
            labels_.insert(labels_.end(), one.labels.begin(), one.labels.end());
            const Rows rows = plan.count_rows(one.view());
            start_.insert(start_.end(), rows.begin(), rows.end());
        }
        total_ = start_;
        sites_.resize(labels_.size());
        bits_ = packed();
    }

    Problem problem() const { return plan_.problem(plan_.scale().data(), plan_.weight().data()); }
    Replicas replicas() const { return {labels_.data(), shape_, std::ssize(accepted_)}; }
    Arena view() {
        return {labels_.data(), bits_.data(), sites_.data(), target_.data(),
                start_.data(),  hits_.data(), total_.data(), accepted_.data()};
    }
    void walk(const std::vector<Task>& tasks, const Orders& orders) {
        const Problem all = problem();
        for (const Task& task : tasks) Walker(all, task, orders).run();
    }
    void aim(const std::vector<double>& target, const Rows& hits) {
        target_ = target;
        start_ = hits;
    }
    // One more walk of all replicas from where they are.
    void walk_on(std::int64_t proposals, std::uint64_t seed, const Orders& orders) {
        start_ = total_;
        walk(replica_tasks(plan_, replicas(), view(), proposals, seed), orders);
    }
    Structure structure(std::int64_t i) const {
        const auto begin = labels_.begin() + i * shape_.size();
        return {shape_, {begin, begin + shape_.size()}};
    }
    Rows total(std::int64_t i) const {
        const auto begin = total_.begin() + i * plan_.table_size();
        return {begin, begin + plan_.table_size()};
    }
    std::int64_t accepted(std::size_t i) const { return accepted_[i]; }
    // What was kept in step with the labels is what they say.
    void check_consistency() const {
        CHECK(bits_ == packed());
        for (std::int64_t i = 0; i < std::ssize(accepted_); ++i) {
            const Rows now = total(i), recount = plan_.count_rows(structure(i).view());
            CHECK(plan_.curves(now.data()) == plan_.curves(recount.data()));
        }
    }

  private:
    std::vector<std::uint64_t> packed() const {
        const Problem all = problem();
        std::vector<std::uint64_t> result;
        for (std::int64_t i = 0; i < std::ssize(accepted_); ++i)
            for (int plane = 0; plane < all.plane_count; ++plane)
                for (std::int64_t word = 0; word < all.lines.first[3]; ++word)
                    result.push_back(all.lines.packed(word, labels_.data() + i * shape_.size(),
                                                      all.plane_labels[plane]));
        return result;
    }

    const Plan& plan_;
    Shape3 shape_;
    std::vector<double> target_;
    Rows accepted_, hits_, start_, total_;
    std::vector<std::uint8_t> labels_;
    std::vector<std::uint64_t> bits_;
    std::vector<std::uint32_t> sites_;
};

// Both curves along every axis that has lags, of every phase in turn, those of another structure;
// at some lags without weight.
std::vector<TargetCurve> targets_from(const Structure& model, std::uint64_t phases,
                                      std::int64_t lags, bool periodic) {
    std::vector<TargetCurve> result;
    std::uint8_t phase = 0;
    for (int axis = 0; axis < 3; ++axis)
        for (const Statistic statistic : {Statistic::two_point, Statistic::lineal_path}) {
            TargetCurve target{statistic, phase, test::along(axis), {}, {}, {}, {}};
            if (statistic == Statistic::lineal_path)
                phase = static_cast<std::uint8_t>((phase + 1u) % phases);
            const std::int64_t fits = std::min(lags, model.shape[axis] - 1);
            if (fits < 1) continue;
            target.values.resize(static_cast<std::size_t>(fits));
            target.weights.resize(target.values.size());
            const LagCounts counts = count(target, model.view(), periodic);
            for (std::size_t j = 0; j < target.values.size(); ++j) {
                target.values[j] =
                    static_cast<double>(counts.hits[j]) / static_cast<double>(counts.trials[j]);
                target.weights[j] = static_cast<double>(j % 4 == 3 ? 0 : 1 + j % 3);
            }
            result.push_back(target);
        }
    return result;
}

struct Case {
    Structure start;
    std::vector<TargetCurve> targets;
    Plan plan;
};

Case make_case(const Shape3& shape, std::uint64_t phases, std::int64_t lags, bool periodic,
               std::uint64_t seed) {
    const Structure start = test::random_structure(shape, phases, seed);
    const auto targets =
        targets_from(test::random_structure(shape, phases, seed + 1000), phases, lags, periodic);
    return {start, targets, plan_for({start.labels.data(), shape, 1}, targets, periodic)};
}

template <class Visit>
void for_every_case(Visit&& visit) {
    std::uint64_t seed = 0;
    for (const Shape3& shape : {Shape3{{1, 20, 33}}, Shape3{{1, 131, 5}}, Shape3{{1, 70, 150}},
                                Shape3{{7, 9, 8}}, Shape3{{3, 66, 65}}, Shape3{{12, 2, 70}}})
        for (const std::int64_t lags : {6, 64, 128})
            for (const std::uint64_t phases : {2u, 3u})
                for (const bool periodic : {false, true})
                    visit(make_case(shape, phases, lags, periodic, ++seed), periodic);
}

std::vector<std::int64_t> volumes(const Structure& structure) {
    std::vector<std::int64_t> result(256);
    for (const std::uint8_t label : structure.labels) ++result[label];
    return result;
}

void hits_of_a_walker_are_those_of_a_recount() {
    for_every_case([](const Case& one, bool) {
        for (const Proposals kind : {Proposals::anywhere, Proposals::at_interfaces})
            for (const Orders& orders :
                 {Orders{0.0, kind, Rule::metropolis}, Orders{1e-3, kind, Rule::metropolis},
                  Orders{kAny, kind, Rule::threshold}}) {
                HostArena arena(one.plan, {one.start}, 1);
                arena.walk_on(60, 3, orders);
                arena.walk_on(20, 77, orders);
                arena.check_consistency();
                CHECK(volumes(arena.structure(0)) == volumes(one.start));
                CHECK(arena.accepted(0) > 0);
                if (orders.level == kAny) CHECK(arena.accepted(0) == 80);
            }
    });
}

void a_greedy_walker_never_raises_the_energy() {
    for_every_case([](const Case& one, bool) {
        HostArena arena(one.plan, {one.start}, 1);
        double before = one.plan.energy(arena.total(0));
        for (std::uint64_t seed = 0; seed < 30; ++seed) {
            arena.walk_on(1, seed, {0.0, Proposals::anywhere, Rule::metropolis});
            const double after = one.plan.energy(arena.total(0));
            CHECK(after <= before * (1.0 + 1e-12));
            before = after;
        }
        arena.walk_on(300, 9, {0.0, Proposals::anywhere, Rule::metropolis});
        CHECK(one.plan.energy(arena.total(0)) < before);
    });
}

void a_threshold_bounds_the_rise_of_each_exchange() {
    const Case one = make_case({{1, 20, 33}}, 2, 8, true, 5);
    for (const double level : {0.0, 1e-5, 1e-4}) {
        HostArena arena(one.plan, {one.start}, 1);
        double before = one.plan.energy(arena.total(0)), highest = 0.0;
        for (std::uint64_t seed = 0; seed < 2000; ++seed) {
            arena.walk_on(1, seed, {level, Proposals::anywhere, Rule::threshold});
            const double after = one.plan.energy(arena.total(0));
            highest = std::max(highest, after - before);
            before = after;
        }
        CHECK(highest <= level + 1e-14);
        CHECK(level == 0.0 || highest > 0.5 * level);
    }
}

// Same random numbers, same order of sites: proposal by proposal the same.
void a_walker_decides_as_the_textbook_does() {
    std::uint64_t seed = 40;
    for (const Shape3& shape :
         {Shape3{{1, 11, 14}}, Shape3{{5, 6, 7}}, Shape3{{1, 9, 131}}, Shape3{{1, 67, 6}}})
        for (const bool periodic : {false, true})
            for (const double temperature : {0.0, 2e-4, 1e-2}) {
                const Case one = make_case(shape, 2, 128, periodic, ++seed);
                HostArena arena(one.plan, {one.start}, 1);
                TextbookAnnealer textbook(one.start.view(), one.targets, {periodic, seed, nullptr});
                const std::int64_t made = textbook.run(400, temperature);
                arena.walk_on(400, seed, {temperature, Proposals::anywhere, Rule::metropolis});
                CHECK(arena.structure(0).labels == textbook.labels());
                CHECK(arena.accepted(0) == made);
                const double energy = one.plan.energy(arena.total(0));
                CHECK(std::abs(energy - textbook.energy()) <= 1e-12 * energy);
            }
}

void replicas_go_their_own_ways() {
    const Case one = make_case({{4, 12, 10}}, 3, 5, true, 8);
    const Orders orders{1e-4, Proposals::at_interfaces, Rule::metropolis};
    HostArena three(one.plan, {one.start, one.start, one.start}, 3);
    three.walk_on(200, 50, orders);
    three.check_consistency();
    HostArena last(one.plan, {one.start}, 1);
    last.walk_on(200, 52, orders);
    CHECK(three.structure(2).labels == last.structure(0).labels);
    CHECK(three.structure(0).labels != three.structure(1).labels);
}

bool has_unlike_neighbour(const Structure& structure, std::int64_t voxel, bool periodic) {
    const Shape3& shape = structure.shape;
    const Offset at{voxel / shape[2] / shape[1], voxel / shape[2] % shape[1], voxel % shape[2]};
    for (std::size_t axis = 0; axis < 3; ++axis)
        for (const int step : {-1, 1}) {
            Offset to = at;
            to[axis] += step;
            const std::int64_t side = shape.sides[axis];
            if (periodic) to[axis] = wrapped(to[axis], side);
            if (to[axis] < 0 || to[axis] >= side) continue;
            if (structure.view().at(to[0], to[1], to[2]) !=
                structure.labels[static_cast<std::size_t>(voxel)])
                return true;
        }
    return false;
}

void interface_draws_take_voxels_with_an_unlike_neighbour() {
    for (const bool periodic : {false, true}) {
        // A cube in a corner of a large matrix: most voxels have none.
        Case one = make_case({{16, 17, 18}}, 2, 4, periodic, 3);
        std::fill(one.start.labels.begin(), one.start.labels.end(), std::uint8_t{0});
        for (std::size_t i = 0; i < one.start.labels.size(); ++i)
            if (i / 18 / 17 < 8 && i / 18 % 17 < 8 && i % 18 < 8) one.start.labels[i] = 1;
        std::int64_t exchanged = 0;
        for (std::uint64_t seed = 0; seed < 100; ++seed) {
            HostArena arena(one.plan, {one.start}, 1);
            arena.walk_on(1, seed, {kAny, Proposals::at_interfaces, Rule::threshold});
            for (std::int64_t i = 0; i < one.start.shape.size(); ++i)
                if (arena.structure(0).labels[static_cast<std::size_t>(i)] !=
                    one.start.labels[static_cast<std::size_t>(i)]) {
                    CHECK(has_unlike_neighbour(one.start, i, periodic));
                    ++exchanged;
                }
        }
        CHECK(exchanged == 200);
    }
}

void the_logarithm_is_one() {
    Xoshiro256 random(1);
    CHECK(minus_log(1.0) == 0.0);
    for (int k = 0; k < 100000; ++k) {
        const double u = k % 2 == 0 ? random.uniform() : std::ldexp(random.uniform(), -(k % 53));
        const double exact = -std::log(u);
        CHECK(std::abs(minus_log(u) - exact) <= 4e-16 * (1.0 + exact));
    }
}

void blocks_of_all_colours_cover_the_volume_once_and_those_of_one_see_no_other() {
    for (const Shape3& shape : {Shape3{{1, 40, 53}}, Shape3{{13, 24, 31}}, Shape3{{9, 8, 7}}})
        for (const std::int64_t reach : {1, 4, 6})
            for (const Offset& shift : {Offset{0, 0, 0}, Offset{0, 7, 50}, Offset{5, 3, 1}}) {
                const std::int64_t around[3] = {shape[0], shape[1], shape[2]};
                const BlockGrid grid(shape, reach, reach);
                std::vector<int> visits(static_cast<std::size_t>(shape.size()));
                std::int64_t blocks = 0;
                for (int colour = 0; colour < grid.colours(); ++colour) {
                    const auto boxes = grid.of_colour(colour, shift);
                    CHECK(std::ssize(boxes) == grid.active());
                    blocks += std::ssize(boxes);
                    std::vector<int> owner(visits.size(), -1);
                    for (std::size_t b = 0; b < boxes.size(); ++b)
                        for (std::uint32_t k = 0; k < boxes[b].size(); ++k) {
                            const std::uint32_t voxel = boxes[b].voxel(k, around);
                            owner[voxel] = static_cast<int>(b);
                            ++visits[voxel];
                        }
                    for (std::int64_t v = 0; v < shape.size(); ++v)
                        for (std::size_t axis = 0; axis < 3; ++axis)
                            for (std::int64_t k = 1; k <= reach; ++k) {
                                Offset to{v / shape[2] / shape[1], v / shape[2] % shape[1],
                                          v % shape[2]};
                                to[axis] = wrapped(to[axis] + k, shape.sides[axis]);
                                const int here = owner[static_cast<std::size_t>(v)];
                                const int there = owner[static_cast<std::size_t>(
                                    (to[0] * shape[1] + to[1]) * shape[2] + to[2])];
                                CHECK(here < 0 || there < 0 || here == there);
                            }
                }
                CHECK(blocks == grid.blocks());
                CHECK(std::count(visits.begin(), visits.end(), 1) == shape.size());
            }
    CHECK(BlockGrid({{64, 64, 64}}, 16, 8).blocks() == 64);
    CHECK(BlockGrid({{64, 64, 64}}, 16, 8).active() == 8);
    CHECK(BlockGrid({{1, 64, 64}}, 16, 16).colours() == 4);
    CHECK_REFUSES(BlockGrid({{64, 64, 64}}, 16, 17));
}

// Plays rounds here, forwards or backwards.
struct Player {
    const Plan& plan;
    HostArena& arena;
    Orders orders;
    bool backwards = false;

    void operator()(const Round& round, Rows& hits) {
        const Structure before = arena.structure(0);
        arena.aim(round.target, hits);
        auto tasks = block_tasks(plan, round, arena.view());
        if (backwards) std::reverse(tasks.begin(), tasks.end());
        arena.walk(tasks, orders);
        hits = arena.total(0);
        std::vector<bool> inside(before.labels.size());
        const Problem problem = plan.problem(nullptr, nullptr);
        for (const Box& box : round.boxes)
            for (std::uint32_t k = 0; k < box.size(); ++k)
                inside[box.voxel(k, problem.lines.sides)] = true;
        const Structure after = arena.structure(0);
        for (std::size_t i = 0; i < inside.size(); ++i)
            if (!inside[i]) CHECK(after.labels[i] == before.labels[i]);
        CHECK(volumes(after) == volumes(before));
        arena.check_consistency();
    }
};

void changes_of_blocks_add_up_to_those_of_the_volume() {
    std::uint64_t seed = 70;
    for (const Shape3& shape : {Shape3{{1, 40, 53}}, Shape3{{13, 16, 18}}})
        for (const std::uint64_t phases : {2u, 3u})
            for (const bool periodic : {false, true})
                for (const Orders& orders :
                     {Orders{0.0, Proposals::anywhere, Rule::metropolis},
                      Orders{1e-6, Proposals::at_interfaces, Rule::metropolis}}) {
                    const Case one = make_case(shape, phases, 5, periodic, ++seed);
                    const BlockGrid grid(shape, 6, one.plan.reach());
                    Rows hits = one.plan.count_rows(one.start.view()), mirrored = hits;
                    const double before = one.plan.energy(hits);
                    HostArena arena(one.plan, {one.start}, grid.active());
                    HostArena other(one.plan, {one.start}, grid.active());
                    Xoshiro256 random(seed), again(seed);
                    for (int k = 0; k < 4; ++k) {
                        sweep(one.plan, grid, shape, 600, random, hits,
                              Player{one.plan, arena, orders});
                        sweep(one.plan, grid, shape, 600, again, mirrored,
                              Player{one.plan, other, orders, true});
                    }
                    CHECK(one.plan.energy(hits) < 0.7 * before);
                    CHECK(hits == mirrored);
                    CHECK(arena.structure(0).labels == other.structure(0).labels);
                }
}

void blocks_to_come_share_what_is_left_of_the_error() {
    const Shape3 shape{{1, 40, 53}};
    const Case one = make_case(shape, 2, 5, true, 90);
    const BlockGrid grid(shape, 6, one.plan.reach());
    const Rows start = one.plan.count_rows(one.start.view());
    Rows hits = start;
    std::int64_t left = grid.blocks(), proposals = 0;
    Xoshiro256 random(1);
    sweep(one.plan, grid, shape, 101, random, hits, [&](const Round& round, Rows& shared) {
        CHECK(shared == hits);
        for (std::size_t i = 0; i < shared.size(); ++i) {
            const double value = static_cast<double>(shared[i]) * one.plan.scale()[i];
            const double all = value + static_cast<double>(left) * (round.target[i] - value);
            CHECK(std::abs(all - one.plan.target()[i]) < 1e-12);
            shared[i] += static_cast<std::int64_t>(i % 3);
        }
        left -= std::ssize(round.boxes);
        proposals = std::accumulate(round.proposals.begin(), round.proposals.end(), proposals);
    });
    CHECK(left == 0 && proposals == 101 && hits != start);
}

void what_walkers_do_not_know_is_refused() {
    const Case one = make_case({{1, 20, 200}}, 2, 5, true, 1);
    const Replicas starts{one.start.labels.data(), one.start.shape, 1};
    const auto with = [&](auto change) {
        auto targets = one.targets;
        change(targets[0]);
        return targets;
    };
    CHECK_REFUSES(plan_for(starts, {}, true));
    CHECK_REFUSES(plan_for(starts, with([](auto& t) { t.statistic = Statistic::cluster; }), true));
    CHECK_REFUSES(plan_for(starts, with([](auto& t) { t.step = {0, 1, 1}; }), true));
    CHECK_REFUSES(plan_for(starts, with([](auto& t) { t.origin = {0, 1, 0}; }), true));
    CHECK_REFUSES(plan_for(starts, with([](auto& t) { t.phase = 7; }), true));
    CHECK_REFUSES(plan_for(starts, with([](auto& t) { t.weights.pop_back(); }), true));
    CHECK_REFUSES(plan_for(starts, with([](auto& t) {
                               t.step = {0, 0, 1};
                               t.values.resize(129);
                               t.weights.resize(129);
                           }),
                           true));
    const std::vector<std::uint8_t> uniform(4000, 1);
    CHECK_REFUSES(plan_for({uniform.data(), one.start.shape, 1}, one.targets, true));
    CHECK_REFUSES(plan_for({uniform.data(), one.start.shape, 0}, one.targets, true));
    CHECK_REFUSES(check_orders({0.0, Proposals::by_neighbours, Rule::metropolis}, 1));
    CHECK_REFUSES(check_orders({0.0, Proposals::anywhere, Rule::deluge}, 1));
    CHECK_REFUSES(check_orders({-1.0, Proposals::anywhere, Rule::threshold}, 1));
    CHECK_REFUSES(check_orders({}, -1));
}

}  // namespace
}  // namespace microtwin::cuda

int main() {
    using namespace microtwin::cuda;
    the_logarithm_is_one();
    hits_of_a_walker_are_those_of_a_recount();
    a_greedy_walker_never_raises_the_energy();
    a_threshold_bounds_the_rise_of_each_exchange();
    a_walker_decides_as_the_textbook_does();
    replicas_go_their_own_ways();
    interface_draws_take_voxels_with_an_unlike_neighbour();
    blocks_of_all_colours_cover_the_volume_once_and_those_of_one_see_no_other();
    changes_of_blocks_add_up_to_those_of_the_volume();
    blocks_to_come_share_what_is_left_of_the_error();
    what_walkers_do_not_know_is_refused();
    std::printf("%d checks failed\n", failures);
    return failures == 0 ? 0 : 1;
}
