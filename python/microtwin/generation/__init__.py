"""Train generators on micrographs, sample images from them."""

from microtwin.generation.generator import Generator, load_generator
from microtwin.generation.presets import DEFAULT, PRESETS, Preset
from microtwin.generation.samples import Sample, Samples
from microtwin.generation.training import train_gan

__all__ = [
    "DEFAULT",
    "PRESETS",
    "Generator",
    "Preset",
    "Sample",
    "Samples",
    "load_generator",
    "train_gan",
]
