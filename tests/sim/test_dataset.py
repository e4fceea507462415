"""Labelled data sets: complete, consistent, and the same after a kill."""

from __future__ import annotations

import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from scenarios import Conditions, Crowd, InputError, Layout, Mess, Scenario
from sim import World, capture
from sim.data_card import checksum, write_card
from sim.dataset import DatasetPlan, make_dataset
from sim.labels import label_boxes, merge_gaps, run_lengths
from sim.training_draws import PERSON_SHARE, draw_camera, draw_conditions, draw_frontal_camera, draw_view, is_dense
from tests.layouts import TIDY, front_camera, small_layout, small_scenario

ROOT = Path(__file__).parents[2]


def layout_of(_: int, __: str) -> Layout:
    return small_layout()


def small_plan(folder: Path) -> DatasetPlan:
    return DatasetPlan(folder, "train", first_seed=7, stores=2, pictures_per_store=3, size=128, workers=1)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_dataset([small_plan(tmp_path_factory.mktemp("set"))], layout_of)


def contents(folder: Path) -> dict[str, bytes]:
    """All files by their path, without the one that holds an absolute path."""
    files = [p for p in folder.rglob("*") if p.is_file() and p.name != "data.yaml"]
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in files}


def test_a_data_set_is_complete_and_its_two_formats_agree(made: Path) -> None:
    coco = json.loads((made / "train.json").read_text())
    assert len(coco["images"]) == len(list(made.rglob("*.jpg"))) == 6
    assert {a["category_id"] for a in coco["annotations"]} >= {0, 2}
    assert [a["id"] for a in coco["annotations"]] == list(range(1, len(coco["annotations"]) + 1))
    positions = {p.id for p in small_layout().planogram.positions}
    for image in coco["images"]:
        assert image["dials"]["mess.out"] >= 0
        picture = cv2.imread(str(made / "images" / "train" / image["file_name"]))
        assert picture.shape == (128, 128, 3)
        labels = [a for a in coco["annotations"] if a["image_id"] == image["id"]]
        yolo = (made / "labels" / "train" / image["file_name"]).with_suffix(".txt").read_text().splitlines()
        assert len(yolo) == len(labels)
        for line, label in zip(yolo, labels):
            x, y, w, h = label["bbox"]
            _, cx, cy, yw, yh = map(float, line.split())
            np.testing.assert_allclose(
                [cx * 128, cy * 128, yw * 128, yh * 128], [x + w / 2, y + h / 2, w, h], atol=0.01
            )
            if label["category_id"] == 0:
                assert label["position"] in positions
                assert label["visible_fraction"] >= 0.5
    assert {p.name for p in (made / "studio").iterdir()} == {p.sku for p in small_layout().catalog}


def test_trainers_get_the_pictures_of_the_plan_and_never_validate_on_what_tests(tmp_path: Path) -> None:
    """What an earlier, larger plan had left was read too; without a val split, `test` came first by the alphabet."""
    plan = replace(small_plan(tmp_path / "set"), pictures_per_store=1)
    make_dataset([plan], layout_of)
    make_dataset([replace(plan, split="test", first_seed=90, stores=1)], layout_of)
    folder = make_dataset([replace(plan, stores=1)], layout_of)
    assert len(list((folder / "images" / "train").iterdir())) == 2
    assert (folder / "train.txt").read_text() == "./images/train/000007-000.jpg\n"
    described = yaml.safe_load((folder / "data.yaml").read_text())
    assert (described["train"], described["val"], described["test"]) == ("train.txt", "train.txt", "test.txt")


KILLED = """
from tests.sim.test_dataset import *
import sys
if __name__ == "__main__":
    make_dataset([small_plan(Path(sys.argv[1]))], layout_of)
"""


