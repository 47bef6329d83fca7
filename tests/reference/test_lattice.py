"""The lattice of a generator against its definition."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import microtwin as mt
from reference import naive_lattice


@st.composite
def cases(draw):
    ndim = draw(st.sampled_from((2, 3)))
    stride = draw(st.integers(2, 5 if ndim == 2 else 3))
    sides = tuple(draw(st.integers(2 * stride, 2 * stride + 6)) for _ in range(ndim))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = draw(st.integers(8, 11))
    samples = rng.integers(0, draw(st.integers(2, 3)), (n, *sides), np.uint8)
    if draw(st.booleans()):
        samples[..., ::stride] = 1
    return samples, stride


@settings(max_examples=30)
@given(cases())
def test_numbers_are_those_of_the_definition(case):
    samples, stride = case
    found = mt.lattice_artefact(samples, strides=stride, randomisations=200)
    for name in ("deviation", "expected", "covariance"):
        wanted = getattr(naive_lattice, name)(samples, 1, stride)
        assert getattr(found, name)[0] == pytest.approx(wanted, rel=1e-9, abs=1e-15)
    lines = naive_lattice.lines(samples, 1, stride)
    assert found.line[0] == pytest.approx(max(lines.values()), rel=1e-9)
    strongest = tuple(int(k) % stride for k in found.frequency[0])
    assert lines[strongest] == pytest.approx(max(lines.values()), rel=1e-9)


def test_limits_are_ranks_among_tables_rolled_by_hand():
    samples = np.random.default_rng(5).random((9, 8, 8)) < 0.4
    samples[:, 0::4, 1::4] = True
    found = mt.lattice_artefact(samples, strides=4, false_alarm=0.1, randomisations=2000, seed=1)
    tables = naive_lattice.tables(samples, 1, 4)
    rng = np.random.default_rng(0)
    deviations = [
        np.mean([np.roll(t, rng.integers(4, size=2), (0, 1)) for t in tables], axis=0).std()
        for _ in range(2000)
    ]
    assert found.limit[0] == pytest.approx(np.quantile(deviations, 0.95), rel=0.05)
    assert found.expected[0] == pytest.approx(np.sqrt(np.mean(np.square(deviations))), rel=0.03)


def test_the_power_ratio_is_that_of_the_mean_periodogram():
    samples = np.random.default_rng(2).random((10, 24, 24)) < 0.5
    samples[:, :, ::8] = True
    found = mt.lattice_artefact(samples, strides=8)
    power = np.mean([abs(np.fft.fft2(s - s.mean())) ** 2 for s in samples], axis=0)
    ky, kx = found.frequency[0]
    assert ky == 0  # the pattern does not change along y
    near = [power[0, (3 * kx + d) % 24] for d in (-4, -2, -1, 1, 2, 4)]
    assert found.power_ratio[0] == pytest.approx(power[0, 3 * kx % 24] / np.median(near))
