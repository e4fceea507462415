"""What a detector keeps of its accuracy in other formats and precisions.

`python -m bench.exported DATA SPLIT REFERENCE OTHER [OTHER …]` reads a split of a data set of `shelfbench dataset` with
every weights file (FILE, or FILE@RUNTIME) and prints AP and counts of products, and their share of the reference's,
with 95 % intervals over stores. With --output they are written as JSON. What was read is kept beside it, so that a
run that was ended goes on. --rounds also times the networks on one picture, in turns that change their order.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.devices import conditions
from bench.precision import PrecisionSamples, match
from bench.results import estimate_row
from bench.statistics import Sample, interval, jackknife, leave_one_out
from bench.training.transfer import LEAST_SCORE, labelled_pictures
from scenarios import InputError
from vision import Detector
from vision.detect import letterbox
from vision.outputs import write_json
from vision.pictures import load_picture
from vision.readings import PRODUCT
from vision.runtimes import open_session

COUNTED = 0.25
"""Boxes from this score on are counted, as `shelfwatch read` does."""
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Read:
    """What one weights file read: boxes (N, 5) of every picture, xyxy and score."""

    name: str
    ran_on: str
    boxes: list[Floats]


def compare(
    pictures: Sequence[tuple[Path, Floats]], stores: NDArray[np.int64], reads: Sequence[Read]
) -> list[dict[str, Any]]:
    """A row for each of `reads`, the first of which is the reference: AP and `count_accuracy` (1 - Σ|boxes - products|
    ÷ Σ products, over pictures) as values, and as shares of the reference's; and `count_change`, by how much the
    counts differ from the reference's, all with intervals over `stores` (P,)."""
    truth = [boxes for _, boxes in pictures]
    number = int(stores.max()) + 1
    objects = np.array([len(t) for t in truth], float)
    reference: dict[str, Floats] = {}
    rows = []
    first = _counts(reads[0])
    for read in reads:
        counts = _counts(read)
        values = {
            "ap": _average_precision(read, truth, stores, number),
            "count_accuracy": 1 - _without_each(np.abs(counts - objects), objects, stores, number),
        }
        reference = reference or values
        change = _without_each(np.abs(counts - first), first, stores, number)
        rows.append(
            {
                "weights": read.name,
                "ran_on": read.ran_on,
                **{key: estimate_row(interval(_sample(v), 0.0, 1.0)) for key, v in values.items()},
                **{f"{key}_share": estimate_row(interval(_sample(v / reference[key]))) for key, v in values.items()},
                "count_change": estimate_row(interval(_sample(change), 0.0)),
            }
        )
    return rows


def _average_precision(read: Read, truth: Sequence[Floats], stores: NDArray[np.int64], number: int) -> Floats:
    nothing = np.empty((0, 4))
    matches = [match(b[:, :4], b[:, 4], t, nothing) for b, t in zip(read.boxes, truth)]
    made = PrecisionSamples(matches, stores, number)
    return np.array([made.average_precision(w).mean() for w in [np.ones(number), *leave_one_out(number)]])


def _without_each(part: Floats, whole: Floats, stores: NDArray[np.int64], number: int) -> Floats:
    """Σ part ÷ Σ whole over pictures, of all stores and without each of them."""
    weights = np.array([w[stores] for w in [np.ones(number), *leave_one_out(number)]])
    return (weights @ part) / (weights @ whole)


def _sample(values: Floats) -> Sample:
    return jackknife(float(values[0]), values[1:])


def _counts(read: Read) -> Floats:
    return np.array([(b[:, 4] >= COUNTED).sum() for b in read.boxes], float)


