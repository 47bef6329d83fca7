#include "radial_term.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdlib>
#include <map>
#include <stdexcept>
#include <utility>

#include "listed.hpp"
#include "radial.hpp"
#include "simd.hpp"

namespace microtwin {
namespace {

// A voxel's neighbourhood: its row of bits, from the first that it sees on.
struct Neighbourhood {
    const std::uint64_t* row;
    unsigned shift;
};

// A phase as rows of bits with margins on every side that repeat what follows (periodic) or stay
// empty: any row near a voxel is so many words from its own, and none needs a branch.
class PhaseRows {
  public:
    PhaseRows(const LabelView& labels, std::uint8_t phase, std::int64_t reach, bool periodic)
        : shape_(labels.shape), periodic_(periodic) {
        for (std::size_t axis = 0; axis < 3; ++axis)
            margin_[axis] = shape_.sides[axis] > 1 ? reach : 0;
        words_ = (shape_[2] + 2 * margin_[2] + 63) / 64;
        rows_ = shape_[1] + 2 * margin_[1];
        // One word more, for reading goes beyond the last row.
        bits_.resize(static_cast<std::size_t>((shape_[0] + 2 * margin_[0]) * rows_ * words_ +
                                              2 * margin_[2] / 64 + 2));
        for (std::int64_t i = 0; i < shape_.size(); ++i)
            if (labels.data[i] == phase) flip(offset_of(i, shape_));
    }

    const Offset& margin() const { return margin_; }
    // How many words lie between rows.
    std::ptrdiff_t words_to(std::int64_t dz, std::int64_t dy) const {
        return static_cast<std::ptrdiff_t>((dz * rows_ + dy) * words_);
    }
    Neighbourhood near(const Offset& at) const {
        return {bits_.data() + index(at, at[2]), static_cast<unsigned>(at[2] & 63)};
    }
    bool holds(const Offset& at) const {
        const std::int64_t bit = at[2] + margin_[2];
        return (bits_[index(at, bit)] >> (bit & 63)) & 1;
    }
    // The voxel and its images in the margins, of which there is one each way at most.
    void flip(const Offset& at) {
        for_images(0, at[0], [&](std::int64_t z) {
            for_images(1, at[1], [&](std::int64_t y) {
                for_images(2, at[2], [&](std::int64_t x) {
                    const std::int64_t bit = x + margin_[2];
                    bits_[index({z, y, x}, bit)] ^= std::uint64_t{1} << (bit & 63);
                });
            });
        });
    }

  private:
    std::size_t index(const Offset& at, std::int64_t bit) const {
        const std::int64_t row = (at[0] + margin_[0]) * rows_ + at[1] + margin_[1];
        return static_cast<std::size_t>(row * words_ + (bit >> 6));
    }
    template <class Visit>
    void for_images(std::size_t axis, std::int64_t at, Visit&& visit) const {
        const std::int64_t side = shape_.sides[axis], margin = margin_[axis];
        visit(at);
        if (!periodic_) return;
        if (at + side < side + margin) visit(at + side);
        if (at - side >= -margin) visit(at - side);
    }

