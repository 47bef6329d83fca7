// Arrays with room before the first element and behind the last one, so that kernels may look at
// neighbours that are not there; all is zero at first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace microtwin {

template <class T>
class Padded {
  public:
    Padded() = default;
    Padded(std::int64_t size, std::int64_t room) : size_(size) {
        const auto before = static_cast<std::size_t>(room + kVector - 1) / kVector * kVector;
        const auto used = before + static_cast<std::size_t>(size + room);
        const bool large = used * sizeof(T) > 4 * kPage;
        const std::size_t unit = large ? kPage : kVector;
        const std::size_t count = used + unit;
        // Pages that come fresh from the system are zero already, and are not touched here.
        memory_.reset(static_cast<T*>(std::calloc(count, sizeof(T))));
        if (!memory_) throw std::bad_alloc();
        void* first = memory_.get();
        std::size_t bytes = count * sizeof(T);
        std::align(unit, used * sizeof(T), first, bytes);
#if defined(__linux__)
        // A hint, as in memory.hpp: bringing in large pages takes less time.
        if (large) madvise(first, bytes / kPage * kPage, MADV_HUGEPAGE);
#endif
        first_ = static_cast<T*>(first) + before;
    }

    T* data() { return first_; }
    const T* data() const { return first_; }
    T& operator[](std::int64_t i) { return first_[i]; }
    const T& operator[](std::int64_t i) const { return first_[i]; }
    std::int64_t size() const { return size_; }

  private:
    static constexpr std::size_t kPage = std::size_t{2} << 20, kVector = 64;
    struct Free {
        void operator()(T* memory) const { std::free(memory); }
    };

    std::unique_ptr<T, Free> memory_;
    T* first_ = nullptr;
    std::int64_t size_ = 0;
};

}  // namespace microtwin
