"""Slices of a volume along its axes, each before the critic of its axis."""

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from microtwin.models.slices import Directional, Slices


def coordinates(side, count=2):
    """Return volumes whose voxels are their coordinates, and the number of the volume."""
    places = np.stack(np.meshgrid(*[np.arange(side)] * 3, indexing="ij"), axis=-1)
    volumes = np.stack([places] * count)
    numbers = np.broadcast_to(np.arange(count)[:, None, None, None, None], (*volumes.shape[:4], 1))
    return jnp.asarray(np.concatenate([volumes, numbers], axis=-1))


def test_slices_come_by_volume_place_and_axis():
    view = Slices(3, alike=False)
    assert (view.parts, view.groups) == (9, 3)
    assert Slices(3, alike=True).groups == 1
    starts = set()
    for seed in range(12):
        seen = np.asarray(view(coordinates(6), jax.random.key(seed)))
        assert seen.shape == (2 * 9, 6, 6, 4)
        start = int(seen[0, 0, 0, 0])
        starts.add(start)
        for i, image in enumerate(seen):
            volume, rest = divmod(i, 9)
            place, axis = divmod(rest, 3)
            assert (image[..., 3] == volume).all()
            assert (image[..., axis] == start + 2 * place).all()
            rows, columns = (a for a in range(3) if a != axis)
            np.testing.assert_array_equal(image[:, 0, rows], np.arange(6))
            np.testing.assert_array_equal(image[0, :, columns], np.arange(6))
    assert starts == {0, 1}  # every slice is seen some time


class Shifted(nnx.Module):
    """Says how bright an image is, and which critic says so."""

    def __init__(self, *, rngs):
        self.number = nnx.Param(100 * jax.random.normal(rngs.params(), ()))

    def __call__(self, images, *, train=False, key=None):
        return images.mean((1, 2)) + self.number[...]


def test_slice_i_is_judged_by_critic_i_modulo_three():
    critics = Directional(Shifted, rngs=nnx.Rngs(0))
    numbers = [float(critic.number[...]) for critic in critics.critics]
    assert len(set(numbers)) == 3
    images = jnp.arange(9.0)[:, None, None, None] * jnp.ones((9, 4, 4, 1))
    found = critics(images)
    expected = [np.float32(i + np.float32(numbers[i % 3])) for i in range(9)]
    np.testing.assert_allclose(found[:, 0], expected, rtol=1e-5)
