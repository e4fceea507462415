"""`shelfwatch export`: a weights file in another format and precision, compared with FP32, with its card."""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenarios import InputError
from vision.detect import Detector, letterbox
from vision.export.formats import FORMATS, Size
from vision.export.parity import Parity, compare_detectors, compare_recognizers, crops_of, frames, is_recognizer
from vision.export.precision import as_fp16, as_int8, folded, needed, with_names
from vision.outputs import write_json
from vision.pictures import PICTURE_SUFFIXES, load_picture
from vision.pipeline import WEIGHTS, weights_path
from vision.runtimes import PRECISIONS, Session, open_session
from vision.runtimes.onnx_header import onnx_header
from vision.runtimes.session import MADE_FROM, PRECISION, checked_sum, precision_of

FINDER = "yolo11n"
"""Finds the products whose crops recognizers are calibrated and compared on."""
MOST_PICTURES = 64
"""Calibration pictures that are taken of a folder, evenly; more change the ranges little and cost minutes."""
MOST_CROPS = 512
BATCH = 32


@dataclass(frozen=True)
class Wanted:
    """A format and a precision, as `tensorrt:int8`."""

    format: str
    precision: str

    def __str__(self) -> str:
        return f"{self.format} {self.precision}"


def add_export(commands: Any) -> None:
    """Add the command to a parser's commands."""
    export = commands.add_parser("export", help="weights in another format and precision, compared with FP32")
    export.add_argument(
        "weights", help="shipped weights, an ONNX file in FP32, or one that was exported, for another format of it"
    )
    export.add_argument("--format", choices=tuple(FORMATS), default="onnx")
    export.add_argument("--precision", choices=PRECISIONS, help="default: the file's own")
    export.add_argument(
        "--calibration", type=Path, metavar="FOLDER",
        help="pictures of shelves that INT8's ranges are measured on; `shelfbench dataset` makes some",
    )  # fmt: skip
    export.add_argument("--size", type=_size, metavar="HxW", help="of the pictures, for formats that have one shape")
    export.add_argument(
        "--fallback", type=_wanted, action="append", default=[], metavar="FORMAT[:PRECISION]",
        help="what to make where the format cannot be made; may be repeated (default: nothing)",
    )  # fmt: skip
    export.add_argument("--output", type=Path, default=Path("weights"), help="folder of the new file (default weights)")
    export.set_defaults(run=run_export)


def _size(text: str) -> tuple[int, int]:
    height, _, width = text.partition("x")
    if not (height.isdigit() and width.isdigit()) or int(height) % 32 or int(width) % 32 or not int(height):
        raise argparse.ArgumentTypeError(f"{text}; expected HEIGHTxWIDTH, multiples of 32, as 768x1024")
    return int(height), int(width)


def _wanted(text: str) -> Wanted:
    name, _, precision = text.partition(":")
    if name not in FORMATS or precision not in ("", *PRECISIONS):
        raise argparse.ArgumentTypeError(
            f"{text}; expected one of {', '.join(FORMATS)}, and :{' or :'.join(PRECISIONS)}"
        )
    return Wanted(name, precision)


def run_export(options: argparse.Namespace) -> None:
    """Make the file, compare it, and write its card; nothing is left of one that differs too much from FP32."""
    source = weights_path(options.weights)
    precision = options.precision or precision_of(onnx_header(source).metadata)
    failed: list[str] = []
    asked = Wanted(options.format, precision)
    for wanted in (asked, *(Wanted(w.format, w.precision or precision) for w in options.fallback)):
        try:
            path, parity = export(source, wanted, options.calibration, options.size, options.output)
        except InputError as error:
            if not options.fallback:
                raise
            failed.append(f"{wanted}: {error}")
            continue
        told = path if path.suffix != ".engine" else options.output / f"{source.stem}.tensorrt.engine"
        write_json(
            told.with_suffix(".parity.json"),
            {
                "weights": str(source),
                "sha256": checked_sum(source),
                "file": path.name,
                "format": wanted.format,
                "precision": wanted.precision,
                "instead_of": "; ".join(failed),
                "parity": parity.figures,
            },
        )
        if failed:
            print(f"instead of {'; '.join(failed)}")
        print(f"parity  {parity.told}\nfile    {path}   {path.stat().st_size / 1e6:.1f} MB, {wanted}")
        return
    raise InputError(f"export: nothing could be made: {'; '.join(failed)}")


