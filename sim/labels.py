"""What a detector should find in a picture: labelled boxes, from the picture's truth."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from scenarios import Layout, Scenario
from sim.truth import Truth

CLASSES = ("product", "gap", "price_tag", "person")
SMALLEST = 4.0
"""Boxes narrower or lower than this, in pixels, are not labelled."""
NEIGHBOUR = 0.03
"""Empty places closer than this, in metres, are one gap."""


def label_boxes(scenario: Scenario, truth: Truth, min_visible: float, segmentation: bool = False) -> list[dict]:
    """List what a detector should find, as COCO annotations without ids: xywh boxes of the visible part.

    Products carry `sku`, `position` (where they stand), `place`, `amodal_box` (xyxy, also outside the frame) and
    `visible_fraction`, with `segmentation` their mask too. Neighbouring empty places are one gap: nothing in
    a picture says where one missing pack would end and the next begin.
    """
    layout, units = scenario.layout, scenario.stock.units
    size = truth.mask.shape[::-1]
    labels: list[dict] = []
    for i in np.flatnonzero(truth.visible_fraction >= min_visible):
        label = _label(0, truth.visible_box[i], size) | {
            "sku": units[i].sku,
            "position": units[i].position,
            "place": int(truth.place[i]),
            "amodal_box": [round(float(v), 1) for v in truth.amodal_box[i]],
            "visible_fraction": round(float(truth.visible_fraction[i]), 3),
        }
        labels.append(label | ({"segmentation": run_lengths(truth.mask == i)} if segmentation else {}))
    seen = (truth.gap_visible_fraction >= min_visible) & (layout.places.level[truth.gap_place] == 0)
    labels += [_label(1, box, size) for box in merge_gaps(layout, truth.gap_place[seen], truth.gap_box[seen])]
    labels += [_label(2, box, size) for box in truth.price_tag_box[truth.price_tag_visible_fraction >= min_visible]]
    labels += [_label(3, box, size) for box in truth.person_box]
    return [label for label in labels if min(label["bbox"][2:]) >= SMALLEST]


def merge_gaps(layout: Layout, places: NDArray[np.int64], boxes: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """Join the boxes (G, 4) of empty places that stand side by side on one board, however its fixture is turned."""
    spans = []
    for i, place in enumerate(places):
        position = layout.planogram.positions[layout.places.position[place]]
        x = float(layout.store.fixture(position.fixture).to_local(layout.places.base[place])[0])
        half = float(layout.places.size[place, 0]) / 2
        spans.append(((position.fixture, position.shelf), x - half, x + half, i))
    merged: list[NDArray[np.float32]] = []
    last: tuple[tuple[str, int], float] | None = None
    for board, left, right, i in sorted(spans):
        if last is not None and board == last[0] and left - last[1] < NEIGHBOUR:
            low, high = np.minimum(merged[-1][:2], boxes[i, :2]), np.maximum(merged[-1][2:], boxes[i, 2:])
            merged[-1] = np.concatenate([low, high])
        else:
            merged.append(boxes[i])
        last = (board, right)
    return merged


def run_lengths(mask: NDArray[np.bool_]) -> dict:
    """A mask (H, W) as COCO's uncompressed run lengths: column by column, beginning with the pixels outside."""
    flat = np.concatenate([[False], mask.ravel(order="F")])
    counts = np.diff([0, *np.flatnonzero(flat[1:] != flat[:-1]), mask.size])
    return {"size": list(mask.shape), "counts": counts.tolist()}


def _label(category: int, box: NDArray[np.float32], size: Sequence[int]) -> dict:
    x0, x1 = np.clip(box[[0, 2]].astype(float), 0, size[0])
    y0, y1 = np.clip(box[[1, 3]].astype(float), 0, size[1])
    return {"category_id": category, "bbox": [round(float(v), 2) for v in (x0, y0, x1 - x0, y1 - y0)]}
