// The clusters of a phase as voxels leave it and enter it, one by one: which voxels belong together
// before and after, found by looking at as little of the structure as will do.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "microtwin/grid.hpp"

namespace microtwin {

class ClusterIds {
  public:
    using Voxel = std::uint32_t;  // flat index
    using Id = std::uint32_t;     // 0: not in the phase

    // A list of voxels that lies in a longer one.
    struct Range {
        std::size_t begin, end;
    };
    // The clusters next to a voxel: one voxel of each. The largest comes first.
    struct Around {
        std::array<Voxel, 6> voxels;
        std::size_t count = 0;
    };

    ClusterIds(const LabelView& labels, std::uint8_t phase, bool periodic);

    Id id(Voxel voxel) const { return ids_[voxel]; }
    const Id* ids() const { return ids_.data(); }

    Around around(Voxel voxel) const;
    // Appends the voxels of the cluster of a voxel.
    void list_cluster(Voxel voxel, std::vector<Voxel>& voxels);
    // A voxel has just left a cluster. Appends the voxels of the parts that are cut off by that
    // from what goes on as the cluster; the parts lie one after the other, `parts` says where.
    void list_parts(Voxel left, Id cluster, std::vector<Voxel>& voxels, std::vector<Range>& parts);

    // An id that no voxel has, until voxels move to it.
    Id unused();
    // Gives another id to voxels that have the id `from`: to be kept, or undone.
    void move(const Voxel* voxels, std::size_t count, Id from, Id to);
    void keep();
    void undo();

  private:
    static constexpr std::size_t kMostNeighbours = 6;

    // A walk over a cluster from one of its voxels, wave after wave.
    struct Search {
        std::vector<Voxel> reached;
        std::size_t walked = 0;  // voxels whose neighbours have been looked at
        std::size_t set = 0;     // searches that have met are of one set

        bool open() const { return walked < reached.size(); }
    };
    struct Move {
        std::size_t begin;  // of its voxels in moved_
        Id from, to;
    };

    template <class See>
    void for_each_neighbour(Voxel voxel, See&& see) const;
    void relabel(const Voxel* voxels, std::size_t count, Id from, Id to);
    std::uint32_t neighbourhood(Voxel voxel, Id cluster) const;
    void start_searches(Voxel left, Id cluster);
    void step_search(std::size_t index, Id cluster);
    bool settled() const;
    std::size_t rest() const;
    void new_marks();

    Shape3 shape_;
    bool periodic_;
    std::vector<Id> ids_;
    std::vector<Voxel> sizes_;  // voxels of each id
    std::vector<Id> free_;      // ids without voxels; used and given back as a stack
    std::vector<std::uint8_t>
        border_;  // bit 2 k: the first of its side along axis k; 2 k + 1: last
    std::array<std::int64_t, 6> inward_{}, across_{};  // to neighbours, and those over the border
    int first_axis_;                                   // a single slice has none along z

    // Who has reached a voxel: the mark of the first search, and so on. Older marks are smaller.
    std::vector<std::uint32_t> marks_;
    // Begins where marks soon run out and all are cleared: what would else first be done after
    // hours is done in every test.
    std::uint32_t mark_ = std::numeric_limits<std::uint32_t>::max() - 1000;
    std::array<Search, kMostNeighbours> searches_;
    std::size_t searching_ = 0;  // how many of them are under way
    bool changed_ = false;       // a set has grown, or closed

    std::vector<Move> moves_;
    std::vector<Voxel> moved_;
};

}  // namespace microtwin
