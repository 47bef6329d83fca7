// The whole test framework: a check that prints what failed, and counts.
#pragma once

#include <cstdio>
#include <stdexcept>

inline int failures = 0;

#define CHECK(condition)                                                              \
    do {                                                                              \
        if (!(condition)) {                                                           \
            ++failures;                                                               \
            std::printf("%s:%d: CHECK(%s) failed\n", __FILE__, __LINE__, #condition); \
        }                                                                             \
    } while (false)

#define CHECK_REFUSES(expression)                 \
    do {                                          \
        bool refused = false;                     \
        try {                                     \
            static_cast<void>(expression);        \
        } catch (const std::invalid_argument&) {  \
            refused = true;                       \
        }                                         \
        CHECK(refused && "refuses " #expression); \
    } while (false)
