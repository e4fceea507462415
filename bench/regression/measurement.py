"""One measurement of one device class, in one form, whether `make regression` or `shelfwatch latency` made it."""

from __future__ import annotations

import dataclasses
import json
import math
import re
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.latency import read_latency
from scenarios import InputError
from scenarios.files import build
from vision.latency.result import FORM

P90 = 1.2816
"""Standard deviations from the median to the 90th percentile of a normal distribution, and half its quartiles'
distance is 0.6745 of one: what is told of the scatter is taken for that of the undisturbed part."""
QUARTILES = 1.349
FEWEST_RUNS = 3
"""Of a baseline."""


@dataclass(frozen=True)
class DeviceClass:
    """What a figure is good for: figures of two classes are never compared. `board` is the processor where there is no
    board with a name of its own."""

    board: str
    power_mode: str
    jetpack: str
    runtime: str
    precision: str

    @property
    def name(self) -> str:
        """For files: all five, in small letters."""
        words = (re.sub(r"[^a-z0-9.]+", "-", v.lower()).strip("-") for v in dataclasses.astuple(self))
        return "_".join(words)


@dataclass(frozen=True)
class Figure:
    """A median, in milliseconds or joules; `error` is its standard error as a share of it, 0 where none is known."""

    median: float
    error: float = 0.0


@dataclass(frozen=True)
class Measurement:
    """`frames` names all that decides how long it takes besides device and code: pictures, threads, clock.
    `void` says why it is no evidence. `figures` by name, `accuracy` in shares. A baseline is made of several `runs`;
    `between` is how far a figure's median scatters from run to run, as a share of it."""

    device: DeviceClass
    frames: str
    made_at: str
    commit: str
    figures: Mapping[str, Figure]
    accuracy: Mapping[str, float] = field(default_factory=dict)
    void: tuple[str, ...] = ()
    runs: int = 1
    between: float = 0.0


def read_measurement(path: Path) -> Measurement:
    """Read the JSON of `pytest --benchmark-json` or of `shelfwatch latency`. Raises InputError."""
    data = _json(path)
    if data.get("form") == FORM:
        data, reader = read_latency(path), _of_latency
    elif "benchmarks" in data:
        reader = _of_benchmarks
    else:
        raise InputError(f"{path}: neither a result of `shelfwatch latency` nor of `pytest --benchmark-json`")
    try:
        return reader(data)
    except (KeyError, TypeError, IndexError, ValueError) as error:
        raise InputError(f"{path}: not as it was written: {type(error).__name__} {error}") from None


