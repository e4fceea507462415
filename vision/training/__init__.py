"""Training of the detector and the recognizer on labelled pictures, and their export to ONNX.

Needs the `train` extra (torch, torchvision, ultralytics, onnx); nothing else in this room does.
"""

from vision.training.data import TrainingData, prepare_data
from vision.training.detector import DetectorPlan, DetectorRecipe, Trained, export_detector, train_detector
from vision.training.recognizer import RecognizerPlan, TrainedRecognizer, train_recognizer

__all__ = [
    "DetectorPlan", "DetectorRecipe", "RecognizerPlan", "Trained", "TrainedRecognizer", "TrainingData",
    "export_detector", "prepare_data", "train_detector", "train_recognizer",
]  # fmt: skip
