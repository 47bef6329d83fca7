#include "runs.hpp"

#include <array>
#include <bit>

#include "microtwin/lines.hpp"

namespace microtwin {
namespace {

std::uint64_t at(const std::uint64_t* column, std::int64_t i) { return column[i * kBundleWords]; }

// Where the open run of each of 64 lines began.
class Starts {
  public:
    void open(std::uint64_t lines, std::int64_t i) {
        for (; lines != 0; lines &= lines - 1) begin_[index(lines)] = i;
    }
    template <class Visit>
    void close(std::uint64_t lines, Visit&& visit) const {
        for (; lines != 0; lines &= lines - 1) visit(begin_[index(lines)]);
    }

  private:
    static std::size_t index(std::uint64_t lines) {
        return static_cast<std::size_t>(std::countr_zero(lines));
    }
    std::array<std::int64_t, kWordBits> begin_;
};

}  // namespace

void count_runs(const std::uint64_t* column, std::int64_t n, std::int64_t tail,
                std::int64_t* runs) {
    Starts starts;
    std::uint64_t open = 0;
    for (std::int64_t i = 0; i < n; ++i) {
        const std::uint64_t current = at(column, i);
        starts.close(open & ~current, [&](std::int64_t begin) { ++runs[i - begin]; });
        starts.open(current & ~open, i);
        open = current;
    }
    const auto close_behind = [&](std::uint64_t lines, std::int64_t end) {
        starts.close(lines, [&](std::int64_t begin) {
            ++runs[end - begin];
            --runs[end - n];
        });
    };
    for (std::int64_t i = n; i < n + tail && open != 0; ++i) {
        const std::uint64_t current = at(column, i);
        close_behind(open & ~current, i);
        open &= current;
    }
    close_behind(open, n + tail);
}

void count_chords(const std::uint64_t* column, const std::uint64_t* window, const ChordRows& rows,
                  std::int64_t* chords) {
    if (rows.n == 0) return;
    Starts starts;
    const auto inside = [&](std::int64_t i) {
        return window == nullptr ? ~std::uint64_t{0} : at(window, i);
    };
    const auto close = [&](std::uint64_t lines, std::int64_t end) {
        starts.close(lines, [&](std::int64_t begin) {
            if (end - begin <= rows.longest) ++chords[end - begin];
        });
    };
    std::uint64_t open = 0, previous = at(column, 0);
    std::int64_t i = 1;
    const std::int64_t beginnings = rows.n + (rows.tail > 0);  // rows 1 .. n begin where lines wrap
    for (; i < beginnings; ++i) {
        const std::uint64_t current = at(column, i);
        close(open & ~current & inside(i), i);
        const std::uint64_t begun = current & ~previous & inside(i - 1);
        starts.open(begun, i);
        open = (open & current) | begun;
        previous = current;
    }
    for (; i < rows.n + rows.tail && open != 0; ++i) {
        const std::uint64_t current = at(column, i);
        close(open & ~current & inside(i), i);
        open &= current;
    }
}

}  // namespace microtwin
