"""What is handed over of a placement beside its plan: the bill of materials and a calibration for each camera."""

from __future__ import annotations

import csv
import dataclasses
import json
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.placement.candidates import Candidates
from bench.placement.store_problem import Costs, cable_metres
from scenarios import Camera, Rig


@dataclass(frozen=True)
class Part:
    """A row of the bill of materials; `each` and `total` in money."""

    part: str
    what: str
    quantity: float
    unit: str
    each: float
    total: float
    for_cameras: str


def bill_of_materials(found: Candidates, chosen: Sequence[int], costs: Costs) -> list[Part]:
    """Cameras by model, mounts by kind, cable, and devices; prices are those of the input. The price of a camera has
    `costs.included` metres of its cable in it."""
    names = [f"camera-{n}" for n in range(1, len(chosen) + 1)]
    models = [found.models[found.model[i]] for i in chosen]
    kinds = [(str(found.kind[i]), float(found.mounts.cost[found.mount[i]])) for i in chosen]
    metres = [float(m) for m in cable_metres(found, costs)[list(chosen)]]
    more = [max(m - costs.included, 0.0) for m in metres]
    parts = [
        _part("camera", model.name, count, "piece", model.price, [n for n, m in zip(names, models) if m == model])
        for model, count in Counter(models).items()
    ]
    parts += [
        _part("mount", kind, count, "piece", cost, [n for n, k in zip(names, kinds) if k == (kind, cost)])
        for (kind, cost), count in Counter(kinds).items()
    ]
    within = sum(metres) - sum(more)
    parts.append(_part("cable", "in the cameras' prices", round(within, 1), "m", 0.0, names))
    if sum(more) > 0:
        extra = [n for n, m in zip(names, more) if m > 0]
        parts.append(_part("cable", "beyond that", round(sum(more), 1), "m", costs.cable_per_metre, extra))
    parts.append(_part("device", costs.device, devices(len(chosen), costs), "piece", costs.device_price, names))
    return parts


def _part(part: str, what: str, quantity: float, unit: str, each: float, cameras: Sequence[str]) -> Part:
    return Part(part, what, quantity, unit, each, round(quantity * each, 2), " ".join(cameras))


def devices(cameras: int, costs: Costs) -> int:
    """How many devices read so many streams."""
    return math.ceil(cameras / costs.streams)


def write_bill(path: Path, parts: Sequence[Part]) -> None:
    """Write the bill as CSV, with its total."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        table = csv.writer(stream)
        table.writerow([f.name for f in dataclasses.fields(Part)])
        table.writerows(dataclasses.astuple(part) for part in parts)
        table.writerow(["total", "", "", "", "", bill_total(parts), ""])


def bill_total(parts: Sequence[Part]) -> float:
    return round(sum(part.total for part in parts), 2)


def write_calibrations(folder: Path, rig: Rig) -> None:
    """A JSON file for each camera as it is to hang, which `shelfwatch --camera` reads (JSON is YAML); after hanging,
    `shelfwatch calibrate` fits the camera as it does hang."""
    folder.mkdir()
    for camera in rig.cameras:
        (folder / f"{camera.id}.json").write_text(calibration(camera), encoding="utf-8")


def calibration(camera: Camera) -> str:
    return json.dumps(dataclasses.asdict(camera), indent=2) + "\n"
