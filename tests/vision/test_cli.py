"""shelfwatch as a user types it."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.refusal import refusal
from vision.cli import main
from vision.pipeline import WEIGHTS

pytest.importorskip("onnxruntime", reason="onnxruntime is not installed (extra: cpu)")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder with two pictures, one of them in a folder of its own, and one broken file."""
    folder = tmp_path / "photos"
    (folder / "more").mkdir(parents=True)
    random = np.random.default_rng(0)
    for name, size in (("a.jpg", (240, 320)), ("more/a.png", (300, 200))):
        cv2.imwrite(str(folder / name), random.integers(0, 255, (*size, 3), dtype=np.uint8))
    (folder / "broken.jpg").write_bytes(b"no picture")
    (folder / "notes.txt").write_text("not a picture either")
    return folder


def test_read_writes_a_line_for_each_picture_and_counts_what_it_skips(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["read", str(photos), "--score", "0.01", "--max-detections", "7", "--outputs", str(tmp_path / "out")])
    latest = tmp_path / "out" / "latest"
    lines = [json.loads(line) for line in (latest / "readings.jsonl").read_text().splitlines()]
    assert [Path(line["source"]).name for line in lines] == ["a.jpg", "a.png"]
    assert [(line["width"], line["height"]) for line in lines] == [(320, 240), (200, 300)]
    for line in lines:
        assert set(line) == {"source", "width", "height", "detections", "latency_ms"}
        assert line["latency_ms"]["detect"] > 0
        assert len(line["detections"]) <= 7
        for found in line["detections"]:
            assert set(found) == {"box", "class", "score", "sku"}
            assert found["class"] in ("product", "gap", "price_tag", "person")
            x0, y0, x1, y1 = found["box"]
            assert 0 <= x0 <= x1 <= line["width"]
            assert 0 <= y0 <= y1 <= line["height"]
            assert 0.01 <= found["score"] <= 1
            assert found["sku"] is None
    assert {p.name for p in (latest / "annotated").iterdir()} == {"a.jpg", "a-2.jpg"}
    assert json.loads((latest / "result.json").read_text())["skipped"] == [str(photos / "broken.jpg")]
    printed = capsys.readouterr()
    assert "broken.jpg" in printed.err
    assert "skipped 1" in printed.out


def test_an_enrolled_gallery_names_products(photos: Path, tmp_path: Path) -> None:
    packs = tmp_path / "packs"
    (packs / "sku-1").mkdir(parents=True)
    cv2.imwrite(str(packs / "sku-1" / "front.png"), np.full((60, 40, 3), 200, np.uint8))
    main(["enroll", str(packs), "--output", str(tmp_path / "packs.npz")])
    command = ["read", str(photos), "--score", "0.01", "--gallery", str(tmp_path / "packs.npz")]
    main([*command, "--outputs", str(tmp_path / "out")])
    lines = (tmp_path / "out" / "latest" / "readings.jsonl").read_text().splitlines()
    assert {found["sku"] for line in lines for found in json.loads(line)["detections"]} <= {None, "sku-1"}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["read", "nowhere"], "nowhere: no such file or folder"),
        (["read", "empty"], "empty: no pictures in it"),
        (["read", "broken"], "broken: none of 1 pictures is readable"),
        (["read", "broken", "--detector", "yolo99"], "yolo99: no such weights; shipped are"),
        (["read", "broken", "--gallery", "broken/broken.jpg"], "broken/broken.jpg: not a gallery"),
        (
            ["read", "broken", "--detector", "broken/broken.jpg"],
            "broken/broken.jpg: onnxruntime-cpu does not take it; expected .onnx",
        ),
        (["enroll", "nowhere"], "nowhere: no such folder"),
        (["enroll", "empty"], "empty: no readable picture"),
    ],
)
def test_wrong_input_gets_one_line_and_leaves_nothing(
    arguments: list[str],
    expected: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "broken.jpg").write_bytes(b"no picture")
    before = sorted(tmp_path.rglob("*"))
    assert refusal(main, arguments, capsys).startswith(f"shelfwatch: {expected}")
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("arguments", [["--score", "2"], ["--max-detections", "0"]])
def test_options_out_of_range_are_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit:
        main(["read", "x", *arguments])
    assert exit.value.code == 2
    assert "expected" in capsys.readouterr().err


def test_doctor_says_what_is_here(capsys: pytest.CaptureFixture[str]) -> None:
    main(["doctor"])
    printed = capsys.readouterr().out
    assert "runtime onnxruntime-cpu  yes" in " ".join(printed.split()).replace("cpu yes", "cpu  yes")
    assert all(f"weights {path.stem}" in printed for path in WEIGHTS.glob("*.onnx"))


def test_every_shipped_weight_has_a_card_with_its_checksum() -> None:
    import hashlib

    shipped = sorted(WEIGHTS.glob("*.onnx"))
    assert {path.stem for path in shipped} >= {"yolo11n", "yolo26n", "embed", "centerface"}
    for path in shipped:
        card = path.with_suffix(".md").read_text()
        assert hashlib.sha256(path.read_bytes()).hexdigest() in card, path.name
        assert ("shelfbench train" in card) or ("licence: MIT" in card), path.name
