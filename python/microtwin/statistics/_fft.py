"""Correlations at every displacement by FFT: pruned, in slabs, and exact where they count.

A map of a volume of n³ voxels to lags of n / 2 needs a padded grid of (3n/2)³ only to keep lags
that wrap around apart. Most of that grid is zero on the way in and thrown away on the way out, so
it is never made: each axis is padded when its turn comes and cut to the lags wanted as soon as it
is back. Along the last axis the spectrum is stored; the transforms along the others, there and
back, are done for a few of its columns at a time in a buffer that stays in the cache.

Counts are integers, so single precision can give them exactly. Three things keep its error far
from 1/2. What is transformed is I - c, with c near the volume fraction, so that the correlation
decays to nearly nothing instead of φ²N; the rest is put back in integers (`pair_counts`). The way
back is in double precision. And what remains of the error of the way there is almost all one
factor, 1 + O(1e-7), from the rounded constants of the transform: it is measured where the answer
is known (at displacement zero) and divided out. What is left at 256³ voxels is about 0.03 at
most. Every count is checked to lie within 1/4 of an integer and between 0 and its trials, and
everything is done again in double precision if one does not.
"""

import math
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import fft

Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Field = npt.NDArray[Any]
Shape = tuple[int, ...]

_CACHE = 3 << 20  # bytes of the buffer in which a slab of the spectrum is transformed
_CHUNK = 1 << 16  # values in what is handled at once elsewhere
_PARTS = 16  # c is a multiple of 1 / 16: sums of c I and c² are exact in integers of 1 / 256
_FEW = 256  # with fewer lags than this a wrong result could pass for integers by chance


def trials_of(shape: Shape, reach: Shape, *, periodic: bool) -> list[Counts]:
    """Return one vector an axis, lags -reach .. reach, whose outer product is the trials."""
    lags = [np.abs(np.arange(-m, m + 1)) for m in reach]
    return [
        np.full(lag.size, n) if periodic else np.maximum(n - lag, 0)
        for n, lag in zip(shape, lags, strict=True)
    ]


def pair_counts(
    first: npt.NDArray[np.bool_],
    second: npt.NDArray[np.bool_] | None = None,
    *,
    reach: Shape,
    periodic: bool,
    threads: int,
) -> Counts:
    """Count, for every displacement r, the x with `first` at x and `second` at x + r.

    Parameters
    ----------
    first, second : ndarray of bool, 2-D or 3-D
        The two indicators, of one shape; without `second` it is `first` again.
    reach : tuple of int
        Largest lag along each axis, less than the side.

    Returns
    -------
    ndarray of int64
        Displacements -reach .. reach along each axis. Without `second` the map is symmetric and
        only the half from 0 on is returned along axis 0.
    """
    few = math.prod(2 * m + 1 for m in reach) < 2 * _FEW
    for precise in (few, True):
        counts = _try_counts(first, second, reach, periodic, threads, precise)
        if counts is not None:
            return counts
    raise ArithmeticError("the FFT is too inexact to count pairs in a structure of this size")


def pair_sums(
    first: Field,
    second: Field | None = None,
    *,
    reach: Shape,
    periodic: bool,
    threads: int,
) -> Floats:
    """Return Σ first(x) second(x + r) for real fields; layout as for `pair_counts`."""
    a, b = _as_volume(first), None if second is None else _as_volume(second)
    planes = _Planes.of(
        a, b, (0.0, 0.0), _as_volume_reach(reach), periodic, threads, precise=True
    )
    result = np.empty(planes.shape)

    def work() -> Callable[[slice], None]:
        def fill(rows: slice) -> None:
            result[rows] = planes.read(rows)

        return fill

    _share(_chunks(planes.shape), work, threads)
    return result.reshape(_out_shape(reach, half=second is None))


