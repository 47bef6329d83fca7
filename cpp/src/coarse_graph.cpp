#include "coarse_graph.hpp"

#include <algorithm>
#include <array>

#include "microtwin/parallel.hpp"
#include "voxel_kernels.hpp"

namespace microtwin {
namespace {

std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }

Shape3 halved(const Shape3& shape) {
    return {{(shape[0] + 1) / 2, (shape[1] + 1) / 2, (shape[2] + 1) / 2}};
}

struct Edge {
    std::int32_t neighbour;
    float conductance;
};

// Edges of one part, with those to the same neighbour added up.
class Edges {
  public:
    void add(std::int32_t neighbour, float conductance) {
        for (Edge& edge : edges_)
            if (edge.neighbour == neighbour) {
                edge.conductance += conductance;
                return;
            }
        edges_.push_back({neighbour, conductance});
    }
    // Appends them to a graph as those of its next part, which is in a block of parts begin..end
    // that has a colour.
    void close(CoarseGraph& graph, const std::vector<std::uint8_t>& colours, std::int32_t begin,
               std::int32_t end) {
        const auto is_near = [&](const Edge& e) {
            return (e.neighbour >= begin && e.neighbour < end) ||
                   colours[index(e.neighbour)] != colours[index(begin)];
        };
        float sum = graph.ground[graph.near.size()];
        const std::size_t before = graph.neighbour.size();
        const auto append = [&](bool near) {
            for (const Edge& edge : edges_) {
                if (is_near(edge) != near) continue;
                graph.neighbour.push_back(edge.neighbour);
                graph.conductance.push_back(edge.conductance);
                sum += edge.conductance;
            }
        };
        append(true);
        graph.near.push_back(static_cast<std::int64_t>(graph.neighbour.size()));
        if (graph.neighbour.size() - before < edges_.size()) append(false);
        graph.begin.push_back(static_cast<std::int64_t>(graph.neighbour.size()));
        graph.diagonal.push_back(sum);
        edges_.clear();
    }

  private:
    std::vector<Edge> edges_;
};

// Puts together the edges of all parts from those of ranges of parts.
void append(const std::vector<CoarseGraph>& pieces, CoarseGraph& graph) {
    std::size_t parts = 0, edges = 0;
    for (const CoarseGraph& piece : pieces) {
        parts += piece.near.size();
        edges += piece.neighbour.size();
    }
    graph.begin.reserve(parts + 1);
    graph.near.reserve(parts);
    graph.diagonal.reserve(parts);
    graph.neighbour.reserve(edges);
    graph.conductance.reserve(edges);
    graph.begin.push_back(0);
    for (const CoarseGraph& piece : pieces) {
        const std::int64_t before = graph.begin.back();
        for (const std::int64_t end : piece.begin) graph.begin.push_back(before + end);
        for (const std::int64_t end : piece.near) graph.near.push_back(before + end);
        const auto add = [](auto& all, const auto& more) {
            all.insert(all.end(), more.begin(), more.end());
        };
        add(graph.neighbour, piece.neighbour);
        add(graph.conductance, piece.conductance);
        add(graph.diagonal, piece.diagonal);
    }
}

// Colours blocks; returns the colour of each part.
std::vector<std::uint8_t> colour(CoarseGraph& graph) {
    const Shape3& blocks = graph.blocks;
    std::vector<std::uint8_t> of_parts(index(graph.first.back()));
    graph.colour.resize(index(blocks.size()));
    for (std::int64_t b = 0; b < blocks.size(); ++b) {
        const Offset at = offset_of(b, blocks);
        auto colour = static_cast<std::uint8_t>((at[0] + at[1] + at[2]) & 1);
        for (int axis = 0; axis < 3; ++axis)
            if (graph.periodic[index(axis)] && blocks[axis] % 2 == 1 && blocks[axis] > 1 &&
                at[index(axis)] == blocks[axis] - 1) {
                colour |= 2;
                graph.colours = 4;
            }
        graph.colour[index(b)] = colour;
        std::fill(of_parts.begin() + graph.first[index(b)],
                  of_parts.begin() + graph.first[index(b + 1)], colour);
    }
    return of_parts;
}

// Which part of a block each of its eight voxels is in: 1, 2, ..., or 0 where nothing flows. Voxel
// 4 dz + 2 dy + dx.
struct BlockParts {
    std::array<std::uint8_t, 8> part{};
    std::uint8_t count = 0;
};

class VoxelCoarsener {
  public:
    VoxelCoarsener(const VoxelNetwork& fine, VoxelParts& parts, int threads)
        : fine_(fine), rows_(fine.rows), part_(parts.part), halfway_(parts.halfway),
          threads_(threads) {}

