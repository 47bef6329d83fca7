"""How each peer is asked, and how its answer is cut to the one of `peer_definitions`.

An adapter takes the peer's module, a bool array and the largest lag. What is special about a peer
(a normalisation, lines it leaves out, a version that is wrong for odd sides) is said where it is
dealt with; where its definition is another one, the adapter's entry in `PEERS` says so.
"""

import ctypes
import functools
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

import peer_definitions as definitions
from structures import THREADS

Answer = Any
Definition = Callable[[np.ndarray, int], Answer]


@dataclass(frozen=True)
class Peer:
    """One function of one peer, to answer one question."""

    question: str
    name: str
    module: str  # imported only when its turn comes
    distribution: str | None  # whose version is shown
    measure: Callable[[ModuleType, np.ndarray, int], Answer]
    threads: int = 1
    largest: int = 2**25  # voxels; beyond, it would take minutes
    dimensions: tuple[int, ...] = (2, 3)
    differs: str = ""  # how its definition differs from the question's
    definition: Definition | None = None  # its own one, where it differs


def _axes_of(map_, reach):
    """Cut the lines along the axes from a map whose zero lag comes first."""
    ndim = np.ndim(map_)
    return np.stack(
        [np.moveaxis(map_, axis, 0)[(slice(reach + 1), *[0] * (ndim - 1))] for axis in range(ndim)]
    )


def _corner_of(map_, reach):
    return np.asarray(map_)[(slice(reach + 1),) * np.ndim(map_)]


def _scipy_map(fft, inside, reach):
    spectrum = fft.rfftn(inside.astype(np.float32), workers=THREADS)
    power = spectrum.real**2 + spectrum.imag**2
    return fft.irfftn(power, s=inside.shape, workers=THREADS) / inside.size


