// A walker: one warp that anneals by exchanges of voxels, its lanes over the lags of curves.
//
// Written for the host and the device alike, without a function whose rounding differs between
// them (compiled without contraction): a walker on a CPU does what it does on a GPU.
#pragma once

#include <bit>
#include <cstdint>

#include "annealing.hpp"
#include "bit_lines.hpp"
#include "microtwin/random.hpp"
#include "warp.hpp"

namespace microtwin::cuda {

inline constexpr int kMaxLabels = 16;
inline constexpr int kMaxChannels = 48;

// The curves of one phase along one axis.
struct Channel {
    std::uint8_t label;
    int plane, axis;
    int lags;        // of the longer curve
    int pair, path;  // two-point and lineal-path curve; -1: none
};

// What walkers are asked for; the same for all of them.
struct Problem {
    BitLines lines;
    int label_count = 0, plane_count = 0, channel_count = 0, curve_count = 0;
    std::uint8_t labels[kMaxLabels]{};        // of the structure
    std::uint8_t plane_labels[kMaxLabels]{};  // those that have bits
    Channel channels[kMaxChannels]{};
    int stride = 0;                  // lags of a row in the tables and of hits, one row a curve
    const double* scale = nullptr;   // 1 / trials
    const double* weight = nullptr;  // 0 behind a curve's last lag

    MICROTWIN_DEVICE std::int64_t table_size() const { return std::int64_t{stride} * curve_count; }
};

// The voxels that may be exchanged; what lies beyond a side goes on at the other.
struct Box {
    std::uint32_t origin[3], sides[3];

    MICROTWIN_DEVICE std::uint32_t size() const { return sides[0] * sides[1] * sides[2]; }
    MICROTWIN_DEVICE std::uint32_t voxel(std::uint32_t k, const std::int64_t (&around)[3]) const {
        const std::uint32_t in_box[3] = {k / sides[2] / sides[1], k / sides[2] % sides[1],
                                         k % sides[2]};
        std::uint32_t result = 0;
        for (int axis = 0; axis < 3; ++axis) {
            const auto side = static_cast<std::uint32_t>(around[axis]);
            const std::uint32_t at = origin[axis] + in_box[axis];
            result = result * side + (at < side ? at : at - side);
        }
        return result;
    }
};

// What one walker has to do, and where.
struct Task {
    Box box;
    std::uint8_t* labels;       // of the structure
    std::uint64_t* bits;        // of its phases, see BitLines
    std::uint32_t* sites;       // room for the voxels of the box
    const double* target;       // rows like Problem::scale
    const std::int64_t* start;  // hits of the structure
    std::int64_t* hits;         // room for as many, the walker's own
    std::int64_t* total;        // to which the changes of hits are added
    std::int64_t* accepted;     // to which the number of exchanges made is added
    std::int64_t proposals;
    std::uint64_t seed;
};

// -log(u) for u in (0, 1], from operations that round alike everywhere: with u = 2^e m and
// s = (m - 1) / (m + 1), log m = 2 (s + s^3 / 3 + s^5 / 5 + ...).
MICROTWIN_DEVICE inline double minus_log(double u) {
    std::uint64_t bits = std::bit_cast<std::uint64_t>(u);
    int exponent = static_cast<int>(bits >> 52) - 1023;
    bits = (bits & 0xFFFFFFFFFFFFFULL) | 0x3FF0000000000000ULL;
    double m = std::bit_cast<double>(bits);
    if (m > 1.4142135623730951) {
        m *= 0.5;
        ++exponent;
    }
    const double s = (m - 1.0) / (m + 1.0), square = s * s;
    double series = 0.0;
    for (int odd = 23; odd >= 1; odd -= 2) series = series * square + 1.0 / odd;
    return -(exponent * 0.6931471805599453 + 2.0 * s * series);
}

// Segments of r + 1 voxels that hold a voxel which enters between runs of its phase.
MICROTWIN_DEVICE inline int segments(int ahead, int behind, int r) {
    const int most = behind < r ? behind : r, fewest = r > ahead ? r - ahead : 0;
    return most >= fewest ? most - fewest + 1 : 0;
}

// Two voxels that would be exchanged: places in the list of sites, voxels, and their labels.
struct Swap {
    std::uint32_t place[2], voxel[2];
    std::uint8_t label[2];
};

// How an exchange changes the hits of a channel's curves.
struct Look {
    Sight entering, leaving;
    int runs[4];  // ahead of and behind the entering voxel, then the leaving one

    MICROTWIN_DEVICE int pairs(int chunk, int lane) const {
        return entering.neighbours(chunk, lane) - leaving.neighbours(chunk, lane);
    }
    MICROTWIN_DEVICE int paths(int chunk, int lane) const {
        const int r = kWarpLanes * chunk + lane + 1;
        return segments(runs[0], runs[1], r) - segments(runs[2], runs[3], r);
    }
};

class Walker {
  public:
    MICROTWIN_DEVICE Walker(const Problem& problem, const Task& task, const Orders& orders)
        : problem_(problem), task_(task), orders_(orders), random_(task.seed) {}

