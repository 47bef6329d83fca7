#include "matches.hpp"

#include <limits>

#include "simd.hpp"

namespace microtwin {
namespace {

// Inlined into each of the versions below, so that it is compiled for their instruction sets.
template <class Label>
MICROTWIN_INLINE void copy_each(const std::int32_t* labels, std::int64_t count, Label* ahead,
                                Label* here) {
    for (std::int64_t i = 0; i < count; ++i) {
        const auto label = static_cast<Label>(labels[i]);
        ahead[i] = label;
        here[i] = label == 0 ? std::numeric_limits<Label>::max() : label;
    }
}

template <class Label>
void matches_portable(const Label* a, const Label* b, std::int64_t count, std::int64_t stride,
                      std::int64_t max_lag, std::int64_t* hits) {
    for (std::int64_t r = 0; r <= max_lag; ++r) {
        const Label* other = b + r * stride;
        std::int64_t sum = 0;
        for (std::int64_t i = 0; i < count; ++i) sum += a[i] == other[i];
        hits[r] += sum;
    }
}

#if defined(MICROTWIN_X86)

// Lanes add up what they have seen in as many bits as a label has; they are emptied before they,
// or their sum in 32 bits, could overflow.
template <class Label>
constexpr std::int64_t kRegisters = sizeof(Label) == 2 ? 32767 : 1 << 26;

template <class Label>
__attribute__((target("avx512f,avx512bw"))) void matches_avx512(const Label* a, const Label* b,
                                                                std::int64_t count,
                                                                std::int64_t stride,
                                                                std::int64_t max_lag,
                                                                std::int64_t* hits) {
    constexpr std::int64_t kLanes = kMatchLanes<Label>, kMost = kLanes * kRegisters<Label>;
    const __m512i minus_one = _mm512_set1_epi64(-1);
    for (std::int64_t r = 0; r <= max_lag; r += kMatchLags)
        for (std::int64_t begin = 0; begin < count; begin += kMost) {
            const std::int64_t end = begin + kMost < count ? begin + kMost : count;
            __m512i sums[kMatchLags];
            for (auto& sum : sums) sum = _mm512_setzero_si512();
            for (std::int64_t i = begin; i < end; i += kLanes) {
                const __m512i mine = _mm512_loadu_si512(a + i);
                const Label* other = b + i + r * stride;
                for (int j = 0; j < kMatchLags; ++j) {
                    const __m512i theirs = _mm512_loadu_si512(other + j * stride);
                    if constexpr (sizeof(Label) == 2)
                        sums[j] = _mm512_mask_sub_epi16(
                            sums[j], _mm512_cmpeq_epi16_mask(mine, theirs), sums[j], minus_one);
                    else
                        sums[j] = _mm512_mask_sub_epi32(
                            sums[j], _mm512_cmpeq_epi32_mask(mine, theirs), sums[j], minus_one);
                }
            }
            for (int j = 0; j < kMatchLags && r + j <= max_lag; ++j) {
                if constexpr (sizeof(Label) == 2)  // pairs of lanes to 32 bits
                    sums[j] = _mm512_madd_epi16(sums[j], _mm512_set1_epi16(1));
                alignas(64) std::int32_t lanes[16];
                _mm512_store_si512(lanes, sums[j]);
                for (const std::int32_t lane : lanes) hits[r + j] += lane;
            }
        }
}

template <class Label>
__attribute__((target("avx2"))) void matches_avx2(const Label* a, const Label* b,
                                                  std::int64_t count, std::int64_t stride,
                                                  std::int64_t max_lag, std::int64_t* hits) {
    constexpr std::int64_t kLanes = kMatchLanes<Label> / 2, kMost = kLanes * kRegisters<Label>;
    for (std::int64_t r = 0; r <= max_lag; r += kMatchLags)
        for (std::int64_t begin = 0; begin < count; begin += kMost) {
            const std::int64_t end = begin + kMost < count ? begin + kMost : count;
            __m256i sums[kMatchLags];
            for (auto& sum : sums) sum = _mm256_setzero_si256();
            for (std::int64_t i = begin; i < end; i += kLanes) {
                const __m256i mine = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(a + i));
                const Label* other = b + i + r * stride;
                for (int j = 0; j < kMatchLags; ++j) {
                    const __m256i theirs =
                        _mm256_loadu_si256(reinterpret_cast<const __m256i*>(other + j * stride));
                    if constexpr (sizeof(Label) == 2)  // true is -1
                        sums[j] = _mm256_sub_epi16(sums[j], _mm256_cmpeq_epi16(mine, theirs));
                    else
                        sums[j] = _mm256_sub_epi32(sums[j], _mm256_cmpeq_epi32(mine, theirs));
                }
            }
            for (int j = 0; j < kMatchLags && r + j <= max_lag; ++j) {
                if constexpr (sizeof(Label) == 2)
                    sums[j] = _mm256_madd_epi16(sums[j], _mm256_set1_epi16(1));
                alignas(32) std::int32_t lanes[8];
                _mm256_store_si256(reinterpret_cast<__m256i*>(lanes), sums[j]);
                for (const std::int32_t lane : lanes) hits[r + j] += lane;
            }
        }
}

#endif

}  // namespace

MICROTWIN_CLONES void copy_labels(const std::int32_t* labels, std::int64_t count,
                                  std::uint16_t* ahead, std::uint16_t* here) {
    copy_each(labels, count, ahead, here);
}

MICROTWIN_CLONES void copy_labels(const std::int32_t* labels, std::int64_t count,
                                  std::uint32_t* ahead, std::uint32_t* here) {
    copy_each(labels, count, ahead, here);
}

template <class Label>
std::vector<MatchKernel<Label>> match_kernels() {
    std::vector<MatchKernel<Label>> usable;
#if defined(MICROTWIN_X86)
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw"))
        usable.push_back(matches_avx512<Label>);
    if (__builtin_cpu_supports("avx2")) usable.push_back(matches_avx2<Label>);
#endif
    usable.push_back(matches_portable<Label>);
    return usable;
}

template std::vector<MatchKernel<std::uint16_t>> match_kernels();
template std::vector<MatchKernel<std::uint32_t>> match_kernels();

}  // namespace microtwin