def _try_counts(
    first: npt.NDArray[np.bool_],
    second: npt.NDArray[np.bool_] | None,
    reach: Shape,
    periodic: bool,
    threads: int,
    precise: bool,
) -> Counts | None:
    """Count in one precision; None if any count is not safely an integer."""
    a = _as_volume(first).view(np.uint8)
    b = a if second is None else _as_volume(second).view(np.uint8)
    lags = _as_volume_reach(reach)
    total = [int(np.count_nonzero(x)) for x in (a, b)]
    weights = [round(_PARTS * t / a.size) for t in total]
    offsets = (weights[0] / _PARTS, weights[1] / _PARTS)
    planes = _Planes.of(
        a, None if second is None else b, offsets, lags, periodic, threads, precise=precise
    )
    # Σ (I - c)(J - d) = Σ I J - d Σ I - c Σ J + c d Σ 1, each sum over the x with x and x + r
    # inside. Σ J(x + r) is what Σ J(x) is for the field turned about its centre.
    linear = weights[1] * a.astype(np.int16) + weights[0] * b[::-1, ::-1, ::-1].astype(np.int16)
    windows = _Windows.of(linear, lags, periodic, half=second is None)
    trials = trials_of(a.shape, lags, periodic=periodic)
    trials[0] = trials[0][-planes.shape[0] :]
    product = weights[0] * weights[1] / _PARTS**2
    # At displacement zero the convolution is known.
    origin = lags[0] if second is not None else 0
    overlap = total[0] if second is None else int(np.count_nonzero(a & b))
    known = overlap - offsets[1] * total[0] - offsets[0] * total[1] + product * a.size
    found = float(planes.read(slice(origin, origin + 1))[0, lags[1], lags[2]])
    gain = known / found if abs(known) > 1e-3 * a.size * math.prod(offsets) and found else 1.0
    gain = gain if abs(gain - 1) < 1e-5 else 1.0
    counts = np.empty(planes.shape, np.int64)
    safe = deque[bool]()

    def work() -> Callable[[slice], None]:
        def fill(rows: slice) -> None:
            values = planes.read(rows)
            values *= gain
            possible = np.multiply.outer(
                np.multiply.outer(trials[0][rows], trials[1]), trials[2]
            )
            values += windows.read(rows) * (1 / _PARTS)
            values -= possible * product
            whole = np.rint(values)
            values -= whole
            counts[rows] = whole
            inside = bool((whole >= 0).all() and (whole <= possible).all())
            safe.append(inside and max(values.max(), -values.min()) < 0.25)

        return fill

    _share(_chunks(planes.shape), work, threads)
    return counts.reshape(_out_shape(reach, half=second is None)) if all(safe) else None


@dataclass(frozen=True, slots=True)
class _Planes:
    """The correlation before the way back along the last axis, which `read` does."""

    columns: Field  # (lags along axis 0, lags along axis 1, frequencies along axis 2)
    padded: int
    reach: int
    scale: float

    @property
    def shape(self) -> Shape:
        return (*self.columns.shape[:2], 2 * self.reach + 1)

    def read(self, rows: slice) -> Floats:
        """Return the correlation at some of the lags along axis 0."""
        n, m = self.padded, self.reach
        line = fft.irfft(self.columns[rows].astype(np.complex128), n, overwrite_x=True)
        result = np.empty((*line.shape[:2], 2 * m + 1))
        np.multiply(line[..., : m + 1], self.scale, out=result[..., m:])
        np.multiply(line[..., n - m :], self.scale, out=result[..., :m])
        return result

    @classmethod
    def of(
        cls,
        first: Field,
        second: Field | None,
        offsets: tuple[float, float],
        reach: Shape,
        periodic: bool,
        threads: int,
        *,
        precise: bool,
    ) -> "_Planes":
        """Transform, multiply and come back along the first two axes."""
        sides = first.shape
        padded = tuple(
            n if periodic else fft.next_fast_len(n + m, real=axis == 2)
            for axis, (n, m) in enumerate(zip(sides, reach, strict=True))
        )
        real = np.dtype(np.float64 if precise else np.float32)
        spectra = [
            _last_axis(field, offset, padded[2], real, threads)
            for field, offset in zip((first, second), offsets, strict=True)
            if field is not None
        ]
        half = second is None
        kept = (reach[0] + 1 if half else 2 * reach[0] + 1, 2 * reach[1] + 1)
        columns = np.empty((*kept, spectra[0].shape[2]), spectra[0].dtype)
        width = _width(padded, columns.shape[2], real)

        def work() -> Callable[[slice], None]:
            slab = _Slab(sides, padded, width, real)
            partner = None if half else _Slab(sides, padded, width, real)

            def fill(block: slice) -> None:
                spectrum = slab.forward(spectra[0][:, :, block])
                if partner is None:
                    power = slab.power(spectrum)
                    back = _back_from_real(power, reach[0])
                else:
                    product = partner.forward(spectra[1][:, :, block])
                    product *= np.conjugate(spectrum, out=spectrum)
                    back = _back(product.astype(np.complex128), 0, reach[0])
                columns[:, :, block] = _back(back, 1, reach[1])

            return fill

        _share(_slices(columns.shape[2], width), work, threads)
        return cls(columns, padded[2], reach[2], 1 / (padded[0] * padded[1]))


