"""The pipeline that is deployed: a frame in, a reading out."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from scenarios import Camera, Frame, InputError, Layout, ShelfState
from vision.audit import audit
from vision.behind import Tops, rows_behind, tops_of
from vision.calibrate import check_size
from vision.detect import Detector
from vision.readings import PERSON, PRODUCT, Detections, Reading
from vision.recognize import Gallery, Recognizer, nearest
from vision.register import View, register, view_of
from vision.runtimes import open_session

WEIGHTS = Path(__file__).parent / "weights"
WEAKEST_EVIDENCE = 0.05
"""Boxes down to this score are evidence at a place where the plan expects a pack."""
WEAKEST_PERSON = 0.1
"""Boxes down to this score are hidden in pictures as persons: of 137 heads of simulated shoppers, yolo11n's boxes down
to 0.25 covered 0.964 to nine tenths or more, to 0.1 and to 0.05 0.971; its predecessor's 0.74, 0.93 and 0.97."""
NO_SHELF_READERS = ("centerface",)
"""Shipped weights that are neither a detector of products nor a recognizer."""


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
        if gallery is not None and len(gallery.skus) == 0:
            raise InputError("the gallery is empty; enrol at least one picture")
        self.detector, self.recognizer, self.gallery, self.layout = detector, recognizer, gallery, layout
        self.score = score
        if layout is not None:
            detector.score = min(score, WEAKEST_EVIDENCE)
        detector.person_score = min(detector.score, WEAKEST_PERSON)
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
        tile: int = 0,
    ) -> Pipeline:
        """Load the shipped weights of these names, or files. Raises InputError for what is not there."""
        session = open_session(weights_path(detector), runtime)
        found = Detector(session, score, max_detections=max_detections, tile=tile)
        embedder = Recognizer(open_session(weights_path(recognizer), runtime)) if gallery is not None else None
        return Pipeline(found, embedder, gallery, layout, score)

    def __call__(self, frame: Frame) -> Reading:
        """Read one frame. Places and states are there when the layout and the frame's camera are known.

        Raises InputError for a frame of another size than its camera was calibrated with.
        """
        if frame.camera is not None:
            check_size(frame.camera, frame.image)
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
        people = found.xyxy[(found.class_id == PERSON) & (found.confidence >= min(self.score, WEAKEST_PERSON))]
        said = above(found, self.score)
        return Reading(camera, frame.time, (width, height), said, places, states, clock.laps, people)

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
    return found.where(found.confidence >= score)


def weights_path(name: str) -> Path:
    """The file of shipped weights of this name, or `name` itself if it is a file."""
    shipped = WEIGHTS / f"{name}.onnx"
    if shipped.is_file():
        return shipped
    if Path(name).is_file():
        return Path(name)
    known = ", ".join(sorted(p.stem for p in WEIGHTS.glob("*.onnx") if p.stem not in NO_SHELF_READERS)) or "none"
    raise InputError(f"{name}: no such weights; shipped are {known}; or give a path to an ONNX file")


class _Clock:
    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, stage: str) -> None:
        now = time.perf_counter()
        self.laps[stage] = (now - self._last) * 1000
        self._last = now
