#include "microtwin/components.hpp"

#include <algorithm>
#include <bit>
#include <limits>
#include <stdexcept>

#include "microtwin/bits.hpp"
#include "microtwin/parallel.hpp"

namespace microtwin {
namespace {

struct Run {
    std::int32_t begin, end;  // voxels begin .. end - 1 of a row
};

struct RowRange {
    std::int64_t begin = 0, end = 0;
};

// A row behind a row in C order: all neighbours of a voxel lie in such rows, seen from one side.
struct RowStep {
    int z, y;
    int reach;  // how far along x neighbours may differ
};

std::vector<RowStep> rows_behind(Neighbours neighbours) {
    const auto differ = static_cast<int>(neighbours);
    std::vector<RowStep> steps{{0, -1, differ >= 2}, {-1, 0, differ >= 2}};
    if (differ >= 2)
        for (const int y : {-1, 1}) steps.push_back({-1, y, differ >= 3});
    return steps;
}

// Every run of a phase, row after row.
class RunTable {
  public:
    RunTable(const PhaseMask& mask, int threads) : shape_(mask.shape()) {
        const std::int64_t rows = shape_[0] * shape_[1];
        first_.resize(static_cast<std::size_t>(rows + 1));
        struct Nothing {};
        parallel_ranges(rows, threads, Nothing{},
                        [&](std::int64_t begin, std::int64_t end, Nothing&) {
                            for (std::int64_t row = begin; row < end; ++row)
                                first_[static_cast<std::size_t>(row + 1)] = count(mask, row);
                        });
        for (std::int64_t row = 0; row < rows; ++row)
            first_[static_cast<std::size_t>(row + 1)] += first_[static_cast<std::size_t>(row)];
        if (first_.back() > std::numeric_limits<std::int32_t>::max() - 1)
            throw std::invalid_argument("labels have more than 2^31 - 2 runs of the phase");
        runs_.resize(static_cast<std::size_t>(first_.back()));
        parallel_ranges(rows, threads, Nothing{},
                        [&](std::int64_t begin, std::int64_t end, Nothing&) {
                            for (std::int64_t row = begin; row < end; ++row) extract(mask, row);
                        });
    }

    std::int64_t size() const { return first_.back(); }
    const Run& operator[](std::int64_t i) const { return runs_[static_cast<std::size_t>(i)]; }
    // The runs of a row are first(row) .. first(row + 1) - 1.
    std::int64_t first(std::int64_t row) const { return first_[static_cast<std::size_t>(row)]; }

    // Calls join(a, b) for runs a of one row and b of another that meet.
    template <class Join>
    void for_neighbours(std::int64_t row, std::int64_t other, int reach, Join&& join) const {
        std::int64_t a = first(row), b = first(other);
        const std::int64_t a_end = first(row + 1), b_end = first(other + 1);
        while (a < a_end && b < b_end) {
            const Run mine = (*this)[a], theirs = (*this)[b];
            if (mine.begin < theirs.end + reach && theirs.begin < mine.end + reach) join(a, b);
            (mine.end < theirs.end ? a : b) += 1;
        }
    }

  private:
    static std::int64_t count(const PhaseMask& mask, std::int64_t row) {
        const std::uint64_t* words = mask.row(row / mask.shape()[1], row % mask.shape()[1]);
        std::int64_t runs = 0;
        std::uint64_t before = 0;  // the last voxel of the word before
        for (std::int64_t w = 0; w < mask.words_per_row(); ++w) {
            runs += std::popcount(words[w] & ~(words[w] << 1 | before));
            before = words[w] >> (kWordBits - 1);
        }
        return runs;
    }

