"""The recipes by which generators are trained, by name."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """How a generator is built and trained.

    Attributes
    ----------
    name : str
        The name in `PRESETS`.
    summary : str
        One line for tables.
    size : int
        Side of the training patches in pixels.
    steps : int
        Steps of training unless told otherwise.
    batch : int
        Patches a step.
    generator, critic : str
        Names in `microtwin.models.registry`.
    recipe : str
        The step: "classic" or "relativistic" (see `microtwin.learning.adversarial`).
    generator_rate, critic_rate : float
        Learning rates of Adam.
    momentum, memory : float
        Adam's β1 and β2.
    average : float or None
        Decay of the moving average that is sampled from; None samples from the last weights.
    penalty : float
        Weight of the gradient penalty ("relativistic").
    label_noise : float
        Noise on the labels ("classic").
    any_size : bool
        Whether it makes images of any size, not only that of the training patches.
    stretch : bool
        Whether the grey levels are stretched to fill [-1, 1], instead of black being -1 and white
        1.
    """

    name: str
    summary: str
    size: int
    steps: int
    batch: int
    generator: str
    critic: str
    recipe: str
    generator_rate: float
    critic_rate: float
    momentum: float
    memory: float
    average: float | None = None
    penalty: float = 0.0
    label_noise: float = 0.0
    any_size: bool = False
    stretch: bool = False


def _thesis(size: int, steps: int) -> Preset:
    return Preset(
        name=f"thesis-{size}",
        summary=f"the DCGAN of the catalyst-layer thesis, {size}x{size}",
        size=size,
        steps=steps,
        batch=32,
        generator=f"thesis-{size}-generator",
        critic="thesis-discriminator",
        recipe="classic",
        generator_rate=3e-4,
        critic_rate=1e-4,
        momentum=0.9,
        memory=0.999,
        label_noise=0.05,
    )


DEFAULT = "dcgan-64"

PRESETS: Mapping[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset(
            name=DEFAULT,
            summary="convolutional pair for 64x64 patches, samples of any size; minutes on a CPU",
            size=64,
            steps=1500,
            batch=16,
            generator="texture-generator",
            critic="texture-critic",
            recipe="relativistic",
            generator_rate=1e-3,
            critic_rate=1e-3,
            momentum=0.0,
            memory=0.99,
            average=0.997,
            penalty=0.3,
            any_size=True,
            stretch=True,
        ),
        _thesis(64, steps=12_500),
        _thesis(128, steps=25_000),
        _thesis(320, steps=25_000),  # 400 epochs of 2000 images in batches of 32
    )
}
