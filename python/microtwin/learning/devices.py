"""One training step on several devices, and on several machines."""

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import cache
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding
from jax.sharding import PartitionSpec as _Spec

from microtwin import _files

logger = logging.getLogger(__name__)

AXIS = "batch"
Spec: Any = _Spec  # JAX's has no types


class Devices:
    """The devices that share the work of a step: each takes a part of the batch.

    The whole batch and the state's numbers do not depend on how many there are, so that a run can
    go on with more of them or fewer. As many are used as divide the batch.

    Parameters
    ----------
    batch : int
        Structures a step.
    devices : sequence of jax.Device, optional
        By default those of all processes; or the one chosen with ``jax.default_device``.
    """

    def __init__(self, batch: int, devices: Sequence[Any] | None = None) -> None:
        if devices is None:
            chosen = _chosen()
            devices = jax.devices() if chosen is None else [chosen]
        most = len(devices)
        self.count = max(n for n in range(1, most + 1) if batch % n == 0)
        if self.count < most:
            logger.warning(
                "%d of %d devices are used: a batch of %d has no more equal parts",
                self.count,
                most,
                batch,
            )
        self._mesh: Mesh | None = None
        if self.count > 1:
            self._mesh = jax.make_mesh(
                (self.count,), (AXIS,), axis_types=(AxisType.Auto,), devices=devices[: self.count]
            )

    def everywhere(self, tree: Any) -> Any:
        """Put a copy of every array on every device."""
        return self._put(tree, Spec())

    def parted(self, tree: Any, *, leading: int = 0) -> Any:
        """Give each device its part of every array, along the axis after `leading` ones."""
        return self._put(tree, Spec(*[None] * leading, AXIS))

    def spread(self, keys: jax.Array) -> jax.Array:
        """Say within a step that each device makes its part of a batch."""
        if self._mesh is None:
            return keys
        constrain: Any = jax.lax.with_sharding_constraint
        parted: jax.Array = constrain(keys, NamedSharding(self._mesh, Spec(AXIS)))
        return parted

    def _put(self, tree: Any, spec: Any) -> Any:
        if self._mesh is None:
            return tree
        sharding = NamedSharding(self._mesh, spec)

        if jax.process_count() == 1:
            return jax.device_put(tree, sharding)

        def put(array: Any) -> jax.Array:
            values = np.asarray(array)  # every process has all of it
            return jax.make_array_from_callback(values.shape, sharding, lambda i: values[i])

        return jax.tree.map(put, tree)


def join_processes() -> None:
    """Join the other processes of a distributed run, where the environment names a coordinator.

    Set ``JAX_COORDINATOR_ADDRESS`` (host:port), ``JAX_NUM_PROCESSES`` and ``JAX_PROCESS_ID``; on
    clusters that JAX knows (Slurm, Open MPI, GKE) only the first, to anything.
    """
    address = os.environ.get("JAX_COORDINATOR_ADDRESS")
    if address is None or jax.distributed.is_initialized():
        return
    count, index = os.environ.get("JAX_NUM_PROCESSES"), os.environ.get("JAX_PROCESS_ID")
    if count is None or index is None:
        jax.distributed.initialize()
    else:
        jax.distributed.initialize(address, int(count), int(index))


def is_first() -> bool:
    """Whether this process is the one that writes logs and pictures."""
    return bool(jax.process_index() == 0)


@contextmanager
def sole_writer(folder: Path) -> Iterator[None]:
    """Keep the folder of a run to this run; of several processes the first one holds it.

    Raises
    ------
    InputError
        If another run has it.
    """
    with _files.sole_use(folder, name="workdir") if is_first() else nullcontext():
        yield


def _chosen() -> Any:
    """Return the device that ``jax.default_device`` names, if any."""
    return getattr(jax.config, "jax_default_device", None)


def platform() -> str:
    """Return on what kind of device steps run: "cpu", "gpu", ..."""
    chosen = _chosen()
    return str(jax.default_backend() if chosen is None else chosen.platform)


def accelerated() -> bool:
    """Whether steps run on something else than CPUs."""
    return platform() != "cpu"


def compiler_options() -> dict[str, str]:
    """Return options for ``jax.jit`` with which convolutions run well on the present device.

    On CPUs, XLA may hand convolutions to YNNPACK, whose gradients and whose forward passes with
    few channels are several times slower than XLA's own: here it may not.
    """
    return {} if accelerated() else _without_ynnpack()


@cache
def _without_ynnpack() -> dict[str, str]:
    options = {"xla_cpu_experimental_ynn_fusion_type": ""}
    try:
        jax.jit(lambda x: x, compiler_options=options).lower(0.0).compile()
    except jax.errors.JaxRuntimeError:  # this version of XLA has no YNNPACK
        return {}
    return options
