#include "coarse_graph.hpp"

#include <algorithm>
#include <array>
#include <bit>

#include "microtwin/parallel.hpp"

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
    // Appends them to a graph as those of its next part.
    void close(CoarseGraph& graph, std::uint8_t colour) {
        const auto same = [&](const Edge& e) { return graph.colour[index(e.neighbour)] == colour; };
        const auto near = std::stable_partition(edges_.begin(), edges_.end(),
                                                [&](const Edge& e) { return !same(e); });
        graph.near.push_back(static_cast<std::int64_t>(graph.neighbour.size()) +
                             (near - edges_.begin()));
        float sum = graph.ground[graph.near.size() - 1];
        for (const Edge& edge : edges_) {
            graph.neighbour.push_back(edge.neighbour);
            graph.conductance.push_back(kCoarser * edge.conductance);
            sum += graph.conductance.back();
        }
        graph.begin.push_back(static_cast<std::int64_t>(graph.neighbour.size()));
        graph.inverse.push_back(sum > 0 ? 1 / sum : 0);
        edges_.clear();
    }

  private:
    std::vector<Edge> edges_;
};

void colour_blocks(CoarseGraph& graph) {
    graph.colour.resize(index(graph.first.back()));
    for (std::int64_t b = 0; b < graph.blocks.size(); ++b) {
        const Offset at = offset_of(b, graph.blocks);
        const auto colour = static_cast<std::uint8_t>((at[0] + at[1] + at[2]) & 1);
        std::fill(graph.colour.begin() + graph.first[index(b)],
                  graph.colour.begin() + graph.first[index(b + 1)], colour);
    }
}

// Which connected part of a block each of its eight voxels is in, for every set of voxels that
// conduct: bit 4 dz + 2 dy + dx. 0 for those that do not, else 1, 2, ...
struct BlockParts {
    std::array<std::array<std::uint8_t, 8>, 256> part{};
    std::array<std::uint8_t, 256> count{};

    constexpr BlockParts() {
        for (unsigned set = 0; set < 256; ++set)
            for (unsigned i = 0; i < 8; ++i)
                if ((set >> i & 1U) != 0 && part[set][i] == 0) flood(set, i, ++count[set]);
    }
    constexpr void flood(unsigned set, unsigned i, std::uint8_t number) {
        part[set][i] = number;
        for (const unsigned step : {1U, 2U, 4U})
            if (const unsigned j = i ^ step; (set >> j & 1U) != 0 && part[set][j] == 0)
                flood(set, j, number);
    }
};

constexpr BlockParts kParts;

class VoxelCoarsener {
  public:
    VoxelCoarsener(const VoxelNetwork& fine, Padded<std::int32_t>& part, int threads)
        : fine_(fine), rows_(fine.rows), part_(part), threads_(threads) {}

    CoarseGraph coarsen() {
        graph_.blocks = halved(rows_.shape);
        number_parts();
        colour_blocks(graph_);
        add_ground();
        join();
        return std::move(graph_);
    }

  private:
    bool inside(std::int64_t z, std::int64_t y, std::int64_t x) const {
        return z < rows_.shape[0] && y < rows_.shape[1] && x < rows_.shape[2];
    }
    unsigned conducting(const Offset& block) const {
        unsigned set = 0;
        for (unsigned i = 0; i < 8; ++i) {
            const std::int64_t z = 2 * block[0] + (i >> 2), y = 2 * block[1] + (i >> 1 & 1U),
                               x = 2 * block[2] + (i & 1U);
            if (inside(z, y, x) && fine_.inverse[rows_.at(z, y, x)] > 0) set |= 1U << i;
        }
        return set;
    }

