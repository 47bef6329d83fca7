#include "cluster_ids.hpp"

#include <algorithm>
#include <bit>
#include <limits>
#include <stdexcept>

#include "microtwin/components.hpp"

namespace microtwin {
namespace {

// The 27 voxels about a voxel as bits, 9 z + 3 y + x, each coordinate 0, 1 or 2.
constexpr std::uint32_t kAll = (1u << 27) - 1;
constexpr std::uint32_t kLowX = 0x1249249, kHighX = kLowX << 2;  // x is 0, x is 2
constexpr std::uint32_t kLowY = 0x1C0E07, kHighY = kLowY << 6;
constexpr std::uint32_t kFaces = 1u << 4 | 1u << 10 | 1u << 12 | 1u << 14 | 1u << 16 | 1u << 22;

// What of `inside` can be reached from a bit of it, from face to face.
std::uint32_t connected(std::uint32_t from, std::uint32_t inside) {
    for (std::uint32_t reached = from;;) {
        const std::uint32_t wider = reached | (reached & ~kHighX) << 1 | (reached & ~kLowX) >> 1 |
                                    (reached & ~kHighY) << 3 | (reached & ~kLowY) >> 3 |
                                    reached << 9 | reached >> 9;
        const std::uint32_t next = wider & inside & kAll;
        if (next == reached) return reached;
        reached = next;
    }
}

}  // namespace

ClusterIds::ClusterIds(const LabelView& labels, std::uint8_t phase, bool periodic)
    : shape_(labels.shape), periodic_(periodic), first_axis_(labels.shape[0] == 1 ? 1 : 0) {
    const std::int64_t size = shape_.size();
    if (size > std::numeric_limits<std::int32_t>::max())
        throw std::invalid_argument("clusters need a structure of fewer than 2^31 voxels");
    std::vector<std::int32_t> image(static_cast<std::size_t>(size));
    const Clusters found =
        find_clusters(labels, phase, {Neighbours::face, periodic, 1}, image.data());
    ids_.assign(image.begin(), image.end());
    marks_.resize(ids_.size());
    sizes_.push_back(0);  // nobody asks how many voxels have no cluster
    for (const std::int64_t voxels : found.sizes) sizes_.push_back(static_cast<Voxel>(voxels));

    const std::array<std::int64_t, 3> strides{shape_[1] * shape_[2], shape_[2], 1};
    for (std::size_t k = 0; k < 3; ++k) {
        inward_[2 * k] = -strides[k];
        inward_[2 * k + 1] = strides[k];
        across_[2 * k] = strides[k] * (shape_.sides[k] - 1);
        across_[2 * k + 1] = -across_[2 * k];
    }
    border_.reserve(ids_.size());
    for (std::int64_t z = 0; z < shape_[0]; ++z)
        for (std::int64_t y = 0; y < shape_[1]; ++y)
            for (std::int64_t x = 0; x < shape_[2]; ++x) {
                const std::array<std::int64_t, 3> at{z, y, x};
                unsigned bits = 0;
                for (unsigned k = 0; k < 3; ++k) {
                    bits |= unsigned{at[k] == 0} << (2 * k);
                    bits |= unsigned{at[k] == shape_.sides[k] - 1} << (2 * k + 1);
                }
                border_.push_back(static_cast<std::uint8_t>(bits));
            }
}

// Where an axis has a single voxel, a voxel is its own neighbour, which does no harm.
template <class See>
void ClusterIds::for_each_neighbour(Voxel voxel, See&& see) const {
    const unsigned border = border_[voxel];
    for (std::size_t d = 2 * static_cast<std::size_t>(first_axis_); d < kMostNeighbours; ++d) {
        const bool outside = (border >> d & 1) != 0;
        if (outside && !periodic_) continue;
        see(static_cast<Voxel>(voxel + (outside ? across_[d] : inward_[d])));
    }
}

ClusterIds::Around ClusterIds::around(Voxel voxel) const {
    Around result;
    for_each_neighbour(voxel, [&](Voxel neighbour) {
        const Id mine = ids_[neighbour];
        if (mine == 0) return;
        for (std::size_t i = 0; i < result.count; ++i)
            if (ids_[result.voxels[i]] == mine) return;
        result.voxels[result.count++] = neighbour;
        Voxel& last = result.voxels[result.count - 1];
        if (sizes_[mine] > sizes_[ids_[result.voxels[0]]]) std::swap(last, result.voxels[0]);
    });
    return result;
}

// Marks from mark_ to mark_ + kMostNeighbours - 1 are on no voxel after this.
void ClusterIds::new_marks() {
    constexpr std::uint32_t kStep = kMostNeighbours;
    if (mark_ > std::numeric_limits<std::uint32_t>::max() - 2 * kStep) {
        std::fill(marks_.begin(), marks_.end(), 0);
        mark_ = 0;
    }
    mark_ += kStep;
}

void ClusterIds::list_cluster(Voxel voxel, std::vector<Voxel>& voxels) {
    new_marks();
    const Id cluster = ids_[voxel];
    std::size_t walked = voxels.size();
    marks_[voxel] = mark_;
    voxels.push_back(voxel);
    while (walked < voxels.size())
        for_each_neighbour(voxels[walked++], [&](Voxel next) {
            if (ids_[next] != cluster || marks_[next] == mark_) return;
            marks_[next] = mark_;
            voxels.push_back(next);
        });
}

// Which of the 26 voxels about a voxel are of a cluster. Where sides are short two of them may be
// the same voxel; what is connected here is connected there all the same.
std::uint32_t ClusterIds::neighbourhood(Voxel voxel, Id cluster) const {
    const unsigned border = border_[voxel];
    std::array<std::array<std::int64_t, 3>, 3> by{};
    std::array<std::array<bool, 3>, 3> inside{};
    for (std::size_t k = 0; k < 3; ++k) {
        inside[k][1] = true;
        for (std::size_t side = 0; side < 2; ++side) {
            const std::size_t d = 2 * k + side;
            const bool outside = (border >> d & 1) != 0;
            inside[k][2 * side] = (!outside || periodic_) && shape_.sides[k] > 1;
            by[k][2 * side] = outside ? across_[d] : inward_[d];
        }
    }
    std::uint32_t bits = 0;
    unsigned bit = 0;
    for (std::size_t z = 0; z < 3; ++z)
        for (std::size_t y = 0; y < 3; ++y)
            for (std::size_t x = 0; x < 3; ++x, ++bit) {
                if (!inside[0][z] || !inside[1][y] || !inside[2][x]) continue;
                const std::int64_t there = voxel + by[0][z] + by[1][y] + by[2][x];
                bits |= std::uint32_t{ids_[static_cast<std::size_t>(there)] == cluster} << bit;
            }
    return bits;
}

// One search for each group of neighbours that do not meet in the next surroundings: usually one.
void ClusterIds::start_searches(Voxel left, Id cluster) {
    searching_ = 0;
    const std::uint32_t inside = neighbourhood(left, cluster);
    std::uint32_t groups = inside & kFaces;
    if (std::has_single_bit(groups)) return;
    for (; groups != 0; ++searching_) {
        const int bit = std::countr_zero(groups);
        const std::array<int, 3> to{bit / 9 - 1, bit / 3 % 3 - 1, bit % 3 - 1};
        std::int64_t voxel = left;
        for (std::size_t k = 0; k < 3; ++k) {
            if (to[k] == 0) continue;
            const std::size_t d = 2 * k + (to[k] > 0);
            voxel += (border_[left] >> d & 1) != 0 ? across_[d] : inward_[d];
        }
        Search& search = searches_[searching_];
        search.reached.clear();
        search.reached.push_back(static_cast<Voxel>(voxel));
        search.walked = 0;
        search.set = searching_;
        groups &= ~connected(1u << bit, inside);
    }
}

void ClusterIds::step_search(std::size_t index, Id cluster) {
    Search& search = searches_[index];
    const std::uint32_t mine = mark_ + static_cast<std::uint32_t>(index);
    for_each_neighbour(search.reached[search.walked++], [&](Voxel next) {
        if (ids_[next] != cluster || marks_[next] == mine) return;
        if (marks_[next] < mark_) {
            marks_[next] = mine;
            search.reached.push_back(next);
            return;
        }
        const std::size_t met = searches_[marks_[next] - mark_].set, set = search.set;
        if (met == set) return;
        for (std::size_t i = 0; i < searching_; ++i)
            if (searches_[i].set == met) searches_[i].set = set;
        changed_ = true;
    });
    changed_ = changed_ || !search.open();
}

// Whether all the sets, but one at most, have nowhere to go.
bool ClusterIds::settled() const {
    std::uint32_t open = 0;
    for (std::size_t i = 0; i < searching_; ++i)
        if (searches_[i].open()) open |= 1u << searches_[i].set;
    return std::popcount(open) <= 1;
}

// The set that goes on as the cluster: the one that is still open, or else the largest.
std::size_t ClusterIds::rest() const {
    std::array<std::size_t, kMostNeighbours> voxels{};
    for (std::size_t i = 0; i < searching_; ++i) {
        if (searches_[i].open()) return searches_[i].set;
        voxels[searches_[i].set] += searches_[i].reached.size();
    }
    return static_cast<std::size_t>(std::max_element(voxels.begin(), voxels.end()) -
                                    voxels.begin());
}

// The searches take turns, so that a part is found in the time that the smaller side takes, and a
// way around in that of its length.
void ClusterIds::list_parts(Voxel left, Id cluster, std::vector<Voxel>& voxels,
                            std::vector<Range>& parts) {
    start_searches(left, cluster);
    if (searching_ < 2) return;
    new_marks();
    for (std::size_t i = 0; i < searching_; ++i) {
        std::uint32_t& mark = marks_[searches_[i].reached[0]];
        if (mark >= mark_) {  // of two voxels along an axis, one is the neighbour on either side
            searches_[i].set = searches_[mark - mark_].set;
            searches_[i].reached.clear();
        } else {
            mark = mark_ + static_cast<std::uint32_t>(i);
        }
    }
    changed_ = true;
    while (!changed_ || !settled()) {
        changed_ = false;
        for (std::size_t i = 0; i < searching_; ++i)
            if (searches_[i].open()) step_search(i, cluster);
    }
    const std::size_t stays = rest();
    for (std::size_t set = 0; set < searching_; ++set) {
        if (set == stays) continue;
        const std::size_t begin = voxels.size();
        for (std::size_t i = 0; i < searching_; ++i)
            if (searches_[i].set == set)
                voxels.insert(voxels.end(), searches_[i].reached.begin(),
                              searches_[i].reached.end());
        if (voxels.size() > begin) parts.push_back({begin, voxels.size()});
    }
}

ClusterIds::Id ClusterIds::unused() {
    if (free_.empty()) {
        free_.push_back(static_cast<Id>(sizes_.size()));
        sizes_.push_back(0);
    }
    return free_.back();
}

// Moves are undone in reverse order, and so the id that voxels move to, if it has none, is always
// the last of the free ones.
void ClusterIds::relabel(const Voxel* voxels, std::size_t count, Id from, Id to) {
    const auto n = static_cast<Voxel>(count);
    if (to != 0) {
        if (sizes_[to] == 0) free_.pop_back();
        sizes_[to] += n;
    }
    for (std::size_t i = 0; i < count; ++i) ids_[voxels[i]] = to;
    if (from != 0) {
        sizes_[from] -= n;
        if (sizes_[from] == 0) free_.push_back(from);
    }
}

void ClusterIds::move(const Voxel* voxels, std::size_t count, Id from, Id to) {
    moves_.push_back({moved_.size(), from, to});
    moved_.insert(moved_.end(), voxels, voxels + count);
    relabel(voxels, count, from, to);
}

void ClusterIds::keep() {
    moves_.clear();
    moved_.clear();
}

void ClusterIds::undo() {
    for (; !moves_.empty(); moves_.pop_back()) {
        const Move& last = moves_.back();
        relabel(moved_.data() + last.begin, moved_.size() - last.begin, last.to, last.from);
        moved_.resize(last.begin);
    }
}

}  // namespace microtwin
