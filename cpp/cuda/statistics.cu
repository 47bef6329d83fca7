#include <algorithm>

#include "device.cuh"
#include "lines.hpp"
#include "packing.hpp"
#include "statistics.hpp"

namespace microtwin::cuda {
namespace {

using Hit = unsigned long long;  // the type that CUDA can add to atomically
using Bits = const std::uint64_t*;

constexpr int kWarp = 32;
constexpr unsigned kAllLanes = 0xFFFFFFFFu;
constexpr std::int64_t kMaxBlocks = 1 << 20;      // of a launch; each then takes several shares
constexpr std::int64_t kStripVoxels = 256 << 20;  // labels on the device at any time

__device__ std::int64_t first_item() {
    return static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
}
__device__ std::int64_t all_threads() { return static_cast<std::int64_t>(gridDim.x) * kThreads; }

// Adds what all lanes of a warp found.
__device__ void add(Hit* hits, std::uint32_t found) {
    for (int offset = kWarp / 2; offset > 0; offset /= 2)
        found += __shfl_down_sync(kAllLanes, found, offset);
    if (threadIdx.x % kWarp == 0 && found != 0) atomicAdd(hits, static_cast<Hit>(found));
}

// One warp for each word: bit b is voxel 64 w + b of a row.
__global__ void __launch_bounds__(kThreads)
    pack_along_x(Voxels voxels, std::int64_t rows, std::int64_t width, std::uint64_t* mask) {
    const std::int64_t words = ceil_div(width, 64);
    const std::int64_t lane = threadIdx.x % kWarp;
    for (std::int64_t item = first_item() / kWarp; item < rows * words;
         item += all_threads() / kWarp) {
        const std::int64_t x = item % words * 64 + lane, i = item / words * width + x;
        const std::uint64_t low = __ballot_sync(kAllLanes, x < width && voxels.selected(i));
        const std::uint64_t high =
            __ballot_sync(kAllLanes, x + kWarp < width && voxels.selected(i + kWarp));
        if (lane == 0) mask[item] = low | high << kWarp;
    }
}

// One thread for each word: bit b is row 64 w + b; neighbouring threads read neighbouring labels.
__global__ void __launch_bounds__(kThreads)
    pack_along_y(Voxels voxels, Strip strip, std::int64_t height, std::int64_t width,
                 std::uint64_t* mask) {
    const std::int64_t words = ceil_div(strip.rows, 64);
    for (std::int64_t item = first_item(); item < strip.slices * words * width;
         item += all_threads()) {
        const std::int64_t x = item % width, w = item / width % words, z = item / width / words;
        const std::int64_t y = 64 * w;
        mask[((strip.z + z) * width + x) * ceil_div(height, 64) + strip.y / 64 + w] =
            pack_down(voxels, (z * strip.rows + y) * width + x, strip.rows - y, width);
    }
}

__global__ void __launch_bounds__(kThreads)
    count_all_pairs(Bits first, Bits second, const __grid_constant__ Work work, Hit* hits) {
    for (std::int64_t block = blockIdx.x; block < work.blocks(); block += gridDim.x) {
        const Share share = work.share(block, static_cast<int>(threadIdx.x));
        std::uint32_t found[kLagBlock] = {};
        count_pairs(work, share, first, second, found);
        for (int j = 0; j < kLagBlock && share.lag + j <= work.reach; ++j)
            add(hits + share.lag + j, found[j]);
    }
}

// Paths, or chords.
template <class Segments>
__global__ void __launch_bounds__(kThreads)
    count_all(Bits mask, Bits border, const __grid_constant__ Work work, Hit* hits) {
    for (std::int64_t block = blockIdx.x; block < work.blocks(); block += gridDim.x) {
        Segments segments(work, work.share(block, static_cast<int>(threadIdx.x)), mask, border);
        MICROTWIN_UNROLL(8)
        for (std::int64_t r = 0; r <= work.reach; ++r) {
            if (!__any_sync(kAllLanes, segments.may_grow())) break;
            add(hits + r, segments.count());
            segments.lengthen();
        }
    }
}

unsigned grid(std::int64_t blocks) {
    return static_cast<unsigned>(std::clamp<std::int64_t>(blocks, 1, kMaxBlocks));
}

// Selected voxels of a sample as bits, as the lines along the steps read them.
class DeviceMasks {
  public:
    DeviceMasks(const Sample& sample, const std::vector<Selection>& selections,
                const std::vector<Step>& steps)
        : shape_(sample.labels.shape), upright_size_(lattice_size(Step{1, 0, 0})),
          turned_size_(lattice_size(Step{0, 0, 1})),
          upright_(std::all_of(steps.begin(), steps.end(), needs_turned)
                       ? 0
                       : upright_size_ * std::ssize(selections)),
          turned_(std::any_of(steps.begin(), steps.end(), needs_turned)
                      ? turned_size_ * std::ssize(selections)
                      : 0) {
        const std::int64_t height = shape_[1], width = shape_[2];
        const auto parts = strips(shape_, kStripVoxels);
        const std::int64_t room = parts[0].slices * parts[0].rows * width;
        DeviceBuffer<std::uint8_t> labels(room), window(sample.window == nullptr ? 0 : room);
        for (const Strip& strip : parts) {
            const std::int64_t begin = (strip.z * height + strip.y) * width;
            const std::int64_t size = strip.slices * strip.rows * width;
            labels.upload(sample.labels.data + begin, size);
            if (sample.window != nullptr) window.upload(sample.window + begin, size);
            for (std::size_t i = 0; i < selections.size(); ++i)
                pack({labels.data(), sample.window == nullptr ? nullptr : window.data(),
                      selections[i]},
                     strip, static_cast<std::int64_t>(i));
        }
    }
    Bits along(const Step& step, std::int64_t selection) {
        return needs_turned(step) ? turned(selection) : upright(selection);
    }

