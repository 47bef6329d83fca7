#include "microtwin/distance.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>
#include <vector>

#include "microtwin/parallel.hpp"
#include "parabolas.hpp"
#include "simd.hpp"

namespace microtwin {
namespace distance {

// One row onwards: how many voxels since one outside the phase, for each column.
MICROTWIN_CLONES
void climb(const std::uint8_t* labels, std::uint8_t phase, std::int64_t count,
           std::int32_t* __restrict since, std::int32_t* __restrict out) {
    for (std::int64_t l = 0; l < count; ++l) {
        const std::int32_t next = std::min(since[l] + 1, kFar);
        out[l] = since[l] = labels[l] == phase ? next : 0;
    }
}

// The same backwards; the smaller of both remains.
MICROTWIN_CLONES
void descend(std::int64_t count, std::int32_t* __restrict since, std::int32_t* __restrict out) {
    for (std::int64_t l = 0; l < count; ++l) out[l] = since[l] = std::min(since[l] + 1, out[l]);
}

MICROTWIN_CLONES
void descend_and_square(std::int64_t count, std::int32_t* __restrict since,
                        std::int32_t* __restrict out) {
    for (std::int64_t l = 0; l < count; ++l) {
        since[l] = std::min(since[l] + 1, out[l]);
        out[l] = since[l] * since[l];
    }
}

struct Extent {
    std::int32_t low, high;
};

MICROTWIN_CLONES
Extent extent(const std::int32_t* values, std::int64_t count) {
    std::int32_t low = kNever, high = 0;
    for (std::int64_t i = 0; i < count; ++i) {
        low = std::min(low, values[i]);
        high = std::max(high, values[i]);
    }
    return {low, high};
}

}  // namespace distance

namespace {

struct Nothing {};

// Squared distances along y, for the columns x0 .. x0 + width of a slice.
void along_y(const LabelView& labels, std::uint8_t phase, bool periodic, std::int64_t z,
             std::int64_t x0, std::int64_t width, std::int32_t* distances) {
    const std::int64_t n = labels.shape[1], row = labels.shape[2], first = z * n * row + x0;
    std::vector<std::int32_t> since(static_cast<std::size_t>(width), kFar);
    const auto climb = [&] {
        for (std::int64_t y = 0; y < n; ++y)
            distance::climb(labels.data + first + y * row, phase, width, since.data(),
                            distances + first + y * row);
    };
    climb();
    if (periodic) climb();  // now knowing what lies before the first row
    std::fill(since.begin(), since.end(), kFar);
    if (periodic)
        for (std::int64_t y = n - 1; y >= 0; --y)
            distance::descend(width, since.data(), distances + first + y * row);
    for (std::int64_t y = n - 1; y >= 0; --y)
        distance::descend_and_square(width, since.data(), distances + first + y * row);
}

// One line (stride 1) or kBlock lines side by side (stride kBlock) of n voxels, lowered by the
// parabolas of all their voxels: d(i) = min over j of (i - j)^2 + f(j).
class Lines {
  public:
    Lines(std::int64_t n, std::int64_t stride, bool periodic, std::int64_t limit)
        : n_(n), stride_(stride), periodic_(periodic),
          reach_(std::min(periodic ? n / 2 : n - 1, limit)), halo_(reach_ + kSteps),
          values_(static_cast<std::size_t>((n + 2 * halo_) * stride + kBlock)),
          result_(static_cast<std::size_t>(n * stride + kBlock)) {}

    std::int32_t* input() { return values_.data() + halo_ * stride_; }
    const std::int32_t* output() const { return result_.data(); }

    // Returns false where the lines stay as they are.
    bool run() {
        static const LowerKernel lower = lower_kernels().front();
        const std::int64_t size = n_ * stride_;
        const auto [low, high] = distance::extent(input(), size);
        if (low == kNever || high <= 1) return false;
        const auto needed = static_cast<std::int64_t>(std::sqrt(high)) + 1;
        const std::int64_t steps = std::min(reach_, needed);
        fill_halo(steps + kSteps);
        const std::int64_t budget = kTries * (size / kBlock + 1);
        if (!lower(input(), size, stride_, steps, budget, result_.data()))
            for (std::int64_t l = 0; l < stride_; ++l)
                envelope_.lower(input() + l, n_, stride_, periodic_, result_.data() + l);
        return true;
    }

  private:
    // Tries of kSteps steps a block, after which the envelope is the quicker way.
    static constexpr std::int64_t kTries = 24;

    void fill_halo(std::int64_t steps) {
        const std::int64_t size = n_ * stride_, behind = steps * stride_;
        const std::int64_t ahead = behind + (stride_ == 1 ? kBlock : 0);
        std::int32_t* line = input();
        if (!periodic_) {
            std::fill(line - behind, line, kNever);
            std::fill(line + size, line + size + ahead, kNever);
            return;
        }
        for (std::int64_t i = 0; i < behind; ++i) line[-1 - i] = line[size - 1 - i % size];
        for (std::int64_t i = 0; i < ahead; ++i) line[size + i] = line[i % size];
    }

