// The only file that knows threads.
#pragma once

#include <algorithm>
#include <cstdint>
#include <exception>
#include <thread>
#include <vector>

namespace microtwin {

// How many threads are worth their start for a piece of work that takes one of them about so long:
// each should have twice the time that starting it takes.
inline int worthwhile(int threads, double nanoseconds) {
    constexpr double kShare = 100e3;
    return static_cast<int>(
        std::clamp(nanoseconds / kShare, 1.0, static_cast<double>(std::max(threads, 1))));
}

// Splits 0..count into at most `threads` contiguous ranges, calls work(begin, end, local) on each
// with a `local` of its own, copied from `zero`, and returns the locals. Integer results merged by
// addition therefore do not depend on the number of threads. An exception in a worker is rethrown.
template <class Local, class Work>
std::vector<Local> parallel_ranges(std::int64_t count, int threads, const Local& zero,
                                   Work&& work) {
    const auto workers = static_cast<int>(std::clamp<std::int64_t>(count, 1, std::max(threads, 1)));
    const auto n = static_cast<std::size_t>(workers);
    std::vector<Local> locals(n, zero);
    std::vector<std::exception_ptr> failures(n);
    auto run = [&](int w) {
        const auto i = static_cast<std::size_t>(w);
        try {
            work(count * w / workers, count * (w + 1) / workers, locals[i]);
        } catch (...) {
            failures[i] = std::current_exception();
        }
    };
    {
        std::vector<std::jthread> others;
        others.reserve(n - 1);
        for (int w = 1; w < workers; ++w) others.emplace_back(run, w);
        run(0);
    }
    for (const auto& failure : failures)
        if (failure) std::rethrow_exception(failure);
    return locals;
}

}  // namespace microtwin
