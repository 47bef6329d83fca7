// MICROTWIN_CLONES compiles a function for several instruction sets; which one runs is chosen when
// the library is loaded. Sanitizers do not know that mechanism.
#pragma once

#if defined(__linux__) && defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define MICROTWIN_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define MICROTWIN_CLONES
#endif
