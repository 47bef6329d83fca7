// Clusters and their pairs from plain C++: what the sanitizer builds run.
#include "microtwin/clusters.hpp"

#include <algorithm>
#include <numeric>

#include "check.hpp"
#include "matches.hpp"
#include "microtwin/components.hpp"
#include "structures.hpp"

namespace microtwin::test {
namespace {

using Image = std::vector<std::int32_t>;

const std::array<Step, 13> kSteps{{{1, 0, 0},
                                   {0, 1, 0},
                                   {0, 0, 1},
                                   {1, 1, 0},
                                   {1, -1, 0},
                                   {1, 0, 1},
                                   {1, 0, -1},
                                   {0, 1, 1},
                                   {0, 1, -1},
                                   {1, 1, 1},
                                   {1, 1, -1},
                                   {1, -1, 1},
                                   {1, -1, -1}}};

// Every voxel takes the least number of its neighbours until none changes any more.
Image naive_image(const Structure& structure, const ClusterOptions& options) {
    const Shape3& shape = structure.shape;
    Image image(static_cast<std::size_t>(shape.size()));
    std::iota(image.begin(), image.end(), 1);
    for (std::size_t i = 0; i < image.size(); ++i)
        if (structure.labels[i] != 1) image[i] = 0;
    const auto index = [&](std::int64_t z, std::int64_t y, std::int64_t x) {
        return static_cast<std::size_t>((z * shape[1] + y) * shape[2] + x);
    };
    for (bool changed = true; changed;) {
        changed = false;
        for (const Step& step : kSteps) {
            if (std::abs(step[0]) + std::abs(step[1]) + std::abs(step[2]) >
                static_cast<int>(options.neighbours))
                continue;
            for (std::int64_t z = 0; z < shape[0]; ++z)
                for (std::int64_t y = 0; y < shape[1]; ++y)
                    for (std::int64_t x = 0; x < shape[2]; ++x) {
                        std::array<std::int64_t, 3> to{z + step[0], y + step[1], x + step[2]};
                        bool outside = false;
                        for (int k = 0; k < 3; ++k) {
                            std::int64_t& c = to[static_cast<std::size_t>(k)];
                            outside = outside || c < 0 || c >= shape[k];
                            c = (c + shape[k]) % shape[k];
                        }
                        if (outside && !options.periodic) continue;
                        std::int32_t& a = image[index(z, y, x)];
                        std::int32_t& b = image[index(to[0], to[1], to[2])];
                        if (a == 0 || b == 0 || a == b) continue;
                        a = b = std::min(a, b);
                        changed = true;
                    }
        }
    }
    // 1, 2, ... in the order of the first voxels.
    Image known;
    for (std::int32_t& number : image) {
        if (number == 0) continue;
        const auto place = std::find(known.begin(), known.end(), number);
        const auto k = place - known.begin();
        if (place == known.end()) known.push_back(number);
        number = static_cast<std::int32_t>(k) + 1;
    }
    return image;
}

LagCounts naive_pairs(const Image& image, const Shape3& shape, const Step& step,
                      const CountOptions& options) {
    const auto lags = static_cast<std::size_t>(options.max_lag + 1);
    LagCounts counts{std::vector<std::int64_t>(lags), std::vector<std::int64_t>(lags)};
    for (std::int64_t z = 0; z < shape[0]; ++z)
        for (std::int64_t y = 0; y < shape[1]; ++y)
            for (std::int64_t x = 0; x < shape[2]; ++x)
                for (std::int64_t r = 0; r <= options.max_lag; ++r) {
                    std::array<std::int64_t, 3> to{z, y, x};
                    bool fits = true;
                    for (int k = 0; k < 3; ++k) {
                        const auto i = static_cast<std::size_t>(k);
                        if (step[i] == 0) continue;
                        to[i] += r * step[i];
                        fits = fits && r < shape[k];
                        fits = fits && (options.periodic || (to[i] >= 0 && to[i] < shape[k]));
                        to[i] = ((to[i] % shape[k]) + shape[k]) % shape[k];
                    }
                    if (!fits) continue;
                    const auto at = [&](std::int64_t a, std::int64_t b, std::int64_t c) {
                        return image[static_cast<std::size_t>((a * shape[1] + b) * shape[2] + c)];
                    };
                    const auto lag = static_cast<std::size_t>(r);
                    counts.trials[lag] += 1;
                    counts.hits[lag] += at(z, y, x) != 0 && at(z, y, x) == at(to[0], to[1], to[2]);
                }
    return counts;
}

void clusters_and_pairs_are_those_of_the_definition_for_any_number_of_threads() {
    std::uint64_t seed = 200;
    for (const Shape3& shape : kShapes)
        for (const auto neighbours : {Neighbours::face, Neighbours::edge, Neighbours::corner})
            for (const bool periodic : {false, true}) {
                const Structure structure = random_structure(shape, 3, ++seed);
                const Image expected = naive_image(structure, {neighbours, periodic, 1});
                Image image(expected.size(), -1);
                for (const int threads : {1, 2, 7}) {
                    const auto found = find_clusters(structure.view(), 1,
                                                     {neighbours, periodic, threads}, image.data());
                    CHECK(image == expected);
                    for (std::size_t k = 0; k < found.sizes.size(); ++k)
                        CHECK(found.sizes[k] == std::count(image.begin(), image.end(), k + 1));
                    const CountOptions options{40, periodic, threads};
                    const auto pairs = cluster_pairs({image.data(), shape},
                                                     {kSteps.begin(), kSteps.end()}, options);
                    if (neighbours != Neighbours::face) continue;  // slow, and the same
                    for (std::size_t s = 0; s < kSteps.size(); ++s)
                        CHECK(same(pairs[s], naive_pairs(image, shape, kSteps[s], options)));
                }
            }
}

void labels_of_32_bits_are_paired_as_those_of_16() {
    const Shape3 shape{{5, 9, 35}};
    const Structure structure = random_structure(shape, 2, 5);
    Image image(static_cast<std::size_t>(shape.size()));
    find_clusters(structure.view(), 1, {}, image.data());
    Image large = image;
    for (std::int32_t& number : large)
        if (number != 0) number += 1 << 20;
    for (const bool periodic : {false, true}) {
        const CountOptions options{8, periodic, 2};
        const std::vector<Step> steps{kSteps.begin(), kSteps.end()};
        const auto few = cluster_pairs({image.data(), shape}, steps, options);
        const auto many = cluster_pairs({large.data(), shape}, steps, options);
        for (std::size_t s = 0; s < steps.size(); ++s) CHECK(same(few[s], many[s]));
    }
}

template <class Label>
void every_match_kernel_counts_the_same() {
    Xoshiro256 random(9);
    // The longest fills lanes of 16 bits to the brim: every entry matches.
    for (const std::int64_t rows : {1, 3, 70'000}) {
        const std::int64_t count = rows * kMatchLanes<Label>, max_lag = 10;
        for (const std::int64_t stride : {std::int64_t{1}, kMatchLanes<Label>}) {
            std::vector<Label> a(static_cast<std::size_t>(count), 1);
            std::vector<Label> b(static_cast<std::size_t>(count + (max_lag + kMatchLags) * stride),
                                 1);
            if (rows < 4) {
                for (Label& entry : a) entry = static_cast<Label>(random.next() % 3);
                for (Label& entry : b) entry = static_cast<Label>(random.next() % 3);
            }
            std::vector<std::int64_t> expected(static_cast<std::size_t>(max_lag + 1));
            for (std::int64_t r = 0; r <= max_lag; ++r)
                for (std::int64_t i = 0; i < count; ++i)
                    expected[static_cast<std::size_t>(r)] +=
                        a[static_cast<std::size_t>(i)] ==
                        b[static_cast<std::size_t>(i + r * stride)];
            for (const MatchKernel<Label> kernel : match_kernels<Label>()) {
                std::vector<std::int64_t> hits(expected.size());
                kernel(a.data(), b.data(), count, stride, max_lag, hits.data());
                CHECK(hits == expected);
            }
        }
    }
}

void a_helix_winds_and_a_ring_across_a_face_does_not() {
    // A diagonal through a cube: each voxel meets the next only by a corner, and the last the first
    // of the next cell.
    Structure diagonal{{{4, 4, 4}}, std::vector<std::uint8_t>(64)};
    for (std::size_t i = 0; i < 4; ++i) diagonal.labels[21 * i] = 1;
    const auto corner = find_clusters(diagonal.view(), 1, {Neighbours::corner, true, 1}, nullptr);
    CHECK(corner.sizes == std::vector<std::int64_t>{4});
    CHECK((corner.percolates[0] == std::array<std::uint8_t, 3>{1, 1, 1}));
    CHECK(find_clusters(diagonal.view(), 1, {Neighbours::edge, true, 1}, nullptr).sizes.size() ==
          4);

    // A bar of two voxels lies across the face: it touches both, and winds around nothing.
    Structure bar{{{1, 1, 6}}, {1, 0, 0, 0, 0, 1}};
    const auto across = find_clusters(bar.view(), 1, {Neighbours::face, true, 1}, nullptr);
    CHECK(across.sizes == std::vector<std::int64_t>{2});
    CHECK(across.percolates[0][2] == 0);
}

void impossible_clusters_are_refused() {
    const Structure line{{{1, 1, 3}}, {1, 0, 1}};
    const Image image{1, 0, 2};
    CHECK_REFUSES(find_clusters({nullptr, {{1, 1, 3}}}, 1, {}, nullptr));
    CHECK_REFUSES(find_clusters({line.labels.data(), {{1, 0, 3}}}, 1, {}, nullptr));
    CHECK_REFUSES(find_clusters(line.view(), 1, {Neighbours::face, false, 0}, nullptr));
    CHECK_REFUSES(find_clusters(line.view(), 1, {static_cast<Neighbours>(4)}, nullptr));
    const ClusterView view{image.data(), line.shape};
    CHECK_REFUSES(cluster_pairs({nullptr, line.shape}, {{0, 0, 1}}, {1, false, 1}));
    CHECK_REFUSES(cluster_pairs(view, {{0, 0, 2}}, {1, false, 1}));
    CHECK_REFUSES(cluster_pairs(view, {{0, 0, 0}}, {1, false, 1}));
    CHECK_REFUSES(cluster_pairs(view, {{0, -1, 1}}, {1, false, 1}));
    CHECK_REFUSES(cluster_pairs(view, {{0, 0, 1}}, {-1, false, 1}));
    CHECK_REFUSES(cluster_pairs(view, {{0, 0, 1}}, {1, false, 0}));
    const Image negative{1, 0, -2};
    CHECK_REFUSES(cluster_pairs({negative.data(), line.shape}, {{0, 0, 1}}, {1, false, 1}));
}

}  // namespace
}  // namespace microtwin::test

int main() {
    using namespace microtwin::test;
    clusters_and_pairs_are_those_of_the_definition_for_any_number_of_threads();
    labels_of_32_bits_are_paired_as_those_of_16();
    every_match_kernel_counts_the_same<std::uint16_t>();
    every_match_kernel_counts_the_same<std::uint32_t>();
    a_helix_winds_and_a_ring_across_a_face_does_not();
    impossible_clusters_are_refused();
    std::printf("%d checks failed\n", failures);
    return failures == 0 ? 0 : 1;
}