    CoarseGraph coarsen() {
        graph_.blocks = halved(rows_.shape);
        for (const Seam& seam : fine_.seams) graph_.periodic[index(seam.axis)] = true;
        number_parts();
        find_halfway();
        colours_ = colour(graph_);
        add_ground();
        join();
        return std::move(graph_);
    }

  private:
    bool inside(std::int64_t z, std::int64_t y, std::int64_t x) const {
        return z < rows_.shape[0] && y < rows_.shape[1] && x < rows_.shape[2];
    }
    std::int64_t voxel(const Offset& block, unsigned i) const {
        const std::int64_t z = 2 * block[0] + (i >> 2), y = 2 * block[1] + (i >> 1 & 1U),
                           x = 2 * block[2] + (i & 1U);
        return inside(z, y, x) ? rows_.at(z, y, x) : -1;
    }

    float strongest(std::int64_t q) const {
        float most = 0;
        for (int axis = 0; axis < 3; ++axis) {
            const float* along = fine_.conductance[index(axis)].data();
            most = std::max({most, along[q], along[q - rows_.stride(axis)]});
        }
        return most;
    }

    BlockParts parts_of(const Offset& block) const {
        std::array<float, 8> strength{};
        std::array<std::int64_t, 8> q{};
        std::array<bool, 8> conducts{};
        for (unsigned i = 0; i < 8; ++i) {
            q[i] = voxel(block, i);
            conducts[i] = q[i] >= 0 && fine_.inverse[q[i]] > 0;
            if (conducts[i]) strength[i] = strongest(q[i]);
        }
        BlockParts found;
        std::array<unsigned, 8> waiting{};
        for (unsigned seed = 0; seed < 8; ++seed) {
            if (!conducts[seed] || found.part[seed] != 0) continue;
            found.part[seed] = ++found.count;
            waiting[0] = seed;
            for (unsigned count = 1; count > 0;) {
                const unsigned i = waiting[--count];
                for (unsigned axis = 0; axis < 3; ++axis) {
                    const unsigned j = i ^ (4U >> axis);
                    if (!conducts[j] || found.part[j] != 0) continue;
                    const float g = fine_.conductance[axis][std::min(q[i], q[j])];
                    if (g > 0 && g >= kStrong * std::max(strength[i], strength[j])) {
                        found.part[j] = found.count;
                        waiting[count++] = j;
                    }
                }
            }
        }
        return found;
    }

    void number_parts() {
        const std::int64_t count = graph_.blocks.size(), wide = graph_.blocks[2];
        std::vector<BlockParts> parts(index(count));
        const int workers = worthwhile(threads_, 50.0 * static_cast<double>(count));
        parallel_ranges(count, workers, 0, [&](std::int64_t begin, std::int64_t end, int&) {
            for (std::int64_t b = begin; b < end; ++b)
                parts[index(b)] = parts_of(offset_of(b, graph_.blocks));
        });
        graph_.first.resize(index(count + 1));
        std::int32_t next = 0;
        for (std::int64_t b = 0; b < count; ++b) {
            graph_.first[index(b)] = next;
            if (b % wide == 0) ++next;  // the empty part
            next += parts[index(b)].count;
        }
        graph_.first[index(count)] = next;
        part_ = Padded<std::int32_t>(rows_.size(), rows_.stride(0) + 16);
        parallel_ranges(count, workers, 0, [&](std::int64_t begin, std::int64_t end, int&) {
            for (std::int64_t b = begin; b < end; ++b) number_voxels(b, parts[index(b)]);
        });
    }

