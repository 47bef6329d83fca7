// Annealing by exchanges on an NVIDIA GPU: two-point and lineal-path curves along the axes, of up
// to 128 lags, weighted at will. No CUDA types here.
#pragma once

#include <cstdint>
#include <vector>

#include "microtwin/annealing.hpp"
#include "microtwin/targets.hpp"

namespace microtwin::cuda {

// How exchanges are drawn and accepted.
struct Orders {
    double level = 0.0;                    // a temperature or threshold; 0: greedy
    Proposals kind = Proposals::anywhere;  // or at_interfaces
    Rule rule = Rule::metropolis;          // or threshold
};

struct WalkOptions {
    bool periodic = true;
    std::uint64_t seed = 0;
    Orders orders{};
};

// Structures of one shape, one behind the other.
struct Replicas {
    const std::uint8_t* labels = nullptr;
    Shape3 shape;
    std::int64_t count = 0;

    LabelView view(std::int64_t replica) const { return {labels + replica * shape.size(), shape}; }
};

struct Annealed {
    std::vector<std::uint8_t> labels;
    std::vector<std::vector<std::vector<std::int64_t>>> hits;  // [structure][target][lag - 1]
    std::vector<std::int64_t> accepted;                        // of each structure
};

// One warp for each replica, which proposes so many exchanges; replica i draws from seed + i.
Annealed anneal_replicas(const Replicas& starts, const std::vector<TargetCurve>& targets,
                         const WalkOptions& options, std::int64_t proposals);

struct Sweeps {
    std::int64_t count = 1;
    std::int64_t proposals = 0;  // of one sweep, all blocks together
    std::int64_t block = 64;     // the least side of a block; no less than any lag
};

// One warp for each of many blocks of one volume, see blocks.hpp.
Annealed anneal_blocks(const LabelView& start, const std::vector<TargetCurve>& targets,
                       const WalkOptions& options, const Sweeps& sweeps);

// Both throw std::invalid_argument for what they do not know, before anything is done, and
// std::runtime_error with CUDA's message where a call fails.

}  // namespace microtwin::cuda
