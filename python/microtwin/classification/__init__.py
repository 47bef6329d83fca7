"""Train, judge and explain image classifiers; find what is not normal.

It knows labelled images and networks that judge them, but not what a network generates.
"""

from microtwin.classification.classifier import Classifier, load_classifier
from microtwin.classification.data import LabelledImages
from microtwin.classification.folds import CrossValidation, cross_validate
from microtwin.classification.predictions import Predictions
from microtwin.classification.presets import PRESETS
from microtwin.classification.training import train_classifier

__all__ = [
    "PRESETS",
    "Classifier",
    "CrossValidation",
    "LabelledImages",
    "Predictions",
    "cross_validate",
    "load_classifier",
    "train_classifier",
]
