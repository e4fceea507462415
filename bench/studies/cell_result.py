"""What a cell of a study leaves behind: a folder that is there whole or not at all.

cell.json          a CellResult
positions.parquet  a row for each scenario and position: what was there and what was said
samples.parquet    a row for all that each picture shows of the shelves, for `shelfbench response`
pulls.parquet      a column for each metric, a row for each scenario: how far it pulls the metric (statistics.Sample).
                   All cells of a study read the same scenarios, so the rows of any two are pairs
worst-N.jpg        the pictures with the most products missed, with truth and reading drawn on them
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas

from bench.scoring import Scores
from bench.statistics import Sample
from vision.outputs import write_json

PULLS = "pulls.parquet"


@dataclass(frozen=True)
class CellResult:
    """One cell. `counts[metric]` is [numerator, denominator] of each scenario, in the order of `seeds`;
    `metrics[metric]` has value, low and high, or None each where there was nothing to measure."""

    hash: str
    at: Mapping[str, str]
    """Axis -> value."""
    rig: str
    model: str
    runtime: str
    renderer: str
    settings: Mapping[str, Any]
    """The dials that were set, flat."""
    seeds: list[int]
    scenario_hashes: list[str]
    metrics: Mapping[str, Mapping[str, float | None]]
    counts: Mapping[str, list[list[float]]]
    causes: Mapping[str, int]
    """Facings read minus facings there, by what caused it …"""
    cause_shares: Mapping[str, Mapping[str, float | None]]
    """… and as shares of `facings`, with intervals."""
    facings: int
    top1_by_px_per_m: list[dict[str, Any]]
    px_per_m: float
    cost: float
    cameras: int
    worst: list[dict[str, Any]]
    """Of the pictures drawn: file, seed, camera, products missed."""
    work: Mapping[str, float]
    """Pictures rendered and found in the cache; seconds by the clock and of the processor; MB at the highest."""
    conditions: Mapping[str, str]
    device: Mapping[str, Any] = field(default_factory=dict)
    """Of a cell that was read on a device: which one, milliseconds of the network and of the device, and its clock."""

    @property
    def name(self) -> str:
        return " ".join([*(f"{axis}={value}" for axis, value in self.at.items()), self.rig, "+", self.model])


def write_cell(
    folder: Path, result: CellResult, scores: Scores, positions: list[dict[str, Any]], samples: pandas.DataFrame
) -> None:
    """Write a cell's files into its folder."""
    pandas.DataFrame(positions).to_parquet(folder / "positions.parquet")
    samples.to_parquet(folder / "samples.parquet")
    write_pulls(folder, scores.samples)
    write_json(folder / "cell.json", dataclasses.asdict(result))


def read_cell(folder: Path) -> CellResult:
    """Read a cell's result back."""
    return CellResult(**json.loads((folder / "cell.json").read_text(encoding="utf-8")))


def read_samples(folder: Path) -> dict[str, Sample]:
    """Each metric's value and pulls, as `bench.comparison` takes them."""
    return read_pulls(folder, {name: m["value"] for name, m in read_cell(folder).metrics.items()})


def write_pulls(folder: Path, samples: Mapping[str, Sample]) -> None:
    """Write pulls.parquet."""
    pandas.DataFrame({name: sample.pull for name, sample in samples.items()}).to_parquet(folder / PULLS)


def read_pulls(folder: Path, values: Mapping[str, float | None]) -> dict[str, Sample]:
    """The samples of pulls.parquet with the values of their metrics; None and no value are NaN."""
    pulls = pandas.read_parquet(folder / PULLS)
    found = {name: values.get(name) for name in pulls}
    return {name: Sample(np.nan if v is None else v, pulls[name].to_numpy(float)) for name, v in found.items()}
