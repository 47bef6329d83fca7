#include "microtwin/statistics.hpp"

#include <algorithm>
#include <bit>
#include <functional>
#include <new>
#include <optional>
#include <stdexcept>

#include "microtwin/bits.hpp"
#include "microtwin/parallel.hpp"
#include "overlap.hpp"

namespace microtwin {
namespace {

using Counts = std::vector<std::int64_t>;

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

// Packs the phase once and hands the bundles of each axis to count(bundles, axis).
void for_each_axis(const LabelView& labels, std::uint8_t phase, const std::vector<int>& axes,
                   int threads, const std::function<void(const LineBundles&, int)>& count) {
    const PhaseMask mask(labels, phase, threads);
    std::optional<PhaseMask> transposed;
    for (const int axis : axes) {
        if (axis == 2 && !transposed) transposed = mask.transposed_xy(threads);
        count(axis == 2 ? LineBundles(*transposed, 1) : LineBundles(mask, axis), axis);
    }
}

void add(Counts& total, const Counts& part) {
    std::transform(total.begin(), total.end(), part.begin(), total.begin(), std::plus<>{});
}

Counts two_point_hits(const LineBundles& lines, const CountOptions& options) {
    const std::int64_t n = lines.length();
    const std::int64_t reach = std::min(options.max_lag, n - 1);
    const Counts zero(static_cast<std::size_t>(options.max_lag + 1));
    const auto parts = parallel_ranges(
        lines.count(), options.threads, zero,
        [&](std::int64_t begin, std::int64_t end, Counts& hits) {
            RowBuffer rows(n + reach);  // beyond n: zeros, or the line again where it wraps
            for (std::int64_t bundle = begin; bundle < end; ++bundle) {
                lines.gather(bundle, rows.row(0));
                if (options.periodic) std::copy(rows.row(0), rows.row(reach), rows.row(n));
                count_overlaps(rows.row(0), n, reach, hits.data());
            }
        });
    Counts total = zero;
    for (const auto& part : parts) add(total, part);
    return total;
}

// Finds where each of 64 lines enters and leaves the phase. `column` is word k of row 0.
class RunScanner {
  public:
    RunScanner(std::int64_t n, bool periodic, RunLengths& runs)
        : n_(n), periodic_(periodic), runs_(runs) {}

    void scan(const std::uint64_t* column) {
        std::uint64_t previous = periodic_ ? at(column, n_ - 1) : 0;
        std::uint64_t open = 0, always = ~std::uint64_t{0};
        for (std::int64_t i = 0; i < n_; ++i) {
            const std::uint64_t current = at(column, i);
            always &= current;
            close(previous & ~current & open, i);
            open &= current;
            const std::uint64_t starts = current & ~previous;
            open |= starts;
            for (std::uint64_t left = starts; left != 0; left &= left - 1)
                start_[static_cast<std::size_t>(std::countr_zero(left))] = i;
            previous = current;
        }
        if (!periodic_) return close(open, n_);
        runs_.rings += std::popcount(always);
        // A run that is still open goes on from the other face; it started here, so it ends here.
        for (std::int64_t i = 0; open != 0; ++i) {
            const std::uint64_t current = at(column, i);
            close(open & ~current, i + n_);
            open &= current;
        }
    }

  private:
    static std::uint64_t at(const std::uint64_t* column, std::int64_t i) {
        return column[i * kBundleWords];
    }
    void close(std::uint64_t ends, std::int64_t where) {
        for (; ends != 0; ends &= ends - 1) {
            const auto line = static_cast<std::size_t>(std::countr_zero(ends));
            ++runs_.length[static_cast<std::size_t>(where - start_[line])];
        }
    }

