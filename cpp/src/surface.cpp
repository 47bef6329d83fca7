#include "surface.hpp"

#include <algorithm>
#include <cstdlib>

#include "simd.hpp"

namespace microtwin {
namespace {

MICROTWIN_CLONES std::int64_t sum_of_products(const std::uint8_t* a, const std::uint8_t* b,
                                              std::int64_t count) {
    constexpr std::int64_t kPiece = 1 << 20;  // sums of which fit 32 bits
    std::int64_t sum = 0;
    for (std::int64_t begin = 0; begin < count; begin += kPiece) {
        std::uint32_t piece = 0;
        for (std::int64_t i = begin; i < std::min(begin + kPiece, count); ++i)
            piece += static_cast<std::uint32_t>(a[i] * b[i]);
        sum += piece;
    }
    return sum;
}

// Sum of a(x) b(x + way) over all pairs of a box.
std::int64_t correlation(const std::vector<std::uint8_t>& a, const std::vector<std::uint8_t>& b,
                         const Shape3& box, const Offset& way, bool periodic) {
    const auto& [nz, ny, nx] = box.sides;
    const std::int64_t dx = way[2];
    std::int64_t sum = 0;
    for (std::int64_t z = 0; z < nz; ++z)
        for (std::int64_t y = 0; y < ny; ++y) {
            const std::int64_t there_z = periodic ? wrapped(z + way[0], nz) : z + way[0];
            const std::int64_t there_y = periodic ? wrapped(y + way[1], ny) : y + way[1];
            if (there_z < 0 || there_z >= nz || there_y < 0 || there_y >= ny) continue;
            const std::uint8_t* here = a.data() + (z * ny + y) * nx;
            const std::uint8_t* there = b.data() + (there_z * ny + there_y) * nx;
            const std::int64_t skip = dx < 0 ? -dx : 0, ahead = dx > 0 ? dx : 0;
            const std::int64_t inside = nx - std::abs(dx);
            sum += sum_of_products(here + skip, there + ahead, inside);
            if (!periodic) continue;
            // What leaves through one end of the row comes in at the other.
            if (dx > 0) sum += sum_of_products(here + inside, there, dx);
            if (dx < 0) sum += sum_of_products(here, there + inside, -dx);
        }
    return sum;
}

}  // namespace

std::vector<std::uint8_t> surface_field(const LabelView& labels, std::uint8_t phase,
                                        bool periodic) {
    const auto& [nz, ny, nx] = labels.shape.sides;
    std::vector<std::uint8_t> field(static_cast<std::size_t>(labels.shape.size()));
    std::size_t voxel = 0;
    for (std::int64_t z = 0; z < nz; ++z)
        for (std::int64_t y = 0; y < ny; ++y)
            for (std::int64_t x = 0; x < nx; ++x, ++voxel) {
                const bool mine = labels.data[voxel] == phase;
                unsigned value = mine ? 1u << kFaceBits : 0u;
                for_each_face(labels.shape, {z, y, x}, periodic, [&](std::int64_t neighbour) {
                    value += (labels.data[neighbour] == phase) != mine;
                });
                field[voxel] = static_cast<std::uint8_t>(value);
            }
    return field;
}

LagCounts surface_counts(const TargetCurve& target, const LabelView& labels, bool periodic) {
    const Shape3& shape = labels.shape;
    // The voxels that are ends of pairs.
    Shape3 box = shape;
    for (auto& side : box.sides)
        if (!periodic && side > 1) side -= 2;
    const auto field = surface_field(labels, target.phase, periodic);
    std::vector<std::uint8_t> faces, mine;
    std::size_t voxel = 0;
    for (std::int64_t z = 0; z < shape[0]; ++z)
        for (std::int64_t y = 0; y < shape[1]; ++y)
            for (std::int64_t x = 0; x < shape[2]; ++x, ++voxel) {
                if (!has_all_neighbours(shape, {z, y, x}, periodic)) continue;
                faces.push_back(faces_of(field[voxel]));
                mine.push_back(in_phase(field[voxel]));
            }
    LagCounts result{{}, lag_trials(box, target.step, target.lags(), periodic)};
    result.trials.erase(result.trials.begin());
    for (std::int64_t& trials : result.trials) trials *= 4;
    for (std::int64_t lag = 1; lag <= target.lags(); ++lag) {
        const Offset way{lag * target.step[0], lag * target.step[1], lag * target.step[2]};
        if (target.statistic == Statistic::surface_surface) {
            result.hits.push_back(correlation(faces, faces, box, way, periodic));
        } else {
            result.hits.push_back(correlation(faces, mine, box, way, periodic) +
                                  correlation(mine, faces, box, way, periodic));
        }
    }
    return result;
}

}  // namespace microtwin
