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
        Side of the training patches in voxels.
    steps : int
        Steps of training unless told otherwise.
    batch : int
        Structures made a step.
    axes : int
        Dimensions of what is made: 2 or 3.
    slices : int
        Slices of each volume along each axis that critics of images see; 0 where the critic sees
        what is made as it is.
    generator, critic : str
        Names in `microtwin.models.registry`.
    recipe : str
        The step: "classic" or "penalised" (see `microtwin.learning.adversarial`).
    game, slope : str
        See `microtwin.learning.adversarial.penalised`.
    generator_rate, critic_rate : float
        Learning rates of Adam.
    final_rate : float
        By which factor both rates have fallen after `steps` steps, along a cosine; they stay there.
    momentum, memory : float
        Adam's β1 and β2.
    average : float or None
        Decay of the moving average that is sampled from; None samples from the last weights.
    penalty : float
        Weight of the gradient penalty ("penalised").
    tie : float
        Weight of missing the porosity that was asked for, where it can be ("penalised").
    label_noise : float
        Noise on the labels ("classic").
    any_size : bool
        Whether it makes structures of any size, periodic ones, and by porosity or phase; not only
        grey images of the size of the training patches.
    stretch : bool
        Whether the grey levels are stretched to fill [-1, 1], instead of black being -1 and white
        1.
    validate_every : int
        Steps between two comparisons with the validation set.
    """

    name: str
    summary: str
    size: int
    steps: int
    batch: int
    axes: int = 2
    slices: int = 0
    generator: str
    critic: str
    recipe: str
    game: str = "relativistic"
    slope: str = "zero"
    generator_rate: float
    critic_rate: float
    final_rate: float = 1.0
    momentum: float
    memory: float
    average: float | None = None
    penalty: float = 0.0
    tie: float = 0.0
    label_noise: float = 0.0
    any_size: bool = False
    stretch: bool = False
    validate_every: int = 100

    @property
    def sees(self) -> int:
        """Dimensions of what it learns from."""
        return 2 if self.slices else self.axes

    @property
    def patches(self) -> int:
        """Real patches a step."""
        return self.batch * 3 * self.slices if self.slices else self.batch


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


def _texture(
    name: str, summary: str, *, steps: int, batch: int, axes: int = 2, slices: int = 0,
    wide: bool = False, rate: float = 1e-3, final_rate: float = 1.0, validate_every: int = 100,
) -> Preset:  # fmt: skip
    width = "-wide" if wide else ""
    return Preset(
        name=name,
        summary=summary,
        size=64,
        steps=steps,
        batch=batch,
        axes=axes,
        slices=slices,
        generator=f"texture-generator-{axes}d{width}",
        critic=f"texture-critic-{2 if slices else axes}d{width}",
        recipe="penalised",
        generator_rate=rate,
        critic_rate=rate,
        final_rate=final_rate,
        momentum=0.0,
        memory=0.99,
        average=0.997,
        penalty=0.3,
        tie=3.0,
        any_size=True,
        stretch=True,
        validate_every=validate_every,
    )


DEFAULT = "dcgan-2d"

PRESETS: Mapping[str, Preset] = {
    preset.name: preset
    for preset in (
        _texture(
            DEFAULT,
            "images of any size from 64x64 patches; minutes on a CPU",
            steps=1500,
            batch=16,
        ),
        _texture(
            "slice-3d",
            "volumes of any size from images alone; under half an hour on two CPU cores",
            steps=1200,
            batch=1,
            axes=3,
            slices=8,
            rate=7e-4,
            final_rate=0.1,
            validate_every=50,
        ),
        _texture(
            "slice-3d-wide",
            "the same with three times the channels; for a GPU",
            steps=20_000,
            batch=4,
            axes=3,
            slices=32,
            wide=True,
            rate=3e-4,
            final_rate=0.1,
            validate_every=1000,
        ),
        _texture(
            "dcgan-3d",
            "volumes of any size from 64x64x64 parts of volumes",
            steps=1500,
            batch=2,
            axes=3,
            rate=7e-4,
            validate_every=250,
        ),
        _thesis(64, steps=12_500),
        _thesis(128, steps=25_000),
        _thesis(320, steps=25_000),  # 400 epochs of 2000 images in batches of 32
    )
}
