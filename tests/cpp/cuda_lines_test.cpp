// Does the work of every CUDA thread here, one after the other, and compares with the core.
#include <algorithm>

#include "check.hpp"
#include "lines.hpp"
#include "packing.hpp"
#include "structures.hpp"

namespace microtwin::cuda {
namespace {

using test::Structure;
using Counts = std::vector<std::int64_t>;
using Mask = std::vector<std::uint64_t>;

// The bits that the lines along a step read, filled strip by strip as on the device.
Mask packed(const Sample& sample, const Selection& selection, const Step& step) {
    const Shape3& shape = sample.labels.shape;
    const Lattice lattice = lattice_along(shape, step, false);
    Mask mask(static_cast<std::size_t>(lattice.depth * lattice.height * lattice.words));
    const Voxels voxels{sample.labels.data, sample.window, selection};
    if (!needs_turned(step)) {
        for (std::int64_t i = 0; i < shape.size(); ++i)
            if (voxels.selected(i))
                mask[static_cast<std::size_t>(i / shape[2] * lattice.words + i % shape[2] / 64)] |=
                    std::uint64_t{1} << (i % shape[2] % 64);
        return mask;
    }
    for (const Strip& strip : strips(shape, 500))
        for (std::int64_t z = strip.z; z < strip.z + strip.slices; ++z)
            for (std::int64_t y = strip.y; y < strip.y + strip.rows; y += 64)
                for (std::int64_t x = 0; x < shape[2]; ++x)
                    mask[static_cast<std::size_t>((z * shape[2] + x) * lattice.words + y / 64)] =
                        pack_down(voxels, (z * shape[1] + y) * shape[2] + x,
                                  strip.y + strip.rows - y, shape[2]);
    return mask;
}

template <class Visit>
void for_every_share(const Work& work, Visit&& visit) {
    for (std::int64_t block = 0; block < work.blocks(); ++block)
        for (int thread = 0; thread < kThreads; ++thread) visit(work.share(block, thread));
}

Counts pairs(const Work& work, const Mask& first, const Mask& second, std::int64_t max_lag) {
    Counts hits(static_cast<std::size_t>(max_lag + 1));
    for_every_share(work, [&](const Share& share) {
        std::uint32_t found[kLagBlock] = {};
        count_pairs(work, share, first.data(), second.data(), found);
        for (int j = 0; j < kLagBlock && share.lag + j <= work.reach; ++j)
            hits[static_cast<std::size_t>(share.lag + j)] += found[j];
    });
    return hits;
}

template <class Segments>
Counts segments(const Work& work, const Mask& mask, const Mask& border, std::int64_t max_lag) {
    Counts hits(static_cast<std::size_t>(max_lag + 1));
    for_every_share(work, [&](const Share& share) {
        Segments found(work, share, mask.data(), border.data());
        for (std::int64_t r = 0; r <= work.reach && found.may_grow(); ++r) {
            hits[static_cast<std::size_t>(r)] += found.count();
            found.lengthen();
        }
    });
    return hits;
}

// The steps of every family, and so those along and across words, slices and both.
const std::vector<Step> kSteps{{0, 0, 1},  {0, 1, 0},  {1, 0, 0},  {0, 1, 1},  {0, 1, -1},
                               {1, 0, 1},  {1, 0, -1}, {1, 1, 0},  {1, -1, 0}, {1, 1, 1},
                               {1, 1, -1}, {1, -1, 1}, {1, -1, -1}};

void every_thread_together_counts_what_the_core_counts(const Sample& sample, const Step& step,
                                                       const CountOptions& options) {
    const Shape3& shape = sample.labels.shape;
    const std::int64_t max_lag = options.max_lag;
    const Mask one = packed(sample, {1}, step), two = packed(sample, {2}, step);
    const Mask border = packed(sample, {1, true}, step);
    const Work pair = pair_work(shape, step, options), path = path_work(shape, step, options);
    const bool windowed = sample.window != nullptr;
    const Work chord = windowed ? windowed_chord_work(shape, step, options) : path;
    Counts chords = segments<Chords>(chord, one, border, max_lag);
    chords[0] = 0;

    const LagCounts pairs_of_core = two_point(sample, 1, 1, {step}, options)[0];
    const LagCounts paths_of_core = lineal_path(sample, 1, {step}, options)[0];
    const LagCounts chords_of_core = chord_lengths(sample, 1, {step}, options)[0];
    CHECK(pairs(pair, one, one, max_lag) == pairs_of_core.hits);
    CHECK(pairs(pair, one, two, max_lag) == two_point(sample, 1, 2, {step}, options)[0].hits);
    CHECK(segments<Paths>(path, one, one, max_lag) == paths_of_core.hits);
    CHECK(chords == chords_of_core.hits);
    if (!windowed) return;

    const Mask places = packed({{sample.window, shape}}, {1}, step);
    CHECK(pairs(pair, places, places, max_lag) == pairs_of_core.trials);
    const CountOptions longer{max_lag + 1, options.periodic, 1};
    Counts trials = segments<Paths>(path_work(shape, step, longer), places, places, longer.max_lag);
    trials.erase(trials.begin());
    CHECK(trials == chords_of_core.trials);
    trials = segments<Paths>(path, places, places, max_lag);
    CHECK(trials == paths_of_core.trials);
}

void every_thread_together_counts_what_the_core_counts() {
    std::uint64_t seed = 0;
    for (const Shape3& shape : test::kShapes) {
        const Structure structure = test::random_structure(shape, 3, ++seed);
        Structure window = test::random_structure(shape, 12, ++seed);
        for (std::uint8_t& byte : window.labels) byte = byte != 0;
        for (const Step& step : kSteps)
            for (const bool periodic : {false, true})
                for (const std::uint8_t* inside :
                     {static_cast<const std::uint8_t*>(nullptr),
                      static_cast<const std::uint8_t*>(window.labels.data())})
                    every_thread_together_counts_what_the_core_counts({structure.view(), inside},
                                                                      step, {70, periodic, 1});
    }
}

// Nothing ends what lies on a ring or crosses the volume.
void lines_that_are_all_phase_are_followed_to_the_last_lag() {
    for (const Shape3& shape : {Shape3{{1, 30, 80}}, Shape3{{9, 70, 5}}, Shape3{{40, 2, 67}}}) {
        Structure full{shape, std::vector<std::uint8_t>(static_cast<std::size_t>(shape.size()), 1)};
        for (const bool hole : {false, true}) {
            full.labels[full.labels.size() / 3] = !hole;
            for (const Step& step : kSteps)
                for (const bool periodic : {false, true})
                    every_thread_together_counts_what_the_core_counts({full.view()}, step,
                                                                      {80, periodic, 1});
        }
    }
}

void strips_cover_every_row_once_in_whole_words() {
    for (const Shape3& shape : {Shape3{{5, 7, 9}}, Shape3{{3, 200, 10}}, Shape3{{1, 1, 5000}}})
        for (const std::int64_t voxels : {1, 64, 700, 1400, 100000}) {
            std::int64_t next = 0;
            for (const Strip& strip : strips(shape, voxels)) {
                CHECK(strip.z * shape[1] + strip.y == next);
                CHECK(strip.y % 64 == 0);
                CHECK(strip.slices == 1 || strip.rows == shape[1]);
                CHECK(strip.slices * strip.rows * shape[2] <= std::max(voxels, 64 * shape[2]));
                next += strip.slices * strip.rows;
            }
            CHECK(next == shape[0] * shape[1]);
        }
}

void shares_beyond_two_to_the_31_threads_stay_apart() {
    // 4096^3 along z: 2^18 words of 64 lines of 4096 voxels, all lags of 4095.
    const Shape3 cube{{4096, 4096, 4096}};
    const Work work = pair_work(cube, {1, 0, 0}, {4095, false, 1});
    CHECK(work.threads() == (std::int64_t{1} << 18) * 128);
    CHECK(work.blocks() == (std::int64_t{1} << 17) * 512);
    const Share last = work.share(work.blocks() - 1, kThreads - 1);
    CHECK(last.first.z == 4096 - kPairPositions && last.rows == kPairPositions);
    CHECK(last.first.y == 4095 && last.first.x == 4096 - 64);
    CHECK(last.lag == 4096 - kLagBlock);
    // Along a diagonal the shares reach out by as many rows and words as lines lean in them.
    const Work leaning = path_work(cube, {1, -1, 1}, {10, false, 1});
    CHECK(leaning.threads() == std::int64_t{65} * (4096 + kPathPositions - 1) * 512);
    CHECK(leaning.share(0, 0).first.x == 1 - kPathPositions && leaning.share(0, 0).first.y == 0);
}

}  // namespace
}  // namespace microtwin::cuda

int main() {
    using namespace microtwin::cuda;
    strips_cover_every_row_once_in_whole_words();
    lines_that_are_all_phase_are_followed_to_the_last_lag();
    every_thread_together_counts_what_the_core_counts();
    shares_beyond_two_to_the_31_threads_stay_apart();
    std::printf("%d checks failed\n", failures);
    return failures == 0 ? 0 : 1;
}