class _Slab:
    """A buffer for a few columns of the spectrum, padded along the first two axes."""

    def __init__(self, sides: Shape, padded: Shape, width: int, real: np.dtype[Any]) -> None:
        self.sides, self.padded, self.real = sides, padded, real
        self.buffer = np.empty(padded[0] * padded[1] * width, np.result_type(real, np.complex64))
        self.squares = np.empty(padded[0] * padded[1] * width, np.float64)

    def forward(self, columns: Field) -> Field:
        """Transform columns along axes 1 and 0; the result is overwritten by the next call."""
        (n0, n1), (p0, p1), width = self.sides[:2], self.padded[:2], columns.shape[2]
        slab = self.buffer[: p0 * p1 * width].reshape(p0, p1, width)
        slab[:n0, :n1] = columns
        if p1 > 1:
            slab[:n0, n1:] = 0
            slab[:n0] = fft.fft(slab[:n0], axis=1, overwrite_x=True)
        slab[n0:] = 0
        return fft.fft(slab, axis=0, overwrite_x=True) if p0 > 1 else slab

    def power(self, spectrum: Field) -> Floats:
        """Return |spectrum|² in double precision; destroys the spectrum."""
        parts = spectrum.view(self.real)
        np.multiply(parts, parts, out=parts)
        power = self.squares[: spectrum.size].reshape(spectrum.shape)
        return np.add(parts[..., ::2], parts[..., 1::2], out=power)


