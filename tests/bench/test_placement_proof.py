"""The proof: predicted beside measured, arms in pairs, in worlds that chose nothing; what losses and changes cost."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench.cli import main
from bench.placement.evaluate import by_world, losses, one_fewer, one_more
from bench.placement.kept import Choice, choice_of
from bench.placement.problem import Problem
from bench.placement.prove import Measured, disagreements, measured, proof_rows, proof_study, proof_table
from bench.placement.solve import Answer
from bench.statistics import Sample, ratio
from bench.studies.cell_result import CellResult, write_pulls
from bench.studies.study import cell_hashes, study_of
from scenarios import Rig, load_scenario
from tests.layouts import front_camera


def sample(values: list[float]) -> Sample:
    return ratio(np.array(values), np.ones(len(values)))


def arms(first: list[float], second: list[float]) -> dict[str, Measured]:
    events = np.full(len(first), 10.0)
    return {
        name: Measured(sample(known), ratio(np.array(known) * 10, events), events, {})
        for name, known in (("best", first), ("grid", second))
    }


def test_arms_are_compared_in_pairs_and_a_wrong_prediction_is_told() -> None:
    best, grid = [0.9, 0.7, 0.8, 0.95, 0.6, 0.85, 0.9], [0.85, 0.66, 0.75, 0.90, 0.54, 0.80, 0.86]
    predicted = {"best": sample([0.81, 0.82, 0.80, 0.83]), "grid": sample([0.4, 0.41, 0.42, 0.43])}
    there = {"best": sample([0.88, 0.73, 0.79, 0.97, 0.58, 0.86, 0.9]), "grid": sample([v - 0.3 for v in grid])}
    rows = proof_rows(arms(best, grid), predicted, there, "best")
    assert [row["agrees"] for row in rows] == [True, False]
    more = rows[1]["best_has_more"]["value"]
    assert more["real"]
    assert more["difference"] == pytest.approx(np.mean(best) - np.mean(grid), abs=1e-6)
    assert more["high"] - more["low"] < 0.02
    assert "best_has_more" not in rows[0]
    facts = {"worlds": 7, "seeds": [400000, 400006], "model": "yolo11n"}
    lines = disagreements({"arms": rows, **facts})
    assert len(lines) == 1
    assert lines[0].startswith("predicted and measured disagree for grid: +30.0 points")
    assert lines[0] in proof_table({"arms": rows, **facts})


def test_what_was_measured_weighs_positions_by_what_they_are_worth(tmp_path: Path) -> None:
    rows = [
        {"seed": s, "position": p, "facings": f, "true_facings": t}
        for s, p, f, t in [(1, "a", 2, 2), (1, "b", None, 3), (2, "a", 1, 2), (2, "b", 3, 3)]
    ]
    pd.DataFrame(rows).to_parquet(tmp_path / "positions.parquet")
    write_pulls(tmp_path, {"oos_recall": sample([0.5, 1.0])})
    keys = [f.name for f in fields(CellResult)]
    cell = dict.fromkeys(keys) | {
        "metrics": {"oos_recall": {"value": 0.75}},
        "counts": {"oos_recall": [[1, 2], [2, 2]]},
    }
    (tmp_path / "cell.json").write_text(json.dumps(cell))
    found = measured(tmp_path, {"a": 0.75, "b": 0.25})
    assert found.known.value == pytest.approx((0.75 + 0.25) / 2)
    assert found.exact == {"a": 0.5, "b": 0.5}
    assert found.oos.value == 0.75
    assert found.oos_events.tolist() == [2, 2]


def test_a_proof_is_a_study_of_its_placements_in_worlds_of_their_own(tmp_path: Path) -> None:
    base = load_scenario("quickstart")
    rig = Rig("best", (front_camera(),))
    study = proof_study(base, "quickstart", [rig], "yolo11n", 4, 2, 1, tmp_path)
    drawn = study.base.draw(base)
    assert [s.seed for s in drawn] == [400_000, 400_001, 400_002, 400_003]
    assert [s.conditions.crowd.shoppers for s in drawn] == [0, 2, 0, 2]
    assert cell_hashes(study_of(study.config)) == cell_hashes(study)
    other = proof_study(
        base, "quickstart", [Rig("best", (front_camera(), front_camera()))], "yolo11n", 4, 2, 1, tmp_path
    )
    assert other.name != study.name
    rush = load_scenario("rush_hour")
    kept = proof_study(rush, "rush_hour", [rig], "yolo11n", 2, 0, 1, tmp_path).base.draw(rush)
    assert all(s.conditions.crowd == rush.conditions.crowd for s in kept)


class Store:
    """Two positions that weigh 0.7 and 0.3 in three worlds."""

    positions, weight, cost = 2, np.array([0.7, 0.3]), np.array([10.0, 20.0, 30.0])

    class Found:
        kind = np.array(["wall"] * 3, object)

        def camera(self, i: int):  # type: ignore[no-untyped-def]
            return front_camera()

    found = Found()


def problem(chance: tuple[float, ...] = (0.9, 0.8, 0.5)) -> Problem:
    """Camera 0 knows the first position, cameras 1 and 2 the second, in three worlds."""
    cell = np.array([0, 2, 4, 1, 3, 5, 1, 3, 5], np.int32)
    weight = np.tile(Store.weight / 3, 3)[None]
    return Problem(
        np.array([0, 3, 6, 9]), cell, np.repeat(np.array(chance, np.float32), 3), weight, 0.0, np.ones((1, 3)),
        np.array([2.0]), np.array([[0.0, 0, 0], [5, 0, 0], [9, 0, 0]]),
    )  # fmt: skip


def test_what_a_camera_more_or_fewer_or_lost_changes_is_that_of_the_problem() -> None:
    usual, store = problem(), Store()
    groups = {"usual": usual, "crowd": problem((0.5, 0.8, 0.5)), "lights": usual}
    assert by_world(usual, [0, 1], store).value == pytest.approx(usual.value([0, 1]))  # type: ignore[arg-type]
    lost = losses(store, groups, [0, 1])  # type: ignore[arg-type]
    assert [row["loss"]["value"] for row in lost["cameras"]] == pytest.approx([0.63, 0.24], abs=1e-6)
    assert lost["crowd"]["value"] == pytest.approx(0.7 * 0.4)
    assert lost["lights"]["value"] == 0
    fewer = one_fewer(store, usual, [0, 1])  # type: ignore[arg-type]
    assert (fewer["camera"], fewer["saves"]) == ("camera-2", 20.0)  # type: ignore[index]
    more = one_more(store, usual, [0, 1])  # type: ignore[arg-type]
    assert more["gain"]["value"] == pytest.approx(0.3 * 0.2 * 0.5)  # type: ignore[index]
    assert more["cost"] == 30.0  # type: ignore[index]
    assert one_more(store, usual, [0, 1, 2]) is None  # type: ignore[arg-type]


def test_the_same_facts_get_the_same_choice_again(tmp_path: Path) -> None:
    made: list[int] = []

    def choose() -> Choice:
        made.append(1)
        return Choice(Answer([3, len(made)], 0.5, 0.6), ["note"], {"best": [3, len(made)]})

    first = choice_of(tmp_path, {"budget": 1}, choose)
    assert choice_of(tmp_path, {"budget": 1}, choose) == first
    assert choice_of(tmp_path, {"budget": 2}, choose).answer.chosen == [3, 2]
    for file in tmp_path.glob("*.json"):
        file.write_text("{")
    assert choice_of(tmp_path, {"budget": 1}, choose).answer.chosen == [3, 3]


@pytest.mark.slow
def test_a_kiosk_is_planned_proved_and_handed_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["scenario=notebooks/kiosk", "budget=260", "worlds=2", "crowded=1", "seconds=2", "candidates=40",
                 "models=[raspberry_pi_3]", "~mounts.wall", "~mounts.shelf_edge", "~mounts.pole", "~mounts.endcap",
                 "prove=2", "views=2", "views_rounds=1", "workers=1", f"outputs={tmp_path}"]  # fmt: skip
    main(["place", *arguments])
    folder = (tmp_path / "latest").resolve()
    result = json.loads((folder / "result.json").read_text())
    proof = result["proof"]
    assert [row["arm"] for row in proof["arms"]][:4] == ["best", "geometry", "ceiling grid", "random"]
    assert all(0 <= row["measured"]["value"] <= 1 for row in proof["arms"])
    assert len(result["losses"]["cameras"]) == len(result["arms"][0]["cameras"])
    assert result["money"]["recall"]["value"] == pytest.approx(proof["arms"][0]["oos_recall"]["value"], abs=1e-6)
    out = capsys.readouterr().out
    assert "measured: 2 worlds that chose nothing" in out
    assert "money per store and year" in out
    names = ["report.html", "plan.svg", "plan.dxf", "rig.yaml", "bill_of_materials.csv"]
    for name in (*names, "calibration/camera-1.json", "pictures/camera-1.jpg"):
        assert (folder / name).stat().st_size > 100
    page = (folder / "report.html").read_text()
    for words in ("What each camera sees", "Blind spots", "If something goes wrong", "Bill of materials", "Measured"):
        assert words in page
    main(["place", *arguments])
    again = json.loads(((tmp_path / "latest").resolve() / "result.json").read_text())
    assert again["proof"]["arms"] == proof["arms"]
    cells = Path(proof["study"]) / "begun.txt"
    assert len(cells.read_text().split()) == len(proof["arms"])
    # Arms that are not proved have a row without what was measured.
    main(["place", *arguments, "prove_arms=[geometry]"])
    folder = (tmp_path / "latest").resolve()
    fewer = json.loads((folder / "result.json").read_text())["proof"]["arms"]
    assert [row["arm"] for row in fewer] == ["best", "geometry"]
    assert "ceiling grid" in (folder / "report.html").read_text()
