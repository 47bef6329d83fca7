"""Pretrained weights: files of others, read into our networks."""

from microtwin.models.weights.files import WeightFile, folder
from microtwin.models.weights.loading import IMAGENET, load_pretrained

__all__ = ["IMAGENET", "WeightFile", "folder", "load_pretrained"]
