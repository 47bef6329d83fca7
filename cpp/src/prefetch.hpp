// A hint to the processor that an address is going to be read.
#pragma once

namespace microtwin {

inline void prefetch(const void* address) {
#if defined(__GNUC__)
    __builtin_prefetch(address);
#else
    static_cast<void>(address);
#endif
}

}  // namespace microtwin