    std::int64_t n_, stride_;
    bool periodic_;
    std::int64_t reach_, halo_;
    std::vector<std::int32_t> values_, result_;
    Envelope envelope_;
};

struct Space {
    Shape3 shape;
    bool periodic;
    std::int64_t limit;
};

void along_x(const Space& space, std::int64_t begin, std::int64_t end, std::int32_t* distances) {
    const std::int64_t n = space.shape[2];
    Lines lines(n, 1, space.periodic, space.limit);
    for (std::int64_t row = begin; row < end; ++row) {
        std::int32_t* here = distances + row * n;
        std::copy(here, here + n, lines.input());
        if (lines.run()) std::copy(lines.output(), lines.output() + n, here);
    }
}

// Copies a block, or as much of it as there is.
void copy_block(const std::int32_t* from, std::int64_t width, std::int32_t* to) {
    if (width == kBlock)
        std::copy(from, from + kBlock, to);
    else
        std::copy(from, from + width, to);
}

constexpr std::int64_t kPanel = 8;  // blocks that are read and written together along z

std::int64_t panels(const Shape3& shape) {
    return (shape[2] + kPanel * kBlock - 1) / (kPanel * kBlock);
}

// Columns of the (y, x) plane, a panel at a time.
void along_z(const Space& space, std::int64_t begin, std::int64_t end, std::int32_t* distances) {
    const Shape3& shape = space.shape;
    const std::int64_t n = shape[0], row = shape[2], slice = shape[1] * row;
    // Where the end of a row cuts a block short its other columns stay zero, which is done at once.
    std::vector<Lines> blocks(kPanel, Lines(n, kBlock, space.periodic, space.limit));
    for (std::int64_t item = begin; item < end; ++item) {
        const std::int64_t y = item / panels(shape), x0 = item % panels(shape) * kPanel * kBlock;
        std::int32_t* const origin = distances + y * row + x0;
        std::array<std::int64_t, kPanel> widths;
        for (std::int64_t b = 0; b < kPanel; ++b)
            widths[static_cast<std::size_t>(b)] =
                std::clamp<std::int64_t>(row - x0 - b * kBlock, 0, kBlock);
        for (std::int64_t z = 0; z < n; ++z)
            for (std::size_t b = 0; b < kPanel; ++b) {
                std::int32_t* const to = blocks[b].input() + z * kBlock;
                copy_block(origin + z * slice + static_cast<std::int64_t>(b) * kBlock, widths[b],
                           to);
                if (widths[b] < kBlock) std::fill(to + widths[b], to + kBlock, 0);
            }
        std::array<bool, kPanel> changed;
        for (std::size_t b = 0; b < kPanel; ++b) changed[b] = widths[b] > 0 && blocks[b].run();
        for (std::int64_t z = 0; z < n; ++z)
            for (std::size_t b = 0; b < kPanel; ++b)
                if (changed[b])
                    copy_block(blocks[b].output() + z * kBlock, widths[b],
                               origin + z * slice + static_cast<std::int64_t>(b) * kBlock);
    }
}

void check(const LabelView& labels, std::uint8_t phase, int threads) {
    constexpr std::int64_t kLargest = 1'000'000'000;
    std::int64_t diagonal = 0;
    for (int axis = 0; axis < 3; ++axis) {
        const std::int64_t side = labels.shape[axis];
        if (side < 1) throw std::invalid_argument("labels must not be empty");
        diagonal += std::min(side, kLargest) * std::min(side, kLargest);
        if (diagonal > kLargest) throw std::invalid_argument("labels are too large for distances");
    }
    if (threads < 1) throw std::invalid_argument("threads must be at least 1");
    if (std::all_of(labels.data, labels.data + labels.shape.size(),
                    [&](std::uint8_t label) { return label == phase; }))
        throw std::invalid_argument("every voxel is of the phase: there is no distance to another");
}

}  // namespace

void squared_distances(const LabelView& labels, std::uint8_t phase, bool periodic, int threads,
                       std::int32_t* distances, std::int64_t limit) {
    check(labels, phase, threads);
    if (limit < 1) throw std::invalid_argument("limit must be at least 1");
    const Shape3& shape = labels.shape;
    const Space space{shape, periodic, limit};
    constexpr std::int64_t kStrip = 256;  // columns that climb together
    const std::int64_t strips = (shape[2] + kStrip - 1) / kStrip;
    parallel_ranges(shape[0] * strips, threads, Nothing{},
                    [&](std::int64_t begin, std::int64_t end, Nothing&) {
                        for (std::int64_t item = begin; item < end; ++item) {
                            const std::int64_t x0 = item % strips * kStrip;
                            along_y(labels, phase, periodic, item / strips, x0,
                                    std::min(kStrip, shape[2] - x0), distances);
                        }
                    });
    parallel_ranges(shape[0] * shape[1], threads, Nothing{},
                    [&](std::int64_t begin, std::int64_t end, Nothing&) {
                        along_x(space, begin, end, distances);
                    });
    if (shape[0] == 1) return;
    parallel_ranges(shape[1] * panels(shape), threads, Nothing{},
                    [&](std::int64_t begin, std::int64_t end, Nothing&) {
                        along_z(space, begin, end, distances);
                    });
}

}  // namespace microtwin
