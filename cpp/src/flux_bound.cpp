#include "flux_bound.hpp"

#include <array>

#include "microtwin/parallel.hpp"

namespace microtwin {
namespace {

std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }

// Fluxes of one network as drops: what flows through an edge over its conductance. What that edge
// stands for in the finer network shares the flux as it makes up the conductance.
struct Drops {
    std::vector<double> edge;    // of each edge, away from the part whose edge it is
    std::vector<double> ground;  // of each part
};

template <class T>
class Balance {
  public:
    Balance(const VoxelNetwork& net, const Multigrid& grids, T* sources, int threads)
        : net_(net), part_(grids.parts().part), halfway_(grids.parts().halfway),
          graphs_(grids.graphs()), grids_(grids), sources_(sources), threads_(threads) {}

    double energy() {
        gather();
        Drops drops = coarsest();
        for (std::size_t l = graphs_.size() - 1; l-- > 0;) drops = finer(l, drops);
        return voxels(drops);
    }

  private:
    // The sources in each part of each network.
    void gather() {
        for (const CoarseGraph& graph : graphs_) parts_.emplace_back(index(graph.size()), 0.0);
        const RowShape& rows = net_.rows;
        const Shape3& blocks = graphs_.front().blocks;
        const auto work = static_cast<double>(rows.size());
        parallel_ranges(blocks[0] * blocks[1], worthwhile(threads_, 2 * work), 0,
                        [&](std::int64_t begin, std::int64_t end, int&) {
                            for (std::int64_t b = begin; b < end; ++b) gather_voxels(b);
                        });
        for (std::size_t l = 0; l + 1 < graphs_.size(); ++l)
            for (std::size_t i = 0; i < parts_[l].size(); ++i)
                if (graphs_[l].parent[i] >= 0)
                    parts_[l + 1][index(graphs_[l].parent[i])] += parts_[l][i];
    }

    // Of a row of blocks: parts do not reach beyond it.
    void gather_voxels(std::int64_t row) {
        const RowShape& rows = net_.rows;
        const std::int64_t wide = graphs_.front().blocks[1];
        for (std::int64_t i = 0; i < 4; ++i) {
            const std::int64_t z = row / wide * 2 + i / 2, y = row % wide * 2 + i % 2;
            if (z >= rows.shape[0] || y >= rows.shape[1]) continue;
            const std::int64_t begin = rows.at(z, y, 0);
            for (std::int64_t q = begin; q < begin + rows.shape[2]; ++q)
                parts_[0][index(part_[q])] += static_cast<double>(sources_[q]);
        }
    }

    Drops coarsest() const {
        const CoarseGraph& graph = graphs_.back();
        std::vector<double> potential = parts_.back();
        if (grids_.coarsest().size() > 0)
            grids_.coarsest().solve(potential.data());
        else
            for (std::size_t i = 0; i < potential.size(); ++i)
                potential[i] = graph.ground[i] > 0 ? potential[i] / graph.ground[i] : 0;
        Drops drops;
        drops.ground.resize(potential.size());
        drops.edge.resize(graph.neighbour.size());
        for (std::size_t i = 0; i < potential.size(); ++i) {
            drops.ground[i] = potential[i];
            for (std::int64_t e = graph.begin[i]; e < graph.begin[i + 1]; ++e)
                drops.edge[index(e)] = potential[i] - potential[index(graph.neighbour[index(e)])];
        }
        return drops;
    }

    // What leads from one part to another, of a graph and what flows in it.
    static double drop(const CoarseGraph& graph, const Drops& drops, std::int32_t from,
                       std::int32_t to) {
        for (std::int64_t e = graph.begin[index(from)]; e < graph.begin[index(from) + 1]; ++e)
            if (graph.neighbour[index(e)] == to) return drops.edge[index(e)];
        return 0;
    }

    // The drop of an edge that is lengthened in the coarser network, from the drop there.
    static double shared(float conductance, float halfway, double above) {
        return above / (1 + static_cast<double>(conductance) * static_cast<double>(halfway));
    }

    // The drop of an edge between two voxels of different parts, from that between these.
    double between(std::int64_t from, std::int64_t to, float g, double above) const {
        return shared(g, halfway_[from] + halfway_[to], above);
    }

    // The drop between two parts of voxels; the same two are asked for again and again.
    struct Known {
        std::int32_t from = -1, to = -1;
        double drop = 0;
    };
    double known(const Drops& drops, std::int32_t from, std::int32_t to, Known& last) const {
        if (from != last.from || to != last.to)
            last = {from, to, drop(graphs_.front(), drops, from, to)};
        return last.drop;
    }

    Drops finer(std::size_t l, const Drops& above) const {
        const CoarseGraph &graph = graphs_[l], &next = graphs_[l + 1];
        Drops drops;
        drops.ground.resize(index(graph.size()));
        drops.edge.resize(graph.neighbour.size());
        const double work = 200.0 * static_cast<double>(graph.size());
        parallel_ranges(next.size(), worthwhile(threads_, work), 0,
                        [&](std::int64_t begin, std::int64_t end, int&) {
                            DenseNetwork inside;
                            for (std::int64_t p = begin; p < end; ++p)
                                within(l, static_cast<std::int32_t>(p), above, inside, drops);
                        });
        return drops;
    }

