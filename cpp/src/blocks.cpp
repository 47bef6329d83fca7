#include "microtwin/blocks.hpp"

#include <algorithm>
#include <atomic>
#include <numeric>
#include <stdexcept>
#include <utility>

#include "microtwin/parallel.hpp"

namespace microtwin {
namespace {

constexpr double kGain = 0.9;  // a quarter of a proposal a voxel that leaves more is the last
// A block comes to its share of the error but for a rest; that of all blocks together is to be
// this part of what is wanted.
constexpr double kRest = 0.25;
constexpr double kMostProposals = 1e6;  // of each voxel: their number is far from overflowing

std::uint64_t mixed(std::uint64_t seed, std::uint64_t a, std::uint64_t b) {
    return Xoshiro256(seed ^ Xoshiro256(a ^ Xoshiro256(b).next()).next()).next();
}

// Where one axis is cut: first voxels and lengths.
std::vector<std::pair<std::int64_t, std::int64_t>> cuts(std::int64_t length, std::int64_t side,
                                                        std::int64_t shift, bool periodic) {
    std::vector<std::pair<std::int64_t, std::int64_t>> result;
    const std::int64_t count = std::max<std::int64_t>(1, (length + side / 2) / side);
    if (periodic || count == 1) {
        for (std::int64_t i = 0; i < count; ++i)
            result.emplace_back(count == 1 ? 0 : (shift + length * i / count) % length,
                                length * (i + 1) / count - length * i / count);
        return result;
    }
    // Inside two faces the first and the last block are what is left of a shifted one.
    const std::int64_t size = length / count, first = shift % size;
    std::int64_t begin = 0;
    for (std::int64_t end = first > size / 2 ? first : first + size; begin < length; end += size) {
        if (length - end < size / 2) end = length;
        result.emplace_back(begin, end - begin);
        begin = end;
    }
    return result;
}

}  // namespace

BlockAnnealer::BlockAnnealer(const LabelView& start, std::vector<TargetCurve> targets,
                             const AnnealingOptions& options, int threads)
    : shape_(start.shape), periodic_(options.periodic), seed_(options.seed),
      labels_(start.data, start.data + start.shape.size()), targets_(std::move(targets)) {
    if (options.fixed != nullptr) fixed_.assign(options.fixed, options.fixed + start.shape.size());
    if (threads < 1) throw std::invalid_argument("threads must be at least 1");
    for (const TargetCurve& target : targets_) {
        check_target(target, shape_, periodic_);
        if (!on_lines(target.statistic))
            throw std::invalid_argument("blocks are annealed to pairs, paths and chords only");
        if (std::find(labels_.begin(), labels_.end(), target.phase) == labels_.end())
            throw std::invalid_argument("a target's phase is not in the structure");
    }
    recount();
    workers_.emplace_back(view(), targets_, periodic_);
    while (workers_.size() < static_cast<std::size_t>(threads)) workers_.push_back(workers_[0]);
}

void BlockAnnealer::recount() {
    std::vector<LagCounts> counts(targets_.size());
    parallel_ranges(
        static_cast<std::int64_t>(targets_.size()), std::max(1, static_cast<int>(workers_.size())),
        0, [&](std::int64_t begin, std::int64_t end, int&) {
            for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i)
                counts[i] = count(targets_[i], view(), periodic_);
        });
    curves_.clear();
    for (std::size_t i = 0; i < targets_.size(); ++i) {
        curves_.emplace_back(targets_[i], counts[i]);
        if (targets_[i].given.hits.empty()) targets_[i].given = counts[i];  // the trials are known
    }
}

double BlockAnnealer::energy() const {
    return std::accumulate(curves_.begin(), curves_.end(), 0.0,
                           [](double sum, const Curve& curve) { return sum + curve.energy(); });
}

double BlockAnnealer::error() const {
    return std::accumulate(curves_.begin(), curves_.end(), 0.0,
                           [](double sum, const Curve& curve) { return sum + curve.error(); });
}

void BlockAnnealer::restore(std::int64_t sweeps, std::int64_t proposed, std::int64_t accepted) {
    sweeps_ = sweeps;
    proposed_ = proposed;
    accepted_ = accepted;
}

std::vector<BlockAnnealer::Block> BlockAnnealer::cut(std::int64_t side, Xoshiro256& random) const {
    std::array<std::vector<std::pair<std::int64_t, std::int64_t>>, 3> pieces;
    for (int axis = 0; axis < 3; ++axis) {
        const auto shift = static_cast<std::int64_t>(below(
            static_cast<std::uint32_t>(random.next()), static_cast<std::uint64_t>(shape_[axis])));
        pieces[static_cast<std::size_t>(axis)] = cuts(shape_[axis], side, shift, periodic_);
    }
    std::vector<Block> blocks;
    for (const auto& [z, depth] : pieces[0])
        for (const auto& [y, height] : pieces[1])
            for (const auto& [x, width] : pieces[2])
                blocks.push_back({{z, y, x}, {{depth, height, width}}});
    return blocks;
}

