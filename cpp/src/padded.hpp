// Arrays with room before the first element and behind the last one, so that kernels may look at
// neighbours that are not there; all is zero at first.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "microtwin/memory.hpp"

namespace microtwin {

template <class T>
class Padded {
  public:
    Padded() = default;
    Padded(std::int64_t size, std::int64_t room) : size_(size), room_(round_up(room)) {
        const std::int64_t bytes = (size + 2 * room_) * static_cast<std::int64_t>(sizeof(T));
        words_ = WordBuffer(static_cast<std::size_t>(bytes + 7) / 8);
        std::memset(words_.data(), 0, words_.size() * 8);
    }

    T* data() { return reinterpret_cast<T*>(words_.data()) + room_; }
    const T* data() const { return reinterpret_cast<const T*>(words_.data()) + room_; }
    T& operator[](std::int64_t i) { return data()[i]; }
    const T& operator[](std::int64_t i) const { return data()[i]; }
    std::int64_t size() const { return size_; }

  private:
    static std::int64_t round_up(std::int64_t room) { return (room + 15) / 16 * 16; }

    WordBuffer words_;
    std::int64_t size_ = 0, room_ = 0;
};

}  // namespace microtwin
