"""What is no structure, no conductivity or no convention is refused by name."""

import pickle
import tracemalloc

import numpy as np
import pytest

import microtwin as mt
from microtwin.errors import ConvergenceError, DeviceError, InputError
from microtwin.images import ScaledImage

LABELS = np.tile(np.array([0, 1, 1, 0], np.uint8), (4, 1))
K = {0: 0.0, 1: 1.0}


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.zeros(4), "labels must be 2-D or 3-D, not 1-D"),
        (np.zeros((2, 2, 2, 2)), "not 4-D"),
        (np.zeros((0, 3), np.uint8), "must not be empty"),
        (np.full((3, 3), np.nan), "NaN"),
        (np.full((3, 3), 0.5), "whole numbers"),
        (np.full((3, 3), 300), "0..255"),
        ("rock", "labels must"),
    ],
)
def test_labels_must_be_labels(labels, message):
    with pytest.raises(InputError, match=message):
        mt.effective_conductivity(labels, K)
    with pytest.raises(InputError, match=message):
        mt.geodesic_tortuosity(labels, phase=1)


@pytest.mark.parametrize(
    ("conductivities", "message"),
    [
        ({0: 0.0, 1: -1.0}, r"conductivities\[1\] must be at least 0, not -1"),
        ({0: 0.0, 1: float("nan")}, r"conductivities\[1\] must be finite, not nan"),
        ({0: float("inf"), 1: 1.0}, r"conductivities\[0\] must be finite, not inf"),
        ({0: 0.0, 1: "one"}, r"conductivities\[1\] must be a number, not 'one'"),
        ({0: 0.0, 300: 1.0}, "each label in conductivities must be between 0 and 255, not 300"),
        ({"pore": 1.0}, "each label in conductivities must be an integer, not 'pore'"),
        ({0: 0.0, 1: 0.0}, "must hold one number above 0, not zeros only"),
        ({0: 1e-13, 1: 1.0}, "within a factor of 1e[+]12, not between 1e-13 and 1: take 0 for"),
        ({k: 1.0 + k for k in range(255)}, "254 different numbers above 0 or fewer, not 255"),
        ({}, r"must name a label, such as \{0: 0.0, 1: 1.0\}, not none"),
        ([0.0, 1.0], r"must map labels to numbers, such as \{0: 0.0, 1: 1.0\}, not \[0.0, 1.0\]"),
    ],
)
def test_conductivities_are_numbers_by_label(conductivities, message):
    with pytest.raises(InputError, match=message):
        mt.effective_conductivity(LABELS, conductivities)
    with pytest.raises(InputError, match=message):
        mt.effective_tensor(LABELS, conductivities)


def test_labels_that_are_not_named_insulate():
    some, every = (mt.effective_conductivity(LABELS, k) for k in ({1: 1.0}, {0: 0.0, 1: 1.0}))
    assert some.bounds == every.bounds
    assert some.conductivities == {0: 0.0, 1: 1.0}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"axis": 2}, "axis must be between -2 and 1, not 2"),
        ({"axis": "x"}, "axis must be an integer, not 'x'"),
        ({"axis": (0, 1)}, r"axis must be an integer, not \(0, 1\)"),
        ({"boundary": "open"}, "boundary must be one of face, centre, periodic; not 'open'"),
        ({"sides": "open"}, "sides must be one of insulated, periodic; not 'open'"),
        ({"precision": "half"}, "precision must be one of auto, float32, float64"),
        ({"tol": 0}, "tol must be between 1e-06 and 1, not 0"),
        ({"tol": float("nan")}, "tol must be finite"),
        ({"tol": None}, "tol must be a number"),
        ({"max_iterations": 0}, "max_iterations must be"),
        ({"max_iterations": 1.5}, "max_iterations must be an integer"),
        ({"reference": 0}, "reference must be above 0, not 0"),
        ({"reference": -1}, "reference must be at least 0, not -1"),
        ({"start": np.zeros((4, 5))}, r"start must have the shape of labels, \(4, 4\), not \(4, 5"),
        ({"start": np.full((4, 4), "a")}, "start must hold real numbers"),
        ({"spacing": (1e-9, 2e-9)}, "voxels must be cubes"),
        ({"spacing": -1}, "spacing must be positive"),
        ({"threads": 0}, "threads must be"),
        ({"device": "tpu"}, "device must be one of auto, cpu, cuda"),
    ],
)
def test_options_must_be_as_described(options, message):
    with pytest.raises(InputError, match=message):
        mt.effective_conductivity(LABELS, K, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"phase": None}, "phase must be an integer, not None"),
        ({"phase": []}, "phase must be one label or more, not none"),
        ({"phase": 256}, "phase must be between 0 and 255"),
        ({"phase": 1, "diffusivity": 0}, "diffusivity must be above 0"),
        ({"phase": 1, "diffusivity": -2}, "diffusivity must be at least 0"),
    ],
)
def test_a_phase_must_be_a_label(options, message):
    with pytest.raises(InputError, match=message):
        mt.effective_diffusivity(LABELS, **options)


