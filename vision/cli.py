"""shelfwatch: the deployed pipeline as a command."""

from __future__ import annotations

import argparse
import json
import platform
import sys
from collections import Counter
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenarios import Camera, Frame, InputError, load_layout
from vision.audit_page import write_shelf_audit
from vision.calibrate import check_size, load_camera
from vision.calibrate_command import add_calibrate
from vision.export.command import add_export
from vision.findings import Finding, table
from vision.latency.command import add_latency
from vision.latency.device import board, gpu_name, jetpack, power_mode, processor
from vision.latency.sensors import Sensors
from vision.outputs import final_path, result_folder, write_json
from vision.pictures import PICTURE_SUFFIXES, Shown, annotate, load_picture, save_picture
from vision.pipeline import WEIGHTS, Pipeline, weights_path
from vision.privacy import Privacy, forget_pictures, with_people
from vision.readings import CLASSES, Reading, as_plain
from vision.recognize import Gallery, Recognizer, enroll
from vision.runtimes import RUNTIMES, RanOn, lacking, open_session
from vision.runtimes.options import add_runtime
from vision.service.command import add_serve
from vision.watch_command import add_watch


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point. Wrong input ends with one line on stderr and exit status 2."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except InputError as error:
        print(f"shelfwatch: {error}", file=sys.stderr)
        sys.exit(2)
    except OSError as error:
        print(f"shelfwatch: {error.filename or 'output'}: {error.strerror}", file=sys.stderr)
        sys.exit(2)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="shelfwatch", description="Read shelves in pictures.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    read = commands.add_parser("read", help="find products in a picture or a folder of pictures")
    read.add_argument("path", type=Path)
    read.add_argument("--score", type=_share, default=0.25, help="lowest score of a detection (default 0.25)")
    read.add_argument("--max-detections", type=_positive, default=1000, help="most detections a picture (default 1000)")
    read.add_argument("--gallery", type=Path, help="gallery.npz of `enroll`, or a folder of pictures to enrol first")
    read.add_argument("--detector", default="yolo11n", help="shipped weights or an ONNX file (default yolo11n)")
    add_runtime(read)
    read.add_argument(
        "--slice", type=_positive, default=0, metavar="PIXELS",
        help="read larger pictures in overlapping tiles of so many pixels (default: each picture as a whole)",
    )  # fmt: skip
    read.add_argument(
        "--keep-people", action="store_true",
        help="store annotated pictures with recognisable people in them; without it they are hidden",
    )  # fmt: skip
    read.add_argument(
        "--keep-hours", type=_hours, metavar="HOURS",
        help="delete pictures of earlier results that are older (default: keep them; readings always stay)",
    )  # fmt: skip
    read.add_argument(
        "--planogram", type=Path, help="folder with store.yaml, catalog.csv, planogram.csv: audit against it"
    )
    read.add_argument(
        "--camera", type=Path, help="calibration of the camera, camera.yaml; all pictures are of one moment"
    )
    read.set_defaults(run=run_read)
    enrol = commands.add_parser("enroll", help="make a gallery from FOLDER/SKU/*.jpg")
    enrol.add_argument("folder", type=Path)
    enrol.add_argument("--output", type=Path, default=Path("gallery.npz"))
    enrol.add_argument(
        "--second-look", action="store_true", help="keep their print too: for look-alikes and real packs"
    )
    enrol.set_defaults(run=run_enroll)
    add_calibrate(commands)
    add_watch(commands)
    add_export(commands)
    add_latency(commands)
    add_serve(commands)
    doctor = commands.add_parser("doctor", help="what this machine has")
    doctor.set_defaults(run=run_doctor)
    for command in (read, enrol):
        command.add_argument("--recognizer", default="embed", help="shipped weights or an ONNX file (default embed)")
    read.add_argument("--outputs", type=Path, default=Path("outputs"), help="where results go (default outputs)")
    return parser


def _share(text: str) -> float:
    value = float(text)
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"{text}; expected a number between 0 and 1")
    return value


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text}; expected 1 or more")
    return value


