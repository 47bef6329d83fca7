"""Weights from a file into a network, each array where it belongs or an error that names it."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from flax import nnx

from microtwin._progress import ProgressCallback, silent
from microtwin.errors import CheckpointError, InputError
from microtwin.models.backbone import Backbone, BackboneClassifier
from microtwin.models.weights import files, keras_h5, names

Arrays = dict[str, tuple[str, npt.NDArray[Any]]]  # by our path: the file's name for it, the array

IMAGENET = "imagenet"  # the file that the authors published

ORDER = ("kernel", "scale", "bias", "mean", "var")  # of the variables of a layer in Keras's files
TORCH = {
    "kernel": "weight",
    "scale": "weight",
    "bias": "bias",
    "mean": "running_mean",
    "var": "running_var",
}


def load_pretrained(
    network: nnx.Module,
    weights: str | os.PathLike[str] = IMAGENET,
    *,
    download: bool = True,
    progress: ProgressCallback = silent,
) -> Path:
    """Give a network pretrained weights.

    Parameters
    ----------
    network : nnx.Module
        A network for ImageNet, whole or its base alone, or a transfer network, of which only the
        base is filled. It is changed.
    weights : str or path
        "imagenet" for the file that the authors published; or a file with the weights of
        this architecture: one of Keras's (``.h5``, ``.weights.h5``) or a ``.safetensors``.
    download : bool
        Whether "imagenet" may be downloaded if it is not in the cache.
    progress : ProgressCallback, optional
        Told of the download, in bytes.

    Returns
    -------
    Path
        The file that the weights were read from.

    Raises
    ------
    InputError
        If the network is none of these, the file is not there or no file of weights, or the
        weights cannot be downloaded; the message says what to get and where to put it.
    CheckpointError
        If the file is damaged, or its arrays are not those of the network: it names the first that
        is missing, has another shape, or should not be there.
    """
    base, top = _parts(network)
    if not isinstance(weights, str | os.PathLike):
        raise InputError(f'pretrained weights must be "imagenet" or a file, not {weights!r}')
    if os.fspath(weights) == IMAGENET:
        whole = files.WHOLE[base.architecture]
        wanted = files.BASES.get(base.architecture, whole) if top is None else whole
        path = files.fetch(wanted, download=download, progress=progress)
    else:
        path = Path(weights).expanduser()
        if not path.is_file():
            raise InputError(f'pretrained weights must be "imagenet" or a file; there is no {path}')
    variables = _variables(base) | (_variables(top, "top.") if top is not None else {})
    found = _read(path, base.architecture, variables)
    _check(found, variables, path)
    for ours, variable in variables.items():
        variable[...] = jnp.asarray(found[ours][1], jnp.float32)
    return path


def _parts(network: nnx.Module) -> tuple[Backbone, nnx.Module | None]:
    """Return the base, and the top if it is ImageNet's."""
    if isinstance(network, Backbone):
        return network, None
    if isinstance(network, BackboneClassifier):
        return network.base, None if network.transfer else network.top
    raise InputError(
        f"{type(network).__name__} has no pretrained weights: only networks for ImageNet do, and "
        "those built on them"
    )


def _variables(module: nnx.Module, prefix: str = "") -> dict[str, Any]:
    flat = nnx.to_flat_state(nnx.state(module, (nnx.Param, nnx.BatchStat)))
    return {prefix + ".".join(map(str, path)): variable for path, variable in flat}


def _read(path: Path, architecture: str, variables: Mapping[str, Any]) -> Arrays:
    suffix = path.suffix.lower()
    if suffix in (".h5", ".hdf5"):
        return _from_keras(path, architecture, variables)
    if suffix == ".safetensors":
        return _from_safetensors(path, architecture, variables)
    raise InputError(f"{path.name} must be a file of weights: .h5, .weights.h5 or .safetensors")


