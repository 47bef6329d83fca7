#include "microtwin/clusters.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <stdexcept>

#include "matches.hpp"
#include "microtwin/parallel.hpp"

namespace microtwin {
namespace {

// Where voxels of lines that begin side by side lie: in row (z, y), from x on.
struct Place {
    std::int64_t z, y, x;
};

struct Interval {
    std::int64_t begin, end;
    std::int64_t size() const { return end - begin; }
};

// Lines that run along z or y, or across both, are counted in sheaves: kMatchLanes lines side by
// side in x, so that voxel i of every line is one register, and a lag compares two registers.
// Lines along x are counted by themselves, with registers along the line.
//
// A sheaf is copied twice: in `ahead` a voxel in no cluster is 0, in `here` it is kNone, so that
// two of them are not the same. Labels are copied to 16 bits where they fit.
template <class Label>
class PairCounter {
  public:
    PairCounter(const ClusterView& clusters, const Step& step, std::int64_t reach, bool periodic)
        : clusters_(clusters), shape_(clusters.shape), step_(step), periodic_(periodic),
          axis_(step[0] != 0 ? 0 : (step[1] != 0 ? 1 : 2)), length_(shape_[axis_]), reach_(reach) {
        switch (axis_) {
            case 0:
                outer_ = starts(1);
                break;
            case 1:
                outer_ = {0, shape_[0]};
                break;
            default:
                outer_ = {0, shape_[0] * shape_[1]};
        }
    }

    // What can be counted independently of each other.
    std::int64_t items() const { return outer_.size(); }

    void count(std::int64_t begin, std::int64_t end, std::vector<std::int64_t>& hits) const {
        const std::int64_t stride = axis_ == 2 ? 1 : kLanes;
        const std::int64_t here_size = axis_ == 2 ? padded(length_) : length_ * kLanes;
        std::vector<Label> here(static_cast<std::size_t>(here_size));
        std::vector<Label> ahead(here.size() +
                                 static_cast<std::size_t>((reach_ + kMatchLags) * stride));
        for (std::int64_t item = begin; item < end; ++item) {
            if (axis_ == 2) {
                count_row(item, here, ahead, hits);
                continue;
            }
            const Interval x = starts(2);
            for (std::int64_t first = x.begin; first < x.end; first += kLanes)
                count_sheaf(outer_.begin + item, first, here, ahead, hits);
        }
    }

  private:
    static constexpr std::int64_t kLanes = kMatchLanes<Label>;
    static constexpr Label kNone = std::numeric_limits<Label>::max();

    static std::int64_t padded(std::int64_t n) { return (n + kLanes - 1) / kLanes * kLanes; }

    int component(int axis) const { return step_[static_cast<std::size_t>(axis)]; }

    // Where along `axis` lines may begin to meet the volume somewhere.
    Interval starts(int axis) const {
        const std::int64_t before = periodic_ ? 0 : length_ - 1;
        return {component(axis) > 0 ? -before : 0,
                shape_[axis] + (component(axis) < 0 ? before : 0)};
    }

    // Voxels i for which begin + i * component lies in 0 .. side - 1, if `wide` lines begin there.
    Interval inside(int axis, std::int64_t begin, std::int64_t wide) const {
        const std::int64_t side = shape_[axis];
        switch (component(axis)) {
            case 1:
                return {std::max<std::int64_t>(0, 1 - wide - begin), side - begin};
            case -1:
                return {std::max<std::int64_t>(0, begin - side + 1), begin + wide};
            default:
                return {0, length_};
        }
    }

    Place place(std::int64_t outer, std::int64_t first, std::int64_t i) const {
        Place p{axis_ == 0 ? i : outer, axis_ == 0 ? outer + i * component(1) : i,
                first + i * component(2)};
        if (periodic_) {
            p.z = axis_ == 0 ? wrapped(p.z, shape_[0]) : p.z;
            p.y = wrapped(p.y, shape_[1]);
            p.x = wrapped(p.x, shape_[2]);
        }
        return p;
    }

    void copy_lanes(const Place& p, Label* ahead, Label* here) const {
        const std::int32_t* row = clusters_.row(p.z, p.y);
        if (p.x >= 0 && p.x + kLanes <= shape_[2])
            return copy_labels(row + p.x, kLanes, ahead, here);
        std::array<std::int32_t, kLanes> lanes;
        for (std::int64_t k = 0; k < kLanes; ++k) {
            const std::int64_t x = periodic_ ? wrapped(p.x + k, shape_[2]) : p.x + k;
            lanes[static_cast<std::size_t>(k)] = x >= 0 && x < shape_[2] ? row[x] : 0;
        }
        copy_labels(lanes.data(), kLanes, ahead, here);
    }