def export(source: Path, wanted: Wanted, calibration: Path | None, size: Size, output: Path) -> tuple[Path, Parity]:
    """Make one file of FP32 weights (ONNX), or of what was exported from them, and return it with how near it is to
    FP32. Raises InputError where it cannot be made, or is not near enough; nothing is written then."""
    form = FORMATS[wanted.format]
    base = f"{source.stem.removesuffix(f'.{wanted.precision}')}.{wanted.precision}"
    name = base if wanted.format == "onnx" else f"{base}.{wanted.format}"
    with tempfile.TemporaryDirectory() as folder:
        onnx_file = Path(folder) / f"{base}.onnx"
        calibrated = _write_onnx(source, wanted.precision, calibration, onnx_file)
        made = form.make(onnx_file, Path(folder) / f"made.{name}{form.suffix}", size)
        try:
            opened = open_session(made, form.runtime)
            parity = compare(open_session(fp32_of(source)), opened)
            if not parity.passed:
                raise InputError(f"{source}: as {wanted} it differs too much from FP32: {parity.told}")
        except InputError:
            made.unlink(missing_ok=True)
            raise
        output.mkdir(parents=True, exist_ok=True)
        path = output / f"{name}{form.suffix}"
        if made.parent == Path(folder):
            for part in made.parent.glob(f"{made.stem}.*"):
                shutil.move(str(part), output / f"{name}{part.suffix}")
        else:  # an engine stays in the cache of this device, and is found by the ONNX file that it was built of
            path = made
            if not (output / onnx_file.name).is_file():
                shutil.move(str(onnx_file), output / onnx_file.name)
                _carry_calibration(source, output / onnx_file.name, opened.checksum)
    _write_card(output / f"{name}.md", path, source, wanted, calibrated, parity)
    if path.parent == output:
        _carry_calibration(source, path, opened.checksum)
    return path, parity


def _write_onnx(source: Path, precision: str, calibration: Path | None, path: Path) -> Path | None:
    """The weights as an ONNX file of a precision, which its metadata tell. Returns the folder of the pictures that it
    was calibrated on now, if it was."""
    given = onnx_header(source).metadata
    if precision == precision_of(given):
        shutil.copyfile(source, path)
        return None
    if MADE_FROM in given:
        raise InputError(f"{source}: is {precision_of(given)}; expected the FP32 weights that it was made from")
    onnx, model = needed("onnx"), with_names(folded(source))
    if precision == "fp16":
        model = as_fp16(model)
    elif calibration is None:
        raise InputError("export: INT8 needs --calibration, a folder of pictures of shelves")
    else:
        model = as_int8(model, calibration_batches(source, calibration))
    told = given | {PRECISION: precision, MADE_FROM: checked_sum(source)}
    onnx.helper.set_model_props(model, told)
    onnx.save(model, str(path))
    return calibration if precision == "int8" else None


def fp32_of(source: Path) -> Path:
    """The FP32 weights that an exported file was made from, if they are among those shipped; else the file itself."""
    made_from = onnx_header(source).metadata.get(MADE_FROM)
    shipped = (p for p in WEIGHTS.glob("*.onnx") if made_from is not None)
    return next((p for p in shipped if checked_sum(p) == made_from), source)


def calibration_batches(source: Path, folder: Path) -> Iterator[NDArray[np.float32]]:
    """What a network is given of calibration pictures: whole ones, or batches of crops. Raises InputError."""
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; expected pictures of shelves for the calibration")
    paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in PICTURE_SUFFIXES)
    if not paths:
        raise InputError(f"{folder}: no pictures in it; expected {', '.join(PICTURE_SUFFIXES)}")
    images = (load_picture(p) for p in paths[:: -(-len(paths) // MOST_PICTURES)])
    session = open_session(source)
    if not is_recognizer(session):
        size = Detector(session).size
        return (letterbox(image, size)[0] for image in images)
    crops = _crops(session, list(images))
    return (_batch(crops[i : i + BATCH]) for i in range(0, len(crops), BATCH))


def _crops(session: Session, images: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    height, width = session.input_shape[2:]
    assert height is not None
    assert width is not None
    return crops_of(images, Detector(open_session(weights_path(FINDER))), height, width, MOST_CROPS)


def _batch(crops: NDArray[np.uint8]) -> NDArray[np.float32]:
    return crops.transpose(0, 3, 1, 2).astype(np.float32) / np.float32(255)


def compare(reference: Session, other: Session) -> Parity:
    """Compare two networks on the frames that are shipped for it."""
    if is_recognizer(reference):
        return compare_recognizers(reference, other, _crops(reference, frames()))
    return compare_detectors(reference, other, frames())


def _write_card(card: Path, path: Path, source: Path, wanted: Wanted, calibration: Path | None, parity: Parity) -> None:
    size, checksum = path.stat().st_size / 1e6, hashlib.sha256(path.read_bytes()).hexdigest()
    used = f", calibrated on pictures of {calibration}" if calibration is not None else ""
    lines = [
        f"# {card.stem}", "",
        f"- made by: `shelfwatch export {source.stem} --format {wanted.format} --precision {wanted.precision}`{used}",
        f"- made from: {source.name}, SHA-256 {checked_sum(source)}",
        f"- against FP32: {parity.told}",
        f"- file: {size:.1f} MB, SHA-256 {checksum}",
    ]  # fmt: skip
    card.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _carry_calibration(source: Path, path: Path, network: str) -> None:
    """A recognizer's confidences go with it: the curves of its FP32 weights, under the new checksum."""
    curves = source.with_suffix(".json")
    if curves.is_file():
        told = json.loads(curves.read_text())
        path.with_suffix(".json").write_text(json.dumps(told | {"network": network}, indent=1) + "\n")
