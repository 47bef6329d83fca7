"""Generators so small that they train in a blink, and images for them."""

from dataclasses import replace
from functools import partial

import jax
import numpy as np

import microtwin.generation as gen
from microtwin.generation import adversaries, presets
from microtwin.generation.run_folder import RunFolder
from microtwin.images import synthetic
from microtwin.models import registry, texture

TINY, TINY_SLICES, TINY_3D = "tiny-16", "tiny-slices-16", "tiny-3d-16"


def install_tiny_preset(setitem, *, validate_every=100):
    """Register a pair of networks that trains in a blink, as the presets are registered."""
    small = {"local": 4, "common": 2, "channels": (8, 8)}
    networks = {
        "tiny-g": partial(texture.Generator, **small),
        "tiny-g-3d": partial(texture.Generator, axes=3, **small),
        "tiny-c": partial(texture.Critic, channels=(8, 8)),
        "tiny-c-3d": partial(texture.Critic, axes=3, channels=(8, 8)),
    }
    for name, build in networks.items():
        setitem(registry.ARCHITECTURES, name, registry.Architecture(name, build))
    flat = gen.Preset(
        name=TINY,
        summary="for tests",
        size=16,
        steps=6,
        batch=4,
        generator="tiny-g",
        critic="tiny-c",
        recipe="penalised",
        generator_rate=1e-3,
        critic_rate=1e-3,
        momentum=0.0,
        memory=0.99,
        average=0.9,
        penalty=1.0,
        any_size=True,
        stretch=True,
        validate_every=validate_every,
    )
    solid = replace(flat, name=TINY_3D, axes=3, batch=2, generator="tiny-g-3d", critic="tiny-c-3d")
    sliced = replace(solid, name=TINY_SLICES, batch=1, slices=4, critic="tiny-c")
    for preset in (flat, solid, sliced):
        setitem(presets.PRESETS, preset.name, preset)


def grey_images(count=2, side=48):
    rng = np.random.default_rng(0)
    labels = synthetic.gaussian_field(
        (side, side), correlation_length=4, fraction=0.4, seed=1, periodic=True
    )
    return [
        np.clip(60 + 120 * labels + rng.normal(0, 8, labels.shape), 0, 255).astype(np.uint8)
        for _ in range(count)
    ]


def final_state(folder):
    run = RunFolder(folder)
    settings = run.settings()
    adversary = adversaries.build(settings.recipe, settings.encoding, seed=settings.seed)
    with run.checkpoints(settings) as checkpoints:
        return checkpoints.restore(adversary.initial())


def assert_equal_to_the_last_bit(a, b):
    for left, right in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        np.testing.assert_array_equal(np.asarray(left), np.asarray(right))
