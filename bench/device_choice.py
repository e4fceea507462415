"""Which device carries how many cameras, and how well does it read them: model × precision × device class."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from bench.latency import device_class, read_latency
from scenarios import InputError
from scenarios.files import build
from vision.pipeline import weights_path
from vision.runtimes.session import checked_sum

CITED = Path(__file__).parent.parent / "conf" / "cited_devices.yaml"
DECIDING = "facings_exact"


@dataclass(frozen=True)
class Devices:
    """The group `devices` of an experiment: results of `shelfwatch latency`; `every` so many seconds a camera has a
    picture to be read; whether `cited` figures are shown."""

    results: tuple[str, ...] = ()
    every: float = 5.0
    cited: bool = True

    def __post_init__(self) -> None:
        if not self.every > 0:
            raise ValueError(f"every {self.every}; expected more than 0 seconds")


@dataclass(frozen=True)
class CitedDevice:
    """A published figure; see conf/cited_devices.yaml."""

    device: str
    model: str
    ms: float
    source: str


@dataclass(frozen=True)
class Option:
    """A model on a device. `ms` a picture (median), `cameras` that it carries, `joules` a picture where known.
    `accuracy` is value, low and high of facings exact, None where these weights were not read here. `remarks` say
    what the figures are not."""

    device: str
    model: str
    ms: float
    cameras: int
    joules: float | None
    accuracy: tuple[float, float, float] | None
    source: str
    cited: bool = False
    whole: bool = True
    """Whether the time is that of the whole pipeline, as it was asked for, on a device that did not throttle."""
    remarks: tuple[str, ...] = field(default=())


def read_results(devices: Devices) -> list[dict[str, Any]]:
    """The latency results, before anything is rendered. Raises InputError."""
    return [read_latency(Path(path)) for path in devices.results]


def options(devices: Devices, results: Sequence[dict[str, Any]], run: Mapping[str, Any]) -> list[Option]:
    """All options: of the run itself, on this machine; of the results; and cited ones.

    `run` is the plain result of `shelfbench run`, of which the arm that reads best stands for its model.
    """
    best: dict[str, Mapping[str, float]] = {}
    for arm in run["arms"]:  # the best first
        best.setdefault(arm["model"], arm["metrics"][DECIDING])
    accuracy = {name: (m["value"], m["low"], m["high"]) for name, m in best.items()}
    conditions = run["conditions"]
    here = f"{conditions['machine']}, {conditions['runtime']}"  # the precision is the model's, and its name tells
    found = [
        Option(
            here, name, stages["total"]["p50"], carried(1000 / stages["total"]["p50"], devices.every), None,
            accuracy[name], "this run", remarks=("from memory, without decoding and audit; no power figure",),
        )
        for name, stages in run["latency_ms"].items()
    ]  # fmt: skip
    known = {checked_sum(weights_path(m["detector"])): m["name"] for m in run["config"]["models"]}
    for path, result in zip(devices.results, results):
        found.append(_measured(path, result, devices.every, accuracy, known))
    if devices.cited:
        for c in cited():
            remark = "cited; another network or other pictures, boxes alone"
            found.append(
                Option(
                    c.device,
                    c.model,
                    c.ms,
                    carried(1000 / c.ms, devices.every),
                    None,
                    None,
                    c.source,
                    True,
                    remarks=(remark,),
                )
            )
    return found


def _measured(
    path: str, result: dict[str, Any], every: float, accuracy: Mapping[str, tuple[float, float, float]],
    known: Mapping[str, str],
) -> Option:  # fmt: skip
    """An option of a latency result: of the number of streams that reads most. `known` has the model of a checksum."""
    network = result["networks"]["detector"]
    most = max(result["runs"], key=lambda r: r["frames_per_second"])
    name = known.get(network["sha256"])
    remarks = [f"void for a gate: {reason}" for reason in result["void_for_gate"]]
    if name is None:
        remarks.append("these weights were not read here: no accuracy")
    title = f"{network['weights'].split('.')[0]} {network['precision']}"
    return Option(
        device_class(result), title, result["runs"][0]["end_to_end_ms"]["p50"],
        carried(most["frames_per_second"], every), most["power"]["joules_per_frame"],
        None if name is None else accuracy.get(name), path, whole=_is_whole(result), remarks=tuple(remarks),
    )  # fmt: skip


def _is_whole(result: dict[str, Any]) -> bool:
    fallen_back = any(network["instead_of"] for network in result["networks"].values())
    throttled = any(run["throttling"] for run in result["runs"])
    return not (result["frames"]["not_timed"] or fallen_back or throttled)


def carried(frames_per_second: float, every: float) -> int:
    """Cameras that a device keeps up with, each giving a picture every so many seconds."""
    return math.floor(frames_per_second * every + 1e-9)


def cited() -> list[CitedDevice]:
    rows = yaml.safe_load(CITED.read_text(encoding="utf-8"))
    return [build(CitedDevice, row, f"{CITED.name}, entry {i + 1}") for i, row in enumerate(rows)]


def front(found: Sequence[Option]) -> list[Option]:
    """The options that no other beats in both cameras and accuracy; cited ones, those without accuracy, and those whose
    time is not of the whole pipeline are no candidates."""
    candidates = [o for o in found if o.accuracy is not None and o.whole and not o.cited]

    def beaten(o: Option, by: Option) -> bool:
        assert o.accuracy is not None
        assert by.accuracy is not None
        more = (by.cameras, by.accuracy[0])
        return by is not o and more[0] >= o.cameras and more[1] >= o.accuracy[0] and more != (o.cameras, o.accuracy[0])

    return sorted((o for o in candidates if not any(beaten(o, p) for p in candidates)), key=lambda o: o.cameras)


def plot(found: Sequence[Option], every: float, picture: Path) -> None:
    """Draw cameras against accuracy with the front; options without accuracy, as all cited ones, lie on the lower
    edge."""
    from matplotlib.figure import Figure

    drawing = Figure(figsize=(10, 6 + 0.22 * len(found)), layout="constrained")
    axes = drawing.subplots()
    best = front(found)
    told = [o for o in found if o.accuracy is not None]
    axes.step(
        [o.cameras for o in best], [o.accuracy[0] for o in best if o.accuracy], color="0.6", where="pre", zorder=1
    )
    floor = min((o.accuracy[1] for o in told if o.accuracy), default=0.0) - 0.01
    for i, o in enumerate(found):
        energy = "" if o.joules is None else f", {o.joules:.2f} J a picture"
        label = f"{o.model} · {o.device}: {o.ms:.0f} ms{energy}" + (" (cited)" if o.cited else "")
        if o.accuracy is None:
            axes.plot(o.cameras, floor, marker="v", color=f"C{i % 10}", fillstyle="none", linestyle="", label=label)
        else:
            value, low, high = o.accuracy
            bar = [[value - low], [high - value]]
            axes.errorbar(
                o.cameras, value, yerr=bar, color=f"C{i % 10}", label=label, marker="o", linestyle="", capsize=3,
                fillstyle="full" if o.whole else "none",
            )  # fmt: skip
    axes.set_xscale("symlog", linthresh=1)
    most = 1.3 * max((o.cameras for o in found), default=1)
    ticks = [t for t in (0, *(n * 10**e for e in range(6) for n in (1, 2, 5))) if t <= most]
    axes.set_xticks(ticks, [f"{t:g}" for t in ticks], minor=False)
    axes.set_xlim(0.8 * min((o.cameras for o in found), default=0), most)
    axes.set_xlabel(f"cameras that it carries, a picture every {every:g} s each")
    axes.set_ylabel("facings exact (95 % interval)")
    axes.set_title("▽ no accuracy here   ○ not the whole pipeline   — what nothing beats in both", fontsize=10)
    axes.grid(alpha=0.3)
    drawing.legend(loc="outside lower center", fontsize=8)
    drawing.savefig(picture, dpi=120)


def table(found: Sequence[Option]) -> str:
    """One line an option, the front marked, with what its figures are not."""
    best = front(found)
    lines = [f"  {'cameras':>7}{'ms':>8}{'J':>7}  {'facings exact':22}model on device"]
    for o in sorted(found, key=lambda o: (o.cited, -o.cameras)):
        joules = "–" if o.joules is None else f"{o.joules:.2f}"
        exact = "–" if o.accuracy is None else "{:.3f} ({:.3f}–{:.3f})".format(*o.accuracy)
        mark = "→" if any(o is b for b in best) else " "
        lines.append(f"{mark} {o.cameras:7d}{o.ms:8.1f}{joules:>7}  {exact:22}{o.model} on {o.device}")
        lines += [f"{'':48}{remark}" for remark in (*o.remarks, *([o.source] if o.cited else ()))]
    return "\n".join(lines)


def as_devices(config: Mapping[str, Any]) -> Devices | None:
    """The group `devices` of a composed configuration, or None where it has none. Raises InputError."""
    given = config.get("devices")
    if not given:
        return None
    if config["axes"]:
        raise InputError("devices: not for an experiment with axes; expected one without")
    return build(Devices, given, "devices")