    void number_voxels(std::int64_t b, const BlockParts& parts) {
        const Offset block = offset_of(b, graph_.blocks);
        const std::int64_t wide = graph_.blocks[2];
        const std::int32_t empty = graph_.first[index(b - b % wide)];
        const std::int32_t before = graph_.first[index(b)] + (b % wide == 0 ? 1 : 0) - 1;
        for (unsigned i = 0; i < 8; ++i)
            if (const std::int64_t q = voxel(block, i); q >= 0)
                part_[q] = parts.part[i] > 0 ? before + parts.part[i] : empty;
        if (b % wide != wide - 1) return;
        for (unsigned i = 0; i < 8; i += 2)  // what is left of its rows is padding
            if (const std::int64_t z = 2 * block[0] + (i >> 2), y = 2 * block[1] + (i >> 1 & 1U);
                inside(z, y, 0))
                std::fill_n(&part_[rows_.at(z, y, rows_.shape[2])], rows_.width - rows_.shape[2],
                            empty);
    }

    void find_halfway() {
        halfway_ = Padded<float>(rows_.size(), rows_.stride(0) + 16);
        const auto work = 2 * static_cast<double>(rows_.size());
        parallel_ranges(rows_.rows(), worthwhile(threads_, work), 0,
                        [&](std::int64_t begin, std::int64_t end, int&) {
                            for (std::int64_t row = begin; row < end; ++row) {
                                const NetworkRow at(fine_, row);
                                halfway_of_row(at, part_.data() + at.at, halfway_.data() + at.at);
                            }
                        });
    }

    void add_ground() {
        graph_.ground.assign(index(graph_.first.back()), 0);
        for (const Contact& contact : fine_.contacts)
            graph_.ground[index(part_[contact.voxel])] +=
                lengthened(contact.conductance, halfway_[contact.voxel]);
    }

    // Each row of blocks is joined by itself, and the rows put together.
    void join() {
        const std::int64_t wide = graph_.blocks[2], rows = graph_.blocks.size() / wide;
        seams_ = fine_.seams;
        for (const Seam& seam : fine_.seams)
            seams_.push_back({seam.first, seam.last, seam.conductance, seam.axis});
        std::sort(seams_.begin(), seams_.end(), [&](const Seam& a, const Seam& b) {
            return std::pair(part_[a.last], a.first) < std::pair(part_[b.last], b.first);
        });
        const double work = 100.0 * static_cast<double>(graph_.blocks.size());
        const auto pieces = parallel_ranges(
            rows, worthwhile(threads_, work), CoarseGraph{},
            [&](std::int64_t begin, std::int64_t end, CoarseGraph& piece) {
                const auto from = graph_.ground.begin() + graph_.first[index(begin * wide)];
                const auto to = graph_.ground.begin() + graph_.first[index(end * wide)];
                piece.ground.assign(from, to);
                piece.neighbour.reserve(6 * piece.ground.size());
                piece.conductance.reserve(6 * piece.ground.size());
                std::array<Edges, 9> edges;  // of each part of a block, and the empty one
                for (std::int64_t b = begin * wide; b < end * wide; ++b)
                    join_block(b, edges, piece);
            });
        append(pieces, graph_);
    }

