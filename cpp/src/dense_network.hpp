// Small networks, solved exactly.
#pragma once

#include <cstdint>
#include <vector>

#include "coarse_graph.hpp"

namespace microtwin {

// The equations of a network, factored: as L D L^T in double precision. Where a connected part has
// no ground its potential is free: that of its first member is 0.
class DenseNetwork {
  public:
    DenseNetwork() = default;
    explicit DenseNetwork(std::size_t size) { reset(size); }

    // Of so many members that nothing joins.
    void reset(std::size_t size) {
        size_ = size;
        lower_.assign(size * size, 0);
        pinned_.assign(size, 0);
    }

    void join(std::size_t i, std::size_t j, double conductance) {
        lower_[i * size_ + i] += conductance;
        lower_[j * size_ + j] += conductance;
        lower_[std::max(i, j) * size_ + std::min(i, j)] -= conductance;
    }
    void ground(std::size_t i, double conductance) { lower_[i * size_ + i] += conductance; }
    void pin(std::size_t i) { pinned_[i] = 1; }

    void factor();
    void solve(double* values) const;  // currents to potentials
    std::size_t size() const { return size_; }

  private:
    std::size_t size_ = 0;
    std::vector<double> lower_;
    std::vector<std::uint8_t> pinned_;
};

// Of a whole graph, with one part of every floating group pinned.
DenseNetwork dense_network(const CoarseGraph& graph);

}  // namespace microtwin
