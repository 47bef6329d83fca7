#include "microtwin/lanes.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <functional>

#include "simd.hpp"

// Contraction to fused multiply-add is off for the whole core (see CMakeLists.txt): every version
// that MICROTWIN_CLONES makes rounds alike.

namespace microtwin {
namespace {

// kLanes numbers in registers. Only what is needed below; never passed by value between functions
// that are not inlined, for how that is done depends on the instruction set.
#if defined(__GNUC__) && !defined(MICROTWIN_PLAIN_LANES)
using Ints [[gnu::vector_size(kLanes * sizeof(std::int32_t))]] = std::int32_t;
using Floats [[gnu::vector_size(kLanes * sizeof(float))]] = float;
using Doubles [[gnu::vector_size(kLanes * sizeof(double))]] = double;
constexpr Ints kLane{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

MICROTWIN_INLINE void make_positive(Ints& a) { a = a > 0 ? a : Ints{}; }
MICROTWIN_INLINE void convert(const Ints& a, Floats& out) {
    out = __builtin_convertvector(a, Floats);
}
MICROTWIN_INLINE void convert(const Ints& a, Doubles& out) {
    out = __builtin_convertvector(a, Doubles);
}
MICROTWIN_INLINE void convert(const Doubles& a, Floats& out) {
    out = __builtin_convertvector(a, Floats);
}
MICROTWIN_INLINE void drop_signs(Floats& a) {
    Ints bits;
    std::memcpy(&bits, &a, sizeof bits);
    bits &= 0x7FFFFFFF;  // comparisons would be made lane by lane
    std::memcpy(&a, &bits, sizeof bits);
}
#else  // the same sums, one lane after the other
template <class T>
struct Lanes : std::array<T, kLanes> {
    template <class Operation>
    Lanes with(const Lanes& b, Operation operation) const {
        Lanes result;
        for (std::size_t k = 0; k < kLanes; ++k) result[k] = operation((*this)[k], b[k]);
        return result;
    }
    static Lanes all(T value) {
        Lanes result;
        result.fill(value);
        return result;
    }
    Lanes& operator+=(const Lanes& b) { return *this = *this + b; }
    friend Lanes operator+(const Lanes& a, const Lanes& b) { return a.with(b, std::plus<T>{}); }
    friend Lanes operator-(const Lanes& a, const Lanes& b) { return a.with(b, std::minus<T>{}); }
    friend Lanes operator*(const Lanes& a, const Lanes& b) {
        return a.with(b, std::multiplies<T>{});
    }
    friend Lanes operator+(const Lanes& a, T b) { return a + all(b); }
    friend Lanes operator-(T a, const Lanes& b) { return all(a) - b; }
    friend Lanes operator*(const Lanes& a, T b) { return a * all(b); }
    friend Lanes operator&(const Lanes& a, T b) { return a.with(all(b), std::bit_and<T>{}); }
    friend Lanes operator>>(const Lanes& a, const Lanes& b) {
        return a.with(b, [](T x, T by) { return x >> by; });
    }
};
using Ints = Lanes<std::int32_t>;
using Floats = Lanes<float>;
constexpr Ints kLane{{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}};

MICROTWIN_INLINE void make_positive(Ints& a) {
    for (auto& number : a) number = std::max(number, 0);
}
using Doubles = Lanes<double>;
template <class From, class To>
MICROTWIN_INLINE void convert(const Lanes<From>& a, Lanes<To>& out) {
    for (std::size_t k = 0; k < kLanes; ++k) out[k] = static_cast<To>(a[k]);
}
MICROTWIN_INLINE void drop_signs(Floats& a) {
    for (auto& number : a) number = std::abs(number);
}
#endif

// Adds up the lanes pairwise, always in the same order: the halves, then their halves.
#if defined(__GNUC__) && !defined(MICROTWIN_PLAIN_LANES)
template <class Number, std::size_t width = kLanes, class Array>
MICROTWIN_INLINE double fold(const Array& sums) {
    if constexpr (width == 1) {
        return static_cast<double>(sums[0]);
    } else {
        using Half [[gnu::vector_size(width / 2 * sizeof(Number))]] = Number;
        Half low, high;
        std::memcpy(&low, &sums, sizeof low);
        std::memcpy(&high, reinterpret_cast<const char*>(&sums) + sizeof low, sizeof high);
        low += high;
        return fold<Number, width / 2>(low);
    }
}
#else
template <class Number, class Array>
MICROTWIN_INLINE double fold(Array sums) {
    for (std::size_t width = kLanes / 2; width > 0; width /= 2)
        for (std::size_t k = 0; k < width; ++k) sums[k] += sums[k + width];
    return static_cast<double>(sums[0]);
}
#endif

MICROTWIN_INLINE void pair_change(const PairChange& change, std::size_t begin, Ints& hits) {
    const Sight& sight = change.sights[begin / 64];
    const auto piece = static_cast<unsigned>(begin % 64);
    const auto ahead = [&](std::uint64_t word, Ints& bits) MICROTWIN_INLINE_LAMBDA {
        bits = ((static_cast<std::int32_t>((word >> piece) & 0xFFFF) - Ints{}) >> kLane) & 1;
    };
    const auto behind = [&](std::uint64_t word, Ints& bits) MICROTWIN_INLINE_LAMBDA {
        bits = ((static_cast<std::int32_t>((word >> (48 - piece)) & 0xFFFF) - Ints{}) >>
                (15 - kLane)) &
               1;
    };
    Ints ea, eb, la, lb;
    ahead(sight.entering_ahead, ea);
    behind(sight.entering_behind, eb);
    ahead(sight.leaving_ahead, la);
    behind(sight.leaving_behind, lb);
    hits = (ea + eb) - (la + lb);
}

// Joining runs of a and b voxels by one more makes segments(a + b + 1) of segments(a) and (b).
MICROTWIN_INLINE void path_change(const PathChange& change, std::size_t begin, Ints& hits) {
    const Ints lag = kLane + static_cast<std::int32_t>(begin + 1);
    const auto add = [&](std::int32_t run, std::int32_t sign) MICROTWIN_INLINE_LAMBDA {
        Ints segments = run - lag;
        make_positive(segments);
        hits += segments * sign;
    };
    const auto join = [&](std::int32_t a, std::int32_t b, std::int32_t sign)
                          MICROTWIN_INLINE_LAMBDA {
                              add(a + b + 1, sign);
                              add(a, -sign);
                              add(b, -sign);
                          };
    hits = Ints{};
    join(change.entering_ahead, change.entering_behind, 1);
    join(change.leaving_ahead, change.leaving_behind, -1);
}

MICROTWIN_INLINE void hits_change(const PairChange& c, std::size_t begin, Ints& hits) {
    pair_change(c, begin, hits);
}
MICROTWIN_INLINE void hits_change(const PathChange& c, std::size_t begin, Ints& hits) {
    path_change(c, begin, hits);
}
MICROTWIN_INLINE void hits_change(const std::int32_t* change, std::size_t begin, Ints& hits) {
    std::memcpy(&hits, change + begin, sizeof hits);
}
// How many lags a change can touch.
MICROTWIN_INLINE std::size_t extent(const PairChange& c) { return c.curve.lags; }
MICROTWIN_INLINE std::size_t extent(const PathChange& c) {
    const std::int32_t entering = c.entering_ahead + c.entering_behind + 1;
    const std::int32_t leaving = c.leaving_ahead + c.leaving_behind + 1;
    return std::min(c.curve.lags, static_cast<std::size_t>(std::max(entering, leaving)));
}
MICROTWIN_INLINE void load(const double* from, Doubles& lanes) {
    std::memcpy(&lanes, from, sizeof lanes);
}

template <class Change>
MICROTWIN_INLINE double sum_differences(const Change* changes, std::size_t count) {
    Floats sums{};
    for (std::size_t i = 0; i < count; ++i) {
        const CurveShape& curve = changes[i].curve;
        const std::size_t lags = extent(changes[i]);
        for (std::size_t begin = 0; begin < lags; begin += kLanes) {
            Ints hits;
            hits_change(changes[i], begin, hits);
            Floats slope, curvature;
            std::memcpy(&slope, curve.slope + begin, sizeof slope);
            std::memcpy(&curvature, curve.curvature + begin, sizeof curvature);
            Floats e;
            convert(hits, e);
            sums += e * (slope + curvature * e);
        }
    }
    return fold<float>(sums);
}

template <class Change>
MICROTWIN_INLINE CurveSums absorb_change(const Change& change, const CurveLanes& curve) {
    Doubles energy{}, square{};
    Floats steepness{};
    for (std::size_t begin = 0; begin < curve.lags; begin += kLanes) {
        Ints hits;
        hits_change(change, begin, hits);
        Doubles count, by, scale, target, weight;
        convert(hits, by);
        load(curve.hits + begin, count);
        load(curve.scale + begin, scale);
        load(curve.target + begin, target);
        load(curve.weight + begin, weight);
        count += by;
        std::memcpy(curve.hits + begin, &count, sizeof count);
        const Doubles error = count * scale - target;
        const Doubles pull = weight * error;
        energy += pull * error;
        if (curve.counted != nullptr) {
            Doubles counted;
            load(curve.counted + begin, counted);
            square += counted * (error * error);
        }
        const Doubles steep = (pull + pull) * scale;
        Floats slope;
        convert(steep, slope);
        std::memcpy(curve.slope + begin, &slope, sizeof slope);
        drop_signs(slope);
        steepness += slope;
    }
    const double total = fold<double>(energy);
    return {total, fold<float>(steepness), curve.counted != nullptr ? fold<double>(square) : total};
}

}  // namespace

MICROTWIN_CLONES
double energy_difference(const PairChange* changes, std::size_t count) {
    return sum_differences(changes, count);
}

MICROTWIN_CLONES
double energy_difference(const PathChange* changes, std::size_t count) {
    return sum_differences(changes, count);
}

MICROTWIN_CLONES
CurveSums absorb(const PairChange& change, const CurveLanes& curve) {
    return absorb_change(change, curve);
}

MICROTWIN_CLONES
CurveSums absorb(const PathChange& change, const CurveLanes& curve) {
    return absorb_change(change, curve);
}

MICROTWIN_CLONES
CurveSums absorb(const std::int32_t* change, const CurveLanes& curve) {
    return absorb_change(change, curve);
}

}  // namespace microtwin