  private:
    std::int64_t lattice_size(const Step& step) const {
        const Lattice lattice = lattice_along(shape_, step, false);
        return lattice.depth * lattice.height * lattice.words;
    }
    std::uint64_t* upright(std::int64_t i) { return upright_.data() + i * upright_size_; }
    std::uint64_t* turned(std::int64_t i) { return turned_.data() + i * turned_size_; }

    void pack(const Voxels& voxels, const Strip& strip, std::int64_t selection) {
        const std::int64_t height = shape_[1], width = shape_[2];
        if (upright_.size() > 0) {
            const std::int64_t words = ceil_div(width, 64), rows = strip.slices * strip.rows;
            pack_along_x<<<grid(ceil_div(rows * words * kWarp, kThreads)), kThreads>>>(
                voxels, rows, width, upright(selection) + (strip.z * height + strip.y) * words);
            check(cudaGetLastError(), "pack the labels");
        }
        if (turned_.size() > 0) {
            const std::int64_t words = strip.slices * ceil_div(strip.rows, 64) * width;
            pack_along_y<<<grid(ceil_div(words, kThreads)), kThreads>>>(voxels, strip, height,
                                                                        width, turned(selection));
            check(cudaGetLastError(), "pack the labels");
        }
    }

    Shape3 shape_;
    std::int64_t upright_size_, turned_size_;  // words of one mask
    DeviceBuffer<std::uint64_t> upright_, turned_;
};

using Plan = Work (*)(const Shape3&, const Step&, const CountOptions&);
using Kernel = void (*)(Bits, Bits, Work, Hit*);

// Counts along every step from one selection of voxels to another; trials are left out.
std::vector<LagCounts> count(const Sample& sample, const std::vector<Selection>& selections,
                             const std::vector<Step>& steps, const CountOptions& options, Plan plan,
                             Kernel kernel) {
    DeviceMasks masks(sample, selections, steps);
    std::vector<LagCounts> result;
    for (const Step& step : steps) {
        const Work work = plan(sample.labels.shape, step, options);
        DeviceBuffer<Hit> hits(options.max_lag + 1);
        hits.clear();
        kernel<<<grid(work.blocks()), kThreads>>>(
            masks.along(step, 0), masks.along(step, std::ssize(selections) - 1), work, hits.data());
        check(cudaGetLastError(), "start counting");
        const std::vector<Hit> found = hits.download();
        result.push_back({{found.begin(), found.end()}, {}});
    }
    return result;
}

// Trials are pairs or paths `margin` voxels longer; inside a window they are counted.
void add_trials(std::vector<LagCounts>& counts, const Sample& sample,
                const std::vector<Step>& steps, CountOptions options, int margin, Plan plan,
                Kernel kernel) {
    const Shape3& shape = sample.labels.shape;
    if (sample.window == nullptr) {
        for (std::size_t i = 0; i < steps.size(); ++i)
            counts[i].trials =
                lag_trials(shape, steps[i], options.max_lag, options.periodic, margin);
        return;
    }
    options.max_lag += margin;
    const auto places = count({{sample.window, shape}}, {{1}}, steps, options, plan, kernel);
    for (std::size_t i = 0; i < steps.size(); ++i)
        counts[i].trials.assign(places[i].hits.begin() + margin, places[i].hits.end());
}

}  // namespace

int device_count() {
    int count = 0;
    if (cudaGetDeviceCount(&count) == cudaSuccess) return count;
    cudaGetLastError();
    return 0;
}

std::vector<LagCounts> two_point(const Sample& sample, std::uint8_t first, std::uint8_t second,
                                 const std::vector<Step>& steps, const CountOptions& options) {
    check_count(sample, steps, options);
    std::vector<Selection> ends{{first}};
    if (second != first) ends.push_back({second});
    auto counts = count(sample, ends, steps, options, pair_work, count_all_pairs);
    add_trials(counts, sample, steps, options, 0, pair_work, count_all_pairs);
    return counts;
}

std::vector<LagCounts> lineal_path(const Sample& sample, std::uint8_t phase,
                                   const std::vector<Step>& steps, const CountOptions& options) {
    check_count(sample, steps, options);
    auto counts = count(sample, {{phase}}, steps, options, path_work, count_all<Paths>);
    add_trials(counts, sample, steps, options, 0, path_work, count_all<Paths>);
    return counts;
}

std::vector<LagCounts> chord_lengths(const Sample& sample, std::uint8_t phase,
                                     const std::vector<Step>& steps, const CountOptions& options) {
    check_count(sample, steps, options);
    const Plan plan = sample.window == nullptr ? path_work : windowed_chord_work;
    auto counts = count(sample, {{phase}, {phase, true}}, steps, options, plan, count_all<Chords>);
    for (LagCounts& found : counts) found.hits[0] = 0;  // no chord between two voxels of the border
    add_trials(counts, sample, steps, options, 1, path_work, count_all<Paths>);
    return counts;
}

}  // namespace microtwin::cuda
