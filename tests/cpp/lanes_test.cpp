// Sums in vector registers and lane by lane are the same to the last bit.
#include "microtwin/lanes.hpp"

#include <cstdio>
#include <vector>

#include "check.hpp"
#include "microtwin/random.hpp"

namespace microtwin {

double plain_energy_difference(const PairChange* changes, std::size_t count);
double plain_energy_difference(const PathChange* changes, std::size_t count);
void plain_list_change(const PairChange& change, std::int32_t* hits);
void plain_list_change(const PathChange& change, std::int32_t* hits);

namespace {

void both_ways_give_the_same_bits() {
    Xoshiro256 random(1);
    for (int round = 0; round < 200; ++round) {
        const std::size_t lags = kLanes * (1 + below(static_cast<std::uint32_t>(random.next()), 8));
        std::vector<float> slope(lags), curvature(lags);
        for (std::size_t j = 0; j < lags; ++j) {
            slope[j] = static_cast<float>(random.uniform() - 0.5);
            curvature[j] = static_cast<float>(random.uniform());
        }
        std::vector<Sight> sights((lags + 63) / 64);
        for (Sight& sight : sights)
            sight = {random.next(), random.next(), random.next(), random.next()};
        const auto run = [&] {
            return static_cast<std::int32_t>(below(static_cast<std::uint32_t>(random.next()), 40));
        };
        const CurveShape curve{slope.data(), curvature.data(), lags};
        const PairChange pairs[2]{{sights.data(), curve}, {sights.data(), curve}};
        const PathChange paths[2]{{run(), run(), run(), run(), curve},
                                  {run(), run(), run(), run(), curve}};
        CHECK(energy_difference(pairs, 2) == plain_energy_difference(pairs, 2));
        CHECK(energy_difference(paths, 2) == plain_energy_difference(paths, 2));
        std::vector<std::int32_t> fast(lags), plain(lags);
        list_change(pairs[0], fast.data());
        plain_list_change(pairs[0], plain.data());
        CHECK(fast == plain);
        list_change(paths[0], fast.data());
        plain_list_change(paths[0], plain.data());
        CHECK(fast == plain);
    }
}

}  // namespace
}  // namespace microtwin

int main() {
    microtwin::both_ways_give_the_same_bits();
    std::printf("%d checks failed\n", failures);
    return failures == 0 ? 0 : 1;
}
