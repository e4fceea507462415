"""The pipeline that is deployed: a frame in, a reading out."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scenarios import Camera, Frame, InputError, Layout, ShelfState
from vision.audit import audit
from vision.behind import Tops, columns, rows_behind, tops_of
from vision.calibrate import check_size
from vision.confidence import UNCALIBRATED, Calibration
from vision.detect import Detector
from vision.readings import PERSON, PRODUCT, Detections, Reading
from vision.recognize import Gallery, Recognizer, nearest
from vision.register import assign, register
from vision.runtimes import RanOn, Session, open_session
from vision.second_look import SecondLook
from vision.sizes import WEIGHT, Sizes, sizes_of
from vision.unchanged import Unchanged
from vision.view import View, view_of

WEIGHTS = Path(__file__).parent / "weights"
WEAKEST_EVIDENCE = 0.05
"""Boxes down to this score are evidence at a place where the plan expects a pack."""
WEAKEST_PERSON = 0.05
"""Boxes down to this score are hidden in pictures as persons: of 137 heads of simulated shoppers, yolo11n's boxes down
to 0.25 covered 0.964 to nine tenths or more, to 0.1 and to 0.05 0.971; its predecessor's 0.74, 0.93 and 0.97. With the
weights of now a person in tests/vision/test_privacy.py is found below 0.1 only."""
PLACES = 2
"""Places of one camera that something is kept of, some 6 MB each: where it was calibrated, and where it was last found.
Each small turn that a service corrects is another."""
NO_SHELF_READERS = ("centerface",)
"""Shipped weights that are neither a detector of products nor a recognizer."""


class Pipeline:
    """Detector, recognizer and what is known of the shelves. Not safe for several threads at once.

    With `reuse`, crops of a known camera that have not changed since its last frame are not embedded again. With
    `read_anew` as well, a frame in which nothing has changed and nobody is in view is given the camera's last reading;
    nothing is then older than so many seconds.
    """

    def __init__(
        self,
        detector: Detector,
        recognizer: Recognizer | None = None,
        gallery: Gallery | None = None,
        layout: Layout | None = None,
        score: float = 0.25,
        calibration: Calibration = UNCALIBRATED,
        reuse: bool = True,
        read_anew: float = 0.0,
    ) -> None:
        if gallery is not None and recognizer is not None and gallery.network != recognizer.session.checksum:
            raise InputError("the gallery was enrolled with another recognizer; enrol it again with this one")
        if gallery is not None and len(gallery.skus) == 0:
            raise InputError("the gallery is empty; enrol at least one picture")
        self.detector, self.recognizer, self.gallery, self.layout = detector, recognizer, gallery, layout
        self.score, self.calibration, self.reuse = score, calibration, reuse
        self.read_anew = read_anew if reuse else 0.0
        if layout is not None:
            detector.score = min(score, WEAKEST_EVIDENCE)
        detector.person_score = min(detector.score, WEAKEST_PERSON)
        self._kept: dict[Camera | None, _Kept] = {}

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
        reuse: bool = True,
        threads: int = 0,
        fallback: Sequence[str] = (),
        read_anew: float = 0.0,
    ) -> Pipeline:
        """Load the shipped weights of these names, or files; `threads` 0 takes all cores. Raises InputError for what
        is not there. Where `runtime` is not to be had, the first of `fallback` that is takes its place (see `ran_on`).
        """
        session = open_session(weights_path(detector), runtime, threads, fallback)
        found = Detector(session, score, max_detections=max_detections, tile=tile)
        embedder, calibration = None, UNCALIBRATED
        if gallery is not None:
            path = weights_path(recognizer)
            embedder = Recognizer(open_session(path, runtime, threads, fallback))
            calibration = Calibration.of(path, embedder.session.checksum)
        return Pipeline(found, embedder, gallery, layout, score, calibration, reuse, read_anew)

    def apart(self) -> Pipeline:
        """A pipeline of the same networks, gallery and layout that shares nothing else with this one: no crop is
        reused, and nothing that this one was shown has a say. Boxes down to `WEAKEST_EVIDENCE` are told."""
        return Pipeline(
            self.detector, self.recognizer, self.gallery, self.layout, WEAKEST_EVIDENCE, self.calibration, reuse=False
        )

    @property
    def ran_on(self) -> dict[str, RanOn]:
        """What each network runs on, which is not what was asked for where a fallback took its place."""
        return {name: session.ran_on for name, session in self.sessions.items()}

    @property
    def sessions(self) -> dict[str, Session]:
        """The networks that take part in a reading."""
        found = {"detector": self.detector.session}
        if self.recognizer is not None and self.gallery is not None:
            found["recognizer"] = self.recognizer.session
        return found

    def __call__(self, frame: Frame) -> Reading:
        """Read one frame. Places and states are there when the layout and the frame's camera are known.

        Raises InputError for a frame of another size than its camera was calibrated with.
        """
        if frame.camera is not None:
            check_size(frame.camera, frame.image)
        kept = self._kept_of(frame.camera)
        clock = _Clock()
        unchanged = kept.unchanged
        if unchanged is not None and self.read_anew:
            last = unchanged.look(frame)
            clock.lap("compare")
            if last is not None:
                return replace(last, latency_ms=clock.laps)
        found = self.detector(frame.image)
        clock.lap("detect")
        layout, camera, view, tops = self.layout, frame.camera, kept.view, kept.tops
        # Before recognition, which costs more than all else and is spared what no place needs.
        match = assign(view, found) if view is not None else np.empty(0, np.int64)
        similarities = None
        if self.recognizer is not None and self.gallery is not None:
            found, similarities = self._recognize(frame, found, match, kept)
        clock.lap("recognize")
        places = None
        states: tuple[ShelfState, ...] = ()
        if layout is not None and view is not None and tops is not None:
            names = self.gallery.names if self.gallery is not None else None
            places = register(layout, view, found, match, similarities, names)
            clock.lap("register")
            behind = rows_behind(frame.image, tops, found)
            # A person before the front is before what follows it too; other cameras may see both.
            behind[~places.judged[columns(layout)]] = 0
            places = replace(places, behind=behind)
            states = audit(layout, places)
            clock.lap("count")
        height, width = frame.image.shape[:2]
        people = found.xyxy[(found.class_id == PERSON) & (found.confidence >= min(self.score, WEAKEST_PERSON))]
        said = above(found, self.score)
        name = camera.id if camera is not None else None
        reading = Reading(name, frame.time, (width, height), said, places, states, clock.laps, people)
        if unchanged is not None:
            unchanged.keep(reading)
            clock.lap("recognize")
        return reading

    def _recognize(
        self, frame: Frame, found: Detections, match: NDArray[np.int64], kept: _Kept
    ) -> tuple[Detections, NDArray[np.float32]]:
        """Name the products that the reading tells, and weaker ones only where the plan has a place for them."""
        assert self.recognizer is not None
        assert self.gallery is not None
        wanted = found.confidence >= self.score
        wanted[match[match >= 0]] = True
        products = np.flatnonzero((found.class_id == PRODUCT) & wanted)
        boxes = found.xyxy[products]
        if kept.unchanged is not None and not self.read_anew:
            kept.unchanged.look(frame)
        embeddings = (kept.unchanged or self.recognizer).embed(frame.image, boxes)
        known = self.gallery.similarities(embeddings)
        if kept.sizes is not None:
            known -= WEIGHT * kept.sizes.misfit(boxes)
        if kept.second_look is not None:
            known = kept.second_look(frame.image, boxes, embeddings, known)
        similarities = np.zeros((len(found), len(self.gallery.names)), np.float32)
        similarities[products] = known
        sku, similarity, confidence = found.sku.copy(), found.similarity.copy(), found.sku_confidence.copy()
        sku[products], similarity[products], confidence[products] = nearest(self.gallery, known, self.calibration)
        best = found.nearest.copy()
        best[products] = self.gallery.names[known.argmax(axis=1)] if len(products) else None
        return replace(found, sku=sku, similarity=similarity, sku_confidence=confidence, nearest=best), similarities

    def _kept_of(self, camera: Camera | None) -> _Kept:
        """What is kept of a camera, worked out where it is new; of its places but this one, the newest stay."""
        if camera not in self._kept:
            if camera is not None:
                for old in [c for c in self._kept if c is not None and c.id == camera.id][: -(PLACES - 1)]:
                    del self._kept[old]
            self._kept[camera] = self._worked_out(camera)
        return self._kept[camera]

    def _worked_out(self, camera: Camera | None) -> _Kept:
        gallery = self.gallery if self.recognizer is not None else None
        kept = _Kept()
        if gallery is not None and gallery.prints is not None:
            kept.second_look = SecondLook(gallery, self.calibration)
        if camera is None:
            return kept
        if self.reuse and (gallery is not None or self.read_anew):
            kept.unchanged = Unchanged(self.recognizer if gallery is not None else None, self.read_anew)
        if self.layout is not None:
            kept.view, kept.tops = view_of(self.layout, camera), tops_of(self.layout, camera)
            kept.sizes = sizes_of(self.layout, camera, gallery.names) if gallery is not None else None
        return kept


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


@dataclass
class _Kept:
    """What a pipeline keeps of one place of a camera: how it sees the shelves, and what it last saw."""

    view: View | None = None
    tops: Tops | None = None
    sizes: Sizes | None = None
    unchanged: Unchanged | None = None
    second_look: SecondLook | None = None


class _Clock:
    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, stage: str) -> None:
        now = time.perf_counter()
        self.laps[stage] = self.laps.get(stage, 0.0) + (now - self._last) * 1000
        self._last = now
