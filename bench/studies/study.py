"""A study: axes × rigs × models, each combination a cell that reads the same scenario seeds."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from itertools import product
from pathlib import Path
from typing import Any

from bench.configs import compose, flat
from bench.experiment import Experiment, check
from bench.response.samples import CLEAN
from bench.studies.settings import DIALS, PARTS, Model, Settings
from scenarios import InputError, Rig, Scenario, load_scenario
from scenarios.files import build
from vision.pipeline import weights_path

ROOT = Path(__file__).parents[2]
SETTINGS = (*DIALS, *PARTS, "scale")
WHERE = "where"
"""The axis along which a study is read here, and on a device."""
CHOICES = ("renderer", "runtime", "target")
"""What a value of an axis may set beside dials."""
NOT_DECIDING = ("workers", "outputs", "cache_gb", "study", "interpretation", "devices", "client", "secret_file")
"""Keys of a study's configuration that no score depends on."""
RENDERING = ("scenarios/**/*.py", "sim/**/*.py", "sim/assets/*")
READING = (
    *RENDERING,
    "vision/**/*.py",
    *(f"bench/{n}.py" for n in ("scoring", "events", "precision", "statistics", "response/samples", "studies/cells")),
)
"""Files whose content decides a picture, and a score."""
PACKAGES = ("numpy", "opencv-python-headless", "pybullet", "pillow", "mitsuba", "onnxruntime")


@dataclass(frozen=True)
class Cell:
    """One combination: an experiment of one rig and one model, and where on the axes it stands."""

    at: Mapping[str, str]
    experiment: Experiment
    condition: str = CLEAN
    """Its values that are not their axis' first, by which robustness is told."""

    @property
    def rig(self) -> Rig:
        return self.experiment.rigs[0]

    @property
    def model(self) -> Model:
        return self.experiment.models[0]

    @property
    def name(self) -> str:
        return " ".join([*(f"{axis}={value}" for axis, value in self.at.items()), self.rig.name, "+", self.model.name])


@dataclass(frozen=True)
class Study:
    """What `shelfbench run` makes of an experiment with axes. `config` is its resolved configuration."""

    config: Mapping[str, Any]
    base: Experiment
    points: tuple[tuple[Mapping[str, str], Experiment], ...]
    """Each combination of axis values, with all rigs and models."""
    timed_frames: int = 0
    cache_gb: float = 20.0

    @property
    def name(self) -> str:
        return self.base.name

    @property
    def cells(self) -> list[Cell]:
        """Every rig and model at every point; those of one model side by side, as it takes time to load."""
        first = {axis: next(iter(values)) for axis, values in self.config["axes"].items()}
        return [
            Cell(
                at,
                dataclasses.replace(point, rigs=(rig,), models=(model,)),
                ", ".join(value for axis, value in at.items() if value != first[axis] and axis != WHERE) or CLEAN,
            )
            for at, point in self.points
            for model in point.models
            for rig in point.rigs
        ]

    @property
    def folder(self) -> Path:
        """Where its cells lie."""
        return Path(self.config["study"] or Path(self.config["outputs"]) / "studies" / self.name)

    @property
    def pictures(self) -> Path:
        """Where rendered pictures lie, of all studies of these outputs."""
        return Path(self.config["outputs"]) / "pictures"


def experiment_of(config: Mapping[str, Any]) -> Experiment:
    """Build an experiment of a composed configuration. Raises InputError."""
    kept = {f.name: config[f.name] for f in dataclasses.fields(Experiment) if f.name in config}
    kept |= {"rigs": list(config["rigs"].values()), "models": list(config["models"].values())}
    experiment = build(Experiment, kept, "run")
    settings = settings_of(config)
    return dataclasses.replace(experiment, settings=settings, rigs=tuple(settings.rig(r) for r in experiment.rigs))


def settings_of(config: Mapping[str, Any]) -> Settings:
    return Settings(**{key: config[key] for key in SETTINGS if key in config})


def study_of(config: Mapping[str, Any]) -> Study:
    """Plan the cells of a composed configuration. Raises InputError for a grid that is empty or makes no sense."""
    config = _with_device(config)
    axes = config["axes"]
    _check_axes(axes)
    for kind in ("rigs", "models"):
        if not config[kind]:
            raise InputError(f"{kind} is empty: the grid has no cells; expected at least one of conf/{kind[:-1]}")
    if config["timed_frames"] < 0 or not config["cache_gb"] > 0:
        raise InputError(
            f"timed_frames {config['timed_frames']}, cache_gb {config['cache_gb']}; expected >= 0 frames and > 0 GB"
        )
    points = []
    for values in product(*(a.items() for a in axes.values())):
        at = dict(zip(axes, (label for label, _ in values)))
        merged = dict(config)
        for _, given in values:
            for key, value in given.items():
                merged[key] = {**merged[key], **value} if isinstance(value, dict) else value
        with _at(at):
            points.append((at, experiment_of(merged)))
    return Study(config, experiment_of(config), tuple(points), config["timed_frames"], config["cache_gb"])


