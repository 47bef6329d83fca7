"""The lattice of generators: media without one pass, and known ones are measured."""

import math

import numpy as np
import pytest

import microtwin as mt
from microtwin.images import synthetic

CHANCE = 0.4


def waved(n, shape, amplitude, period, seed=0):
    """Independent voxels whose chance has a wave along x, at the same place in all samples."""
    x = np.arange(shape[-1])
    chance = CHANCE + amplitude * np.cos(2 * np.pi * x / period)
    return np.random.default_rng(seed).random((n, *shape)) < chance


def fields(n, shape, seed, **options):
    return np.array(
        [synthetic.gaussian_field(shape, seed=1000 * seed + k, **options) for k in range(n)]
    )


def test_white_noise_fails_as_rarely_as_was_asked():
    passed, squares = [], []
    for seed in range(250):
        noise = np.random.default_rng(seed).random((10, 32, 32)) < 0.3
        found = mt.lattice_artefact(noise, false_alarm=0.2, randomisations=100, seed=seed)
        passed.append(found.passed)
        squares.append(found.covariance / found.expected**2)
    # At most 0.2; less, as deviation and line are of the same numbers.
    assert 0.06 < 1 - np.mean(passed) < 0.2 + 2 * math.sqrt(0.2 * 0.8 / 250)
    error = np.std(squares, axis=0) / math.sqrt(250)
    assert (abs(np.mean(squares, axis=0)) < 3.5 * error).all()  # without bias


@pytest.mark.parametrize("periodic", [True, False])
@pytest.mark.parametrize(("length", "fraction"), [(3, 0.5), (6, 0.2)])
def test_gaussian_fields_fail_as_rarely_as_was_asked(length, fraction, periodic):
    options = {"correlation_length": length, "fraction": fraction, "periodic": periodic}
    found = [
        mt.lattice_artefact(
            fields(12, (64, 64), seed, **options), false_alarm=0.1, randomisations=200
        )
        for seed in range(40)
    ]
    assert found[0].strides == (2, 4, 8, 16)
    assert np.mean([not one.passed for one in found]) < 0.1 + 2.5 * math.sqrt(0.1 * 0.9 / 40)
    ratios = np.mean([one.deviation**2 / one.expected**2 for one in found], axis=0)
    np.testing.assert_allclose(ratios, 1, atol=0.4)


def test_volumes_pass_and_a_plane_in_register_is_found():
    volumes = fields(16, (48, 48, 48), 2, correlation_length=3)
    assert mt.lattice_artefact(volumes).passed
    volumes[:, ::8] = 1  # every eighth plane across z
    found = mt.lattice_artefact(volumes)
    assert found.strides == (2, 4, 8)
    assert not found.passed
    assert found.within.tolist() == [False, False, False]
    assert (found.frequency[:, 1:] == 0).all()
    # 1 instead of 1/2 in one plane of eight.
    assert found.excess[2] == pytest.approx(0.5 * math.sqrt(1 / 8 * 7 / 8), rel=0.02)


def test_a_wave_is_found_at_its_period_and_measured():
    amplitude, shape, n = 0.03, (128, 128), 60
    found = mt.lattice_artefact(waved(n, shape, amplitude, 16))
    assert found.within.tolist() == [True, True, True, False, False]
    # In 8 it cancels, in 32 it goes twice.
    assert found.excess[3:] == pytest.approx([amplitude / math.sqrt(2)] * 2, rel=0.03)
    assert abs(found.frequency[3:]).tolist() == [[0, 1], [0, 2]]
    # A wave beside independent voxels of variance v: so much more power in one sample.
    voxels = math.prod(shape)
    more = amplitude**2 * voxels / 4 / (CHANCE * (1 - CHANCE))
    assert found.line[3] == pytest.approx((n * more + 1) / (more + 1), rel=0.05)
    assert found.power_ratio[3] == pytest.approx(1 + more, rel=0.25)


