"""Data to train on: the user's YOLO and COCO files and the simulator's, read into one form, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from scenarios import InputError
from vision.training.data import prepare_data
from vision.training.sources import read_source

WIDTH, HEIGHT = 64, 48
BOX = (16.0, 12.0, 32.0, 36.0)
"""Pixels, xyxy."""


def picture(path: Path, shade: int = 90) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((HEIGHT, WIDTH, 3), shade, np.uint8))
    return path


def coco_file(
    folder: Path, name: str = "shelf.json", pictures: int = 3, classes: tuple[str, ...] = ("product",), **change: object
) -> Path:
    """A COCO file with one box a picture; `change` replaces keys of the first annotation."""
    x0, y0, x1, y1 = BOX
    images, labels = [], []
    for i in range(pictures):
        file = picture(folder / "images" / f"{folder.name}-{i}.jpg", 60 + i)
        images.append({"id": i, "file_name": file.name, "width": WIDTH, "height": HEIGHT})
        box = [x0, y0, x1 - x0, y1 - y0]
        labels.append({"id": i + 1, "image_id": i, "category_id": 7, "bbox": box, "iscrowd": 0})
    labels[0] |= change
    categories = [{"id": 7 + n, "name": name} for n, name in enumerate(classes)]
    (folder / name).write_text(json.dumps({"images": images, "annotations": labels, "categories": categories}))
    return folder / name


def yolo_folder(folder: Path, line: str = "0 0.375 0.5 0.25 0.5", names: tuple[str, ...] = ("product",)) -> Path:
    for i in range(3):
        picture(folder / "images" / "train" / f"{i}.jpg", 60 + i)
        (folder / "labels" / "train").mkdir(parents=True, exist_ok=True)
        (folder / "labels" / "train" / f"{i}.txt").write_text(line + "\n")
    (folder / "data.yaml").write_text(yaml.safe_dump({"train": "images/train", "names": list(names)}))
    return folder


def test_yolo_and_coco_say_the_same(tmp_path: Path) -> None:
    yolo = read_source(yolo_folder(tmp_path / "a"), {})
    coco = read_source(coco_file(tmp_path / "b"), {})
    for source in (yolo, coco):
        assert len(source.pictures["train"]) == 3
        for labelled in source.pictures["train"]:
            np.testing.assert_allclose(labelled.boxes * (WIDTH, HEIGHT, WIDTH, HEIGHT), [BOX])
            assert labelled.class_id.tolist() == [0]


def test_sources_are_mixed_and_what_one_does_not_label_is_known(tmp_path: Path) -> None:
    mine = yolo_folder(tmp_path / "mine", names=("Price-Tag",))
    shelf = coco_file(tmp_path / "shelf", pictures=5, classes=("product", "person"))
    made = prepare_data([mine, shelf, mine], {}, tmp_path / "made")
    told = yaml.safe_load(made.yaml.read_text())
    assert list(told["names"].values()) == ["product", "gap", "price_tag", "person"]
    train = sorted((tmp_path / "made" / "images" / "train").iterdir())
    val = sorted((tmp_path / "made" / "images" / "val").iterdir())
    assert [made.known(p) for p in train] == [(2,)] * 2 + [(0,)] * 4 + [(2,)] * 2  # named twice, seen twice
    assert [made.known(p) for p in val] == [(2,), (0,)]  # but validated once
    for path in (*train, *val):
        assert cv2.imread(str(path)).shape == (HEIGHT, WIDTH, 3)
        label = path.parents[2] / "labels" / path.parent.name / f"{path.stem}.txt"
        words = [float(word) for word in label.read_text().split()]
        assert words == [made.known(path)[0], 0.375, 0.5, 0.25, 0.5]
    assert "product, gap, person not labelled there" in str(made.shares[0])
    assert "1 of its 3 pictures are held out" in str(made.shares[0])


def test_the_digest_changes_with_a_box_and_with_a_pixel(tmp_path: Path) -> None:
    folder = yolo_folder(tmp_path / "mine")

    def digest() -> str:
        return prepare_data([folder], {}, tmp_path / "made").digest

    first = digest()
    assert digest() == first
    (folder / "labels" / "train" / "1.txt").write_text("0 0.4 0.5 0.25 0.5\n")
    second = digest()
    picture(folder / "images" / "train" / "1.jpg", 200)
    assert len({first, second, digest()}) == 3


def test_a_coco_folder_with_splits_keeps_them_apart(tmp_path: Path) -> None:
    for split in ("train", "valid", "test"):
        coco_file(tmp_path / split, "_annotations.coco.json")
    source = read_source(tmp_path, {})
    assert {split: len(pictures) for split, pictures in source.pictures.items()} == {"train": 3, "val": 3, "test": 3}
    made = prepare_data([tmp_path], {}, tmp_path / "made")
    assert (made.shares[0].train, made.shares[0].val) == (3, 3)


def test_a_picture_with_a_crowd_is_left_out_and_told(tmp_path: Path) -> None:
    source = read_source(coco_file(tmp_path, iscrowd=1), {})
    assert len(source.pictures["train"]) == 2
    assert "1 pictures left out" in source.notes[0]


def test_other_names_are_mapped_or_left_out(tmp_path: Path) -> None:
    file = coco_file(tmp_path, classes=("object", "logo"), category_id=8)
    source = read_source(file, {"object": "product", "logo": None})
    assert [len(p.boxes) for p in source.pictures["train"]] == [0, 1, 1]
    assert source.known == (0,)


def emptied(folder: Path) -> Path:
    folder.mkdir()
    return folder


def without_pictures(folder: Path) -> Path:
    file = coco_file(folder)
    for path in (folder / "images").iterdir():
        path.unlink()
    return file


def without_one(folder: Path) -> Path:
    file = coco_file(folder)
    (folder / "images" / f"{folder.name}-2.jpg").unlink()
    return file


def broken_picture(folder: Path) -> Path:
    file = coco_file(folder)
    (folder / "images" / f"{folder.name}-1.jpg").write_bytes(b"no picture")
    return file


def other_size(folder: Path) -> Path:
    file = coco_file(folder)
    file.write_text(file.read_text().replace(f'"width": {WIDTH}', '"width": 640'))
    return file


def text(folder: Path) -> Path:
    folder.mkdir()
    (folder / "shelf.json").write_text('{"images": [')
    return folder / "shelf.json"


REFUSED: list[tuple[Callable[[Path], Path], str]] = [
    (lambda folder: folder, "no such file or folder"),
    (emptied, "neither data.yaml"),
    (text, "not readable as COCO"),
    (without_pictures, "its first picture mine-0.jpg lies neither beside it"),
    (without_one, "no picture .*mine-2.jpg"),
    (broken_picture, "mine-1.jpg: not readable as a picture"),
    (other_size, "mine-0.jpg is 640 × 48 there and about 64 × 48"),
    (lambda folder: coco_file(folder, bbox=[40, 10, 40, 10]), "annotation 1 of mine-0.jpg: box .* leaves its frame"),
    (lambda folder: coco_file(folder, bbox=[40, 10, 0, 10]), "has no area"),
    (lambda folder: coco_file(folder, bbox=[40, float("nan"), 2, 10]), "leaves its frame"),
    (lambda folder: coco_file(folder, classes=("bottle",)), "class 'bottle'; expected product, gap, price_tag, person"),
    (lambda folder: coco_file(folder, category_id=3), "annotation 1 is of no image or category"),
    (lambda folder: yolo_folder(folder, "0 0.375 0.5 0.25 1.5"), "0.txt, line 1: box .* leaves its frame"),
    (lambda folder: yolo_folder(folder, "1 0.375 0.5 0.25 0.5"), "0.txt, line 1: class 1; .*data.yaml names 0"),
    (lambda folder: yolo_folder(folder, "0 0.375 0.5"), "0.txt, line 1: 3 numbers"),
    (lambda folder: yolo_folder(folder, "product 1 2 3 4"), "0.txt, line 1: 'product 1 2 3 4'; expected numbers"),
    (lambda folder: yolo_folder(folder, ""), "not a single box in 3 pictures"),
]


@pytest.mark.parametrize(("make", "message"), REFUSED)
def test_bad_data_is_refused_with_its_place_and_nothing_is_written(
    make: Callable[[Path], Path], message: str, tmp_path: Path
) -> None:
    path = make(tmp_path / "mine")
    with pytest.raises(InputError, match=message) as error:
        prepare_data([path], {}, tmp_path / "made")
    assert "\n" not in str(error.value)
    assert not [p for p in tmp_path.iterdir() if "made" in p.name]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-0.005, 1.005), min_size=4, max_size=4))
def test_a_box_that_is_kept_lies_in_the_frame(tmp_path_factory: pytest.TempPathFactory, values: list[float]) -> None:
    x0, x1 = sorted(values[:2])
    y0, y1 = sorted(values[2:])
    line = f"0 {(x0 + x1) / 2} {(y0 + y1) / 2} {x1 - x0} {y1 - y0}"
    folder = yolo_folder(tmp_path_factory.mktemp("mine"), line)
    if min(min(x1, 1) - max(x0, 0), min(y1, 1) - max(y0, 0)) < 1e-9:
        return
    boxes = np.concatenate([p.boxes for p in read_source(folder, {}).pictures["train"]])
    assert boxes.min() >= 0
    assert boxes.max() <= 1
    np.testing.assert_allclose(boxes[0], np.clip([x0, y0, x1, y1], 0, 1), atol=1e-9)
