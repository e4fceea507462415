"""Does the planner keep its word in stores that nothing was set by, and is it better than geometry alone?

    python -m bench.placement.held_out run FOLDER [FIRST [LAST]]   # seeds; goes on where it was; 20 stores if not given
    python -m bench.placement.held_out keep FOLDER                 # adds its rows to held_out.csv, beside this file
    python -m bench.placement.held_out table                       # what the kept stores say together

A store takes some 16 minutes of a core.

A store has four bays of one kind, drawn with boards, products and look-alikes of its own; their brands trained no
network and fitted no response. `shelfbench place` plans CAMERAS cameras for it, which cost the same wherever they hang,
so that geometry alone chooses as many. Both are rendered in WORLDS worlds that chose nothing, and read.
"""

from __future__ import annotations

import itertools
import json
import math
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench.configs import compose
from bench.devices import commit
from bench.placement.command import BEST, plan_of, run_place
from bench.placement.prove import OOS
from bench.response.views import GOLDEN
from bench.statistics import interval, ratio
from bench.stores.__main__ import write_store
from bench.stores.merchandising import build_planogram, fill_bare_shelves
from bench.stores.training import draw_fixture, draw_products, is_full
from scenarios import Catalog, Conditions, Layout, Lookalikes, Room, Store, rng
from vision.outputs import write_json

SPLIT, FIRST_SEED = "test", 980_001
"""Of stores: after those that check responses (950001), and after some (970001 to 970012) that were looked at when
predictions were mended."""
STORES = 20
KEPT = Path(__file__).with_suffix(".csv")
KINDS, SHARES = ("gondola", "cooler"), (0.75, 0.25)
BAYS, CAMERAS, WORLDS = 4, 2, 16
GEOMETRY = "geometry"
WORDS = [
    "budget=1e6", "models=[wide_1080p]", f"costs.cameras_at_most={CAMERAS}", "costs.cable_per_metre=0",
    "mounts.pole.cost=0", "worlds=8", "crowded=2", "seconds=10", f"prove={WORLDS}", f"prove_arms=[{GEOMETRY}]",
]  # fmt: skip
"""What is said to `shelfbench place`; all else is as it is for everybody."""


def held_out_layout(seed: int) -> Layout:
    """Four bays of one kind in an aisle, with products of the test split: drawn from `rng(seed, "held out")`, again
    until its shelves are full."""
    layouts = (_draw(seed, rng(seed, "held out", attempt)) for attempt in itertools.count())
    return next(layout for layout in layouts if is_full(layout))


def _draw(seed: int, random: np.random.Generator) -> Layout:
    bay = draw_fixture(str(random.choice(KINDS, p=SHARES)), random)
    fixtures = [replace(bay, id=f"bay-{n + 1}", x=round(n * bay.width, 3)) for n in range(BAYS)]
    wanted = sum(f.width * len(f.shelves) for f in fixtures) / random.uniform(1.4, 2.6)
    products = draw_products(random, fixtures, wanted, SPLIT, wall=False)
    planogram = fill_bare_shelves(build_planogram(products, fixtures), products, fixtures)
    held = {position.sku for position in planogram.positions}
    aisle, ceiling = round(random.uniform(1.8, 3.0), 2), round(random.uniform(2.7, 3.5), 1)
    room = Room((-1.0, round(BAYS * bay.width + 1.0, 2)), (-aisle, round(bay.depth + 0.1, 2)), ceiling)
    store = Store(f"held-out-{seed}", room, tuple(fixtures))
    return Layout(store, Catalog(tuple(p for p in products if p.sku in held)), planogram)