def read_all(weights: str, pictures: Sequence[tuple[Path, Floats]], kept: Path | None) -> Read:
    """Read every picture by FILE or FILE@RUNTIME; `kept` is a folder for what was read."""
    file, _, runtime = weights.partition("@")
    session = open_session(Path(file), runtime or "onnxruntime-cpu")
    detector, ran_on = Detector(session, score=LEAST_SCORE), str(session.ran_on)
    plain = [session.checksum, ran_on, [str(p) for p, _ in pictures]]
    place = kept / f"{hashlib.sha256(json.dumps(plain).encode()).hexdigest()[:16]}.npz" if kept is not None else None
    boxes: list[Floats] = []
    if place is not None and place.is_file():
        data = np.load(place)
        boxes = [data[f"arr_{i}"] for i in range(len(data.files))]
    for i, (path, _) in enumerate(pictures[len(boxes) :], start=len(boxes) + 1):
        found = detector(load_picture(path))
        products = found.class_id == PRODUCT
        boxes.append(np.column_stack([found.xyxy, found.confidence])[products].astype(float))
        if place is not None and (i % 50 == 0 or i == len(pictures)):
            place.parent.mkdir(parents=True, exist_ok=True)
            draft = place.with_name(f".draft-{place.name}")
            np.savez(draft, *boxes)
            draft.replace(place)
    return Read(weights, ran_on, boxes)


def times(weights: Sequence[str], picture: Path, rounds: int) -> list[dict[str, Any]]:
    """Processor time of each network on one picture and one thread, as a share of the first's: the median of `rounds`
    pairs, each measured in one turn, with a 95 % interval (order statistics)."""
    batches, sessions = {}, []
    for text in weights:
        file, _, runtime = text.partition("@")
        session = open_session(Path(file), runtime or "onnxruntime-cpu", threads=1)
        detector = Detector(session)
        batches[text] = letterbox(load_picture(picture), detector.size, detector.fixed)[0]
        sessions.append((text, session))
        session.run(batches[text])
    seconds: dict[str, list[float]] = {text: [] for text, _ in sessions}
    for i in range(rounds):
        for text, session in sessions if i % 2 else sessions[::-1]:
            start = time.process_time()
            session.run(batches[text])
            seconds[text].append(time.process_time() - start)
    first = np.array(seconds[weights[0]])
    rows = []
    # The distance from the median, in ranks, that holds the true one 19 times of 20.
    wide = int(np.ceil(0.98 * np.sqrt(rounds)))
    for text in weights:
        ratio = np.sort(np.array(seconds[text]) / first)
        middle = rounds // 2
        low, high = ratio[max(middle - wide, 0)], ratio[min(middle + wide, rounds - 1)]
        row = {"weights": text, "milliseconds": float(np.median(seconds[text]) * 1000)}
        rows.append(row | {"value": float(np.median(ratio)), "low": float(low), "high": float(high)})
    return rows


def table(rows: Sequence[dict[str, Any]]) -> str:
    """The rows for the terminal."""
    keys = ("ap", "ap_share", "count_accuracy", "count_accuracy_share", "count_change")
    lines = [f"{'weights':34}" + "".join(f"{key.replace('_', ' '):>24}" for key in keys)]
    for row in rows:
        cells = (row[key] for key in keys)
        name = row["weights"].split("/")[-1]
        lines.append(
            f"{name:34}" + "".join(f"{c['value']:9.4f} {c['low']:6.3f}–{c['high']:.3f}".rjust(24) for c in cells)
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description="What a detector keeps of its accuracy in other precisions.")
    parser.add_argument("data", type=Path)
    parser.add_argument("split")
    parser.add_argument("weights", nargs="+")
    parser.add_argument("--output", type=Path)
    parser.add_argument("--rounds", type=int, default=0)
    given = parser.parse_args()
    try:
        pictures, stores = labelled_pictures(given.data, given.split)
        kept = given.output.with_suffix("") if given.output else None
        reads = [read_all(w, pictures, kept) for w in given.weights]
    except InputError as error:
        parser.exit(2, f"bench.exported: {error}\n")
    rows = compare(pictures, np.array(stores), reads)
    print(table(rows))
    timed = times(given.weights, pictures[0][0], given.rounds) if given.rounds else []
    for row in timed:
        print(
            f"{row['weights'].split('/')[-1]:34}{row['milliseconds']:9.1f} ms of processor time, "
            f"{row['value']:.3f} {row['low']:.3f}–{row['high']:.3f} of the first"
        )
    if given.output:
        facts = {"data": str(given.data), "split": given.split, "pictures": len(pictures), "stores": len(set(stores))}
        write_json(given.output, facts | {"rows": rows, "times": timed, "conditions": conditions()})


if __name__ == "__main__":
    main()