def _with_device(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """With a target every cell is read twice, here and there, unless an axis says already what is read where."""
    axes = config["axes"]
    if not config.get("target") or any("target" in v for axis in axes.values() if axis for v in axis.values() if v):
        return config
    return {**config, "axes": {**axes, WHERE: {"here": {"target": ""}, "device": {"target": config["target"]}}}}


def study_over(experiment: Experiment, axes: Mapping[str, Mapping[str, Mapping[str, Any]]], outputs: Path) -> Study:
    """The study that an experiment becomes over axes, without a file of conf/: axis -> value -> what it sets, as in
    `shelfbench run`. The rigs are taken as they are, with what the experiment's settings say of cameras in them.

    Raises InputError for a grid that is empty or makes no sense.
    """
    config = compose("run", ["experiment=quickstart"])  # for the keys that an experiment does not have
    given = {f.name: getattr(experiment, f.name) for f in dataclasses.fields(Experiment) if f.name in config}
    config |= given | {group: dict(getattr(experiment.settings, group)) for group in DIALS}
    config["rigs"] = {rig.name: dataclasses.asdict(rig) for rig in experiment.rigs}
    config["models"] = {model.name: dataclasses.asdict(model) for model in experiment.models}
    config["axes"] = {axis: {str(v): dict(sets) for v, sets in values.items()} for axis, values in axes.items()}
    return study_of(config | {"outputs": str(outputs)})


def _check_axes(axes: Mapping[str, Any]) -> None:
    allowed = ", ".join(SETTINGS + CHOICES)
    for axis, values in axes.items():
        if not isinstance(values, dict) or not values:
            raise InputError(f"axes.{axis} is {values!r}: the grid is empty; expected {{dim: {{lighting: …}}, …}}")
        for value, given in values.items():
            if not isinstance(given, dict):
                raise InputError(f"axes.{axis}.{value} is {given!r}; expected settings of {allowed}")
            for key in given:
                if key not in SETTINGS + CHOICES:
                    raise InputError(f"axes.{axis}.{value}: unknown key {key!r}; allowed: {allowed}")


def check_study(study: Study) -> None:
    """Raise InputError for what cannot be run anywhere on the grid, before anything is rendered."""
    for at, point in study.points:
        with _at(at):
            check(point)
            if point.target:
                _check_target(point)


def _check_target(point: Experiment) -> None:
    """A device has one set of networks and one gallery."""
    from bench.hardware.remote import check_device, device

    base = load_scenario(point.scenario)
    if point.settings.lookalikes:
        raise InputError(
            "lookalikes: the device's gallery is of the scenario's own packs; expected no such dial with it"
        )
    for model in point.models:
        weights = {p: full_checksum(str(weights_path(getattr(model, p)))) for p in ("detector", "recognizer")}
        check_device(device(point.target, point.client, point.secret_file), weights, base.layout)


@contextmanager
def _at(at: Mapping[str, str]) -> Iterator[None]:
    try:
        yield
    except InputError as error:
        where = " ".join(f"{axis}={value}" for axis, value in at.items())
        raise InputError(f"{where}: {error}" if where else str(error)) from None


def cell_hashes(study: Study) -> list[str]:
    """A name for everything that decides a cell's scores, of every cell: 16 hexadecimal digits of SHA-256.

    The store and its dials, the seeds, cameras, renderer, runtime, weights, code and versions.
    """
    base = load_scenario(study.base.scenario)
    store = base.hash
    return [_cell_hash(cell, base, store) for cell in study.cells]


def _cell_hash(cell: Cell, base: Scenario, store: str) -> str:
    e = cell.experiment
    plain = {
        "store": store,
        "conditions": [[s.seed, dataclasses.asdict(s.conditions)] for s in e.draw(base)],
        "cameras": [dataclasses.asdict(c) for c in cell.rig.cameras],
        "renderer": e.renderer,
        "runtime": e.runtime,
        "target": e.target,
        "weights": [checksum(str(weights_path(getattr(cell.model, part)))) for part in ("detector", "recognizer")],
        "names": [cell.rig.name, cell.model.name, dict(cell.at)],
        "code": code_version(READING),
    }
    return digest(plain)


def digest(plain: Any) -> str:
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:16]


@cache
def full_checksum(path: str) -> str:
    """Of a weights file alone, as a service tells it."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


@cache
def checksum(path: str) -> str:
    """Of a weights file and of what lies beside it under its name (its calibration)."""
    beside = Path(path).with_suffix(".json")
    content = Path(path).read_bytes() + (beside.read_bytes() if beside.is_file() else b"")
    return hashlib.sha256(content).hexdigest()[:16]


@cache
def code_version(patterns: tuple[str, ...], root: Path = ROOT) -> str:
    """Of the files that match, and of the packages under them."""
    code = hashlib.sha256()
    for path in sorted({p for pattern in patterns for p in root.glob(pattern) if p.is_file()}):
        code.update(f"{path.relative_to(root)}\n".encode() + path.read_bytes())
    for package in PACKAGES:
        try:
            code.update(f"{package} {metadata.version(package)}\n".encode())
        except metadata.PackageNotFoundError:
            continue
    return code.hexdigest()[:12]


def manifest(study: Study) -> dict[str, Any]:
    """What a study's folder is bound to, flat: its configuration, weights and code."""
    rows = flat({k: v for k, v in study.config.items() if k not in (*NOT_DECIDING, "camera_models")})
    rows["code"] = code_version(READING)
    for model in study.base.models:
        for part in ("detector", "recognizer"):
            rows[f"weights.{model.name}.{part}"] = checksum(str(weights_path(getattr(model, part))))
    return rows


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Keys that two manifests do not share or say otherwise, with both values."""
    keys = [*old, *(k for k in new if k not in old)]
    absent = "(absent)"
    return [
        f"{k}: {old.get(k, absent)} → {new.get(k, absent)}" for k in keys if old.get(k, absent) != new.get(k, absent)
    ]
