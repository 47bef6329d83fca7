// A mask that can be read along any step, and memory for the rows of its lines.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "microtwin/bits.hpp"
#include "microtwin/lines.hpp"

namespace microtwin {

// Where there is a window, voxels outside it belong to no phase.
inline PhaseMask packed(const Sample& sample, std::uint8_t phase, int threads) {
    PhaseMask mask(sample.labels, phase, threads);
    if (sample.window != nullptr)
        mask.intersect(PhaseMask({sample.window, sample.labels.shape}, 1, threads));
    return mask;
}

class Packed {
  public:
    Packed(PhaseMask mask, int threads) : mask_(std::move(mask)), threads_(threads) {}

    // Lines along x become lines along y, for which the mask is turned once.
    LineBundles along(const Step& step, bool periodic) {
        if (step[0] != 0 || step[1] != 0) return {mask_, step, periodic};
        if (!turned_) turned_ = mask_.transposed_xy(threads_);
        return {*turned_, Step{0, 1, 0}, periodic};
    }

  private:
    PhaseMask mask_;
    std::optional<PhaseMask> turned_;
    int threads_;
};

// Rows of a bundle, aligned for the widest load; zeroed.
class RowBuffer {
  public:
    explicit RowBuffer(std::int64_t rows)
        : words_(static_cast<std::size_t>((rows + 1) * kBundleWords)) {
        const auto address = reinterpret_cast<std::uintptr_t>(words_.data());
        data_ = words_.data() + ((64 - address % 64) % 64) / sizeof(std::uint64_t);
    }
    RowBuffer(const RowBuffer&) = delete;
    RowBuffer& operator=(const RowBuffer&) = delete;
    std::uint64_t* row(std::int64_t i) { return data_ + i * kBundleWords; }

  private:
    std::vector<std::uint64_t> words_;
    std::uint64_t* data_;
};

}  // namespace microtwin
