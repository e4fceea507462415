"""Training of the detector and the recognizer on a labelled data set, and their export to ONNX.

Needs the `train` extra (torch, torchvision, ultralytics, onnx); nothing else in this room does.
"""

from vision.training.detector import DetectorPlan, detector_figures, export_detector, train_detector
from vision.training.recognizer import RecognizerPlan, train_recognizer

__all__ = [
    "DetectorPlan", "RecognizerPlan", "detector_figures", "export_detector", "train_detector", "train_recognizer",
]  # fmt: skip