def _from_keras(path: Path, architecture: str, variables: Mapping[str, Any]) -> Arrays:
    table = names.keras(architecture)
    if table is None:
        raise InputError(f"{path.name}: Keras has no {architecture}; take a .safetensors file")
    layers = keras_h5.read(path)
    parts = {ours: [part for part in ORDER if f"{ours}.{part}" in variables] for ours in table}
    wanted = [ours for ours in table if parts[ours]]
    if len(layers) == len(wanted) and not set(layers) & set(table.values()):
        # Other names throughout, as in the first releases: Keras itself goes by the order.
        table = dict(zip(wanted, layers, strict=True))
    _check_names(path, [table[ours] for ours in wanted], layers, known=table.values())
    found: Arrays = {}
    for ours in wanted:
        arrays = layers[table[ours]]
        if len(arrays) != len(parts[ours]):
            raise CheckpointError(
                f"{path.name}: {table[ours]} must have {len(parts[ours])} arrays "
                f"({', '.join(parts[ours])}), not {len(arrays)}"
            )
        for part, array in zip(parts[ours], arrays, strict=True):
            if array.shape == (*variables[f"{ours}.{part}"].shape, 1):
                array = array[..., 0]  # depthwise: one window a channel
            found[f"{ours}.{part}"] = f"{table[ours]}/{part}", array
    return found


def _from_safetensors(path: Path, architecture: str, variables: Mapping[str, Any]) -> Arrays:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "numpy") as file:
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, TypeError) as error:
        raise InputError(f"{path} is no whole file of safetensors: {error}") from error
    arrays = {k: v for k, v in arrays.items() if not k.endswith("num_batches_tracked")}
    # Our own names, of which a file may have those of a top that is not asked for, or PyTorch's.
    tops = (name for name in arrays if name.startswith("top."))
    tables = [{name: name for name in (*variables, *tops)}]
    for layers in names.torch(architecture):
        tables.append(
            {
                f"{ours}.{part}": f"{theirs}.{TORCH[part]}"
                for ours, theirs in layers.items()
                for part in _parts_of(ours)
            }
        )
    table = max(tables, key=lambda table: len(set(table.values()) & set(arrays)))
    _check_names(path, [table[ours] for ours in variables], arrays, known=table.values())
    turned = _as_ours if table is not tables[0] else lambda array: array
    return {ours: (table[ours], turned(arrays[table[ours]])) for ours in variables}


def _parts_of(ours: str) -> tuple[str, ...]:
    """Return which variables a layer has, by its name: a convolution has no bias here."""
    if ours.endswith(".norm"):
        return ("scale", "bias", "mean", "var")
    return ("kernel",) if ours.endswith(".conv") else ("kernel", "bias")


def _as_ours(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Turn PyTorch's kernels: (out, in, y, x) to (y, x, in, out), (out, in) to (in, out)."""
    if array.ndim == 4 and array.shape[1] == 1:
        return array[:, 0].transpose(1, 2, 0)  # depthwise
    return array.transpose(2, 3, 1, 0) if array.ndim == 4 else array.T


def _check_names(
    path: Path, wanted: Iterable[str], found: Iterable[str], *, known: Iterable[str]
) -> None:
    """Refuse a file that lacks something, or has what belongs to no such network."""
    there, belongs = set(found), set(known)
    for name in wanted:
        if name not in there:
            raise CheckpointError(f"{path.name} has no {name}, which the network has")
    for name in found:
        if name not in belongs:
            raise CheckpointError(f"{path.name} has {name}, which the network has not")


def _check(found: Arrays, variables: Mapping[str, Any], path: Path) -> None:
    for ours, variable in variables.items():
        theirs, array = found[ours]
        if array.shape != variable.shape:
            raise CheckpointError(
                f"{path.name}: {theirs} must have the shape {variable.shape}, not {array.shape} "
                f"(for {ours})"
            )
        if array.dtype.kind != "f" or not np.isfinite(array).all():
            raise CheckpointError(f"{path.name}: {theirs} must hold finite numbers (for {ours})")
