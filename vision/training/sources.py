"""Labelled pictures of the simulator or of the user, read from YOLO or COCO files into one form."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import yaml
from numpy.typing import NDArray

from scenarios import InputError
from vision.pictures import PICTURE_SUFFIXES
from vision.readings import CLASSES

OVERHANG = 0.01
"""Boxes may leave the frame by this share of its side and are cut: annotation tools round. Beyond it they are wrong."""

SPLIT_WORDS = {"test": {"test", "testing"}, "val": {"val", "valid", "validation"}}
"""Words in the name of a COCO file or its folder that say which split it is; without one it is trained on."""

Names = Mapping[str, str | None]
"""What classes of other names are: the name of one of CLASSES, or None for a class that is left out."""


@dataclass(frozen=True, eq=False)
class Labelled:
    """A picture and its boxes (N, 4) xyxy in shares of its width and height, float64, with `class_id` (N,).

    `side` is the longer one in pixels, right to 8.
    """

    path: Path
    side: int
    boxes: NDArray[np.float64]
    class_id: NDArray[np.int64]


@dataclass(frozen=True)
class Source:
    """One data set: its pictures by split (train, val, test) and what is to be said of it."""

    where: str
    pictures: Mapping[str, tuple[Labelled, ...]]
    notes: tuple[str, ...] = ()

    @property
    def known(self) -> tuple[int, ...]:
        """The classes that are labelled here: those with a box at all."""
        found = [p.class_id for pictures in self.pictures.values() for p in pictures]
        return tuple(int(c) for c in np.unique(np.concatenate(found))) if found else ()


def read_source(path: Path, names: Names) -> Source:
    """Read a YOLO folder (or its data.yaml), a COCO file, or a folder of COCO files.

    Raises InputError that names the file and the place.
    """
    if not path.exists():
        raise InputError(f"{path}: no such file or folder; expected a data set as YOLO (data.yaml) or COCO (.json)")
    if path.suffix in (".yaml", ".yml"):
        source = _read_yolo(path, names)
    elif path.suffix == ".json":
        source = _read_coco(path, [path], names)
    elif (path / "data.yaml").is_file():
        source = _read_yolo(path / "data.yaml", names)
    else:
        files = sorted(f for f in (*path.glob("*.json"), *path.glob("*/*.json")) if _is_coco(f))
        if not files:
            raise InputError(f"{path}: neither data.yaml (YOLO) nor a COCO file (.json) in it")
        source = _read_coco(path, files, names)
    if not source.pictures.get("train"):
        raise InputError(f"{path}: no pictures to train on")
    if not source.known:
        raise InputError(f"{path}: not a single box in {sum(map(len, source.pictures.values()))} pictures")
    return source


def _class_of(name: Any, names: Names, where: str) -> int | None:
    """The number of a class by its name, or None if it is left out."""
    plain = str(name).strip().lower().replace(" ", "_").replace("-", "_")
    meant = names.get(str(name), names.get(plain, plain))
    if meant is None:
        return None
    if meant not in CLASSES:
        raise InputError(
            f"{where}: class {name!r}; expected {', '.join(CLASSES)}; say what it is: 'names={{{name}: product}}', "
            "or null to leave it out"
        )
    return CLASSES.index(meant)


def _checked(corners: NDArray[np.float64], where: str) -> NDArray[np.float64]:
    """One box (4,) in shares, cut at the frame. Raises InputError where it lies outside or has no area."""
    cut = np.clip(corners, 0, 1)
    if not np.isfinite(corners).all() or np.abs(cut - corners).max() > OVERHANG:
        raise InputError(f"{where}: box {np.round(corners, 3).tolist()} in shares of the picture leaves its frame")
    if (cut[2:] <= cut[:2]).any():
        raise InputError(f"{where}: box {np.round(corners, 3).tolist()} in shares of the picture has no area")
    return cut


def _labelled(path: Path, side: int, boxes: list[NDArray[np.float64]], classes: list[int]) -> Labelled:
    return Labelled(path, side, np.array(boxes, float).reshape(-1, 4), np.array(classes, np.int64))


def _look(path: Path, where: str) -> tuple[int, int]:
    """Width and height of a picture, right to 8 pixels, from a decode at an eighth of its size."""
    if not path.is_file():
        raise InputError(f"{where}: no picture {path}")
    small = cv2.imread(str(path), cv2.IMREAD_REDUCED_GRAYSCALE_8)
    if small is None:
        raise InputError(f"{path}: not readable as a picture")
    return small.shape[1] * 8, small.shape[0] * 8


# YOLO


def _read_yolo(file: Path, names: Names) -> Source:
    try:
        data = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{file}: not readable as YAML: {' '.join(str(error).split())}") from None
    if not isinstance(data, dict) or not data.get("names") or not data.get("train"):
        raise InputError(f"{file}: expected the keys train and names, as YOLO trainers do")
    told = data["names"].items() if isinstance(data["names"], dict) else enumerate(data["names"])
    classes = {int(i): _class_of(name, names, str(file)) for i, name in told}
    root = Path(data.get("path") or ".")
    root = root if root.is_absolute() else file.parent / root
    if not root.is_dir():  # the data set was moved
        root = file.parent
    pictures = {}
    for split in ("train", "val", "test"):
        entries = data.get(split) or []
        paths = [
            p for entry in ([entries] if isinstance(entries, str) else entries) for p in _listed(root, entry, file)
        ]
        if split != "train" and entries == data["train"]:
            continue  # a stand-in: trainers ask for both
        pictures[split] = tuple(_yolo_labels(path, classes, file) for path in sorted(set(paths)))
    return Source(str(file.parent), pictures)


def _listed(root: Path, entry: str, file: Path) -> list[Path]:
    """The pictures that a split of data.yaml names: a folder, or a file with a path a line."""
    place = root / entry
    if not place.exists() and (file.parent / entry).exists():
        place = file.parent / entry
    if place.is_dir():
        return [p for p in place.rglob("*") if p.suffix.lower() in PICTURE_SUFFIXES]
    if not place.is_file():
        raise InputError(f"{file}: {entry}: no such folder or list of pictures")
    return [place.parent / line.strip() for line in place.read_text("utf-8").splitlines() if line.strip()]


def _yolo_labels(path: Path, classes: Mapping[int, int | None], file: Path) -> Labelled:
    """Labels lie beside the picture or in the folder labels where it lies in images; without a file it has no box."""
    side = max(_look(path, str(file)))
    labels = path.with_suffix(".txt")
    parts = list(labels.parts)
    if "images" in parts:
        parts[len(parts) - 1 - parts[::-1].index("images")] = "labels"
        labels = Path(*parts)
    boxes: list[NDArray[np.float64]] = []
    found: list[int] = []
    for number, line in enumerate(labels.read_text("utf-8").splitlines() if labels.is_file() else (), start=1):
        where = f"{labels}, line {number}"
        try:
            words = [float(word) for word in line.split()]
        except ValueError:
            raise InputError(f"{where}: {line[:60]!r}; expected numbers") from None
        if not words:
            continue
        if len(words) != 5 and (len(words) < 7 or len(words) % 2 == 0):
            raise InputError(f"{where}: {len(words)} numbers; expected class, centre x, centre y, width, height")
        if words[0] not in classes:
            raise InputError(f"{where}: class {words[0]:g}; {file} names {', '.join(map(str, classes))}")
        if (kind := classes[int(words[0])]) is None:
            continue
        values = np.array(words[1:])
        outline = (
            values.reshape(-1, 2) if len(words) != 5 else np.stack([values[:2] + s * values[2:] / 2 for s in (-1, 1)])
        )
        boxes.append(_checked(np.concatenate([outline.min(axis=0), outline.max(axis=0)]), where))
        found.append(kind)
    return _labelled(path, side, boxes, found)


# COCO


def _is_coco(file: Path) -> bool:
    with file.open(encoding="utf-8", errors="replace") as stream:
        return '"annotations"' in (text := stream.read()) and '"images"' in text


def _read_coco(root: Path, files: list[Path], names: Names) -> Source:
    """COCO files are told apart by their names or folders: train, val (valid), test; others are trained on."""
    pictures: dict[str, tuple[Labelled, ...]] = {}
    crowded = 0
    for file in files:
        words = set(re.findall("[a-z]+", f"{file.parent.name if file.parent != root else ''} {file.stem}".lower()))
        split = next((name for name, said in SPLIT_WORDS.items() if words & said), "train")
        read = list(_coco_pictures(file, names))
        pictures[split] = pictures.get(split, ()) + tuple(p for p in read if p is not None)
        crowded += sum(p is None for p in read)
    if len(files) == 1:  # whatever it is called: all that there is
        pictures = {"train": next(iter(pictures.values()))}
    note = f"{crowded} pictures left out: a part of each is marked as a crowd, whose products have no boxes"
    return Source(str(root), pictures, (note,) if crowded else ())


def _coco_pictures(file: Path, names: Names) -> Iterator[Labelled | None]:
    """The pictures of a COCO file; None for one with a crowd."""
    try:
        coco = json.loads(file.read_text(encoding="utf-8"))
        categories = {c["id"]: _class_of(c["name"], names, str(file)) for c in coco["categories"]}
        images = {image["id"]: image for image in coco["images"]}
        labels: dict[Any, list[dict]] = {number: [] for number in images}
        for label in coco["annotations"]:
            if label["image_id"] not in labels or label["category_id"] not in categories:
                raise InputError(f"{file}: annotation {label['id']} is of no image or category in this file")
            labels[label["image_id"]].append(label)
        find = _finder(file, [image["file_name"] for image in images.values()])
        for number, image in images.items():
            crowd = any(label.get("iscrowd") for label in labels[number])
            yield None if crowd else _coco_picture(file, find(image["file_name"]), image, labels[number], categories)
    except (ValueError, KeyError, TypeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{file}: not readable as COCO: {type(error).__name__} {error}") from None


def _coco_picture(file: Path, path: Path, image: dict, labels: list[dict], categories: dict) -> Labelled:
    width, height = _look(path, str(file))
    told = image["width"], image["height"]
    if max(abs(told[0] - width), abs(told[1] - height)) > 8:
        raise InputError(
            f"{file}: {image['file_name']} is {told[0]} × {told[1]} there and about {width} × {height} pixels"
        )
    boxes: list[NDArray[np.float64]] = []
    found: list[int] = []
    for label in labels:
        if (kind := categories[label["category_id"]]) is None:
            continue
        x, y, w, h = label["bbox"]
        corners = np.array([x, y, x + w, y + h], float) / (*told, *told)
        boxes.append(_checked(corners, f"{file}: annotation {label['id']} of {image['file_name']}"))
        found.append(kind)
    return _labelled(path, max(told), boxes, found)


def _finder(file: Path, named: list[str]) -> Callable[[str], Path]:
    """Where the pictures of a COCO file lie: beside it or in a folder as exporters name them."""
    parent, stem = file.parent, file.stem
    short = stem.removeprefix("instances_").removesuffix("_annotations.coco")
    roots = [parent, parent / "images", parent / "images" / short, parent / short, parent.parent / short]
    roots += [parent.parent / "images" / short, parent.parent / "images", parent.parent]
    for root in roots:
        if named and (root / named[0]).is_file():
            return lambda name: root / name
    raise InputError(
        f"{file}: its first picture {named[0] if named else '(none)'} lies neither beside it nor in images/"
    )
