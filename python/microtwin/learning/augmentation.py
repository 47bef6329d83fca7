"""Images changed at random in ways that leave what they show the same, on the device."""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.scipy.ndimage import map_coordinates

from microtwin import _validate
from microtwin.errors import InputError

FLIPS = ("none", "horizontal", "both")


@dataclass(frozen=True, slots=True, kw_only=True)
class Augmentation:
    """How far images may be changed; every change is drawn uniformly, for each image anew.

    What comes into an image from outside repeats its edge.

    Attributes
    ----------
    rotation : float
        Degrees, to either side.
    shift : float
        Fraction of the sides, along each.
    shear : float
        Degrees.
    zoom : (float, float)
        Factors along each side: below 1 enlarges, as in Keras.
    flip : "none", "horizontal" or "both"
        Which axes are mirrored, half of the time.
    brightness : (float, float)
        Factors of the grey levels, which stay in 0..1.
    noise : float
        Standard deviation of noise added at the end.
    """

    rotation: float = 0.0
    shift: float = 0.0
    shear: float = 0.0
    zoom: tuple[float, float] = (1.0, 1.0)
    flip: str = "none"
    brightness: tuple[float, float] = (1.0, 1.0)
    noise: float = 0.0

    def __post_init__(self) -> None:
        _validate.choice(self.flip, FLIPS, name="flip")
        for name in ("rotation", "shift", "shear", "noise"):
            _validate.real(getattr(self, name), name=name, minimum=0)
        for name in ("zoom", "brightness"):
            low, high = getattr(self, name)
            if not 0 < low <= high:
                raise InputError(f"{name} must be two ascending factors above 0, not {low}, {high}")

    @classmethod
    def from_text(cls, text: str) -> "Augmentation":
        """Read "rotation=20,zoom=0.8:1.2,flip=both"; "none" changes nothing.

        Raises
        ------
        InputError
            If an entry is not a name of the attributes and a value for it.
        """
        values: dict[str, Any] = {}
        for entry in () if text.strip() == "none" else text.split(","):
            name, _, value = (part.strip() for part in entry.partition("="))
            try:
                if name not in cls.__dataclass_fields__:
                    raise ValueError(name)
                if name == "flip":
                    values[name] = value
                elif name in ("zoom", "brightness"):
                    low, high = value.split(":")
                    values[name] = float(low), float(high)
                else:
                    values[name] = float(value)
            except ValueError:
                names = ", ".join(cls.__dataclass_fields__)
                raise InputError(
                    "augmentation must be like rotation=20,zoom=0.8:1.2,flip=both or none, "
                    f"of {names}, not {entry!r}"
                ) from None
        return cls(**values)

    @property
    def moves(self) -> bool:
        """Whether pixels come from between pixels."""
        return bool(self.rotation or self.shift or self.shear or self.zoom != (1.0, 1.0))

    def __call__(self, images: Array, key: Array) -> Array:
        """Change images (n, y, x, channels) of 0 to 1, each in its own way."""
        return jax.vmap(self._one)(images, jax.random.split(key, len(images)))

    def _one(self, image: Array, key: Array) -> Array:
        move, mirror, light, grain = jax.random.split(key, 4)
        if self.moves:
            image = self._moved(image, move)
        for axis in {"none": (), "horizontal": (1,), "both": (0, 1)}[self.flip]:
            turned = jax.random.bernoulli(jax.random.fold_in(mirror, axis))
            image = jnp.where(turned, jnp.flip(image, axis), image)
        low, high = self.brightness
        if low < high or low != 1:
            image = jnp.clip(image * jax.random.uniform(light, (), minval=low, maxval=high), 0, 1)
        if self.noise:
            image = image + self.noise * jax.random.normal(grain, image.shape)
        return image

    def _moved(self, image: Array, key: Array) -> Array:
        y, x, _ = image.shape
        turn, lean, slide, scale = jax.random.split(key, 4)
        angle = jnp.deg2rad(self.rotation) * _either_way(turn)
        shear = jnp.deg2rad(self.shear) * _either_way(lean)
        shift = self.shift * _either_way(slide, (2,)) * jnp.array([y, x])
        zoom = jax.random.uniform(scale, (2,), minval=self.zoom[0], maxval=self.zoom[1])
        cos, sin = jnp.cos(angle), jnp.sin(angle)
        turned = jnp.array([[cos, -sin], [sin, cos]])
        leaning = jnp.array([[jnp.cos(shear), 0.0], [-jnp.sin(shear), 1.0]])
        matrix = turned @ leaning @ jnp.diag(zoom)
        middle = (jnp.array([y, x]) - 1) / 2
        grid = jnp.stack(jnp.meshgrid(jnp.arange(y), jnp.arange(x), indexing="ij"))
        away = grid.reshape(2, -1) - middle[:, None]
        places = (matrix @ away + (middle + shift)[:, None]).reshape(2, y, x)
        moved: Array = jax.vmap(
            lambda plane: map_coordinates(plane, list(places), order=1, mode="nearest"),
            in_axes=-1,
            out_axes=-1,
        )(image)
        return moved


def _either_way(key: Array, shape: tuple[int, ...] = ()) -> Array:
    return jax.random.uniform(key, shape, minval=-1.0, maxval=1.0)
