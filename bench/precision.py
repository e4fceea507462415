"""Average precision as COCO defines it, with the value from faster-coco-eval and fast resampling."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
THRESHOLDS = np.linspace(0.5, 0.95, 10)
RECALLS = np.linspace(0, 1, 101)
MAX_DETECTIONS = 1000


@dataclass(frozen=True, eq=False)
class Matches:
    """Detections of one picture (N), the most certain first, matched to its truth at ten IoU thresholds.

    `hit` (10, N) index of the matched object or -1; `ignored` (10, N) lies on an ignore region;
    `objects` is the number of objects that count. Boxes are kept for the reference evaluation.
    """

    scores: Floats
    hit: NDArray[np.int64]
    ignored: NDArray[np.bool_]
    boxes: Floats
    truth: Floats
    ignore_regions: Floats

    @property
    def objects(self) -> int:
        return len(self.truth)


def match(boxes: Floats, scores: Floats, truth: Floats, ignore_regions: Floats) -> Matches:
    """Match detections (N, 4) to objects (G, 4) and ignore regions (I, 4), all xyxy, as COCO does.

    Each detection, the most certain first, takes the free object that it overlaps most; one that
    takes none but lies by the threshold's share within an ignore region does not count.
    """
    order = np.argsort(-scores, kind="stable")[:MAX_DETECTIONS]
    boxes, scores = boxes[order].astype(float), scores[order].astype(float)
    hit = np.full((len(THRESHOLDS), len(boxes)), -1, np.int64)
    ignored = np.zeros(hit.shape, bool)
    shared = _intersection(boxes, truth)
    union = _area(boxes)[:, None] + _area(truth)[None] - shared
    overlap = shared / np.maximum(union, 1e-12)
    within = _intersection(boxes, ignore_regions) / np.maximum(_area(boxes), 1e-12)[:, None]
    deepest = within.max(axis=1, initial=0.0)
    limits = np.minimum(THRESHOLDS, 1 - 1e-10)
    for t, limit in enumerate(limits):
        free = np.ones(len(truth), bool)
        for d in np.flatnonzero((overlap >= limit).any(axis=1)):
            candidates = np.where(free, overlap[d], -1.0)
            # Of equals COCO takes the last.
            best = len(candidates) - 1 - int(candidates[::-1].argmax())
            if candidates[best] >= limit:
                hit[t, d], free[best] = best, False
        ignored[t] = (hit[t] < 0) & (deepest >= limit)
    return Matches(scores, hit, ignored, boxes, truth, ignore_regions)


class PrecisionSamples:
    """The matches of an arm's pictures, ready for average precision on any resample of scenarios."""

    def __init__(self, pictures: Sequence[Matches], scenario: NDArray[np.int64], scenarios: int) -> None:
        """`scenario` (P,) says which scenario each picture belongs to."""
        self._pictures = pictures
        scores = np.concatenate([p.scores for p in pictures]) if pictures else np.empty(0)
        order = np.argsort(-scores, kind="stable")
        self._scenario = np.repeat(scenario, [len(p.scores) for p in pictures])[order]
        self._hit = np.concatenate([p.hit >= 0 for p in pictures], axis=1)[:, order]
        self._counts = ~np.concatenate([p.ignored for p in pictures], axis=1)[:, order]
        self._objects = np.bincount(scenario, [p.objects for p in pictures], scenarios)

    def average_precision(self, weights: Floats) -> Floats:
        """AP at each of the ten thresholds (10,), each scenario taken `weights` (S,) times."""
        weight, objects = weights[self._scenario], float(weights @ self._objects)
        values = np.full(len(THRESHOLDS), np.nan)
        if objects == 0:
            return values
        for t in range(len(THRESHOLDS)):
            counts = self._counts[t] & (weight > 0)
            w, hit = weight[counts], self._hit[t, counts]
            true = np.cumsum(w * hit)
            precision = true / np.maximum(np.cumsum(w), 1e-12)
            envelope = np.maximum.accumulate(precision[::-1])[::-1]
            index = np.searchsorted(true / objects, RECALLS, side="left")
            values[t] = np.append(envelope, 0.0)[np.minimum(index, len(envelope))].mean()
        return values

    def reference(self) -> tuple[float, float]:
        """AP at 0.5 and AP over 0.5 to 0.95, by faster-coco-eval."""
        from faster_coco_eval import COCO, COCOeval_faster

        if not self._objects.sum():
            return float("nan"), float("nan")  # also where there are ignore regions
        images: list[dict] = []
        annotations: list[dict] = []
        detections: list[dict] = []
        for i, picture in enumerate(self._pictures, start=1):
            images.append({"id": i, "width": 1, "height": 1})
            for boxes, crowd in ((picture.truth, 0), (picture.ignore_regions, 1)):
                for x0, y0, x1, y1 in boxes.tolist():
                    box = [x0, y0, x1 - x0, y1 - y0]
                    annotations.append(
                        {
                            "id": len(annotations) + 1,
                            "image_id": i,
                            "category_id": 1,
                            "bbox": box,
                            "area": box[2] * box[3],
                            "iscrowd": crowd,
                        }
                    )
            for (x0, y0, x1, y1), score in zip(picture.boxes.tolist(), picture.scores.tolist()):
                detections.append({"image_id": i, "category_id": 1, "bbox": [x0, y0, x1 - x0, y1 - y0], "score": score})
        if not detections:
            return 0.0, 0.0
        with contextlib.redirect_stdout(io.StringIO()):
            truth = COCO({"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "product"}]})
            run = COCOeval_faster(truth, truth.loadRes(detections), "bbox")
            run.params.maxDets = [1, 100, MAX_DETECTIONS]
            run.params.areaRng, run.params.areaRngLbl = [[0, 1e10]], ["all"]
            run.evaluate()
            run.accumulate()
        precision = run.eval["precision"][:, :, 0, 0, -1]
        return float(precision[0].mean()), float(precision.mean())


def _intersection(a: Floats, b: Floats) -> Floats:
    low, high = np.maximum(a[:, None, :2], b[None, :, :2]), np.minimum(a[:, None, 2:], b[None, :, 2:])
    return np.prod(np.maximum(high - low, 0), axis=-1)


def _area(boxes: Floats) -> Floats:
    return np.prod(np.maximum(boxes[:, 2:] - boxes[:, :2], 0), axis=1)