    void join_block(std::int64_t b, std::array<Edges, 9>& edges, CoarseGraph& piece) const {
        const Offset block = offset_of(b, graph_.blocks);
        const std::int32_t begin = graph_.first[index(b)], end = graph_.first[index(b + 1)];
        for (unsigned i = 0; i < 8; ++i) {
            const std::int64_t q = voxel(block, i);
            if (q < 0 || !(fine_.inverse[q] > 0)) continue;
            const std::int32_t part = part_[q];
            const float own = halfway_[q];
            for (int axis = 0; axis < 3; ++axis) {
                const float* along = fine_.conductance[index(axis)].data();
                const std::int64_t step = rows_.stride(axis);
                const auto add = [&](std::int64_t other, float g) {
                    if (g > 0 && part_[other] != part)
                        edges[index(part - begin)].add(part_[other],
                                                       lengthened(g, own + halfway_[other]));
                };
                add(q + step, along[q]);
                add(q - step, along[q - step]);
            }
        }
        for (std::int32_t i = begin; i < end; ++i) {
            auto seam = std::lower_bound(
                seams_.begin(), seams_.end(), i,
                [&](const Seam& s, std::int32_t value) { return part_[s.last] < value; });
            for (; seam != seams_.end() && part_[seam->last] == i; ++seam)
                if (part_[seam->first] != i)
                    edges[index(i - begin)].add(
                        part_[seam->first],
                        lengthened(seam->conductance,
                                   halfway_[seam->last] + halfway_[seam->first]));
            edges[index(i - begin)].close(piece, colours_, begin, end);
        }
    }

    const VoxelNetwork& fine_;
    const RowShape& rows_;
    Padded<std::int32_t>& part_;
    Padded<float>& halfway_;
    int threads_;
    CoarseGraph graph_;
    std::vector<std::uint8_t> colours_;  // of each part
    std::vector<Seam> seams_;            // both ways, in the order of the parts
};

class PartCoarsener {
  public:
    PartCoarsener(CoarseGraph& fine, int threads) : fine_(fine), threads_(threads) {}

    CoarseGraph coarsen() {
        graph_.blocks = halved(fine_.blocks);
        graph_.periodic = fine_.periodic;
        find_strengths();
        fine_.parent.assign(fine_.ground.size(), -1);
        graph_.member_begin = {0};
        graph_.first = {0};
        for (std::int64_t b = 0; b < graph_.blocks.size(); ++b) {
            find_children(offset_of(b, graph_.blocks));
            for (const auto& [begin, end] : children_)
                for (std::int32_t seed = begin; seed < end; ++seed)
                    if (fine_.parent[index(seed)] < 0 && fine_.diagonal[index(seed)] > 0)
                        gather(seed);
            graph_.first.push_back(parts());
        }
        find_halfway();
        join_parts();
        return std::move(graph_);
    }

  private:
    std::int32_t parts() const { return static_cast<std::int32_t>(graph_.member_begin.size()) - 1; }

    // Work on each of the finer parts by itself.
    template <class Work>
    void each_fine(Work&& work) const {
        const std::int64_t count = fine_.size();
        parallel_ranges(count, worthwhile(threads_, 20.0 * static_cast<double>(count)), 0,
                        [&](std::int64_t begin, std::int64_t end, int&) {
                            for (auto i = index(begin); i < index(end); ++i) work(i);
                        });
    }

    void find_strengths() {
        strength_.assign(fine_.ground.size(), 0);
        each_fine([&](std::size_t i) {
            for (std::int64_t e = fine_.begin[i]; e < fine_.begin[i + 1]; ++e)
                strength_[i] = std::max(strength_[i], fine_.conductance[index(e)]);
        });
    }

    void find_halfway() {
        fine_.halfway.assign(fine_.ground.size(), 0);
        each_fine([&](std::size_t i) {
            float best = 0;
            for (std::int64_t e = fine_.begin[i]; e < fine_.begin[i + 1]; ++e)
                if (fine_.parent[index(fine_.neighbour[index(e)])] == fine_.parent[i])
                    best = std::max(best, fine_.conductance[index(e)]);
            // What has only taken in weakly joined others is itself the middle.
            if (best > 0 && best >= kStrong * strength_[i]) fine_.halfway[i] = 0.5F / best;
        });
    }