@pytest.mark.usefixtures("no_gpu")
def test_cuda_without_a_gpu_is_refused_before_anything_is_solved():
    for solve in (mt.effective_conductivity, mt.effective_tensor):
        with pytest.raises(DeviceError, match='"cuda" is not available'):
            solve(LABELS, K, device="cuda", progress=pytest.fail)
    assert mt.effective_conductivity(LABELS, K, device="auto").device == "cpu"


def test_what_progress_raises_ends_the_solution():
    def stop(done, total, values):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        mt.effective_conductivity(LABELS, K, progress=stop)


def test_between_centres_there_are_two_planes():
    with pytest.raises(InputError, match='"centre" needs two planes or more along axis 0, not 1'):
        mt.effective_conductivity(LABELS[:1], K, boundary="centre")
    two = mt.effective_conductivity(LABELS[:2], K, boundary="centre", fields=True)
    assert two.effective == pytest.approx(0.5)
    assert two.connected == 0.5
    np.testing.assert_array_equal(two.potential[:, 1], [1, 0])


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (5, 1), (1, 1, 1), (1, 4, 1), (3, 1, 1)])
@pytest.mark.parametrize("boundary", ["face", "periodic"])
def test_structures_of_one_voxel_or_one_line_conduct(shape, boundary):
    labels = np.ones(shape, np.uint8)
    for axis in range(len(shape)):
        made = mt.effective_conductivity(
            labels, {1: 3.0}, axis=axis, boundary=boundary, fields=True
        )
        assert made.effective == pytest.approx(3, rel=1e-6)
        assert made.tortuosity_factor == pytest.approx(1, rel=1e-6)
        assert made.flux_field()[axis].mean() == pytest.approx(3, rel=1e-4)
        assert np.isnan(made.bruggeman_exponent)


def test_what_does_not_percolate_is_an_answer_and_no_error():
    made = mt.effective_diffusivity(LABELS, phase=1, axis=1, fields=True)
    assert not made.percolates
    assert made.effective == made.relative == made.connected == made.flux_error == 0
    assert made.bounds == (0.0, 0.0)
    assert made.tortuosity_factor == made.formation_factor == made.bruggeman_exponent == np.inf
    assert made.tortuosity_factor_connected == np.inf
    assert "does not lead from inlet to outlet" in str(made)
    assert np.isnan(made.potential).all()
    assert not made.flux_field().any()
    made.plot()
    nowhere = mt.effective_diffusivity(LABELS, phase=7)
    assert nowhere.porosity == 0
    assert nowhere.tortuosity_factor == np.inf


def test_a_search_that_stops_too_early_tells_how_far_it_came():
    rng = np.random.default_rng(0)
    labels = (rng.random((40, 40, 40)) < 0.36).astype(np.uint8)
    with pytest.raises(ConvergenceError, match="raise max_iterations or tol") as caught:
        mt.effective_diffusivity(labels, phase=1, max_iterations=1, tol=1e-6)
    error = pickle.loads(pickle.dumps(caught.value))
    known = mt.effective_diffusivity(labels, phase=1)
    assert error.lower <= known.upper
    assert error.upper >= known.lower
    assert error.iterations == 1
    assert isinstance(error, mt.errors.MicrotwinError)


def test_any_kind_of_array_and_any_unit_will_do():
    wanted = mt.effective_conductivity(LABELS, K).effective
    for labels in (LABELS.tolist(), LABELS.astype(float), LABELS.astype(bool), LABELS.T.copy().T):
        assert mt.effective_conductivity(labels, K).effective == wanted
    reversed_ = np.zeros((8, 8), np.uint8)[::2, ::2]
    reversed_[:] = LABELS
    assert mt.effective_conductivity(reversed_, K).effective == wanted
    assert LABELS.tolist() == np.tile([0, 1, 1, 0], (4, 1)).tolist()
    for unit in (1e-300, 1e300):
        made = mt.effective_conductivity(LABELS, {0: 0.0, 1: unit})
        assert made.effective == pytest.approx(0.5 * unit, rel=1e-6)


def test_spacing_is_kept_and_changes_nothing():
    image = ScaledImage(LABELS, spacing=4e-9)
    assert mt.effective_conductivity(image, K).spacing == (4e-9, 4e-9)
    assert mt.effective_conductivity(image, K, spacing=1e-6).spacing == (1e-6, 1e-6)