    Shape3 shape_;
    bool periodic_;
    Offset margin_{};
    std::int64_t words_ = 0;  // of a row
    std::int64_t rows_ = 0;   // of a plane
    std::vector<std::uint64_t> bits_;
};

// Rows at (+-dz, +-dy) and (+-dy, +-dz) see the same lags: of 64 voxels of each, those that belong
// to one lag after another.
struct RowGroup {
    std::size_t first_row, rows;  // 1, 2, 4 or 8 of them
    std::size_t first_mask, masks;
    std::size_t first_lag;
};

struct RowTables {
    std::vector<RowGroup> groups;
    std::vector<std::ptrdiff_t> rows;  // words from a voxel's own
    std::vector<std::uint64_t> masks;
};

MICROTWIN_INLINE std::uint64_t read(const Neighbourhood& from, std::ptrdiff_t words) {
    const std::uint64_t* first = from.row + words;
    return (first[0] >> from.shift) | ((first[1] << 1) << (63 - from.shift));
}

// How many of the words, a power of two, have each bit: digit k of 64 binary numbers at a time.
// Adding words up first leaves five of sixteen to count the ones of.
template <std::size_t kWords>
MICROTWIN_INLINE void add_up(const std::uint64_t* words, std::uint64_t* digits) {
    if constexpr (kWords == 1) {
        digits[0] = words[0];
    } else {
        constexpr std::size_t kDigits = std::bit_width(kWords / 2);
        std::uint64_t a[kDigits], b[kDigits], carry = 0;
        add_up<kWords / 2>(words, a);
        add_up<kWords / 2>(words + kWords / 2, b);
        for (std::size_t k = 0; k < kDigits; ++k) {
            const std::uint64_t one = a[k] ^ b[k];
            digits[k] = one ^ carry;
            carry = (a[k] & b[k]) | (one & carry);
        }
        digits[kDigits] = carry;
    }
}

// Adds the neighbours of the entering voxel that are of the phase, and those of the leaving one
// that are not.
template <std::size_t kRows>
MICROTWIN_INLINE void add_group(const RowGroup& group, const std::ptrdiff_t* rows,
                                const std::uint64_t* masks, const Neighbourhood& entering,
                                const Neighbourhood& leaving, std::int32_t* sums) {
    constexpr std::size_t kDigits = std::bit_width(2 * kRows);
    std::uint64_t words[2 * kRows], digits[kDigits];
    for (std::size_t i = 0; i < kRows; ++i) {
        words[2 * i] = read(entering, rows[i]);
        words[2 * i + 1] = ~read(leaving, rows[i]);
    }
    add_up<2 * kRows>(words, digits);
    for (std::size_t m = 0; m < group.masks; ++m) {
        std::int32_t sum = 0;
        for (std::size_t k = 0; k < kDigits; ++k) sum += std::popcount(digits[k] & masks[m]) << k;
        sums[group.first_lag + m] += sum;
    }
}

MICROTWIN_CLONES void add_groups(const RowGroup* groups, std::size_t count,
                                 const std::ptrdiff_t* all_rows, const std::uint64_t* all_masks,
                                 const Neighbourhood* entering, const Neighbourhood* leaving,
                                 std::int32_t* sums) {
    for (std::size_t g = 0; g < count; ++g) {
        const RowGroup& group = groups[g];
        const std::ptrdiff_t* rows = all_rows + group.first_row;
        const std::uint64_t* masks = all_masks + group.first_mask;
        switch (group.rows) {
            case 1:
                add_group<1>(group, rows, masks, *entering, *leaving, sums);
                break;
            case 2:
                add_group<2>(group, rows, masks, *entering, *leaving, sums);
                break;
            case 4:
                add_group<4>(group, rows, masks, *entering, *leaving, sums);
                break;
            default:
                add_group<8>(group, rows, masks, *entering, *leaving, sums);
        }
    }
}

class RadialTerm final : public Term {
  public:
    RadialTerm(const LabelView& labels, TargetCurve target, bool periodic)
        : shape_(labels.shape), periodic_(periodic), lags_(target.lags()),
          rows_(labels, target.phase, lags_, periodic), displacements_(size(lags_) + 1),
          sums_(size(lags_) + 1) {
        curves_.push_back(curve_of(std::move(target), labels, periodic));
        change_.resize(curves_[0].padded());
        make_tables();
    }

    double difference(std::int64_t a, std::int64_t b) override;
    void commit() override;
    const std::vector<Curve>& curves() const override { return curves_; }

  private:
    static std::size_t size(std::int64_t number) { return static_cast<std::size_t>(number); }
    void make_tables();
    void add_masks(std::int64_t side, std::int64_t word, RowGroup group);
    void hide_each_other();

