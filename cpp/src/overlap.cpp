#include "overlap.hpp"

#include <bit>
#include <numeric>

#include "microtwin/lines.hpp"
#include "simd.hpp"

namespace microtwin {
namespace {

void overlaps_portable(const std::uint64_t* rows, const std::uint64_t* others, std::int64_t n,
                       std::int64_t max_lag, std::int64_t* hits) {
    for (std::int64_t r = 0; r <= max_lag; ++r) {
        const std::uint64_t* other = others + r * kBundleWords;
        std::int64_t sum = 0;
        for (std::int64_t i = 0; i < n * kBundleWords; ++i)
            sum += std::popcount(rows[i] & other[i]);
        hits[r] += sum;
    }
}

#if defined(MICROTWIN_X86)

__attribute__((target("avx512f"))) std::int64_t lane_sum(__m512i lanes) {
    alignas(64) std::int64_t values[8];
    _mm512_store_si512(values, lanes);
    return std::accumulate(values, values + 8, std::int64_t{0});
}

// Four lags at a time, so that row i is loaded once for four products.
__attribute__((target("avx512f,avx512vpopcntdq"))) void overlaps_avx512(const std::uint64_t* rows,
                                                                        const std::uint64_t* others,
                                                                        std::int64_t n,
                                                                        std::int64_t max_lag,
                                                                        std::int64_t* hits) {
    constexpr int kLags = 4;
    std::int64_t r = 0;
    for (; r + kLags <= max_lag + 1; r += kLags) {
        __m512i sums[kLags];
        for (auto& sum : sums) sum = _mm512_setzero_si512();
        for (std::int64_t i = 0; i < n; ++i) {
            const __m512i a = _mm512_load_si512(rows + i * kBundleWords);
            const std::uint64_t* b = others + (i + r) * kBundleWords;
            for (int j = 0; j < kLags; ++j)
                sums[j] =
                    _mm512_add_epi64(sums[j], _mm512_popcnt_epi64(_mm512_and_si512(
                                                  a, _mm512_load_si512(b + j * kBundleWords))));
        }
        for (int j = 0; j < kLags; ++j) hits[r + j] += lane_sum(sums[j]);
    }
    for (; r <= max_lag; ++r) {
        __m512i sum = _mm512_setzero_si512();
        for (std::int64_t i = 0; i < n; ++i)
            sum = _mm512_add_epi64(sum, _mm512_popcnt_epi64(_mm512_and_si512(
                                            _mm512_load_si512(rows + i * kBundleWords),
                                            _mm512_load_si512(others + (i + r) * kBundleWords))));
        hits[r] += lane_sum(sum);
    }
}

// Bits in each byte by table look-up of its two halves (W. Mula's method); bytes are added up over
// at most 15 rows of two registers (15 * 2 * 8 = 240 fits a byte), then widened.
__attribute__((target("avx2"))) void overlaps_avx2(const std::uint64_t* rows,
                                                   const std::uint64_t* others, std::int64_t n,
                                                   std::int64_t max_lag, std::int64_t* hits) {
    constexpr std::int64_t kRows = 15;
    const __m256i table = _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4,  //
                                           0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
    const __m256i low = _mm256_set1_epi8(15);
    for (std::int64_t r = 0; r <= max_lag; ++r) {
        __m256i sum = _mm256_setzero_si256();
        for (std::int64_t begin = 0; begin < n; begin += kRows) {
            const std::int64_t end = begin + kRows < n ? begin + kRows : n;
            __m256i bytes = _mm256_setzero_si256();
            for (std::int64_t i = begin; i < end; ++i) {
                const auto* a = reinterpret_cast<const __m256i*>(rows + i * kBundleWords);
                const auto* b = reinterpret_cast<const __m256i*>(others + (i + r) * kBundleWords);
                for (int half = 0; half < 2; ++half) {
                    const __m256i both =
                        _mm256_and_si256(_mm256_load_si256(a + half), _mm256_load_si256(b + half));
                    const __m256i upper = _mm256_and_si256(_mm256_srli_epi16(both, 4), low);
                    bytes = _mm256_add_epi8(
                        bytes,
                        _mm256_add_epi8(_mm256_shuffle_epi8(table, _mm256_and_si256(both, low)),
                                        _mm256_shuffle_epi8(table, upper)));
                }
            }
            sum = _mm256_add_epi64(sum, _mm256_sad_epu8(bytes, _mm256_setzero_si256()));
        }
        alignas(32) std::int64_t lanes[4];
        _mm256_store_si256(reinterpret_cast<__m256i*>(lanes), sum);
        hits[r] += lanes[0] + lanes[1] + lanes[2] + lanes[3];
    }
}

#endif

}  // namespace

std::vector<OverlapKernel> overlap_kernels() {
    std::vector<OverlapKernel> usable;
#if defined(MICROTWIN_X86)
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vpopcntdq"))
        usable.push_back(overlaps_avx512);
    if (__builtin_cpu_supports("avx2")) usable.push_back(overlaps_avx2);
#endif
    usable.push_back(overlaps_portable);
    return usable;
}

void count_overlaps(const std::uint64_t* rows, const std::uint64_t* others, std::int64_t n,
                    std::int64_t max_lag, std::int64_t* hits) {
    static const OverlapKernel kernel = overlap_kernels().front();
    kernel(rows, others, n, max_lag, hits);
}

}  // namespace microtwin
