"""Every architecture by name, with its parameter counts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import jax
from flax import nnx

from microtwin import _validate
from microtwin.models import dcgan, texture


@dataclass(frozen=True, slots=True)
class Architecture:
    """A network by name.

    Attributes
    ----------
    name : str
        How it is called in presets, tables and `microtwin info --models`.
    build : callable
        ``build(rngs=nnx.Rngs(seed))`` makes the network with fresh parameters.
    """

    name: str
    build: Callable[..., nnx.Module]

    def parameters(self) -> tuple[int, int]:
        """Return (total, trainable) parameters by Keras's counting; nothing is computed."""
        network = nnx.eval_shape(lambda: self.build(rngs=nnx.Rngs(0)))
        return count(network, (nnx.Param, nnx.BatchStat)), count(network, nnx.Param)


def count(network: nnx.Module, kinds: type | tuple[type, ...]) -> int:
    """Count the numbers in the variables of these kinds."""
    return sum(leaf.size for leaf in jax.tree.leaves(nnx.state(network, kinds)))


def _known() -> dict[str, Architecture]:
    networks: dict[str, Callable[..., nnx.Module]] = {}
    for size in (320, 128, 64):
        networks[f"thesis-{size}-generator"] = partial(dcgan.Generator, size)
    networks["thesis-discriminator"] = dcgan.Discriminator
    networks["texture-generator"] = texture.Generator
    networks["texture-critic"] = texture.Critic
    return {name: Architecture(name, build) for name, build in networks.items()}


ARCHITECTURES: Mapping[str, Architecture] = _known()


def build(name: str, *, rngs: nnx.Rngs) -> nnx.Module:
    """Make a network by its registered name, with fresh parameters.

    Raises
    ------
    InputError
        If no architecture has this name; the message lists those there are.
    """
    return ARCHITECTURES[_validate.choice(name, ARCHITECTURES, name="architecture")].build(
        rngs=rngs
    )


def table() -> list[dict[str, str | int]]:
    """List every architecture with its total and trainable parameters, as rows of a table."""
    rows: list[dict[str, str | int]] = []
    for name, architecture in ARCHITECTURES.items():
        total, trainable = architecture.parameters()
        rows.append({"name": name, "parameters": total, "trainable": trainable})
    return rows
