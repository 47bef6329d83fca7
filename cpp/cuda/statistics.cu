#include <algorithm>

#include "device.cuh"
#include "lines.hpp"
#include "statistics.hpp"

namespace microtwin::cuda {
namespace {

using Hit = unsigned long long;  // the type that CUDA can add to atomically
using Words = DeviceBuffer<std::uint64_t>;
using Hits = DeviceBuffer<Hit>;

constexpr int kWarp = 32;
constexpr std::int64_t kMaxBlocks = 1 << 20;      // of a launch; each then takes several shares
constexpr std::int64_t kStripVoxels = 256 << 20;  // labels on the device at any time

__device__ std::int64_t first_item() {
    return static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
}
__device__ std::int64_t all_threads() { return static_cast<std::int64_t>(gridDim.x) * kThreads; }

// The same sum in every lane.
__device__ std::uint32_t warp_sum(std::uint32_t value) {
    for (int offset = kWarp / 2; offset > 0; offset /= 2)
        value += __shfl_xor_sync(0xFFFFFFFFu, value, offset);
    return value;
}

// One warp for each word: bit b is voxel 64 w + b of a row of `width` labels.
__global__ void __launch_bounds__(kThreads)
    pack_along_x(const std::uint8_t* labels, std::int64_t rows, std::int64_t width,
                 std::uint8_t phase, std::uint64_t* mask) {
    const std::int64_t words = ceil_div(width, 64);
    const std::int64_t lane = threadIdx.x % kWarp;
    for (std::int64_t item = first_item() / kWarp; item < rows * words;
         item += all_threads() / kWarp) {
        const std::int64_t x = item % words * 64 + lane;
        const std::uint8_t* row = labels + item / words * width;
        const std::uint64_t low = __ballot_sync(0xFFFFFFFFu, x < width && row[x] == phase);
        const std::uint64_t high =
            __ballot_sync(0xFFFFFFFFu, x + kWarp < width && row[x + kWarp] == phase);
        if (lane == 0) mask[item] = low | high << kWarp;
    }
}

// One thread for each word: bit b is row 64 w + b; neighbouring threads read neighbouring labels.
__global__ void __launch_bounds__(kThreads)
    pack_along_y(const std::uint8_t* labels, Strip strip, std::int64_t height, std::int64_t width,
                 std::uint8_t phase, std::uint64_t* mask) {
    const std::int64_t words = ceil_div(strip.rows, 64);
    for (std::int64_t item = first_item(); item < strip.slices * words * width;
         item += all_threads()) {
        const std::int64_t x = item % width, w = item / width % words, z = item / width / words;
        const std::int64_t y = 64 * w;
        const std::uint8_t* top = labels + (z * strip.rows + y) * width + x;
        mask[((strip.z + z) * width + x) * ceil_div(height, 64) + strip.y / 64 + w] =
            pack_down(top, strip.rows - y, width, phase);
    }
}

__global__ void __launch_bounds__(kThreads)
    count_all_pairs(const std::uint64_t* mask, Work work, bool periodic, Hit* hits) {
    for (std::int64_t block = blockIdx.x; block < work.blocks(); block += gridDim.x) {
        const Work::Share share = work.share(block, static_cast<int>(threadIdx.x));
        std::uint32_t found[kLagBlock] = {};
        count_pairs(work.lines.line(mask, share.column, periodic), share.position, share.lag,
                    found);
        for (int j = 0; j < kLagBlock; ++j) {
            const std::uint32_t sum = warp_sum(found[j]);
            if (threadIdx.x % kWarp == 0 && sum != 0 && share.lag + j <= work.reach)
                atomicAdd(hits + share.lag + j, static_cast<Hit>(sum));
        }
    }
}

__global__ void __launch_bounds__(kThreads)
    count_all_paths(const std::uint64_t* mask, Work work, bool periodic, Hit* hits) {
    for (std::int64_t block = blockIdx.x; block < work.blocks(); block += gridDim.x) {
        const Work::Share share = work.share(block, static_cast<int>(threadIdx.x));
        Paths paths(work.lines.line(mask, share.column, periodic), share.position);
        MICROTWIN_UNROLL(8)
        for (std::int64_t lag = 0; lag <= work.reach; ++lag) {
            const std::uint32_t sum = warp_sum(paths.count());
            if (sum == 0) break;  // nothing to lengthen in the whole warp
            if (threadIdx.x % kWarp == 0) atomicAdd(hits + lag, static_cast<Hit>(sum));
            paths.lengthen();
        }
    }
}

unsigned grid(std::int64_t blocks) {
    return static_cast<unsigned>(std::clamp<std::int64_t>(blocks, 1, kMaxBlocks));
}

// The phase as bits, one or two ways round; see lines_along.
class DeviceMask {
  public:
    DeviceMask(const LabelView& labels, std::uint8_t phase, const std::vector<int>& axes)
        : along_x_(std::any_of(axes.begin(), axes.end(), [](int axis) { return axis != 2; })
                       ? labels.shape[0] * labels.shape[1] * ceil_div(labels.shape[2], 64)
                       : 0),
          along_y_(std::find(axes.begin(), axes.end(), 2) != axes.end()
                       ? labels.shape[0] * labels.shape[2] * ceil_div(labels.shape[1], 64)
                       : 0) {
        const std::int64_t height = labels.shape[1], width = labels.shape[2];
        const auto parts = strips(labels.shape, kStripVoxels);
        DeviceBuffer<std::uint8_t> buffer(parts[0].slices * parts[0].rows * width);
        for (const Strip& strip : parts) {
            const std::int64_t first = strip.z * height + strip.y;
            const std::int64_t rows = strip.slices * strip.rows;
            buffer.upload(labels.data + first * width, rows * width);
            if (along_x_.size() > 0) {
                const std::int64_t words = ceil_div(width, 64);
                pack_along_x<<<grid(ceil_div(rows * words * kWarp, kThreads)), kThreads>>>(
                    buffer.data(), rows, width, phase, along_x_.data() + first * words);
                check(cudaGetLastError(), "pack the labels");
            }
            if (along_y_.size() > 0) {
                const std::int64_t words = strip.slices * ceil_div(strip.rows, 64) * width;
                pack_along_y<<<grid(ceil_div(words, kThreads)), kThreads>>>(
                    buffer.data(), strip, height, width, phase, along_y_.data());
                check(cudaGetLastError(), "pack the labels");
            }
        }
    }
    const std::uint64_t* for_axis(int axis) { return (axis == 2 ? along_y_ : along_x_).data(); }

