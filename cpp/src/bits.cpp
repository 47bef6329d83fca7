#include "microtwin/bits.hpp"

#include <algorithm>
#include <array>
#include <functional>

#include "microtwin/parallel.hpp"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace microtwin {
namespace {

struct Nothing {};

// Bit j of the result is 1 where p[j] == phase, for 64 bytes.
std::uint64_t pack_word(const std::uint8_t* p, std::uint8_t phase) {
    std::uint64_t word = 0;
#if defined(__SSE2__)
    const __m128i wanted = _mm_set1_epi8(static_cast<char>(phase));
    for (int j = 0; j < 64; j += 16) {
        const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p + j));
        const auto equal = static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, wanted)));
        word |= static_cast<std::uint64_t>(equal) << j;
    }
#else
    for (int j = 0; j < 64; ++j) word |= static_cast<std::uint64_t>(p[j] == phase) << j;
#endif
    return word;
}

void pack_row(const std::uint8_t* p, std::int64_t n, std::uint8_t phase, std::uint64_t* out) {
    std::int64_t x = 0;
    for (; x + kWordBits <= n; x += kWordBits) *out++ = pack_word(p + x, phase);
    if (x == n) return;
    std::uint64_t word = 0;
    for (int j = 0; x + j < n; ++j) word |= static_cast<std::uint64_t>(p[x + j] == phase) << j;
    *out = word;
}

// Transposes a 64 x 64 block of bits in place: bit j of word i becomes bit i of word j.
void transpose_block(std::uint64_t* block) {
    std::uint64_t mask = 0x00000000FFFFFFFFULL;
    for (unsigned width = 32; width != 0; width >>= 1, mask ^= mask << width) {
        for (unsigned i = 0; i < 64; i = (i + width + 1) & ~width) {
            const std::uint64_t swap = ((block[i] >> width) ^ block[i + width]) & mask;
            block[i] ^= swap << width;
            block[i + width] ^= swap;
        }
    }
}

}  // namespace

PhaseMask::PhaseMask(const Shape3& shape)
    : shape_(shape), words_((shape[2] + kWordBits - 1) / kWordBits),
      bits_(static_cast<std::size_t>(shape[0] * shape[1] * words_)) {}

PhaseMask::PhaseMask(const LabelView& labels, std::uint8_t phase, int threads)
    : PhaseMask(labels.shape) {
    const int workers = worthwhile(threads, 0.06 * static_cast<double>(shape_.size()));
    parallel_ranges(shape_[0] * shape_[1], workers, Nothing{},
                    [&](std::int64_t begin, std::int64_t end, Nothing&) {
                        for (std::int64_t line = begin; line < end; ++line)
                            pack_row(labels.data + line * shape_[2], shape_[2], phase,
                                     bits_.data() + line * words_);
                    });
}

PhaseMask PhaseMask::ones(const Shape3& shape) {
    PhaseMask mask(shape);
    const std::int64_t beyond = mask.words_ * kWordBits - shape[2];
    std::fill(mask.bits_.begin(), mask.bits_.end(), ~std::uint64_t{0});
    const auto words = static_cast<std::size_t>(mask.words_);
    for (auto last = words - 1; last < mask.bits_.size(); last += words)
        mask.bits_[last] >>= beyond;
    return mask;
}

void PhaseMask::intersect(const PhaseMask& other) {
    std::transform(bits_.begin(), bits_.end(), other.bits_.begin(), bits_.begin(),
                   std::bit_and<>{});
}

PhaseMask PhaseMask::transposed_xy(int threads) const {
    PhaseMask result(Shape3{{shape_[0], shape_[2], shape_[1]}});
    const std::int64_t blocks_y = result.words_;
    const int workers = worthwhile(threads, 0.1 * static_cast<double>(shape_.size()));
    parallel_ranges(
        shape_[0] * blocks_y, workers, Nothing{},
        [&](std::int64_t begin, std::int64_t end, Nothing&) {
            std::array<std::uint64_t, kWordBits> block;
            for (std::int64_t item = begin; item < end; ++item) {
                const std::int64_t z = item / blocks_y, block_y = item % blocks_y;
                const std::int64_t y0 = block_y * kWordBits;
                const std::int64_t height = std::min<std::int64_t>(kWordBits, shape_[1] - y0);
                for (std::int64_t word = 0; word < words_; ++word) {
                    block.fill(0);
                    for (std::int64_t j = 0; j < height; ++j)
                        block[static_cast<std::size_t>(j)] = row(z, y0 + j)[word];
                    transpose_block(block.data());
                    const std::int64_t x0 = word * kWordBits;
                    const std::int64_t width = std::min<std::int64_t>(kWordBits, shape_[2] - x0);
                    std::uint64_t* out =
                        result.bits_.data() + (z * shape_[2] + x0) * blocks_y + block_y;
                    for (std::int64_t j = 0; j < width; ++j)
                        out[j * blocks_y] = block[static_cast<std::size_t>(j)];
                }
            }
        });
    return result;
}

}  // namespace microtwin
