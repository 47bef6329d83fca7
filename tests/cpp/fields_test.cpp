// Distances and neighbourhoods against their definitions, for any number of threads.
#include <algorithm>
#include <array>
#include <limits>
#include <vector>

#include "check.hpp"
#include "microtwin/configurations.hpp"
#include "microtwin/distance.hpp"
#include "microtwin/pore_size.hpp"
#include "parabolas.hpp"
#include "structures.hpp"

namespace microtwin::test {
namespace {

using Distances = std::vector<std::int32_t>;

std::array<std::int64_t, 3> place(const Shape3& shape, std::int64_t i) {
    return {i / (shape[1] * shape[2]), i / shape[2] % shape[1], i % shape[2]};
}

Distances naive_distances(const Structure& structure, std::uint8_t phase, bool periodic) {
    const Shape3& shape = structure.shape;
    Distances result(structure.labels.size());
    for (std::int64_t i = 0; i < shape.size(); ++i) {
        std::int64_t nearest = std::numeric_limits<std::int32_t>::max();
        for (std::int64_t j = 0; j < shape.size(); ++j) {
            if (structure.labels[static_cast<std::size_t>(j)] == phase) continue;
            std::int64_t squared = 0;
            for (int axis = 0; axis < 3; ++axis) {
                const auto a = static_cast<std::size_t>(axis);
                std::int64_t step = std::abs(place(shape, i)[a] - place(shape, j)[a]);
                if (periodic) step = std::min(step, shape[axis] - step);
                squared += step * step;
            }
            nearest = std::min(nearest, squared);
        }
        result[static_cast<std::size_t>(i)] = static_cast<std::int32_t>(nearest);
    }
    return result;
}

Distances distances(const Structure& structure, std::uint8_t phase, bool periodic, int threads) {
    Distances result(structure.labels.size());
    squared_distances(structure.view(), phase, periodic, threads, result.data());
    return result;
}

Distances random_distances(const Shape3& shape, std::uint64_t seed) {
    Xoshiro256 random(seed);
    Distances result(static_cast<std::size_t>(shape.size()));
    for (auto& value : result) value = static_cast<std::int32_t>(random.uniform() * 40.0);
    return result;
}

// One voxel of another phase in many: distances as large as the structure.
Structure sparse(const Shape3& shape, std::int64_t where) {
    Structure result{shape, std::vector<std::uint8_t>(static_cast<std::size_t>(shape.size()), 1)};
    result.labels[static_cast<std::size_t>(where)] = 0;
    return result;
}

void distances_are_those_of_the_definition_for_any_number_of_threads() {
    for (const Shape3& shape : kShapes) {
        if (shape.size() == 1) continue;
        for (const Structure& structure :
             {random_structure(shape, 2, 5), random_structure(shape, 4, 6), sparse(shape, 0),
              sparse(shape, shape.size() / 2)})
            for (const bool periodic : {false, true}) {
                const Distances expected = naive_distances(structure, 1, periodic);
                for (const int threads : {1, 2, 7})
                    CHECK(distances(structure, 1, periodic, threads) == expected);
            }
    }
}

void every_way_to_lower_parabolas_is_the_same() {
    Xoshiro256 random(3);
    for (const std::int64_t n : {1, 5, 16, 17, 33, 100})
        for (const std::int64_t stride : {std::int64_t{1}, kBlock})
            for (const bool periodic : {false, true}) {
                const std::int64_t reach = periodic ? n / 2 : n - 1,
                                   halo = (reach + kSteps) * stride;
                Distances lines(static_cast<std::size_t>(n * stride + 2 * halo + kBlock), kNever);
                std::int32_t* const line = lines.data() + halo;
                for (std::int64_t i = 0; i < n * stride; ++i)
                    line[i] = random.uniform() < 0.3
                                  ? kNever
                                  : static_cast<std::int32_t>(random.uniform() * 500.0);
                if (periodic) {
                    for (std::int64_t i = 1; i <= halo; ++i)
                        line[-i] = line[n * stride - 1 - (i - 1) % (n * stride)];
                    for (std::int64_t i = 0; i < halo + kBlock; ++i)
                        line[n * stride + i] = line[i % (n * stride)];
                }
                const auto room = static_cast<std::size_t>(n * stride + kBlock);
                const auto end = static_cast<std::ptrdiff_t>(n * stride);
                Distances expected(room);
                Envelope envelope;
                for (std::int64_t l = 0; l < stride; ++l)
                    envelope.lower(line + l, n, stride, periodic, expected.data() + l);
                // What comes from nowhere is never, however many steps were added to it.
                const auto never = [](Distances values) {
                    for (auto& value : values) value = std::min(value, kNever);
                    return values;
                };
                for (const LowerKernel lower : lower_kernels()) {
                    Distances found(room);
                    CHECK(lower(line, n * stride, stride, reach, 1 << 20, found.data()));
                    found = never(found);
                    CHECK(std::equal(found.begin(), found.begin() + end, expected.begin()));
                    if (n == 100)  // too little patience
                        CHECK(!lower(line, n * stride, stride, reach, 1, found.data()));
                }
            }
}

std::vector<std::int64_t> naive_configurations(const Structure& structure,
                                               const std::vector<std::uint8_t>* mask, bool flat,
                                               bool periodic) {
    const Shape3& shape = structure.shape;
    std::vector<std::int64_t> counts(flat ? 16 : 256);
    for (std::int64_t i = 0; i < shape.size(); ++i) {
        std::size_t kind = 0;
        bool counted = true;
        for (unsigned bit = 0; bit < (flat ? 4U : 8U); ++bit) {
            auto corner = place(shape, i);
            for (unsigned axis = 0; axis < 3; ++axis) {
                std::int64_t& at = corner[2 - axis];
                at += bit >> axis & 1;
                if (at < shape[static_cast<int>(2 - axis)]) continue;
                counted = counted && periodic;
                at = 0;
            }
            const auto voxel =
                static_cast<std::size_t>((corner[0] * shape[1] + corner[1]) * shape[2] + corner[2]);
            counted = counted && (mask == nullptr || (*mask)[voxel] != 0);
            kind |= static_cast<std::size_t>(structure.labels[voxel] == 1) << bit;
        }
        if (counted) ++counts[kind];
    }
    return counts;
}

void neighbourhoods_are_those_of_the_definition_for_any_number_of_threads() {
    for (const Shape3& shape : kShapes)
        for (const bool flat : {false, true}) {
            if (flat && shape[0] > 1) continue;
            const Structure structure = random_structure(shape, 3, 8);
            const std::vector<std::uint8_t> mask = random_structure(shape, 4, 9).labels;
            for (const bool periodic : {false, true})
                for (const int threads : {1, 2, 7})
                    for (const auto* window : {static_cast<decltype(&mask)>(nullptr), &mask}) {
                        const auto found = configurations(
                            structure.view(), window == nullptr ? nullptr : window->data(), flat, 1,
                            periodic, threads);
                        CHECK(found == naive_configurations(structure, window, flat, periodic));
                    }
        }
}

void pore_sizes_are_those_of_the_definition_for_any_number_of_threads() {
    constexpr std::int64_t kLast = 9;
    for (const Shape3& shape : kShapes)
        for (const bool faces : {false, true})
            for (const bool masked : {false, true}) {
                const Structure structure = random_structure(shape, 2, 12);
                const Distances squared = random_distances(shape, 13),
                                masks = random_distances(shape, 14);
                PoreField field{
                    structure.view(), 1, squared.data(), masked ? masks.data() : nullptr, faces,
                    shape[0] == 1};
                PoreCounts expected{std::vector<std::int64_t>(kLast + 1),
                                    std::vector<std::int64_t>(kLast + 1)};
                for (std::int64_t i = 0; i < shape.size(); ++i) {
                    const auto voxel = static_cast<std::size_t>(i);
                    std::int64_t unknown = masked ? masks[voxel] : 1 << 30;
                    if (structure.labels[voxel] != 1 || unknown == 0) continue;
                    for (int axis = field.flat ? 1 : 0; axis < 3 && faces; ++axis) {
                        const std::int64_t at = place(shape, i)[static_cast<std::size_t>(axis)];
                        const std::int64_t face = std::min(at + 1, shape[axis] - at);
                        unknown = std::min(unknown, face * face);
                    }
                    for (std::int64_t j = 0; j <= kLast; ++j) {
                        const bool judged = 4 * unknown > (j + 1) * (j + 1);
                        const auto k = static_cast<std::size_t>(j);
                        expected.trials[k] += judged;
                        expected.hits[k] += judged && 4 * squared[voxel] > (j + 1) * (j + 1);
                    }
                }
                for (const int threads : {1, 2, 7}) {
                    const PoreCounts found = pore_size(field, kLast, threads);
                    CHECK(found.hits == expected.hits && found.trials == expected.trials);
                }
            }
}

void impossible_fields_are_refused() {
    const Structure uniform{{{1, 8, 8}}, std::vector<std::uint8_t>(64, 1)};
    CHECK_REFUSES(distances(uniform, 1, false, 1));
    CHECK_REFUSES(distances(uniform, 0, false, 0));
    CHECK_REFUSES(distances(Structure{{{0, 8, 8}}, {}}, 0, false, 1));
    CHECK_REFUSES(distances(Structure{{{1, 40000, 1}}, {}}, 0, false, 1));
    Distances none(64);
    CHECK_REFUSES((squared_distances(uniform.view(), 0, false, 1, none.data(), 0), 0));
    const PoreField field{uniform.view(), 1, none.data(), nullptr, true, true};
    CHECK_REFUSES(pore_size(field, -1, 1));
    CHECK_REFUSES(pore_size(field, 4, 0));
    CHECK_REFUSES(configurations(uniform.view(), nullptr, true, 1, false, 0));
    CHECK_REFUSES(configurations({uniform.labels.data(), {{1, 0, 8}}}, nullptr, true, 1, false, 1));
    CHECK_REFUSES(configurations({uniform.labels.data(), {{2, 4, 8}}}, nullptr, true, 1, false, 1));
}

}  // namespace
}  // namespace microtwin::test

int main() {
    using namespace microtwin::test;
    distances_are_those_of_the_definition_for_any_number_of_threads();
    every_way_to_lower_parabolas_is_the_same();
    neighbourhoods_are_those_of_the_definition_for_any_number_of_threads();
    pore_sizes_are_those_of_the_definition_for_any_number_of_threads();
    impossible_fields_are_refused();
    std::printf("%d checks failed\n", failures);
    return failures == 0 ? 0 : 1;
}