    void number_parts() {
        const std::int64_t count = graph_.blocks.size(), wide = graph_.blocks[2];
        std::vector<std::uint8_t> sets(index(count));
        parallel_ranges(count, worthwhile(threads_, 10.0 * static_cast<double>(count)), 0,
                        [&](std::int64_t begin, std::int64_t end, int&) {
                            for (std::int64_t b = begin; b < end; ++b)
                                sets[index(b)] = static_cast<std::uint8_t>(
                                    conducting(offset_of(b, graph_.blocks)));
                        });
        graph_.first.resize(index(count + 1));
        std::int32_t next = 0;
        for (std::int64_t b = 0; b < count; ++b) {
            graph_.first[index(b)] = next;
            if (b % wide == 0) ++next;  // the empty part
            next += kParts.count[sets[index(b)]];
        }
        graph_.first[index(count)] = next;
        part_ = Padded<std::int32_t>(rows_.size(), 16);
        parallel_ranges(count, worthwhile(threads_, 10.0 * static_cast<double>(count)), 0,
                        [&](std::int64_t begin, std::int64_t end, int&) {
                            for (std::int64_t b = begin; b < end; ++b) number_voxels(b, sets);
                        });
    }

    void number_voxels(std::int64_t b, const std::vector<std::uint8_t>& sets) {
        const Offset block = offset_of(b, graph_.blocks);
        const std::int64_t wide = graph_.blocks[2];
        const std::int32_t empty = graph_.first[index(b - b % wide)];
        const std::int32_t before = graph_.first[index(b)] + (b % wide == 0 ? 1 : 0) - 1;
        const auto& parts = kParts.part[sets[index(b)]];
        for (unsigned i = 0; i < 8; ++i) {
            const std::int64_t z = 2 * block[0] + (i >> 2), y = 2 * block[1] + (i >> 1 & 1U),
                               x = 2 * block[2] + (i & 1U);
            if (inside(z, y, x))
                part_[rows_.at(z, y, x)] = parts[i] > 0 ? before + parts[i] : empty;
        }
        if (b % wide != wide - 1) return;  // the rest of its rows is padding
        for (unsigned i = 0; i < 8; i += 2) {
            const std::int64_t z = 2 * block[0] + (i >> 2), y = 2 * block[1] + (i >> 1 & 1U);
            if (inside(z, y, 0))
                std::fill_n(&part_[rows_.at(z, y, rows_.shape[2])], rows_.width - rows_.shape[2],
                            empty);
        }
    }

    void add_ground() {
        graph_.ground.assign(index(graph_.first.back()), 0);
        for (const Contact& contact : fine_.contacts)
            graph_.ground[index(part_[contact.voxel])] += kCoarser * contact.conductance;
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
                piece.colour = graph_.colour;
                const auto from = graph_.ground.begin() + graph_.first[index(begin * wide)];
                const auto to = graph_.ground.begin() + graph_.first[index(end * wide)];
                piece.ground.assign(from, to);
                for (std::int64_t b = begin * wide; b < end * wide; ++b) join_block(b, piece);
            });
        graph_.begin = {0};
        for (const CoarseGraph& piece : pieces) {
            const std::int64_t before = graph_.begin.back();
            for (const std::int64_t end : piece.begin) graph_.begin.push_back(before + end);
            for (const std::int64_t end : piece.near) graph_.near.push_back(before + end);
            const auto append = [](auto& all, const auto& more) {
                all.insert(all.end(), more.begin(), more.end());
            };
            append(graph_.neighbour, piece.neighbour);
            append(graph_.conductance, piece.conductance);
            append(graph_.inverse, piece.inverse);
        }
    }

    void join_block(std::int64_t b, CoarseGraph& piece) const {
        const Offset block = offset_of(b, graph_.blocks);
        const auto colour = static_cast<std::uint8_t>((block[0] + block[1] + block[2]) & 1);
        const std::int32_t begin = graph_.first[index(b)], end = graph_.first[index(b + 1)];
        std::array<Edges, 9> edges;  // at most four parts, and the empty one
        for (unsigned i = 0; i < 8; ++i) {
            const Offset at{2 * block[0] + (i >> 2), 2 * block[1] + (i >> 1 & 1U),
                            2 * block[2] + (i & 1U)};
            if (!inside(at[0], at[1], at[2])) continue;
            const std::int64_t q = rows_.at(at[0], at[1], at[2]);
            if (!(fine_.inverse[q] > 0)) continue;
            for (int axis = 0; axis < 3; ++axis) {
                // The one neighbour along this axis in another block.
                const bool ahead = (at[static_cast<std::size_t>(axis)] & 1) != 0;
                const std::int64_t other = ahead ? q + rows_.stride(axis) : q - rows_.stride(axis);
                const float g =
                    fine_.conductance[static_cast<std::size_t>(axis)][ahead ? q : other];
                if (g > 0) edges[index(part_[q] - begin)].add(part_[other], g);
            }
        }
        for (std::int32_t i = begin; i < end; ++i) {
            auto seam = std::lower_bound(
                seams_.begin(), seams_.end(), i,
                [&](const Seam& s, std::int32_t value) { return part_[s.last] < value; });
            for (; seam != seams_.end() && part_[seam->last] == i; ++seam)
                if (part_[seam->first] != i) edges[index(i - begin)].add(part_[seam->first], seam->conductance);
            edges[index(i - begin)].close(piece, colour);
        }
    }

    const VoxelNetwork& fine_;
    const RowShape& rows_;
    Padded<std::int32_t>& part_;
    int threads_;
    CoarseGraph graph_;
    std::vector<Seam> seams_;  // both ways, in the order of the parts
};

