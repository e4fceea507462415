"""Two cameras before the same shelves, to fit `correlation`: python -m bench.placement.pairs [STORES [MOMENTS]]

Validation stores that no response was fitted on; pictures and readings as of `bench.response.views`. Some 20 s of a
core a store and 1 s a picture.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator

import numpy as np
import pandas as pd

from bench.experiment import Model
from bench.placement.correlation import Pairs, fit_correlation
from bench.response.response import load_responses
from bench.response.samples import samples_of
from bench.response.views import GOLDEN, KINDS, PICTURE_SIDE, pipeline_of, roomy, view_camera, view_conditions
from bench.stores.training import training_layout
from scenarios import Lookalikes, Scenario, rng
from sim import World, capture

SPLIT, FIRST_SEED = "val", 900_101
"""Brands that trained no network, and seeds after those that the shipped response was fitted on."""
CAMERAS = 2
ON = ["store", "seed", "place", "kind"]


def store_pairs(seed: int, moments: int, model: Model) -> pd.DataFrame:
    """The places that both of two cameras saw at each moment: chances p_x, p_y, and whether right_x, right_y; empty for
    a store of another kind."""
    layout = training_layout(seed, SPLIT)
    if layout.store.fixtures[0].kind not in KINDS:
        return pd.DataFrame()
    layout = roomy(layout)
    alike, responses = Lookalikes(round(seed * GOLDEN % 1, 3)), load_responses(model=model.name)
    pipeline = pipeline_of(model, "onnxruntime-cpu", layout, alike)
    tables = []
    with World(layout, lookalikes=alike) as world:
        for moment in range(moments):
            random = rng(seed, "pairs", moment)
            scenario = Scenario(layout, view_conditions(random, alike), seed * 1000 + moment)
            seen = []
            for camera in [view_camera(layout, random) for _ in range(CAMERAS)]:
                frame, truth = capture(world, scenario, camera)
                table = samples_of(scenario, camera, truth, pipeline(frame)).query("kind != 'position'")
                view = [table[name] for name in ("px_per_m", "angle", "lux", "visible_fraction")]
                count, gap = (responses[name].for_pictures(PICTURE_SIDE).predict(*view) for name in ("count", "gap"))
                seen.append(table.assign(p=np.where(table["kind"] == "gap", gap, count)))
            tables.append(seen[0].merge(seen[1], on=ON))
    return pd.concat(tables, ignore_index=True)


def stores(count: int, moments: int, model: Model) -> Iterator[pd.DataFrame]:
    """Tables of as many stores of the right kinds."""
    drawn = (store_pairs(seed, moments, model) for seed in itertools.count(FIRST_SEED))
    return itertools.islice((table for table in drawn if len(table)), count)


def main(count: int = 4, moments: int = 8) -> None:
    """Print the share of failures that two cameras have together."""
    table = pd.concat(list(stores(count, moments, Model("yolo11n", "yolo11n", "embed"))))
    pairs = Pairs(
        table["p_x"].to_numpy(), table["p_y"].to_numpy(), table["right_x"].to_numpy(bool),
        table["right_y"].to_numpy(bool), table["seed"].to_numpy(),
    )  # fmt: skip
    print(f"correlation {fit_correlation(pairs)} over {len(table)} places of {table['seed'].nunique()} moments")
    print(f"predicted {pairs.first.mean():.3f} {pairs.second.mean():.3f}, "
          f"right {pairs.first_right.mean():.3f} {pairs.second_right.mean():.3f}")  # fmt: skip


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
