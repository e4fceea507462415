"""Sessions that answer without a network."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from vision.runtimes import RanOn


class FakeSession:
    """Answers each batch by a function."""

    def __init__(self, answer: Callable[[NDArray], NDArray], input_shape: tuple = (None, 3, None, None)) -> None:
        self.answer = answer
        self.input_shape = input_shape
        self.metadata = {"image_size": "640"}
        self.checksum = "fake"
        self.source = "fake.onnx"
        self.ran_on = RanOn("fake", "fp32", "none")

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        return self.answer(batch).astype(np.float32)


def boxes_session(
    boxes: list[tuple[float, float, float, float]], scores: list[float], classes: list[int], scale: float
):
    """A detector that always answers these xyxy boxes of the original picture, at `scale` in its input."""
    xyxy = np.array(boxes, float).reshape(-1, 4) * scale
    raw = np.zeros((1, 8, len(boxes)))
    raw[0, :2], raw[0, 2:4] = ((xyxy[:, :2] + xyxy[:, 2:]) / 2).T, (xyxy[:, 2:] - xyxy[:, :2]).T
    raw[0, 4 + np.array(classes, int), np.arange(len(boxes))] = scores
    return FakeSession(lambda _: raw)


def mean_colour_session() -> FakeSession:
    """An embedding that is the crop's mean colour."""

    def answer(batch: NDArray) -> NDArray:
        colour = batch.mean(axis=(2, 3)) - 0.5
        return colour / np.maximum(np.linalg.norm(colour, axis=1, keepdims=True), 1e-6)

    return FakeSession(answer, (None, 3, 32, 24))
