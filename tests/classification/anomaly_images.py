"""An autoencoder so small that it trains in a blink, and images for it."""

import jax.numpy as jnp
import numpy as np
from flax import nnx
from scipy.ndimage import gaussian_filter

from microtwin.classification.anomaly import recipes
from microtwin.models import layers, registry

TINY = "autoencoder-tiny"
SIZE = 16


class Tiny(nnx.Module):
    """Means of blocks of 4 x 4 pixels to a code, and back."""

    def __init__(self, *, channels=1, rngs):
        self.down = layers.Dense(SIZE * channels, 8, rngs=rngs)
        self.up = layers.Dense(8, SIZE * channels, rngs=rngs)

    def encode(self, x):
        blocks = x.reshape(len(x), 4, 4, 4, 4, -1).mean((2, 4))
        return self.down(blocks.reshape(len(x), -1))

    def decode(self, code):
        blocks = self.up(code).reshape(len(code), 4, 4, -1)
        return jnp.repeat(jnp.repeat(blocks, 4, axis=1), 4, axis=2)

    def __call__(self, x, *, train=False, key=None):
        return self.decode(self.encode(x))


def install_tiny_autoencoder(setitem):
    takes = (SIZE, SIZE, 1)
    setitem(registry.ARCHITECTURES, TINY, registry.Architecture(TINY, Tiny, takes))
    setitem(
        recipes.AUTOENCODERS, TINY, recipes.Recipe(batch=16, epochs=10, rate=3e-2, clip_norm=None)
    )
    for method in ("mlp", "flow"):
        setitem(recipes.JUDGES, method, recipes.Recipe(batch=32, epochs=6, patience=4))


def smooth_images(count, side=SIZE, *, seed=0):
    """Pieces of smooth fields with a little noise; those of all sizes look alike."""
    rng = np.random.default_rng(seed)
    whole = side + 24
    fields = gaussian_filter(rng.normal(size=(count, whole, whole)), (0, 3, 3))
    fields = 160 * fields[:, 12:-12, 12:-12]  # a standard deviation of 15 grey levels
    fields += 128 + rng.normal(0, 3, fields.shape)
    return np.clip(np.rint(fields), 0, 255).astype(np.uint8)


def with_spot(images, *, seed=1, half=2):
    """Return images with a bright spot at a random place, and the places (n, 2)."""
    rng = np.random.default_rng(seed)
    spotted, places = images.copy(), []
    for image in spotted:
        y, x = (int(rng.integers(half, side - half)) for side in image.shape)
        image[y - half : y + half, x - half : x + half] = 225
        places.append((y, x))
    return spotted, np.array(places)
