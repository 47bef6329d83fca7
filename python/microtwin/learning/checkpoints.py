"""Checkpoints of a training state: complete, atomic, and bound to the model they belong to."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
import orbax.checkpoint as ocp

from microtwin import _files
from microtwin.errors import CheckpointError

State = TypeVar("State")

FACT = "fact:"


class Checkpoints:
    """The checkpoints of one training run, in one folder.

    Orbax writes each under a temporary name and renames it when it is complete, so that a process
    may be killed at any time: the last complete checkpoint stays.

    Parameters
    ----------
    folder : path
        Where they lie, one sub-folder a step.
    identity : mapping of str to str
        What the state belongs to (names, sizes). It is stored with every checkpoint, and another
        identity is refused when restoring.
    keep : int
        How many of the last checkpoints stay on disk.
    """

    def __init__(
        self, folder: str | os.PathLike[str], *, identity: Mapping[str, str], keep: int = 3
    ) -> None:
        self.folder = Path(folder).absolute()
        self.identity = dict(identity)
        self._manager = ocp.CheckpointManager(
            self.folder,
            item_names=("state", "identity"),
            options=ocp.CheckpointManagerOptions(
                max_to_keep=keep, enable_async_checkpointing=False, create=True
            ),
        )

    def latest(self) -> int | None:
        """Return the step of the last complete checkpoint, or None."""
        step = self._manager.latest_step()
        return None if step is None else int(step)

    def save(self, step: int, state: Any) -> None:
        """Write `state` (a pytree of arrays) as the checkpoint of `step`; return when it is safe.

        Raises
        ------
        CheckpointError
            If the disk refuses.
        """
        arguments = ocp.args.Composite(
            state=ocp.args.StandardSave(_by_name(jax.device_get(state))),
            identity=ocp.args.JsonSave(self.identity),
        )
        try:
            self._manager.save(step, args=arguments, force=True)
        except (OSError, ValueError) as error:  # TensorStore has ValueError for a full disk
            raise CheckpointError(
                f"checkpoint of step {step} cannot be written to {self.folder}: {error}"
            ) from error

    def restore(self, like: State) -> State:
        """Return the last checkpoint as a pytree with the structure of `like`.

        Raises
        ------
        CheckpointError
            If there is none, if it is damaged, or if it belongs to something else.
        """
        step = self.latest()
        if step is None:
            raise CheckpointError(f"no checkpoint in {self.folder}")
        where = f"checkpoint {self.folder / str(step)}"
        try:
            found = self._manager.restore(
                step, args=ocp.args.Composite(identity=ocp.args.JsonRestore())
            ).identity
        except Exception as error:  # Orbax raises many kinds for damaged files
            raise CheckpointError(f"{where} cannot be read") from error
        if found != self.identity:
            raise CheckpointError(f"{where} is {differences(found, self.identity)}")
        wanted = _named(like)
        try:
            arrays = self._manager.restore(
                step, args=ocp.args.Composite(state=ocp.args.StandardRestore())
            ).state
        except Exception as error:
            raise CheckpointError(f"{where} is damaged") from error
        if _forms(arrays) != _forms(wanted):  # Orbax itself would cut or pad to fit
            raise CheckpointError(f"{where} does not fit this model")
        leaves = [jnp.asarray(arrays[name]) for name in wanted]
        restored: State = jax.tree.unflatten(jax.tree.structure(like), leaves)
        return restored

    def __enter__(self) -> "Checkpoints":
        return self

    def __exit__(self, *_: object) -> None:
        self._manager.close()


def save_arrays(path: Path, tree: Any, **facts: float) -> None:
    """Write a pytree of arrays, and numbers beside it, to one npz file, all or nothing."""
    arrays: dict[str, Any] = _by_name(jax.device_get(tree))
    arrays |= {f"{FACT}{name}": value for name, value in facts.items()}
    _files.write_with(path, lambda file: np.savez(file, **arrays))


def load_arrays(path: Path, like: State) -> tuple[State, dict[str, float]]:
    """Read back what `save_arrays` wrote, as a pytree with the structure of `like`.

    Raises
    ------
    CheckpointError
        If the file is missing, damaged, or belongs to something else.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            found = dict(file)
        facts = {name[len(FACT) :]: float(v) for name, v in found.items() if name.startswith(FACT)}
    except FileNotFoundError as error:
        raise CheckpointError(f"there is no {path}") from error
    except Exception as error:  # zip files and NumPy raise almost anything when damaged
        raise CheckpointError(f"{path} is damaged: {error}") from error
    arrays = {name: array for name, array in found.items() if not name.startswith(FACT)}
    wanted = _named(like)
    if _forms(arrays) != _forms(wanted):
        raise CheckpointError(f"{path} does not fit this model")
    leaves = [jnp.asarray(arrays[name]) for name in wanted]
    restored: State = jax.tree.unflatten(jax.tree.structure(like), leaves)
    return restored, facts


def _named(tree: Any) -> dict[str, Any]:
    """Flatten a pytree to its leaves by their path: checkpoints then hold no Python types."""
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    return {jax.tree_util.keystr(path, simple=True, separator="."): leaf for path, leaf in leaves}


def _by_name(state: Any) -> dict[str, np.ndarray[Any, Any]]:
    return {name: np.asarray(leaf) for name, leaf in _named(state).items()}


def _forms(arrays: Mapping[str, Any]) -> dict[str, tuple[tuple[int, ...], str]]:
    return {name: (array.shape, str(array.dtype)) for name, array in arrays.items()}


def differences(found: Mapping[str, str], wanted: Mapping[str, str]) -> str:
    """Say in which entries two identities differ: "of preset a, not b"."""
    names = [name for name in {**found, **wanted} if found.get(name) != wanted.get(name)]
    return "; ".join(f"of {name} {found.get(name)}, not {wanted.get(name)}" for name in names)
