"""From the response of a model, fitted on views of other stores, to its response in this store.

The shipped response is an average over packs that are turned, lean or have fallen, over look-alikes of all kinds and
over lamps that fail; and it knows one angle only, though who looks from the side sees less of gaps than who looks from
above. A store has its own packs and disorder, and is read better or worse at the same px/m. Some pictures of it, from
candidates drawn by lot and in worlds of their own, tell by how much: logit p becomes
shift + slope × logit p - tilt × (angle aside)⁴, apart for places with a unit and without.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import minimize
from tqdm import tqdm

from bench.experiment import Experiment
from bench.placement.candidates import Candidates
from bench.placement.chances import empty_places
from bench.response.response import Response
from bench.response.samples import place_lux
from bench.studies.cells import Bench
from bench.studies.study import READING, checksum, code_version, digest
from scenarios import Scenario, rng
from sim import capture
from sim.truth import seen_shares
from vision.pipeline import weights_path
from vision.readings import PlaceState

Floats = NDArray[np.float64]

FIRST_SEED = 350_000
"""Of the worlds of these pictures: between those that choose (300000) and those that prove (400000)."""
SHIFT, SLOPE, TILT, STACK = 2.0, 1.0, 3.0, 2.0
"""Standard deviations of the shift, of the slope's logarithm, of the tilt (0 or more, logits at 1 rad) and of what a
stack costs that are expected before a picture is read."""
POWER = 4
"""Of the angle aside: to some 0.8 rad it changes little."""
LEAST_SHARE = 0.05
"""Places of which less shows are left out, as of candidates."""
OUTCOMES = ("count", "gap")
CODE = (*READING, "bench/placement/transfer.py")


@dataclass(frozen=True)
class Transfer:
    """What becomes of the chance (…) of an outcome, seen at angles (…) aside, on the board or `raised` (…) on a pack: a
    stack is often found as one. 0 stays 0."""

    shift: float = 0.0
    slope: float = 1.0
    tilt: float = 0.0
    stack: float = 0.0

    def __call__(self, chance: Floats, aside: NDArray[np.floating], raised: NDArray[np.bool_]) -> Floats:
        logit = self.shift + self.slope * _logit(chance) - self.tilt * np.power(aside, POWER) - self.stack * raised
        return np.where(chance > 0, 1 / (1 + np.exp(-logit)), 0.0)


NONE = dict.fromkeys(OUTCOMES, Transfer())


def view_table(
    found: Candidates,
    drawn: Sequence[int],
    experiment: Experiment,
    responses: dict[str, Response],
    folder: Path,
    bench: Bench,
) -> pd.DataFrame:
    """A row for every front-row place in a picture of each drawn candidate, one in each world of the experiment: the
    world's seed as `view`, `outcome` ("count" where a unit stands, else "gap"), `chance` by the responses, the angle
    `aside`, whether it is `raised` on another, and whether it was `told`: seen, and counted as a facing just where one
    of the planned SKU stands. Kept in `folder`."""
    worlds = bench.draw(experiment)
    cameras = [found.camera(int(i)) for i in drawn]
    model = experiment.models[0]
    plain = {
        "worlds": [w.hash for w in worlds], "cameras": [dataclasses.asdict(c) for c in cameras],
        "weights": [checksum(str(weights_path(name))) for name in (model.detector, model.recognizer)],
        "responses": [_plain(responses[name]) for name in OUTCOMES], "code": code_version(CODE),
    }  # fmt: skip
    file = folder / f"views-{digest(plain)}.parquet"
    if file.is_file():
        return pd.read_parquet(file)
    pipeline = bench.pipeline(experiment, worlds[0])
    tables = []
    for world, i, camera in tqdm(list(zip(worlds, drawn, cameras)), desc="views", unit="picture", disable=None):
        frame, truth = capture(bench.world(world), world, camera)
        reading = pipeline(frame)
        assert reading.places is not None
        table = _rows(found, int(i), world, truth, reading.places.state, responses)
        tables.append(table.assign(view=world.seed))
    made = pd.concat(tables, ignore_index=True)
    folder.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(".draft")
    made.to_parquet(draft)
    draft.replace(file)
    return made


def _plain(response: Response) -> list[Any]:
    curves = {name: [curve.x.tolist(), curve.logit.tolist()] for name, curve in response.curves.items()}
    return [response.intercept, response.picture_side, curves]


def _rows(
    found: Candidates, i: int, world: Scenario, truth: Any, state: NDArray[np.int8], responses: dict[str, Response]
) -> pd.DataFrame:
    layout, camera = world.layout, found.camera(i)
    part = found.views.of(i)
    place = found.views.place[part]
    share = seen_shares(layout.places.faces[place], camera, truth.depth)
    view = (found.views.px_per_m[part], found.views.angle[part], place_lux(world)[place], share)
    side = max(camera.model.width, camera.model.height)
    count, gap = (responses[name].for_pictures(side).predict(*view) for name in OUTCOMES)
    empty = empty_places(layout, world)[place]
    planned = np.array([p.sku for p in layout.planogram.positions], object)[layout.places.position]
    front = np.flatnonzero(truth.front)
    own = np.zeros(len(planned), bool)
    own[truth.place[front]] = truth.sku[front] == planned[truth.place[front]]
    judged = (state != PlaceState.UNSEEN) & (state != PlaceState.UNNAMED)
    told = judged & ((state == PlaceState.OWN) == own)
    table = pd.DataFrame(
        {"outcome": np.where(empty, *OUTCOMES[::-1]), "chance": np.where(empty, gap, count), "told": told[place],
         "aside": found.views.aside[part], "raised": layout.places.level[place] > 0}
    )  # fmt: skip
    return table[share > LEAST_SHARE]


def drawn_by_lot(found: Candidates, count: int, seed: int) -> list[int]:
    """So many candidates, none twice where there are enough."""
    return [int(i) for i in rng(seed, "views").choice(len(found), count, replace=len(found) < count)]


def fit_transfers(table: pd.DataFrame) -> dict[str, Transfer]:
    """The transfer of each outcome by penalised maximum likelihood; where nothing was seen of it, none."""
    return {name: _fit(table[table["outcome"] == name]) for name in OUTCOMES}


def _fit(rows: pd.DataFrame) -> Transfer:
    rows = rows[rows["chance"] > 0]
    if rows.empty:
        return Transfer()
    x, told = _logit(rows["chance"].to_numpy(float)), rows["told"].to_numpy(float)
    aside, raised = np.power(rows["aside"].to_numpy(float), POWER), rows["raised"].to_numpy(float)

    def loss(values: Floats) -> float:
        logit = values[0] + np.exp(values[1]) * x - values[2] * aside - values[3] * raised
        prior = (np.square(values / (SHIFT, SLOPE, TILT, STACK)) / 2).sum()
        return float((np.logaddexp(0, logit) - told * logit).sum() + prior)

    shift, slope, tilt, stack = minimize(
        loss, np.zeros(4), bounds=[(None, None), (None, None), (0, None), (None, None)]
    ).x
    return Transfer(float(shift), float(np.exp(slope)), float(tilt), float(stack))


def _logit(chance: Floats) -> Floats:
    clipped = np.clip(chance, 1e-4, 1 - 1e-4)
    return np.log(clipped / (1 - clipped))


def transfer_rows(table: pd.DataFrame, transfers: dict[str, Transfer]) -> list[dict[str, Any]]:
    """By outcome what was told, what the responses said, and what the transfers of all other pictures say of each."""
    left_out = np.zeros(len(table))
    for view in table["view"].unique():
        here = (table["view"] == view).to_numpy()
        left_out[here] = apply(fit_transfers(table[~here]), table[here])
    rows = []
    for name in OUTCOMES:
        of = (table["outcome"] == name).to_numpy()
        if of.any():
            told, before = (round(float(table[column][of].mean()), 4) for column in ("told", "chance"))
            after = round(float(left_out[of].mean()), 4)
            facts = {"places": int(of.sum()), "told": told, "shipped": before, "left_out": after}
            rows.append({"outcome": name, **dataclasses.asdict(transfers[name]), **facts})
    return rows


def apply(transfers: dict[str, Transfer], table: pd.DataFrame) -> Floats:
    """The chance (N,) of every row."""
    view = table["chance"].to_numpy(float), table["aside"].to_numpy(float), table["raised"].to_numpy(bool)
    return np.where(table["outcome"] == OUTCOMES[1], transfers[OUTCOMES[1]](*view), transfers[OUTCOMES[0]](*view))


def transfer_table(rows: Sequence[dict[str, Any]], pictures: int) -> str:
    """What the pictures told, in one line."""
    titles = dict(zip(OUTCOMES, ("packs", "gaps")))
    said = "; ".join(
        f"{titles[r['outcome']]} {r['told']:.3f} told, {r['shipped']:.3f} by the shipped response, "
        f"{r['left_out']:.3f} by the other pictures"
        for r in rows
    )
    return f"response fitted to {pictures} pictures of this store: {said}"
