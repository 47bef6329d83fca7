// Lower envelopes of parabolas: how the distance transform goes from one axis to the next.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace microtwin {

inline constexpr std::int64_t kBlock = 16;  // values at a time: one cache line
inline constexpr std::int64_t kSteps = 4;   // tried before looking whether to go on
inline constexpr std::int32_t kFar = 1 << 15;
inline constexpr std::int32_t kNever = kFar * kFar;  // squared distance where there is none

// out[i] = min over |k| <= reach of lines[i + k * stride] + k * k, for `size` values, by trying
// k = 1, 2, ... for a block of values until none can become less. `lines` goes on for
// (reach + kSteps) * stride values either side, and for a whole block at least. Gives up and
// returns false after `budget` tries of kSteps steps for a block.
using LowerKernel = bool (*)(const std::int32_t* lines, std::int64_t size, std::int64_t stride,
                             std::int64_t reach, std::int64_t budget, std::int32_t* out);

// Kernels that this processor can run, fastest first.
std::vector<LowerKernel> lower_kernels();

// The same for one line of n values by the lower envelope of their parabolas, in linear time
// whatever the values are.
class Envelope {
  public:
    void lower(const std::int32_t* line, std::int64_t n, std::int64_t stride, bool periodic,
               std::int32_t* out);

  private:
    struct Parabola {
        std::int64_t apex, height;
        std::int64_t from;  // first voxel where it is the lowest
        std::int64_t at(std::int64_t i) const { return (i - apex) * (i - apex) + height; }
    };
    std::vector<Parabola> hull_;
};

}  // namespace microtwin
