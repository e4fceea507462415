"""Frames that the service fetches: streams that go away and come back, and cameras that stall."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import cv2
import pytest

from scenarios import InputError
from tests.layouts import front_camera
from tests.vision.service import gst_camera
from tests.vision.service.receiver import eventually, free_port
from tests.vision.service.rtsp import RtspCamera
from tests.vision.service.served import BlockSeer, Caller, beside, image_of, jpeg_of, service_of, settings_of
from tests.vision.watched import FULL, OUT
from vision.service.feeds import Watchdog
from vision.service.service import Service
from vision.service.settings import CameraSettings
from vision.sources import Stream

DEBIAN_PYTHON = "/usr/bin/python3"
GST_PACKAGES = (
    "python3-gi", "gir1.2-gst-rtsp-server-1.0", "gstreamer1.0-plugins-base", "gstreamer1.0-plugins-good",
    "gstreamer1.0-plugins-ugly",
)  # fmt: skip


def without_gstreamer() -> str:
    """What keeps GStreamer's RTSP server from running here; empty if nothing does."""
    words = (
        "import gi; gi.require_version('Gst', '1.0'); gi.require_version('GstRtspServer', '1.0'); "
        "from gi.repository import Gst, GstRtspServer; Gst.init(None); "
        "assert all(map(Gst.ElementFactory.find, ('pngdec', 'x264enc', 'rtph264pay'))), 'plugins are missing'"
    )
    try:
        done = subprocess.run([DEBIAN_PYTHON, "-c", words], capture_output=True, text=True, timeout=60)
    except OSError as error:
        return str(error)
    return done.stderr.strip().splitlines()[-1] if done.returncode else ""


class StreamingCamera:
    """A network camera that serves MJPEG over HTTP, can be turned off and on, and can stall."""

    def __init__(self) -> None:
        self.port, self.what, self.stalled, self.sent = 0, FULL, False, 0
        self.on()

    def on(self) -> None:
        camera = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=next")
                self.end_headers()
                while camera.running:
                    if not camera.stalled:
                        picture = jpeg_of(camera.what)
                        head = f"--next\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n"
                        try:
                            self.wfile.write(head.encode() + picture + b"\r\n")
                        except OSError:
                            return
                        camera.sent += 1
                    time.sleep(0.02)

            def log_message(self, *_: Any) -> None:
                pass

        self.running = True
        ThreadingHTTPServer.allow_reuse_address = True
        self.server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_port
        self.url = f"http://name:password@127.0.0.1:{self.port}/stream.mjpg"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def off(self) -> None:
        self.running = False
        self.server.shutdown()
        self.server.server_close()


class GstCamera:
    """GStreamer's RTSP server as a process of Debian's Python; its plug is pulled by SIGKILL, it stalls by SIGSTOP."""

    def __init__(self, folder: Path) -> None:
        self.picture, self.port, self._stalled = folder / "full.png", free_port(), False
        cv2.imwrite(str(self.picture), image_of(FULL))
        self.on()

    @property
    def url(self) -> str:
        return f"rtsp://name:password@127.0.0.1:{self.port}/stream"

    def on(self) -> None:
        command = [DEBIAN_PYTHON, str(Path(gst_camera.__file__)), str(self.port), str(self.picture)]
        self.process, self.running = subprocess.Popen(command, stdout=subprocess.DEVNULL), True

    def off(self) -> None:
        self.process.kill()
        self.process.wait()
        self.running = False

    @property
    def stalled(self) -> bool:
        return self._stalled

    @stalled.setter
    def stalled(self, stalled: bool) -> None:
        self._stalled = stalled
        self.process.send_signal(signal.SIGSTOP if stalled else signal.SIGCONT)


@pytest.fixture(params=["mjpeg"])
def streaming(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StreamingCamera | RtspCamera | GstCamera]:
    if request.param == "h264" and (lacking := without_gstreamer()):
        pytest.skip(f"no RTSP server of GStreamer: {lacking} (apt-get install {' '.join(GST_PACKAGES)})")
    if request.param == "h264":
        made: StreamingCamera | RtspCamera | GstCamera = GstCamera(tmp_path)
    else:
        made = RtspCamera(jpeg_of(FULL)) if request.param == "rtsp" else StreamingCamera()
    yield made
    if made.running:
        made.off()


def readings(caller: Caller, camera: str) -> int:
    return len(caller.service.database.readings(camera, limit=1000))


def with_sources(folder: Path, *rows: tuple[str, CameraSettings], pipeline: Any = None) -> Service:
    cameras = [beside(id) for id, _ in rows]
    settings = settings_of(folder, cameras=1, clock="wall")
    settings = type(settings)(**{**vars(settings), "cameras": tuple(s for _, s in rows)})
    return Service(settings, [pipeline or BlockSeer()], cameras)


