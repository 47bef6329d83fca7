"""Volumes larger than memory, read in blocks that hold whole lines.

A curve along a direction is a sum over the straight lines along it, and lines do not know of each
other. So a volume is cut *beside* its lines, never across them: a block holds its lines from face
to face, whatever the lag, the length of the chords, the mask or the wrapping, and counts of blocks
add up to those of the whole, with no halo and nothing counted twice.

Most directions stay at one coordinate at least, and slabs across that axis do. Diagonals that move
along every axis are sheared: slice z of a block is shifted by z, so that a line stays in its band.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from microtwin import _memory, _validate
from microtwin.errors import InputError
from microtwin.statistics.directions import Vector, lag_bound

Labels = npt.NDArray[np.uint8]

# What a voxel of a block takes at most while it is counted, beside the block itself: a comparison
# with the phase, and the bit lines along and across.
_WORKING = 3


@dataclass(frozen=True, slots=True)
class Source:
    """A volume, and perhaps its mask, that give up a part of themselves when sliced."""

    volume: Any
    mask: Any | None

    @classmethod
    def checked(cls, volume: Any, mask: Any | None) -> "Source":
        """Check what can be checked without reading."""
        for name, value in (("volume", volume), ("mask", mask)):
            if name == "mask" and value is None:
                continue
            if not all(hasattr(value, needed) for needed in ("shape", "dtype", "__getitem__")):
                raise InputError(
                    f"{name} must be sliceable and have a shape and a dtype (a memory map, a Zarr "
                    f"array, an HDF5 data set), not {type(value).__name__}"
                )
        shape = tuple(volume.shape)
        if len(shape) not in (2, 3):
            raise InputError(f"volume must be 2-D or 3-D, not {len(shape)}-D")
        if 0 in shape:
            raise InputError(f"volume must not be empty; its shape is {shape}")
        if mask is not None and tuple(mask.shape) != shape:
            raise InputError(f"mask must have the shape of volume, {shape}, not {mask.shape}")
        return cls(volume, mask)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the volume."""
        return tuple(map(int, self.volume.shape))

    @property
    def chunks(self) -> tuple[int, ...]:
        """The smallest box that is read in one go; of single voxels where nothing is known."""
        for name in ("shards", "chunks"):
            known = getattr(self.volume, name, None)
            # Dask has a tuple of sizes for each axis, HDF5 and Zarr one size.
            if known and all(isinstance(size, int | np.integer) for size in known):
                return tuple(map(int, known))
        return (1,) * len(self.shape)

    @property
    def voxel_bytes(self) -> int:
        """What one voxel of a block takes in memory."""
        given = np.dtype(self.volume.dtype).itemsize
        return (given if given > 1 else 0) + 1 + (2 if self.mask is not None else 0) + _WORKING

    def read(self, box: Sequence[slice]) -> tuple[Labels, Labels | None]:
        """Return the labels of a box, and its mask."""
        key = tuple(box)
        part = _validate.labels(_piece(self.volume, key, "volume"), name="volume")
        if self.mask is None:
            return part, None
        return part, _validate.mask(_piece(self.mask, key, "mask"), shape=part.shape)


def _piece(volume: Any, key: tuple[slice, ...], name: str) -> npt.NDArray[Any]:
    try:
        return np.asarray(volume[key])
    except MemoryError:
        raise
    # What is lost or damaged on the way from the disk is told in many ways: by HDF5, Zarr, codecs.
    except Exception as error:
        where = " x ".join(f"{part.start}..{part.stop}" for part in key)
        raise InputError(f"{name} cannot be read at {where}: {error}") from error


@dataclass(frozen=True, slots=True)
class Block:
    """Some lines of a volume, whole.

    Attributes
    ----------
    labels, window : ndarray of uint8
        The voxels, and which of them count (None: all).
    steps : tuple of tuple of int
        The direction of each curve as it runs through this block.
    periodic : bool
        Whether lines wrap at the faces of the block.
    length : int or None
        Where lines are written out beyond their end: only what begins in so many voxels along axis
        0 counts.
    """

    labels: Labels
    window: Labels | None
    steps: tuple[Vector, ...]
    periodic: bool
    length: int | None = None


@dataclass(frozen=True, slots=True)
class Pass:
    """One way of cutting the volume, and the directions whose lines it keeps whole.

    Attributes
    ----------
    vectors : tuple of tuple of int
        The directions.
    cut : int
        The axis that is cut.
    ranges : tuple of (int, int)
        First and last (excluded) coordinate of each block along it.
    sheared : bool
        Whether coordinates along `cut` are those of slice 0, to which the others are shifted.
    """

    vectors: tuple[Vector, ...]
    cut: int
    ranges: tuple[tuple[int, int], ...]
    sheared: bool = False

    def voxels(self, source: Source) -> int:
        """Return how many voxels are counted; sheared blocks are partly empty."""
        across = sum(stop - start for start, stop in self.ranges)
        return int(np.prod(source.shape)) // source.shape[self.cut] * across

    def blocks(self, source: Source, *, periodic: bool, reach: int) -> Iterator[Block]:
        """Read one block after the other; lines are followed to `reach` steps beyond their end."""
        for start, stop in self.ranges:
            if self.sheared:
                yield _sheared(source, self.vectors[0], start, stop, periodic, reach)
                continue
            box = [slice(0, side) for side in source.shape]
            box[self.cut] = slice(start, stop)
            yield Block(*source.read(box), self.vectors, periodic)