    void extract(const PhaseMask& mask, std::int64_t row) {
        const std::uint64_t* words = mask.row(row / shape_[1], row % shape_[1]);
        std::int64_t next = first(row);
        std::uint64_t before = 0;
        bool inside = false;
        for (std::int64_t w = 0; w < mask.words_per_row(); ++w) {
            // One bit wherever a run begins, or has just ended.
            for (std::uint64_t edges = words[w] ^ (words[w] << 1 | before); edges != 0;
                 edges &= edges - 1) {
                const auto x = static_cast<std::int32_t>(w * kWordBits + std::countr_zero(edges));
                Run& run = runs_[static_cast<std::size_t>(next)];
                (inside ? run.end : run.begin) = x;
                next += inside;
                inside = !inside;
            }
            before = words[w] >> (kWordBits - 1);
        }
        if (inside)
            runs_[static_cast<std::size_t>(next)].end = static_cast<std::int32_t>(shape_[2]);
    }

    Shape3 shape_;
    std::vector<std::int64_t> first_;
    std::vector<Run> runs_;
};

// Disjoint sets of runs; the root of a set is its first run, so that roots come in the order of
// the first voxels of their clusters.
class RunSets {
  public:
    explicit RunSets(std::int64_t count) : parent_(static_cast<std::size_t>(count)) {
        for (std::size_t i = 0; i < parent_.size(); ++i) parent_[i] = static_cast<std::int32_t>(i);
    }

    void join(std::int64_t a, std::int64_t b) {
        const std::int32_t one = root(static_cast<std::int32_t>(a));
        const std::int32_t other = root(static_cast<std::int32_t>(b));
        if (one != other) at(std::max(one, other)) = std::min(one, other);
    }

    // Replaces every entry by the number of its set, 0, 1, ...; returns how many sets there are.
    std::int32_t number() {
        std::int32_t sets = 0;
        for (std::size_t i = 0; i < parent_.size(); ++i) {
            const std::int32_t up = parent_[i];
            // Those before i are numbered already, and every parent is before its child.
            parent_[i] = up == static_cast<std::int32_t>(i) ? sets++ : at(up);
        }
        return sets;
    }
    std::vector<std::int32_t> take() { return std::move(parent_); }

  private:
    std::int32_t& at(std::int32_t i) { return parent_[static_cast<std::size_t>(i)]; }
    std::int32_t root(std::int32_t i) {
        while (at(i) != i) i = at(i) = at(at(i));
        return i;
    }

    std::vector<std::int32_t> parent_;
};

using Cell = std::array<std::int32_t, 3>;  // which periodic image, along z, y and x

// Disjoint sets of the parts of periodic clusters. Each part knows in which cell it lies as seen
// from the root of its set; two ways to a part that end in different cells wind around.
class WindingSets {
  public:
    explicit WindingSets(std::int32_t count) : nodes_(static_cast<std::size_t>(count)) {
        for (std::int32_t i = 0; i < count; ++i) at(i).parent = i;
    }

    // Part a in any cell meets part b in the cell that is `step` further.
    void join(std::int32_t a, std::int32_t b, const Cell& step) {
        const auto [one, from_one] = root(a);
        const auto [other, from_other] = root(b);
        Cell around;
        for (std::size_t k = 0; k < 3; ++k) around[k] = step[k] + from_other[k] - from_one[k];
        Node& low = at(std::min(one, other));
        Node& high = at(std::max(one, other));
        for (std::size_t k = 0; k < 3; ++k) {
            if (one == other) {
                low.winds[k] |= around[k] != 0;
            } else {
                low.winds[k] |= high.winds[k];
                high.cell[k] = one < other ? -around[k] : around[k];
            }
        }
        high.parent = std::min(one, other);
    }

    std::int32_t parent(std::int32_t i) const { return nodes_[static_cast<std::size_t>(i)].parent; }
    const std::array<std::uint8_t, 3>& winds(std::int32_t i) const {
        return nodes_[static_cast<std::size_t>(i)].winds;
    }

  private:
    struct Node {
        std::int32_t parent = 0;
        Cell cell{};  // of the parent, where this part is in cell 0
        std::array<std::uint8_t, 3> winds{};
    };
    struct Place {
        std::int32_t root;
        Cell cell;  // of the root, where the part asked for is in cell 0
    };

