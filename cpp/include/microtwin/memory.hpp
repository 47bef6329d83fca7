// Memory for large arrays that are written before they are read.
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

// Words that hold anything at first. Large blocks ask for large pages: bringing in a page costs the
// system as much as counting its bits, and there are 512 times fewer of them.
class WordBuffer {
  public:
    WordBuffer() = default;
    explicit WordBuffer(std::size_t words) : size_(words), words_(allocate(words)) {}

    std::uint64_t* data() { return words_.get(); }
    const std::uint64_t* data() const { return words_.get(); }
    std::size_t size() const { return size_; }
    std::uint64_t* begin() { return data(); }
    std::uint64_t* end() { return data() + size_; }
    const std::uint64_t* begin() const { return data(); }
    const std::uint64_t* end() const { return data() + size_; }
    std::uint64_t& operator[](std::size_t i) { return words_[i]; }

  private:
#if defined(__linux__)
    struct Free {
        void operator()(std::uint64_t* words) const { std::free(words); }
    };
    static std::uint64_t* allocate(std::size_t words) {
        constexpr std::size_t kPage = std::size_t{2} << 20;
        const std::size_t bytes = words * sizeof(std::uint64_t);
        const bool large = bytes >= 2 * kPage;
        const std::size_t unit = large ? kPage : 64;
        const std::size_t rounded = (bytes + unit - 1) / unit * unit;
        void* memory = std::aligned_alloc(unit, rounded > 0 ? rounded : unit);
        if (memory == nullptr) throw std::bad_alloc();
        if (large)
            madvise(memory, rounded, MADV_HUGEPAGE);  // a hint: whether it is taken is no matter
        return static_cast<std::uint64_t*>(memory);
    }
#else
    using Free = std::default_delete<std::uint64_t[]>;
    static std::uint64_t* allocate(std::size_t words) { return new std::uint64_t[words]; }
#endif

    std::size_t size_ = 0;
    std::unique_ptr<std::uint64_t[], Free> words_;
};

}  // namespace microtwin
