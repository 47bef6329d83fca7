"""Grey levels from weights and a seed: whole images, or volumes block by block."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import jax
import numpy as np
import numpy.typing as npt

from microtwin._progress import ProgressCallback, silent
from microtwin.errors import InputError
from microtwin.generation.encoding import Encoding
from microtwin.generation.presets import Preset
from microtwin.learning.devices import compiler_options
from microtwin.learning.network import Network, Weights
from microtwin.models import noise

VOXELS_AT_ONCE = 1 << 16
BLOCK = {2: 512, 3: 128}  # side of what is made at a time
LARGEST = noise.LARGEST - 64  # voxels a side: the noise reaches beyond the image
CONDITION_STREAM = 1 << 20  # of the key of a sample: apart from those of its latents

Images = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What is to be drawn; see `Generator.sample`.

    Attributes
    ----------
    seed, count, first : int
        Which samples of which seed.
    shape : tuple of int
        Of each.
    periodic : bool
        Whether opposite faces fit together.
    porosity : tuple of float or None
        What each is asked for.
    rule : str or float
        How they are cut into phases afterwards: no matter of the drawing itself.
    """

    seed: int
    count: int
    shape: tuple[int, ...]
    first: int = 0
    periodic: bool = False
    porosity: tuple[float, ...] | None = None
    rule: str | float = "porosity"


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
        self, weights: Weights, task: Task, *, progress: ProgressCallback = silent
    ) -> Images:
        """Return the samples of a task."""
        channels = self._encoding.channels
        last = () if channels == 1 else (channels,)
        images = np.empty((task.count, *task.shape, *last), np.float32)
        total = self.number_of_pieces(task)
        for i, piece in enumerate(self.pieces(weights, task), 1):
            images[(piece.samples, *piece.window)] = piece.images
            progress(i, total, {})
        return images

    def number_of_pieces(self, task: Task) -> int:
        """Return how many pieces `pieces` yields."""
        block, together = self._plan(task.shape)
        blocks = [-(-side // edge) for side, edge in zip(task.shape, block, strict=True)]
        return len(_groups(task, together)) * int(np.prod(blocks))

    def pieces(self, weights: Weights, task: Task, *, skip: int = 0) -> Iterator[Piece]:
        """Yield the samples part by part, the first `skip` parts excepted."""
        shape, first = task.shape, task.first
        self.check(shape, task.periodic)
        block, together = self._plan(shape)
        root = jax.random.key(task.seed)
        corners = list(
            product(*(range(0, side, edge) for side, edge in zip(shape, block, strict=True)))
        )
        for group in _groups(task, together):
            index = np.arange(group * together, (group + 1) * together)
            condition = self._condition(root, index, task)
            low, high = max(first, index[0]), min(first + task.count, index[-1] + 1)
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
                    period=shape if task.periodic else None,
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
        self, root: jax.Array, index: npt.NDArray[np.int64], task: Task
    ) -> npt.NDArray[np.float32] | None:
        """Return what each sample of a group is asked for."""
        if self._encoding.condition is None:
            return None
        if task.porosity is None:
            keys = jax.vmap(jax.random.fold_in, (None, 0))(root, index)
            keys = jax.vmap(jax.random.fold_in, (0, None))(keys, CONDITION_STREAM)
            return np.asarray(jax.vmap(jax.random.normal)(keys))[:, None]
        asked = np.asarray(task.porosity)[np.clip(index - task.first, 0, task.count - 1)]
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


def _groups(task: Task, together: int) -> range:
    """Return which groups of so many samples, counted from sample 0, a task touches.

    Groups do not depend on the first sample of a task: a number can depend, in its last bit, on how
    many are made together.
    """
    return range(task.first // together, (task.first + task.count - 1) // together + 1)