def _last_axis(
    field: Field, offset: float, padded: int, real: np.dtype[Any], threads: int
) -> Field:
    """Return the spectrum of field - offset along the last axis."""
    shape = (*field.shape[:2], padded // 2 + 1)
    spectrum = np.empty(shape, np.result_type(real, np.complex64))

    def work() -> Callable[[slice], None]:
        def fill(rows: slice) -> None:
            values = field[rows].astype(real)
            values -= real.type(offset)
            spectrum[rows] = fft.rfft(values, padded)

        return fill

    _share(_chunks((*shape[:2], padded)), work, threads)
    return spectrum


def _back_from_real(power: Floats, reach: int) -> Field:
    """Inverse transform of a real spectrum along axis 0, without its factor, at lags 0 .. reach."""
    size = power.shape[0]
    half = np.conjugate(fft.rfft(power, axis=0)[: reach + 1])
    if len(half) <= reach:  # beyond half a period: the lags -1, -2, ... are the conjugates
        beyond = half[size - np.arange(len(half), reach + 1)]
        half = np.concatenate([half, np.conjugate(beyond)])
    return half


def _back(spectrum: Field, axis: int, reach: int) -> Field:
    """Inverse transform along an axis, without its factor, at lags -reach .. reach."""
    size = spectrum.shape[axis]
    if size > 1:
        spectrum = fft.ifft(spectrum, axis=axis, norm="forward", overwrite_x=True)
    # Not np.take: two copied blocks are much quicker than a gather.
    lines = np.moveaxis(spectrum, axis, 0)
    parts = [lines[size - reach :], lines[: reach + 1]]
    return np.moveaxis(np.concatenate(parts), 0, axis) if reach else np.moveaxis(parts[1], 0, axis)


@dataclass(frozen=True, slots=True)
class _Windows:
    """Sums of a field over all x for which x and x + r are inside, for every r."""

    sums: Field  # running sums along axis 0, from none to all planes; () if periodic
    lags: Counts
    reach: Shape

    @classmethod
    def of(cls, field: Field, reach: Shape, periodic: bool, *, half: bool) -> "_Windows":
        """Take the running sums."""
        lags = np.arange(0 if half else -reach[0], reach[0] + 1)
        if periodic:
            return cls(np.asarray(field.sum(dtype=np.int64)), lags, reach)
        highest = int(field.max()) * len(field)
        sums = np.zeros((len(field) + 1, *field.shape[1:]), np.min_scalar_type(-highest - 1))
        for plane, before, after in zip(field, sums[:-1], sums[1:], strict=True):
            np.add(before, plane, out=after, casting="unsafe")
        return cls(sums, lags, reach)

    def read(self, rows: slice) -> Counts:
        """Return the sums at some of the lags along axis 0."""
        if self.sums.ndim == 0:
            return np.asarray(self.sums)
        lags, size = self.lags[rows], len(self.sums) - 1
        planes = self.sums[np.where(lags < 0, -lags, size - lags)].astype(np.int64)
        planes[lags < 0] = self.sums[-1] - planes[lags < 0]
        return _window(_window(planes, 1, self.reach[1]), 2, self.reach[2])


def _window(values: Counts, axis: int, reach: int) -> Counts:
    """Sums over x with x and x + r inside, r = -reach .. reach, along one axis."""
    lines = np.moveaxis(values, axis, 0)
    size = len(lines)
    sums = np.zeros((size + 1, *lines.shape[1:]), np.int64)
    np.cumsum(lines, axis=0, out=sums[1:])
    left = sums[-1] - sums[reach:0:-1]
    right = sums[size - reach :][::-1]
    return np.moveaxis(np.concatenate([left, right]), 0, axis)


def _width(padded: Shape, columns: int, real: np.dtype[Any]) -> int:
    """Return how many columns to transform at once."""
    fits = _CACHE // (padded[0] * padded[1] * 2 * real.itemsize)
    return int(min(max(fits, 2), columns))


def _as_volume(field: Field) -> Field:
    """View a 2-D field as a volume of one voxel along the middle axis."""
    return field if field.ndim == 3 else field[:, None, :]


def _as_volume_reach(reach: Shape) -> Shape:
    return reach if len(reach) == 3 else (reach[0], 0, reach[1])


def _out_shape(reach: Shape, *, half: bool) -> Shape:
    full = tuple(2 * m + 1 for m in reach)
    return (reach[0] + 1, *full[1:]) if half else full


def _chunks(shape: Shape) -> list[slice]:
    """Cut axis 0 so that pieces have a handy size."""
    return _slices(shape[0], max(1, _CHUNK // max(1, math.prod(shape[1:]))))


def _slices(size: int, step: int) -> list[slice]:
    return [slice(start, min(start + step, size)) for start in range(0, size, step)]


def _share(
    jobs: Iterable[slice], worker: Callable[[], Callable[[slice], None]], threads: int
) -> None:
    """Let each of some threads take the next job until none is left.

    `worker` is called once a thread and returns what does one job, so that it can keep buffers.
    Jobs write to separate places: the result does not depend on who did what.
    """
    waiting = deque(jobs)

    def run() -> None:
        work = worker()
        while True:
            try:
                job = waiting.popleft()
            except IndexError:
                return
            work(job)

    crew = min(threads, len(waiting))
    if crew <= 1:
        run()
        return
    with ThreadPoolExecutor(crew) as pool:
        for task in [pool.submit(run) for _ in range(crew)]:
            task.result()