    Shape3 shape_;
    bool periodic_;
    std::int64_t lags_;
    PhaseRows rows_;
    RowTables tables_;
    std::vector<std::int32_t> displacements_;  // of each lag from 0
    std::vector<Curve> curves_;
    // The exchange in hand.
    bool touched_ = false;
    Offset leaving_{}, entering_{};
    std::vector<std::int32_t> sums_;    // of each lag from 0
    std::vector<std::int32_t> change_;  // of the hits, padded, from lag 1
};

void RadialTerm::make_tables() {
    const Offset& reach = rows_.margin();
    std::map<std::pair<std::int64_t, std::int64_t>, std::vector<std::ptrdiff_t>> alike;
    for (std::int64_t dz = -reach[0]; dz <= reach[0]; ++dz)
        for (std::int64_t dy = -reach[1]; dy <= reach[1]; ++dy)
            if (radial_lag(dz * dz + dy * dy) <= lags_)
                alike[std::minmax({std::abs(dz), std::abs(dy)})].push_back(rows_.words_to(dz, dy));
    const std::int64_t words = (2 * reach[2] + 1 + 63) / 64;
    for (const auto& [place, list] : alike)
        for (std::int64_t word = 0; word < words; ++word) {
            const std::size_t first = tables_.rows.size();
            for (const std::ptrdiff_t row : list) tables_.rows.push_back(row + word);
            add_masks(place.first * place.first + place.second * place.second, word,
                      {first, list.size(), 0, 0, 0});
        }
}

// One mask for each lag that 64 voxels of a row belong to.
void RadialTerm::add_masks(std::int64_t side, std::int64_t word, RowGroup group) {
    const std::int64_t reach = rows_.margin()[2];
    std::map<std::size_t, std::uint64_t> masks;
    for (std::int64_t bit = 0; bit < 64; ++bit) {
        const std::int64_t dx = 64 * word + bit - reach;
        const std::int64_t lag = radial_lag(side + dx * dx);
        if (dx > reach || lag < 1 || lag > lags_) continue;
        masks[size(lag)] |= std::uint64_t{1} << bit;
        displacements_[size(lag)] += static_cast<std::int32_t>(group.rows);
    }
    if (masks.empty()) return;
    group.first_mask = tables_.masks.size();
    group.masks = masks.size();
    group.first_lag = masks.begin()->first;  // no lag is left out from here to the last
    for (const auto& [lag, mask] : masks) tables_.masks.push_back(mask);
    tables_.groups.push_back(group);
}

double RadialTerm::difference(std::int64_t a, std::int64_t b) {
    leaving_ = offset_of(a, shape_);
    entering_ = offset_of(b, shape_);
    const bool a_leaves = rows_.holds(leaving_);
    touched_ = a_leaves != rows_.holds(entering_);
    if (!touched_) return 0.0;
    if (!a_leaves) std::swap(leaving_, entering_);

    std::fill(sums_.begin(), sums_.end(), 0);
    const Neighbourhood entering = rows_.near(entering_), leaving = rows_.near(leaving_);
    add_groups(tables_.groups.data(), tables_.groups.size(), tables_.rows.data(),
               tables_.masks.data(), &entering, &leaving, sums_.data());
    hide_each_other();
    // A pair counts both ways.
    for (std::size_t lag = 1; lag < sums_.size(); ++lag)
        change_[lag - 1] = 2 * (sums_[lag] - displacements_[lag]);
    return energy_difference(curves_[0], change_.data());
}

// The entering voxel has seen the leaving one, which is in the phase no longer.
void RadialTerm::hide_each_other() {
    std::array<std::array<std::int64_t, 3>, 3> ways{};
    std::array<std::size_t, 3> count{};
    for (std::size_t axis = 0; axis < 3; ++axis) {
        const std::int64_t way = leaving_[axis] - entering_[axis], side = shape_.sides[axis];
        const std::int64_t reach = rows_.margin()[axis];
        for (const std::int64_t image : {way, way + side, way - side})
            if (std::abs(image) <= reach && (periodic_ || image == way))
                ways[axis][count[axis]++] = image;
    }
    for (std::size_t i = 0; i < count[0]; ++i)
        for (std::size_t j = 0; j < count[1]; ++j)
            for (std::size_t k = 0; k < count[2]; ++k) {
                const std::int64_t dz = ways[0][i], dy = ways[1][j], dx = ways[2][k];
                const std::int64_t lag = radial_lag(dz * dz + dy * dy + dx * dx);
                if (lag <= lags_) sums_[size(lag)] -= 1;
            }
}

void RadialTerm::commit() {
    if (!touched_) return;
    curves_[0].absorb(change_.data());
    rows_.flip(leaving_);
    rows_.flip(entering_);
}

}  // namespace

std::unique_ptr<Term> make_radial_term(const LabelView& labels, std::vector<TargetCurve> targets,
                                       bool periodic) {
    if (targets.size() != 1)
        throw std::invalid_argument("two targets for the same radial statistic and phase");
    return std::make_unique<RadialTerm>(labels, std::move(targets[0]), periodic);
}

}  // namespace microtwin