  private:
    Words along_x_, along_y_;
};

using Kernel = void (*)(const std::uint64_t*, Work, bool, Hit*);

std::vector<LagCounts> count(const LabelView& labels, std::uint8_t phase,
                             const std::vector<int>& axes, const CountOptions& options,
                             Work (*plan)(const Lines&, std::int64_t), Kernel kernel) {
    check_count(labels, axes, options);
    DeviceMask mask(labels, phase, axes);
    std::vector<LagCounts> result;
    for (const int axis : axes) {
        const std::int64_t reach = std::min(options.max_lag, labels.shape[axis] - 1);
        const Work work = plan(lines_along(labels.shape, axis), reach);
        Hits hits(options.max_lag + 1);
        hits.clear();
        kernel<<<grid(work.blocks()), kThreads>>>(mask.for_axis(axis), work, options.periodic,
                                                  hits.data());
        check(cudaGetLastError(), "start counting");
        const std::vector<Hit> found = hits.download();
        result.push_back({{found.begin(), found.end()},
                          lag_trials(labels.shape, axis, options.max_lag, options.periodic)});
    }
    return result;
}

}  // namespace

int device_count() {
    int count = 0;
    if (cudaGetDeviceCount(&count) == cudaSuccess) return count;
    cudaGetLastError();
    return 0;
}

std::vector<LagCounts> two_point(const LabelView& labels, std::uint8_t phase,
                                 const std::vector<int>& axes, const CountOptions& options) {
    return count(labels, phase, axes, options, pair_work, count_all_pairs);
}

std::vector<LagCounts> lineal_path(const LabelView& labels, std::uint8_t phase,
                                   const std::vector<int>& axes, const CountOptions& options) {
    return count(labels, phase, axes, options, path_work, count_all_paths);
}

}  // namespace microtwin::cuda
