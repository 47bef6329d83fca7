#include "radial.hpp"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <vector>

#include "simd.hpp"

namespace microtwin {
namespace {

using Words = std::vector<std::uint64_t>;

// Pairs of a row of bits and another, which begins `bit` bits on and one more for each count.
MICROTWIN_CLONES void add_pairs(const std::uint64_t* row, std::int64_t words,
                                const std::uint64_t* other, std::int64_t bit, std::int64_t count,
                                std::int64_t* hits) {
    for (std::int64_t k = 0; k < count; ++k, ++bit) {
        const std::uint64_t* first = other + (bit >> 6);
        const auto shift = static_cast<unsigned>(bit & 63);
        for (std::int64_t w = 0; w < words; ++w)
            hits[k] += std::popcount(row[w] &
                                     ((first[w] >> shift) | ((first[w + 1] << 1) << (63 - shift))));
    }
}

// The rows of a phase, each behind a margin that repeats its end or stays empty.
Words rows_of(const LabelView& labels, std::uint8_t phase, std::int64_t margin, std::int64_t words,
              bool periodic) {
    const std::int64_t nx = labels.shape[2], rows = labels.shape[0] * labels.shape[1];
    Words bits(static_cast<std::size_t>(rows * words));
    for (std::int64_t row = 0; row < rows; ++row)
        for (std::int64_t k = 0; k < nx + 2 * margin; ++k) {
            const std::int64_t x = periodic ? wrapped(k - margin, nx) : k - margin;
            if (x < 0 || x >= nx || labels.data[row * nx + x] != phase) continue;
            bits[static_cast<std::size_t>(row * words + (k >> 6))] |= std::uint64_t{1} << (k & 63);
        }
    return bits;
}

}  // namespace

LagCounts radial_counts(const LabelView& labels, std::uint8_t phase, std::int64_t lags,
                        bool periodic) {
    const Shape3& shape = labels.shape;
    const auto& [nz, ny, nx] = shape.sides;
    const auto reach = [&](int axis) { return std::min(lags, shape[axis] - 1); };
    const std::int64_t margin = reach(2);
    const std::int64_t words = (nx + 63) / 64, wide = (nx + 2 * margin + 63) / 64 + 1;
    const Words rows = rows_of(labels, phase, 0, words, periodic);
    const Words others = rows_of(labels, phase, margin, wide, periodic);

    LagCounts result{std::vector<std::int64_t>(static_cast<std::size_t>(lags)),
                     std::vector<std::int64_t>(static_cast<std::size_t>(lags))};
    std::vector<std::int64_t> hits;
    // Half of all displacements; each pair is one of the opposite displacement, too.
    for (std::int64_t dz = 0; dz <= reach(0); ++dz)
        for (std::int64_t dy = dz == 0 ? 0 : -reach(1); dy <= reach(1); ++dy) {
            const std::int64_t side = dz * dz + dy * dy;
            if (radial_lag(side) > lags) continue;
            std::int64_t last = margin;
            while (last > 0 && radial_lag(side + last * last) > lags) --last;
            const std::int64_t first = side == 0 ? 1 : -last;
            if (first > last) continue;
            hits.assign(static_cast<std::size_t>(last - first + 1), 0);
            for (std::int64_t z = 0; z < nz; ++z)
                for (std::int64_t y = 0; y < ny; ++y) {
                    const std::int64_t there_z = periodic ? wrapped(z + dz, nz) : z + dz;
                    const std::int64_t there_y = periodic ? wrapped(y + dy, ny) : y + dy;
                    if (there_z >= nz || there_y < 0 || there_y >= ny) continue;
                    add_pairs(rows.data() + (z * ny + y) * words, words,
                              others.data() + (there_z * ny + there_y) * wide, margin + first,
                              last - first + 1, hits.data());
                }
            for (std::int64_t dx = first; dx <= last; ++dx) {
                const auto lag = static_cast<std::size_t>(radial_lag(side + dx * dx) - 1);
                const std::int64_t pairs =
                    periodic ? shape.size() : (nz - dz) * (ny - std::abs(dy)) * (nx - std::abs(dx));
                result.hits[lag] += 2 * hits[static_cast<std::size_t>(dx - first)];
                result.trials[lag] += 2 * pairs;
            }
        }
    return result;
}

std::int64_t radial_bound(const Shape3& shape, bool periodic) {
    std::int64_t longest = *std::max_element(shape.sides.begin(), shape.sides.end());
    if (!periodic) return longest;
    for (const std::int64_t side : shape.sides)
        if (side > 1) longest = std::min(longest, side);
    return longest;
}

}  // namespace microtwin
