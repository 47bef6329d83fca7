// Sums in vector registers and lane by lane are the same to the last bit.
#include "microtwin/lanes.hpp"

#include <cstdio>
#include <vector>

#include "check.hpp"
#include "microtwin/random.hpp"

namespace microtwin {

double plain_energy_difference(const PairChange* changes, std::size_t count);
double plain_energy_difference(const PathChange* changes, std::size_t count);
CurveSums plain_absorb(const PairChange& change, const CurveLanes& curve);
CurveSums plain_absorb(const PathChange& change, const CurveLanes& curve);
CurveSums plain_absorb(const std::int32_t* change, const CurveLanes& curve);

namespace {

template <class Change>
void absorbing_is_the_same(const Change& change, std::vector<float> slope, Xoshiro256& random) {
    const std::size_t lags = slope.size();
    std::vector<double> hits(lags), scale(lags), target(lags), weight(lags), counted(lags);
    for (std::size_t j = 0; j < lags; ++j) {
        hits[j] = static_cast<double>(random.next() % 1000);
        scale[j] = 1e-3 * random.uniform();
        target[j] = random.uniform();
        weight[j] = j % 5 == 0 ? 0.0 : random.uniform();
        counted[j] = j % 5 == 0 ? 0.0 : 1.0;
    }
    auto plain_hits = hits;
    auto plain_slope = slope;
    const CurveSums fast = absorb(change, {hits.data(), scale.data(), target.data(), weight.data(),
                                           counted.data(), slope.data(), lags});
    const CurveSums plain =
        plain_absorb(change, {plain_hits.data(), scale.data(), target.data(), weight.data(),
                              counted.data(), plain_slope.data(), lags});
    CHECK(hits == plain_hits && slope == plain_slope);
    CHECK(fast.energy == plain.energy && fast.steepness == plain.steepness);
    CHECK(fast.error == plain.error && fast.error > 0.0);
    const CurveSums alone = absorb(change, {hits.data(), scale.data(), target.data(), weight.data(),
                                            nullptr, slope.data(), lags});
    CHECK(alone.error == alone.energy);
}

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
        std::vector<std::int32_t> change(lags);
        for (auto& one : change) one = static_cast<std::int32_t>(random.next() % 9) - 4;
        absorbing_is_the_same(pairs[0], slope, random);
        absorbing_is_the_same(paths[0], slope, random);
        absorbing_is_the_same(change.data(), slope, random);
    }
}

}  // namespace
}  // namespace microtwin

int main() {
    microtwin::both_ways_give_the_same_bits();
    std::printf("%d checks failed\n", failures);
    return failures == 0 ? 0 : 1;
}
