#include "parabolas.hpp"

#include <algorithm>
#include <array>

#include "simd.hpp"

namespace microtwin {
namespace {

// The last block overlaps the one before, so that all its values are voxels.
std::int64_t block_start(std::int64_t begin, std::int64_t size) {
    return std::max<std::int64_t>(std::min(begin, size - kBlock), 0);
}

bool lower_portable(const std::int32_t* lines, std::int64_t size, std::int64_t stride,
                    std::int64_t reach, std::int64_t budget, std::int32_t* out) {
    for (std::int64_t begin = 0; begin < size; begin += kBlock) {
        const std::int64_t at = block_start(begin, size);
        const std::int32_t* here = lines + at;
        std::array<std::int32_t, kBlock> best;
        std::copy(here, here + kBlock, best.begin());
        // From k steps away nothing comes that is less than k * k.
        for (std::int64_t k = 1; k <= reach; k += kSteps) {
            if (*std::max_element(best.begin(), best.end()) <= k * k) break;
            if (--budget < 0) return false;
            for (std::int64_t step = k; step < k + kSteps; ++step) {
                const std::int32_t* behind = here - step * stride;
                const std::int32_t* ahead = here + step * stride;
                const auto rise = static_cast<std::int32_t>(step * step);
                for (std::size_t l = 0; l < kBlock; ++l)
                    best[l] = std::min(best[l], std::min(behind[l], ahead[l]) + rise);
            }
        }
        std::copy(best.begin(), best.end(), out + at);
    }
    return true;
}

#if defined(MICROTWIN_X86)

// With a mask of all lanes: GCC 12 warns of the plain intrinsic.
__attribute__((target("avx512f"))) inline __m512i smaller(__m512i a, __m512i b) {
    return _mm512_maskz_min_epi32(0xFFFF, a, b);
}

__attribute__((target("avx512f"))) bool lower_avx512(const std::int32_t* lines, std::int64_t size,
                                                     std::int64_t stride, std::int64_t reach,
                                                     std::int64_t budget, std::int32_t* out) {
    for (std::int64_t begin = 0; begin < size; begin += kBlock) {
        const std::int64_t at = block_start(begin, size);
        const std::int32_t* behind = lines + at;
        const std::int32_t* ahead = lines + at;
        __m512i best = _mm512_loadu_si512(ahead);
        for (std::int64_t k = 1; k <= reach; k += kSteps) {
            const __m512i least = _mm512_set1_epi32(static_cast<std::int32_t>(k * k));
            if (_mm512_cmpgt_epi32_mask(best, least) == 0) break;
            if (--budget < 0) return false;
            for (std::int64_t step = k; step < k + kSteps; ++step) {
                behind -= stride;
                ahead += stride;
                const __m512i near = smaller(_mm512_loadu_si512(behind), _mm512_loadu_si512(ahead));
                const __m512i rise = _mm512_set1_epi32(static_cast<std::int32_t>(step * step));
                best = smaller(best, _mm512_add_epi32(near, rise));
            }
        }
        _mm512_storeu_si512(out + at, best);
    }
    return true;
}

__attribute__((target("avx2"))) bool lower_avx2(const std::int32_t* lines, std::int64_t size,
                                                std::int64_t stride, std::int64_t reach,
                                                std::int64_t budget, std::int32_t* out) {
    using Half = __m256i;
    for (std::int64_t begin = 0; begin < size; begin += kBlock) {
        const std::int64_t at = block_start(begin, size);
        const std::int32_t* behind = lines + at;
        const std::int32_t* ahead = lines + at;
        Half best[2];
        for (int h = 0; h < 2; ++h)
            best[h] = _mm256_loadu_si256(reinterpret_cast<const Half*>(ahead) + h);
        for (std::int64_t k = 1; k <= reach; k += kSteps) {
            const Half least = _mm256_set1_epi32(static_cast<std::int32_t>(k * k));
            const Half more = _mm256_or_si256(_mm256_cmpgt_epi32(best[0], least),
                                              _mm256_cmpgt_epi32(best[1], least));
            if (_mm256_testz_si256(more, more)) break;
            if (--budget < 0) return false;
            for (std::int64_t step = k; step < k + kSteps; ++step) {
                behind -= stride;
                ahead += stride;
                const Half rise = _mm256_set1_epi32(static_cast<std::int32_t>(step * step));
                for (int h = 0; h < 2; ++h) {
                    const Half near = _mm256_min_epi32(
                        _mm256_loadu_si256(reinterpret_cast<const Half*>(behind) + h),
                        _mm256_loadu_si256(reinterpret_cast<const Half*>(ahead) + h));
                    best[h] = _mm256_min_epi32(best[h], _mm256_add_epi32(near, rise));
                }
            }
        }
        for (int h = 0; h < 2; ++h)
            _mm256_storeu_si256(reinterpret_cast<Half*>(out + at) + h, best[h]);
    }
    return true;
}

#endif

}  // namespace

std::vector<LowerKernel> lower_kernels() {
    std::vector<LowerKernel> usable;
#if defined(MICROTWIN_X86)
    if (__builtin_cpu_supports("avx512f")) usable.push_back(lower_avx512);
    if (__builtin_cpu_supports("avx2")) usable.push_back(lower_avx2);
#endif
    usable.push_back(lower_portable);
    return usable;
}

void Envelope::lower(const std::int32_t* line, std::int64_t n, std::int64_t stride, bool periodic,
                     std::int32_t* out) {
    hull_.clear();
    const std::int64_t halo = periodic ? n / 2 : 0;
    for (std::int64_t u = -halo; u < n + halo; ++u) {
        const std::int64_t height = line[(u < 0 ? u + n : u < n ? u : u - n) * stride];
        if (height == kNever) continue;
        const Parabola fresh{u, height, 0};
        while (!hull_.empty() && hull_.back().at(hull_.back().from) > fresh.at(hull_.back().from))
            hull_.pop_back();
        if (hull_.empty()) {
            hull_.push_back(fresh);
            continue;
        }
        // Up to where the last parabola is the lower one, or as low.
        const Parabola& last = hull_.back();
        const std::int64_t border =
            (u * u - last.apex * last.apex + height - last.height) / (2 * (u - last.apex));
        if (border + 1 < n) hull_.push_back({u, height, border + 1});
    }
    std::int64_t end = n;
    for (auto parabola = hull_.rbegin(); parabola != hull_.rend(); ++parabola) {
        for (std::int64_t i = parabola->from; i < end; ++i)
            out[i * stride] = static_cast<std::int32_t>(parabola->at(i));
        end = parabola->from;
    }
    for (std::int64_t i = 0; i < end; ++i) out[i * stride] = kNever;
}

}  // namespace microtwin
