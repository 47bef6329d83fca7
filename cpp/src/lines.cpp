#include "microtwin/lines.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace microtwin {
namespace {

// Words of a row, which holds `width` bits and zeros behind them.
struct Row {
    const std::uint64_t* words;
    std::int64_t width;

    // 64 bits from bit x on, x above -64; zero where there are none.
    std::uint64_t bits(std::int64_t x) const {
        if (x >= width) return 0;
        if (x < 0) return words[0] << -x;
        const std::int64_t word = x / kWordBits, shift = x % kWordBits;
        std::uint64_t result = words[word] >> shift;
        if (shift != 0 && (word + 1) * kWordBits < width)
            result |= words[word + 1] << (kWordBits - shift);
        return result;
    }
    // 64 bits from bit x on, going round.
    std::uint64_t wrapped_bits(std::int64_t x) const {
        std::uint64_t result = bits(x);
        for (std::int64_t have = width - x; have < kWordBits; have += width)
            result |= bits(0) << have;
        return result;
    }
};

// One step along a side that wraps.
std::int64_t moved(std::int64_t at, int by, std::int64_t side) {
    at += by;
    if (at == side) return 0;
    return at < 0 ? side - 1 : at;
}

// The rows i at which begin + by * i lies in [low, high).
Range inside(std::int64_t begin, int by, std::int64_t low, std::int64_t high, std::int64_t length) {
    if (by == 0) return {0, length};
    const Range range =
        by > 0 ? Range{low - begin, high - begin} : Range{begin - high + 1, begin - low + 1};
    return {std::clamp<std::int64_t>(range.begin, 0, length),
            std::clamp<std::int64_t>(range.end, 0, length)};
}

}  // namespace

LineBundles::LineBundles(const PhaseMask& mask, const Step& step, bool periodic)
    : mask_(mask), step_(step), periodic_(periodic), along_z_(step[0] != 0),
      length_(mask.shape()[along_z_ ? 0 : 1]) {
    const Shape3& shape = mask.shape();
    const auto lead = [&](int by) { return by == 0 || periodic ? 0 : length_ - 1; };
    // Lines that lean enter through a face other than the first one too: begin further out.
    const std::int64_t width = shape[2] + lead(step[2]);
    const std::int64_t height = shape[1] + lead(along_z_ ? step[1] : 0);
    lead_x_ = step[2] > 0 ? lead(step[2]) : 0;
    lead_y_ = along_z_ && step[1] > 0 ? lead(step[1]) : 0;
    words_ = (width + kWordBits - 1) / kWordBits;
    siblings_ = along_z_ ? height : shape[0];
    columns_ = words_ * siblings_;
}

LineBundles::Voxel LineBundles::start(std::int64_t column) const {
    // Columns of a bundle should be full and empty at the same rows: where lines lean in x,
    // neighbours are those of the same x; otherwise those side by side in memory.
    const bool leans = step_[2] != 0;
    const std::int64_t word = leans ? column / siblings_ : column % words_;
    const std::int64_t sibling = leans ? column % siblings_ : column / words_;
    return {along_z_ ? 0 : sibling, along_z_ ? sibling - lead_y_ : 0, word * kWordBits - lead_x_};
}

Range LineBundles::rows_of(std::int64_t column) const {
    if (periodic_) return {0, length_};
    const Shape3& shape = mask_.shape();
    const Voxel from = start(column);
    const Range y = inside(from.y, along_z_ ? step_[1] : 0, 0, shape[1], length_);
    const Range x = inside(from.x, step_[2], 1 - kWordBits, shape[2], length_);
    return {std::max(x.begin, y.begin), std::min(x.end, y.end)};
}

Range LineBundles::rows(std::int64_t bundle) const {
    const std::int64_t first = bundle * kBundleWords;
    Range all{length_, 0};
    for (std::int64_t c = first; c < std::min(first + kBundleWords, columns_); ++c) {
        const Range own = rows_of(c);
        if (own.size() <= 0) continue;
        all = {std::min(all.begin, own.begin), std::max(all.end, own.end)};
    }
    return all.size() > 0 ? all : Range{0, 0};
}

void LineBundles::gather(std::int64_t bundle, std::int64_t tail, std::uint64_t* rows) const {
    const std::int64_t first = bundle * kBundleWords;
    const std::int64_t width = std::min<std::int64_t>(kBundleWords, columns_ - first);
    if (step_[2] == 0 && (!along_z_ || step_[1] == 0))
        return gather_straight(first, width, tail, rows);
    const Range range = this->rows(bundle);
    std::memset(rows, 0,
                static_cast<std::size_t>((range.size() + tail) * kBundleWords) * sizeof *rows);
    for (std::int64_t k = 0; k < width; ++k) {
        if (periodic_)
            gather_wrapped(first + k, length_ + tail, rows + k);
        else
            gather_inside(first + k, range, rows + k);
    }
}

void LineBundles::gather_straight(std::int64_t first, std::int64_t width, std::int64_t tail,
                                  std::uint64_t* rows) const {
    if (width < kBundleWords)
        std::memset(rows, 0, static_cast<std::size_t>(length_ * kBundleWords) * sizeof *rows);
    const std::int64_t stride = mask_.words_per_row() * (along_z_ ? mask_.shape()[1] : 1);
    std::array<const std::uint64_t*, kBundleWords> sources;
    for (std::int64_t k = 0; k < width; ++k) {
        const Voxel from = start(first + k);
        sources[static_cast<std::size_t>(k)] = mask_.row(from.z, from.y) + from.x / kWordBits;
    }
    for (std::int64_t i = 0; i < length_; ++i)
        for (std::int64_t k = 0; k < width; ++k)
            rows[i * kBundleWords + k] = sources[static_cast<std::size_t>(k)][i * stride];
    std::uint64_t* behind = rows + length_ * kBundleWords;
    const auto words = static_cast<std::size_t>(tail * kBundleWords);
    if (!periodic_)
        std::memset(behind, 0, words * sizeof *rows);
    else  // row by row: a tail longer than the line goes round again
        for (std::size_t i = 0; i < words; ++i) behind[i] = rows[i];
}

void LineBundles::gather_wrapped(std::int64_t column, std::int64_t height,
                                 std::uint64_t* rows) const {
    const Shape3& shape = mask_.shape();
    Voxel at = start(column);
    const std::int64_t lanes = shape[2] - at.x;  // the last word may hold fewer lines than bits
    const std::uint64_t exist =
        lanes < kWordBits ? (std::uint64_t{1} << lanes) - 1 : ~std::uint64_t{0};
    for (std::int64_t i = 0; i < height; ++i) {
        const Row row{mask_.row(at.z, at.y), shape[2]};
        rows[i * kBundleWords] = exist & row.wrapped_bits(at.x);
        at = {moved(at.z, step_[0], shape[0]), moved(at.y, step_[1], shape[1]),
              moved(at.x, step_[2], shape[2])};
    }
}

void LineBundles::gather_inside(std::int64_t column, const Range& range,
                                std::uint64_t* rows) const {
    const Voxel from = start(column);
    const Range own = rows_of(column);
    for (std::int64_t i = own.begin; i < own.end; ++i) {
        const Row row{mask_.row(from.z + step_[0] * i, from.y + step_[1] * i), mask_.shape()[2]};
        rows[(i - range.begin) * kBundleWords] = row.bits(from.x + step_[2] * i);
    }
}

}  // namespace microtwin
