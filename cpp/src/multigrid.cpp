#include "multigrid.hpp"

#include <algorithm>

#include "microtwin/parallel.hpp"
#include "voxel_kernels.hpp"

namespace microtwin {
namespace {

constexpr std::int64_t kSolvedExactly = 128;  // parts

std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }

// What flows into part i from its neighbours.
float inflow(const CoarseGraph& graph, std::size_t i, const float* potentials) {
    float sum = 0;
    for (std::int64_t e = graph.begin[i]; e < graph.near[i]; ++e)
        sum += graph.conductance[index(e)] * potentials[graph.neighbour[index(e)]];
    return sum;
}

template <class Work>
void for_ranges(std::int64_t count, int threads, double nanoseconds_each, Work&& work) {
    const int workers = worthwhile(threads, nanoseconds_each * static_cast<double>(count));
    parallel_ranges(count, workers, 0,
                    [&](std::int64_t begin, std::int64_t end, int&) { work(begin, end); });
}

constexpr double kEachPart = 10;  // nanoseconds that a visit of a part takes, roughly

enum class Order { forwards, backwards };

// Relaxes the blocks of one colour, and the parts of each block one after the other.
void relax(const CoarseGraph& graph, int colour, Order order, int threads, const float* currents,
           float* x) {
    const double each =
        kEachPart * static_cast<double>(graph.size()) / static_cast<double>(graph.blocks.size());
    const auto relax_part = [&](std::size_t i) {
        if (graph.diagonal[i] > 0) x[i] = (currents[i] + inflow(graph, i, x)) / graph.diagonal[i];
    };
    for_ranges(graph.blocks.size(), threads, each, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t b = begin; b < end; ++b) {
            if (graph.colour[index(b)] != colour) continue;
            const auto first = index(graph.first[index(b)]),
                       last = index(graph.first[index(b + 1)]);
            if (order == Order::forwards)
                for (auto i = first; i < last; ++i) relax_part(i);
            else
                for (auto i = last; i-- > first;) relax_part(i);
        }
    });
}

}  // namespace

Multigrid::Multigrid(const VoxelNetwork& network, int threads) : net_(network), threads_(threads) {
    graphs_.push_back(coarsened(network, parts_, threads));
    while (graphs_.back().size() > kSolvedExactly && !graphs_.back().neighbour.empty())
        graphs_.push_back(coarsened(graphs_.back(), threads));
    const RowShape& rows = net_.rows;
    const auto colour = [&](std::int64_t q) {
        const std::int64_t row = q / rows.width, ny = rows.shape[1];
        return index((row / ny + row % ny + q % rows.width) & 1);
    };
    for (const Seam& seam : net_.seams) {
        if (colour(seam.last) == colour(seam.first)) continue;
        around_[colour(seam.last)].push_back({seam.last, seam.first, seam.conductance});
        around_[colour(seam.first)].push_back({seam.first, seam.last, seam.conductance});
    }
    for (const CoarseGraph& graph : graphs_) {
        currents_.emplace_back(index(graph.size()));
        potentials_.emplace_back(index(graph.size()));
    }
    // Parts that nothing joins need no equations of many unknowns.
    if (!graphs_.back().neighbour.empty()) {
        dense_ = dense_network(graphs_.back());
        exact_.resize(dense_.size());
    }
}

void Multigrid::cycle(const float* r, float* z) {
    begin(r, z);
    sweep(1, r, z);
    restrict_voxels(z);
    cycle_graphs();
    prolong_voxels(z);
    sweep(1, r, z);
    sweep(0, r, z);
}

void Multigrid::smooth(const float* r, float* z, int sweeps) const {
    begin(r, z);
    sweep(1, r, z);
    for (int i = 1; i < sweeps; ++i) {
        sweep(0, r, z);
        sweep(1, r, z);
    }
}

Half Multigrid::half(std::int64_t row, int colour) const {
    const std::int64_t ny = net_.rows.shape[1];
    return {static_cast<int>((row / ny + row % ny + colour) & 1)};
}

// A half-sweep over the first colour, from zero.
void Multigrid::begin(const float* r, float* z) const {
    const double each_row = static_cast<double>(net_.rows.width) / 2;
    for_ranges(net_.rows.rows(), threads_, each_row, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t row = begin; row < end; ++row) {
            const NetworkRow at(net_, row);
            begin_half(at, half(row, 0), r + at.at, z + at.at);
        }
    });
}

void Multigrid::sweep(int colour, const float* r, float* z) const {
    const auto each_row = static_cast<double>(net_.rows.width);
    for_ranges(net_.rows.rows(), threads_, each_row, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t row = begin; row < end; ++row) {
            const NetworkRow at(net_, row);
            relax_half(at, half(row, colour), r + at.at, z + at.at);
        }
    });
    // Around the edges: voxels of one colour do not depend on each other.
    for (const auto& [to, from, conductance] : around_[index(colour)])
        z[to] += conductance * z[from] * net_.inverse[to];
}

