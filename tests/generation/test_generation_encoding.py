"""What images show of what can be asked for."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from microtwin.generation.encoding import Encoding

KINDS = {
    "grey": Encoding(2, False, 0.2, 0.9, (0.6,), (0.4, 0.1)),
    "two phases": Encoding(2, True, -0.1, 1.1, (0.5,), (0.4, 0.1)),
    "three phases": Encoding(3, True, -0.1, 1.1, (), (0.4, 0.1)),
}


def patches(encoding):
    rng = np.random.default_rng(0)
    shape = (5, 12, 10)
    if encoding.labelled:
        drawn = rng.integers(encoding.phases, size=shape)
        return jnp.asarray(drawn, jnp.float32 if encoding.thresholds else jnp.uint8)
    return jnp.asarray(rng.random(shape), jnp.float32)


@pytest.fixture(params=KINDS.values(), ids=KINDS)
def encoding(request):
    return request.param


def test_patches_show_what_they_were_asked_for(encoding):
    batch = encoding.encode(patches(encoding))
    shown = encoding.measured(batch.images)
    assert shown.shape == batch.condition.shape == (5, 1)
    np.testing.assert_allclose(shown, batch.condition, atol=1e-4)
    assert np.asarray(shown).std() > 0.1


def test_up_its_gradient_there_is_more_of_the_darkest_phase(encoding):
    images = encoding.encode(patches(encoding)).images
    up = jax.grad(lambda images: encoding.measured(images).sum())(images)
    darkest = -up[..., 0] if encoding.thresholds else up[..., 0]
    assert (darkest > 0).all()
    moved = images + 0.5 * up / jnp.abs(up).max()
    for _ in range(3):
        moved = moved + 0.5 * up / jnp.abs(up).max()
    assert (encoding.measured(moved) > encoding.measured(images)).all()
