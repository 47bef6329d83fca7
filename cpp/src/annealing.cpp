#include "microtwin/annealing.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>
#include <stdexcept>

#include "lanes.hpp"
#include "microtwin/statistics.hpp"

namespace microtwin {
namespace {

constexpr unsigned kCoordinateBits = 21;

std::size_t whole_lanes(std::size_t lags) { return (lags + kLanes - 1) / kLanes * kLanes; }

std::uint64_t reversed(std::uint64_t word) {
    const auto swap = [&](unsigned shift, std::uint64_t mask) {
        word = ((word >> shift) & mask) | ((word & mask) << shift);
    };
    swap(1, 0x5555555555555555ULL);
    swap(2, 0x3333333333333333ULL);
    swap(4, 0x0F0F0F0F0F0F0F0FULL);
    swap(8, 0x00FF00FF00FF00FFULL);
    swap(16, 0x0000FFFF0000FFFFULL);
    return std::rotr(word, 32);
}

// The lowest `count` bits; all 64 for count >= 64, none for count <= 0.
std::uint64_t low_bits(std::int64_t count) {
    if (count >= 64) return ~std::uint64_t{0};
    return count <= 0 ? 0 : (std::uint64_t{1} << count) - 1;
}

// Length of the run of ones that begins at lag 1, at most `limit`.
std::int32_t leading_run(const std::vector<std::uint64_t>& words, std::size_t limit) {
    std::int32_t run = 0;
    for (const std::uint64_t word : words) {
        const int ones = std::countr_one(word);
        run += ones;
        if (ones < 64) break;
    }
    return std::min(run, static_cast<std::int32_t>(limit));
}

void clear_lag(std::vector<std::uint64_t>& words, std::int64_t lag) {
    const auto chunk = static_cast<std::size_t>((lag - 1) / 64);
    if (lag >= 1 && chunk < words.size()) words[chunk] &= ~(std::uint64_t{1} << ((lag - 1) % 64));
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
    : length_(length), margin_((reach + 63) / 64 * 64), words_((length + 2 * margin_) / 64 + 2),
      periodic_(periodic), bits_(static_cast<std::size_t>(lines * words_)) {}

void LineBits::flip(std::int64_t line, std::int64_t x) {
    if (!periodic_) return toggle(line, margin_ + x);
    for (std::int64_t image = (x + margin_) % length_; image < length_ + 2 * margin_;
         image += length_)
        toggle(line, image);
}

Annealer::Annealer(const LabelView& start, std::vector<TargetCurve> targets,
                   const AnnealingOptions& options)
    : shape_(start.shape), periodic_(options.periodic), random_(options.seed), sites_(256) {
    for (int axis = 0; axis < 3; ++axis)
        if (shape_[axis] < 1 || shape_[axis] >= std::int64_t{1} << kCoordinateBits)
            throw std::invalid_argument("each side must be between 1 and 2^21 - 1 voxels");
    if (shape_.size() > std::numeric_limits<std::uint32_t>::max())
        throw std::invalid_argument("a structure must have fewer than 2^32 voxels");

    std::int64_t index = 0;
    for (std::int64_t z = 0; z < shape_[0]; ++z)
        for (std::int64_t y = 0; y < shape_[1]; ++y)
            for (std::int64_t x = 0; x < shape_[2]; ++x, ++index)
                sites_[start.data[index]].push_back(
                    static_cast<Site>((((z << kCoordinateBits) | y) << kCoordinateBits) | x));
    for (std::size_t label = 0; label < sites_.size(); ++label)
        if (!sites_[label].empty()) present_.push_back(static_cast<std::uint8_t>(label));
    if (present_.size() < 2)
        throw std::invalid_argument("the structure must have at least two phases to exchange");

    add_curves(start, std::move(targets));
    for (std::size_t mask = 0; mask < masks_.size(); ++mask)
        for (const Site site : sites_[masks_[mask]]) {
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
        if (sites_[target.phase].empty())
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
        if (curve.target.statistic == Statistic::two_point)
            curve.small_change.assign(padded, kNoChange);
        else
            curve.change.assign(padded, 0);
        absorb_change(curve);
        curves_.push_back(std::move(curve));
        add_channel(static_cast<int>(curves_.size()) - 1);
    }
    for (std::size_t mask = 0; mask < masks_.size(); ++mask)
        for (int axis = 0; axis < 3; ++axis)
            lines_.emplace_back(shape_.size() / shape_[axis], shape_[axis], reach, periodic_);
    for (auto& channel : channels_) {
        const auto chunks = static_cast<std::size_t>((reach + 63) / 64);
        for (auto* seen : {&channel.leaving, &channel.entering}) {
            seen->ahead.assign(chunks, 0);
            seen->behind.assign(chunks, 0);
        }
    }
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
        fresh.inverted = present_.size() == 2 && !masks_.empty() && masks_[0] != target.phase;
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
    constexpr std::uint64_t kMask = (std::uint64_t{1} << kCoordinateBits) - 1;
    const auto x = static_cast<std::int64_t>(site & kMask);
    const auto y = static_cast<std::int64_t>((site >> kCoordinateBits) & kMask);
    const auto z = static_cast<std::int64_t>(site >> (2 * kCoordinateBits));
    return {{z, y, x}, {y * shape_[2] + x, z * shape_[2] + x, z * shape_[1] + y}};
}

bool Annealer::at_interface(std::uint8_t label, const Place& p) const {
    const auto kept = std::find(masks_.begin(), masks_.end(), label);
    const bool inverted = kept == masks_.end() && present_.size() == 2 && !masks_.empty();
    if (kept == masks_.end() && !inverted) return true;  // no bits tell: take it as it is
    const auto mask = inverted ? std::size_t{0} : static_cast<std::size_t>(kept - masks_.begin());
    for (int axis = 0; axis < 3; ++axis) {
        const std::int64_t n = shape_[axis], x = p.at[static_cast<std::size_t>(axis)];
        const std::int64_t line = p.line[static_cast<std::size_t>(axis)];
        const bool next = (bits(mask, axis).ahead(line, x, 0) & 1) != 0;
        const bool last = (bits(mask, axis).behind(line, x, 0) >> 63) != 0;
        if ((periodic_ || x + 1 < n) && next == inverted) return true;
        if ((periodic_ || x > 0) && last == inverted) return true;
    }
    return false;
}

Annealer::Exchange Annealer::draw(Proposals kind) {
    constexpr int kTries = 64;  // where there is hardly any interface, a voxel elsewhere will do
    Exchange e;
    const auto settle = [&](std::uint8_t label, std::size_t& index, Place& p) {
        p = place(sites_[label][index]);
        if (kind == Proposals::anywhere) return;
        for (int k = 0; k < kTries && !at_interface(label, p); ++k) {
            index = below(static_cast<std::uint32_t>(random_.next()), sites_[label].size());
            p = place(sites_[label][index]);
        }
    };
    const std::uint64_t bits = random_.next();
    const auto low = static_cast<std::uint32_t>(bits),
               high = static_cast<std::uint32_t>(bits >> 32);
    if (present_.size() == 2) {
        e.label_a = present_[0];
        e.label_b = present_[1];
        e.index_a = below(low, sites_[e.label_a].size());
        e.index_b = below(high, sites_[e.label_b].size());
    } else {  // two voxels of all, until their labels differ
        const auto pick = [&](std::uint32_t random, std::uint8_t& label, std::size_t& index) {
            index = below(random, static_cast<std::uint64_t>(shape_.size()));
            for (const std::uint8_t candidate : present_) {
                label = candidate;
                if (index < sites_[candidate].size()) return;
                index -= sites_[candidate].size();
            }
        };
        pick(low, e.label_a, e.index_a);
        pick(high, e.label_b, e.index_b);
        while (e.label_a == e.label_b)
            pick(static_cast<std::uint32_t>(random_.next()), e.label_b, e.index_b);
    }
    settle(e.label_a, e.index_a, e.a);
    settle(e.label_b, e.index_b, e.b);
    return e;
}

void Annealer::look(Channel& channel, const Place& from, Neighbourhood& out) {
    const auto axis = static_cast<std::size_t>(channel.axis);
    const LineBits& lines = bits(channel.mask, channel.axis);
    const std::int64_t line = from.line[axis], x = from.at[axis];
    for (std::size_t c = 0; c < out.ahead.size(); ++c) {
        const auto chunk = static_cast<std::int64_t>(c);
        std::uint64_t ahead = lines.ahead(line, x, chunk);
        std::uint64_t behind = reversed(lines.behind(line, x, chunk));
        if (channel.inverted) {
            ahead = ~ahead;
            behind = ~behind;
            if (!periodic_) {  // what lies outside belongs to neither phase
                ahead &= low_bits(shape_[channel.axis] - 1 - x - 64 * chunk);
                behind &= low_bits(x - 64 * chunk);
            }
        }
        out.ahead[c] = ahead;
        out.behind[c] = behind;
    }
}

// The entering voxel must not see the leaving one, which is in the phase no longer.
void Annealer::look_both(Channel& channel, const Place& leaving, const Place& entering) {
    look(channel, leaving, channel.leaving);
    look(channel, entering, channel.entering);
    const auto axis = static_cast<std::size_t>(channel.axis);
    if (leaving.line[axis] != entering.line[axis]) return;
    const std::int64_t n = shape_[channel.axis];
    std::int64_t forward = leaving.at[axis] - entering.at[axis];
    std::int64_t backward = -forward;
    if (periodic_) {
        forward = (forward + n) % n;
        backward = (backward + n) % n;
    }
    clear_lag(channel.entering.ahead, forward);
    clear_lag(channel.entering.behind, backward);
}

std::optional<double> Annealer::difference_below(const Exchange& exchange, double limit) {
    const auto concerned = [&](const Channel& c) {
        return c.phase == exchange.label_a || c.phase == exchange.label_b;
    };
    // No curve that is still to come can bring the sum below sum + floor.
    double sum = 0.0, floor = floor_;
    const auto evaluate = [&](const Curve& curve, const auto& change) {
        sum += energy_change(change.data(), curve.slope.data(), curve.curvature.data(),
                             curve.slope.size());
        floor -= curve.floor;
        return sum + floor <= limit;
    };
    for (auto& channel : channels_) {
        if (!concerned(channel)) continue;
        const bool a_leaves = channel.phase == exchange.label_a;
        look_both(channel, a_leaves ? exchange.a : exchange.b, a_leaves ? exchange.b : exchange.a);
        if (channel.lineal_path < 0) continue;
        Curve& curve = curves_[static_cast<std::size_t>(channel.lineal_path)];
        const std::size_t lags = curve.hits.size();
        lineal_path_change(
            leading_run(channel.entering.ahead, lags), leading_run(channel.entering.behind, lags),
            leading_run(channel.leaving.ahead, lags), leading_run(channel.leaving.behind, lags),
            curve.change.size(), curve.change.data());
        if (!evaluate(curve, curve.change)) return std::nullopt;
    }
    for (auto& channel : channels_) {
        if (channel.two_point < 0 || !concerned(channel)) continue;
        Curve& curve = curves_[static_cast<std::size_t>(channel.two_point)];
        two_point_change(channel.entering.ahead.data(), channel.entering.behind.data(),
                         channel.leaving.ahead.data(), channel.leaving.behind.data(),
                         curve.small_change.size(), curve.small_change.data());
        if (!evaluate(curve, curve.small_change)) return std::nullopt;
    }
    if (sum > limit) return std::nullopt;
    return sum;
}

void Annealer::commit(const Exchange& exchange) {
    for (auto& channel : channels_) {
        if (channel.phase != exchange.label_a && channel.phase != exchange.label_b) continue;
        for (const int index : {channel.two_point, channel.lineal_path}) {
            if (index >= 0) absorb_change(curves_[static_cast<std::size_t>(index)]);
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
    std::swap(sites_[exchange.label_a][exchange.index_a],
              sites_[exchange.label_b][exchange.index_b]);
    sum_up();
}

// Adds the change in hand to the hits of a curve, and works out what follows from them.
void Annealer::absorb_change(Curve& curve) {
    const CurveLanes lanes{curve.hits.data(),          curve.scale.data(),
                           curve.target.values.data(), curve.target.weights.data(),
                           curve.slope.data(),         curve.hits.size()};
    const bool two_point = curve.target.statistic == Statistic::two_point;
    const CurveSums sums =
        two_point ? absorb(curve.small_change.data(), lanes) : absorb(curve.change.data(), lanes);
    curve.energy = sums.energy;
    // An energy cannot fall below zero, and an exchange changes a two-point count by at most 2. The
    // slack is for the rounding of the lanes.
    curve.floor = -1.0001 * (two_point ? std::min(sums.energy, 2.0 * sums.steepness) : sums.energy);
}

void Annealer::sum_up() {
    energy_ = floor_ = 0.0;
    for (const Curve& curve : curves_) {
        energy_ += curve.energy;
        floor_ += curve.floor;
    }
}

std::int64_t Annealer::run(std::int64_t proposals, double temperature, double enough,
                           Proposals kind) {
    std::int64_t accepted = 0;
    for (std::int64_t k = 0; k < proposals && energy_ > enough; ++k) {
        ++proposed_;
        const Exchange exchange = draw(kind);
        const double limit = temperature > 0.0 ? -temperature * std::log(random_.uniform()) : 0.0;
        if (!difference_below(exchange, limit)) continue;
        commit(exchange);
        ++accepted;
    }
    return accepted;
}

std::vector<double> Annealer::sample_differences(std::int64_t count) {
    std::vector<double> result;
    for (std::int64_t k = 0; k < count; ++k)
        result.push_back(
            *difference_below(draw(Proposals::anywhere), std::numeric_limits<double>::infinity()));
    return result;
}

double Annealer::difference(std::int64_t a, std::int64_t b) {
    const auto find = [&](std::int64_t index, std::uint8_t& label, std::size_t& position) {
        const std::int64_t x = index % shape_[2], y = index / shape_[2] % shape_[1];
        const std::int64_t z = index / (shape_[1] * shape_[2]);
        const auto site = static_cast<Site>((((z << kCoordinateBits) | y) << kCoordinateBits) | x);
        for (const std::uint8_t candidate : present_) {
            const auto& sites = sites_[candidate];
            const auto found = std::find(sites.begin(), sites.end(), site);
            if (found == sites.end()) continue;
            label = candidate;
            position = static_cast<std::size_t>(found - sites.begin());
            return place(site);
        }
        throw std::invalid_argument("a voxel index is outside the structure");
    };
    Exchange e;
    e.a = find(a, e.label_a, e.index_a);
    e.b = find(b, e.label_b, e.index_b);
    if (e.label_a == e.label_b) return 0.0;
    return *difference_below(e, std::numeric_limits<double>::infinity());
}

std::vector<std::uint8_t> Annealer::labels() const {
    std::vector<std::uint8_t> result(static_cast<std::size_t>(shape_.size()));
    for (const std::uint8_t label : present_)
        for (const Site site : sites_[label]) {
            const Place p = place(site);
            result[static_cast<std::size_t>((p.at[0] * shape_[1] + p.at[1]) * shape_[2] +
                                            p.at[2])] = label;
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

Annealer::Snapshot Annealer::snapshot() const { return {sites_, random_.state(), proposed_}; }

void Annealer::restore(const Snapshot& snapshot) {
    if (snapshot.sites.size() != sites_.size())
        throw std::invalid_argument("a snapshot must list the sites of 256 labels");
    for (std::size_t label = 0; label < sites_.size(); ++label) {
        auto mine = sites_[label], theirs = snapshot.sites[label];
        std::sort(mine.begin(), mine.end());
        std::sort(theirs.begin(), theirs.end());
        if (mine != theirs)
            throw std::invalid_argument("the snapshot belongs to another structure");
    }
    sites_ = snapshot.sites;
    random_ = Xoshiro256(snapshot.random);
    proposed_ = snapshot.proposed;
}

}  // namespace microtwin
