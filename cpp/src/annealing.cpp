#include "microtwin/annealing.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <utility>

#include "microtwin/lanes.hpp"
#include "microtwin/statistics.hpp"

namespace microtwin {
namespace {

constexpr std::size_t kDrafts = 8;  // proposals under way at a time; a power of two
constexpr std::size_t kPlaced = 4;  // of which so many know where they are

// Drawn by neighbours, a voxel weighs the square of their number.
constexpr std::array<std::uint64_t, SiteLists::kClasses> kWeights{0, 1, 4, 9, 16, 25, 36};

void prefetch(const void* address) {
#if defined(__GNUC__)
    __builtin_prefetch(address);
#else
    static_cast<void>(address);
#endif
}

std::size_t whole_lanes(std::size_t lags) { return (lags + kLanes - 1) / kLanes * kLanes; }

// The lowest `count` bits; all 64 for count >= 64, none for count <= 0.
std::uint64_t low_bits(std::int64_t count) {
    if (count >= 64) return ~std::uint64_t{0};
    return count <= 0 ? 0 : (std::uint64_t{1} << count) - 1;
}

// The same at the other end of the word.
std::uint64_t high_bits(std::int64_t count) { return ~low_bits(64 - count); }

// Length of the run of ones that begins at lag 1, at most `limit`; words 64 lags apart.
template <auto word, auto leading_ones>
std::int32_t leading_run(const std::vector<Sight>& sights, std::size_t limit) {
    std::int32_t run = 0;
    for (const Sight& sight : sights) {
        const int ones = leading_ones(sight.*word);
        run += ones;
        if (ones < 64) break;
    }
    return std::min(run, static_cast<std::int32_t>(limit));
}

}  // namespace

LagCounts count_along(Statistic statistic, const LabelView& labels, std::uint8_t phase, int axis,
                      const CountOptions& options) {
    Step step{};
    step.at(static_cast<std::size_t>(axis)) = 1;
    return statistic == Statistic::two_point ? two_point({labels}, phase, phase, {step}, options)[0]
                                             : lineal_path({labels}, phase, {step}, options)[0];
}

LineBits::LineBits(std::int64_t lines, std::int64_t length, std::int64_t reach, bool periodic)
    : length_(length), margin_(reach), words_((length + 2 * margin_ + 63) / 64),
      origin_((reach + 63) / 64), periodic_(periodic),
      bits_(static_cast<std::size_t>(2 * origin_ + lines * words_ + 2)) {}

void LineBits::flip(std::int64_t line, std::int64_t x) {
    if (!periodic_) return toggle(line, margin_ + x);
    for (std::int64_t image = (x + margin_) % length_; image < length_ + 2 * margin_;
         image += length_)
        toggle(line, image);
}

Annealer::Annealer(const LabelView& start, std::vector<TargetCurve> targets,
                   const AnnealingOptions& options)
    : shape_(start.shape), periodic_(options.periodic), random_(options.seed),
      sites_(start, options.periodic) {
    add_curves(start, std::move(targets));
    for (std::size_t mask = 0; mask < masks_.size(); ++mask)
        for (const Site site : sites_.of(masks_[mask])) {
            const Place p = place(site);
            for (int axis = 0; axis < 3; ++axis)
                bits(mask, axis)
                    .flip(p.line[static_cast<std::size_t>(axis)],
                          p.at[static_cast<std::size_t>(axis)]);
        }
    sum_up();
}

void Annealer::add_curves(const LabelView& start, std::vector<TargetCurve> targets) {
    std::int64_t reach = 1;
    for (auto& target : targets) {
        const auto lags = static_cast<std::int64_t>(target.values.size());
        if (target.axis < 0 || target.axis > 2)
            throw std::invalid_argument("a target's axis must be 0, 1 or 2");
        if (sites_.size(target.phase) == 0)
            throw std::invalid_argument("a target's phase is not in the structure");
        if (lags < 1 || lags >= shape_[target.axis])
            throw std::invalid_argument("a target must have at least one lag and fewer than the "
                                        "structure has voxels along its axis");
        if (target.weights.size() != target.values.size())
            throw std::invalid_argument("a target must have one weight for each value");
        reach = std::max(reach, lags);

        const CountOptions count{lags, periodic_, 1};
        const LagCounts counts =
            count_along(target.statistic, start, target.phase, target.axis, count);
        Curve curve;
        curve.lags = static_cast<std::size_t>(lags);
        curve.hits.assign(counts.hits.begin() + 1, counts.hits.end());
        for (auto trials = counts.trials.begin() + 1; trials != counts.trials.end(); ++trials)
            curve.scale.push_back(1.0 / static_cast<double>(*trials));
        for (std::size_t j = 0; j < curve.lags; ++j)
            curve.curvature.push_back(
                static_cast<float>(target.weights[j] * curve.scale[j] * curve.scale[j]));
        curve.target = std::move(target);
        const std::size_t padded = whole_lanes(curve.lags);
        for (auto* lanes : {&curve.hits, &curve.scale, &curve.target.values, &curve.target.weights})
            lanes->resize(padded);
        curve.curvature.resize(padded);
        curve.slope.resize(padded);
        hits_change_.resize(std::max(hits_change_.size(), padded));
        absorb_hits(curve);
        curves_.push_back(std::move(curve));
        add_channel(static_cast<int>(curves_.size()) - 1);
    }
    for (std::size_t mask = 0; mask < masks_.size(); ++mask)
        for (int axis = 0; axis < 3; ++axis)
            lines_.emplace_back(shape_.size() / shape_[axis], shape_[axis], reach, periodic_);
    for (auto& channel : channels_)
        channel.sights.resize(static_cast<std::size_t>((reach + 63) / 64));
    pair_changes_.reserve(channels_.size());
    path_changes_.reserve(channels_.size());
}

void Annealer::add_channel(int index) {
    const TargetCurve& target = curves_[static_cast<std::size_t>(index)].target;
    auto channel = std::find_if(channels_.begin(), channels_.end(), [&](const Channel& c) {
        return c.phase == target.phase && c.axis == target.axis;
    });
    if (channel == channels_.end()) {
        Channel fresh;
        fresh.phase = target.phase;
        fresh.axis = target.axis;
        // Of two phases one mask is enough: the other is what is left.
        fresh.inverted =
            sites_.present().size() == 2 && !masks_.empty() && masks_[0] != target.phase;
        const auto kept =
            fresh.inverted ? masks_.begin() : std::find(masks_.begin(), masks_.end(), target.phase);
        fresh.mask = static_cast<std::size_t>(kept - masks_.begin());
        if (kept == masks_.end()) masks_.push_back(target.phase);
        channels_.push_back(std::move(fresh));
        channel = std::prev(channels_.end());
    }
    int& slot =
        target.statistic == Statistic::two_point ? channel->two_point : channel->lineal_path;
    if (slot >= 0)
        throw std::invalid_argument("two targets for the same statistic, phase and axis");
    slot = index;
}

Annealer::Place Annealer::place(Site site) const {
    const auto [z, y, x] = coordinates(site);
    return {{z, y, x}, {y * shape_[2] + x, z * shape_[2] + x, z * shape_[1] + y}};
}

// A place in the list of a label.
std::size_t Annealer::draw_site(Proposals kind, std::uint8_t label, std::uint32_t bits) const {
    const std::size_t interface =
        kind == Proposals::anywhere ? 0 : sites_.with_neighbours(label, 1);
    if (interface == 0) return below(bits, sites_.size(label));  // there may be none at all
    if (kind == Proposals::at_interfaces) return below(bits, interface);
    std::uint64_t total = 0;
    for (std::size_t c = 1; c < SiteLists::kClasses; ++c)
        total += (kWeights[c] - kWeights[c - 1]) * sites_.with_neighbours(label, c);
    // The most neighbours come first in the list, and each of them counts its weight in tickets.
    std::uint64_t ticket = bits * (total >> 32) + ((bits * (total & 0xFFFFFFFF)) >> 32);
    std::size_t begin = 0;
    for (std::size_t c = SiteLists::kClasses - 1; c >= 1; --c) {
        const std::size_t end = sites_.with_neighbours(label, c);
        const std::uint64_t tickets = kWeights[c] * (end - begin);
        if (ticket < tickets) return begin + static_cast<std::size_t>(ticket / kWeights[c]);
        ticket -= tickets;
        begin = end;
    }
    return interface - 1;
}

// Two voxels of all, until their labels differ.
void Annealer::draw_two_labels(std::uint64_t bits, Exchange& e) {
    const auto pick = [&](std::uint32_t random, std::uint8_t& label, std::size_t& index) {
        index = below(random, static_cast<std::uint64_t>(shape_.size()));
        for (const std::uint8_t candidate : sites_.present()) {
            label = candidate;
            if (index < sites_.size(candidate)) return;
            index -= sites_.size(candidate);
        }
    };
    pick(static_cast<std::uint32_t>(bits), e.label_a, e.index_a);
    pick(static_cast<std::uint32_t>(bits >> 32), e.label_b, e.index_b);
    while (e.label_a == e.label_b)
        pick(static_cast<std::uint32_t>(random_.next()), e.label_b, e.index_b);
}

void Annealer::draw(Proposals kind, Exchange& e) {
    std::uint64_t bits = random_.next();
    if (sites_.present().size() > 2) {
        draw_two_labels(bits, e);
        if (kind == Proposals::anywhere) return;
        bits = random_.next();
    } else {
        e.label_a = sites_.present()[0];
        e.label_b = sites_.present()[1];
    }
    e.index_a = draw_site(kind, e.label_a, static_cast<std::uint32_t>(bits));
    e.index_b = draw_site(kind, e.label_b, static_cast<std::uint32_t>(bits >> 32));
}

// What the voxel that leaves a phase and the one that enters it see of it.
void Annealer::look(Channel& channel, const Place& leaving, const Place& entering) {
    const auto axis = static_cast<std::size_t>(channel.axis);
    const LineBits& lines = bits(channel.mask, channel.axis);
    const std::int64_t n = shape_[channel.axis];
    const auto see = [&](const Place& from, std::int64_t chunk, std::uint64_t& ahead,
                         std::uint64_t& behind) {
        const std::int64_t line = from.line[axis], x = from.at[axis];
        ahead = lines.ahead(line, x, chunk);
        behind = lines.behind(line, x, chunk);
        if (!channel.inverted) return;
        ahead = ~ahead;
        behind = ~behind;
        if (periodic_) return;  // else what lies outside belongs to neither phase
        ahead &= low_bits(n - 1 - x - 64 * chunk);
        behind &= high_bits(x - 64 * chunk);
    };
    for (std::size_t c = 0; c < channel.sights.size(); ++c) {
        Sight& sight = channel.sights[c];
        const auto chunk = static_cast<std::int64_t>(c);
        see(leaving, chunk, sight.leaving_ahead, sight.leaving_behind);
        see(entering, chunk, sight.entering_ahead, sight.entering_behind);
    }
    if (leaving.line[axis] != entering.line[axis]) return;
    // The entering voxel must not see the leaving one, which is in the phase no longer.
    std::int64_t forward = leaving.at[axis] - entering.at[axis];
    std::int64_t backward = -forward;
    if (periodic_) {
        forward = (forward + n) % n;
        backward = (backward + n) % n;
    }
    const auto reach = static_cast<std::int64_t>(64 * channel.sights.size());
    if (forward >= 1 && forward <= reach)
        channel.sights[static_cast<std::size_t>((forward - 1) / 64)].entering_ahead &=
            ~(std::uint64_t{1} << ((forward - 1) % 64));
    if (backward >= 1 && backward <= reach)
        channel.sights[static_cast<std::size_t>((backward - 1) / 64)].entering_behind &=
            ~(std::uint64_t{1} << (63 - (backward - 1) % 64));
}

PairChange Annealer::pair_change(const Channel& channel) const {
    const Curve& curve = curves_[static_cast<std::size_t>(channel.two_point)];
    return {channel.sights.data(),
            {curve.slope.data(), curve.curvature.data(), curve.slope.size()}};
}

PathChange Annealer::path_change(const Channel& channel) const {
    const Curve& curve = curves_[static_cast<std::size_t>(channel.lineal_path)];
    const std::size_t lags = curve.lags;  // longer runs change these lags no more
    constexpr auto low = [](std::uint64_t word) { return std::countr_one(word); };
    constexpr auto high = [](std::uint64_t word) { return std::countl_one(word); };
    return {leading_run<&Sight::entering_ahead, low>(channel.sights, lags),
            leading_run<&Sight::entering_behind, high>(channel.sights, lags),
            leading_run<&Sight::leaving_ahead, low>(channel.sights, lags),
            leading_run<&Sight::leaving_behind, high>(channel.sights, lags),
            {curve.slope.data(), curve.curvature.data(), curve.slope.size()}};
}

std::optional<double> Annealer::difference_below(const Exchange& exchange, double limit) {
    pair_changes_.clear();
    path_changes_.clear();
    for (auto& channel : channels_) {
        const bool a_leaves = channel.phase == exchange.label_a;
        if (!a_leaves && channel.phase != exchange.label_b) continue;
        look(channel, a_leaves ? exchange.a : exchange.b, a_leaves ? exchange.b : exchange.a);
        if (channel.lineal_path >= 0) path_changes_.push_back(path_change(channel));
        if (channel.two_point >= 0) pair_changes_.push_back(pair_change(channel));
    }
    const double paths = energy_difference(path_changes_.data(), path_changes_.size());
    // The two-point curves cannot bring the sum below this.
    if (paths + pair_floor_ > limit) return std::nullopt;
    const double sum = paths + energy_difference(pair_changes_.data(), pair_changes_.size());
    if (sum > limit) return std::nullopt;
    return sum;
}

// Makes the exchange that difference_below has looked at last.
void Annealer::commit(const Exchange& exchange) {
    for (auto& channel : channels_) {
        if (channel.phase != exchange.label_a && channel.phase != exchange.label_b) continue;
        if (channel.two_point >= 0) {
            list_change(pair_change(channel), hits_change_.data());
            absorb_hits(curves_[static_cast<std::size_t>(channel.two_point)]);
        }
        if (channel.lineal_path >= 0) {
            list_change(path_change(channel), hits_change_.data());
            absorb_hits(curves_[static_cast<std::size_t>(channel.lineal_path)]);
        }
    }
    for (std::size_t mask = 0; mask < masks_.size(); ++mask) {
        if (masks_[mask] != exchange.label_a && masks_[mask] != exchange.label_b) continue;
        for (int axis = 0; axis < 3; ++axis)
            for (const Place* p : {&exchange.a, &exchange.b})
                bits(mask, axis)
                    .flip(p->line[static_cast<std::size_t>(axis)],
                          p->at[static_cast<std::size_t>(axis)]);
    }
    sites_.exchange(exchange.label_a, exchange.index_a, exchange.label_b, exchange.index_b);
    sum_up();
}

// Adds hits_change_ to the hits of a curve, and works out what follows from them.
void Annealer::absorb_hits(Curve& curve) {
    const CurveSums sums = absorb(
        hits_change_.data(), {curve.hits.data(), curve.scale.data(), curve.target.values.data(),
                              curve.target.weights.data(), curve.slope.data(), curve.hits.size()});
    curve.energy = sums.energy;
    // An energy cannot fall below zero, and an exchange changes a two-point count by at most 2. The
    // slack is for the rounding of the lanes.
    curve.floor = -1.0001 * std::min(sums.energy, 2.0 * sums.steepness);
}

void Annealer::sum_up() {
    energy_ = pair_floor_ = 0.0;
    for (const Curve& curve : curves_) {
        energy_ += curve.energy;
        if (curve.target.statistic == Statistic::two_point) pair_floor_ += curve.floor;
    }
}

void Annealer::draft(const Moves& moves, double temperature, Draft& draft) {
    draft.random = random_;
    draw(moves.kind, draft.exchange);
    draft.limit = temperature > 0.0 ? -temperature * std::log(random_.uniform()) : 0.0;
    draft.placed = false;
    prefetch(&sites_.of(draft.exchange.label_a)[draft.exchange.index_a]);
    prefetch(&sites_.of(draft.exchange.label_b)[draft.exchange.index_b]);
}

void Annealer::look_up(Draft& draft) const {
    Exchange& e = draft.exchange;
    e.a = place(sites_.site(e.label_a, e.index_a));
    e.b = place(sites_.site(e.label_b, e.index_b));
    draft.placed = true;
    for (std::size_t mask = 0; mask < masks_.size(); ++mask)
        for (int axis = 0; axis < 3; ++axis)
            for (const Place* p : {&e.a, &e.b})
                prefetch(bits(mask, axis)
                             .near(p->line[static_cast<std::size_t>(axis)],
                                   p->at[static_cast<std::size_t>(axis)]));
}

// How likely the draw of an exchange is, up to a factor that no exchange changes.
double Annealer::proposal_weight(Proposals kind, const Exchange& e) const {
    const auto share = [&](std::uint8_t label, std::size_t index) {
        std::uint64_t total = 0;
        const auto weight = [&](std::size_t c) {
            return kind == Proposals::at_interfaces ? std::uint64_t{c > 0} : kWeights[c];
        };
        for (std::size_t c = 1; c < SiteLists::kClasses; ++c)
            total += (weight(c) - weight(c - 1)) * sites_.with_neighbours(label, c);
        const std::uint64_t own = weight(sites_.neighbours(label, index));
        return total == 0 ? 1.0 / static_cast<double>(sites_.size(label))
                          : static_cast<double>(own) / static_cast<double>(total);
    };
    return share(e.label_a, e.index_a) * share(e.label_b, e.index_b);
}

// Makes the exchange if it is accepted.
bool Annealer::accepted(const Draft& draft, const Moves& moves, double temperature) {
    const Exchange& e = draft.exchange;
    if (!moves.balanced || moves.kind == Proposals::anywhere || temperature <= 0.0) {
        if (!difference_below(e, draft.limit)) return false;
        commit(e);
        return true;
    }
    const auto difference = difference_below(e, std::numeric_limits<double>::infinity());
    const double there = proposal_weight(moves.kind, e);
    const Site a = sites_.site(e.label_a, e.index_a), b = sites_.site(e.label_b, e.index_b);
    sites_.exchange(e.label_a, e.index_a, e.label_b, e.index_b);
    const Exchange back{e.label_a, e.label_b, sites_.index(b), sites_.index(a), e.b, e.a};
    const double odds = proposal_weight(moves.kind, back) / there;
    const bool accept = odds > 0.0 && *difference - temperature * std::log(odds) <= draft.limit;
    sites_.exchange(back.label_a, back.index_a, back.label_b, back.index_b);
    if (!accept) return false;
    Exchange again = e;
    again.index_a = sites_.index(a);
    again.index_b = sites_.index(b);
    commit(again);
    return true;
}

std::int64_t Annealer::run(std::int64_t proposals, double temperature, double enough,
                           const Moves& moves) {
    if (moves.kind != Proposals::anywhere && !sites_.sorted()) sites_.sort_by_neighbours();
    std::array<Draft, kDrafts> drafts{[]<std::size_t... i>(std::index_sequence<i...>) {
        return std::array{(static_cast<void>(i), Draft{Xoshiro256(0), {}, 0.0, false})...};
    }(std::make_index_sequence<kDrafts>{})};
    std::size_t first = 0, count = 0;
    const auto nth = [&](std::size_t i) -> Draft& { return drafts[(first + i) % kDrafts]; };
    std::int64_t made = 0, left = proposals;
    while (left > 0 && energy_ > enough) {
        while (count < kDrafts && static_cast<std::int64_t>(count) < left)
            draft(moves, temperature, nth(count++));
        for (std::size_t i = 0; i < std::min(kPlaced, count); ++i)
            if (!nth(i).placed) look_up(nth(i));
        const Draft& current = nth(0);
        const bool change = accepted(current, moves, temperature);
        ++first;
        --count;
        --left;
        ++proposed_;
        made += change;
        // To weigh the way back, voxels change places in their lists even where nothing is made.
        if (change || moves.balanced)
            for (std::size_t i = 0; i < count; ++i) nth(i).placed = false;
        if (change && moves.kind != Proposals::anywhere && count > 0) {
            random_ = nth(0).random;  // drawn by classes that are not the same any more
            count = 0;
        }
    }
    if (count > 0) random_ = nth(0).random;  // as if what was not needed had not been drawn
    return made;
}

std::vector<double> Annealer::sample_differences(std::int64_t count) {
    std::vector<double> result;
    Draft random{random_, {}, 0.0, false};
    for (std::int64_t k = 0; k < count; ++k) {
        draft({}, 0.0, random);
        look_up(random);
        result.push_back(
            *difference_below(random.exchange, std::numeric_limits<double>::infinity()));
    }
    return result;
}

double Annealer::difference(std::int64_t a, std::int64_t b) {
    const auto one = sites_.find(a), two = sites_.find(b);
    if (one.label == two.label) return 0.0;
    const Exchange e{one.label,
                     two.label,
                     one.index,
                     two.index,
                     place(sites_.site(one.label, one.index)),
                     place(sites_.site(two.label, two.index))};
    return *difference_below(e, std::numeric_limits<double>::infinity());
}

std::vector<std::uint8_t> Annealer::labels() const {
    std::vector<std::uint8_t> result(static_cast<std::size_t>(shape_.size()));
    for (const std::uint8_t label : sites_.present())
        for (const Site site : sites_.of(label)) {
            const auto [z, y, x] = coordinates(site);
            result[static_cast<std::size_t>((z * shape_[1] + y) * shape_[2] + x)] = label;
        }
    return result;
}

std::vector<std::int64_t> Annealer::hits(std::size_t curve) const {
    const Curve& asked = curves_.at(curve);
    std::vector<std::int64_t> result(asked.lags);
    std::transform(asked.hits.begin(), asked.hits.begin() + static_cast<std::ptrdiff_t>(asked.lags),
                   result.begin(), [](double hits) { return static_cast<std::int64_t>(hits); });
    return result;
}

Annealer::Snapshot Annealer::snapshot() const {
    Snapshot result{{}, sites_.sorted(), random_.state(), proposed_};
    for (int label = 0; label < 256; ++label)
        result.sites.push_back(sites_.of(static_cast<std::uint8_t>(label)));
    return result;
}

void Annealer::restore(const Snapshot& snapshot) {
    sites_.restore(snapshot.sites, snapshot.sorted);
    random_ = Xoshiro256(snapshot.random);
    proposed_ = snapshot.proposed;
}

}  // namespace microtwin
