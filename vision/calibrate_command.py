"""`shelfwatch calibrate`: a lens from pictures of a board, or a camera from one picture of known shelves."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenarios import CameraModel, Frame, InputError, Store, load_layout
from scenarios.files import read_yaml, write_yaml
from vision.boards import Board, fit_board
from vision.calibrate import Fit, fit_camera, save_camera
from vision.outputs import final_path, result_folder, write_json
from vision.pictures import PICTURE_SUFFIXES, Shown, load_picture, save_picture
from vision.pipeline import Pipeline, weights_path
from vision.points import Points, draw_fit, load_points, write_form
from vision.privacy import Privacy
from vision.runtimes import open_session


def add_calibrate(commands: argparse._SubParsersAction) -> None:
    """Add the sub-command to the parser of `shelfwatch`."""
    command = commands.add_parser("calibrate", help="a camera from points on known shelves, a lens from a board")
    command.add_argument("path", type=Path, help="picture of the shelves, or folder of pictures of a board")
    command.add_argument("--store", type=Path, help="store.yaml, or the folder that it is in")
    command.add_argument("--points", type=Path, help="CSV of points; without it, one to fill in is written")
    command.add_argument("--model", type=Path, help="model.yaml of the camera, from a board or a data sheet")
    command.add_argument("--board", type=_squares, help="squares of the board, columns x rows, such as 9x6")
    command.add_argument("--markers", default="", help="a ChArUco board's dictionary, such as 4X4_50")
    command.add_argument("--id", default="camera", help="the camera's name (default camera)")
    command.add_argument("--outputs", type=Path, default=Path("outputs"), help="where results go (default outputs)")
    command.set_defaults(run=run_calibrate)


def run_calibrate(options: argparse.Namespace) -> None:
    """Fit what the options ask for and write it with its errors."""
    if options.board is not None:
        _board(options)
    elif options.store is None:
        raise InputError(f"{options.path}: expected --store with the shelves in the picture, or --board")
    elif options.points is None:
        _form(options)
    else:
        _shelves(options)


def _board(options: argparse.Namespace) -> None:
    try:
        columns, rows = options.board
        board = Board(columns, rows, options.markers)
    except ValueError as error:
        raise InputError(str(error)) from None
    paths = sorted(p for p in options.path.glob("*") if p.suffix.lower() in PICTURE_SUFFIXES)
    if not paths:
        raise InputError(f"{options.path}: no pictures in it; expected a folder of pictures of the board")
    fit = fit_board(options.id, [load_picture(path) for path in paths], board)
    errors = {paths[i].name: round(float(e), 3) for i, e in zip(fit.pictures, fit.error)}
    with result_folder(options.outputs, "calibrate") as folder:
        note = f"From {len(errors)} pictures of a board; reprojection error {fit.rms:.2f} pixels RMS."
        write_yaml(folder / "model.yaml", fit.model, note, defaults=False)
        write_json(folder / "result.json", {"command": "calibrate", "rms": fit.rms, "pictures": errors})
    for path in paths:
        print(f"{path.name:30s} {f'{errors[path.name]:.2f} px' if path.name in errors else 'no board found'}")
    lens = fit.model.lens
    print(f"reprojection error {fit.rms:.2f} px RMS over {len(errors)} of {len(paths)} pictures")
    print(f"lens               {fit.model.focal_length:.1f} px focal length, k1 {lens.k1:.4f}, k2 {lens.k2:.4f}")
    print(f"model              {final_path(folder) / 'model.yaml'}")


def _form(options: argparse.Namespace) -> None:
    load_picture(options.path)
    with result_folder(options.outputs, "calibrate") as folder:
        write_form(folder / "points.csv", _store(options.store))
    print(f"fill in u and v (pixels) of the shelf ends, then give it as --points: {final_path(folder)}/points.csv")


def _shelves(options: argparse.Namespace) -> None:
    image = load_picture(options.path)
    height, width = image.shape[:2]
    store = _store(options.store)
    points = load_points(options.points, store, (width, height))
    model = read_yaml(options.model, CameraModel) if options.model is not None else None
    try:
        fit = fit_camera(options.id, points.world, points.pixels, (width, height), model)
    except InputError as error:
        raise InputError(f"{options.points}: {error}") from None
    with result_folder(options.outputs, "calibrate") as folder:
        note = f"From {fit.right.sum()} points of {options.path.name}; reprojection error {fit.rms:.2f} pixels RMS."
        save_camera(fit.camera, folder / "camera.yaml", note)
        save_picture(folder / "fit.jpg", draw_fit(_without_people(image), fit, points, store))
        write_json(folder / "result.json", _result(options, fit, points))
    _print_fit(fit, points, final_path(folder))


def _result(options: argparse.Namespace, fit: Fit, points: Points) -> dict[str, Any]:
    return {
        "command": "calibrate",
        "picture": str(options.path),
        "fitted": list(fit.fitted),
        "rms": fit.rms,
        "worst": fit.worst,
        "points": [
            {"row": row, "error": round(float(error), 2), "right": bool(right)}
            for row, error, right in zip(points.row, fit.error, fit.right)
        ],
    }


def _print_fit(fit: Fit, points: Points, folder: Path) -> None:
    for row, error, right in zip(points.row, fit.error, fit.right):
        print(f"row {row:<14d} {error:6.1f} px{'' if right else '   left out: does not agree with the others'}")
    model, place = fit.camera.model, ", ".join(f"{v:.3f}" for v in fit.camera.position)
    print(
        f"reprojection error {fit.rms:6.1f} px RMS, {fit.worst:.1f} px at most, "
        f"{fit.right.sum()} of {len(fit.error)} points"
    )
    print(f"fitted             {', '.join(fit.fitted)}")
    print(f"camera             at {place} m, {model.focal_length:.1f} px focal length, k1 {model.lens.k1:.4f}")
    print(f"camera file        {folder / 'camera.yaml'}")
    print(f"shelves drawn over {folder / 'fit.jpg'}")


def _without_people(image: NDArray[np.uint8]) -> Shown:
    privacy = Privacy(open_session(weights_path("centerface")))
    return privacy(image, Pipeline.load()(Frame(image)).people)


def _store(path: Path) -> Store:
    if path.is_dir() and not (path / "store.yaml").is_file():
        return load_layout(path).store
    return read_yaml(path / "store.yaml" if path.is_dir() else path, Store)


def _squares(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d+)x(\d+)", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text}; expected columns x rows, such as 9x6")
    return int(match[1]), int(match[2])