    // Everything: lists the voxels, proposes, adds up what has changed.
    MICROTWIN_DEVICE void run() {
        list_sites();
        warp_.each([&](int lane) {
            for (std::int64_t i = lane; i < problem_.table_size(); i += kWarpLanes)
                task_.hits[i] = task_.start[i];
        });
        std::int64_t accepted = 0;
        if (present_ > 1)
            for (std::int64_t k = 0; k < task_.proposals; ++k) accepted += propose();
        warp_.each([&](int lane) {
            for (std::int64_t i = lane; i < problem_.table_size(); i += kWarpLanes)
                if (task_.hits[i] != task_.start[i])
                    add_exactly(task_.total[i], task_.hits[i] - task_.start[i]);
        });
        warp_.once([&] { add_exactly(*task_.accepted, accepted); });
    }

  private:
    static constexpr int kTries = 64;  // draws for a voxel of another label
    static constexpr int kRounds = 8;  // draws of all lanes for a voxel at an interface

    // The voxels of the box, label by label, each list in the order of the voxels at first.
    MICROTWIN_DEVICE void list_sites() {
        std::uint32_t end = 0;
        for (int l = 0; l < problem_.label_count; ++l) {
            begin_[l] = end;
            for (std::uint32_t first = 0; first < task_.box.size(); first += kWarpLanes) {
                PerLane<bool> here;
                PerLane<std::uint32_t> voxel;
                warp_.each([&](int lane) {
                    const std::uint32_t k = first + static_cast<std::uint32_t>(lane);
                    if (k >= task_.box.size()) return;
                    voxel[lane] = task_.box.voxel(k, problem_.lines.sides);
                    here[lane] = task_.labels[voxel[lane]] == problem_.labels[l];
                });
                const std::uint32_t listed = warp_.ballot(here);
                warp_.each([&](int lane) {
                    const std::uint32_t before = listed & ((std::uint32_t{1} << lane) - 1);
                    if (here[lane]) task_.sites[end + ones(before)] = voxel[lane];
                });
                end += ones(listed);
            }
            if (end == begin_[l]) continue;
            if (present_ < 2) first_two_[present_] = l;
            ++present_;
        }
        begin_[problem_.label_count] = end;
    }

    MICROTWIN_DEVICE std::uint32_t size(int l) const { return begin_[l + 1] - begin_[l]; }
    // The list that a place is in.
    MICROTWIN_DEVICE int list_of(std::uint32_t place) const {
        int l = 0;
        while (place >= begin_[l + 1]) ++l;
        return l;
    }

    MICROTWIN_DEVICE bool propose() {
        Swap swap;
        if (!draw(swap)) return false;
        double limit = 0.0;
        if (orders_.rule == Rule::threshold)
            limit = orders_.level;
        else if (orders_.level > 0.0)
            limit = orders_.level * minus_log(random_.uniform());
        if (!(difference(swap) <= limit)) return false;
        commit(swap);
        return true;
    }

    MICROTWIN_DEVICE bool draw(Swap& swap) {
        int lists[2] = {first_two_[0], first_two_[1]};
        std::uint64_t bits = 0;
        if (present_ == 2) {
            bits = random_.next();
            for (int i = 0; i < 2; ++i)
                swap.place[i] = begin_[lists[i]] + below32(bits >> (32 * i), size(lists[i]));
        } else if (!draw_two_labels(lists, swap)) {
            return false;
        }
        for (int i = 0; i < 2; ++i) {
            if (orders_.kind == Proposals::at_interfaces)
                swap.place[i] = draw_at_interface(lists[i]);
            swap.voxel[i] = task_.sites[swap.place[i]];
            swap.label[i] = problem_.labels[lists[i]];
        }
        return true;
    }
    MICROTWIN_DEVICE static std::uint32_t below32(std::uint64_t bits, std::uint32_t n) {
        return static_cast<std::uint32_t>(below(static_cast<std::uint32_t>(bits), n));
    }
    // Two voxels of all, until their labels differ.
    MICROTWIN_DEVICE bool draw_two_labels(int (&lists)[2], Swap& swap) {
        std::uint64_t bits = random_.next();
        for (int i = 0; i < 2; ++i) {
            swap.place[i] = below32(bits >> (32 * i), task_.box.size());
            lists[i] = list_of(swap.place[i]);
        }
        for (int tries = 0; tries < kTries && lists[0] == lists[1]; ++tries) {
            swap.place[1] = below32(random_.next(), task_.box.size());
            lists[1] = list_of(swap.place[1]);
        }
        return lists[0] != lists[1];
    }
    // Each lane draws a voxel until one is at an interface: the first such, or any if there is none
    // among many.
    MICROTWIN_DEVICE std::uint32_t draw_at_interface(int list) {
        std::uint32_t place = 0;
        for (int round = 0; round < kRounds; ++round) {
            const std::uint64_t seed = random_.next();
            const auto drawn = [&](int lane) {
                Xoshiro256 own(seed + static_cast<std::uint64_t>(lane));
                return begin_[list] + below32(own.next() >> 32, size(list));
            };
            PerLane<bool> found;
            warp_.each([&](int lane) { found[lane] = at_interface(task_.sites[drawn(lane)]); });
            const std::uint32_t lanes = warp_.ballot(found);
            place = drawn(lanes == 0 ? 0 : static_cast<int>(ones(~lanes & (lanes - 1))));
            if (lanes != 0) break;
        }
        return place;
    }
    MICROTWIN_DEVICE bool at_interface(std::uint32_t voxel) const {
        const BitLines& lines = problem_.lines;
        for (int axis = 0; axis < 3; ++axis) {
            const Place here = lines.place(voxel, axis);
            for (int step = -1; step <= 1; step += 2) {
                std::int64_t at = here.at + step;
                if (lines.periodic) at = at < 0 ? lines.sides[axis] - 1 : at % lines.sides[axis];
                if (at < 0 || at >= lines.sides[axis]) continue;
                if (task_.labels[lines.voxel({here.line, at}, axis)] != task_.labels[voxel])
                    return true;
            }
        }
        return false;
    }

