"""Train, judge and explain image classifiers; find what is not normal (`anomaly`).

What lives here: labelled images, recipes, the folder of a run, reports and explanations. What may
not: architectures, the training loop itself, and anything that generates images.
"""

from microtwin.classification.anomaly import (
    AnomalyScores,
    Detector,
    Evaluation,
    load_detector,
    train_detector,
)
from microtwin.classification.classifier import Classifier, load_classifier
from microtwin.classification.cross import CrossEvaluation, cross_evaluate
from microtwin.classification.data import LabelledImages
from microtwin.classification.evaluating import write_evaluation
from microtwin.classification.explaining import write_explanations
from microtwin.classification.explanation import Explanation
from microtwin.classification.fold_reports import FoldReports
from microtwin.classification.folds import CrossValidation, cross_validate
from microtwin.classification.gradcam import grad_cam
from microtwin.classification.history import plot_history
from microtwin.classification.predictions import Predictions
from microtwin.classification.presets import PRESETS
from microtwin.classification.report import Report, Timing
from microtwin.classification.sheets import plot_predictions, prediction_sheet
from microtwin.classification.training import train_classifier
from microtwin.learning.augmentation import Augmentation

__all__ = [
    "PRESETS",
    "AnomalyScores",
    "Augmentation",
    "Classifier",
    "CrossEvaluation",
    "CrossValidation",
    "Detector",
    "Evaluation",
    "Explanation",
    "FoldReports",
    "LabelledImages",
    "Predictions",
    "Report",
    "Timing",
    "cross_evaluate",
    "cross_validate",
    "grad_cam",
    "load_classifier",
    "load_detector",
    "plot_history",
    "plot_predictions",
    "prediction_sheet",
    "train_classifier",
    "train_detector",
    "write_evaluation",
    "write_explanations",
]
