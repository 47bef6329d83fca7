"""What is not normal: autoencoders, a classifier and a flow on what they leave, honest thresholds.

What lives here: detectors learned from normal images of any source, micrographs as well as
generated ones. What may not: a generator, and anything that needs to know how an image was made.
"""

from microtwin.classification.anomaly.detector import Detector, load_detector
from microtwin.classification.anomaly.evaluation import Evaluation
from microtwin.classification.anomaly.scores import AnomalyScores
from microtwin.classification.anomaly.training import train_detector

__all__ = ["AnomalyScores", "Detector", "Evaluation", "load_detector", "train_detector"]
