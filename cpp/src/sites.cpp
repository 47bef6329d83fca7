#include "microtwin/sites.hpp"

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <utility>

namespace microtwin {

SiteLists::SiteLists(const LabelView& labels, const std::uint8_t* fixed, bool periodic)
    : shape_(labels.shape), periodic_(periodic), sites_(256) {
    for (int axis = 0; axis < 3; ++axis)
        if (shape_[axis] < 1 || shape_[axis] >= std::int64_t{1} << kCoordinateBits)
            throw std::invalid_argument("each side must be between 1 and 2^21 - 1 voxels");
    if (shape_.size() > std::numeric_limits<std::uint32_t>::max())
        throw std::invalid_argument("a structure must have fewer than 2^32 voxels");
    std::int64_t index = 0;
    for (std::int64_t z = 0; z < shape_[0]; ++z)
        for (std::int64_t y = 0; y < shape_[1]; ++y)
            for (std::int64_t x = 0; x < shape_[2]; ++x, ++index) {
                const std::uint8_t label = labels.data[index];
                ++voxels_[label];
                if (fixed == nullptr || fixed[index] == 0)
                    sites_[label].push_back(site_at(z, y, x));
            }
    if (fixed != nullptr) {
        start_.assign(labels.data, labels.data + index);
        fixed_.assign(fixed, fixed + index);
    }
    for (const auto& sites : sites_) free_ += sites.size();
    for (std::size_t label = 0; label < sites_.size(); ++label)
        if (!sites_[label].empty()) present_.push_back(static_cast<std::uint8_t>(label));
    if (present_.size() < 2)
        throw std::invalid_argument("the structure must have at least two phases to exchange");
}

SiteLists::Found SiteLists::find(std::int64_t voxel) const {
    const Site wanted =
        site_at(voxel / (shape_[1] * shape_[2]), voxel / shape_[2] % shape_[1], voxel % shape_[2]);
    for (const std::uint8_t label : present_) {
        const auto found = std::find(sites_[label].begin(), sites_[label].end(), wanted);
        if (found != sites_[label].end())
            return {label, static_cast<std::size_t>(found - sites_[label].begin())};
    }
    throw std::invalid_argument("a voxel index is outside the structure, or fixed");
}

std::vector<std::uint8_t> SiteLists::labels() const {
    std::vector<std::uint8_t> result(start_);
    result.resize(static_cast<std::size_t>(shape_.size()));
    for (const std::uint8_t label : present_)
        for (const Site site : sites_[label]) result[flat(site)] = label;
    return result;
}

std::size_t SiteLists::flat(Site site) const {
    const auto [z, y, x] = coordinates(site);
    return static_cast<std::size_t>((z * shape_[1] + y) * shape_[2] + x);
}

template <class Visit>
void SiteLists::for_each_neighbour(Site site, Visit&& visit) const {
    const auto at = coordinates(site);
    for (std::size_t axis = 0; axis < 3; ++axis) {
        const std::int64_t side = shape_[static_cast<int>(axis)];
        if (side == 1) continue;  // wrapped, a voxel would be its own neighbour
        for (const std::int64_t step : {std::int64_t{-1}, std::int64_t{1}}) {
            auto other = at;
            other[axis] += step;
            if (other[axis] < 0 || other[axis] >= side) {
                if (!periodic_) continue;
                other[axis] -= step * side;
            }
            visit(site_at(other[0], other[1], other[2]));
        }
    }
}

std::size_t SiteLists::count_neighbours(Site site) const {
    const std::uint8_t mine = labels_[flat(site)];
    std::size_t count = 0;
    for_each_neighbour(site, [&](Site other) { count += labels_[flat(other)] != mine; });
    return count;
}

void SiteLists::note_positions() {
    for (const std::uint8_t label : present_)
        for (std::size_t i = 0; i < sites_[label].size(); ++i)
            positions_[flat(sites_[label][i])] = static_cast<std::uint32_t>(i);
}

void SiteLists::sort_by_neighbours() {
    const auto voxels = static_cast<std::size_t>(shape_.size());
    labels_ = labels();
    neighbours_.resize(voxels);
    positions_.resize(voxels);
    ends_.assign(sites_.size(), {});
    for (const std::uint8_t label : present_) {
        auto& ends = ends_[label];
        for (const Site site : sites_[label]) {
            const std::size_t c = count_neighbours(site);
            neighbours_[flat(site)] = static_cast<std::uint8_t>(c);
            for (std::size_t least = 0; least <= c; ++least) ++ends[least];
        }
        std::stable_sort(sites_[label].begin(), sites_[label].end(), [&](Site a, Site b) {
            return neighbours_[flat(a)] > neighbours_[flat(b)];
        });
    }
    note_positions();
}

void SiteLists::swap_places(std::uint8_t label, std::size_t a, std::size_t b) {
    auto& list = sites_[label];
    std::swap(list[a], list[b]);
    positions_[flat(list[a])] = static_cast<std::uint32_t>(a);
    positions_[flat(list[b])] = static_cast<std::uint32_t>(b);
}

// Moves a voxel from the stretch of its old class, through those between, to that of its new one.
void SiteLists::reclass(Site site, std::size_t wanted) {
    const std::size_t voxel = flat(site);
    if (!fixed_.empty() && fixed_[voxel] != 0) return;  // it is in no list
    const std::uint8_t label = labels_[voxel];
    auto& ends = ends_[label];
    std::size_t c = neighbours_[voxel];
    for (; c < wanted; ++c) swap_places(label, positions_[voxel], ends[c + 1]++);
    for (; c > wanted; --c) swap_places(label, positions_[voxel], --ends[c]);
    neighbours_[voxel] = static_cast<std::uint8_t>(c);
}

// What the change of a voxel's label does to the classes of its neighbours.
void SiteLists::reclass_neighbours(Site site, Site besides, std::uint8_t before,
                                   std::uint8_t after) {
    for_each_neighbour(site, [&](Site other) {
        if (other == besides) return;
        const std::size_t voxel = flat(other);
        const std::uint8_t label = labels_[voxel];
        if (label != before && label != after) return;
        const std::size_t c = neighbours_[voxel];
        reclass(other, label == after ? c - 1 : c + 1);
    });
}

void SiteLists::exchange(std::uint8_t label_a, std::size_t index_a, std::uint8_t label_b,
                         std::size_t index_b) {
    const Site a = sites_[label_a][index_a], b = sites_[label_b][index_b];
    std::swap(sites_[label_a][index_a], sites_[label_b][index_b]);
    if (!sorted()) return;
    const std::size_t voxel_a = flat(a), voxel_b = flat(b);
    // Each takes the place of the other, and with it its class, until both are looked at anew.
    std::swap(labels_[voxel_a], labels_[voxel_b]);
    std::swap(positions_[voxel_a], positions_[voxel_b]);
    std::swap(neighbours_[voxel_a], neighbours_[voxel_b]);
    reclass_neighbours(a, b, label_a, label_b);
    reclass_neighbours(b, a, label_b, label_a);
    for (const Site site : {a, b}) reclass(site, count_neighbours(site));
}

void SiteLists::restore(const std::vector<std::vector<Site>>& sites, bool sorted) {
    if (sites.size() != sites_.size())
        throw std::invalid_argument("a snapshot must list the sites of 256 labels");
    for (std::size_t label = 0; label < sites_.size(); ++label) {
        auto mine = sites_[label], theirs = sites[label];
        std::sort(mine.begin(), mine.end());
        std::sort(theirs.begin(), theirs.end());
        if (mine != theirs)
            throw std::invalid_argument("the snapshot belongs to another structure");
    }
    sites_ = sites;
    if (!sorted) return;
    sort_by_neighbours();  // stable: lists in order keep it
    if (sites_ != sites) throw std::invalid_argument("the snapshot's lists are out of order");
}

}  // namespace microtwin
