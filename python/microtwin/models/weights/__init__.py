"""Pretrained weights: files of others, read into our networks."""

from microtwin.models.weights.files import WeightFile, folder
from microtwin.models.weights.loading import load_pretrained

__all__ = ["WeightFile", "folder", "load_pretrained"]