    // In one part; `inside` is room for its equations.
    void within(std::size_t l, std::int32_t p, const Drops& above, DenseNetwork& inside,
                Drops& drops) const {
        const CoarseGraph &graph = graphs_[l], &next = graphs_[l + 1];
        const std::int64_t begin = next.member_begin[index(p)];
        const auto count = index(next.member_begin[index(p) + 1] - begin);
        inside.reset(count);
        std::array<double, kMembers> left{};
        const auto place = [&](std::int32_t part) {
            const auto first = next.member.begin() + begin;
            return index(std::find(first, first + static_cast<std::int64_t>(count), part) - first);
        };
        for (std::size_t m = 0; m < count; ++m) {
            const auto i = index(next.member[index(begin) + m]);
            left[m] = parts_[l][i];
            drops.ground[i] = shared(graph.ground[i], graph.halfway[i], above.ground[index(p)]);
            left[m] -= graph.ground[i] * drops.ground[i];
            for (std::int64_t e = graph.begin[i]; e < graph.begin[i + 1]; ++e) {
                const std::int32_t j = graph.neighbour[index(e)], q = graph.parent[index(j)];
                const double g = graph.conductance[index(e)];
                if (q != p) {
                    drops.edge[index(e)] =
                        shared(graph.conductance[index(e)],
                               graph.halfway[i] + graph.halfway[index(j)], drop(next, above, p, q));
                    left[m] -= g * drops.edge[index(e)];
                } else if (const std::size_t other = place(j); m < other) {
                    inside.join(m, other, g);
                }
            }
        }
        if (count == 1) return;
        inside.pin(0);
        inside.factor();
        inside.solve(left.data());
        for (std::size_t m = 0; m < count; ++m) {
            const auto i = index(next.member[index(begin) + m]);
            for (std::int64_t e = graph.begin[i]; e < graph.begin[i + 1]; ++e)
                if (const std::int32_t j = graph.neighbour[index(e)]; graph.parent[index(j)] == p)
                    drops.edge[index(e)] = left[m] - left[place(j)];
        }
    }

    double voxels(const Drops& drops) {
        double energy = 0;
        for (const Contact& contact : net_.contacts) {
            const double drop = shared(contact.conductance, halfway_[contact.voxel],
                                       drops.ground[index(part_[contact.voxel])]);
            sources_[contact.voxel] -= static_cast<T>(contact.conductance * drop);
            energy += contact.conductance * drop * drop;
        }
        for (const Seam& seam : net_.seams) {
            if (part_[seam.last] == part_[seam.first]) continue;
            const double through =
                between(seam.last, seam.first, seam.conductance,
                        drop(graphs_.front(), drops, part_[seam.last], part_[seam.first]));
            sources_[seam.last] -= static_cast<T>(seam.conductance * through);
            sources_[seam.first] += static_cast<T>(seam.conductance * through);
            energy += seam.conductance * through * through;
        }
        const Shape3& blocks = graphs_.front().blocks;
        std::vector<double> of_rows(index(blocks[0] * blocks[1]));
        const double work = 500.0 * static_cast<double>(blocks.size());
        parallel_ranges(blocks[0] * blocks[1], worthwhile(threads_, work), 0,
                        [&](std::int64_t begin, std::int64_t end, int&) {
                            for (std::int64_t b = begin; b < end; ++b)
                                for (std::int64_t x = 0; x < blocks[2]; ++x)
                                    of_rows[index(b)] +=
                                        block({b / blocks[1], b % blocks[1], x}, drops);
                        });
        for (const double part : of_rows) energy += part;
        return energy;
    }

    double block(const Offset& at, const Drops& drops) const {
        const RowShape& rows = net_.rows;
        std::array<std::int64_t, 8> voxel{};
        std::array<double, 8> left{};
        std::array<std::array<double, 3>, 8> inside{};  // conductance to the next within the block
        std::array<std::array<Known, 2>, 3> last;
        double energy = 0;
        bool any = false;
        for (unsigned i = 0; i < 8; ++i) {
            const Offset own{2 * at[0] + (i >> 2), 2 * at[1] + (i >> 1 & 1U), 2 * at[2] + (i & 1U)};
            voxel[i] = -1;
            if (own[0] >= rows.shape[0] || own[1] >= rows.shape[1] || own[2] >= rows.shape[2])
                continue;
            const std::int64_t q = rows.at(own[0], own[1], own[2]);
            if (!(net_.inverse[q] > 0)) continue;
            any = true;
            voxel[i] = q;
            left[i] = static_cast<double>(sources_[q]);
            const std::int32_t part = part_[q];
            for (unsigned axis = 0; axis < 3; ++axis) {
                const std::int64_t step = rows.stride(static_cast<int>(axis));
                const float* along = net_.conductance[axis].data();
                const auto cross = [&](std::int64_t other, float g, bool count) {
                    const double through = between(
                        q, other, g, known(drops, part, part_[other], last[axis][count ? 1 : 0]));
                    left[i] -= g * through;
                    if (count) energy += g * through * through;
                };
                if (const float g = along[q]; g > 0) {
                    if (part_[q + step] == part)
                        inside[i][axis] = g;
                    else
                        cross(q + step, g, true);
                }
                if (const float g = along[q - step]; g > 0 && part_[q - step] != part)
                    cross(q - step, g, false);
            }
        }
        if (!any) return 0;
        const bool uniform = all_alike(inside);
        return energy + (uniform ? within_alike(left, inside[0][0]) : within(voxel, left, inside));
    }

