"""What a camera's view of a place is worth: the chance that a reading is right, from how the place is seen.

A response is additive in the logit over its axes: logit p = intercept + f(px/m) + g(angle) + ..., each part monotone.
A part that levels off gives a ceiling below 1 by itself. `bench.response.fit` fits them; this file predicts, inverts,
saves and loads, and needs numpy only.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scenarios import InputError

Floats = NDArray[np.float64]

SHIPPED = Path(__file__).parent / "response.json"
MODEL = "yolo11n"
"""Of conf/model, with embed: what the shipped responses are of."""


@dataclass(frozen=True)
class Axis:
    """One thing that a response depends on: its title and unit in figures, what a figure's unit is in the table's
    (radians in a degree), whether it works by its logarithm, whether more of it helps, and where the other axes'
    curves are drawn: at a good view, not the best."""

    title: str
    unit: str
    scale: float
    logarithmic: bool
    rises: bool
    reference: float

    def coordinate(self, values: ArrayLike) -> Floats:
        """The coordinate that curves are functions of."""
        values = np.asarray(values, float)
        return np.log(np.maximum(values, 1e-9)) if self.logarithmic else values


AXES = {
    "px_per_m": Axis("Pixels per metre at the shelf", "px/m", 1.0, True, True, 1000.0),
    "angle": Axis("Angle to the shelf's normal", "°", math.pi / 180, False, False, math.radians(20)),
    "lux": Axis("Illuminance on the shelf", "lx", 1.0, True, True, 500.0),
    "visible_fraction": Axis("Visible fraction", "–", 1.0, False, True, 1.0),
    "lookalike_distance": Axis("Look-alike distance", "–", 1.0, False, True, 1.0),
}


@dataclass(frozen=True, eq=False)
class Curve:
    """One axis's part of the logit: `logit` (K,) at coordinates `x` (K,), in between on straight lines, and level
    beyond the ends."""

    x: Floats
    logit: Floats

    def __post_init__(self) -> None:
        if self.x.shape != self.logit.shape or len(self.x) < 2 or (np.diff(self.x) <= 0).any():
            raise ValueError(f"curve of {self.x.shape} and {self.logit.shape}; expected 2 or more rising coordinates")


@dataclass(frozen=True, eq=False)
class Response:
    """The chance of one outcome, with the range of pixels per metre that was `measured`.

    `picture_side` is the longer side in pixels of the pictures that it is of. Detectors scale every picture to their
    own size, so that in larger pictures it takes more px/m to find as much: see `for_pictures`.
    """

    intercept: float
    curves: dict[str, Curve]
    measured: tuple[float, float]
    picture_side: int = 1920

    def for_pictures(self, side: int) -> Response:
        """The response in pictures of another longer side, as far as finding goes: of names, which are read off the
        unscaled picture, it says too little for larger ones."""
        scale = side / self.picture_side
        curves = dict(self.curves)
        if "px_per_m" in curves:
            curve = curves["px_per_m"]
            curves["px_per_m"] = Curve(curve.x + math.log(scale), curve.logit)
        low, high = self.measured
        return Response(self.intercept, curves, (low * scale, high * scale), side)

    def predict(
        self,
        px_per_m: ArrayLike,
        angle: ArrayLike = AXES["angle"].reference,
        lux: ArrayLike = AXES["lux"].reference,
        visible_fraction: ArrayLike = 1.0,
        lookalike_distance: ArrayLike = 1.0,
    ) -> Floats:
        """The chance (…) at places (…), 0 where nothing is seen. Axes that the response lacks have no say.

        Pixels per metre on the face with foreshortening (`samples.sight`), radians, lux, shares, and 1 as the distance
        of packs without a family. Some 4 million places a second on a core, all axes given.
        """
        given = (px_per_m, angle, lux, visible_fraction, lookalike_distance)
        values = {name: np.asarray(value, float) for name, value in zip(AXES, given)}
        with np.errstate(over="ignore"):
            chance = 1 / (1 + np.exp(-self._logit(values)))
        seen = (values["px_per_m"] > 0) & (values["visible_fraction"] > 0)
        return np.broadcast_to(np.where(seen, chance, 0.0), np.broadcast_shapes(*(v.shape for v in values.values())))

    def _logit(self, values: dict[str, Floats]) -> Floats:
        total: Floats = np.asarray(self.intercept)
        for name, curve in self.curves.items():
            total = total + np.interp(AXES[name].coordinate(values[name]), curve.x, curve.logit)
        return total

    def least_px_per_m(self, chance: float, **view: float) -> float:
        """The fewest pixels per metre that give a chance, in a `view` whose other axes are named or at their
        references; infinite where no number does. The lower end of what was measured stands for all below it."""
        values = {name: np.asarray(view.get(name, axis.reference)) for name, axis in AXES.items()}
        curve = self.curves.get("px_per_m")
        rest = Response(self.intercept, {n: c for n, c in self.curves.items() if n != "px_per_m"}, self.measured)
        needed = math.log(chance / (1 - chance)) - float(rest._logit(values))
        logit = curve.logit if curve else np.zeros(2)
        if needed > logit[-1]:
            return math.inf
        if curve is None or needed <= logit[0]:
            return self.measured[0]
        after = int(np.argmax(logit >= needed))
        share = (needed - logit[after - 1]) / (logit[after] - logit[after - 1])
        x = curve.x[after - 1] + share * (curve.x[after] - curve.x[after - 1])
        return max(self.measured[0], math.exp(x))


def save_responses(path: Path, responses: dict[str, dict[str, Response]], made: dict[str, Any]) -> None:
    """Write responses by model and outcome as JSON, with what is to be known of how they were `made`."""
    models = {m: {name: _plain(r) for name, r in outcomes.items()} for m, outcomes in responses.items()}
    path.write_text(json.dumps({"made": made, "models": models}, indent=1) + "\n", encoding="utf-8")


def _plain(response: Response) -> dict[str, Any]:
    curves = {
        name: {"x": curve.x.round(5).tolist(), "logit": curve.logit.round(4).tolist()}
        for name, curve in response.curves.items()
    }
    return {
        "intercept": round(response.intercept, 4), "measured_px_per_m": list(response.measured),
        "picture_side": response.picture_side, "curves": curves,
    }  # fmt: skip


def load_responses(path: Path = SHIPPED, model: str = MODEL) -> dict[str, Response]:
    """The responses of one model, by outcome. Raises InputError for a file that does not hold them."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        models = {name: {k: _response(v) for k, v in outcomes.items()} for name, outcomes in data["models"].items()}
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; expected the response.json of `shelfbench response`") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        what = f"no {error}" if isinstance(error, KeyError) else str(error)
        raise InputError(f"{path}: {what}; expected the response.json of `shelfbench response`") from None
    if model not in models:
        raise InputError(f"{path}: no response of model {model!r}; it has {', '.join(models) or 'none'}")
    return models[model]


def _response(plain: dict[str, Any]) -> Response:
    unknown = set(plain["curves"]) - set(AXES)
    if unknown:
        raise ValueError(f"unknown axis {', '.join(sorted(unknown))}")
    curves = {n: Curve(np.array(c["x"], float), np.array(c["logit"], float)) for n, c in plain["curves"].items()}
    low, high = plain["measured_px_per_m"]
    return Response(float(plain["intercept"]), curves, (float(low), float(high)), int(plain["picture_side"]))
