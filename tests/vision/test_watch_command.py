"""`shelfwatch watch` and `shelfwatch review` as a user types them."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from scenarios import Camera, CameraModel
from scenarios.scenario import HERE
from tests.refusal import refusal
from tests.vision.watched import FULL, OUT, frame, watcher
from vision import watch as module
from vision.calibrate import save_camera
from vision.cli import main
from vision.drift import Drift
from vision.durable import read_lines, sole_owner
from vision.review import ReviewQueue

pytest.importorskip("onnxruntime", reason="onnxruntime is not installed (extra: cpu)")
STORE = str(HERE / "quickstart")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with pictures of a covered lens, one broken and one of another size, and their camera's calibration."""
    monkeypatch.chdir(tmp_path)
    model = CameraModel("test", 320, 180, 1.13, 0.0)
    save_camera(Camera("angled", model, (1.0, -2.3, 2.1), (1.0, 0.0, 0.88)), tmp_path / "camera.yaml", "A test.")
    (tmp_path / "empty").mkdir()
    (tmp_path / "aisle").mkdir()
    for n in range(9):
        cv2.imwrite(str(tmp_path / "aisle" / f"{n}.jpg"), np.full((180, 320, 3), 120, np.uint8))
    cv2.imwrite(str(tmp_path / "aisle" / "3.jpg"), np.full((90, 160, 3), 120, np.uint8))
    (tmp_path / "aisle" / "5.jpg").write_bytes(b"no picture")
    return tmp_path


def test_alerts_are_printed_and_written_and_a_second_run_goes_on(place: Path, capsys) -> None:
    command = ["watch", "aisle", "--camera", "camera.yaml", "--planogram", STORE, "--every", "15", "--state", "kept"]
    main(command)
    printed = capsys.readouterr()
    assert "camera blocked: angled" in printed.out
    assert "frames read           7   skipped 2   seen before 0" in printed.out
    assert "aisle/3.jpg" not in printed.out
    assert "5.jpg: not readable as a picture" in printed.err
    assert "160 x 90 pixels; expected 320 x 180" in printed.err
    (alert,) = read_lines(place / "kept" / "alerts.jsonl")[0]
    assert (alert["kind"], alert["event"], alert["time"]) == ("camera blocked", "raised", 60.0)
    assert {p.name for p in (place / "kept").iterdir()} == {".lock", "state.json", "alerts.jsonl"}
    main(command)
    assert "frames read           0   skipped 0   seen before 9" in capsys.readouterr().out
    assert len(read_lines(place / "kept" / "alerts.jsonl")[0]) == 1


def test_a_full_disk_is_told_and_watching_goes_on(place: Path, capsys, monkeypatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    main(["watch", "aisle", "--camera", "camera.yaml", "--planogram", STORE, "--every", "15"])
    printed = capsys.readouterr()
    assert "not saved: watch: No space left on device; goes on" in printed.err
    assert "camera blocked: angled" in printed.out
    assert "9 times not saved" in printed.out or "8 times not saved" in printed.out


WRONG = [
    (["aisle", "aisle"], "watch: 2 sources and 1 cameras; expected one camera each"),
    (["empty"], "empty: no pictures in it"),
    (["nowhere"], "nowhere: expected a folder of pictures, a video"),
    (["aisle", "--follow", "--every", "3"], "aisle: expected a folder, and no time between pictures, to follow"),
    (["aisle", "--planogram", "empty"], "empty/"),
    (["aisle", "--gallery", "camera.yaml"], "camera.yaml: not a gallery"),
    (["aisle", "--state", "owned"], "owned: in use by another process"),
    (["aisle", "aisle", "--camera", "camera.yaml", "camera.yaml"], "cameras angled, angled; expected an id of its own"),
]


@pytest.mark.parametrize(("arguments", "expected"), WRONG)
def test_wrong_input_gets_one_line(place: Path, capsys, arguments: list[str], expected: str) -> None:
    (place / "owned").mkdir()
    with sole_owner(place / "owned" / ".lock"):
        line = refusal(main, ["watch", "--camera", "camera.yaml", "--planogram", STORE, *arguments], capsys)
    assert line.startswith("shelfwatch: ")
    assert expected in line


def test_a_person_answers_and_the_watch_hears_of_it(tmp_path: Path, capsys, monkeypatch) -> None:
    monkeypatch.setattr(module, "find_drift", lambda f, layout, zero: Drift("fits", f.camera))
    watch = watcher(tmp_path)
    for i, what in enumerate([FULL] * 4 + [OUT] * 8):
        watch.see(frame(5.0 * i, what))
        watch.keep()
    main(["review", str(tmp_path)])
    listed = capsys.readouterr().out
    (question,) = watch.queue.pending
    assert "out: Brandbox Tomato Soup Classic 10 oz at bay-1, shelf 1, no. 1" in listed
    assert f"--yes or --no {question.id}" in listed
    main(["review", str(tmp_path), "--no", question.id, "--by", "ada"])
    assert "0 to review, 1 answered" in capsys.readouterr().out
    assert ReviewQueue(tmp_path / "review.jsonl").verdict(question.id) is False
    assert json.loads((tmp_path / "review.jsonl").read_text().splitlines()[-1])["by"] == "ada"
    for wrong, expected in ((["nowhere"], "nothing was watched there"), ([str(tmp_path), "--yes", "x"], "x: no such")):
        assert expected in refusal(main, ["review", *wrong], capsys)
