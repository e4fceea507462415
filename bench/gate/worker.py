"""One version of the pipeline, reading on demand. Started by the gate as `python worker.py TREE`, with the checkout
TREE first on the path: the gate's own copy of this file drives the base as well, so the base needs none.

Only what every version of `scenarios` and `vision` offers is used. Messages are pickles: on stdin what to do, on
stdout the answers; what code prints goes to stderr.
"""

from __future__ import annotations

import gc
import os
import pickle
import sys
import time
from pathlib import Path
from typing import Any, BinaryIO


class Reader:
    """The pipeline of this version on the gate's pictures."""

    def __init__(self, task: dict[str, Any]) -> None:
        import cv2
        import numpy as np

        from scenarios import Camera, CameraModel, Frame, load_scenario
        from vision import Gallery, Pipeline, Recognizer, gallery_of
        from vision.pipeline import weights_path
        from vision.runtimes import open_session

        if task["threads"]:
            cv2.setNumThreads(task["threads"])
        self.layout = load_scenario(task["scenario"]).layout
        gallery = Path(task["gallery"])
        if not gallery.is_file():
            recognizer = Recognizer(open_session(weights_path(task["recognizer"]), task["runtime"], task["threads"]))
            studio: dict[str, list] = {}
            with np.load(task["studio"]) as pictures:
                for name in pictures.files:
                    studio.setdefault(name.rsplit("\n", 1)[0], []).append(pictures[name])
            gallery_of(studio, recognizer).save(gallery)
        self.pipeline = Pipeline.load(
            task["detector"], task["recognizer"], Gallery.load(gallery), self.layout, task["runtime"],
            reuse=False, threads=task["threads"],
        )  # fmt: skip
        images = np.load(task["frames"])
        cameras = [Camera(c["id"], CameraModel(*c["model"]), c["position"], c["target"]) for c in task["cameras"]]
        self.frames = [Frame(image, cameras[i]) for image, i in zip(images, task["camera_of"])]
        self.places: dict[int, Any] = {}

    def read(self, picture: int) -> dict[str, Any]:
        """Read one picture; seconds by the clock and of the processor, and the stages' milliseconds by the clock."""
        frame = self.frames[picture]
        clock, processor = time.perf_counter(), time.process_time()
        reading = self.pipeline(frame)
        processor, clock = time.process_time() - processor, time.perf_counter() - clock
        self.places[picture] = reading.places
        found = reading.detections
        return {
            "clock": clock, "processor": processor, "stages": dict(reading.latency_ms), "xyxy": found.xyxy,
            "confidence": found.confidence, "class_id": found.class_id, "sku": list(found.sku),
        }  # fmt: skip

    def say(self, pictures: list[int]) -> list[tuple[str, int | None]]:
        """Level and facings of every position, as these pictures together say."""
        from vision import audit, fuse

        states = audit(self.layout, fuse([self.places[i] for i in pictures]))
        return [(s.level, s.facings) for s in states]


def serve(tree: str, inbox: BinaryIO, outbox: BinaryIO) -> None:
    """Answer until the gate closes the pipe."""

    def answer(value: Any) -> None:
        pickle.dump(value, outbox)
        outbox.flush()

    import vision

    if not Path(vision.__file__).resolve().is_relative_to(Path(tree).resolve()):
        raise ImportError(f"vision was taken from {vision.__file__}, not from {tree}")
    reader = Reader(pickle.load(inbox))
    gc.collect()
    gc.freeze()
    answer("ready")
    while True:
        try:
            verb, argument = pickle.load(inbox)
        except EOFError:
            return
        answer(getattr(reader, verb)(argument))


if __name__ == "__main__":
    sys.path[0] = sys.argv[1]  # instead of this file's folder
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    serve(sys.argv[1], sys.stdin.buffer, out)
