"""Files of weights that Keras wrote: the old ones (``.h5``) and those of Keras 3 (``.weights.h5``).

Old files list their layers and weights in the attributes ``layer_names`` and ``weight_names``; the
names of groups and data sets need not tell anything. Whole models keep the same in a group
``model_weights``. Keras 3 leaves a layer's name as an attribute of its group ``vars``. Within a
layer the order is always the same: kernel, bias; or gamma, beta, moving mean, moving variance.
"""

import mmap
import struct
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from microtwin.errors import InputError

Layers = dict[str, list[npt.NDArray[Any]]]


def read(path: Path) -> Layers:
    """Return the arrays of each layer that has any, in the order of the file.

    Where there is a network within the network, as in transfer learning, only its layers.

    Raises
    ------
    InputError
        If h5py is missing, or the file is none of Keras's.
    """
    try:
        import h5py
    except ImportError as error:
        raise InputError(
            f"reading {path.name} needs h5py: pip install 'microtwin[weights]'"
        ) from error

    try:
        _check_heaps(path)
        with h5py.File(path, "r") as file:
            root = file.get("model_weights", file)
            return _old(root) if _names(root, "layer_names") else _new(file)
    except InputError:
        raise
    except Exception as error:  # HDF5 raises almost anything when damaged
        reason = error.args[0] if error.args else error
        raise InputError(f"{path} is no whole file of Keras's weights: {reason}") from error


def _check_heaps(path: Path) -> None:
    """Raise ValueError where libhdf5 would go round in a circle, as 2.0 does in a damaged heap.

    A heap of texts is a list of objects, each with its size; the room left over is object 0, and
    where that is told to be of no size it is read again and again. See "III.E. Global heap" in the
    HDF5 file format specification.
    """
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        heap = data.find(b"GCOL\1\0\0\0")
        while heap >= 0:
            at, end = heap + 16, heap + int.from_bytes(data[heap + 8 : heap + 16], "little")
            while at + 16 <= min(end, len(data)):
                number, _, _, size = struct.unpack("<HHIQ", data[at : at + 16])
                if number == 0 and size < 16:
                    raise ValueError(f"its heap at byte {heap} is damaged")
                at += size if number == 0 else 16 + -(-size // 8) * 8
            heap = data.find(b"GCOL\1\0\0\0", heap + 1)


def _old(root: Any) -> Layers:
    alone: Layers = {}
    inner: Layers = {}
    for name in _names(root, "layer_names"):
        group = root[name]
        weights = _names(group, "weight_names")
        owners = [weight.split("/")[-2] if "/" in weight else name for weight in weights]
        nested = len(set(owners)) > 1  # what is not trained then comes after all that is
        for weight, owner in zip(weights, owners, strict=True):
            layer = inner.setdefault(owner, []) if nested else alone.setdefault(name, [])
            layer.append(np.asarray(group[weight]))
    return inner or alone


def _new(file: Any) -> Layers:
    found: list[tuple[int, str, list[npt.NDArray[Any]]]] = []

    def visit(path: str, group: Any) -> None:
        parts = path.split("/")
        if parts[-1] == "vars" and parts[0] != "optimizer" and len(group):
            if "name" not in group.attrs:
                raise KeyError(f"{path} does not tell the name of its layer; save it as .h5")
            arrays = [np.asarray(group[str(i)]) for i in range(len(group))]
            found.append((len(parts), str(group.attrs["name"]), arrays))

    file.visititems(visit)
    if not found:
        raise KeyError("it has neither layer_names nor vars")
    deepest = max(depth for depth, _, _ in found)
    return {name: arrays for depth, name, arrays in found if depth == deepest}


def _names(group: Any, attribute: str) -> list[str]:
    """Return a list of names; a long one is kept in pieces, ``layer_names0`` and so on."""
    found = list(group.attrs.get(attribute, []))
    i = 0
    while f"{attribute}{i}" in group.attrs:
        found += list(group.attrs[f"{attribute}{i}"])
        i += 1
    return [name.decode() if isinstance(name, bytes) else str(name) for name in found]
