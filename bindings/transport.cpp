#include "microtwin/transport.hpp"

#include <cmath>
#include <set>

#include "bind.hpp"

namespace microtwin::python {
namespace {

using Potential = py::array_t<float, py::array::c_style>;
using Conductivities = py::array_t<double, py::array::c_style>;

template <class Value>
Value one_of(const std::string& name, const std::string& value,
             const std::vector<std::pair<std::string, Value>>& known) {
    for (const auto& [text, meaning] : known)
        if (text == value) return meaning;
    throw py::value_error(name + " is not known: " + value);
}

py::dict solve(SolveTransport solver, const LabelArray& labels,
               const Conductivities& conductivities, int axis, const std::string& boundary,
               bool periodic_sides, double tol, int max_iterations, const std::string& precision,
               const std::optional<Potential>& start, bool potential, int threads,
               const std::optional<py::function>& progress) {
    TransportProblem problem;
    problem.labels = view(labels);
    if (conductivities.size() != 256)
        throw py::value_error("conductivities must have 256 entries, one a label");
    std::set<double> distinct;
    for (std::size_t k = 0; k < 256; ++k) {
        const double value = problem.conductivities[k] = conductivities.data()[k];
        if (!(value >= 0) || !std::isfinite(value))
            throw py::value_error("conductivities must be finite and not negative");
        distinct.insert(value);
    }
    distinct.erase(0.0);
    if (!distinct.empty() && *distinct.rbegin() > 1e12 * *distinct.begin())
        throw py::value_error("conductivities must not differ by more than a factor of 1e12");
    if (distinct.size() > 254)
        throw py::value_error("at most 254 positive conductivities can differ");
    problem.axis = core_axes(labels, {axis})[0];
    problem.boundary = one_of<Boundary>(
        "boundary", boundary,
        {{"face", Boundary::face}, {"centre", Boundary::centre}, {"periodic", Boundary::periodic}});
    if (problem.boundary == Boundary::centre && problem.labels.shape[problem.axis] < 2)
        throw py::value_error("between centres there must be two planes");
    problem.periodic_sides = periodic_sides;
    if (start) {
        if (shape_of(*start, "start") != problem.labels.shape || start->ndim() != labels.ndim())
            throw py::value_error("start must have the shape of labels");
        problem.start = start->data();
    }
    if (problem.labels.shape.size() == 0) throw py::value_error("labels are empty");
    TransportOptions options;
    options.tolerance = tol;
    options.max_iterations = max_iterations;
    options.precision = one_of<Precision>("precision", precision,
                                          {{"auto", Precision::automatic},
                                           {"float32", Precision::single},
                                           {"float64", Precision::twice}});
    options.threads = threads;
    options.poll = [&](int iterations, double error) {
        const py::gil_scoped_acquire held;
        if (PyErr_CheckSignals() != 0) throw py::error_already_set();
        if (progress) (*progress)(iterations, error);
    };
    Potential values(potential
                         ? std::vector<py::ssize_t>(labels.shape(), labels.shape() + labels.ndim())
                         : std::vector<py::ssize_t>{0});
    float* const into = potential ? values.mutable_data() : nullptr;
    Transport found;
    {
        const py::gil_scoped_release release;
        found = solver(problem, options, into);
    }
    py::array_t<double> flux(labels.ndim());
    std::copy(found.flux.end() - labels.ndim(), found.flux.end(), flux.mutable_data());
    py::dict result;
    result["percolates"] = found.percolates;
    result["converged"] = found.converged;
    result["lower"] = found.lower;
    result["upper"] = found.upper;
    result["effective"] = found.effective;
    result["flux"] = flux;
    result["flux_in"] = found.flux_in;
    result["flux_out"] = found.flux_out;
    result["iterations"] = found.iterations;
    result["precision"] = found.precision == Precision::twice ? "float64" : "float32";
    result["solved"] = found.solved;
    result["potential"] = potential ? py::object(values) : py::none();
    return result;
}

}  // namespace

void bind_transport(py::module_& m, SolveTransport solver) {
    using namespace py::literals;
    m.def(
        "solve_transport",
        [solver](const LabelArray& labels, const Conductivities& conductivities, int axis,
                 const std::string& boundary, bool periodic_sides, double tol, int max_iterations,
                 const std::string& precision, const std::optional<Potential>& start,
                 bool potential, int threads, const std::optional<py::function>& progress) {
            return solve(solver, labels, conductivities, axis, boundary, periodic_sides, tol,
                         max_iterations, precision, start, potential, threads, progress);
        },
        "labels"_a, "conductivities"_a, "axis"_a, "boundary"_a, "periodic_sides"_a, "tol"_a,
        "max_iterations"_a, "precision"_a, "start"_a, "potential"_a, "threads"_a,
        "progress"_a = py::none(),
        "Effective conductivity along an axis by finite volumes, with an interval that holds it.");
}

}  // namespace microtwin::python
