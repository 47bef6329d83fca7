"""Generators trained on micrographs, and images and volumes sampled from them.

What lives here: presets, training sets, the folder of a run, drawing, and writing what is larger
than memory. What may not: architectures, the training loop itself, and judging what comes out.
"""

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
