// Does the work of every CUDA thread here, one after the other, and compares with the core.
#include <algorithm>

#include "check.hpp"
#include "lines.hpp"
#include "structures.hpp"

namespace microtwin::cuda {
namespace {

using test::Structure;

// The masks that lines_along describes, filled strip by strip as on the device.
std::vector<std::uint64_t> mask_for_axis(const Structure& structure, std::uint8_t phase, int axis,
                                         std::int64_t strip_voxels) {
    const Shape3& shape = structure.shape;
    const std::int64_t words = ceil_div(shape[axis == 2 ? 1 : 2], 64);
    std::vector<std::uint64_t> mask(
        static_cast<std::size_t>(shape[0] * shape[axis == 2 ? 2 : 1] * words));
    if (axis != 2) {
        for (std::int64_t i = 0; i < shape.size(); ++i)
            if (structure.labels[static_cast<std::size_t>(i)] == phase)
                mask[static_cast<std::size_t>(i / shape[2] * words + i % shape[2] / 64)] |=
                    std::uint64_t{1} << (i % shape[2] % 64);
        return mask;
    }
    for (const Strip& strip : strips(shape, strip_voxels))
        for (std::int64_t z = strip.z; z < strip.z + strip.slices; ++z)
            for (std::int64_t y = strip.y; y < strip.y + strip.rows; y += 64)
                for (std::int64_t x = 0; x < shape[2]; ++x)
                    mask[static_cast<std::size_t>((z * shape[2] + x) * words + y / 64)] =
                        pack_down(structure.labels.data() + (z * shape[1] + y) * shape[2] + x,
                                  strip.y + strip.rows - y, shape[2], phase);
    return mask;
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

void every_thread_together_counts_what_the_core_counts() {
    std::uint64_t seed = 0;
    for (const Shape3& shape : test::kShapes) {
        const Structure structure = test::random_structure(shape, 2, ++seed);
        for (const int axis : {0, 1, 2}) {
            const auto mask = mask_for_axis(structure, 1, axis, 500);
            const Lines lines = lines_along(shape, axis);
            for (const bool periodic : {false, true}) {
                const std::int64_t reach = std::min<std::int64_t>(70, shape[axis] - 1);
                std::vector<std::int64_t> pairs(static_cast<std::size_t>(reach + 1)), paths = pairs;

                const Work pair_count = pair_work(lines, reach);
                for (std::int64_t block = 0; block < pair_count.blocks(); ++block)
                    for (int thread = 0; thread < kThreads; ++thread) {
                        const auto share = pair_count.share(block, thread);
                        std::uint32_t found[kLagBlock] = {};
                        count_pairs(lines.line(mask.data(), share.column, periodic), share.position,
                                    share.lag, found);
                        for (int j = 0; j < kLagBlock && share.lag + j <= reach; ++j)
                            pairs[static_cast<std::size_t>(share.lag + j)] += found[j];
                    }

                const Work path_count = path_work(lines, reach);
                for (std::int64_t block = 0; block < path_count.blocks(); ++block)
                    for (int thread = 0; thread < kThreads; ++thread) {
                        const auto share = path_count.share(block, thread);
                        Paths segments(lines.line(mask.data(), share.column, periodic),
                                       share.position);
                        for (auto& sum : paths) {
                            sum += segments.count();
                            segments.lengthen();
                        }
                    }

                const CountOptions options{reach, periodic, 1};
                Step step{};
                step[static_cast<std::size_t>(axis)] = 1;
                CHECK(pairs == two_point({structure.view()}, 1, 1, {step}, options)[0].hits);
                CHECK(paths == lineal_path({structure.view()}, 1, {step}, options)[0].hits);
            }
        }
    }
}

void shares_beyond_two_to_the_31_threads_stay_apart() {
    // 4096^3 along z: 2^18 columns of 4096 words, all lags of 4095.
    const Work work = pair_work(lines_along({{4096, 4096, 4096}}, 0), 4095);
    CHECK(work.threads() == (std::int64_t{1} << 18) * 128);
    CHECK(work.blocks() == (std::int64_t{1} << 17) * 512);
    const auto last = work.share(work.blocks() - 1, kThreads - 1);
    CHECK(last.column == (1 << 18) - 1 && last.position == 4096 - kPairPositions);
    CHECK(last.lag == 4096 - kLagBlock);
}

}  // namespace
}  // namespace microtwin::cuda

int main() {
    using namespace microtwin::cuda;
    strips_cover_every_row_once_in_whole_words();
    every_thread_together_counts_what_the_core_counts();
    shares_beyond_two_to_the_31_threads_stay_apart();
    std::printf("%d checks failed\n", failures);
    return failures == 0 ? 0 : 1;
}