    void join_parts() {
        const std::vector<std::uint8_t> colours = colour(graph_);
        const std::int64_t blocks = graph_.blocks.size();
        const int workers = worthwhile(threads_, 200.0 * static_cast<double>(fine_.size()));
        const auto pieces =
            parallel_ranges(blocks, workers, CoarseGraph{},
                            [&](std::int64_t first, std::int64_t last, CoarseGraph& piece) {
                                Edges edges;
                                for (std::int64_t b = first; b < last; ++b) {
                                    const std::int32_t begin = graph_.first[index(b)],
                                                       end = graph_.first[index(b + 1)];
                                    for (std::int32_t i = begin; i < end; ++i) {
                                        join(i, edges, piece);
                                        edges.close(piece, colours, begin, end);
                                    }
                                }
                            });
        for (const CoarseGraph& piece : pieces)
            graph_.ground.insert(graph_.ground.end(), piece.ground.begin(), piece.ground.end());
        append(pieces, graph_);
    }

    void find_children(const Offset& block) {
        const Shape3& blocks = fine_.blocks;
        children_.fill({0, 0});
        for (unsigned i = 0; i < 8; ++i) {
            const std::int64_t z = 2 * block[0] + (i >> 2), y = 2 * block[1] + (i >> 1 & 1U),
                               x = 2 * block[2] + (i & 1U);
            if (z >= blocks[0] || y >= blocks[1] || x >= blocks[2]) continue;
            const std::int64_t child = (z * blocks[1] + y) * blocks[2] + x;
            children_[i] = {fine_.first[index(child)], fine_.first[index(child + 1)]};
        }
    }

    bool is_child(std::int32_t part) const {
        return std::any_of(children_.begin(), children_.end(), [&](const auto& range) {
            return part >= range.first && part < range.second;
        });
    }

    // Makes a part of all that is strongly joined to a first one within the block.
    void gather(std::int32_t seed) {
        const std::int32_t number = parts();
        const auto take = [&](std::int32_t i) {
            fine_.parent[index(i)] = number;
            graph_.member.push_back(i);
        };
        const std::size_t begin = graph_.member.size();
        take(seed);
        for (std::size_t next = begin; next < graph_.member.size(); ++next) {
            const auto i = index(graph_.member[next]);
            for (std::int64_t e = fine_.begin[i]; e < fine_.begin[i + 1]; ++e)
                if (const std::int32_t j = fine_.neighbour[index(e)];
                    fine_.parent[index(j)] < 0 && is_child(j) &&
                    graph_.member.size() < begin + kMembers &&
                    fine_.conductance[index(e)] >= kStrong * strength_[index(j)])
                    take(j);
        }
        graph_.member_begin.push_back(static_cast<std::int64_t>(graph_.member.size()));
    }

    void join(std::int32_t part, Edges& edges, CoarseGraph& piece) const {
        float ground = 0;
        for (std::int64_t m = graph_.member_begin[index(part)];
             m < graph_.member_begin[index(part) + 1]; ++m) {
            const auto i = index(graph_.member[index(m)]);
            ground += lengthened(fine_.ground[i], fine_.halfway[i]);
            for (std::int64_t e = fine_.begin[i]; e < fine_.begin[i + 1]; ++e) {
                const auto j = index(fine_.neighbour[index(e)]);
                if (fine_.parent[j] != part)
                    edges.add(fine_.parent[j], lengthened(fine_.conductance[index(e)],
                                                          fine_.halfway[i] + fine_.halfway[j]));
            }
        }
        piece.ground.push_back(ground);
    }

    CoarseGraph& fine_;
    CoarseGraph graph_;
    int threads_;
    std::vector<float> strength_;  // the largest conductance of each part
    std::array<std::pair<std::int32_t, std::int32_t>, 8> children_{};
};

}  // namespace

CoarseGraph coarsened(const VoxelNetwork& fine, VoxelParts& parts, int threads) {
    return VoxelCoarsener(fine, parts, threads).coarsen();
}

CoarseGraph coarsened(CoarseGraph& fine, int threads) {
    return PartCoarsener(fine, threads).coarsen();
}

}  // namespace microtwin