def _hours(text: str) -> float:
    value = float(text)
    if not value >= 0:
        raise argparse.ArgumentTypeError(f"{text}; expected 0 or more hours")
    return value


def run_read(options: argparse.Namespace) -> None:
    """Read every picture of a path and write readings.jsonl, annotated pictures and result.json; with a planogram
    also audit.html and audit.csv. The pictures show no recognisable people unless that was asked for."""
    if (options.planogram is None) != (options.camera is None):
        raise InputError("read: --planogram and --camera go together; expected both or none")
    paths = _pictures(options.path)
    layout = load_layout(options.planogram) if options.planogram is not None else None
    camera = load_camera(options.camera) if options.camera is not None else None
    gallery = _gallery(options) if options.gallery is not None else None
    pipeline = Pipeline.load(
        options.detector, options.recognizer, gallery, layout,
        runtime=options.runtime, fallback=options.fallback, score=options.score,
        max_detections=options.max_detections, tile=options.slice,
    )  # fmt: skip
    privacy = None if options.keep_people else Privacy(open_session(weights_path("centerface"), *_faces(options)))

    def hide(image: NDArray[np.uint8], reading: Reading) -> Shown:
        return with_people(image) if privacy is None else privacy(image, reading.people)

    skipped: list[str] = []
    readings: list[Reading] = []
    read: list[Path] = []
    with result_folder(options.outputs, "read") as folder:
        (folder / "annotated").mkdir()
        names: Counter[str] = Counter()
        with (folder / "readings.jsonl").open("w", encoding="utf-8") as stream:
            for path in paths:
                try:
                    image = _load(path, camera)
                except InputError as error:
                    print(f"skipped: {error}", file=sys.stderr)
                    skipped.append(str(path))
                    continue
                reading = pipeline(Frame(image, camera))
                stream.write(json.dumps({"source": str(path), **as_plain(reading)}) + "\n")
                names[path.stem] += 1
                name = path.stem if names[path.stem] == 1 else f"{path.stem}-{names[path.stem]}"
                save_picture(folder / "annotated" / f"{name}.jpg", annotate(hide(image, reading), reading.detections))
                readings.append(reading)
                read.append(path)
        if not readings:
            raise InputError(f"{options.path}: none of {len(paths)} pictures is readable")
        result = _summary(options, readings, skipped, pipeline.ran_on)
        if layout is not None and camera is not None:
            found = write_shelf_audit(folder, layout, camera, read, readings, hide)
            result["audit"] = dict(Counter(f.kind for f in found))
        write_json(folder / "result.json", result)
    _print_summary(result, final_path(folder))
    if options.keep_hours is not None:
        deleted = forget_pictures(options.outputs / "read", options.keep_hours)
        print(f"pictures deleted   {deleted:6d}   older than {options.keep_hours:g} h")
    if layout is not None:
        _print_audit(found, final_path(folder), gallery)


def _load(path: Path, camera: Camera | None) -> NDArray[np.uint8]:
    """Load a picture that the camera, if any is given, can have taken. Raises InputError."""
    image = load_picture(path)
    if camera is not None:
        try:
            check_size(camera, image)
        except InputError as error:
            raise InputError(f"{path}: {error}") from None
    return image


def _print_audit(found: list[Finding], folder: Path, gallery: Gallery | None) -> None:
    print(f"shelf audit        {folder / 'audit.html'}   {folder / 'audit.csv'}\n")
    if gallery is None:
        print("Without --gallery no product is named: what stands in a place is taken for the planned one.\n")
    print(table(found))


