// NumPy arrays to views of the core and back.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "microtwin/grid.hpp"

namespace microtwin::python {

namespace py = pybind11;

// No forcecast: an array of another type is refused here, not silently converted.
using LabelArray = py::array_t<std::uint8_t, py::array::c_style>;
using CountArray = py::array_t<std::int64_t>;

// A 2-D array is a volume with one slice.
inline Shape3 shape_of(const py::array& array, const std::string& name) {
    if (array.ndim() != 2 && array.ndim() != 3)
        throw py::value_error(name + " must be 2-D or 3-D, not " + std::to_string(array.ndim()) +
                              "-D");
    const bool flat = array.ndim() == 2;
    return {{flat ? 1 : array.shape(0), array.shape(flat ? 0 : 1), array.shape(flat ? 1 : 2)}};
}

inline LabelView view(const LabelArray& labels) {
    return {labels.data(), shape_of(labels, "labels")};
}

// Axes of a 2-D array are the last two of the core's three.
inline std::vector<int> core_axes(const LabelArray& labels, const std::vector<int>& axes) {
    std::vector<int> result;
    for (const int axis : axes) {
        if (axis < 0 || axis >= labels.ndim()) throw py::value_error("an axis is out of range");
        result.push_back(axis + 3 - static_cast<int>(labels.ndim()));
    }
    return result;
}

// Steps through a 2-D array have two components; the core's have three.
inline std::vector<Step> core_steps(const py::array& labels,
                                    const std::vector<std::vector<int>>& steps) {
    std::vector<Step> result;
    for (const auto& step : steps) {
        if (std::ssize(step) != labels.ndim())
            throw py::value_error("a step must have one component for each axis of labels");
        Step padded{};
        std::copy(step.begin(), step.end(), padded.end() - std::ssize(step));
        result.push_back(padded);
    }
    return result;
}

// A window has one byte for each voxel of the labels, 1 inside.
inline Sample sample(const LabelArray& labels, const std::optional<LabelArray>& window) {
    const LabelView structure = view(labels);
    if (!window) return {structure};
    if (view(*window).shape != structure.shape || window->ndim() != labels.ndim())
        throw py::value_error("the window must have the shape of labels");
    return {structure, window->data()};
}

inline CountArray table(const std::vector<const std::vector<std::int64_t>*>& rows) {
    const auto height = static_cast<py::ssize_t>(rows.size());
    const auto width = rows.empty() ? 0 : static_cast<py::ssize_t>(rows[0]->size());
    CountArray result({height, width});
    for (py::ssize_t i = 0; i < height; ++i)
        std::copy(rows[static_cast<std::size_t>(i)]->begin(),
                  rows[static_cast<std::size_t>(i)]->end(), result.mutable_data(i, 0));
    return result;
}

template <class T>
py::array_t<T> copy(const std::vector<T>& values) {
    return py::array_t<T>(static_cast<py::ssize_t>(values.size()), values.data());
}

}  // namespace microtwin::python