    Node& at(std::int32_t i) { return nodes_[static_cast<std::size_t>(i)]; }
    Place root(std::int32_t i) {
        Cell sum{};
        while (at(i).parent != i) {
            Node& node = at(i);
            const Node& up = at(node.parent);
            for (std::size_t k = 0; k < 3; ++k) {
                node.cell[k] += up.cell[k];  // a root's own cell is 0
                sum[k] += node.cell[k];
            }
            i = node.parent = up.parent;
        }
        return {i, sum};
    }

    std::vector<Node> nodes_;
};

// Joins runs of neighbouring rows, each thread within a range of rows, then across their borders.
std::vector<std::int32_t> number_open_clusters(const RunTable& runs, const Shape3& shape,
                                               const ClusterOptions& options,
                                               std::int32_t& clusters) {
    RunSets sets(runs.size());
    const auto steps = rows_behind(options.neighbours);
    const std::int64_t rows = shape[0] * shape[1];
    const auto join_row = [&](std::int64_t row, std::int64_t low, std::int64_t high) {
        const std::int64_t z = row / shape[1], y = row % shape[1];
        for (const RowStep& step : steps) {
            const std::int64_t other = row + step.z * shape[1] + step.y;
            if (z + step.z < 0 || y + step.y < 0 || y + step.y >= shape[1]) continue;
            if (other >= low && other < high)
                runs.for_neighbours(row, other, step.reach,
                                    [&](std::int64_t a, std::int64_t b) { sets.join(a, b); });
        }
    };
    const auto ranges = parallel_ranges(rows, options.threads, RowRange{},
                                        [&](std::int64_t begin, std::int64_t end, RowRange& range) {
                                            range = {begin, end};
                                            for (std::int64_t row = begin; row < end; ++row)
                                                join_row(row, begin, end);
                                        });
    for (const RowRange& range : ranges)
        // No row is further behind than one slice and one row.
        for (std::int64_t row = range.begin; row < std::min(range.end, range.begin + shape[1] + 1);
             ++row)
            join_row(row, 0, range.begin);
    clusters = sets.number();
    return sets.take();
}

// Joins what meets across the faces.
WindingSets join_across_faces(const RunTable& runs, const std::vector<std::int32_t>& number,
                              std::int32_t clusters, const Shape3& shape, Neighbours neighbours) {
    WindingSets sets(clusters);
    const auto join = [&](std::int64_t a, std::int64_t b, const Cell& step) {
        sets.join(number[static_cast<std::size_t>(a)], number[static_cast<std::size_t>(b)], step);
    };
    // Where a run of one row begins at x = 0 and one of the other ends at the last voxel.
    const auto join_ends = [&](std::int64_t row, std::int64_t other, Cell step) {
        const std::int64_t a = runs.first(row), b = runs.first(other + 1) - 1;
        if (a == runs.first(row + 1) || b < runs.first(other)) return;
        if (runs[a].begin != 0 || runs[b].end != shape[2]) return;
        join(a, b, step);
    };
    const auto steps = rows_behind(neighbours);
    for (std::int64_t z = 0; z < shape[0]; ++z)
        for (std::int64_t y = 0; y < shape[1]; ++y) {
            const std::int64_t row = z * shape[1] + y;
            join_ends(row, row, {0, 0, -1});
            for (const RowStep& step : steps) {
                const std::int64_t to_z = z + step.z, to_y = y + step.y;
                const std::int32_t cell_z = to_z < 0 ? -1 : 0;
                const std::int32_t cell_y = to_y < 0 ? -1 : (to_y >= shape[1] ? 1 : 0);
                const std::int64_t other =
                    (to_z - cell_z * shape[0]) * shape[1] + (to_y - cell_y * shape[1]);
                if (cell_z != 0 || cell_y != 0)
                    runs.for_neighbours(
                        row, other, step.reach,
                        [&](std::int64_t a, std::int64_t b) { join(a, b, {cell_z, cell_y, 0}); });
                if (step.reach == 0) continue;
                join_ends(row, other, {cell_z, cell_y, -1});
                join_ends(other, row, {-cell_z, -cell_y, -1});
            }
        }
    return sets;
}

void paint(const RunTable& runs, const std::vector<std::int32_t>& number, const Shape3& shape,
           int threads, std::int32_t* image) {
    struct Nothing {};
    parallel_ranges(shape[0] * shape[1], threads, Nothing{},
                    [&](std::int64_t begin, std::int64_t end, Nothing&) {
                        for (std::int64_t row = begin; row < end; ++row) {
                            std::int32_t* line = image + row * shape[2];
                            std::int64_t x = 0;
                            for (std::int64_t i = runs.first(row); i < runs.first(row + 1); ++i) {
                                std::fill(line + x, line + runs[i].begin, 0);
                                std::fill(line + runs[i].begin, line + runs[i].end,
                                          number[static_cast<std::size_t>(i)] + 1);
                                x = runs[i].end;
                            }
                            std::fill(line + x, line + shape[2], 0);
                        }
                    });
}

void check(const LabelView& labels, const ClusterOptions& options) {
    if (labels.data == nullptr) throw std::invalid_argument("labels are missing");
    for (const std::int64_t side : labels.shape.sides)
        if (side < 1 || side > std::numeric_limits<std::int32_t>::max())
            throw std::invalid_argument("every side must be between 1 and 2^31 - 1");
    if (options.threads < 1) throw std::invalid_argument("threads must be at least 1");
    const auto differ = static_cast<int>(options.neighbours);
    if (differ < 1 || differ > 3) throw std::invalid_argument("neighbours must be 1, 2 or 3");
}

}  // namespace

Clusters find_clusters(const LabelView& labels, std::uint8_t phase, const ClusterOptions& options,
                       std::int32_t* image) {
    check(labels, options);
    const Shape3& shape = labels.shape;
    const RunTable runs(PhaseMask(labels, phase, options.threads), options.threads);
    std::int32_t count = 0;
    std::vector<std::int32_t> number = number_open_clusters(runs, shape, options, count);

    Clusters result;
    if (options.periodic) {
        const WindingSets sets = join_across_faces(runs, number, count, shape, options.neighbours);
        // Parts are numbered in the order of their first voxels, and parents come first.
        std::vector<std::int32_t> merged(static_cast<std::size_t>(count));
        std::int32_t next = 0;
        for (std::int32_t part = 0; part < count; ++part) {
            const std::int32_t up = sets.parent(part);
            merged[static_cast<std::size_t>(part)] =
                up == part ? next++ : merged[static_cast<std::size_t>(up)];
            if (up == part) result.percolates.push_back(sets.winds(part));
        }
        for (std::int32_t& k : number) k = merged[static_cast<std::size_t>(k)];
        count = next;
    }

    result.sizes.resize(static_cast<std::size_t>(count));
    std::vector<std::array<std::uint8_t, 3>> touches(options.periodic ? 0 : result.sizes.size());
    for (std::int64_t row = 0; row < shape[0] * shape[1]; ++row) {
        const std::int64_t z = row / shape[1], y = row % shape[1];
        // Bit 0 for the first face, bit 1 for the last.
        const auto faces = [](bool first, bool last) {
            return static_cast<std::uint8_t>(int{first} | int{last} << 1);
        };
        const std::uint8_t at_z = faces(z == 0, z == shape[0] - 1);
        const std::uint8_t at_y = faces(y == 0, y == shape[1] - 1);
        for (std::int64_t i = runs.first(row); i < runs.first(row + 1); ++i) {
            const auto k = static_cast<std::size_t>(number[static_cast<std::size_t>(i)]);
            result.sizes[k] += runs[i].end - runs[i].begin;
            if (options.periodic) continue;
            touches[k][0] |= at_z;
            touches[k][1] |= at_y;
            touches[k][2] |= faces(runs[i].begin == 0, runs[i].end == shape[2]);
        }
    }
    for (const auto& t : touches) result.percolates.push_back({t[0] == 3, t[1] == 3, t[2] == 3});
    if (image != nullptr) paint(runs, number, shape, options.threads, image);
    return result;
}

}  // namespace microtwin
