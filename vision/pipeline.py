"""The pipeline that is deployed: a frame in, a reading out."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from scenarios import Camera, Frame, InputError, Layout, ShelfState
from vision.audit import audit
from vision.behind import Tops, rows_behind, tops_of
from vision.detect import Detector
from vision.readings import PRODUCT, Detections, Reading
from vision.recognize import Gallery, Recognizer, nearest
from vision.register import View, register, view_of
from vision.runtimes import open_session

WEIGHTS = Path(__file__).parent / "weights"
WEAKEST_EVIDENCE = 0.05
"""Boxes down to this score are evidence at a place where the plan expects a pack."""


class Pipeline:
    """Detector, recognizer and what is known of the shelves. Not safe for several threads at once."""

    def __init__(
        self,
        detector: Detector,
        recognizer: Recognizer | None = None,
        gallery: Gallery | None = None,
        layout: Layout | None = None,
        score: float = 0.25,
    ) -> None:
        if gallery is not None and recognizer is not None and gallery.network != recognizer.session.checksum:
            raise InputError("the gallery was enrolled with another recognizer; enrol it again with this one")
        self.detector, self.recognizer, self.gallery, self.layout = detector, recognizer, gallery, layout
        self.score = score
        if layout is not None:
            detector.score = min(score, WEAKEST_EVIDENCE)
        self._views: dict[Camera, View] = {}
        self._tops: dict[Camera, Tops] = {}

    @staticmethod
    def load(
        detector: str = "yolo11n",
        recognizer: str = "embed",
        gallery: Gallery | None = None,
        layout: Layout | None = None,
        runtime: str = "onnxruntime-cpu",
        score: float = 0.25,
        max_detections: int = 1000,
    ) -> Pipeline:
        """Load the shipped weights of these names, or files. Raises InputError for what is not there."""
        found = Detector(open_session(weights_path(detector), runtime), score, max_detections=max_detections)
        embedder = Recognizer(open_session(weights_path(recognizer), runtime)) if gallery is not None else None
        return Pipeline(found, embedder, gallery, layout, score)

    def __call__(self, frame: Frame) -> Reading:
        """Read one frame. Places and states are there when the layout and the frame's camera are known."""
        clock = _Clock()
        found = self.detector(frame.image)
        clock.lap("detect")
        similarities = None
        if self.recognizer is not None and self.gallery is not None:
            found, similarities = self._recognize(frame, found)
        clock.lap("recognize")
        places = None
        states: tuple[ShelfState, ...] = ()
        if self.layout is not None and frame.camera is not None:
            names = self.gallery.names if self.gallery is not None else None
            places = register(self.layout, self._view(frame.camera), found, similarities, names)
            clock.lap("register")
            places = replace(places, behind=rows_behind(frame.image, self._tops[frame.camera], found))
            states = audit(self.layout, places)
            clock.lap("count")
        height, width = frame.image.shape[:2]
        camera = frame.camera.id if frame.camera is not None else None
        return Reading(camera, frame.time, (width, height), above(found, self.score), places, states, clock.laps)

    def _recognize(self, frame: Frame, found: Detections) -> tuple[Detections, np.ndarray]:
        assert self.recognizer is not None
        assert self.gallery is not None
        products = np.flatnonzero(found.class_id == PRODUCT)
        similarities = np.zeros((len(found), len(self.gallery.names)), np.float32)
        similarities[products] = self.gallery.similarities(self.recognizer.embed(frame.image, found.xyxy[products]))
        sku, similarity = found.sku.copy(), found.similarity.copy()
        sku[products], similarity[products] = nearest(self.gallery, similarities[products])
        return replace(found, sku=sku, similarity=similarity), similarities

    def _view(self, camera: Camera) -> View:
        assert self.layout is not None
        if camera not in self._views:
            self._views[camera] = view_of(self.layout, camera)
            self._tops[camera] = tops_of(self.layout, camera)
        return self._views[camera]


def above(found: Detections, score: float) -> Detections:
    """The detections with at least this score."""
    keep = found.confidence >= score
    return Detections(
        found.xyxy[keep], found.confidence[keep], found.class_id[keep], found.sku[keep], found.similarity[keep]
    )


def weights_path(name: str) -> Path:
    """The file of shipped weights of this name, or `name` itself if it is a file."""
    shipped = WEIGHTS / f"{name}.onnx"
    if shipped.is_file():
        return shipped
    if Path(name).is_file():
        return Path(name)
    known = ", ".join(sorted(p.stem for p in WEIGHTS.glob("*.onnx"))) or "none"
    raise InputError(f"{name}: no such weights; shipped are {known}; or give a path to an ONNX file")


class _Clock:
    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, stage: str) -> None:
        now = time.perf_counter()
        self.laps[stage] = (now - self._last) * 1000
        self._last = now
