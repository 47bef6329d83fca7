#include "microtwin/pore_size.hpp"

#include <algorithm>
#include <cstddef>
#include <stdexcept>

#include "microtwin/parallel.hpp"

namespace microtwin {
namespace {

using Counts = std::vector<std::int64_t>;

// How many of j = 0 .. steps a squared distance exceeds.
class Exceeded {
  public:
    explicit Exceeded(std::int64_t steps)
        : most_(static_cast<std::int32_t>(steps + 1)),
          // From here on all are exceeded: 4 squared > (steps + 1)^2.
          numbers_(static_cast<std::size_t>((steps + 1) * (steps + 1) / 4 + 1)) {
        std::int32_t number = 0;
        for (std::size_t squared = 0; squared < numbers_.size(); ++squared) {
            while (4 * squared >
                   static_cast<std::size_t>(number + 1) * static_cast<std::size_t>(number + 1))
                ++number;
            numbers_[squared] = number;
        }
    }
    std::size_t operator()(std::int32_t squared) const {
        const auto i = static_cast<std::size_t>(squared);
        return static_cast<std::size_t>(i < numbers_.size() ? numbers_[i] : most_);
    }

  private:
    std::int32_t most_;
    std::vector<std::int32_t> numbers_;
};

std::int64_t to_face(std::int64_t i, std::int64_t n) { return std::min(i + 1, n - i); }

void count_row(const PoreField& field, std::int64_t row, const Exceeded& exceeded,
               PoreCounts& counts) {
    const Shape3& shape = field.labels.shape;
    const std::int64_t n = shape[2], first = row * n;
    std::int64_t nearest_face = to_face(row % shape[1], shape[1]);
    if (!field.flat) nearest_face = std::min(nearest_face, to_face(row / shape[1], shape[0]));
    for (std::int64_t x = 0; x < n; ++x) {
        const std::int64_t i = first + x;
        if (field.labels.data[i] != field.phase) continue;
        std::int32_t unknown = INT32_MAX;
        if (field.to_unknown != nullptr) {
            unknown = field.to_unknown[i];
            if (unknown == 0) continue;
        }
        if (field.faces) {
            const auto face = static_cast<std::int32_t>(std::min(nearest_face, to_face(x, n)));
            unknown = std::min(unknown, face * face);
        }
        ++counts.trials[exceeded(unknown)];
        ++counts.hits[exceeded(std::min(unknown, field.squared[i]))];
    }
}

// From "exceeds exactly j + 1 of them" to "exceeds the one at j".
Counts beyond(const Counts& exactly) {
    Counts result(exactly.size() - 1);
    std::int64_t more = 0;
    for (std::size_t j = result.size(); j-- > 0;) result[j] = more += exactly[j + 1];
    return result;
}

}  // namespace

PoreCounts pore_size(const PoreField& field, std::int64_t steps, int threads) {
    const Shape3& shape = field.labels.shape;
    if (steps < 0 || steps > 2 * 32768) throw std::invalid_argument("steps must be 0 to 65536");
    if (threads < 1) throw std::invalid_argument("threads must be at least 1");
    const Exceeded exceeded(steps);
    const Counts zero(static_cast<std::size_t>(steps + 2));
    const auto parts =
        parallel_ranges(shape[0] * shape[1], threads, PoreCounts{zero, zero},
                        [&](std::int64_t begin, std::int64_t end, PoreCounts& counts) {
                            for (std::int64_t row = begin; row < end; ++row)
                                count_row(field, row, exceeded, counts);
                        });
    PoreCounts total{zero, zero};
    for (const auto& part : parts)
        for (std::size_t j = 0; j < zero.size(); ++j) {
            total.hits[j] += part.hits[j];
            total.trials[j] += part.trials[j];
        }
    return {beyond(total.hits), beyond(total.trials)};
}

}  // namespace microtwin