def _pictures(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise InputError(f"{path}: no such file or folder; expected a picture or a folder of pictures")
    found = sorted(p for p in path.rglob("*") if p.is_file() and p.suffix.lower() in PICTURE_SUFFIXES)
    if not found:
        raise InputError(f"{path}: no pictures in it; expected {', '.join(PICTURE_SUFFIXES)}")
    return found


def _faces(options: argparse.Namespace) -> tuple[str, int, Sequence[str]]:
    """What faces are looked for on: an engine takes one size, and pictures for this network have many."""
    return ("onnxruntime-cpu", 0, ()) if options.runtime == "tensorrt" else (options.runtime, 0, options.fallback)


def _gallery(options: argparse.Namespace) -> Gallery:
    if options.gallery.is_dir():
        return _enroll(options.gallery, options.recognizer)
    return Gallery.load(options.gallery)


def _enroll(folder: Path, recognizer: str, second_look: bool = False) -> Gallery:
    network = Recognizer(open_session(weights_path(recognizer)))
    return enroll(folder, network, lambda message: print(f"skipped: {message}", file=sys.stderr), second_look)


def _summary(
    options: argparse.Namespace, readings: list[Reading], skipped: list[str], ran_on: dict[str, RanOn]
) -> dict[str, Any]:
    classes = Counter(CLASSES[c] for r in readings for c in r.detections.class_id)
    stages = {s: [r.latency_ms[s] for r in readings] for s in readings[0].latency_ms}
    return {
        "command": "read",
        "path": str(options.path),
        "pictures": len(readings),
        "skipped": skipped,
        "detections": {name: classes[name] for name in CLASSES},
        "known_products": sum(int((r.detections.sku != None).sum()) for r in readings),  # noqa: E711
        "latency_ms": {s: {"p50": float(np.median(v)), "p95": float(np.quantile(v, 0.95))} for s, v in stages.items()},
        "conditions": {
            "detector": options.detector,
            "recognizer": options.recognizer if options.gallery else None,
            "runtime": options.runtime,
            "ran_on": {name: str(where) for name, where in ran_on.items()},
            "score": options.score,
            "tile": options.slice or None,
            "people": "kept" if options.keep_people else "hidden",
            "machine": processor(),
            "python": platform.python_version(),
        },
    }


def _print_summary(result: dict[str, Any], folder: Path) -> None:
    print(f"pictures read      {result['pictures']:6d}   skipped {len(result['skipped'])}")
    for name, number in result["detections"].items():
        print(f"{name + 's':18s} {number:6d}   {number / result['pictures']:.1f} a picture")
    if result["conditions"]["recognizer"]:
        print(f"products named     {result['known_products']:6d}")
    times = "   ".join(f"{stage} {v['p50']:.0f} ms" for stage, v in result["latency_ms"].items())
    print(f"median time        {times}")
    for name, where in result["conditions"]["ran_on"].items():
        print(f"{name + ' on':18s} {where}")
    print(f"readings           {folder / 'readings.jsonl'}")
    print(f"annotated pictures {folder / 'annotated'}")


def run_enroll(options: argparse.Namespace) -> None:
    """Enrol a folder of pictures and write the gallery."""
    gallery = _enroll(options.folder, options.recognizer, options.second_look)
    output = options.output if options.output.suffix == ".npz" else Path(f"{options.output}.npz")
    gallery.save(output)
    print(f"{len(gallery.names)} SKUs from {len(gallery.skus)} pictures: {output}")


def run_doctor(_: argparse.Namespace) -> None:
    """Print what this machine has, one line each."""
    for name, value in findings():
        print(f"{name:18s} {value}")


def findings() -> list[tuple[str, str]]:
    """What this machine has that the pipeline can use."""
    found = [("python", platform.python_version()), ("machine", processor())]
    for package in ("numpy", "opencv-python-headless", "onnxruntime"):
        try:
            found.append((package, metadata.version(package)))
        except metadata.PackageNotFoundError:
            found.append((package, "not installed"))
    found += [(f"runtime {name}", f"no: {why}" if (why := lacking(name)) else "yes") for name in RUNTIMES]
    found += [("jetson", board()), ("jetson linux", jetpack()), ("power mode", power_mode())]
    found.append(("nvidia gpu", gpu_name()))
    found.append(("power figures by", Sensors().power_source))
    weights = sorted(WEIGHTS.glob("*.onnx"))
    return [*found, *((f"weights {p.stem}", f"{p.stat().st_size / 1e6:.1f} MB") for p in weights)]


if __name__ == "__main__":
    main()
