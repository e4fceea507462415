"""Two renderers compared: what changes, and whether the ranking stays."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from bench.cli import main
from bench.renderers import Comparison, interior, ranking, scaled
from bench.training import transfer as module
from bench.training.transfer import table, transfer
from scenarios import InputError
from tests.bench.evidence import evidence
from tests.layouts import front_camera
from tests.refusal import refusal
from vision import Detections
from vision.readings import PRODUCT


def test_a_ranking_is_that_of_itself_and_its_reverse_is_seen() -> None:
    arms = evidence().arms
    same = ranking(arms, arms)
    assert same["kendall_tau"]["value"] == pytest.approx(1 - _ties(arms))
    assert same["same_order"]
    assert not same["swapped"]
    other = dict(zip([a.model.name for a in arms[:2]], reversed(arms[:2])))
    swapped = [dataclasses.replace(other[a.model.name], rig=a.rig, model=a.model) if a in arms[:2] else a for a in arms]
    reverse = ranking(arms, swapped)
    assert len(reverse["swapped"]) >= 1
    assert reverse["kendall_tau"]["value"] < same["kendall_tau"]["value"]
    assert set(reverse["surely_swapped"]) <= set(reverse["swapped"])


def _ties(arms: list) -> float:
    values = [a.scores.samples["facings_exact"].value for a in arms]
    pairs = [(i, j) for i in range(len(values)) for j in range(i)]
    return sum(values[i] == values[j] for i, j in pairs) / len(pairs)


def test_a_scaled_camera_sees_the_same_in_fewer_pixels() -> None:
    camera = front_camera()
    point = (0.4, 0.0, 0.7)
    np.testing.assert_allclose(scaled(camera, 0.5).project(point)[0], camera.project(point)[0] / 2)


def test_the_interior_of_a_mask_leaves_its_edges_out() -> None:
    mask = np.zeros((7, 8), np.int32)
    mask[:, 4:] = 3
    assert list(interior(mask)[3]) == [True, True, True, False, False, True, True, True]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"renderers": ("raster", "raster")}, "expected two renderers"),
        ({"scale": 0.0}, "scale 0.0"),
        ({"pictures": -1}, "pictures -1"),
    ],
)
def test_a_comparison_without_sense_is_refused(changes: dict, expected: str) -> None:
    with pytest.raises(InputError, match=expected):
        Comparison(**{"experiment": evidence().experiment, "renderers": ("raster", "pathtrace")} | changes)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["renderers", "experiment=quickstart", "renderers=[raster,ray]"], "renderer 'ray'; expected one of raster"),
        (["renderers", "experiment=quickstart", "scale=3"], "scale 3"),
        (["run", "experiment=quickstart", "renderer=pathtrace:0"], "renderer 'pathtrace:0'"),
        (["transfer", "weights.raster=a.onnx"], "has no value"),
    ],
)
def test_wrong_input_gets_one_line(
    arguments: list[str], expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    assert expected in refusal(main, arguments, capsys)
    assert not list(tmp_path.iterdir())


def test_transfer_gives_every_detector_on_every_data_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    boxes = {"raster": [10, 10, 20, 30], "pathtrace": [50, 50, 20, 30]}
    for name, box in boxes.items():
        _data_set(tmp_path / name, box)

    class Fake:
        """Finds boxes where the data set of its own name has them."""

        def __init__(self, session: str, score: float) -> None:
            x, y, w, h = boxes[session]
            self.found = Detections(
                np.array([[x, y, x + w, y + h]], np.float32), np.array([0.9], np.float32), np.array([PRODUCT], np.int64)
            )

        def __call__(self, image: np.ndarray) -> Detections:
            assert image.shape == (96, 96, 3)
            return self.found

    monkeypatch.setattr(module, "open_session", lambda path: path.name)
    monkeypatch.setattr(module, "Detector", Fake)
    rows = transfer({n: Path(n) for n in boxes}, {n: tmp_path / n for n in boxes})
    values = {(r["trained_on"], r["read_on"]): r["ap50"]["value"] for r in rows}
    assert {k: round(v, 6) for k, v in values.items()} == {(a, b): float(a == b) for a in boxes for b in boxes}
    assert all(r["stores"] == 2 and r["pictures"] == 2 for r in rows)
    assert "1.000 [1.000, 1.000]" in table(rows)
    with pytest.raises(InputError, match=r"test\.json: no such file"):
        transfer({}, {"raster": tmp_path / "raster"}, "test")


def _data_set(folder: Path, box: list[int]) -> None:
    import cv2

    (folder / "images" / "val").mkdir(parents=True)
    images = [{"id": i, "file_name": f"{i}.jpg", "store_seed": 900 + i} for i in range(2)]
    for image in images:
        cv2.imwrite(str(folder / "images" / "val" / image["file_name"]), np.zeros((96, 96, 3), np.uint8))
    labels = [{"image_id": i, "category_id": c, "bbox": b} for i in range(2) for c, b in ((0, box), (1, [0, 0, 9, 9]))]
    (folder / "val.json").write_text(json.dumps({"images": images, "annotations": labels}))