def _json(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; expected a measurement") from None
    except (ValueError, UnicodeDecodeError):
        raise InputError(f"{path}: not JSON; expected a measurement") from None
    if not isinstance(data, dict):
        raise InputError(f"{path}: expected an object, got {type(data).__name__}")
    return data


def _of_latency(data: dict[str, Any]) -> Measurement:
    single, device, frames = data["runs"][0], data["device"], data["frames"]
    networks = data["networks"].values()
    runtime, precision = ("+".join(sorted({n[key] for n in networks})) for key in ("runtime", "precision"))
    told = {**single["stages_ms"], "end to end": single["end_to_end_ms"]}
    figures = {name: Figure(row["p50"], _error_of_p90(row, single["frames"])) for name, row in told.items()}
    joules = single["power"]["joules_per_frame"]
    if joules is not None:
        figures["joules a frame"] = Figure(joules)
    read = (frames["sha256"][:12], f"threads {frames['threads'] or 'all'}", f"every crop {frames['every_crop']}")
    return Measurement(
        _class(device, runtime, precision), ", ".join(read), data["made_at"],
        "/".join(sorted(n["sha256"][:12] for n in networks)), figures, void=tuple(data["void_for_gate"]),
    )  # fmt: skip


def _error_of_p90(row: dict[str, float], frames: int) -> float:
    scatter = (row["p90"] - row["p50"]) / P90 / row["p50"] if row["p50"] else 0.0
    return math.sqrt(math.pi / 2 / frames) * scatter


def _of_benchmarks(data: dict[str, Any]) -> Measurement:
    figures: dict[str, Figure] = {}
    accuracy: dict[str, float] = {}
    for row in data["benchmarks"]:
        if "device" in row["extra_info"]:
            stats, extra = row["stats"], row["extra_info"]
            scatter = stats["iqr"] / QUARTILES / stats["median"]
            error = math.sqrt(math.pi / 2 / stats["rounds"]) * scatter
            figures[row["name"]] = Figure(round(1000 * stats["median"], 4), round(error, 5))
            accuracy |= {f"{row['name']}: {name}": share for name, share in extra["accuracy"].items()}
    if not figures:
        raise ValueError("no benchmark of the stages, the pipeline, the renderer or the planner in it")
    device = build(DeviceClass, extra["device"], "device")
    return Measurement(
        device, extra["frames"], data["datetime"], data["commit_info"].get("id", "unknown")[:12], figures, accuracy
    )


def _class(device: Mapping[str, str], runtime: str, precision: str) -> DeviceClass:
    board = device["board"] if device["board"] != "no" else device["processor"]
    return DeviceClass(board, device["power_mode"], device["jetpack"], runtime, precision)


def this_device(runtime: str, precision: str) -> DeviceClass:
    """The class of the device that this runs on."""
    from vision.latency.device import device

    return _class(device(), runtime, precision)


def baseline_of(runs: Sequence[Measurement]) -> Measurement:
    """The baseline that runs of the same code make: medians over runs, and how they scatter, pooled over all figures.

    Raises InputError for runs that are void, too few, or not of the same thing.
    """
    for run in runs:
        if run.void:
            raise InputError(f"no baseline of a measurement that is void: {'; '.join(run.void)}")
    if len(runs) < FEWEST_RUNS:
        raise InputError(
            f"{len(runs)} results; expected {FEWEST_RUNS} or more: one alone does not tell how runs scatter"
        )
    first = runs[0]
    if len({run.made_at for run in runs}) < len(runs):
        raise InputError("the same run is given twice")
    for run in runs:
        for what in ("device", "frames", "accuracy"):
            if getattr(run, what) != getattr(first, what):
                raise InputError(f"results differ in {what}: {getattr(run, what)} and {getattr(first, what)}")
        if run.figures.keys() != first.figures.keys():
            raise InputError(f"results have other figures: {', '.join(run.figures.keys() ^ first.figures.keys())}")
    figures, scatter = {}, []
    for name in first.figures:
        medians = [run.figures[name].median for run in runs]
        middle = statistics.median(medians)
        figures[name] = Figure(middle, max(run.figures[name].error for run in runs))
        if middle > 0:
            scatter.append(statistics.variance(medians) / middle**2)
    between = math.sqrt(statistics.mean(scatter)) if scatter else 0.0
    return dataclasses.replace(first, figures=figures, runs=len(runs), between=round(between, 5))


def save(baseline: Measurement, folder: Path) -> Path:
    """Write the baseline of a class."""
    path = folder / f"{baseline.device.name}.json"
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(dataclasses.asdict(baseline), indent=1) + "\n", encoding="utf-8")
    return path


def load_baseline(device: DeviceClass, folder: Path) -> Measurement | None:
    """The baseline of a class; None where there is none. Raises InputError for a file that is none."""
    path = folder / f"{device.name}.json"
    if not path.is_file():
        return None
    data = _json(path)
    try:
        figures = {name: Figure(**row) for name, row in data.pop("figures").items()}
        own = build(DeviceClass, data.pop("device"), str(path))
        return Measurement(own, figures=figures, **(data | {"void": tuple(data["void"])}))
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: not a baseline: {type(error).__name__} {error}") from None
