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
is known (at displacement zero) and divided out. What is left is less than 0.1 at 256³ voxels, at
any fraction. Every count is checked to lie within 1/4 of an integer and between 0 and its trials,
and everything is done again in double precision if one does not.
"""

import itertools
import math
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import fft

Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Field = npt.NDArray[Any]
Shape = tuple[int, ...]

_CACHE = 1 << 20  # bytes of what is worked on at once: half of a usual second-level cache
_CHUNK = 1 << 16  # values of what is worked on at once elsewhere
_PARTS = 8  # c is a multiple of 1/8, so that c I and c² are integers of 1/64
_UNIT = _PARTS**-2
_LARGE = 2.0**18  # counts above it are not safe to transform in single precision
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
    pairs = first.size * _spread(first) * (1 if second is None else 2)
    levels = [p for p in (_SINGLE, _MIXED, _DOUBLE) if p.most >= pairs]
    for precision in levels if not few else (_DOUBLE,):
        counts = _try_counts(first, second, reach, periodic, threads, precision)
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
    fields = [(_as_volume(f), 0.0) for f in (first, second) if f is not None]
    planes = _Planes.of(fields, _as_volume_reach(reach), periodic, threads, _DOUBLE)
    result = np.empty(planes.shape)

    def work() -> Callable[[slice], None]:
        def fill(rows: slice) -> None:
            planes.read(rows, result[rows])

        return fill

    _share(_chunks(planes.shape), work, threads)
    return result.reshape(_out_shape(reach, half=second is None))


def outer(lines: Sequence[Counts]) -> Counts:
    """Return the outer product of one vector an axis."""
    result = lines[0]
    for line in lines[1:]:
        result = np.multiply.outer(result, line)
    return result


def whole(half: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Complete a map that is the same at r and -r from its half from 0 on along axis 0."""
    turned = half[:0:-1][(slice(None), *[slice(None, None, -1)] * (half.ndim - 1))]
    return np.concatenate([turned, half])