    // False where the exchange does not touch the channel's phase.
    MICROTWIN_DEVICE bool look(const Channel& channel, const Swap& swap, Look& look) const {
        if (channel.label != swap.label[0] && channel.label != swap.label[1]) return false;
        const int leaves = channel.label == swap.label[0] ? 0 : 1;
        const BitLines& lines = problem_.lines;
        const std::uint64_t* bits = task_.bits + channel.plane * lines.first[3];
        const Place leaving = lines.place(swap.voxel[leaves], channel.axis);
        const Place entering = lines.place(swap.voxel[1 - leaves], channel.axis);
        // The voxel that enters is not in the phase yet: nothing is left out for the other.
        look.leaving = lines.look(bits, channel.axis, leaving, entering);
        look.entering = lines.look(bits, channel.axis, entering, leaving);
        if (channel.path < 0) return true;
        look.runs[0] = Sight::run(look.entering.ahead, channel.lags);
        look.runs[1] = Sight::run(look.entering.behind, channel.lags);
        look.runs[2] = Sight::run(look.leaving.ahead, channel.lags);
        look.runs[3] = Sight::run(look.leaving.behind, channel.lags);
        return true;
    }
    // Visits (row, change) for each curve, lag of this lane and change that is not zero.
    template <class Visit>
    MICROTWIN_DEVICE static void for_each_change(const Problem& problem, const Channel& channel,
                                                 const Look& look, int lane, Visit&& visit) {
        MICROTWIN_UNROLL(4)
        for (int chunk = 0; chunk < kMaxLags / kWarpLanes; ++chunk) {
            const int j = kWarpLanes * chunk + lane;
            if (j >= channel.lags) break;
            if (channel.pair >= 0)
                visit(channel.pair * problem.stride + j, look.pairs(chunk, lane));
            if (channel.path >= 0)
                visit(channel.path * problem.stride + j, look.paths(chunk, lane));
        }
    }
    MICROTWIN_DEVICE double difference(const Swap& swap) const {
        PerLane<double> terms;
        for (int c = 0; c < problem_.channel_count; ++c) {
            Look found;
            if (!look(problem_.channels[c], swap, found)) continue;
            warp_.each([&](int lane) {
                const auto add = [&](int i, int change) {
                    const double scale = problem_.scale[i], by = change * scale;
                    const double error =
                        static_cast<double>(task_.hits[i]) * scale - task_.target[i];
                    terms[lane] += problem_.weight[i] * by * (2.0 * error + by);
                };
                for_each_change(problem_, problem_.channels[c], found, lane, add);
            });
        }
        return warp_.sum(terms);
    }
    MICROTWIN_DEVICE void commit(const Swap& swap) {
        for (int c = 0; c < problem_.channel_count; ++c) {
            Look found;
            if (!look(problem_.channels[c], swap, found)) continue;
            warp_.each([&](int lane) {
                for_each_change(problem_, problem_.channels[c], found, lane,
                                [&](int i, int change) { task_.hits[i] += change; });
            });
        }
        warp_.once([&] {
            for (int p = 0; p < problem_.plane_count; ++p)
                for (int i = 0; i < 2; ++i)
                    if (swap.label[0] == problem_.plane_labels[p] ||
                        swap.label[1] == problem_.plane_labels[p])
                        problem_.lines.flip(task_.bits + p * problem_.lines.first[3],
                                            swap.voxel[i]);
            for (int i = 0; i < 2; ++i) {
                task_.labels[swap.voxel[i]] = swap.label[1 - i];
                task_.sites[swap.place[i]] = swap.voxel[1 - i];
            }
        });
    }

    const Problem& problem_;
    const Task task_;
    const Orders orders_;
    const Warp warp_{};
    Xoshiro256 random_;
    std::uint32_t begin_[kMaxLabels + 1]{};  // of each label's list
    int present_ = 0;                        // labels that the box has
    int first_two_[2]{};
};

}  // namespace microtwin::cuda
