// Where the voxels of each label are, in lists that voxels can be drawn from.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "microtwin/grid.hpp"

namespace microtwin {

// A voxel as z << 42 | y << 21 | x: no division to find its lines.
using Site = std::uint64_t;
inline constexpr unsigned kCoordinateBits = 21;

constexpr Site site_at(std::int64_t z, std::int64_t y, std::int64_t x) {
    return static_cast<Site>((((z << kCoordinateBits) | y) << kCoordinateBits) | x);
}
constexpr std::array<std::int64_t, 3> coordinates(Site site) {
    constexpr std::uint64_t kMask = (std::uint64_t{1} << kCoordinateBits) - 1;
    return {static_cast<std::int64_t>(site >> (2 * kCoordinateBits)),
            static_cast<std::int64_t>((site >> kCoordinateBits) & kMask),
            static_cast<std::int64_t>(site & kMask)};
}

// One list of sites for each label, without those that are fixed. Once sorted by neighbours, each
// list is in order of how many face neighbours of another label a voxel has, the most first, and
// stays so: any class of voxels is a stretch of its list, from which one is drawn at once.
class SiteLists {
  public:
    static constexpr std::size_t kClasses = 7;  // 0 .. 6 neighbours of another label

    // `fixed`, if any, has one byte a voxel: 1 where its label is not to change.
    SiteLists(const LabelView& labels, const std::uint8_t* fixed, bool periodic);

    std::size_t size(std::uint8_t label) const { return sites_[label].size(); }
    Site site(std::uint8_t label, std::size_t index) const { return sites_[label][index]; }
    const std::vector<Site>& of(std::uint8_t label) const { return sites_[label]; }
    // Labels that have voxels to exchange.
    const std::vector<std::uint8_t>& present() const { return present_; }
    std::size_t free() const { return free_; }                               // of all labels
    std::size_t voxels(std::uint8_t label) const { return voxels_[label]; }  // with the fixed ones
    // Site and position of a voxel in the list of its label.
    struct Found {
        std::uint8_t label;
        std::size_t index;
    };
    Found find(std::int64_t voxel) const;

    // Only once sorted: the place of a site in the list of its label.
    std::size_t index(Site site) const { return positions_[flat(site)]; }

    bool sorted() const { return !neighbours_.empty(); }
    void sort_by_neighbours();
    // How many voxels of a label have at least so many neighbours of another.
    std::size_t with_neighbours(std::uint8_t label, std::size_t least) const {
        return ends_[label][least];
    }
    std::size_t neighbours(std::uint8_t label, std::size_t index) const {
        return neighbours_[flat(sites_[label][index])];
    }

    // The structure as it is.
    std::vector<std::uint8_t> labels() const;

    // Exchanges the labels of two voxels.
    void exchange(std::uint8_t label_a, std::size_t index_a, std::uint8_t label_b,
                  std::size_t index_b);
    // Takes over lists, and their order, of the same voxels; throws std::invalid_argument if they
    // are others.
    void restore(const std::vector<std::vector<Site>>& sites, bool sorted);

  private:
    std::size_t flat(Site site) const;
    template <class Visit>
    void for_each_neighbour(Site site, Visit&& visit) const;
    std::size_t count_neighbours(Site site) const;
    void note_positions();
    void reclass(Site site, std::size_t wanted);
    void reclass_neighbours(Site site, Site besides, std::uint8_t before, std::uint8_t after);
    void swap_places(std::uint8_t label, std::size_t a, std::size_t b);

    Shape3 shape_;
    bool periodic_;
    std::vector<std::vector<Site>> sites_;  // by label
    std::vector<std::uint8_t> present_;
    std::size_t free_ = 0;
    std::array<std::size_t, 256> voxels_{};
    std::vector<std::uint8_t> start_;  // labels at the beginning; only where some are fixed
    std::vector<std::uint8_t> fixed_;  // one byte a voxel, or none
    // Only once sorted, one entry a voxel: its label, its place in the list, its class.
    std::vector<std::uint8_t> labels_, neighbours_;
    std::vector<std::uint32_t> positions_;
    // ends_[label][c]: where the voxels with at least c neighbours of another label end.
    std::vector<std::array<std::size_t, kClasses + 1>> ends_;
};

}  // namespace microtwin
