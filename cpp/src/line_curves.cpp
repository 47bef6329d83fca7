#include "microtwin/line_curves.hpp"

#include <algorithm>
#include <bit>
#include <bitset>
#include <stdexcept>
#include <utility>

#include "prefetch.hpp"

namespace microtwin {
namespace {

constexpr std::size_t kRows = 8;  // rows of a map looked at between two looks at the sum

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

constexpr auto low_ones = [](std::uint64_t word) { return std::countr_one(word); };
constexpr auto high_ones = [](std::uint64_t word) { return std::countl_one(word); };

bool is_row(const TargetCurve& target) { return target.origin != Offset{}; }

void hide_ahead(std::vector<Sight>& sights, std::int64_t lag) {
    sights[static_cast<std::size_t>((lag - 1) / 64)].entering_ahead &=
        ~(std::uint64_t{1} << ((lag - 1) % 64));
}

void hide_behind(std::vector<Sight>& sights, std::int64_t lag) {
    sights[static_cast<std::size_t>((lag - 1) / 64)].entering_behind &=
        ~(std::uint64_t{1} << (63 - (lag - 1) % 64));
}

}  // namespace

LineCurves::LineCurves(const LabelView& start, std::vector<TargetCurve> targets, bool periodic)
    : shape_(start.shape), periodic_(periodic), order_(targets.size()) {
    std::bitset<256> present;
    for (std::int64_t i = 0; i < shape_.size(); ++i) present.set(start.data[i]);
    two_phases_ = present.count() == 2;
    for (const bool rows : {false, true}) {
        for (std::size_t i = 0; i < targets.size(); ++i) {
            if (is_row(targets[i]) != rows) continue;
            order_[i] = curves_.size();
            curves_.push_back(curve_of(std::move(targets[i]), start, periodic));
            add_channel(curves_.size() - 1);
        }
        // Most proposals are turned down before rows of a map need to be looked at.
        if (!rows) rays_ = channels_.size();
    }
    for (const Lines& lines : kept_)
        lines_.emplace_back(frames_[lines.frame], lines.reach, periodic_);
    for (auto& channel : channels_)
        channel.sights.resize(static_cast<std::size_t>((channel.lags + 63) / 64));
    for (const Curve& curve : curves_)
        hits_change_.resize(std::max(hits_change_.size(), curve.padded()));
    pair_changes_.resize(channels_.size());
    path_changes_.resize(channels_.size());
    row_floors_.resize(channels_.size() - rays_ + 1);
    const std::uint8_t* label = start.data;
    for (std::int64_t z = 0; z < shape_[0]; ++z)
        for (std::int64_t y = 0; y < shape_[1]; ++y)
            for (std::int64_t x = 0; x < shape_[2]; ++x, ++label)
                for (std::size_t i = 0; i < kept_.size(); ++i)
                    if (*label == kept_[i].phase)
                        lines_[i].flip(frames_[kept_[i].frame].spot({z, y, x}));
    sum_up();
}

std::size_t LineCurves::add_frame(const Step& step) {
    const auto known = std::find(steps_.begin(), steps_.end(), step);
    const auto index = static_cast<std::size_t>(known - steps_.begin());
    if (known == steps_.end()) {
        steps_.push_back(step);
        frames_.emplace_back(shape_, step, periodic_);
    }
    return index;
}

void LineCurves::add_channel(std::size_t index) {
    const Curve& curve = curves_[index];
    const TargetCurve& target = curve.target();
    auto channel = std::find_if(channels_.begin(), channels_.end(), [&](const Channel& c) {
        return c.phase == target.phase && c.step == target.step && c.origin == target.origin;
    });
    if (channel == channels_.end()) {
        Channel fresh;
        fresh.phase = target.phase;
        fresh.step = target.step;
        fresh.origin = target.origin;
        fresh.row = is_row(target);
        fresh.frame = add_frame(target.step);
        channels_.push_back(std::move(fresh));
        channel = std::prev(channels_.end());
    }
    const bool chord = target.statistic == Statistic::chord_length;
    // A chord is known by the voxel behind its end.
    channel->lags =
        std::max(channel->lags, static_cast<std::int64_t>(curve.lags()) + (chord ? 1 : 0));
    const std::int64_t first = target.origin[2], last = first + channel->lags;
    const std::int64_t reach = std::max(std::abs(first), std::abs(last));
    // Of two phases one is enough: the other is what is left, but for rows that end outside.
    const bool either = two_phases_ && (periodic_ || !is_row(target));
    const auto kept = std::find_if(kept_.begin(), kept_.end(), [&](const Lines& lines) {
        return lines.frame == channel->frame && (lines.phase == target.phase || either);
    });
    channel->lines = static_cast<std::size_t>(kept - kept_.begin());
    if (kept == kept_.end()) {
        kept_.push_back({target.phase, channel->frame, reach});
    } else {
        kept->reach = std::max(kept->reach, reach);
    }
    channel->inverted = kept_[channel->lines].phase != target.phase;
    int& slot = chord                                        ? channel->chord_length
                : target.statistic == Statistic::lineal_path ? channel->lineal_path
                                                             : channel->two_point;
    if (slot >= 0)
        throw std::invalid_argument("two targets for the same statistic, phase and direction");
    slot = static_cast<int>(index);
}

void LineCurves::prefetch(const Place& place) const {
    for (std::size_t i = 0; i < lines_.size(); ++i)
        microtwin::prefetch(lines_[i].near(place.spots[kept_[i].frame]));
}

// What the voxel that leaves a phase and the one that enters it see of it.
void LineCurves::look(Channel& channel, const Swap& swap) const {
    const bool a_leaves = channel.phase == swap.label_a;
    const Place& leaving = a_leaves ? swap.a : swap.b;
    const Place& entering = a_leaves ? swap.b : swap.a;
    if (!channel.row) {
        look_along(channel, leaving, entering);
    } else {
        look_at_row(channel, leaving, entering);
    }
}

void LineCurves::look_along(Channel& channel, const Place& leaving, const Place& entering) const {
    const LineBits& lines = lines_[channel.lines];
    const LineFrame& frame = frames_[channel.frame];
    const Spot from = leaving.spots[channel.frame], to = entering.spots[channel.frame];
    if (!periodic_ && (channel.inverted || channel.chord_length >= 0)) {
        channel.leaving_room = {frame.room(leaving.at, 1), frame.room(leaving.at, -1)};
        channel.entering_room = {frame.room(entering.at, 1), frame.room(entering.at, -1)};
    }
    const auto see = [&](const Spot& spot, const std::array<std::int64_t, 2>& room,
                         std::int64_t chunk, std::uint64_t& ahead, std::uint64_t& behind) {
        ahead = lines.ahead(spot.line, spot.at, chunk);
        behind = lines.behind(spot.line, spot.at, chunk);
        if (!channel.inverted) return;
        ahead = ~ahead;
        behind = ~behind;
        if (periodic_) return;  // else what lies outside belongs to neither phase
        ahead &= low_bits(room[0] - 64 * chunk);
        behind &= high_bits(room[1] - 64 * chunk);
    };
    for (std::size_t c = 0; c < channel.sights.size(); ++c) {
        Sight& sight = channel.sights[c];
        const auto chunk = static_cast<std::int64_t>(c);
        see(from, channel.leaving_room, chunk, sight.leaving_ahead, sight.leaving_behind);
        see(to, channel.entering_room, chunk, sight.entering_ahead, sight.entering_behind);
    }
    // The entering voxel must not see the leaving one, which is in the phase no longer.
    if (from.line != to.line && frame.closed()) return;
    const auto reach = static_cast<std::int64_t>(64 * channel.sights.size());
    frame.for_each_way(entering.at, leaving.at, reach,
                       [&](std::int64_t lag) { hide_ahead(channel.sights, lag); });
    frame.for_each_way(leaving.at, entering.at, reach,
                       [&](std::int64_t lag) { hide_behind(channel.sights, lag); });
}

void LineCurves::look_at_row(Channel& channel, const Place& leaving, const Place& entering) const {
    const LineBits& lines = lines_[channel.lines];
    // By name: not every compiler lets a lambda capture what is bound by [dz, dy, dx].
    const std::int64_t dz = channel.origin[0], dy = channel.origin[1], dx = channel.origin[2];
    const auto see = [&](const Offset& at, std::int64_t sign, std::int64_t chunk) {
        std::int64_t z = at[0] + sign * dz, y = at[1] + sign * dy;
        if (periodic_) {
            z = wrapped(z, shape_[0]);
            y = wrapped(y, shape_[1]);
        } else if (z < 0 || z >= shape_[0] || y < 0 || y >= shape_[1]) {
            return std::uint64_t{0};
        }
        const std::int64_t line = z * shape_[1] + y;
        const std::uint64_t bits =
            sign > 0 ? lines.ahead(line, at[2] + dx, chunk) : lines.behind(line, at[2] - dx, chunk);
        return channel.inverted ? ~bits : bits;
    };
    for (std::size_t c = 0; c < channel.sights.size(); ++c) {
        const auto chunk = static_cast<std::int64_t>(c);
        channel.sights[c] = {see(entering.at, 1, chunk), see(entering.at, -1, chunk),
                             see(leaving.at, 1, chunk), see(leaving.at, -1, chunk)};
    }
    const auto hide = [&](const Offset& from, const Offset& to, auto&& hide_lag) {
        const auto same = [&](std::size_t axis, std::int64_t by) {
            const std::int64_t there = from[axis] + by, side = shape_.sides[axis];
            return (periodic_ ? wrapped(there, side) : there) == to[axis];
        };
        if (!same(0, dz) || !same(1, dy)) return;
        std::int64_t lag = to[2] - from[2] - dx;
        if (periodic_) lag = wrapped(lag - 1, shape_[2]) + 1;
        for (; lag <= channel.lags; lag += shape_[2]) {
            if (lag >= 1) hide_lag(channel.sights, lag);
            if (!periodic_) break;
        }
    };
    hide(entering.at, leaving.at, hide_ahead);
    hide(leaving.at, entering.at, hide_behind);
}

PairChange LineCurves::pair_change(const Channel& channel) const {
    return {channel.sights.data(), at(channel.two_point).shape()};
}

// Written where it is needed: four numbers read back as one, too soon, would have to wait.
void LineCurves::path_change(const Channel& channel, PathChange& change) const {
    const Curve& curve = at(channel.lineal_path);
    const std::size_t lags = curve.lags();  // longer runs change these lags no more
    change.entering_ahead = leading_run<&Sight::entering_ahead, low_ones>(channel.sights, lags);
    change.entering_behind = leading_run<&Sight::entering_behind, high_ones>(channel.sights, lags);
    change.leaving_ahead = leading_run<&Sight::leaving_ahead, low_ones>(channel.sights, lags);
    change.leaving_behind = leading_run<&Sight::leaving_behind, high_ones>(channel.sights, lags);
    change.curve = curve.shape();
}

// Taking a voxel out of a chord leaves one on either side of it, filling a gap joins two.
LineCurves::ChordChange LineCurves::chord_change(const Channel& channel) const {
    const std::size_t lags = at(channel.chord_length).lags();
    ChordChange result;
    const auto add = [&](std::int32_t length, std::int32_t change) {
        const auto l = static_cast<std::size_t>(length);
        if (l < 1 || l > lags) return;
        for (std::size_t i = 0; i < result.count; ++i)
            if (result.lag[i] == l - 1) {
                result.change[i] += change;
                return;
            }
        result.lag[result.count] = l - 1;
        result.change[result.count++] = change;
    };
    const auto join = [&](std::int32_t ahead, std::int32_t behind,
                          const std::array<std::int64_t, 2>& room, std::int32_t sign) {
        // A run that ends at a face is not known to end there.
        const bool ends_ahead = periodic_ || ahead < room[0];
        const bool ends_behind = periodic_ || behind < room[1];
        if (ends_ahead && ends_behind) add(ahead + behind + 1, sign);
        if (ends_ahead) add(ahead, -sign);
        if (ends_behind) add(behind, -sign);
    };
    join(leading_run<&Sight::leaving_ahead, low_ones>(channel.sights, lags + 1),
         leading_run<&Sight::leaving_behind, high_ones>(channel.sights, lags + 1),
         channel.leaving_room, -1);
    join(leading_run<&Sight::entering_ahead, low_ones>(channel.sights, lags + 1),
         leading_run<&Sight::entering_behind, high_ones>(channel.sights, lags + 1),
         channel.entering_room, 1);
    return result;
}

double LineCurves::difference_of_chords(const Channel& channel) const {
    const Curve& curve = at(channel.chord_length);
    const ChordChange change = chord_change(channel);
    double sum = 0.0;
    for (std::size_t i = 0; i < change.count; ++i)
        sum += curve.difference(change.lag[i], change.change[i]);
    return sum;
}

[[gnu::flatten]] std::optional<double> LineCurves::difference_below(const Swap& swap,
                                                                    double limit) {
    std::size_t pairs = 0, paths = 0;
    double sum = 0.0;
    for (std::size_t i = 0; i < rays_; ++i) {
        Channel& channel = channels_[i];
        if (!touched(channel, swap)) continue;
        look(channel, swap);
        if (channel.lineal_path >= 0) path_change(channel, path_changes_[paths++]);
        if (channel.two_point >= 0) pair_changes_[pairs++] = pair_change(channel);
        if (channel.chord_length >= 0) sum += difference_of_chords(channel);
    }
    sum += energy_difference(path_changes_.data(), paths);
    // The two-point curves cannot bring the sum below this.
    if (sum + pair_floor_ + row_floors_[0] > limit) return std::nullopt;
    sum += energy_difference(pair_changes_.data(), pairs);
    for (std::size_t first = rays_; first < channels_.size(); first += kRows) {
        if (sum + row_floors_[first - rays_] > limit) return std::nullopt;
        pairs = 0;
        for (std::size_t i = first; i < std::min(first + kRows, channels_.size()); ++i) {
            if (!touched(channels_[i], swap)) continue;
            look(channels_[i], swap);
            pair_changes_[pairs++] = pair_change(channels_[i]);
        }
        sum += energy_difference(pair_changes_.data(), pairs);
    }
    if (sum > limit) return std::nullopt;
    return sum;
}

[[gnu::flatten]] void LineCurves::commit(const Swap& swap) {
    for (const Channel& channel : channels_) {
        if (!touched(channel, swap)) continue;
        const auto absorb = [&](int curve, const auto& change) {
            curves_[static_cast<std::size_t>(curve)].absorb(change);
        };
        if (channel.two_point >= 0) absorb(channel.two_point, pair_change(channel));
        if (channel.lineal_path >= 0) {
            path_change(channel, path_changes_[0]);
            absorb(channel.lineal_path, path_changes_[0]);
        }
        if (channel.chord_length >= 0) {
            std::fill(hits_change_.begin(), hits_change_.end(), 0);
            const ChordChange change = chord_change(channel);
            for (std::size_t i = 0; i < change.count; ++i)
                hits_change_[change.lag[i]] = change.change[i];
            absorb(channel.chord_length, hits_change_.data());
        }
    }
    for (std::size_t i = 0; i < lines_.size(); ++i) {
        if (kept_[i].phase != swap.label_a && kept_[i].phase != swap.label_b) continue;
        lines_[i].flip(swap.a.spots[kept_[i].frame]);
        lines_[i].flip(swap.b.spots[kept_[i].frame]);
    }
    sum_up();
}

void LineCurves::relabel(const Offset& voxel, std::uint8_t before, std::uint8_t after) {
    for (std::size_t i = 0; i < lines_.size(); ++i)
        if (kept_[i].phase == before || kept_[i].phase == after)
            lines_[i].flip(frames_[kept_[i].frame].spot(voxel));
}

void LineCurves::aim(const std::vector<std::vector<std::int64_t>>& hits,
                     const std::vector<std::vector<double>>& values) {
    for (std::size_t i = 0; i < order_.size(); ++i) curves_[order_[i]].aim(hits[i], values[i]);
    sum_up();
}

void LineCurves::sum_up() {
    energy_ = error_ = pair_floor_ = 0.0;
    for (const Curve& curve : curves_) {
        energy_ += curve.energy();
        error_ += curve.error();
    }
    // An exchange changes a two-point count by at most 2.
    const auto floor_of = [&](const Channel& channel) {
        return channel.two_point < 0 ? 0.0 : at(channel.two_point).floor(2.0);
    };
    for (std::size_t i = 0; i < rays_; ++i) pair_floor_ += floor_of(channels_[i]);
    for (std::size_t i = channels_.size(); i-- > rays_;)
        row_floors_[i - rays_] = row_floors_[i - rays_ + 1] + floor_of(channels_[i]);
}

}  // namespace microtwin
