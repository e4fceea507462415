import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from scenarios import InputError, Layout
from sim.dataset import DatasetPlan, make_dataset, merge_gaps
from tests.layouts import small_layout


def layout_of(_: int) -> Layout:
    return small_layout()


def test_a_data_set_is_complete_consistent_and_goes_on_after_a_kill(tmp_path: Path) -> None:
    plan = DatasetPlan(tmp_path, "train", first_seed=7, stores=2, pictures_per_store=3, size=128, workers=1)
    make_dataset(plan, layout_of)
    coco = json.loads((tmp_path / "train.json").read_text())
    first = {p.name: p.read_bytes() for p in tmp_path.rglob("*.jpg")}
    assert len(coco["images"]) == len(first) == 6
    assert {a["category_id"] for a in coco["annotations"]} >= {0, 2}
    for image in coco["images"]:
        picture = cv2.imread(str(tmp_path / "images" / "train" / image["file_name"]))
        assert picture.shape == (128, 128, 3)
        boxes = [a["bbox"] for a in coco["annotations"] if a["image_id"] == image["id"]]
        yolo = (tmp_path / "labels" / "train" / image["file_name"]).with_suffix(".txt").read_text().splitlines()
        assert len(yolo) == len(boxes)
        for line, (x, y, w, h) in zip(yolo, boxes):
            _, cx, cy, yw, yh = map(float, line.split())
            np.testing.assert_allclose(
                [cx * 128, cy * 128, yw * 128, yh * 128], [x + w / 2, y + h / 2, w, h], atol=0.01
            )
    assert {p.name for p in (tmp_path / "studio").iterdir()} == {p.sku for p in small_layout().catalog}
    # A kill leaves a store without its marker and with some of its pictures.
    (tmp_path / "done" / "train" / "000008.json").unlink()
    (tmp_path / "images" / "train" / "000008-002.jpg").unlink()
    make_dataset(plan, layout_of)
    assert {p.name: p.read_bytes() for p in tmp_path.rglob("*.jpg")} == first
    assert json.loads((tmp_path / "train.json").read_text()) == coco


def test_neighbouring_empty_places_are_one_gap_and_others_are_not() -> None:
    layout = small_layout()
    boxes = np.array([[i * 10, 0, i * 10 + 9, 20] for i in range(len(layout.places))], np.float32)
    # Places 0 and 1 are side by side; 6 to 8 are on the board above.
    merged = merge_gaps(layout, np.array([0, 1, 6]), boxes[[0, 1, 6]])
    assert sorted(b.tolist() for b in merged) == [[0, 0, 19, 20], [60, 0, 69, 20]]


def test_an_empty_plan_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="1 or more"):
        DatasetPlan(tmp_path, "train", 1, stores=0)