    void count_sheaf(std::int64_t outer, std::int64_t first, std::vector<Label>& here,
                     std::vector<Label>& ahead, std::vector<std::int64_t>& hits) const {
        Interval range{0, length_};
        if (!periodic_) {
            const Interval across = inside(2, first, kLanes);
            range = {std::max(range.begin, across.begin), std::min(range.end, across.end)};
            if (axis_ == 0) {
                const Interval down = inside(1, outer, 1);
                range = {std::max(range.begin, down.begin), std::min(range.end, down.end)};
            }
        }
        if (range.size() <= 0) return;
        const std::int64_t reach = periodic_ ? reach_ : std::min(reach_, range.size() - 1);
        // Lines that begin beyond the last are those that begin at 0, and counted there.
        const std::int64_t lines = periodic_ ? std::min(kLanes, shape_[2] - first) : kLanes;
        std::array<Label, kLanes> unused;
        for (std::int64_t i = 0; i < range.size() + (periodic_ ? reach : 0); ++i) {
            Label* const mine = i < range.size() ? here.data() + i * kLanes : unused.data();
            copy_lanes(place(outer, first, range.begin + i), ahead.data() + i * kLanes, mine);
            std::fill(mine + lines, mine + kLanes, kNone);
        }
        if (!periodic_)
            std::fill_n(ahead.begin() + range.size() * kLanes, (reach + kMatchLags) * kLanes,
                        Label{0});
        count_matches(here.data(), ahead.data(), range.size() * kLanes, kLanes, reach, hits.data());
    }

    void count_row(std::int64_t item, std::vector<Label>& here, std::vector<Label>& ahead,
                   std::vector<std::int64_t>& hits) const {
        const std::int32_t* row = clusters_.row(item / shape_[1], item % shape_[1]);
        copy_labels(row, length_, ahead.data(), here.data());
        std::fill(here.begin() + length_, here.end(), kNone);
        std::fill(ahead.begin() + length_, ahead.end(), Label{0});
        if (periodic_) std::copy_n(ahead.begin(), reach_, ahead.begin() + length_);
        count_matches(here.data(), ahead.data(), static_cast<std::int64_t>(here.size()), 1, reach_,
                      hits.data());
    }

    ClusterView clusters_;
    Shape3 shape_;
    Step step_;
    bool periodic_;
    int axis_;             // the first axis that the lines run along
    std::int64_t length_;  // voxels of a line: the side along that axis
    std::int64_t reach_;   // the largest lag that fits
    Interval outer_{0, 0};
};

template <class Label>
std::vector<std::int64_t> count_pairs(const ClusterView& clusters, const Step& step,
                                      std::int64_t reach, const CountOptions& options) {
    const PairCounter<Label> counter(clusters, step, reach, options.periodic);
    std::vector<std::int64_t> hits(static_cast<std::size_t>(options.max_lag + 1));
    const auto locals = parallel_ranges(
        counter.items(), options.threads, hits,
        [&](std::int64_t begin, std::int64_t end, std::vector<std::int64_t>& local) {
            counter.count(begin, end, local);
        });
    for (const auto& local : locals)
        for (std::size_t r = 0; r < hits.size(); ++r) hits[r] += local[r];
    return hits;
}

std::int32_t largest_label(const ClusterView& clusters, int threads) {
    const auto locals =
        parallel_ranges(clusters.shape.size(), threads, std::int32_t{0},
                        [&](std::int64_t begin, std::int64_t end, std::int32_t& largest) {
                            std::int32_t low = 0, high = 0;
                            for (std::int64_t i = begin; i < end; ++i) {
                                low = std::min(low, clusters.data[i]);
                                high = std::max(high, clusters.data[i]);
                            }
                            if (low < 0) throw std::invalid_argument("clusters are negative");
                            largest = high;
                        });
    return *std::max_element(locals.begin(), locals.end());
}

void check(const ClusterView& clusters, const std::vector<Step>& steps,
           const CountOptions& options) {
    if (clusters.data == nullptr) throw std::invalid_argument("clusters are missing");
    for (const std::int64_t side : clusters.shape.sides)
        if (side < 1) throw std::invalid_argument("every side must be at least 1");
    if (options.max_lag < 0) throw std::invalid_argument("max_lag must be at least 0");
    if (options.threads < 1) throw std::invalid_argument("threads must be at least 1");
    for (const Step& step : steps) {
        const auto first = std::find_if(step.begin(), step.end(), [](int c) { return c != 0; });
        const bool known = std::all_of(step.begin(), step.end(), [](int c) { return c * c <= 1; });
        if (!known || first == step.end() || *first != 1)
            throw std::invalid_argument(
                "steps must be of -1, 0 and 1, the first that is not 0 a 1");
    }
}

}  // namespace

std::vector<LagCounts> cluster_pairs(const ClusterView& clusters, const std::vector<Step>& steps,
                                     const CountOptions& options) {
    check(clusters, steps, options);
    const bool narrow = largest_label(clusters, options.threads) <
                        std::int32_t{std::numeric_limits<std::uint16_t>::max()};
    std::vector<LagCounts> result;
    for (const Step& step : steps) {
        const std::int64_t reach = std::min(options.max_lag, lag_bound(clusters.shape, step) - 1);
        result.push_back({narrow ? count_pairs<std::uint16_t>(clusters, step, reach, options)
                                 : count_pairs<std::uint32_t>(clusters, step, reach, options),
                          lag_trials(clusters.shape, step, options.max_lag, options.periodic)});
    }
    return result;
}

}  // namespace microtwin