def run(folder: Path, seeds: Sequence[int]) -> None:
    """Plan and prove in the stores that have no row yet, here or among those that are kept."""
    done = set(pd.read_csv(KEPT)["seed"]) if KEPT.exists() else set()
    for seed in seeds:
        row = folder / f"store-{seed}.json"
        if seed in done:
            continue
        if not row.exists():
            place = folder / "stores" / str(seed)
            distance = round(seed * GOLDEN % 1, 3)
            conditions = Conditions(f"held-out-{seed}", lookalikes=Lookalikes(distance))
            write_store(place, (held_out_layout(seed), conditions, "A store that nothing was set by."))
            words = [f"scenario={place}", *WORDS, f"outputs={folder / 'outputs'}"]
            _, result = run_place(plan_of(compose("place", words)), " ".join(["shelfbench place", *words]))
            write_json(row, row_of(seed, distance, result))
        print(line(json.loads(row.read_text())), flush=True)


def row_of(seed: int, distance: float, result: dict[str, Any]) -> dict[str, Any]:
    """What is kept of a store."""
    arms = {row["arm"]: row for row in result["proof"]["arms"]}
    cameras = {arm["arm"]: len(arm["cameras"]) for arm in result["arms"]}
    return {
        "seed": seed, "lookalike_distance": distance, "positions": result["positions"],
        "candidates": result["candidates"], "commit": commit(),
        "arms": {
            name: {"cameras": cameras[name]} | {k: row[k] for k in ("predicted", "predicted_there", "measured", OOS)}
            for name, row in arms.items()
        },
    }  # fmt: skip


def line(row: dict[str, Any]) -> str:
    """One store in one line."""
    said = [
        f"{name}: predicted {arm['predicted']['value']:.3f}, measured {arm['measured']['value']:.3f}, "
        f"OOS recall {arm[OOS]['value'] if arm[OOS]['value'] is not None else math.nan:.3f}"
        for name, arm in row["arms"].items()
    ]
    return f"store {row['seed']}, {row['positions']} positions; " + "; ".join(said)


def keep(folder: Path) -> None:
    """Add a folder's rows to those that are kept."""
    rows = pd.json_normalize([json.loads(path.read_text()) for path in sorted(folder.glob("store-*.json"))])
    before = [pd.read_csv(KEPT)] if KEPT.exists() else []
    kept = pd.concat([*before, rows]).drop_duplicates("seed").sort_values("seed")
    kept.to_csv(KEPT, index=False, lineterminator="\n")


def table(rows: pd.DataFrame) -> None:
    """Print what all stores say together."""
    best, geometry = (
        rows.filter(like=f"arms.{name}.").rename(columns=lambda c: c.split(".", 2)[2]) for name in (BEST, GEOMETRY)
    )
    if len(rows) < 2 or (best["cameras"] != geometry["cameras"]).any():
        sys.exit(f"{len(rows)} stores; expected two or more, with as many cameras chosen either way")
    known, half = best["measured.value"], (best["measured.high"] - best["measured.low"]) / 2
    print(f"\n{len(rows)} stores, in points, with 95 % intervals over stores:")
    for said, values in (
        ("OOS recall, best less geometry", (best[f"{OOS}.value"] - geometry[f"{OOS}.value"]).dropna()),
        ("value, best less geometry", known - geometry["measured.value"]),
        ("… predicted", best["predicted.value"] - geometry["predicted.value"]),
        ("measured less predicted value", known - best["predicted.value"]),
        ("how far off the prediction is", (known - best["predicted.value"]).abs()),
        ("… that of the same worlds", (known - best["predicted_there.value"]).abs()),
        ("half-width of a measured value", half),
    ):
        found = interval(ratio(100 * np.array(values), np.ones(len(values))))
        print(f"  {said:34s} {found.value:+6.2f} ({found.low:+.2f} to {found.high:+.2f})")


def main(words: list[str]) -> None:
    if words[:1] == ["table"] and KEPT.exists():
        table(pd.read_csv(KEPT))
    elif words[:1] == ["run"] and len(words) > 1:
        first = int(words[2]) if len(words) > 2 else FIRST_SEED
        last = int(words[3]) if len(words) > 3 else FIRST_SEED + STORES - 1
        run(Path(words[1]), range(first, last + 1))
    elif words[:1] == ["keep"] and len(words) == 2:
        keep(Path(words[1]))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
