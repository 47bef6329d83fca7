#include "microtwin/sites.hpp"

#include <algorithm>
#include <bit>
#include <stdexcept>
#include <utility>

namespace microtwin {

SiteLists::SiteLists(const LabelView& labels, const std::uint8_t* fixed, bool periodic)
    : shape_(labels.shape), periodic_(periodic), sites_(256) {
    std::array<unsigned, 3> bits{};
    for (std::size_t axis = 0; axis < 3; ++axis) {
        const std::int64_t side = shape_.sides[axis];
        if (side < 1) throw std::invalid_argument("each side must be at least 1 voxel");
        bits[axis] = static_cast<unsigned>(std::bit_width(static_cast<std::uint64_t>(side - 1)));
    }
    if (bits[0] + bits[1] + bits[2] > 32)
        throw std::invalid_argument(
            "a structure must have fewer than 2^32 voxels, each side counted as a power of 2");
    shift_y_ = bits[2];
    shift_z_ = bits[1] + bits[2];
    mask_x_ = static_cast<Site>((std::uint64_t{1} << bits[2]) - 1);
    mask_y_ = static_cast<Site>((std::uint64_t{1} << bits[1]) - 1);
    std::int64_t index = 0;
    for (std::int64_t z = 0; z < shape_[0]; ++z)
        for (std::int64_t y = 0; y < shape_[1]; ++y)
            for (std::int64_t x = 0; x < shape_[2]; ++x, ++index) {
                const std::uint8_t label = labels.data[index];
                ++voxels_[label];
                if (fixed == nullptr || fixed[index] == 0)
                    sites_[label].push_back(site_at({z, y, x}));
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
    if (voxel < 0 || voxel >= shape_.size())
        throw std::invalid_argument("a voxel index is outside the structure");
    const Site wanted = site_at(offset_of(voxel, shape_));
    for (const std::uint8_t label : present_) {
        const auto found = std::find(sites_[label].begin(), sites_[label].end(), wanted);
        if (found != sites_[label].end())
            return {label, static_cast<std::size_t>(found - sites_[label].begin())};
    }
    throw std::invalid_argument("a voxel index is that of a fixed voxel");
}

std::vector<std::uint8_t> SiteLists::labels() const {
    std::vector<std::uint8_t> result(start_);
    result.resize(static_cast<std::size_t>(shape_.size()));
    for (const std::uint8_t label : present_)
        for (const Site site : sites_[label]) result[flat(site)] = label;
    return result;
}

// Flat indices of the face neighbours of a voxel.
template <class Visit>
void SiteLists::for_each_neighbour(Site site, Visit&& visit) const {
    const Offset at = coordinates(site);
    const std::array<std::int64_t, 3> strides{shape_[1] * shape_[2], shape_[2], 1};
    const std::int64_t voxel = at[0] * strides[0] + at[1] * strides[1] + at[2];
    for (std::size_t axis = 0; axis < 3; ++axis) {
        const std::int64_t last = shape_.sides[axis] - 1, stride = strides[axis];
        if (last == 0) continue;  // wrapped, a voxel would be its own neighbour
        if (at[axis] > 0) {
            visit(static_cast<std::size_t>(voxel - stride));
        } else if (periodic_) {
            visit(static_cast<std::size_t>(voxel + last * stride));
        }
        if (at[axis] < last) {
            visit(static_cast<std::size_t>(voxel + stride));
        } else if (periodic_) {
            visit(static_cast<std::size_t>(voxel - last * stride));
        }
    }
}

std::size_t SiteLists::count_neighbours(Site site) const {
    const std::uint8_t mine = cells_[flat(site)].label;
    std::size_t count = 0;
    for_each_neighbour(site, [&](std::size_t other) { count += cells_[other].label != mine; });
    return count;
}

void SiteLists::sort_by_neighbours() {
    const std::vector<std::uint8_t> now = labels();
    cells_.resize(now.size());
    for (std::size_t voxel = 0; voxel < now.size(); ++voxel)
        cells_[voxel] = {0, now[voxel], 0, fixed_.empty() ? std::uint8_t{0} : fixed_[voxel]};
    ends_.assign(sites_.size(), {});
    weights_.fill(0);
    for (const std::uint8_t label : present_) {
        auto& ends = ends_[label];
        for (const Site site : sites_[label]) {
            const std::size_t c = count_neighbours(site);
            cells_[flat(site)].neighbours = static_cast<std::uint8_t>(c);
            weights_[label] += kWeights[c];
            for (std::size_t least = 0; least <= c; ++least) ++ends[least];
        }
        // Into stretches, in each in the order that they had.
        std::vector<Site> sorted(sites_[label].size());
        std::array<std::size_t, kClasses> next{};
        for (std::size_t c = 0; c < kClasses; ++c) next[c] = ends[c + 1];
        for (const Site site : sites_[label]) {
            Cell& cell = cells_[flat(site)];
            cell.index = static_cast<std::uint32_t>(next[cell.neighbours]++);
            sorted[cell.index] = site;
        }
        sites_[label] = std::move(sorted);
    }
}

void SiteLists::swap_places(std::uint8_t label, std::size_t a, std::size_t b) {
    auto& list = sites_[label];
    std::swap(list[a], list[b]);
    cells_[flat(list[a])].index = static_cast<std::uint32_t>(a);
    cells_[flat(list[b])].index = static_cast<std::uint32_t>(b);
}

// Moves a voxel from the stretch of its old class, through those between, to that of its new one.
void SiteLists::reclass(Cell& cell, std::size_t wanted) {
    if (cell.fixed != 0) return;  // it is in no list
    auto& ends = ends_[cell.label];
    std::size_t c = cell.neighbours;
    weights_[cell.label] += kWeights[wanted] - kWeights[c];
    for (; c < wanted; ++c) swap_places(cell.label, cell.index, ends[c + 1]++);
    for (; c > wanted; --c) swap_places(cell.label, cell.index, --ends[c]);
    cell.neighbours = static_cast<std::uint8_t>(c);
}

// What the change of a voxel's label does to the classes of its neighbours.
void SiteLists::reclass_neighbours(Site site, std::size_t besides, std::uint8_t before,
                                   std::uint8_t after) {
    for_each_neighbour(site, [&](std::size_t voxel) {
        Cell& cell = cells_[voxel];
        if (voxel == besides || cell.fixed != 0) return;
        if (cell.label == after) reclass(cell, cell.neighbours - 1U);
        if (cell.label == before) reclass(cell, cell.neighbours + 1U);
    });
}

void SiteLists::exchange(std::uint8_t label_a, std::size_t index_a, std::uint8_t label_b,
                         std::size_t index_b) {
    const Site a = sites_[label_a][index_a], b = sites_[label_b][index_b];
    std::swap(sites_[label_a][index_a], sites_[label_b][index_b]);
    if (!sorted()) return;
    // Each takes the place of the other, and with it its class, until both are looked at anew.
    const std::size_t voxel_a = flat(a), voxel_b = flat(b);
    std::swap(cells_[voxel_a], cells_[voxel_b]);
    reclass_neighbours(a, voxel_b, label_a, label_b);
    reclass_neighbours(b, voxel_a, label_b, label_a);
    reclass(cells_[voxel_a], count_neighbours(a));
    reclass(cells_[voxel_b], count_neighbours(b));
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
    if (!sorted) {
        cells_.clear();  // of other places
        return;
    }
    sort_by_neighbours();  // stable: lists in order keep it
    if (sites_ != sites) throw std::invalid_argument("the snapshot's lists are out of order");
}

}  // namespace microtwin
