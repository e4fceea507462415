"""`shelfbench gate`: base and head side by side in one run."""

from __future__ import annotations

import dataclasses
import itertools
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bench.experiment import frames_folder
from bench.gate.sides import ROOT, SideError, extract, resolve, started
from bench.gate.timing import Slowdown, slowdown
from bench.gate.verdict import (
    NO_VERDICT,
    REGRESSION,
    WORDS,
    Finding,
    Limits,
    is_sure,
    judge_accuracy,
    judge_time,
    overall,
)

SIDES = ("base", "head")
CLOCKS = ("processor", "clock")
WARM_UP = 2
"""Pictures that both read before anything is timed."""
LOOK = 8
"""Pairs between two looks at whether more are needed."""


@dataclass(frozen=True)
class GatePlan:
    """What `shelfbench gate` takes; conf/gate.yaml says what each key means."""

    base: str
    limits: Limits = field(default_factory=Limits)
    detector: str = "yolo11n"
    recognizer: str = "embed"
    runtime: str = "onnxruntime-cpu"
    threads: int = 1
    first_seed: int = 300_000
    scenarios: int = 20
    seconds: float = 12.0
    cache_gb: float = 20.0
    outputs: str = "outputs"

    def __post_init__(self) -> None:
        if self.scenarios < 4 or self.threads < 0 or self.seconds <= 0:
            raise ValueError("expected scenarios >= 4, threads >= 0 and seconds > 0")

    @property
    def deciding(self) -> str:
        """The clock that decides: the processor's where the networks run on it alone, on one thread."""
        return "processor" if self.runtime.endswith("-cpu") and self.threads == 1 else "clock"


@dataclass(eq=False)
class Measured:
    """What the two versions answered. Times are paired: the n-th of base and of head are of one picture."""

    pictures: dict[str, list[dict[str, Any]]]
    said: dict[str, list[list[tuple[str, int | None]]]]
    times: dict[str, dict[str, list[float]]]
    """By side, then by clock or stage: seconds, or milliseconds of a stage."""

    def slowdown(self, what: str) -> Slowdown:
        return slowdown(*(self.times[side].get(what, []) for side in SIDES))

    @property
    def equal(self) -> int:
        """Pictures that both read alike."""
        return sum(_same(a, b) for a, b in zip(*(self.pictures[side] for side in SIDES)))


def _same(a: dict[str, Any], b: dict[str, Any]) -> bool:
    return a["sku"] == b["sku"] and all(np.array_equal(a[k], b[k]) for k in ("xyxy", "confidence", "class_id"))


def run_gate(plan: GatePlan) -> tuple[int, dict[str, Any]]:
    """Measure and judge; returns the exit status and the result as plain data. Raises InputError."""
    begun = time.perf_counter()
    commit = resolve(plan.base)
    try:
        return _run(plan, commit, begun)
    except SideError as error:
        # A base that does not run says nothing of head; a head that does not run is worse than a base that does.
        status = NO_VERDICT if error.side == "base" else REGRESSION
        return status, _told(plan, commit, begun, status, [Finding("start", status, str(error))])


def _run(plan: GatePlan, commit: str, begun: float) -> tuple[int, dict[str, Any]]:
    with frames_folder() as name:
        folder = Path(name)
        extract(commit, folder / "tree")
        trees = {"base": folder / "tree", "head": ROOT}
        with started(trees, folder, plan.threads == 1) as sides:
            from bench.gate import scenes as scene
            from bench.studies.pictures import PictureCache

            cache = PictureCache(Path(plan.outputs).absolute() / "pictures", int(plan.cache_gb * 1e9))
            scenes = scene.make_scenes(plan.first_seed, plan.scenarios, cache)
            np.save(folder / "frames.npy", scenes.images)
            settings = {k: getattr(plan, k) for k in ("detector", "recognizer", "runtime", "threads")}
            for side, tree in trees.items():
                gallery = scene.gallery_path(side, tree, scenes)
                sides[side].send(scene.task(scenes, folder / "frames.npy", gallery, settings))
            for side in SIDES:
                sides[side].receive()
            rendered = bool(cache.rendered)
            measured = _measure(plan, sides, scenes, time.perf_counter() if rendered else begun)
    from bench.gate.accuracy import METRICS, loss, score

    counts = {side: score(scenes, measured.pictures[side], measured.said[side]) for side in SIDES}
    losses = {metric: loss(counts["base"][metric], counts["head"][metric]) for metric in METRICS}
    times = {clock: measured.slowdown(clock) for clock in CLOCKS}
    findings = judge_time(times, plan.deciding, plan.limits) + judge_accuracy(losses, plan.limits)
    status = overall(findings)
    return status, _told(plan, commit, begun, status, findings, measured, losses, counts, scenes.name)


