#include "cluster_term.hpp"

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <utility>

namespace microtwin {
namespace {

// Adds `sign` to a change wherever an id, of so many at a stride, is `wanted`.
void add_equal(const std::uint32_t* ids, std::int64_t stride, std::int64_t count,
               std::uint32_t wanted, std::int32_t sign, std::int32_t* change) {
    if (stride == 1) {  // said once more for the compiler, which puts these into registers
        for (std::int64_t i = 0; i < count; ++i) change[i] += ids[i] == wanted ? sign : 0;
    } else {
        for (std::int64_t i = 0; i < count; ++i) change[i] += ids[i * stride] == wanted ? sign : 0;
    }
}

}  // namespace

ClusterTerm::ClusterTerm(const LabelView& labels, std::vector<TargetCurve> targets, bool periodic)
    : shape_(labels.shape), periodic_(periodic), clusters_(labels, targets.at(0).phase, periodic) {
    const std::array<std::int64_t, 3> strides{shape_[1] * shape_[2], shape_[2], 1};
    for (TargetCurve& target : targets) {
        if (!target.given.hits.empty())
            throw std::invalid_argument("clusters of a part are not those of the whole structure");
        for (const int sign : {1, -1}) {
            Way way{curves_.size(), {}, 0, {}};
            for (std::size_t k = 0; k < 3; ++k) {
                way.by[k] = sign * target.step[k];
                way.stride += way.by[k] * strides[k];
                way.jump[k] = -way.by[k] * strides[k] * shape_.sides[k];
            }
            ways_.push_back(way);
        }
        for (const Curve& other : curves_)
            if (other.target().step == target.step)
                throw std::invalid_argument(
                    "two targets for the same statistic, phase and direction");
        const LagCounts counts = count(target, labels, periodic);
        curves_.emplace_back(std::move(target), counts);
        changes_.emplace_back(curves_.back().padded());
    }
}

// Adds `sign` for each voxel of another cluster that lies within a curve's lags.
void ClusterTerm::add_pairs_along(const Way& way, Voxel voxel, const Offset& at, Id other,
                                  std::int32_t sign) {
    constexpr std::int64_t kFar = std::numeric_limits<std::int64_t>::max();
    const auto lags = static_cast<std::int64_t>(curves_[way.curve].lags());
    const Id* const ids = clusters_.ids();
    std::int32_t* const change = changes_[way.curve].data();
    std::array<std::int64_t, 3> room;  // the last lag before a face is crossed
    for (std::size_t k = 0; k < 3; ++k)
        room[k] = way.by[k] == 0 ? kFar : way.by[k] < 0 ? at[k] : shape_.sides[k] - 1 - at[k];
    std::int64_t start = voxel;
    for (std::int64_t first = 1; first <= lags;) {
        const auto nearest = std::min_element(room.begin(), room.end());
        const std::int64_t last = std::min(*nearest, lags);
        add_equal(ids + start + first * way.stride, way.stride, last - first + 1, other, sign,
                  change + first - 1);
        if (!periodic_) return;
        first = last + 1;
        // Lags are shorter than the sides: each face is crossed once.
        start += way.jump[static_cast<std::size_t>(nearest - room.begin())];
        *nearest = kFar;
    }
}

void ClusterTerm::add_pairs(Voxel voxel, Id other, std::int32_t sign) {
    const auto nx = static_cast<Voxel>(shape_[2]), ny = static_cast<Voxel>(shape_[1]);
    const Offset at{voxel / nx / ny, voxel / nx % ny, voxel % nx};
    for (const Way& way : ways_) add_pairs_along(way, voxel, at, other, sign);
}

// A voxel leaves: its pairs go, and those between the parts that it held together.
void ClusterTerm::leave(Voxel voxel) {
    const Id cluster = clusters_.id(voxel);
    clusters_.move(&voxel, 1, cluster, 0);
    add_pairs(voxel, cluster, -1);
    voxels_.clear();
    parts_.clear();
    clusters_.list_parts(voxel, cluster, voxels_, parts_);
    for (const auto& [begin, end] : parts_) {
        clusters_.move(voxels_.data() + begin, end - begin, cluster, clusters_.unused());
        for (std::size_t i = begin; i < end; ++i) add_pairs(voxels_[i], cluster, -1);
    }
}

// A voxel enters: the clusters around it become one, and it pairs with all of them.
void ClusterTerm::enter(Voxel voxel) {
    const ClusterIds::Around around = clusters_.around(voxel);
    if (around.count == 0) return clusters_.move(&voxel, 1, 0, clusters_.unused());
    const Id cluster = clusters_.id(around.voxels[0]);
    for (std::size_t i = 1; i < around.count; ++i) {
        const Id smaller = clusters_.id(around.voxels[i]);
        voxels_.clear();
        clusters_.list_cluster(around.voxels[i], voxels_);
        for (const Voxel one : voxels_) add_pairs(one, cluster, 1);
        clusters_.move(voxels_.data(), voxels_.size(), smaller, cluster);
    }
    add_pairs(voxel, cluster, 1);
    clusters_.move(&voxel, 1, 0, cluster);
}

double ClusterTerm::difference(std::int64_t a, std::int64_t b) {
    clusters_.undo();  // what was looked at before and not made
    const auto first = static_cast<Voxel>(a), second = static_cast<Voxel>(b);
    const bool first_leaves = clusters_.id(first) != 0;
    touched_ = first_leaves || clusters_.id(second) != 0;
    if (!touched_) return 0.0;
    for (auto& change : changes_) std::fill(change.begin(), change.end(), 0);
    leave(first_leaves ? first : second);
    enter(first_leaves ? second : first);
    double sum = 0.0;
    for (std::size_t i = 0; i < curves_.size(); ++i)
        for (std::size_t lag = 0; lag < curves_[i].lags(); ++lag)
            sum += curves_[i].difference(lag, changes_[i][lag]);
    return sum;
}

void ClusterTerm::commit() {
    clusters_.keep();
    if (!touched_) return;
    for (std::size_t i = 0; i < curves_.size(); ++i) curves_[i].absorb(changes_[i].data());
}

}  // namespace microtwin