def test_fields_have_to_be_asked_for():
    made = mt.effective_conductivity(LABELS, K)
    for call in (made.plot, made.flux_field):
        with pytest.raises(InputError, match="fields=True"):
            call()
    with pytest.raises(InputError, match="fields=True"):
        mt.effective_conductivity(LABELS, K, start=made)
    cube = mt.effective_conductivity(np.ones((4, 4, 4), np.uint8), {1: 1.0}, fields=True)
    with pytest.raises(InputError, match="at must be between 0 and 3"):
        cube.plot(at=4)


@pytest.mark.parametrize("write", ["to_json", "to_csv"])
def test_results_come_back_from_files_exactly(tmp_path, write):
    rng = np.random.default_rng(1)
    labels = (rng.random((8, 9, 10)) < 0.6).astype(np.uint8)
    read = write.replace("to", "from")
    results = [
        mt.effective_conductivity(labels, {0: 0.3, 1: 7.0}, axis=1, spacing=1e-8, fields=True),
        mt.effective_diffusivity(labels * 0, phase=1),
        mt.effective_tensor(labels, {0: 0.0, 1: 1.0}),
        mt.geodesic_tortuosity(labels, phase=1, axis=2),
        mt.geodesic_tortuosity(labels * 0, phase=1),
    ]
    for made in results:
        path = getattr(made, write)(tmp_path / "result")
        again = getattr(type(made), read)(path)
        assert again.to_record() == made.to_record()
        assert str(again) == str(made)
        assert len(made.to_dataframe()) >= 0
        other = mt.GeodesicTortuosity if isinstance(made, mt.Conduction) else mt.Conduction
        with pytest.raises(InputError, match="is not a"):
            getattr(other, read)(path)
    (tmp_path / "broken").write_text("{")
    for path in (tmp_path / "broken", tmp_path / "none"):
        with pytest.raises(InputError, match=r"cannot read|is not a"):
            getattr(mt.Conduction, read)(path)


def test_damaged_records_are_refused():
    record = mt.effective_conductivity(LABELS, K).to_record()
    for name in ("voxels", "bounds", "axis"):
        damaged = {key: value for key, value in record.items() if key != name}
        with pytest.raises(InputError, match="damaged"):
            mt.Conduction.from_record(damaged)


@pytest.mark.parametrize(
    ("fractions", "conductivities", "message"),
    [
        ({0: 0.5, 1: 0.6}, {0: 1.0, 1: 2.0}, "fractions must add up to 1, not 1.1"),
        ({0: -0.5, 1: 1.5}, {0: 1.0, 1: 2.0}, r"fractions\[0\] must be at least 0"),
        ({0: 0.5, 1: 0.5}, {0: 1.0}, "missing: 1"),
        ({0: 0.5, 1: 0.5}, {0: 1.0, 1: -2.0}, r"conductivities\[1\] must be at least 0"),
        ([0.5, 0.5], {0: 1.0, 1: 2.0}, "fractions must map labels to numbers"),
    ],
)
def test_estimates_need_fractions_and_conductivities(fractions, conductivities, message):
    with pytest.raises(InputError, match=message):
        mt.conductivity_estimates(fractions, conductivities)
    with pytest.raises(InputError, match="dimension must be"):
        mt.bruggeman_estimate({0: 1.0}, {0: 1.0}, dimension=4)
    with pytest.raises(InputError, match="matrix must be one of 0, 1; not 2"):
        mt.maxwell_estimate({0: 0.5, 1: 0.5}, {0: 1.0, 1: 2.0}, matrix=2)


def test_geometry_is_checked_as_well():
    with pytest.raises(InputError, match="two planes or more along axis 0"):
        mt.geodesic_tortuosity(LABELS[:1], phase=1)
    with pytest.raises(InputError, match="steps must be one of corner, face"):
        mt.geodesic_tortuosity(LABELS, phase=1, steps="knight")
    with pytest.raises(InputError, match="phase must be"):
        mt.geodesic_tortuosity(LABELS, phase=-1)
    with pytest.raises(InputError, match="phase 3 has no surface"):
        mt.permeability_estimate(LABELS, phase=3)
    with pytest.raises(InputError, match="constant must be above 0"):
        mt.permeability_estimate(LABELS, phase=1, constant=0)
    with pytest.raises(InputError, match="axis must be between"):
        mt.percolating_fraction(LABELS, phase=1, axis=3)
    assert np.isnan(mt.percolating_fraction(LABELS, phase=3))


def test_results_without_fields_hold_no_arrays():
    labels = np.random.default_rng(0).integers(0, 2, (60, 60, 60), np.uint8)
    mt.effective_conductivity(labels, {0: 0.5, 1: 1.0})
    tracemalloc.start()
    kept = [mt.effective_conductivity(labels, {0: 0.5, 1: 1.0}) for _ in range(3)]
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(kept) == 3
    assert held < 100_000
