"""What must hold of the lattice of any samples, and of the files that it is kept in."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import microtwin as mt

FOUND = ("deviation", "expected", "covariance", "line")


@st.composite
def batches(draw):
    ndim = draw(st.sampled_from((2, 3)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    samples = rng.random((draw(st.integers(8, 12)), *(16,) * ndim)) < draw(st.floats(0.1, 0.9))
    samples[..., :: draw(st.sampled_from((3, 4, 8)))] |= draw(st.booleans())
    return samples


def measured(samples, **options):
    return mt.lattice_artefact(samples, strides=(2, 4, 8), randomisations=600, **options)


def agree(a, b):
    for name in FOUND:
        np.testing.assert_allclose(getattr(a, name), getattr(b, name), rtol=1e-9, atol=1e-15)


@settings(max_examples=20)
@given(batches(), st.randoms(use_true_random=False))
def test_neither_order_nor_a_common_shift_nor_the_naming_of_phases_matters(samples, random):
    found = measured(samples)
    axes = tuple(range(1, samples.ndim))
    agree(found, measured(samples[random.sample(range(len(samples)), len(samples))]))
    shift = tuple(random.randrange(16) for _ in axes)
    agree(found, measured(np.roll(samples, shift, axes)))  # sides are multiples of the strides
    agree(found, measured(np.flip(samples, axis=1)))
    agree(found, measured(samples, phase=0))
    agree(found, measured(samples.astype(np.uint8) * 7, phase=7))


@settings(max_examples=20)
@given(batches())
def test_longer_strides_hold_what_shorter_ones_that_divide_them_do(samples):
    found = measured(samples)
    assert (np.diff(found.deviation) >= -1e-12).all()
    assert (np.diff(found.line) >= -1e-9).all()
    assert (found.line <= len(samples) * (1 + 1e-9)).all()


def test_the_same_seed_gives_the_same_limits_and_another_nearly_the_same():
    samples = np.random.default_rng(0).random((20, 16, 16)) < 0.5
    first, again, other = (measured(samples, seed=seed) for seed in (4, 4, 5))
    assert np.array_equal(first.limit, again.limit)
    assert np.array_equal(first.line_limit, again.line_limit)
    assert not np.array_equal(first.limit, other.limit)
    np.testing.assert_allclose(first.limit, other.limit, rtol=0.3)
    # Nor does it matter which other strides are looked for.
    alone = mt.lattice_artefact(
        samples, strides=4, false_alarm=0.01 / 3, randomisations=600, seed=4
    )
    assert alone.limit[0] == first.limit[1]


def test_arrays_sequences_and_what_holds_labels_are_the_same():
    @dataclasses.dataclass
    class Holder:
        labels: np.ndarray

    samples = (np.random.default_rng(1).random((9, 16, 16)) < 0.5).astype(np.uint8)
    whole = measured(samples)
    for other in (list(samples), tuple(samples.tolist()), Holder(samples), map(Holder, samples)):
        found = measured(other)
        assert np.array_equal(found.deviation, whole.deviation)
        assert np.array_equal(found.limit, whole.limit)


@pytest.mark.parametrize("form", ["csv", "json"])
@pytest.mark.parametrize("shape", [(12, 17, 33), (8, 16, 17, 18)])
def test_files_give_back_every_number(tmp_path, shape, form):
    samples = np.random.default_rng(2).random(shape) < 0.3
    samples[..., ::4] = 1
    found = mt.lattice_artefact(samples, strides=(4, 3), seed=11, false_alarm=0.05, tolerance=0.1)
    path = getattr(found, f"to_{form}")(tmp_path / f"found.{form}")
    back = getattr(mt.LatticeArtefact, f"from_{form}")(path)
    for field in dataclasses.fields(found):
        mine, theirs = getattr(found, field.name), getattr(back, field.name)
        np.testing.assert_array_equal(theirs, mine)
        assert type(theirs) is type(mine)
    assert back.passed is found.passed
    assert str(back) == str(found)


def test_a_table_has_a_row_for_each_stride_and_a_line_says_it_all():
    rng = np.random.default_rng(3)
    good = mt.lattice_artefact(rng.random((30, 32, 32)) < 0.4)
    assert str(good) == "no lattice of stride 2, 4, 8 in 30 samples of 32 x 32"
    assert repr(good) == f"LatticeArtefact({good})"
    chance = 0.4 + 0.3 * np.cos(2 * np.pi * np.arange(32) / 8)
    bad = mt.lattice_artefact(rng.random((30, 32, 32)) < chance, strides=(8, 4))
    table = bad.to_dataframe()
    assert table["stride"].tolist() == [4, 8]
    assert table["passed"].tolist() == [True, False]
    assert str(bad) == "lattice of stride 8 (excess 0.21) in 30 samples of 32 x 32"
    lenient = dataclasses.replace(bad, tolerance=0.25)
    assert lenient.passed
    assert str(lenient).startswith("none but a tolerable (excess 0.25) lattice of stride 4, 8 in")
    ax = bad.plot()
    assert [t.get_text() for t in ax.get_xticklabels()] == ["4", "8"]
    assert bad.plot(ax) is ax