def test_spikes_in_the_two_point_probability_are_the_square_of_the_excess():
    samples = waved(60, (128, 128), 0.1, 16)
    found = mt.lattice_artefact(samples, strides=16)
    curve = sum(mt.two_point(s, phase=1, axes=1, max_lag=48).mean for s in samples) / 60
    spikes = curve[[16, 32, 48]] - curve[[8, 24, 40]].mean()
    assert spikes / 2 == pytest.approx([found.covariance[0]] * 3, rel=0.05)
    assert found.covariance[0] == pytest.approx(0.1**2 / 2, rel=0.02)


def test_what_is_tolerable_passes():
    samples = waved(60, (128, 128), 0.03, 16)  # an excess of 0.021
    assert not mt.lattice_artefact(samples, tolerance=0.015).passed
    assert mt.lattice_artefact(samples, tolerance=0.03).passed
    noise = np.random.default_rng(0).random((60, 128, 128)) < 0.5
    assert mt.lattice_artefact(noise, tolerance=1e-9).passed


def test_the_square_of_the_excess_has_no_bias():
    amplitude = 0.02
    found = [mt.lattice_artefact(waved(12, (32, 32), amplitude, 8, seed)) for seed in range(60)]
    squares = np.array([one.covariance[2] for one in found])
    error = squares.std() / math.sqrt(len(squares))
    assert abs(squares.mean() - amplitude**2 / 2) < 3.5 * error
    assert error < 0.15 * amplitude**2


def test_samples_out_of_register_pass_but_their_spectra_have_the_line():
    rng = np.random.default_rng(3)
    rolled = [np.roll(s, rng.integers(16), axis=1) for s in waved(60, (128, 128), 0.1, 16)]
    found = mt.lattice_artefact(rolled, strides=16)
    assert found.passed
    assert mt.lattice_artefact(waved(60, (128, 128), 0.1, 16), strides=16).power_ratio > 100


def test_doubled_voxels_change_no_mean():
    small = np.random.default_rng(4).random((50, 32, 32)) < CHANCE
    found = mt.lattice_artefact(small.repeat(2, axis=1).repeat(2, axis=2))
    assert found.passed
    # The four places modulo 2 have the same voxels: nothing can differ, not even by chance.
    assert found.deviation[0] == found.expected[0] == found.limit[0] == found.line[0] == 0
    # Modulo 4 there are four kinds of places, each the mean of 16 x 16 voxels of 50 samples.
    variance = CHANCE * (1 - CHANCE) / 16**2 / 50 * (1 - 1 / 4)
    assert found.expected[1] == pytest.approx(math.sqrt(variance), rel=0.1)


def test_a_uniform_phase_has_nothing_to_differ():
    found = mt.lattice_artefact(np.ones((8, 16, 16), int))
    assert found.passed
    assert not found.deviation.any()
    assert np.isnan(found.power_ratio).all()


def test_real_micrographs_and_volumes_have_no_lattice(shared_data):
    rng = np.random.default_rng(0)
    with np.load(shared_data / "mcrpy_2d" / "mcrpy_2d.npz") as stored:
        for name in ("carbonate", "ceramics", "copolymer", "pmma", "sandstone"):
            labels = np.squeeze(stored[name])
            # Near a grid, so that they hardly overlap, but in no register with the image.
            patches = [
                labels[y + dy : y + dy + 48, x + dx : x + dx + 48]
                for y in range(0, 193, 64) for x in range(0, 193, 64)
                for dy, dx in [rng.integers(16, size=2)]
            ]  # fmt: skip
            found = mt.lattice_artefact(patches, phase=int(labels.max()))
            assert found.passed, (name, found.to_dataframe())
    archive = np.load(shared_data / "berea400" / "berea_400_uint8.npz")
    rock = archive[archive.files[0]]
    corners = [(z, y, x) for z in (0, 130, 260) for y in (0, 130, 260) for x in (0, 130, 260)]
    blocks = [
        rock[tuple(slice(c + d, c + d + 64) for c, d in zip(corner, jump, strict=True))]
        for corner in corners
        for jump in [rng.integers(66, size=3)]
    ]
    found = mt.lattice_artefact(blocks, phase=int(rock.min()))
    assert found.strides == (2, 4, 8, 16)
    assert found.passed, found.to_dataframe()
