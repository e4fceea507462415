"""What a trained detector gets right and wrong on its val split, read from the exported file as a device reads it.

python -m bench.training.review WEIGHTS DATA     the figures on the val split of a data set, as cards have them
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.precision import Matches, PrecisionSamples, match
from vision.detect import Detector
from vision.pictures import COLOURS, load_picture
from vision.pipeline import weights_path
from vision.readings import CLASSES, Detections
from vision.runtimes import open_session
from vision.training import TrainingData, prepare_data

LEAST_SCORE = 0.01
"""Boxes below this are no part of a precision curve that anybody would work on."""
SURE = 0.25
"""What the pipeline says it sees: the confusions, misses and false boxes are counted at this score."""
WORST = 8
RIGHT, FALSE, MISSED = COLOURS[0], COLOURS[1], (240, 228, 66)
NOTHING = np.empty((0, 4))


@dataclass(frozen=True, eq=False)
class Case:
    """A picture with its errors: boxes that are missed (M, 4), false (F, 4) and right (R, 4), xyxy pixels."""

    path: Path
    missed: NDArray[np.float64]
    false: NDArray[np.float64]
    right: NDArray[np.float64]

    @property
    def errors(self) -> int:
        return len(self.missed) + len(self.false)


@dataclass(frozen=True, eq=False)
class Review:
    """`confusion` (C + 1, C + 1): rows are what is there, columns what was said; the last of each is nothing."""

    figures: dict[str, float]
    confusion: NDArray[np.int64]
    worst: tuple[Case, ...]
    pictures: int

    def as_rows(self) -> dict[str, dict[str, int]]:
        """The confusions as plain data."""
        there, said = (*CLASSES, "nothing"), (*CLASSES, "nothing")
        return {t: {s: int(self.confusion[i, j]) for j, s in enumerate(said)} for i, t in enumerate(there)}


def review_detector(weights: Path, data: TrainingData) -> Review:
    """Read the val pictures with exported weights. Classes that are not labelled in a picture are left out there."""
    detector = Detector(open_session(weights), score=LEAST_SCORE)
    folder = data.yaml.parent
    confusion = np.zeros((len(CLASSES) + 1,) * 2, np.int64)
    matches: dict[int, list[Matches]] = {c: [] for c in range(len(CLASSES))}
    cases = []
    paths = sorted((folder / "images" / "val").iterdir())
    for path in paths:
        image = load_picture(path)
        boxes, kinds = _labels(folder / "labels" / "val" / f"{path.stem}.txt", image.shape[1], image.shape[0])
        found = detector(image)
        found = found.where(np.isin(found.class_id, data.known(path)))
        for kind in data.known(path):
            own = found.where(found.class_id == kind)
            matches[kind].append(
                match(own.xyxy.astype(float), own.confidence.astype(float), boxes[kinds == kind], NOTHING)
            )
        cases.append(_case(path, boxes, kinds, found.where(found.confidence >= SURE), confusion))
    worst = sorted((case for case in cases if case.errors), key=lambda case: -case.errors)[:WORST]
    return Review(_figures(matches, confusion), confusion, tuple(worst), len(paths))


def _labels(file: Path, width: int, height: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    rows = np.array([line.split() for line in file.read_text().splitlines()], float).reshape(-1, 5)
    centre, half = rows[:, 1:3], rows[:, 3:] / 2
    boxes = np.concatenate([centre - half, centre + half], axis=1) * (width, height, width, height)
    return boxes, rows[:, 0].astype(np.int64)


def _case(
    path: Path, boxes: NDArray[np.float64], kinds: NDArray[np.int64], found: Detections, confusion: NDArray[np.int64]
) -> Case:
    """Match what is said to what is there, whatever the class, at IoU 0.5; count the pairs into `confusion`."""
    nothing = len(CLASSES)
    order = np.argsort(-found.confidence, kind="stable")
    xyxy, said = found.xyxy[order].astype(float), found.class_id[order]
    hit = match(xyxy, found.confidence[order].astype(float), boxes, NOTHING).hit[0]
    there = np.where(hit >= 0, kinds[hit], nothing) if len(kinds) else np.full(len(hit), nothing)
    missed = np.setdiff1d(np.arange(len(kinds)), hit)
    np.add.at(confusion, (there, said), 1)
    np.add.at(confusion, (kinds[missed], nothing), 1)
    return Case(path, boxes[missed], xyxy[there != said], xyxy[there == said])


def _figures(matches: dict[int, list[Matches]], confusion: NDArray[np.int64]) -> dict[str, float]:
    """AP50 and AP of each class that is there at all, and recall and precision at SURE."""
    figures: dict[str, float] = {}
    for kind, name in enumerate(CLASSES):
        if not sum(m.objects for m in matches[kind]):
            continue
        samples = PrecisionSamples(matches[kind], np.zeros(len(matches[kind]), np.int64), 1)
        curve = samples.average_precision(np.ones(1))
        figures |= {f"{name} AP50": float(curve[0]), f"{name} AP": float(curve.mean())}
        figures[f"{name} recall at {SURE}"] = float(confusion[kind, kind] / max(confusion[kind].sum(), 1))
        figures[f"{name} precision at {SURE}"] = float(confusion[kind, kind] / max(confusion[:, kind].sum(), 1))
    return figures


def table(review: Review) -> str:
    """The table for the terminal: a class a line."""
    columns = ("AP50", "AP", f"recall at {SURE}", f"precision at {SURE}")
    lines = [f"{'class':12}" + "".join(f"{c:>20}" for c in columns) + f"   on {review.pictures} val pictures"]
    for name in CLASSES:
        if f"{name} AP50" in review.figures:
            lines.append(f"{name:12}" + "".join(f"{review.figures[f'{name} {c}']:20.3f}" for c in columns))
    return "\n".join(lines)


def draw_worst(review: Review, folder: Path) -> None:
    """Write the pictures with the most errors, the worst first: right boxes thin green, false orange, missed yellow."""
    folder.mkdir()
    for number, case in enumerate(review.worst, start=1):
        image = load_picture(case.path)
        for boxes, colour, width in ((case.right, RIGHT, 1), (case.false, FALSE, 2), (case.missed, MISSED, 2)):
            for x0, y0, x1, y1 in np.round(boxes).astype(int).tolist():
                cv2.rectangle(image, (x0, y0), (x1 - 1, y1 - 1), colour, width)
        drawn = cv2.copyMakeBorder(image, 24, 0, 0, 0, cv2.BORDER_CONSTANT, value=(20, 20, 20))
        told = f"{len(case.missed)} missed (yellow), {len(case.false)} false (orange), {len(case.right)} right"
        cv2.putText(drawn, told, (6, 17), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (240, 240, 240), 1, cv2.LINE_AA)
        # Copies of pictures that lie here to be learned from: nobody in them is hidden.
        cv2.imwrite(str(folder / f"{number:02d}-{case.path.stem}.jpg"), drawn[..., ::-1])


def _figure(width: float, height: float, panels: int) -> tuple[Any, Any]:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    return pyplot.subplots(1, panels, figsize=(width, height), squeeze=False, layout="constrained")


def draw_confusion(review: Review, path: Path) -> None:
    """Draw the confusions; colours are shares of what is there."""
    figure, axes = _figure(6.4, 5.2, 1)
    names = (*CLASSES, "nothing")
    share = review.confusion / np.maximum(review.confusion.sum(axis=1, keepdims=True), 1)
    axes[0, 0].imshow(share, cmap="Blues", vmin=0, vmax=1)
    for i, row in enumerate(review.confusion):
        for j, count in enumerate(row):
            colour = "white" if share[i, j] > 0.5 else "black"
            axes[0, 0].text(j, i, str(count), ha="center", va="center", color=colour)
    axes[0, 0].set(xticks=range(len(names)), yticks=range(len(names)), xticklabels=names, yticklabels=names)
    axes[0, 0].set(xlabel="said", ylabel="there", title=f"{review.pictures} val pictures, IoU ≥ 0.5, score ≥ {SURE}")
    figure.savefig(path, dpi=110)


def draw_curves(history: Sequence[dict[str, float]], path: Path) -> None:
    """Draw losses and figures of every pass."""
    state = ("epoch", "passes", "minutes", "seconds", "ended", "rate", "fitness")
    names = [name for name in history[-1] if name not in state]
    losses = [name for name in names if "loss" in name]
    figure, axes = _figure(10, 4, 2)
    for panel, chosen in ((axes[0, 0], losses), (axes[0, 1], [n for n in names if n not in losses])):
        for name in chosen:
            panel.plot(range(1, len(history) + 1), [row.get(name, np.nan) for row in history], marker=".", label=name)
        panel.set(xlabel="pass over the data")
        if chosen:
            panel.legend(fontsize=8)
    axes[0, 0].set_title("losses")
    axes[0, 1].set_title("figures of the val split while training")
    figure.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights")
    parser.add_argument("data", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        review = review_detector(weights_path(given.weights), prepare_data([given.data], {}, Path(folder) / "data"))
    for name, value in review.figures.items():
        print(f"- {name}: {value:.4f}")


if __name__ == "__main__":
    main()
