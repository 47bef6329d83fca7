"""Every architecture by name, with its parameter counts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
from flax import nnx

from microtwin import _validate
from microtwin.models import autoencoders, classifiers, dcgan, flows, recurrent, texture
from microtwin.models.backbone import SIZE, Backbone, imagenet, transfer
from microtwin.models.efficientnet import EfficientNetLite0
from microtwin.models.mobilenet import MobileNetV2
from microtwin.models.resnet import ResNet50V2
from microtwin.models.vgg import VGG16


@dataclass(frozen=True, slots=True)
class Architecture:
    """A network by name.

    Attributes
    ----------
    name : str
        How it is called in presets, tables and `microtwin info --models`.
    build : callable
        ``build(rngs=nnx.Rngs(seed))`` makes the network with fresh parameters.
    takes : tuple of int or None
        Shape (y, x, channels) of the images that it judges or encodes, or (d,) of the codes, if it
        is for one size. Many can be built for others by their options `size` and `channels`.
    """

    name: str
    build: Callable[..., nnx.Module]
    takes: tuple[int, ...] | None = None

    def parameters(self) -> tuple[int, int]:
        """Return (total, trainable) parameters by Keras's counting; nothing is computed."""
        network = nnx.eval_shape(lambda: self.build(rngs=nnx.Rngs(0)))
        return count(network, (nnx.Param, nnx.BatchStat)), count(network, nnx.Param)


def count(network: nnx.Module, kinds: type | tuple[type, ...]) -> int:
    """Count the numbers in the variables of these kinds."""
    return sum(leaf.size for leaf in jax.tree.leaves(nnx.state(network, kinds)))


def _generative() -> dict[str, Architecture]:
    networks: dict[str, Callable[..., nnx.Module]] = {}
    for size in (320, 128, 64):
        networks[f"thesis-{size}-generator"] = partial(dcgan.Generator, size)
    networks["thesis-discriminator"] = dcgan.Discriminator
    # In volumes a smooth latent field left too little for a short training to work with.
    solid: dict[str, Any] = {"axes": 3, "common": 8, "coarse": 0, "smoothings": 0}
    networks["texture-generator-2d"] = texture.Generator
    networks["texture-generator-3d"] = partial(texture.Generator, **solid)
    for axes in (2, 3):
        networks[f"texture-critic-{axes}d"] = partial(texture.Critic, axes=axes)
    networks["texture-generator-3d-wide"] = partial(
        texture.Generator, **solid, local=64, channels=(512, 256, 128, 64, 32)
    )
    networks["texture-critic-2d-wide"] = partial(texture.Critic, channels=(64, 128, 256))
    return {name: Architecture(name, build) for name, build in networks.items()}


def _classifiers() -> dict[str, Architecture]:
    small = (28, 28, 1)
    known = [
        Architecture("preclassifier", classifiers.Preclassifier, (320, 320, 1)),
        Architecture("symbols-dense", classifiers.SymbolsDense, small),
        Architecture("fashion-cnn", classifiers.FashionCnn, small),
        Architecture("fashion-rnn", recurrent.FashionRnn, small),
        Architecture("fashion-bilstm", recurrent.FashionBiLstm, small),
        Architecture("chest-cnn", classifiers.ChestCnn, (224, 224, 3)),
    ]
    return {each.name: each for each in known}


def _detectors() -> dict[str, Architecture]:
    make = autoencoders.Autoencoder
    widest = (128, 256, 512, 1024)
    paper: dict[str, Any] = {"down": widest, "first": 1024}
    strided: dict[str, Any] = paper | {"mix": 512, "up": (256, 128, 64)}
    plans: dict[str, dict[str, Any]] = {
        "v1": {"down": widest, "first": 256, "up": (512, 256, 128), "pools": True},
        "v2": strided,
        "v3": strided | {"start": "he-normal"},
        "v4": {"down": (64, 128, 256), "first": 256, "up": (128, 64, 32)},
        "v5": {"down": (32, 64, 128), "first": 128, "up": (64, 32)},
        "mantegazza": paper | {"up": (512, 256, 128)},
    }
    known = [
        *(
            Architecture(f"autoencoder-{name}", partial(make, **plan), (64, 64, 3))
            for name, plan in plans.items()
        ),
        Architecture("code-mlp", classifiers.CodeMlp, (128,)),
        Architecture("real-nvp", flows.RealNvp, (128,)),
    ]
    return {each.name: each for each in known}


def _backbones() -> dict[str, Architecture]:
    """Return the networks for ImageNet, and those with a top of their own on the same bases."""
    kinds: tuple[type[Backbone], ...] = (VGG16, ResNet50V2, MobileNetV2, EfficientNetLite0)
    builds: dict[str, Callable[..., nnx.Module]] = {}
    for kind in kinds:
        builds[kind.architecture] = partial(imagenet, kind)
    for kind in kinds:
        # The seed flattened all maps; of the smallest network the average is enough.
        average = kind is EfficientNetLite0
        builds[f"{kind.architecture}-transfer"] = partial(transfer, kind, average=average)
    return {name: Architecture(name, build, (SIZE, SIZE, 3)) for name, build in builds.items()}


ARCHITECTURES: Mapping[str, Architecture] = (
    _generative() | _classifiers() | _backbones() | _detectors()
)


def build(name: str, *, rngs: nnx.Rngs, **options: Any) -> nnx.Module:
    """Make a network by its registered name, with fresh parameters.

    Parameters
    ----------
    name : str
        One of `ARCHITECTURES`.
    rngs : nnx.Rngs
        Where the initial weights come from.
    **options
        Further arguments of the network, such as its channels.

    Raises
    ------
    InputError
        If no architecture has this name; the message lists those there are.
    """
    architecture = ARCHITECTURES[_validate.choice(name, ARCHITECTURES, name="architecture")]
    return architecture.build(rngs=rngs, **options)


def table() -> list[dict[str, str | int]]:
    """List every architecture with its total and trainable parameters, as rows of a table."""
    rows: list[dict[str, str | int]] = []
    for name, architecture in ARCHITECTURES.items():
        total, trainable = architecture.parameters()
        rows.append({"name": name, "parameters": total, "trainable": trainable})
    return rows