def _try_counts(
    first: npt.NDArray[np.bool_],
    second: npt.NDArray[np.bool_] | None,
    reach: Shape,
    periodic: bool,
    threads: int,
    precision: "_Precision",
) -> Counts | None:
    """Count in one precision; None if any count is not safely an integer."""
    a = _as_volume(first)
    b = a if second is None else _as_volume(second)
    lags, half = _as_volume_reach(reach), second is None
    total = [int(np.count_nonzero(x)) for x in (a, b)]
    parts = [round(_PARTS * t / a.size) for t in total]
    fields = [(x.view(np.uint8), p / _PARTS) for x, p in zip((a, b), parts, strict=True)]
    planes = _Planes.of(fields[: 1 if half else 2], lags, periodic, threads, precision)
    windows = _Windows.of(a, b, parts, lags, periodic, threads, half=half)
    trials = trials_of(a.shape, lags, periodic=periodic)
    trials[0] = trials[0][-planes.shape[0] :]
    # At displacement zero the convolution is known: that shows the factor of the transform.
    origin = 0 if half else lags[0]
    overlap = total[0] if half else int(np.count_nonzero(a & b))
    here = slice(origin, origin + 1)
    plane = np.empty((1, *planes.shape[1:]))
    missing = float(windows.read(here, plane)[0, lags[1], lags[2]])
    known = overlap - missing
    found = float(planes.read(here, plane)[0, lags[1], lags[2]])
    gain = known / found if abs(known) > 1e-3 * math.sqrt(total[0] * total[1]) and found else 1.0
    planes = replace(planes, scale=planes.scale * (gain if abs(gain - 1) < 1e-5 else 1.0))
    counts = np.empty(planes.shape, np.int64)
    face = outer(trials[1:]).astype(np.float64)
    safe = deque[bool]()

    pieces = _chunks(planes.shape)
    lines = _slices(planes.shape[1], max(1, _CHUNK // planes.shape[2]))

    def work() -> Callable[[slice], None]:
        buffers = np.empty((2, pieces[0].stop, *planes.shape[1:]))

        def fill(rows: slice) -> None:
            planes.read(rows, buffers[0, : rows.stop - rows.start])
            if not periodic:
                windows.read(rows, buffers[1, : rows.stop - rows.start])
            for some in lines:
                values, whole = buffers[:, : rows.stop - rows.start, some]
                values += missing if periodic else whole
                np.rint(values, out=whole)
                values -= whole
                counts[rows, some] = whole
                exact = max(float(values.max()), -float(values.min())) < 0.25
                if periodic:
                    fits = float(whole.max()) <= a.size
                else:
                    np.multiply(trials[0][rows, None, None], face[some], out=values)
                    values -= whole
                    fits = float(values.min()) >= 0
                safe.append(exact and fits and float(whole.min()) >= 0)

        return fill

    _share(pieces, work, threads)
    return counts.reshape(_out_shape(reach, half=half)) if all(safe) else None


@dataclass(frozen=True, slots=True)
class _Precision:
    """Of the transforms there and of those back, and how large a variance Σ (I - c)² they bear."""

    there: type[np.floating[Any]]
    back: type[np.floating[Any]]
    most: float


_SINGLE = _Precision(np.float32, np.float32, 2.5e6)
_MIXED = _Precision(np.float32, np.float64, 2e7)
_DOUBLE = _Precision(np.float64, np.float64, math.inf)


@dataclass(frozen=True, slots=True)
class _Planes:
    """The correlation before the way back along the last axis, which `read` does."""

    columns: Field  # (lags along axis 0, lags along axis 1, frequencies along axis 2)
    padded: int
    reach: int
    scale: float

    @property
    def shape(self) -> Shape:
        """Lags along each axis."""
        return (*self.columns.shape[:2], 2 * self.reach + 1)

    def read(self, rows: slice, out: Floats) -> Floats:
        """Write the correlation at some of the lags along axis 0 to `out`, and return it."""
        n, m = self.padded, self.reach
        line = fft.irfft(self.columns[rows], n)
        if line.dtype == np.float32:
            largest = max(float(line.max()), -float(line.min())) * self.scale
            if largest > _LARGE:
                line = fft.irfft(self.columns[rows].astype(np.complex128), n, overwrite_x=True)
        # irfft has divided by n already.
        np.multiply(line[..., : m + 1], self.scale, out=out[..., m:])
        np.multiply(line[..., n - m :], self.scale, out=out[..., :m])
        return out

    @classmethod
    def of(
        cls,
        fields: Sequence[tuple[Field, float]],
        reach: Shape,
        periodic: bool,
        threads: int,
        precision: _Precision,
    ) -> "_Planes":
        """Transform one or two fields less their offsets, multiply, come back along two axes."""
        sides = fields[0][0].shape
        padded = tuple(
            n if periodic else fft.next_fast_len(n + m, real=axis == 2)
            for axis, (n, m) in enumerate(zip(sides, reach, strict=True))
        )
        half = len(fields) == 1
        width = max(8, _CACHE // (16 * padded[0])) if padded[1] == 1 else 8
        spectra = [_last_axis(f, c, padded[2], width, precision.there, threads) for f, c in fields]
        kept = (reach[0] + 1 if half else 2 * reach[0] + 1, 2 * reach[1] + 1)
        columns = np.empty((*kept, padded[2] // 2 + 1), spectra[0].dtype)

        def work() -> Callable[[slice], None]:
            slab = _Slab(sides[:2], padded[:2], kept, width, len(fields), precision)

            def fill(block: slice) -> None:
                slab.correlate([s[block.start // width] for s in spectra], columns[:, :, block])

            return fill

        _share(_slices(columns.shape[2], width), work, threads)
        return cls(columns, padded[2], reach[2], 1 / (padded[0] * padded[1]))


class _Slab:
    """There and back along the first two axes, for a few columns of the spectrum.

    Axis 1 is transformed one plane at a time and axis 0 for a few frequencies of axis 1 at a time,
    so that what is worked on stays in the cache. All buffers are kept from one call to the next.
    """

    def __init__(
        self,
        sides: Shape,
        padded: Shape,
        kept: Shape,
        width: int,
        fields: int,
        precision: "_Precision",
    ) -> None:
        self.sides, self.padded, self.width = sides, padded, width
        there = np.result_type(precision.there, np.complex64)
        back = np.result_type(precision.back, np.complex64)
        some = max(1, _CACHE // (16 * padded[0] * width))
        # A row of an odd number of cache lines: powers of two would share few places in the cache.
        self.some = min(some - 1 if some > 2 and some % 2 == 0 else some, padded[1])
        wider = padded[1] > sides[1]
        buffer = (sides[0], padded[1], width) if wider else (0, 0, 0)
        self.planes = [np.empty(buffer, there) for _ in range(fields)]
        self.slabs = [np.empty(padded[0] * self.some * width, there) for _ in range(fields)]
        self.power = np.empty(padded[0] * self.some * width, precision.back)
        self.lags = np.empty((kept[0], padded[1], width), back)
        self.reach = (kept[0] // 2, kept[1] // 2)

    def correlate(self, spectra: list[Field], out: Field) -> None:
        """Correlate the one or two fields whose columns are given, at the lags wanted.

        The columns are overwritten.
        """
        lags, valid = self.lags, out.shape[2]
        planes = [self._axis_1(s, p) for s, p in zip(spectra, self.planes, strict=True)]
        for rows in _slices(self.padded[1], self.some):
            first, *other = (
                self._axis_0(p[:, rows], b) for p, b in zip(planes, self.slabs, strict=True)
            )
            if not other:
                _back_from_real(self._squared(first), lags[:, rows])
            else:
                product = np.multiply(other[0], np.conjugate(first, out=first), dtype=lags.dtype)
                _keep(_back(product, 0), 0, self.reach[0], lags[:, rows])
        for some in _chunks(lags.shape):
            _keep(_back(lags[some], 1)[:, :, :valid], 1, self.reach[1], out[some])

    def _axis_1(self, columns: Field, buffer: Field) -> Field:
        size, padded = self.sides[1], self.padded[1]
        if padded == 1:
            return columns
        in_place = padded == size
        result = columns if in_place else buffer
        for rows in _chunks(result.shape):
            if not in_place:
                result[rows, :size] = columns[rows]
                result[rows, size:] = 0
            plane = fft.fft(result[rows], axis=1, overwrite_x=True)
            if not np.may_share_memory(plane, result):
                result[rows] = plane
        return result

    def _axis_0(self, planes: Field, buffer: Field) -> Field:
        shape = (self.padded[0], *planes.shape[1:])
        slab = buffer[: math.prod(shape)].reshape(shape)
        slab[: len(planes)] = planes
        slab[len(planes) :] = 0
        return np.asarray(fft.fft(slab, axis=0, overwrite_x=True)) if len(slab) > 1 else slab

    def _squared(self, spectrum: Field) -> Field:
        parts = spectrum.view(spectrum.real.dtype)
        np.multiply(parts, parts, out=parts)
        power = self.power[: spectrum.size].reshape(spectrum.shape)
        np.add(parts[..., ::2], parts[..., 1::2], out=power)
        return power


def _back_from_real(power: Field, out: Field) -> None:
    """Inverse transform of a real spectrum along axis 0, without its factor, at lags 0, 1, ..."""
    half = fft.rfft(power, axis=0)
    known = min(len(half), len(out))
    np.conjugate(half[:known], out=out[:known])
    # Beyond half a period the lags are those before it, the other way round.
    out[known:] = half[len(power) - np.arange(known, len(out))]


def _back(spectrum: Field, axis: int) -> Field:
    """Inverse transform along an axis, without its factor."""
    if spectrum.shape[axis] == 1:
        return spectrum
    return np.asarray(fft.ifft(spectrum, axis=axis, norm="forward", overwrite_x=True))


def _keep(values: Field, axis: int, reach: int, out: Field) -> None:
    """Put the lags -reach .. reach of a circular correlation in order."""
    lines, kept = np.moveaxis(values, axis, 0), np.moveaxis(out, axis, 0)
    kept[reach:] = lines[: reach + 1]
    kept[:reach] = lines[len(lines) - reach :]


def _last_axis(
    field: Field,
    offset: float,
    padded: int,
    width: int,
    real: type[np.floating[Any]],
    threads: int,
) -> Field:
    """Return the spectrum of field - offset along the last axis, in blocks of a few columns.

    The result has shape (blocks, axis 0, axis 1, width); what the last block is too wide is zero.
    """
    columns = padded // 2 + 1
    blocks, rest = divmod(columns, width)
    shape = (blocks + (rest > 0), *field.shape[:2], width)
    spectrum = np.empty(shape, np.result_type(real, np.complex64))

    def work() -> Callable[[slice], None]:
        def fill(rows: slice) -> None:
            values = field[rows].astype(real)
            values -= real(offset)
            line = fft.rfft(values, padded)
            most = line[..., : blocks * width].reshape(*line.shape[:2], blocks, width)
            spectrum[:blocks, rows] = np.moveaxis(most, 2, 0)
            if rest:
                spectrum[blocks, rows, :, :rest] = line[..., blocks * width :]
                spectrum[blocks, rows, :, rest:] = 0

        return fill

    _share(_chunks((*field.shape[:2], padded)), work, threads)
    return spectrum


@dataclass(frozen=True, slots=True)
class _Windows:
    """What counting pairs of I - c and J - d leaves out: Σ (d I(x) + c J(x + r) - c d), exactly.

    The sum is over the x with x and x + r inside. Σ J(x + r) is what Σ J(x) is for the field turned
    about its centre, so that one field of integers has to be summed up, over boxes.
    """

    sums: Field  # over all voxels before each corner; of no axis if periodic
    lags: Counts
    reach: Shape

    @classmethod
    def of(
        cls,
        first: npt.NDArray[np.bool_],
        second: npt.NDArray[np.bool_],
        parts: list[int],
        reach: Shape,
        periodic: bool,
        threads: int,
        *,
        half: bool,
    ) -> "_Windows":
        """Take the running sums, for c and d that are `parts` of `_PARTS`."""
        lags = np.arange(0 if half else -reach[0], reach[0] + 1)
        weights, constant = (_PARTS * parts[1], _PARTS * parts[0]), parts[0] * parts[1]
        if periodic:
            counts = (int(np.count_nonzero(first)), int(np.count_nonzero(second)))
            total = sum(w * n for w, n in zip(weights, counts, strict=True))
            return cls(np.asarray(total - constant * first.size), lags, reach)
        largest = first.size * max(sum(weights) - constant, constant)
        kind = np.int32 if largest < 2**31 else np.int64
        sums: Field = np.zeros([n + 1 for n in first.shape], kind)
        turned = second[::-1, ::-1, ::-1]

        def work_planes() -> Callable[[slice], None]:
            def fill(rows: slice) -> None:
                field: Field = first[rows] * kind(weights[0])
                field += turned[rows] * kind(weights[1])
                field -= kind(constant)
                planes = sums[1:][rows, 1:, 1:]
                np.cumsum(field, axis=2, out=planes)
                for before, after in itertools.pairwise(np.moveaxis(planes, 1, 0)):
                    after += before

            return fill

        def work_lines() -> Callable[[slice], None]:
            def fill(lines: slice) -> None:
                for before, after in itertools.pairwise(sums[:, lines]):
                    after += before

            return fill

        _share(_chunks(first.shape), work_planes, threads)
        lines, columns = sums.shape[1:]
        _share(_slices(lines, max(-(-lines // threads), _CHUNK // columns)), work_lines, threads)
        return cls(sums, lags, reach)

    def read(self, rows: slice, out: Floats) -> Floats:
        """Write the sums at some of the lags along axis 0 to `out`, and return it.

        In whole pairs: divided by the square of `_PARTS`.
        """
        if self.sums.ndim == 0:
            out[...] = self.sums * _UNIT
            return out
        (n0, n1, n2), (_, m1, m2) = (n - 1 for n in self.sums.shape), self.reach
        lags = self.lags[rows]
        # A sum over x < n - r, or for r < 0 over all x but those below -r.
        if lags[0] >= 0:
            planes = self.sums[n0 - lags[-1] : n0 - lags[0] + 1][::-1]
        else:
            planes = self.sums[np.where(lags < 0, -lags, n0 - lags)]
            planes[lags < 0] = self.sums[-1] - planes[lags < 0]
        right = planes[:, n1 - m1 :][:, ::-1]
        left = planes[:, -1:] - planes[:, m1:0:-1]
        for lines, target in ((left, out[:, :m1]), (right, out[:, m1:])):
            np.multiply(lines[..., n2 - m2 :][..., ::-1], _UNIT, out=target[..., m2:])
            np.multiply(lines[..., -1:] - lines[..., m2:0:-1], _UNIT, out=target[..., :m2])
        return out


def _spread(indicator: npt.NDArray[np.bool_]) -> float:
    fraction = np.count_nonzero(indicator) / indicator.size
    return fraction * (1 - fraction)


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