def _scipy_inside(fft, inside, reach):
    padded = [fft.next_fast_len(side + reach, real=True) for side in inside.shape]
    spectrum = fft.rfftn(inside.astype(np.float32), s=padded, workers=THREADS)
    power = spectrum.real**2 + spectrum.imag**2
    hits = _axes_of(fft.irfftn(power, s=padded, workers=THREADS), reach)
    sides = np.array(inside.shape)[:, None]
    return hits / ((sides - np.arange(reach + 1)) * (inside.size // sides))


def _ducc_map(ducc0, inside, reach):
    spectrum = ducc0.fft.r2c(inside.astype(np.float32), nthreads=THREADS)
    power = (spectrum.real**2 + spectrum.imag**2).astype(spectrum.dtype)
    back = ducc0.fft.c2r(power, lastsize=inside.shape[-1], forward=False, inorm=2, nthreads=THREADS)
    return back / inside.size


def _fftw_map(pyfftw, inside, reach):
    pyfftw.interfaces.cache.enable()
    fft = pyfftw.interfaces.numpy_fft
    options = {"threads": THREADS, "planner_effort": "FFTW_ESTIMATE"}
    spectrum = fft.rfftn(inside.astype(np.float32), **options)
    power = (spectrum.real**2 + spectrum.imag**2).astype(spectrum.dtype)
    return fft.irfftn(power, s=inside.shape, **options) / inside.size


def _multcompy_map(multcompy, inside, reach):
    # version 3 is the fastest, and wrong if the last side is odd
    version = 1 if inside.shape[-1] % 2 else 3
    return multcompy.S2_Discrete_Fourier_transform(inside, larger=False, version=version)


def _pymks_map(pymks, inside, reach, *, periodic=True):
    field = inside[None].astype(float)
    found = pymks.two_point_stats(field, field, periodic_boundary=periodic, cutoff=reach)
    return np.asarray(found)[0][(slice(reach, None),) * inside.ndim]


@functools.cache
def _mcrpy_descriptor(correlations, shape, reach):
    make = correlations.FFTCorrelations.make_singlephase_descriptor
    return make(desired_shape_2d=shape, limit_to=reach + 1)


def _mcrpy_map(correlations, inside, reach):
    describe = _mcrpy_descriptor(correlations, inside.shape, reach)
    return describe(inside.astype(float)).numpy()[reach:, reach:]


def _axes(of_map, **options):
    return lambda module, inside, reach: _axes_of(of_map(module, inside, reach, **options), reach)


def _corner(of_map):
    return lambda module, inside, reach: _corner_of(of_map(module, inside, reach), reach)


def _gooseeye(statistic, *, periodic=True):
    """One region of interest an axis: a line of 2 reach + 1 lags."""

    def measure(gooseeye, inside, reach):
        image = inside.astype(np.int32)
        images = (image, image) if statistic == "S2" else (image,)
        count = getattr(gooseeye, statistic)
        lines = [
            [2 * reach + 1 if other == axis else 1 for other in range(inside.ndim)]
            for axis in range(inside.ndim)
        ]
        curves = [count(line, *images, periodic=periodic).ravel()[reach:] for line in lines]
        return np.stack(curves)

    return measure


def _multcompy_path(multcompy, inside, reach):
    """Its C function, called directly: its own wrapper does not find the library on Linux.

    The wrapper puts an empty layer in front of an image, which halves the result: doubled here. The
    other axes keep a reach of 2, because with 1 the function writes past its list of paths.
    """
    library = Path(multcompy.__file__).with_name("lineal_path_c.so")
    count = ctypes.CDLL(str(library)).Lineal_path
    count.restype = None
    flat = inside.ndim == 2
    volume = np.stack([np.zeros_like(inside), inside]) if flat else inside
    volume = np.ascontiguousarray(volume, np.int32)
    centre = np.array(volume.shape) - 1
    found = np.empty([2 * side - 1 for side in volume.shape])
    curves = []
    for axis in range(volume.ndim - inside.ndim, volume.ndim):
        extent = [2, 2, 2]
        extent[axis] = reach + 1
        sizes = [ctypes.c_int(int(n)) for n in (*extent, *volume.shape, 1, 1)]
        buffers = [ctypes.c_void_p(array.ctypes.data) for array in (volume, found)]
        found[...] = 0
        count(*sizes, *buffers, 0, 0, -1, b"")
        line = [*centre]
        line[axis] = slice(centre[axis], centre[axis] + reach + 1)
        curves.append(found[tuple(line)] * (2 if flat else 1))
    return np.stack(curves)


def _porespy(porespy):
    porespy.settings.ncores = THREADS
    porespy.settings.tqdm["disable"] = True
    return porespy


def _porespy_shells(porespy, inside, reach):
    found = _porespy(porespy).metrics.two_point_correlation(inside, bins=np.arange(reach + 1))
    return found.probability_scaled  # `probability` is divided by the volume fraction


def _porespy_chords(porespy, inside, reach):
    """Spread the lines before, for it looks at every second one and never at those on a face.

    With `spacing=0` it draws all lines, but then takes chords side by side for one.
    """
    counts = []
    for axis in range(inside.ndim):
        wide = [2 * side + 3 for side in inside.shape]
        lines = [slice(2, -1, 2)] * inside.ndim
        wide[axis], lines[axis] = inside.shape[axis], slice(None)
        spread = np.zeros(wide, bool)
        spread[tuple(lines)] = inside
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            drawn = _porespy(porespy).filters.apply_chords(spread, axis=axis, spacing=1)
            lengths = porespy.metrics.chord_counts(drawn)
        counts.append(np.bincount(lengths[lengths <= reach], minlength=reach + 1)[1:])
    return np.stack(counts)


def _multcompy_chords(multcompy, inside, reach):
    shares = multcompy.chordLengthDensityFunction_orthogonal(inside)
    # entry l is length l in an image, l + 1 in a volume; in an image the lines along x come first
    first = 1 if inside.ndim == 2 else 0
    shares = shares[::-1] if inside.ndim == 2 else shares
    found = np.zeros((inside.ndim, reach))
    for row, share in zip(found, shares, strict=True):
        cut = share[first : first + reach]
        row[: cut.size] = cut
    return found


def _further(distance, inside, reach):
    steps = np.bincount(np.ceil(distance[inside]).astype(np.intp), minlength=reach + 1)
    return 1.0 - np.cumsum(steps)[: reach + 1] / steps.sum()


def _scipy_distances(ndimage, inside, reach):
    return _further(ndimage.distance_transform_edt(inside), inside, reach)


def _edt_distances(edt, inside, reach):
    return _further(edt.edt(inside, black_border=False, parallel=THREADS), inside, reach)


def _porespy_thickness(porespy, inside, reach):
    radius = _porespy(porespy).filters.local_thickness(inside)
    return _further(radius, inside, reach)


def _quantimpy(minkowski, inside, reach):
    # without a margin it counts a voxel on a face half, in a corner a quarter
    found = minkowski.functionals(np.pad(inside, 1))
    return np.array([found[0], found[-1] * (np.pi if inside.ndim == 2 else 4 * np.pi / 3)])


def _skimage_euler(measure, inside, reach):
    return np.array([inside.sum(), measure.euler_number(inside, connectivity=1)])


def _cc3d(cc3d, inside, reach):
    neighbours = 4 if inside.ndim == 2 else 6
    _, count = cc3d.connected_components(
        inside.astype(np.uint8), connectivity=neighbours, return_N=True
    )
    return np.array([count])


def _scipy_clusters(ndimage, inside, reach):
    return np.array([ndimage.label(inside)[1]])


def _skimage_clusters(measure, inside, reach):
    return np.array([measure.label(inside, connectivity=1, return_num=True)[1]])


def _gooseeye_clusters(gooseeye, inside, reach):
    labeller = getattr(gooseeye, f"ClusterLabeller{inside.ndim}")(list(inside.shape))
    labeller.add_image(inside.astype(np.int32))
    return np.array([np.unique(labeller.labels[inside]).size])


_FFTS = (
    ("scipy.fft", "scipy.fft", "scipy", _scipy_map, THREADS, 2**28, (2, 3)),
    ("ducc0", "ducc0", "ducc0", _ducc_map, THREADS, 2**28, (2, 3)),
    ("pyFFTW, estimated plan", "pyfftw", "pyFFTW", _fftw_map, THREADS, 2**28, (2, 3)),
    ("MultComPy", "MultComPy", None, _multcompy_map, 1, 2**25, (2, 3)),
    ("PyMKS", "pymks", "pymks", _pymks_map, 1, 2**25, (2, 3)),
    ("MCRpy", "mcrpy.descriptors.FFTCorrelations", "mcrpy", _mcrpy_map, THREADS, 2**25, (2,)),
)

PEERS = (
    *(
        Peer("two_point", name, module, package, _axes(of_map), threads, largest, dimensions)
        for name, module, package, of_map, threads, largest, dimensions in _FFTS
    ),
    Peer("two_point", "GooseEYE", "GooseEYE", None, _gooseeye("S2"), largest=2**20),
    Peer("two_point_inside", "scipy.fft", "scipy.fft", "scipy", _scipy_inside, THREADS),
    Peer(
        "two_point_inside", "PyMKS", "pymks", "pymks", _axes(_pymks_map, periodic=False),
        largest=2**20,
    ),
    Peer(
        "two_point_inside", "GooseEYE", "GooseEYE", None, _gooseeye("S2", periodic=False),
        largest=2**20,
    ),
    *(
        Peer("two_point_map", name, module, package, _corner(of_map), threads, largest, dimensions)
        for name, module, package, of_map, threads, largest, dimensions in _FFTS
    ),
    Peer(
        "two_point_radial", "PoreSpy", "porespy", "porespy", _porespy_shells, THREADS, 2**23,
        differs="shells k <= |r| < k + 1, every vector of the same weight however many its pairs",
        definition=definitions.two_point_shells,
    ),
    Peer("lineal_path", "GooseEYE", "GooseEYE", None, _gooseeye("L"), largest=2**20),
    Peer("lineal_path", "MultComPy, its C", "MultComPy", None, _multcompy_path, largest=2**17),
    Peer("chord_length", "PoreSpy", "porespy", "porespy", _porespy_chords, largest=2**20),
    Peer(
        "chord_length", "MultComPy", "MultComPy", None, _multcompy_chords, largest=2**20,
        differs="chords cut by a face count as if they were whole",
        definition=definitions.chord_shares_with_cut,
    ),
    Peer("pore_size", "scipy.ndimage", "scipy.ndimage", "scipy", _scipy_distances),
    Peer("pore_size", "edt", "edt", "edt", _edt_distances, THREADS),
    Peer(
        "local_thickness", "PoreSpy", "porespy", "porespy", _porespy_thickness, THREADS,
        differs="whole radii only, and spheres without the voxels that stand out of their faces",
    ),
    Peer(
        "minkowski", "QuantImPy", "quantimpy.minkowski", "quantimpy", _quantimpy, dimensions=(2,)
    ),
    Peer(
        "minkowski", "QuantImPy", "quantimpy.minkowski", "quantimpy", _quantimpy, dimensions=(3,),
        differs="its Euler number of a volume is not an integer",
    ),
    Peer("minkowski", "skimage (Euler)", "skimage.measure", "scikit-image", _skimage_euler),
    Peer("clusters", "cc3d", "cc3d", "connected-components-3d", _cc3d),
    Peer("clusters", "scipy.ndimage", "scipy.ndimage", "scipy", _scipy_clusters),
    Peer("clusters", "skimage", "skimage.measure", "scikit-image", _skimage_clusters),
    Peer("clusters", "GooseEYE", "GooseEYE", None, _gooseeye_clusters, largest=2**22),
)  # fmt: skip