def passes(
    source: Source, vectors: Sequence[Vector], *, periodic: bool, memory: int, tile: int | None
) -> list[Pass]:
    """Return the fewest ways of cutting a volume that keep the lines of all directions whole."""
    shape = source.shape
    result = []
    for cut in range(len(shape)):
        # The slowest axis first: slabs across it lie in one piece on the disk.
        mine = tuple(v for v in vectors if not v[cut] and all(v[:cut]))
        if mine:
            ranges = _ranges(source, cut, 0, shape[cut], shape, memory, tile)
            result.append(Pass(mine, cut, ranges))
    for vector in vectors:
        if all(vector):
            # Slice z is shifted by z times the step along axis 1, hence these origins in slice 0.
            shift = 0 if periodic else vector[1] * (shape[0] - 1)
            first, last = -max(shift, 0), shape[1] - min(shift, 0)
            # Where lines wrap they are written out beyond their end, once again at most.
            sides = (shape[0] + (lag_bound(vector, shape) if periodic else 0), *shape[1:])
            ranges = _ranges(source, 1, first, last, sides, memory, tile)
            result.append(Pass((vector,), 1, ranges, sheared=True))
    return result


def _ranges(
    source: Source,
    cut: int,
    first: int,
    last: int,
    sides: tuple[int, ...],
    memory: int,
    tile: int | None,
) -> tuple[tuple[int, int], ...]:
    """Divide first .. last into blocks that fit the memory, of whole chunks where these fit."""
    if tile is None:
        slice_bytes = source.voxel_bytes * int(np.prod(sides)) // sides[cut]
        tile = max(memory // slice_bytes, 1)
        chunk = source.chunks[cut]
        tile = tile // chunk * chunk or tile
    return tuple((at, min(at + tile, last)) for at in range(first, last, tile))


def _sheared(
    source: Source, vector: Vector, start: int, stop: int, periodic: bool, reach: int
) -> Block:
    """Read the lines that begin, or would begin, between start and stop in slice 0."""
    depth, height, *rest = source.shape
    length = depth + (reach if periodic else 0)
    labels = np.zeros((length, stop - start, *rest), np.uint8)
    window = None if periodic and source.mask is None else np.zeros_like(labels)
    # Slices are read as many at a time as chunks are deep, and all the rows that these need.
    for low, high in _pieces(0, length, depth, source.chunks[0]):
        shifts = [vector[1] * z for z in range(low, high)]
        rows = [(start + min(shifts), stop + max(shifts))]
        if periodic:
            rows = list(_pieces(*rows[0], height, height))
        else:
            rows = [(max(rows[0][0], 0), min(rows[0][1], height))]
        for top, bottom in rows:
            if top >= bottom:
                continue
            at = top % height
            box = [slice(low % depth, low % depth + high - low), slice(at, at + bottom - top)]
            part, inside = source.read([*box, *(slice(0, side) for side in rest)])
            for i, shift in enumerate(shifts):
                # Rows top .. bottom of the volume, seen from row start + shift.
                a, b = max(top - start - shift, 0), min(bottom - start - shift, stop - start)
                if a >= b:
                    continue
                taken = slice(a + start + shift - top, b + start + shift - top)
                turn = -vector[2] * (low + i) if periodic and rest else 0
                labels[low + i, a:b] = _turned(part[i, taken], turn)
                if window is not None:
                    window[low + i, a:b] = 1 if inside is None else _turned(inside[i, taken], turn)
    # Where lines wrap, axis 2 was sheared too, and they run straight along axis 0.
    step = (1, 0, *(0 if periodic else one for one in vector[2:]))
    return Block(labels, window, (step,), False, depth if periodic else None)


def _turned(rows: Labels, turn: int) -> Labels:
    return np.roll(rows, turn, axis=-1) if turn else rows


def _pieces(first: int, last: int, period: int, most: int) -> Iterator[tuple[int, int]]:
    """Divide first .. last where it passes a multiple of the period, or else after `most`."""
    while first < last:
        end = min(last, (first // period + 1) * period, (first // most + 1) * most)
        yield first, end
        first = end


def available_memory() -> int:
    """Return how many bytes of memory are free for use, or 4 GiB where nothing tells."""
    free = _memory.available()
    return 4 << 30 if free is None else free
