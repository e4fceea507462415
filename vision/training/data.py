"""One data set to train on, of one or several sources, in the form that ultralytics reads."""

from __future__ import annotations

import hashlib
import shutil
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from scenarios import InputError
from vision.readings import CLASSES
from vision.training.sources import Labelled, Names, Source, read_source

HELD_OUT = 10
"""Of a source without a val split every tenth picture is held out, chosen by its name."""


@dataclass(frozen=True)
class Share:
    """What one source brings: pictures to train on and to validate with, boxes of both, and its labelled classes."""

    where: str
    train: int
    val: int
    boxes: int
    known: tuple[int, ...]
    notes: tuple[str, ...]

    def __str__(self) -> str:
        missing = [name for i, name in enumerate(CLASSES) if i not in self.known]
        unlabelled = f"; {', '.join(missing)} not labelled there: taught nothing about them" if missing else ""
        notes = "".join(f"; {note}" for note in self.notes)
        return f"{self.where}: {self.train} + {self.val} pictures (train + val), {self.boxes} boxes{unlabelled}{notes}"


@dataclass(frozen=True)
class TrainingData:
    """A prepared data set. `yaml` is what ultralytics reads; `digest` is the SHA-256 of all pictures and boxes;
    `largest` the longest side of a picture in pixels, right to 8.

    Pictures are called NN-… with the number of their share.
    """

    yaml: Path
    digest: str
    shares: tuple[Share, ...]
    largest: int

    def known(self, picture: str | Path) -> tuple[int, ...]:
        """The classes that are labelled in a picture of this data set."""
        return self.shares[int(Path(picture).name.split("-")[0])].known


def prepare_data(sources: Sequence[Path], names: Names, folder: Path) -> TrainingData:
    """Read data sets and write them as one into `folder` (links to the pictures, and labels), whole or not at all.

    A source that is named twice is seen twice in every pass. Raises InputError that names the file and the place.
    """
    if not sources:
        raise InputError("train: data is empty; expected a data set or a list of them")
    read = {path: _with_val(read_source(path, names)) for path in dict.fromkeys(sources)}
    parts = {path: _digest_of(source.pictures) for path, source in read.items()}
    digest = hashlib.sha256(b"".join(parts[path] for path in sources)).hexdigest()
    shares = tuple(_share(read[path], path not in sources[:i]) for i, path in enumerate(sources))
    draft = folder.with_name(f".{folder.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    for number, path in enumerate(sources):
        for split in ("train", "val"):
            if split == "train" or path not in sources[:number]:
                _write(draft, split, number, read[path].pictures[split])
    named = "".join(f"  {i}: {name}\n" for i, name in enumerate(CLASSES))
    text = f"path: {folder.resolve()}\ntrain: images/train\nval: images/val\nnames:\n{named}"
    (draft / "data.yaml").write_text(text)
    shutil.rmtree(folder, ignore_errors=True)
    draft.rename(folder)
    largest = max(p.side for source in read.values() for p in source.pictures["train"])
    return TrainingData(folder / "data.yaml", digest, shares, largest)


def _with_val(source: Source) -> Source:
    """The source with a val split, held out of train where it has none."""
    train = source.pictures["train"]
    if source.pictures.get("val"):
        return source
    if len(train) < 2:
        raise InputError(f"{source.where}: {len(train)} picture; expected at least 2, one of them to validate with")
    marks = [zlib.crc32(p.path.name.encode()) for p in train]
    chosen = {i for i, mark in enumerate(marks) if mark % HELD_OUT == 0}
    if not chosen or len(chosen) == len(train):
        chosen = {marks.index(min(marks))}
    pictures = {
        "train": tuple(p for i, p in enumerate(train) if i not in chosen),
        "val": tuple(p for i, p in enumerate(train) if i in chosen),
    }
    note = f"no val split: {len(chosen)} of its {len(train)} pictures are held out"
    return Source(source.where, pictures, (*source.notes, note))


def _share(source: Source, validates: bool) -> Share:
    train, val = source.pictures["train"], source.pictures["val"] if validates else ()
    boxes = sum(len(p.boxes) for p in (*train, *val))
    return Share(source.where, len(train), len(val), boxes, source.known, source.notes)


def _write(folder: Path, split: str, number: int, pictures: Sequence[Labelled]) -> None:
    images, labels = folder / "images" / split, folder / "labels" / split
    images.mkdir(parents=True, exist_ok=True)
    labels.mkdir(parents=True, exist_ok=True)
    for i, picture in enumerate(pictures):
        name = f"{number:02d}-{i:06d}-{picture.path.stem}"
        (images / f"{name}{picture.path.suffix.lower()}").symlink_to(picture.path.resolve())
        lines = []
        for (x0, y0, x1, y1), kind in zip(picture.boxes, picture.class_id):
            lines.append(f"{kind} {(x0 + x1) / 2:.6f} {(y0 + y1) / 2:.6f} {x1 - x0:.6f} {y1 - y0:.6f}\n")
        (labels / f"{name}.txt").write_text("".join(lines))


def _digest_of(pictures: Mapping[str, Sequence[Labelled]]) -> bytes:
    total = hashlib.sha256()
    for split in ("train", "val"):
        for picture in sorted(pictures[split], key=lambda p: p.path.name):
            total.update(picture.path.name.encode() + hashlib.sha256(picture.path.read_bytes()).digest())
            total.update(picture.boxes.tobytes() + picture.class_id.tobytes())
    return total.digest()
