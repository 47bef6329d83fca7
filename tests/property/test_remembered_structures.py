"""A description measured along the axes that can still tell S2 in every direction."""

import pickle

import numpy as np
import pytest

import microtwin as mt
from microtwin.images import synthetic


def samples(n=2, side=40, phases=2):
    return [synthetic.voronoi((side, side + 3), cells=30, phases=phases, seed=s) for s in range(n)]


def same(one, other):
    assert (one.phase, one.max_lag, one.boxes) == (other.phase, other.max_lag, other.boxes)
    assert (one.periodic, one.samples, one.spacing) == (
        other.periodic, other.samples, other.spacing,
    )  # fmt: skip
    assert np.array_equal(one.kept, other.kept)


@pytest.mark.parametrize("periodic", [False, True])
@pytest.mark.parametrize("shape", [(33, 20), (9, 14, 11)])
def test_the_map_is_that_of_the_structure(shape, periodic):
    labels = synthetic.bernoulli(shape, fraction=0.4, seed=1)
    real = mt.describe(labels, periodic=periodic, spacing=2e-9, threads=1)
    same(
        real.two_point_map(threads=1),
        mt.two_point_map(labels, phase=1, periodic=periodic, spacing=2e-9),
    )
    same(
        real.two_point_map(max_lag=3),
        mt.two_point_map(labels, phase=1, periodic=periodic, spacing=2e-9, max_lag=3),
    )


def test_samples_and_merged_descriptions_give_the_sum_of_their_maps():
    first, second = samples()
    wanted = mt.two_point_map(first, phase=1) + mt.two_point_map(second, phase=1)
    same(mt.describe([first, second]).two_point_map(), wanted)
    merged = mt.describe(first) + mt.describe(second)
    same(merged.two_point_map(), wanted)
    same(pickle.loads(pickle.dumps(merged)).two_point_map(), wanted)


def test_samples_of_several_sizes_go_as_far_as_the_smallest():
    small, large = samples(1, 24)[0], samples(1, 60)[0]
    found = mt.describe([large, small], max_lag=8).two_point_map()
    assert found.max_lag == (12, 13)
    assert found.samples == 2


def test_the_other_of_two_phases_is_where_the_one_is_not():
    labels = 3 * samples(1)[0] + 2
    real = mt.describe(labels, phase=(5, 2))
    same(real.of(2).two_point_map(), mt.two_point_map(labels, phase=2))
    same(real.of(2).of(5).two_point_map(), mt.two_point_map(labels, phase=5))


def test_of_three_phases_only_the_primary_one_is_known():
    labels = samples(1, phases=3)[0]
    real = mt.describe(labels)
    same(real.two_point_map(), mt.two_point_map(labels, phase=1))
    assert real.of(2).two_point_map() is None


def test_nothing_is_remembered_of_parts_of_files_or_on_demand(tmp_path):
    labels = samples(1)[0]
    real = mt.describe(labels)
    for forgetful in (
        mt.describe(labels, remember=False),
        mt.describe(labels, mask=np.ones(labels.shape, bool)),
        mt.describe_tiles(labels),
        mt.Description.from_json(real.to_json(tmp_path / "real.json")),
        mt.Description.from_csv(real.to_csv(tmp_path / "real.csv")),
        real + mt.describe(samples(2)[1], remember=False),
    ):
        assert forgetful.two_point_map() is None
    assert "structures" not in repr(real)
    assert "structures" not in real.to_record()
    assert sum(one.bits.nbytes for one in real.structures) == -(-labels.size // 8)