    std::int64_t n_;
    bool periodic_;
    RunLengths& runs_;
    std::array<std::int64_t, kWordBits> start_{};
};

RunLengths count_runs(const LineBundles& lines, bool periodic, int threads) {
    const std::int64_t n = lines.length();
    const RunLengths zero{Counts(static_cast<std::size_t>(n + 1)), 0};
    const auto parts = parallel_ranges(
        lines.count(), threads, zero, [&](std::int64_t begin, std::int64_t end, RunLengths& runs) {
            RowBuffer rows(n);
            RunScanner scanner(n, periodic, runs);
            for (std::int64_t bundle = begin; bundle < end; ++bundle) {
                lines.gather(bundle, rows.row(0));
                for (int k = 0; k < kBundleWords; ++k) scanner.scan(rows.row(0) + k);
            }
        });
    RunLengths total = zero;
    for (const auto& part : parts) {
        add(total.length, part.length);
        total.rings += part.rings;
    }
    return total;
}

// A run of l voxels holds l - r segments of r + 1 voxels; a ring of n holds n of every length.
Counts segments_in_runs(const RunLengths& runs, std::int64_t max_lag) {
    const auto n = static_cast<std::int64_t>(runs.length.size()) - 1;
    Counts hits(static_cast<std::size_t>(max_lag + 1));
    std::int64_t longer = 0, segments = 0;  // runs longer than r, and their segments at lag r
    for (std::int64_t r = n - 1; r >= 0; --r) {
        longer += runs.length[static_cast<std::size_t>(r + 1)];
        segments += longer;
        if (r <= max_lag) hits[static_cast<std::size_t>(r)] = segments + runs.rings * n;
    }
    return hits;
}

}  // namespace

void check_count(const LabelView& labels, const std::vector<int>& axes,
                 const CountOptions& options) {
    for (int axis = 0; axis < 3; ++axis)
        if (labels.shape[axis] < 1) throw std::invalid_argument("labels must not be empty");
    for (const int axis : axes)
        if (axis < 0 || axis > 2) throw std::invalid_argument("an axis must be 0, 1 or 2");
    if (options.max_lag < 0) throw std::invalid_argument("max_lag must be at least 0");
    if (options.threads < 1) throw std::invalid_argument("threads must be at least 1");
}

std::vector<std::int64_t> lag_trials(const Shape3& shape, int axis, std::int64_t max_lag,
                                     bool periodic) {
    const std::int64_t n = shape[axis], lines = shape.size() / n;
    Counts trials(static_cast<std::size_t>(max_lag + 1));
    for (std::int64_t r = 0; r <= std::min(max_lag, n - 1); ++r)
        trials[static_cast<std::size_t>(r)] = lines * (periodic ? n : n - r);
    return trials;
}

std::vector<LagCounts> two_point(const LabelView& labels, std::uint8_t phase,
                                 const std::vector<int>& axes, const CountOptions& options) {
    check_count(labels, axes, options);
    std::vector<LagCounts> result;
    for_each_axis(labels, phase, axes, options.threads, [&](const LineBundles& lines, int axis) {
        result.push_back({two_point_hits(lines, options),
                          lag_trials(labels.shape, axis, options.max_lag, options.periodic)});
    });
    return result;
}

std::vector<RunLengths> run_lengths(const LabelView& labels, std::uint8_t phase,
                                    const std::vector<int>& axes, bool periodic, int threads) {
    check_count(labels, axes, {0, periodic, threads});
    std::vector<RunLengths> result;
    for_each_axis(labels, phase, axes, threads, [&](const LineBundles& lines, int) {
        result.push_back(count_runs(lines, periodic, threads));
    });
    return result;
}

std::vector<LagCounts> lineal_path(const LabelView& labels, std::uint8_t phase,
                                   const std::vector<int>& axes, const CountOptions& options) {
    check_count(labels, axes, options);
    const auto runs = run_lengths(labels, phase, axes, options.periodic, options.threads);
    std::vector<LagCounts> result;
    for (std::size_t i = 0; i < axes.size(); ++i)
        result.push_back({segments_in_runs(runs[i], options.max_lag),
                          lag_trials(labels.shape, axes[i], options.max_lag, options.periodic)});
    return result;
}

}  // namespace microtwin