@pytest.mark.parametrize(
    ("streaming", "stall"),
    [("mjpeg", 0.5), *(pytest.param(kind, 4.0, marks=pytest.mark.slow) for kind in ("rtsp", "h264"))],
    indirect=["streaming"],
)
def test_a_stream_is_read_again_after_its_camera_was_off_and_another_goes_on_meanwhile(
    tmp_path, streaming, stall, monkeypatch, caplog
) -> None:
    monkeypatch.setattr(Stream.__init__, "__defaults__", (cv2.VideoCapture, stall))
    rows = ("cam", CameraSettings("", streaming.url, every=0.05)), ("http", CameraSettings(""))
    with Caller(with_sources(tmp_path, *rows)) as caller:
        eventually(lambda: readings(caller, "cam") >= 3)
        assert caller.post(time.time(), FULL, "cam").json()["title"] == "has a source"
        streaming.stalled = True
        eventually(lambda: caller.service.feeds["cam"].state == "no frame")
        assert caller.post(time.time(), FULL, "http").status_code == 201
        streaming.stalled = False
        eventually(lambda: caller.service.feeds["cam"].state == "reading")
        streaming.off()
        eventually(lambda: caller.service.feeds["cam"].state == "no frame")
        begun = time.monotonic()
        assert caller.post(time.time(), FULL, "http").status_code == 201
        assert time.monotonic() - begun < 10
        before = readings(caller, "cam")
        streaming.on()
        eventually(lambda: readings(caller, "cam") > before + 2)
        (cam, _) = caller.http.get("/v1/cameras").json()
        assert cam["source"] == "reading"
    assert "opened again" in caplog.text
    assert "password" not in caplog.text


class Slow(BlockSeer):
    """Takes a while for each frame, and remembers whose they were."""

    def __init__(self) -> None:
        self.read: list[str] = []

    def __call__(self, frame):
        self.read.append(frame.camera.id)
        time.sleep(0.1)
        return super().__call__(frame)


def test_frames_that_are_too_many_are_dropped_and_counted_and_the_newest_is_read(tmp_path, streaming) -> None:
    slow = Slow()
    rows = ("cam", CameraSettings("", streaming.url, every=0.02)), ("http", CameraSettings(""))
    with Caller(with_sources(tmp_path, *rows, pipeline=slow)) as caller:
        eventually(lambda: readings(caller, "cam") >= 5)
        assert caller.post(time.time(), FULL, "http").status_code == 201
        delays = [r["received"] - r["time"] for r in caller.service.database.readings("cam")]
        value = caller.service.metrics.registry.get_sample_value
        assert (value("shelfwatch_frames_dropped_total", {"camera": "cam"}) or 0) >= 3
        assert min(delays[2:]) < 1.0
    # The other camera's frame waited for one frame at most.
    assert "http" in slow.read


def test_a_folder_that_is_followed_and_a_video_are_read_whole(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    for n, what in enumerate((FULL, OUT)):
        cv2.imwrite(str(tmp_path / "pictures" / f"2026-11-24_14-00-0{n}.jpg"), image_of(what))
    video = tmp_path / "aisle.avi"
    writer = cv2.VideoWriter(str(video), cv2.VideoWriter.fourcc(*"MJPG"), 10.0, (640, 480))
    for _ in range(31):
        writer.write(image_of(FULL))
    writer.release()
    rows = (
        ("folder", CameraSettings("", str(tmp_path / "pictures"))),
        ("video", CameraSettings("", str(video), every=0.5)),
    )
    with Caller(with_sources(tmp_path / "state", *rows)) as caller:
        eventually(lambda: readings(caller, "folder") == 2 and readings(caller, "video") == 7)
        eventually(lambda: caller.service.feeds["video"].state == "ended")
        value = caller.service.metrics.registry.get_sample_value
        assert value("shelfwatch_frames_dropped_total", {"camera": "video"}) is None


def test_a_source_that_is_none_is_named(tmp_path: Path) -> None:
    row = ("cam", CameraSettings("", str(tmp_path / "nowhere")))
    with pytest.raises(InputError, match="nowhere: expected a folder, a video"):
        with_sources(tmp_path / "state", row)


def test_a_silent_camera_is_told_once_and_the_alert_ends_with_its_next_frame_even_after_a_restart(tmp_path) -> None:
    with Caller(service_of(tmp_path, [beside("a"), beside("b")])) as caller:
        dog = Watchdog(caller.service.engine, {"a": 5.0, "b": 600.0})
        for camera in ("a", "b"):
            assert caller.post(10.0, FULL, camera).status_code == 201
        for later in (4.0, 6.0, 8.0):
            dog.look(time.monotonic() + later)
        eventually(lambda: caller.service.engine.known.standing)
        caller.service.engine.call(lambda watch, at: ()).result(10)
        found = [(e.subject, e.data["kind"], e.data["event"]) for e in alerts(caller)]
        assert found == [("a", "camera silent", "raised")]
    with Caller(service_of(tmp_path, [beside("a"), beside("b")])) as again:
        Watchdog(again.service.engine, {"a": 5.0, "b": 600.0}).look(time.monotonic() + 6)
        again.service.engine.call(lambda watch, at: ()).result(10)
        assert len(alerts(again)) == 1
        again.service.engine.offer(_frame("a", 20.0)).result(10)
        assert [e.data["event"] for e in alerts(again)] == ["raised", "resolved"]
        assert again.service.engine.known.standing == ()


def alerts(caller: Caller) -> list:
    return caller.service.database.events(0, ("alert",))


def _frame(camera: str, at: float):
    from dataclasses import replace

    from scenarios import Frame

    return Frame(image_of(FULL), replace(front_camera(), id=camera), at)
