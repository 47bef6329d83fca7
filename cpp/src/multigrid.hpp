// The preconditioner of transport: one V-cycle over parts of parts of voxels.
//
// Aggregation with over-correction: D. Braess, Computing 55, 379 (1995); smoothing by red-black
// Gauss-Seidel, forwards before and backwards after, so that the cycle is symmetric.
#pragma once

#include <vector>

#include "coarse_graph.hpp"
#include "dense_network.hpp"

namespace microtwin {

struct Half;

class Multigrid {
  public:
    Multigrid(const VoxelNetwork& network, int threads);

    // z, in padded rows, is about the potential that the currents r drive.
    void cycle(const float* r, float* z);

    // The same by some sweeps over the voxels alone, which even out what neighbours disagree on.
    void smooth(const float* r, float* z, int sweeps) const;

    const VoxelParts& parts() const { return parts_; }
    const std::vector<CoarseGraph>& graphs() const { return graphs_; }
    const DenseNetwork& coarsest() const { return dense_; }

    // An edge around a periodic structure that leads to a voxel of the other colour.
    struct Around {
        std::int64_t to, from;
        float conductance;
    };
    // Those to voxels of a colour, which is 0 for the first.
    const std::vector<Around>& around(int colour) const {
        return around_[static_cast<std::size_t>(colour)];
    }

  private:
    Half half(std::int64_t row, int colour) const;
    void begin(const float* r, float* z) const;
    void sweep(int colour, const float* r, float* z) const;
    void restrict_voxels(const float* x);
    void prolong_voxels(float* x) const;
    void cycle_graphs();

    const VoxelNetwork& net_;
    int threads_;
    VoxelParts parts_;
    std::array<std::vector<Around>, 2> around_;  // for voxels of each colour
    std::vector<CoarseGraph> graphs_;
    std::vector<std::vector<float>> currents_, potentials_;  // of each graph
    DenseNetwork dense_;
    std::vector<double> exact_;
};

}  // namespace microtwin
