// Where the voxels of each label are, in lists that voxels can be drawn from.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "microtwin/grid.hpp"

namespace microtwin {

// A voxel's coordinates side by side, as many bits each as the sides need: no division to find its
// lines, and half the memory of an index of 64 bits, which is what drawing at random waits for.
using Site = std::uint32_t;

// One list of sites for each label, without those that are fixed. Once sorted by neighbours, each
// list is in order of how many face neighbours of another label a voxel has, the most first, and
// stays so: any class of voxels is a stretch of its list, from which one is drawn at once.
class SiteLists {
  public:
    static constexpr std::size_t kClasses = 7;  // 0 .. 6 neighbours of another label
    // Drawn by neighbours, a voxel weighs the square of their number.
    static constexpr std::array<std::uint64_t, kClasses> kWeights{0, 1, 4, 9, 16, 25, 36};

    // `fixed`, if any, has one byte a voxel: 1 where its label is not to change.
    SiteLists(const LabelView& labels, const std::uint8_t* fixed, bool periodic);

    std::size_t size(std::uint8_t label) const { return sites_[label].size(); }
    Site site(std::uint8_t label, std::size_t index) const { return sites_[label][index]; }
    const std::vector<Site>& of(std::uint8_t label) const { return sites_[label]; }
    Offset coordinates(Site site) const {
        const std::uint64_t bits = site;  // all 32 of a site may be those of one side
        return {static_cast<std::int64_t>(bits >> shift_z_),
                static_cast<std::int64_t>((bits >> shift_y_) & mask_y_), site & mask_x_};
    }
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
    std::size_t index(Site site) const { return cells_[flat(site)].index; }

    bool sorted() const { return !cells_.empty(); }
    void sort_by_neighbours();
    // How many voxels of a label have at least so many neighbours of another.
    std::size_t with_neighbours(std::uint8_t label, std::size_t least) const {
        return ends_[label][least];
    }
    // What all voxels of a label weigh together.
    std::uint64_t weight(std::uint8_t label) const { return weights_[label]; }
    std::size_t neighbours(std::uint8_t label, std::size_t index) const {
        return cells_[flat(sites_[label][index])].neighbours;
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
    // What is known of a voxel once the lists are sorted.
    struct Cell {
        std::uint32_t index;  // in the list of its label
        std::uint8_t label, neighbours, fixed;
    };

    Site site_at(const Offset& at) const {
        return static_cast<Site>((at[0] << shift_z_) | (at[1] << shift_y_) | at[2]);
    }
    std::size_t flat(Site site) const {
        const auto [z, y, x] = coordinates(site);
        return static_cast<std::size_t>((z * shape_[1] + y) * shape_[2] + x);
    }
    template <class Visit>
    void for_each_neighbour(Site site, Visit&& visit) const;
    std::size_t count_neighbours(Site site) const;
    void reclass(Cell& cell, std::size_t wanted);
    void reclass_neighbours(Site site, std::size_t besides, std::uint8_t before,
                            std::uint8_t after);
    void swap_places(std::uint8_t label, std::size_t a, std::size_t b);

    Shape3 shape_;
    bool periodic_;
    unsigned shift_z_ = 0, shift_y_ = 0;
    Site mask_y_ = 0, mask_x_ = 0;
    std::vector<std::vector<Site>> sites_;  // by label
    std::vector<std::uint8_t> present_;
    std::size_t free_ = 0;
    std::array<std::size_t, 256> voxels_{};
    std::vector<std::uint8_t> start_;  // labels at the beginning; only where some are fixed
    std::vector<std::uint8_t> fixed_;  // one byte a voxel, or none
    std::vector<Cell> cells_;          // only once sorted
    // ends_[label][c]: where the voxels with at least c neighbours of another label end.
    std::vector<std::array<std::size_t, kClasses + 1>> ends_;
    std::array<std::uint64_t, 256> weights_{};
};

}  // namespace microtwin
