#include "microtwin/configurations.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <stdexcept>

#include "microtwin/parallel.hpp"
#include "simd.hpp"

namespace microtwin {
namespace configuration {

// Two rows one above the other, as bits 0 and 4 of a byte for each x, are joined to the two before
// them in y, which `carried` holds and these replace.
MICROTWIN_CLONES
void join_rows(const std::uint8_t* low, const std::uint8_t* high, std::uint8_t phase,
               std::int64_t n, std::uint8_t* __restrict carried, std::uint8_t* __restrict columns) {
    for (std::int64_t x = 0; x < n; ++x) {
        const auto next =
            static_cast<std::uint8_t>((low[x] == phase ? 1 : 0) | (high[x] == phase ? 16 : 0));
        columns[x] = static_cast<std::uint8_t>(carried[x] | next << 2);
        carried[x] = next;
    }
}

MICROTWIN_CLONES
void join_masks(const std::uint8_t* low, const std::uint8_t* high, std::int64_t n,
                std::uint8_t* __restrict carried, std::uint8_t* __restrict columns) {
    for (std::int64_t x = 0; x < n; ++x) {
        const auto next = static_cast<std::uint8_t>((low[x] != 0 ? 1 : 0) & (high[x] != 0 ? 1 : 0));
        columns[x] = static_cast<std::uint8_t>(carried[x] & next);
        carried[x] = next;
    }
}

MICROTWIN_CLONES
void join_columns(const std::uint8_t* columns, std::int64_t n, std::uint8_t* __restrict codes) {
    for (std::int64_t x = 0; x < n; ++x)
        codes[x] = static_cast<std::uint8_t>(columns[x] | columns[x + 1] << 1);
}

// Makes the codes of places that do not count 0, and returns how many these are.
MICROTWIN_CLONES
std::int64_t drop_masked(const std::uint8_t* valid, std::int64_t n,
                         std::uint8_t* __restrict codes) {
    constexpr std::int64_t kSum = 128;  // so that a byte can count
    std::int64_t dropped = n;
    for (std::int64_t begin = 0; begin < n; begin += kSum) {
        const std::int64_t end = std::min(n, begin + kSum);
        std::uint8_t counted = 0;
        for (std::int64_t x = begin; x < end; ++x) {
            const auto counts = static_cast<std::uint8_t>(valid[x] & valid[x + 1]);
            codes[x] = static_cast<std::uint8_t>(codes[x] & -counts);
            counted = static_cast<std::uint8_t>(counted + counts);
        }
        dropped -= counted;
    }
    return dropped;
}

}  // namespace configuration

namespace {

// Eight tables, so that equal bytes in a row do not wait for each other.
class Histogram {
  public:
    void add(const std::uint8_t* codes, std::int64_t n) {
        std::int64_t x = 0;
        for (; x + 8 <= n; x += 8) {
            std::uint64_t word;
            std::memcpy(&word, codes + x, sizeof word);
            for (unsigned k = 0; k < 8; ++k) ++counts_[k][(word >> (8 * k)) & 0xFF];
        }
        for (; x < n; ++x) ++counts_[0][codes[x]];
    }
    void remove(std::uint8_t code, std::int64_t count) { counts_[0][code] -= count; }
    void add_to(std::vector<std::int64_t>& total) const {
        for (const auto& table : counts_)
            for (std::size_t code = 0; code < total.size(); ++code) total[code] += table[code];
    }

  private:
    std::array<std::array<std::int64_t, 256>, 8> counts_{};
};

using Row = std::vector<std::uint8_t>;

// Walks along y through the neighbourhoods between slices z and z + 1 (images: of one slice).
class Walker {
  public:
    Walker(const LabelView& labels, const std::uint8_t* mask, bool flat, std::uint8_t phase,
           bool periodic)
        : labels_(labels), mask_(mask), flat_(flat), phase_(phase), periodic_(periodic),
          n_(labels.shape[2]), places_(periodic ? n_ : n_ - 1), carried_(size(n_)),
          columns_(size(n_ + 1)), carried_mask_(size(n_)), valid_(size(n_ + 1)), codes_(size(n_)) {}

    // Neighbourhoods whose first row is y, begin <= y < end.
    void walk(std::int64_t z, std::int64_t begin, std::int64_t end, Histogram& histogram) {
        take_row(z, begin);  // only to be carried
        for (std::int64_t y = begin; y < end; ++y) {
            take_row(z, y + 1);
            configuration::join_columns(columns_.data(), places_, codes_.data());
            if (mask_ != nullptr)
                histogram.remove(0,
                                 configuration::drop_masked(valid_.data(), places_, codes_.data()));
            histogram.add(codes_.data(), places_);
        }
    }

  private:
    static std::size_t size(std::int64_t n) { return static_cast<std::size_t>(n); }

    void take_row(std::int64_t z, std::int64_t y) {
        const Shape3& shape = labels_.shape;
        const std::int64_t low = (z * shape[1] + y % shape[1]) * n_;
        const std::int64_t high = ((z + 1) % shape[0] * shape[1] + y % shape[1]) * n_;
        const std::uint8_t* data = labels_.data;
        configuration::join_rows(data + low, data + high, phase_, n_, carried_.data(),
                                 columns_.data());
        if (flat_)  // there is no slice above
            for (auto& column : columns_) column &= 0x0F;
        columns_[size(n_)] = columns_[0];
        if (mask_ == nullptr) return;
        configuration::join_masks(mask_ + low, mask_ + high, n_, carried_mask_.data(),
                                  valid_.data());
        valid_[size(n_)] = valid_[0];
    }

    LabelView labels_;
    const std::uint8_t* mask_;
    bool flat_;
    std::uint8_t phase_;
    bool periodic_;
    std::int64_t n_, places_;
    Row carried_, columns_, carried_mask_, valid_, codes_;
};

}  // namespace

std::vector<std::int64_t> configurations(const LabelView& labels, const std::uint8_t* mask,
                                         bool flat, std::uint8_t phase, bool periodic,
                                         int threads) {
    const Shape3& shape = labels.shape;
    for (int axis = 0; axis < 3; ++axis)
        if (shape[axis] < 1) throw std::invalid_argument("labels must not be empty");
    if (flat && shape[0] != 1) throw std::invalid_argument("an image has one slice");
    if (threads < 1) throw std::invalid_argument("threads must be at least 1");
    const std::int64_t open = periodic ? 0 : 1;
    const std::int64_t slices = flat ? 1 : shape[0] - open, rows = shape[1] - open;
    std::vector<std::int64_t> total(flat ? 16 : 256);
    if (slices * rows == 0 || (!periodic && shape[2] == 1)) return total;
    const auto parts =
        parallel_ranges(slices * rows, threads, Histogram{},
                        [&](std::int64_t begin, std::int64_t end, Histogram& histogram) {
                            Walker walker(labels, mask, flat, phase, periodic);
                            while (begin < end) {
                                const std::int64_t z = begin / rows, y = begin % rows;
                                const std::int64_t last = std::min(rows, y + end - begin);
                                walker.walk(z, y, last, histogram);
                                begin += last - y;
                            }
                        });
    for (const auto& part : parts) part.add_to(total);
    return total;
}

}  // namespace microtwin