    // Whether the eight voxels of a block are one part, all joined alike.
    static bool all_alike(const std::array<std::array<double, 3>, 8>& inside) {
        const double g = inside[0][0];
        if (!(g > 0)) return false;
        for (unsigned i = 0; i < 8; ++i)
            for (unsigned axis = 0; axis < 3; ++axis)
                if ((i & 4U >> axis) == 0 && inside[i][axis] != g) return false;
        return true;
    }

    // As `within`, for such a block: what is left over, as a sum of products of signs (+ + or + -
    // along each axis), drives the potential 1 / (2 g n) times that, with n the signs that change.
    static double within_alike(std::array<double, 8>& left, double g) {
        for (const unsigned step : {1U, 2U, 4U})
            for (unsigned i = 0; i < 8; ++i)
                if ((i & step) == 0) {
                    const double a = left[i], b = left[i + step];
                    left[i] = a + b;
                    left[i + step] = a - b;
                }
        const double one = left[1] * left[1] + left[2] * left[2] + left[4] * left[4];
        const double two = left[3] * left[3] + left[5] * left[5] + left[6] * left[6];
        return (one + two / 2 + left[7] * left[7] / 3) / (16 * g);
    }

    // The energy of what flows within the parts of a block to even out what is left over.
    double within(const std::array<std::int64_t, 8>& voxel, std::array<double, 8>& left,
                  const std::array<std::array<double, 3>, 8>& inside) const {
        std::array<std::array<double, 8>, 8> a{};
        std::array<bool, 8> pinned{};
        constexpr std::array<unsigned, 3> kStep{4, 2, 1};
        for (unsigned i = 0; i < 8; ++i)
            for (unsigned axis = 0; axis < 3; ++axis)
                if (const double g = inside[i][axis]; g > 0) {
                    const unsigned j = i + kStep[axis];
                    a[i][i] += g;
                    a[j][j] += g;
                    a[j][i] -= g;
                }
        for (unsigned i = 0; i < 8; ++i) {  // the first voxel of each part
            pinned[i] = true;
            for (unsigned j = 0; j < i && pinned[i] && voxel[i] >= 0; ++j)
                pinned[i] = voxel[j] < 0 || part_[voxel[j]] != part_[voxel[i]];
        }
        for (unsigned i = 0; i < 8; ++i) {
            if (pinned[i]) {
                left[i] = 0;
                continue;
            }
            for (unsigned j = 0; j < i; ++j) {
                if (pinned[j]) continue;
                double sum = a[i][j];
                for (unsigned k = 0; k < j; ++k)
                    if (!pinned[k]) sum -= a[i][k] * a[j][k] * a[k][k];
                a[i][j] = sum / a[j][j];
                left[i] -= a[i][j] * left[j];
            }
            for (unsigned k = 0; k < i; ++k)
                if (!pinned[k]) a[i][i] -= a[i][k] * a[i][k] * a[k][k];
        }
        for (unsigned i = 8; i-- > 0;) {
            if (pinned[i]) continue;
            left[i] /= a[i][i];
            for (unsigned k = i + 1; k < 8; ++k)
                if (!pinned[k]) left[i] -= a[k][i] * left[k];
        }
        double energy = 0;
        for (unsigned i = 0; i < 8; ++i)
            for (unsigned axis = 0; axis < 3; ++axis)
                if (const double g = inside[i][axis]; g > 0) {
                    const double drop = left[i] - left[i + kStep[axis]];
                    energy += g * drop * drop;
                }
        return energy;
    }

    const VoxelNetwork& net_;
    const Padded<std::int32_t>& part_;
    const Padded<float>& halfway_;
    const std::vector<CoarseGraph>& graphs_;
    const Multigrid& grids_;
    T* sources_;
    int threads_;
    std::vector<std::vector<double>> parts_;  // sources in the parts of each network
};

}  // namespace

double energy_of_imbalance(const VoxelNetwork& network, const Multigrid& grids, float* sources,
                           int threads) {
    return Balance(network, grids, sources, threads).energy();
}

double energy_of_imbalance(const VoxelNetwork& network, const Multigrid& grids, double* sources,
                           int threads) {
    return Balance(network, grids, sources, threads).energy();
}

}  // namespace microtwin