// After both half-sweeps from zero all equations of the second half hold, and in the first half
// only what flows in from the second is left over.
void Multigrid::restrict_voxels(const float* x) {
    const CoarseGraph& graph = graphs_.front();
    const Shape3 &blocks = graph.blocks, &shape = net_.rows.shape;
    std::vector<float>& currents = currents_.front();
    const double each = 4.0 * static_cast<double>(net_.rows.width);
    for_ranges(blocks[0] * blocks[1], threads_, each, [&](std::int64_t begin, std::int64_t end) {
        std::fill(currents.begin() + graph.first[index(begin * blocks[2])],
                  currents.begin() + graph.first[index(end * blocks[2])], 0.0F);
        std::vector<float> inflow(index(net_.rows.width));
        for (std::int64_t b = begin; b < end; ++b)
            for (int i = 0; i < 4; ++i) {
                const std::int64_t z = b / blocks[1] * 2 + i / 2, y = b % blocks[1] * 2 + i % 2;
                if (z >= shape[0] || y >= shape[1]) continue;
                const NetworkRow at(net_, z * shape[1] + y);
                const Half half{static_cast<int>((z + y) & 1)};
                inflow_of_half(at, half, x + at.at, inflow.data());
                const std::int32_t* part = parts_.part.data() + at.at;
                for (std::int64_t k = half.second; k < shape[2]; k += 2)
                    currents[index(part[k])] += inflow[index(k)];
            }
    });
    for (const auto& [to, from, conductance] : around_[0])
        currents[index(parts_.part[to])] += conductance * x[from];
}

void Multigrid::prolong_voxels(float* x) const {
    const std::vector<float>& potentials = potentials_.front();
    const std::int64_t ny = net_.rows.shape[1], nx = net_.rows.shape[2];
    for_ranges(net_.rows.rows(), threads_, static_cast<double>(nx),
               [&](std::int64_t begin, std::int64_t end) {
                   for (std::int64_t row = begin; row < end; ++row) {
                       float* own = x + row * net_.rows.width;
                       const std::int32_t* part = parts_.part.data() + row * net_.rows.width;
                       for (std::int64_t k = (row / ny + row % ny) & 1; k < nx; k += 2)
                           own[k] += potentials[index(part[k])];
                   }
               });
}

void Multigrid::cycle_graphs() {
    const std::size_t last = graphs_.size() - 1;
    for (std::size_t l = 0; l < last; ++l) {
        const CoarseGraph &graph = graphs_[l], &next = graphs_[l + 1];
        const float* b = currents_[l].data();
        float* x = potentials_[l].data();
        std::fill_n(x, graph.size(), 0.0F);
        for (int colour = 0; colour < graph.colours; ++colour)
            relax(graph, colour, Order::forwards, threads_, b, x);
        for_ranges(next.size(), threads_, 4 * kEachPart, [&](std::int64_t begin, std::int64_t end) {
            for (auto p = index(begin); p < index(end); ++p) {
                float sum = 0;
                for (std::int64_t m = next.member_begin[p]; m < next.member_begin[p + 1]; ++m) {
                    const auto i = index(next.member[index(m)]);
                    sum += b[i] - graph.diagonal[i] * x[i] + inflow(graph, i, x);
                }
                currents_[l + 1][p] = sum;
            }
        });
    }
    if (dense_.size() > 0) {
        std::copy(currents_[last].begin(), currents_[last].end(), exact_.begin());
        dense_.solve(exact_.data());
        std::transform(exact_.begin(), exact_.end(), potentials_[last].begin(),
                       [](double value) { return static_cast<float>(value); });
    } else {
        for (std::size_t i = 0; i < potentials_[last].size(); ++i)
            potentials_[last][i] =
                graphs_[last].diagonal[i] > 0 ? currents_[last][i] / graphs_[last].diagonal[i] : 0;
    }
    for (std::size_t l = last; l-- > 0;) {
        const CoarseGraph& graph = graphs_[l];
        const float* from = potentials_[l + 1].data();
        float* x = potentials_[l].data();
        for_ranges(graph.size(), threads_, 1, [&](std::int64_t begin, std::int64_t end) {
            for (auto i = index(begin); i < index(end); ++i)
                if (graph.parent[i] >= 0) x[i] += from[graph.parent[i]];
        });
        for (int colour = graph.colours; colour-- > 0;)
            relax(graph, colour, Order::backwards, threads_, currents_[l].data(), x);
    }
}

}  // namespace microtwin
