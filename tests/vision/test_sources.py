"""Sources: the order of time, what is skipped, and streams that stall or end."""

from __future__ import annotations

import itertools
import os
import threading
from datetime import datetime
from pathlib import Path

import cv2
import numpy as np
import pytest

from scenarios import Camera, CameraModel, Frame, InputError
from vision.sources import Missed, Source, Stream, taken_at, together

MODEL = CameraModel("small", 64, 48, 1.0, 0.0)
ONE, OTHER = (Camera(id, MODEL, (0.0, -2.0, 1.0), (0.0, 0.0, 1.0)) for id in ("one", "other"))


def any_time(camera: str, time: float) -> bool:
    return True


def picture(path: Path, grey: int = 100) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((48, 64, 3), grey, np.uint8))
    return path


def at(*clock: int) -> float:
    return datetime(2026, 11, 24, *clock).timestamp()


NAMES = [
    ("2026-11-24_14-13-55.jpg", at(14, 13, 55)),
    ("front-20261124T141355.jpg", at(14, 13, 55)),
    ("20261124141355.250.png", at(14, 13, 55) + 0.25),
    ("2026-11-24 14.13.55 (2).jpg", at(14, 13, 55)),
    ("2026-13-24_14-13-55.jpg", 1000.0),
    ("IMG_0001.jpg", 1000.0),
]


@pytest.mark.parametrize(("name", "expected"), NAMES)
def test_the_time_is_in_the_name_or_else_when_the_file_was_changed(tmp_path: Path, name: str, expected: float) -> None:
    path = picture(tmp_path / name)
    os.utime(path, (1000.0, 1000.0))
    assert taken_at(path) == pytest.approx(expected)


def test_cameras_come_in_the_order_of_time_and_a_broken_picture_is_told(tmp_path: Path) -> None:
    for folder, minutes in (("a", (1, 3, 5)), ("b", (2, 4))):
        for m in minutes:
            picture(tmp_path / folder / f"2026-11-24_14-{m:02d}-00.jpg")
    (tmp_path / "a" / "2026-11-24_14-03-00.jpg").write_bytes(b"no picture")
    sources = [Source(str(tmp_path / "a"), ONE), Source(str(tmp_path / "b"), OTHER)]
    seen = list(together(sources, any_time))
    assert [s.camera.id for s in seen if s.camera] == ["one", "other", "one", "other", "one"]
    assert [s.time for s in seen] == [at(14, m) for m in range(1, 6)]
    assert isinstance(seen[2], Missed)
    assert "2026-11-24_14-03-00.jpg: not readable" in seen[2].why


def test_numbered_pictures_are_so_far_apart_and_old_ones_are_not_read(tmp_path: Path) -> None:
    for n in range(4):
        picture(tmp_path / f"{n}.png", 40 * n)
    source = Source(str(tmp_path), ONE, every=2.0)
    seen = list(source.frames(lambda camera, time: camera == "one" and time > 2.0))
    assert [(s.time, int(s.image[0, 0, 0])) for s in seen if isinstance(s, Frame)] == [(4.0, 80), (6.0, 120)]


def test_a_video_gives_a_frame_every_so_many_seconds_until_it_ends(tmp_path: Path) -> None:
    path = tmp_path / "aisle.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10.0, (64, 48))
    for n in range(35):
        writer.write(np.full((48, 64, 3), 5 * n, np.uint8))
    writer.release()
    seen = [s for s in Source(str(path), ONE, every=1.0).frames(any_time) if isinstance(s, Frame)]
    assert [s.time for s in seen] == [0.0, 1.0, 2.0, 3.0]
    assert [int(s.image.mean()) for s in seen] == pytest.approx([0, 50, 100, 150], abs=3)


class Capture:
    """A stream that gives some frames and then ends, or says nothing more."""

    def __init__(self, frames: int, hangs: threading.Event | None = None) -> None:
        self.left, self.hangs = frames, hangs

    def read(self):
        if self.left == 0:
            if self.hangs is not None:
                self.hangs.wait(5)
            return False, None
        self.left -= 1
        return True, np.full((48, 64, 3), (1, 2, 3), np.uint8)

    def release(self) -> None:
        pass


@pytest.mark.parametrize("hangs", [False, True])
def test_a_stream_that_ends_or_stalls_is_told_and_opened_again(hangs: bool) -> None:
    over, opened = threading.Event(), []

    def open(url: str) -> Capture:
        opened.append(url)
        return Capture(1, over if hangs else None)

    source = Source("rtsp://user:secret@shop/1", ONE, every=0.02, silent=0.01)
    seen = list(itertools.islice(Stream(source, open, stall=0.1).frames(), 4))
    over.set()
    kinds = [type(s) for s in seen]
    assert kinds[:3] == [Frame, Missed, Frame]
    assert len(opened) >= 2
    first, missed = seen[0], seen[1]
    assert isinstance(first, Frame)
    assert first.image[0, 0].tolist() == [3, 2, 1]
    assert isinstance(missed, Missed)
    assert missed.silent
    assert missed.why.startswith("rtsp://shop/1: no frame for")


def test_a_followed_folder_gives_what_comes_and_falls_silent(tmp_path: Path) -> None:
    old = picture(tmp_path / "2026-11-24_14-01-00.jpg")
    os.utime(old, (1000.0, 1000.0))
    seen = Source(str(tmp_path), ONE, follow=True, silent=0.0).frames(any_time)
    assert next(seen).time == at(14, 1)
    silent = next(seen)
    assert isinstance(silent, Missed)
    assert silent.silent
    os.utime(picture(tmp_path / "2026-11-24_14-02-00.jpg"), (1000.0, 1000.0))
    assert next(s.time for s in seen if isinstance(s, Frame)) == at(14, 2)


def test_one_live_source_does_not_wait_for_the_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in (1, 2):
        os.utime(picture(tmp_path / f"2026-11-24_14-0{n}-00.jpg"), (1000.0, 1000.0))
    endless = threading.Event()
    monkeypatch.setattr("vision.sources.cv2.VideoCapture", lambda url: Capture(0, endless))
    monkeypatch.setattr("vision.sources.Stream.__init__.__defaults__", (lambda url: Capture(0, endless), 10.0))
    sources = [Source("rtsp://shop/1", OTHER), Source(str(tmp_path), ONE, follow=True)]
    seen = list(itertools.islice(together(sources, any_time), 2))
    endless.set()
    assert [s.time for s in seen] == [at(14, 1), at(14, 2)]


WRONG = [
    ("nowhere", {}, "nowhere: expected a folder of pictures, a video"),
    ("empty", {}, "empty: no pictures in it"),
    ("broken.avi", {}, "broken.avi: not readable as a video"),
    ("broken.avi", {"follow": True}, "broken.avi: expected a folder, and no time between pictures, to follow"),
    ("empty", {"follow": True, "every": 1.0}, "to follow"),
]


@pytest.mark.parametrize(("name", "options", "expected"), WRONG)
def test_a_source_that_is_none_is_named(tmp_path, monkeypatch, name: str, options: dict, expected: str) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty").mkdir()
    Path("broken.avi").write_bytes(b"no video")
    with pytest.raises(InputError, match=expected):
        list(together([Source(name, ONE, **options)], any_time))
