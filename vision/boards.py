"""Calibration boards: a camera's lens from pictures of a chessboard or a ChArUco board."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from scenarios import CameraModel, InputError
from vision.calibrate import model_of

FEWEST_PICTURES = 4
FEWEST_CORNERS = 8
"""Fewer corners of a board in one picture are passed over."""
MARKER = 0.75
"""Side of a ChArUco marker as a share of its square; the corners are found by the squares, so it need not be exact."""
FLAGS = (
    cv2.CALIB_FIX_PRINCIPAL_POINT | cv2.CALIB_FIX_ASPECT_RATIO | cv2.CALIB_ZERO_TANGENT_DIST | cv2.CALIB_FIX_K3
)  # fmt: skip
"""What the project's lens has: principal point in the centre, square pixels, k1 and k2."""


@dataclass(frozen=True)
class Board:
    """A board of `columns` × `rows` squares. With `markers`, one of OpenCV's dictionaries such as "4X4_50", it is a
    ChArUco board, of which a part is enough; without, a chessboard, of which every inner corner has to be in view."""

    columns: int
    rows: int
    markers: str = ""

    def __post_init__(self) -> None:
        if min(self.columns, self.rows) < 4:
            raise ValueError(f"board of {self.columns} x {self.rows} squares; expected 4 x 4 or more")
        if self.markers and not hasattr(cv2.aruco, f"DICT_{self.markers}"):
            known = ", ".join(sorted(n[5:] for n in dir(cv2.aruco) if n.startswith("DICT_")))
            raise ValueError(f"markers {self.markers!r}; expected one of {known}")


@dataclass(frozen=True, eq=False)
class BoardFit:
    """A fitted model, the number of each picture that shows the board, and its RMS reprojection error in pixels."""

    model: CameraModel
    pictures: tuple[int, ...]
    error: NDArray[np.float64]

    @property
    def rms(self) -> float:
        return float(np.sqrt((self.error**2).mean()))


def fit_board(name: str, images: Sequence[NDArray[np.uint8]], board: Board) -> BoardFit:
    """Fit focal length, k1 and k2 to pictures (H, W, 3) uint8 RGB of one size, by least squares (Zhang 2000).

    Raises InputError when too few show the board, or all from one side.
    """
    sizes = {image.shape[1::-1] for image in images}
    if len(sizes) != 1:
        shown = ", ".join(f"{w} x {h}" for w, h in sorted(sizes))
        raise InputError(f"the pictures of the board have {shown} pixels; expected one size")
    width, height = size = sizes.pop()
    found = [(i, *pair) for i, pair in enumerate(find_board(image, board) for image in images) if pair is not None]
    if len(found) < FEWEST_PICTURES:
        raise InputError(
            f"the board of {board.columns} x {board.rows} squares was found in {len(found)} of {len(images)} pictures; "
            f"expected {FEWEST_PICTURES} or more"
        )
    start = np.array([[width, 0, width / 2], [0, width, height / 2], [0, 0, 1.0]])
    plane, pixels = [p.astype(np.float32) for _, p, _ in found], [q.astype(np.float32) for _, _, q in found]
    answer = cv2.calibrateCameraExtended(
        plane, pixels, size, start, np.zeros(5), flags=FLAGS | cv2.CALIB_USE_INTRINSIC_GUESS
    )
    matrix, lens, deviation, error = answer[1], np.ravel(answer[2]), np.ravel(answer[5]), np.ravel(answer[7])
    focal, open_to = float(matrix[0, 0]), float(deviation[0] / matrix[0, 0])
    if not open_to < 0.02:
        raise InputError(f"the pictures leave the focal length open to {open_to:.0%}; tilt the board in more of them")
    try:
        model = model_of(name, (width, height), focal, float(lens[0]), float(lens[1]))
    except ValueError:
        raise InputError(
            "the pictures ask for a lens that folds the picture; show the board in its corners too"
        ) from None
    return BoardFit(model, tuple(i for i, _, _ in found), error.astype(float))


def find_board(image: NDArray[np.uint8], board: Board) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """The board's inner corners in an image: places (N, 3) on it in squares and pixels (N, 2); None if it is not there.

    The centre of the first pixel is at (0.5, 0.5), as in the whole project; OpenCV has it at (0, 0).
    """
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    inner = (board.columns - 1, board.rows - 1)
    grid = np.array([[x, y, 0.0] for y in range(inner[1]) for x in range(inner[0])])
    if not board.markers:
        seen, corners = cv2.findChessboardCornersSB(grey, inner, flags=cv2.CALIB_CB_ACCURACY)
        return (grid, corners.reshape(-1, 2).astype(float) + 0.5) if seen else None
    dictionary = cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, f"DICT_{board.markers}"))
    drawn = cv2.aruco.CharucoBoard((board.columns, board.rows), 1.0, MARKER, dictionary)
    corners, ids, _, _ = cv2.aruco.CharucoDetector(drawn).detectBoard(grey)
    if ids is None or len(ids) < FEWEST_CORNERS:
        return None
    chosen = grid[np.ravel(ids)]
    if min(len(np.unique(chosen[:, 0])), len(np.unique(chosen[:, 1]))) < 2:
        return None
    return chosen, corners.reshape(-1, 2).astype(float) + 0.5