class PartCoarsener {
  public:
    explicit PartCoarsener(CoarseGraph& fine) : fine_(fine) {}

    CoarseGraph coarsen() {
        graph_.blocks = halved(fine_.blocks);
        fine_.parent.assign(fine_.ground.size(), -1);
        graph_.member_begin = {0};
        graph_.first = {0};
        for (std::int64_t b = 0; b < graph_.blocks.size(); ++b) {
            find_children(offset_of(b, graph_.blocks));
            for (const auto& [begin, end] : children_)
                for (std::int32_t seed = begin; seed < end; ++seed)
                    if (fine_.parent[index(seed)] < 0 && fine_.inverse[index(seed)] > 0)
                        gather(seed);
            graph_.first.push_back(parts());
        }
        colour_blocks(graph_);
        graph_.begin = {0};
        for (std::int64_t b = 0; b < graph_.blocks.size(); ++b)
            for (std::int32_t i = graph_.first[index(b)]; i < graph_.first[index(b + 1)]; ++i)
                join(i);
        return std::move(graph_);
    }

  private:
    std::int32_t parts() const {
        return static_cast<std::int32_t>(graph_.member_begin.size()) - 1;
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

    // Makes a part of all that is joined to a first one within the block.
    void gather(std::int32_t seed) {
        const std::int32_t number = parts();
        const auto take = [&](std::int32_t i) {
            fine_.parent[index(i)] = number;
            graph_.member.push_back(i);
        };
        std::size_t next = graph_.member.size();
        take(seed);
        for (; next < graph_.member.size(); ++next) {
            const auto i = index(graph_.member[next]);
            for (std::int64_t e = fine_.begin[i]; e < fine_.begin[i + 1]; ++e)
                if (const std::int32_t j = fine_.neighbour[index(e)];
                    fine_.parent[index(j)] < 0 && is_child(j))
                    take(j);
        }
        graph_.member_begin.push_back(static_cast<std::int64_t>(graph_.member.size()));
    }

    void join(std::int32_t part) {
        float ground = 0;
        for (std::int64_t m = graph_.member_begin[index(part)];
             m < graph_.member_begin[index(part) + 1]; ++m) {
            const auto i = index(graph_.member[index(m)]);
            ground += kCoarser * fine_.ground[i];
            for (std::int64_t e = fine_.begin[i]; e < fine_.begin[i + 1]; ++e) {
                const std::int32_t other = fine_.parent[index(fine_.neighbour[index(e)])];
                if (other != part) edges_.add(other, fine_.conductance[index(e)]);
            }
        }
        graph_.ground.push_back(ground);
        edges_.close(graph_, graph_.colour[index(part)]);
    }

    CoarseGraph& fine_;
    CoarseGraph graph_;
    Edges edges_;
    std::array<std::pair<std::int32_t, std::int32_t>, 8> children_{};
};

}  // namespace

CoarseGraph coarsened(const VoxelNetwork& fine, Padded<std::int32_t>& part, int threads) {
    return VoxelCoarsener(fine, part, threads).coarsen();
}

CoarseGraph coarsened(CoarseGraph& fine) { return PartCoarsener(fine).coarsen(); }

}  // namespace microtwin