def _measure(plan: GatePlan, sides: dict[str, Any], scenes: Any, begun: float) -> Measured:
    """Read every picture once with both, A B, B A; then on, until the time is judged surely or used up."""
    pictures: dict[str, list[dict[str, Any]]] = {side: [] for side in SIDES}
    times: dict[str, dict[str, list[float]]] = {side: {} for side in SIDES}
    measured = Measured(pictures, {}, times)
    for i in range(WARM_UP):
        for side in SIDES:
            sides[side].ask("read", i)
    for turn in itertools.count():
        again, picture = divmod(turn, len(scenes.images))
        if again and turn % 2 == 0:
            late = time.perf_counter() - begun > plan.seconds
            if late or (turn % LOOK == 0 and is_sure(measured.slowdown(plan.deciding), plan.limits)):
                break
        # Another time round it is the other's turn to be first.
        for side in SIDES if (turn + again) % 2 == 0 else SIDES[::-1]:
            read = sides[side].ask("read", picture)
            for what, took in ({c: read[c] for c in CLOCKS} | read["stages"]).items():
                times[side].setdefault(what, []).append(took)
            if not again:
                pictures[side].append(read)
    groups = [scenes.pictures_of(i) for i in range(len(scenes.scenarios))]
    measured.said = {side: [sides[side].ask("say", group) for group in groups] for side in SIDES}
    return measured


def _told(
    plan: GatePlan, commit: str, begun: float, status: int, findings: list[Finding], measured: Measured | None = None,
    losses: dict[str, Any] | None = None, counts: dict[str, Any] | None = None, pictures: str = "",
) -> dict[str, Any]:  # fmt: skip
    """The result as plain data; NaN becomes None."""
    from bench.devices import conditions
    from bench.results import plain

    told: dict[str, Any] = {
        "command": f"gate base={plan.base}",
        "verdict": WORDS[status],
        "findings": [{"name": f.name, "verdict": WORDS[f.status], "reason": f.reason} for f in findings],
        "limits": dataclasses.asdict(plan.limits),
        "base": {"revision": plan.base, "commit": commit},
    }
    if measured is not None and losses is not None and counts is not None:
        said = {what: measured.slowdown(what) for what in measured.times["base"] if what in measured.times["head"]}
        told |= {
            "clock": plan.deciding,
            "time": {what: plain(dataclasses.asdict(s)) | _medians(measured, what) for what, s in said.items()},
            "accuracy": {metric: plain(dataclasses.asdict(lost)) for metric, lost in losses.items()},
            "counts": {side: {m: c.astype(int).tolist() for m, c in counts[side].items()} for side in SIDES},
            "pictures": {"name": pictures, "number": len(measured.pictures["base"]), "read_alike": measured.equal},
            "pairs": {clock: [measured.times[side][clock] for side in SIDES] for clock in CLOCKS},
        }
    asked = {k: getattr(plan, k) for k in ("detector", "recognizer", "runtime", "threads", "first_seed", "scenarios")}
    load = {"load": os.getloadavg()[0], "seconds": round(time.perf_counter() - begun, 2)}
    return told | {"conditions": conditions() | asked | load}


def _medians(measured: Measured, what: str) -> dict[str, float]:
    """Milliseconds of either side; stages are told in milliseconds already."""
    unit = 1000 if what in CLOCKS else 1
    return {f"{side}_ms": round(unit * float(np.median(measured.times[side][what])), 3) for side in SIDES}
