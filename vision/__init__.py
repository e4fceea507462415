"""The deployed pipeline: detection, recognition, registration, counting. Knows nothing of the simulator."""

from vision.audit import audit
from vision.detect import Detector
from vision.fuse import fuse
from vision.pipeline import Pipeline
from vision.readings import CLASSES, Detections, PlaceReadings, PlaceState, Reading
from vision.recognize import Gallery, Recognizer, enroll, gallery_of

__all__ = [
    "CLASSES", "Detections", "Detector", "Gallery", "Pipeline", "PlaceReadings", "PlaceState", "Reading",
    "Recognizer", "audit", "enroll", "fuse", "gallery_of",
]  # fmt: skip