def test_a_killed_run_goes_on_without_a_duplicate_or_a_hole(made: Path, tmp_path: Path) -> None:
    folder, script = tmp_path / "set", tmp_path / "make.py"
    script.write_text(KILLED)
    command = [sys.executable, str(script), str(folder)]
    run = subprocess.Popen(command, env=os.environ | {"PYTHONPATH": str(ROOT)}, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not list(folder.rglob("*-001.jpg")) and time.monotonic() < deadline:
        time.sleep(0.02)
    run.send_signal(signal.SIGKILL)
    run.wait()
    time.sleep(0.5)  # its workers end too
    assert not (folder / "train.json").exists()
    assert list(folder.rglob("*.jpg"))
    make_dataset([small_plan(folder)], layout_of)
    assert contents(folder) == contents(made)


def test_studio_pictures_that_a_killed_run_left_out_are_made(made: Path, tmp_path: Path) -> None:
    """A store is done when its pictures are, the studio's may come later."""
    folder = tmp_path / "set"
    shutil.copytree(made, folder)
    left_out, begun = sorted((folder / "studio").iterdir())[:2]
    shutil.rmtree(left_out)
    begun.rename(begun.with_name(f".{begun.name}"))
    make_dataset([small_plan(folder)], layout_of)
    assert contents(folder) == contents(made)


def test_a_folder_is_never_mixed_from_two_plans(made: Path) -> None:
    with pytest.raises(InputError, match=r"size=128, now 256; go on as it was begun"):
        make_dataset([replace(small_plan(made), size=256)], layout_of)


def test_the_card_says_what_is_in_the_set(made: Path) -> None:
    coco = json.loads((made / "train.json").read_text())
    card = write_card([small_plan(made)], "Pictures of the small store.", {"commit": "abc"})
    facts = json.loads((made / "card.json").read_text())
    products = sum(a["category_id"] == 0 for a in coco["annotations"])
    assert facts["splits"]["train"]["boxes"]["product"] == products
    assert facts["splits"]["train"]["store_seeds"] == [7, 8]
    assert facts["sha256"] == checksum(made, ["train"])
    low, high = facts["dials"]["lighting.lux"]
    assert 100 < low < high < 2000
    assert all(word in card.read_text() for word in ("small store", "| train | 7 to 8 | 6 |", "commit: abc", "raster"))
    assert cv2.imread(str(made / "samples.jpg")).shape[1] > 5 * 480
    for name in ("card.md", "card.json", "samples.jpg"):
        (made / name).unlink()


def test_masks_and_boxes_of_units_agree() -> None:
    scenario = small_scenario()
    with World(scenario.layout, density=100, lookalikes=scenario.conditions.lookalikes) as world:
        _, truth = capture(world, scenario, front_camera())
    labels = [a for a in label_boxes(scenario, truth, 0.5, segmentation=True) if a["category_id"] == 0]
    assert len(labels) >= 10
    for label in labels:
        counts, (height, width) = label["segmentation"]["counts"], label["segmentation"]["size"]
        mask = np.repeat(np.arange(len(counts)) % 2, counts).reshape(width, height).T
        rows, columns = np.nonzero(mask)
        x, y, w, h = label["bbox"]
        assert [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1] == [x, y, x + w, y + h]


@pytest.mark.parametrize(("rows", "counts"), [(["00", "10"], [1, 1, 2]), (["11", "11"], [0, 4]), (["00", "00"], [4])])
def test_run_lengths_go_down_the_columns_and_begin_outside(rows: list[str], counts: list[int]) -> None:
    mask = np.array([[c == "1" for c in row] for row in rows])
    assert run_lengths(mask) == {"size": [2, 2], "counts": counts}


@pytest.mark.parametrize("yaw", [0.0, math.pi, math.pi / 2])
def test_neighbouring_empty_places_are_one_gap_and_others_are_not(yaw: float) -> None:
    layout = small_layout()
    turned = replace(layout.store.fixtures[0], yaw=yaw)
    layout = replace(layout, store=replace(layout.store, fixtures=(turned,)))
    boxes = np.array([[i * 10, 0, i * 10 + 9, 20] for i in range(len(layout.places))], np.float32)
    # Places 0 and 1 are side by side; 6 to 8 are on the board above.
    merged = merge_gaps(layout, np.array([0, 1, 6]), boxes[[0, 1, 6]])
    assert sorted(b.tolist() for b in merged) == [[0, 0, 19, 20], [60, 0, 69, 20]]


def test_persons_are_labelled() -> None:
    layout = small_layout()
    scenario = Scenario(layout, Conditions("peopled", crowd=Crowd(4), mess=TIDY), seed=2)
    with World(layout, density=100, lookalikes=scenario.conditions.lookalikes) as world:
        camera = replace(front_camera(), position=(0.5, -2.3, 1.6))
        labels = label_boxes(scenario, capture(world, scenario, camera)[1], 0.5)
    people = [label["bbox"] for label in labels if label["category_id"] == 3]
    assert people
    assert all(w > 20 and h > 60 for _, _, w, h in people)


@pytest.mark.parametrize("kind", ["gondola", "freezer", "pallet", "rack"])
def test_training_cameras_stand_free_before_the_fixture_however_it_is_turned(kind: str) -> None:
    layout = small_layout()
    turned = replace(layout.store.fixtures[0], kind=kind, yaw=math.pi / 2, x=0.2, y=-1.7)
    layout = replace(layout, store=replace(layout.store, fixtures=(turned,)))
    for seed in range(20):
        camera = draw_camera(layout, np.random.default_rng(seed), 128)
        assert layout.store.obstacle_at(camera.position) is None
        assert turned.to_local(camera.position)[1] < -0.25
        pixels, depth = camera.project(camera.target)
        assert depth > 0
        np.testing.assert_allclose(pixels, 64, atol=1e-6)


def test_products_are_labelled_as_they_are_scored_and_what_the_front_row_hides_is_not() -> None:
    """The front unit of a column that has receded is one of the front row; from before the shelf no other is seen."""
    scenario = small_scenario(mess=replace(TIDY, receded=0.6))
    with World(scenario.layout, density=100, lookalikes=scenario.conditions.lookalikes) as world:
        level = replace(front_camera(), position=(0.5, -1.6, 0.8), target=(0.5, 0.0, 0.65))
        truth = capture(world, scenario, level)[1]
    labels = [label for label in label_boxes(scenario, truth, 0.5) if label["category_id"] == 0]
    assert len(labels) == (truth.visible_fraction >= 0.5).sum()
    assert {label["place"] for label in labels} <= set(truth.place[truth.front])
    units = scenario.stock.units
    receded = {int(truth.place[i]) for i in np.flatnonzero(truth.front) if units[i].row > 0}
    assert receded & {label["place"] for label in labels}


@pytest.mark.parametrize(
    ("seeds", "share", "dense"), [(range(1, 81), 0.5, 40), (range(900_001, 900_005), 0.5, 2), (range(9), 0.0, 0),
                                  (range(7, 16), 1.0, 9), (range(1, 9), 0.25, 2)],
)  # fmt: skip
def test_every_run_of_seeds_has_its_share_of_dense_stores(seeds: range, share: float, dense: int) -> None:
    assert sum(is_dense(seed, share) for seed in seeds) == dense


def test_dense_moments_are_full_and_have_few_people() -> None:
    drawn = [
        [draw_conditions(np.random.default_rng(seed), Conditions("c").lookalikes, dense) for seed in range(100)]
        for dense in (True, False)
    ]
    full, other = drawn
    assert max(c.mess.out for c in full) <= 0.05 < np.mean([c.mess.out for c in other])
    assert max(c.mess.empty_column for c in full) <= 0.06
    assert max(c.crowd.shoppers for c in full) == 1
    assert sum(c.crowd.shoppers > 0 for c in full) < 0.5 * sum(c.crowd.shoppers > 0 for c in other)


@pytest.mark.parametrize("yaw", [0.0, math.pi / 2])
def test_frontal_cameras_look_nearly_level_at_the_shelf(yaw: float) -> None:
    layout = small_layout()
    turned = replace(layout.store.fixtures[0], yaw=yaw, x=0.2, y=-1.7 if yaw else 0.0)
    layout = replace(layout, store=replace(layout.store, fixtures=(turned,)))
    for seed in range(20):
        camera = draw_frontal_camera(layout, np.random.default_rng(seed), 640)
        assert layout.store.obstacle_at(camera.position) is None
        (_, y, z), target = turned.to_local([camera.position, camera.target])
        assert y < -0.25
        assert -10.1 <= math.degrees(math.asin((z - target[2]) / math.dist(camera.position, camera.target))) <= 15.1
        assert 640 / 2.6 <= camera.pixels_per_metre(camera.target, yaw) <= 640 / 0.8


def test_a_shopper_blinds_no_training_camera() -> None:
    """Where none of the tries was right the last one was taken: pictures of nothing but a shirt."""
    layout = small_layout()
    scenario = Scenario(layout, Conditions("peopled", crowd=Crowd(1), mess=TIDY), seed=2)
    with World(layout, density=50, lookalikes=scenario.conditions.lookalikes) as world:
        for dense in (False, True):
            for seed in range(8):
                camera = draw_view(world, scenario, np.random.default_rng(seed), 128, dense)
                low, high = np.split(capture(world, scenario, camera)[1].person_box, 2, axis=1)
                assert (np.prod(high - low, axis=1) < (PERSON_SHARE[1] + 0.1) * 128**2).all()


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("dense", 1.5, "from 0 to 1"),
        ("stores", 0, "1 or more"),
        ("size", 32, "64 or more"),
        ("min_visible", 0.0, "a share"),
        ("first_seed", -1, "seed"),
    ],
)
def test_an_impossible_plan_is_refused(key: str, value: float, expected: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=expected):
        replace(small_plan(tmp_path), **{key: value})


def test_a_store_of_ones_own_keeps_its_dials(tmp_path: Path) -> None:
    own = Conditions("own", mess=Mess(out=1.0, plugged=0.0, misplaced=0.0))
    plan = replace(small_plan(tmp_path), stores=1, pictures_per_store=2, conditions=own, source="own")
    make_dataset([plan], layout_of)
    coco = json.loads((tmp_path / "train.json").read_text())
    assert {image["dials"]["mess.out"] for image in coco["images"]} == {1.0}
    assert not any(a["category_id"] == 0 for a in coco["annotations"])
