"""Pretrained weights: files of others, looked for or downloaded, and read into our networks.

What may not live here: weights of our own runs, which are checkpoints (`microtwin.learning`).
"""

from microtwin.models.weights.files import WeightFile, folder
from microtwin.models.weights.loading import IMAGENET, load_pretrained

__all__ = ["IMAGENET", "WeightFile", "folder", "load_pretrained"]
