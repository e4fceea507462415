"""`shelfwatch latency`: the whole pipeline on pictures, timed stage by stage on this device."""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from scenarios import Camera, Frame, InputError, Layout, load_layout
from vision.calibrate import check_size, load_camera
from vision.findings import findings
from vision.latency.device import device
from vision.latency.harness import LEAST_FRAMES, STAGES, Read, time_frames, time_streams
from vision.latency.result import FORM, VERSION, measured, table, void
from vision.latency.sensors import Sensors, resident_bytes
from vision.latency.start import starts
from vision.outputs import final_path, result_folder, write_json
from vision.pictures import PICTURE_SUFFIXES, load_picture
from vision.pipeline import Pipeline
from vision.recognize import Gallery
from vision.runtimes.cuda_driver import cuda
from vision.runtimes.options import add_runtime

WARM_UP = 20


def add_latency(commands: Any) -> None:
    """Add the command to a parser's commands."""
    latency = commands.add_parser("latency", help="what a frame costs here: time by stage, memory, energy, start")
    latency.add_argument("path", type=Path, help="a picture or a folder of pictures of one camera, read in turns")
    latency.add_argument("--gallery", type=Path, help="gallery.npz of `enroll`; without it nothing is recognized")
    latency.add_argument("--planogram", type=Path, help="folder with store.yaml, catalog.csv, planogram.csv")
    latency.add_argument("--camera", type=Path, help="calibration of the camera, camera.yaml")
    latency.add_argument("--detector", default="yolo11n", help="shipped weights or a file (default yolo11n)")
    latency.add_argument("--recognizer", default="embed", help="shipped weights or a file (default embed)")
    add_runtime(latency)
    latency.add_argument("--threads", type=_positive, default=0, help="of a network (default: all cores)")
    latency.add_argument(
        "--frames", type=_positive, default=LEAST_FRAMES,
        help=f"frames that are timed (default {LEAST_FRAMES}; fewer are void for a gate)",
    )  # fmt: skip
    latency.add_argument("--warm-up", type=_positive, default=WARM_UP, help="frames before that (default 20)")
    latency.add_argument(
        "--streams", type=_positive, action="append", default=[], metavar="N",
        help="also time N streams at once; may be repeated",
    )  # fmt: skip
    latency.add_argument(
        "--every-crop", action="store_true",
        help="embed every crop of every frame; without it those that have not changed are not embedded again",
    )  # fmt: skip
    latency.add_argument("--outputs", type=Path, default=Path("outputs"), help="where results go (default outputs)")
    latency.set_defaults(run=run_latency)


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text}; expected 1 or more")
    return value


def run_latency(options: argparse.Namespace) -> None:
    """Time frames and write result.json."""
    if (options.planogram is None) != (options.camera is None):
        raise InputError("latency: --planogram and --camera go together; expected both or none")
    pictures = _pictures(options.path)
    layout = load_layout(options.planogram) if options.planogram is not None else None
    camera = load_camera(options.camera) if options.camera is not None else None
    for picture in pictures:
        image = load_picture(picture)
        if camera is not None:
            check_size(camera, image)
    gallery = Gallery.load(options.gallery) if options.gallery is not None else None
    load = {
        "detector": options.detector, "recognizer": options.recognizer, "runtime": options.runtime,
        "fallback": options.fallback, "threads": options.threads,
    }  # fmt: skip

    def pipeline() -> Pipeline:
        return Pipeline.load(gallery=gallery, layout=layout, reuse=not options.every_crop, **load)

    with result_folder(options.outputs, "latency") as folder:
        result = _result(options, pictures, layout, camera, pipeline, load)
        write_json(folder / "result.json", result)
    print(f"{table(result)}\nresult  {final_path(folder) / 'result.json'}")


def _result(
    options: argparse.Namespace, pictures: list[Path], layout: Layout | None, camera: Camera | None,
    pipeline: Callable[[], Pipeline], load: dict[str, Any],
) -> dict[str, Any]:  # fmt: skip
    started = starts(load, pictures[0])  # first, as what cannot start should not be known only after the frames
    sensors = Sensors(device_bytes=_device_bytes())
    before = resident_bytes()
    numbers = [1, *options.streams]
    pipelines = [pipeline() for _ in range(max(numbers))]
    loaded = resident_bytes()
    reads = [_reader(p, pictures, layout, camera) for p in pipelines]
    runs = []
    for streams in numbers:
        for read in reads[:streams]:
            time_frames(read, -(-options.warm_up // streams))
        with sensors.watching() as seen:
            if streams == 1:
                timed = time_frames(reads[0], options.frames)
            else:
                timed = time_streams(reads[:streams], options.frames)
        if streams == 1:
            frames_ms = [round(ms, 3) for ms in timed.total]
        runs.append(measured(timed, seen, streams, sensors.power_source))
    networks = {name: dataclasses.asdict(where) for name, where in pipelines[0].ran_on.items()}
    for name, session in pipelines[0].sessions.items():
        networks[name] |= {"weights": Path(session.source).name, "sha256": session.checksum}
    stages = list(runs[0]["stages_ms"])
    return {
        "form": FORM,
        "version": VERSION,
        "made_at": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "device": device(),
        "networks": networks,
        "frames": _frames(pictures, options, stages),
        "runs": runs,
        "end_to_end_frames_ms": frames_ms,
        "start": started,
        "resident_bytes": {"before": before, "loaded": loaded, "most": resident_bytes(peak=True)},
        "void_for_gate": void(runs, sensors, networks, stages),
    }


def _frames(pictures: list[Path], options: argparse.Namespace, stages: list[str]) -> dict[str, Any]:
    """Which frames were timed, and how: what has to be the same for two results to be comparable."""
    content = hashlib.sha256()
    for picture in pictures:
        content.update(hashlib.sha256(picture.read_bytes()).digest())
    height, width = load_picture(pictures[0]).shape[:2]
    return {
        "timed": options.frames,
        "default": LEAST_FRAMES,
        "warm_up": options.warm_up,
        "pictures": len(pictures),
        "width": width,
        "height": height,
        "sha256": content.hexdigest(),
        "stages": stages,
        "not_timed": [stage for stage in STAGES if stage not in stages],
        "every_crop": options.every_crop,
        "threads": options.threads or None,
    }


def _reader(pipeline: Pipeline, pictures: list[Path], layout: Layout | None, camera: Camera | None) -> Read:
    """Reads a frame from its file to its audit; a stage that has nothing to work on is left out."""
    clock = time.perf_counter

    def read(i: int) -> dict[str, float]:
        start = clock()
        image = load_picture(pictures[i % len(pictures)])
        decoded = clock()
        reading = pipeline(Frame(image, camera, float(i)))
        laps = {"decode": (decoded - start) * 1000, **reading.latency_ms}
        if pipeline.gallery is None:
            laps.pop("recognize", None)
        if layout is not None:
            begin = clock()
            findings(layout, reading.states)
            laps["audit"] = (clock() - begin) * 1000
        return laps

    return read


def _device_bytes() -> Callable[[], int] | None:
    """Device memory in use, by all programs; None without a CUDA device."""
    try:
        driver = cuda()
    except InputError:
        return None

    def used() -> int:
        free, total = driver.free_memory()
        return total - free

    return used


def _pictures(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise InputError(f"{path}: no such file or folder; expected pictures of one camera")
    found = sorted(p for p in path.rglob("*") if p.is_file() and p.suffix.lower() in PICTURE_SUFFIXES)
    if not found:
        raise InputError(f"{path}: no pictures in it; expected {', '.join(PICTURE_SUFFIXES)}")
    return found