std::int64_t BlockAnnealer::sweep(const Sweep& sweep) {
    if (!(sweep.proposals >= 0.0 && sweep.proposals <= kMostProposals))
        throw std::invalid_argument("proposals of each voxel must be from 0 to a million");
    Xoshiro256 random(mixed(seed_, static_cast<std::uint64_t>(sweeps_), 0));
    std::vector<Block> blocks = cut(std::max<std::int64_t>(sweep.side, 8), random);
    // Where little is left to do, few blocks do it: shares must be well above the rests.
    const double wanted = kRest * sweep.enough;
    if (wanted > 0.0) {
        const auto few = static_cast<std::size_t>(
            std::clamp(0.25 * error() / wanted, 1.0, static_cast<double>(blocks.size())));
        for (std::size_t i = 0; i < few; ++i)
            std::swap(
                blocks[i],
                blocks[i + below(static_cast<std::uint32_t>(random.next()), blocks.size() - i)]);
        blocks.resize(few);
    }
    const auto active = static_cast<double>(blocks.size());
    std::vector<std::vector<double>> aims;
    std::vector<std::vector<std::int64_t>> hits;
    for (std::size_t i = 0; i < curves_.size(); ++i) {
        hits.push_back(curves_[i].hits());
        aims.emplace_back();
        for (std::size_t j = 0; j < hits[i].size(); ++j) {
            const auto trials = static_cast<double>(targets_[i].given.trials[j]);
            const double value = trials > 0 ? static_cast<double>(hits[i][j]) / trials : 0.0;
            aims[i].push_back(value - (value - targets_[i].values[j]) / active);
        }
    }
    std::vector<Outcome> outcomes(blocks.size());
    std::atomic<std::size_t> next{0};
    parallel_ranges(
        static_cast<std::int64_t>(workers_.size()), static_cast<int>(workers_.size()), 0,
        [&](std::int64_t begin, std::int64_t, int&) {
            LineCurves& lines = workers_[static_cast<std::size_t>(begin)];
            for (std::size_t b = next++; b < blocks.size(); b = next++) {
                lines.aim(hits, aims);
                const std::uint64_t seed = mixed(seed_, static_cast<std::uint64_t>(sweeps_), b + 1);
                outcomes[b] = anneal(blocks[b], sweep, wanted / active, seed, lines);
                for (const Change& change : outcomes[b].changes)
                    lines.relabel(offset_of(change.voxel, shape_), change.after, change.before);
            }
        });
    std::int64_t accepted = 0;
    for (const Outcome& outcome : outcomes) {
        accepted += outcome.accepted;
        proposed_ += outcome.proposed;
        for (const Change& change : outcome.changes) {
            labels_[static_cast<std::size_t>(change.voxel)] = change.after;
            for (LineCurves& lines : workers_)
                lines.relabel(offset_of(change.voxel, shape_), change.before, change.after);
        }
    }
    ++sweeps_;
    accepted_ += accepted;
    recount();
    return accepted;
}

BlockAnnealer::Outcome BlockAnnealer::anneal(const Block& block, const Sweep& sweep, double enough,
                                             std::uint64_t seed, LineCurves& lines) const {
    // With a rim of one voxel, which is fixed: neighbours are told by it.
    Offset corner{};
    Shape3 box;
    for (std::size_t axis = 0; axis < 3; ++axis) {
        const std::int64_t side = shape_.sides[axis], begin = block.corner[axis];
        const std::int64_t end = begin + block.shape.sides[axis];
        const bool rim = side > 1;
        corner[axis] = rim && (periodic_ || begin > 0) ? begin - 1 : begin;
        const std::int64_t last = rim && (periodic_ || end < side) ? end + 1 : end;
        box.sides[axis] = last - corner[axis];
    }
    std::vector<std::uint8_t> labels, fixed;
    std::vector<std::int64_t> voxels;
    for (std::int64_t z = 0; z < box[0]; ++z)
        for (std::int64_t y = 0; y < box[1]; ++y)
            for (std::int64_t x = 0; x < box[2]; ++x) {
                const Offset at{z + corner[0], y + corner[1], x + corner[2]};
                std::int64_t voxel = 0;
                bool inside = true;
                for (std::size_t axis = 0; axis < 3; ++axis) {
                    const std::int64_t side = shape_.sides[axis];
                    voxel = voxel * side + wrapped(at[axis], side);
                    inside = inside && at[axis] >= block.corner[axis] &&
                             at[axis] < block.corner[axis] + block.shape.sides[axis];
                }
                const auto v = static_cast<std::size_t>(voxel);
                voxels.push_back(voxel);
                labels.push_back(labels_[v]);
                fixed.push_back(!inside || (!fixed_.empty() && fixed_[v] != 0));
            }
    Outcome outcome;
    // A block of one phase, or with nothing that is free, stays as it is.
    std::array<bool, 256> free{};
    for (std::size_t i = 0; i < labels.size(); ++i) free[labels[i]] |= fixed[i] == 0;
    if (std::count(free.begin(), free.end(), true) < 2) return outcome;

    Annealer annealer(lines, {labels.data(), box}, corner, {periodic_, seed, fixed.data()});
    const auto size = static_cast<double>(block.shape.size());
    const auto most = static_cast<std::int64_t>(sweep.proposals * size);
    const auto part = std::max<std::int64_t>(1, block.shape.size() / 4);
    // Rows of a map have no error: where there is nothing else, the energy tells what is left.
    const bool rows = std::all_of(targets_.begin(), targets_.end(), [](const TargetCurve& target) {
        return target.origin != Offset{};
    });
    const auto rest = [&] { return rows ? annealer.energy() : annealer.error(); };
    while (annealer.proposed() < most && rest() > enough) {
        const double before = rest();
        outcome.accepted += annealer.run(std::min(part, most - annealer.proposed()), sweep.level,
                                         rows ? -1.0 : enough, sweep.moves);
        if (sweep.level <= 0.0 && rest() > kGain * before) break;
    }
    outcome.proposed = annealer.proposed();
    const std::vector<std::uint8_t> after = annealer.labels();
    for (std::size_t i = 0; i < after.size(); ++i)
        if (after[i] != labels[i]) outcome.changes.push_back({voxels[i], labels[i], after[i]});
    return outcome;
}

}  // namespace microtwin
