// What the kernels share that are compiled for several instruction sets.
#pragma once

// Intrinsics, each in a function with a target of its own and called only where they exist.
#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
#define MICROTWIN_X86 1
#include <immintrin.h>
#endif

// MICROTWIN_CLONES compiles a function for several instruction sets; which one runs is chosen when
// the library is loaded. Sanitizers do not know that mechanism.
#if defined(__linux__) && defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define MICROTWIN_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define MICROTWIN_CLONES
#endif

// What a clone calls has to be inlined into it, to be compiled for its instruction set.
#if defined(__GNUC__)
#define MICROTWIN_INLINE [[gnu::always_inline]] inline
#define MICROTWIN_INLINE_LAMBDA __attribute__((always_inline))
#else
#define MICROTWIN_INLINE inline
#define MICROTWIN_INLINE_LAMBDA
#endif

// A function whose reads may meet another thread's writes, where what is read does not matter.
#if defined(__SANITIZE_THREAD__)
#define MICROTWIN_UNSYNCHRONISED __attribute__((no_sanitize("thread")))
#else
#define MICROTWIN_UNSYNCHRONISED
#endif
