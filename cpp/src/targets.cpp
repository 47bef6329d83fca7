#include "microtwin/targets.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <stdexcept>
#include <utility>

#include "microtwin/bits.hpp"
#include "microtwin/clusters.hpp"
#include "microtwin/components.hpp"
#include "radial.hpp"
#include "simd.hpp"
#include "surface.hpp"

namespace microtwin {
namespace {

// Adds the bits of a row to those of a line that is zero from `begin` on.
void append(const std::uint64_t* row, std::int64_t bits, std::int64_t begin,
            std::vector<std::uint64_t>& line) {
    const auto shift = static_cast<unsigned>(begin % 64);
    for (std::int64_t w = 0; 64 * w < bits; ++w) {
        const auto at = static_cast<std::size_t>(begin / 64 + w);
        line[at] |= row[w] << shift;
        line[at + 1] |= (row[w] >> 1) >> (63 - shift);
    }
}

// Of a row and a line, how many bits they share where the line is read from `begin` + j on.
MICROTWIN_CLONES
void add_overlaps(const std::uint64_t* row, std::int64_t words, const std::uint64_t* line,
                  std::int64_t begin, std::vector<std::int64_t>& hits) {
    for (std::int64_t& sum : hits) {
        const std::uint64_t* first = line + begin / 64;
        const auto shift = static_cast<unsigned>(begin % 64);
        for (std::int64_t w = 0; w < words; ++w) {
            const std::uint64_t there = (first[w] >> shift) | ((first[w + 1] << 1) << (63 - shift));
            sum += std::popcount(row[w] & there);
        }
        ++begin;
    }
}

// Pairs of phase voxels at displacements origin + j * (0, 0, 1), for each of the lags from 1.
LagCounts count_row(const TargetCurve& target, const LabelView& labels, bool periodic) {
    const auto& [nz, ny, nx] = labels.shape.sides;
    const auto& [dz, dy, dx] = target.origin;
    const auto lags = static_cast<std::size_t>(target.lags());
    LagCounts result{std::vector<std::int64_t>(lags), std::vector<std::int64_t>(lags)};
    const PhaseMask mask(labels, target.phase, 1);
    const std::int64_t words = mask.words_per_row();
    std::vector<std::uint64_t> line(static_cast<std::size_t>((3 * nx + 64) / 64 + words + 2));
    for (std::int64_t z = 0; z < nz; ++z)
        for (std::int64_t y = 0; y < ny; ++y) {
            const std::int64_t there_z = periodic ? wrapped(z + dz, nz) : z + dz;
            const std::int64_t there_y = periodic ? wrapped(y + dy, ny) : y + dy;
            if (there_z < 0 || there_z >= nz || there_y < 0 || there_y >= ny) continue;
            // The line begins one side before the row, and repeats it or is empty around it.
            std::fill(line.begin(), line.end(), 0);
            const std::uint64_t* there = mask.row(there_z, there_y);
            for (const std::int64_t image : {0, 1, 2})
                if (periodic || image == 1) append(there, nx, image * nx, line);
            add_overlaps(mask.row(z, y), words, line.data(), nx + dx + 1, result.hits);
        }
    for (std::size_t j = 0; j < lags; ++j) {
        const std::int64_t far = dx + 1 + static_cast<std::int64_t>(j);
        result.trials[j] = periodic
                               ? labels.shape.size()
                               : (nz - std::abs(dz)) * (ny - std::abs(dy)) * (nx - std::abs(far));
    }
    return result;
}

bool is_of_surface(Statistic statistic) {
    return statistic == Statistic::surface_void || statistic == Statistic::surface_surface;
}

// How many voxels along a line cannot be reached.
std::int64_t spare_voxels(Statistic statistic, bool periodic) {
    // A ring with a single gap is a chord to itself from either side: it is not asked for.
    if (statistic == Statistic::chord_length) return 1;
    // Voxels at the faces have neighbours that are not known.
    return is_of_surface(statistic) && !periodic ? 2 : 0;
}

LagCounts count_clusters(const TargetCurve& target, const LabelView& labels,
                         const CountOptions& options) {
    std::vector<std::int32_t> image(static_cast<std::size_t>(labels.shape.size()));
    find_clusters(labels, target.phase, {Neighbours::face, options.periodic, options.threads},
                  image.data());
    return cluster_pairs({image.data(), labels.shape}, {target.step}, options)[0];
}

}  // namespace

void check_target(const TargetCurve& target, const Shape3& shape, bool periodic) {
    if (target.weights.size() != target.values.size())
        throw std::invalid_argument("a target must have one weight for each value");
    if (target.lags() < 1) throw std::invalid_argument("a target must have at least one lag");
    // Less than no energy, or one that is no number, would pass for a gain.
    const auto finite = [](double number) { return std::isfinite(number); };
    const auto weighs = [](double weight) { return std::isfinite(weight) && weight >= 0.0; };
    if (!std::all_of(target.values.begin(), target.values.end(), finite) ||
        !std::all_of(target.weights.begin(), target.weights.end(), weighs))
        throw std::invalid_argument("a target's values and weights must be finite numbers, and its "
                                    "weights at least 0");
    if (target.origin != Offset{}) {
        if (target.statistic != Statistic::two_point || target.step != Step{0, 0, 1})
            throw std::invalid_argument("only two_point along x can start from an origin");
        const std::int64_t last = target.origin[2] + target.lags();
        const auto inside = [](std::int64_t far, std::int64_t side) {
            return std::abs(far) < side;
        };
        if (!inside(target.origin[0], shape[0]) || !inside(target.origin[1], shape[1]) ||
            !inside(target.origin[2] + 1, shape[2]) || !inside(last, shape[2]))
            throw std::invalid_argument("a row of the map must lie within the structure's sides");
        // An exchange does not change the count of voxels that are paired with themselves.
        if (target.origin[0] == 0 && target.origin[1] == 0 && target.origin[2] < 0 && last >= 0)
            throw std::invalid_argument("a row of the map must not come by the origin");
        return;
    }
    check_count({{nullptr, shape}}, {target.step}, {target.lags(), periodic, 1});
    if (target.statistic == Statistic::radial) {
        if (target.lags() >= radial_bound(shape, periodic))
            throw std::invalid_argument("a radial target must have fewer lags than the structure "
                                        "has voxels along a side");
        return;
    }
    if (target.lags() + spare_voxels(target.statistic, periodic) >= lag_bound(shape, target.step))
        throw std::invalid_argument("a target must have fewer lags than the structure has voxels "
                                    "along its axis");
    if (is_of_surface(target.statistic) && !periodic)
        for (const std::int64_t side : shape.sides)
            if (side == 2) throw std::invalid_argument("no voxel has all its neighbours inside");
}

LagCounts count(const TargetCurve& target, const LabelView& labels, bool periodic) {
    if (target.origin != Offset{}) return count_row(target, labels, periodic);
    if (target.statistic == Statistic::radial)
        return radial_counts(labels, target.phase, target.lags(), periodic);
    if (is_of_surface(target.statistic)) return surface_counts(target, labels, periodic);
    const CountOptions options{target.lags(), periodic, 1};
    LagCounts counts;
    switch (target.statistic) {
        case Statistic::two_point:
            counts = two_point({labels}, target.phase, target.phase, {target.step}, options)[0];
            break;
        case Statistic::lineal_path:
            counts = lineal_path({labels}, target.phase, {target.step}, options)[0];
            break;
        case Statistic::chord_length:
            counts = chord_lengths({labels}, target.phase, {target.step}, options)[0];
            break;
        case Statistic::cluster:
            counts = count_clusters(target, labels, options);
            break;
        default:
            throw std::invalid_argument("there is no such statistic");
    }
    counts.hits.erase(counts.hits.begin());
    counts.trials.erase(counts.trials.begin());
    return counts;
}

Curve::Curve(TargetCurve target, const LagCounts& counts)
    : target_(std::move(target)), lags_(target_.values.size()),
      hits_(counts.hits.begin(), counts.hits.end()) {
    if (counts.hits.size() != lags_ || counts.trials.size() != lags_)
        throw std::invalid_argument("a target must have one count for each value");
    for (std::size_t j = 0; j < lags_; ++j) {
        const auto trials = static_cast<double>(counts.trials[j]);
        scale_.push_back(trials > 0 ? 1.0 / trials : 0.0);
        if (trials <= 0) target_.values[j] = target_.weights[j] = 0.0;
        const bool row = target_.origin != Offset{};
        counted_.push_back(target_.weights[j] != 0.0 && !row ? 1.0 : 0.0);
        plain_ = plain_ && counted_[j] == target_.weights[j];
        curvature_.push_back(static_cast<float>(target_.weights[j] * scale_[j] * scale_[j]));
    }
    const std::size_t padded = whole_lanes(lags_);
    for (auto* lanes : {&hits_, &scale_, &counted_, &target_.values, &target_.weights})
        lanes->resize(padded);
    curvature_.resize(padded);
    slope_.resize(padded);
    const std::vector<std::int32_t> none(padded);
    absorb(none.data());
}

void Curve::aim(const std::vector<std::int64_t>& hits, const std::vector<double>& values) {
    for (std::size_t j = 0; j < lags_; ++j) {
        hits_[j] = static_cast<double>(hits[j]);
        if (scale_[j] > 0.0) target_.values[j] = values[j];
    }
    const std::vector<std::int32_t> none(padded());
    absorb(none.data());
}

double Curve::floor(double most) const {
    // An energy cannot fall below zero. The slack is for the rounding of the lanes.
    return -1.0001 * std::min(sums_.energy, most * sums_.steepness);
}

std::vector<std::int64_t> Curve::hits() const {
    std::vector<std::int64_t> result(lags_);
    std::transform(hits_.begin(), hits_.begin() + static_cast<std::ptrdiff_t>(lags_),
                   result.begin(), [](double hits) { return static_cast<std::int64_t>(hits); });
    return result;
}

Curve curve_of(TargetCurve target, const LabelView& labels, bool periodic) {
    const LagCounts counts =
        target.given.hits.empty() ? count(target, labels, periodic) : std::move(target.given);
    return {std::move(target), counts};
}

}  // namespace microtwin
