"""Clusters of a phase, and the probability that two points lie in the same one."""

from collections.abc import Sequence

import numpy.typing as npt

from microtwin import _core
from microtwin.statistics._components import Image, checked_connectivity, cluster_image
from microtwin.statistics.correlation import Task, checked_phase
from microtwin.statistics.function import CorrelationFunction


def clusters(
    labels: npt.ArrayLike,
    *,
    phase: int,
    connectivity: str = "face",
    periodic: bool = False,
    mask: npt.ArrayLike | None = None,
    threads: int | None = None,
) -> Image:
    """Give every connected cluster of a phase a number.

    Parameters
    ----------
    labels : array_like of int, shape (y, x) or (z, y, x)
        Phase labels 0 .. 255.
    phase : int
        The label whose clusters are looked for.
    connectivity : {"face", "edge", "corner"}
        What neighbours share at least: 4 neighbours in a plane and 6 in space by faces, 8 and 18 by
        edges, 8 and 26 by corners (a pixel is a voxel of a single slice: its corners are edges).
    periodic : bool
        Clusters go on across the faces.
    mask : array_like of bool, optional
        Voxels where it is false are in no cluster, and join none. Same shape as `labels`.
    threads : int, optional
        Threads to work with; by default one for each core. The result does not depend on it.

    Returns
    -------
    ndarray of int32, the shape of `labels`
        Number of the cluster 1, 2, ... in the order of their first voxels; 0 outside the phase.

    Raises
    ------
    InputError
        If an argument is not as described.

    Examples
    --------
    >>> import numpy as np
    >>> clusters([[1, 0, 1], [1, 0, 1]], phase=1)
    array([[1, 0, 2],
           [1, 0, 2]], dtype=int32)
    >>> clusters([[1, 0, 1], [1, 0, 1]], phase=1, periodic=True)
    array([[1, 0, 1],
           [1, 0, 1]], dtype=int32)
    """
    task = _task(labels, periodic=periodic, mask=mask, threads=threads, max_lag=0)
    return _image(task, checked_phase(phase), checked_connectivity(connectivity))


def cluster_function(
    labels: npt.ArrayLike,
    *,
    phase: int,
    max_lag: int | None = None,
    axes: Sequence[int] | int | None = None,
    directions: str = "axes",
    connectivity: str = "face",
    periodic: bool = False,
    mask: npt.ArrayLike | None = None,
    spacing: float | Sequence[float] | None = None,
    threads: int | None = None,
) -> CorrelationFunction:
    """Two-point cluster function: both ends of a lag lie in the same cluster of the phase.

    C2(r) = P[x and x + r e are in one connected cluster] along each direction e. C2(0) is the
    volume fraction, C2 never exceeds S2, and what is missing to S2 (the blocking function) is the
    chance that both ends are in the phase and not connected. Other than S2 it is sensitive to
    percolation: where all the phase is one cluster it is S2, where clusters are small it falls to
    zero within their size.

    Parameters
    ----------
    labels, phase, max_lag, axes, directions, periodic, mask, spacing, threads
        As in `two_point`; `phase` is one label and `directions` are not radial. A cluster is
        connected within the labels given and within the mask, not beyond.
    connectivity : {"face", "edge", "corner"}
        What neighbouring voxels of a cluster share at least; see `clusters`.

    Returns
    -------
    CorrelationFunction

    Raises
    ------
    InputError
        If an argument is not as described, or the lag does not fit the labels.

    References
    ----------
    S. Torquato, J. D. Beasley and Y. C. Chiew, J. Chem. Phys. 88, 6540 (1988).

    Examples
    --------
    Two stripes that do not meet:

    >>> import numpy as np
    >>> stripes = np.tile([1, 1, 0, 0], (4, 2))
    >>> cluster_function(stripes, phase=1, axes=1, max_lag=4).hits.tolist()
    [[16, 8, 0, 0, 0]]
    """
    task = _task(
        labels, max_lag=max_lag, axes=axes, directions=directions, periodic=periodic, mask=mask,
        spacing=spacing, threads=threads,
    )  # fmt: skip
    label = checked_phase(phase)
    image = _image(task, label, checked_connectivity(connectivity))
    hits, trials = _core.cluster_pairs(image, *task.counting)
    if task.window is not None:
        trials, _ = _core.two_point(task.window, None, 1, 1, *task.counting)
    return task.function("cluster", label, (hits, trials))


def _task(
    labels: npt.ArrayLike,
    *,
    max_lag: int | None,
    axes: Sequence[int] | int | None = None,
    directions: str = "axes",
    periodic: bool,
    mask: npt.ArrayLike | None,
    spacing: float | Sequence[float] | None = None,
    threads: int | None,
) -> Task:
    return Task.checked(
        labels, max_lag=max_lag, axes=axes, directions=directions, periodic=periodic, mask=mask,
        spacing=spacing, threads=threads, device="cpu",
    )  # fmt: skip


def _image(task: Task, phase: int, connectivity: str) -> Image:
    return cluster_image(
        task.labels, task.window, phase,
        connectivity=connectivity, periodic=task.periodic, threads=task.threads,
    )  # fmt: skip
