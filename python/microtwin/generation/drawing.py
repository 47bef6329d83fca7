"""Grey levels from weights and a seed: whole images, or volumes block by block."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import jax
import numpy as np
import numpy.typing as npt

from microtwin.errors import InputError
from microtwin.generation.encoding import Encoding
from microtwin.generation.presets import Preset
from microtwin.learning.adversarial import Network, Weights
from microtwin.learning.devices import compiler_options
from microtwin.models import noise

VOXELS_AT_ONCE = 1 << 16
BLOCK = {2: 512, 3: 128}  # side of what is made at a time
LARGEST = noise.LARGEST - 64  # voxels a side: the noise reaches beyond the image
CONDITION_STREAM = 1 << 20  # of the key of a sample: apart from those of its latents

Images = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a few samples.

    Attributes
    ----------
    samples : slice
        Which samples, counted from the first one drawn.
    window : tuple of slice
        Which part of each.
    images : ndarray of float32, shape (n, *sides) or (n, *sides, phases)
        As `Encoding.decode` returns them.
    """

    samples: slice
    window: tuple[slice, ...]
    images: Images


class Drawer:
    """Draws structures with a generator's weights; compiled once for each shape.

    Sample i depends on the seed and i alone, and each of its blocks on the place of the block: the
    latents under a voxel are the same whichever block it is made in, so that blocks fit together
    without a seam and nothing larger than a block is ever computed.

    Parameters
    ----------
    module : nnx.Module
        The generator, for its `latent`.
    network : Network
        The same as a function.
    preset : Preset
        What it can do.
    encoding : Encoding
        What its output means.
    """

    def __init__(
        self, module: Any, network: Network, *, preset: Preset, encoding: Encoding
    ) -> None:
        self._module, self._network = module, network
        self._preset, self._encoding = preset, encoding
        self._draw = jax.jit(
            self._drawn,
            static_argnames=("shape", "period"),
            compiler_options=compiler_options(),
        )

    def __call__(
        self,
        weights: Weights,
        seed: int,
        count: int,
        shape: tuple[int, ...],
        *,
        first: int = 0,
        periodic: bool = False,
        porosity: npt.NDArray[np.float64] | None = None,
    ) -> Images:
        """Return samples `first` to `first` + `count` of a seed."""
        images: Images | None = None
        for piece in self.pieces(
            weights, seed, count, shape, first=first, periodic=periodic, porosity=porosity
        ):
            if images is None:
                channels = piece.images.shape[1 + len(shape) :]
                images = np.empty((count, *shape, *channels), np.float32)
            images[(piece.samples, *piece.window)] = piece.images
        assert images is not None
        return images

    def number_of_pieces(self, count: int, shape: tuple[int, ...], *, first: int = 0) -> int:
        """Return how many pieces `pieces` yields."""
        block, together = self._plan(shape)
        rounds = (first + count - 1) // together - first // together + 1
        blocks = [-(-side // edge) for side, edge in zip(shape, block, strict=True)]
        return rounds * int(np.prod(blocks))

    def pieces(
        self,
        weights: Weights,
        seed: int,
        count: int,
        shape: tuple[int, ...],
        *,
        first: int = 0,
        periodic: bool = False,
        porosity: npt.NDArray[np.float64] | None = None,
        skip: int = 0,
    ) -> Iterator[Piece]:
        """Yield the samples part by part, the first `skip` parts excepted; see `__call__`."""
        self.check(shape, periodic)
        block, together = self._plan(shape)
        root = jax.random.key(seed)
        corners = list(
            product(*(range(0, side, edge) for side, edge in zip(shape, block, strict=True)))
        )
        # Samples are made in groups that do not depend on `first`: a number can depend, in its last
        # bit, on how many are made together.
        for group in range(first // together, (first + count - 1) // together + 1):
            index = np.arange(group * together, (group + 1) * together)
            condition = self._condition(root, index, first, count, porosity)
            low, high = max(first, index[0]), min(first + count, index[-1] + 1)
            for corner in corners:
                if skip > 0:
                    skip -= 1
                    continue
                made = self._draw(
                    weights,
                    root,
                    index,
                    np.array(corner),
                    condition,
                    shape=block,
                    period=shape if periodic else None,
                )
                window = tuple(
                    slice(c, min(c + edge, side))
                    for c, edge, side in zip(corner, block, shape, strict=True)
                )
                inside = [slice(0, part.stop - part.start) for part in window]
                inner = (slice(low - index[0], high - index[0]), *inside)
                images = self._encoding.decode(np.asarray(made[inner]))
                yield Piece(slice(low - first, high - first), window, images)

    def _plan(self, shape: Sequence[int]) -> tuple[tuple[int, ...], int]:
        """Return the shape of a block, and of how many samples it is made together."""
        if not self._preset.any_size:
            return tuple(shape), max(1, VOXELS_AT_ONCE // int(np.prod(shape)))
        block = tuple(min(side, BLOCK[len(shape)]) for side in shape)
        return block, min(64, max(1, VOXELS_AT_ONCE // int(np.prod(block))))

    def check(self, shape: Sequence[int], periodic: bool) -> None:
        """Raise InputError unless the preset can make this."""
        preset = self._preset
        if not preset.any_size:
            if periodic:
                raise InputError(f"periodic must be False for the preset {preset.name}")
            if tuple(shape) != (preset.size,) * preset.axes:
                raise InputError(
                    f"shape must be {(preset.size,) * preset.axes} for the preset {preset.name}, "
                    f"not {tuple(shape)}"
                )
            return
        if max(shape) > LARGEST:
            raise InputError(f"shape must have sides up to {LARGEST}, not {max(shape)}")
        if periodic:
            stride = self._module.stride
            if any(side % stride for side in shape):
                near = tuple(max(1, round(side / stride)) * stride for side in shape)
                raise InputError(
                    f"shape must be multiples of {stride} where periodic is True; "
                    f"{tuple(shape)} is not, {near} is near"
                )

    def _condition(
        self,
        root: jax.Array,
        index: npt.NDArray[np.int64],
        first: int,
        count: int,
        porosity: npt.NDArray[np.float64] | None,
    ) -> npt.NDArray[np.float32] | None:
        """Return what each sample of a group is asked for."""
        if self._encoding.condition is None:
            return None
        if porosity is None:
            keys = jax.vmap(jax.random.fold_in, (None, 0))(root, index)
            keys = jax.vmap(jax.random.fold_in, (0, None))(keys, CONDITION_STREAM)
            return np.asarray(jax.vmap(jax.random.normal)(keys))[:, None]
        asked = porosity[np.clip(index - first, 0, count - 1)]
        return np.asarray(self._encoding.scaled(asked), np.float32)[:, None]

    def _drawn(
        self,
        weights: Weights,
        root: jax.Array,
        index: jax.Array,
        corner: jax.Array,
        condition: jax.Array | None,
        *,
        shape: tuple[int, ...],
        period: tuple[int, ...] | None,
    ) -> jax.Array:
        keys = jax.vmap(jax.random.fold_in, (None, 0))(root, index)
        more: dict[str, Any] = {}
        if self._preset.any_size:
            more = {"origin": tuple(corner), "period": period, "condition": condition}
        latent = self._module.latent(keys, shape, **more)
        images, _ = self._network(weights, latent, train=False)
        return images[(slice(None), *(slice(0, side) for side in shape))]
