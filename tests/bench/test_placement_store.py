"""From a store to candidates, what they see, and what `shelfbench place` writes and refuses."""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench import configs
from bench.cli import main
from bench.placement.arms import ceiling_grid, strategies
from bench.placement.blind import HIDDEN_FROM_ALL, NOT_CHOSEN, OUT_OF_REACH, PEOPLE, POORLY_SEEN, TOO_SMALL, _reason
from bench.placement.candidates import GRAZING, Aims, Candidates, candidates
from bench.placement.chances import chances, empty_places
from bench.placement.mounts import Mount, Zone, mount_points
from bench.placement.store_problem import Costs, camera_costs, draw_worlds, position_weights
from bench.placement.transfer import NONE
from bench.placement.visibility import Visibility, visibility
from bench.response.response import load_responses
from bench.response.samples import sight
from scenarios import CameraModel, Fixture, InputError, Layout, Shelf, load_scenario
from tests.layouts import TIDY, small_layout, small_scenario
from vision.view import box_around, in_frame

WIDE = CameraModel("wide", 1920, 1080, 1.2, 200.0)
TELE = CameraModel("tele", 1920, 1080, 0.6, 150.0)
AIMS = Aims(0.7, (0.5, 0.9), 4.0, 1.2, 84.0)
CEILING = Mount("ceiling", (0.15,), 0.8)
WALL = Mount("wall", (1.2,), 0.8, 20.0)


def some(layout: Layout | None = None, most: int = 1000) -> Candidates:
    layout = layout or small_layout()
    return candidates(layout, mount_points(layout.store, (CEILING, WALL)), (WIDE, TELE), AIMS, most)


def test_mounts_follow_their_rules() -> None:
    store = small_layout().store
    rules = [
        Mount(kind, (0.2 if kind != "pole" else 2.0,), 0.5) for kind in ("ceiling", "shelf_edge", "endcap", "pole")
    ]
    mounts = mount_points(store, (*rules, Mount("wall", (1.5, 2.5), 0.5)))
    z = {kind: set(mounts.place[mounts.kind == kind, 2].tolist()) for kind in set(mounts.kind)}
    assert z == {"ceiling": {2.8}, "shelf_edge": {1.25}, "endcap": {1.25}, "pole": {2.0}, "wall": {1.5, 2.5}}
    assert all(store.obstacle_at(tuple(p)) is None for p in mounts.place.tolist())
    zone = Zone((-1.0, 0.5), (-3.0, 1.0))
    kept = mount_points(store, rules, (zone,))
    assert 0 < len(kept) < len(mounts)
    assert not zone.holds(kept.place).any()


@pytest.mark.parametrize(
    ("rule", "zones", "expected"),
    [
        (Mount("wall", (4.0,), 0.5), (), "not under the ceiling of small, which is 3.0 m high"),
        (Mount("ceiling", (0.1,), 0.5), (Zone((-9, 9), (-9, 9)),), "no place is left to hang a camera"),
    ],
)
def test_rules_that_allow_no_mount_are_told(rule: Mount, zones: tuple[Zone, ...], expected: str) -> None:
    with pytest.raises(InputError, match=expected):
        mount_points(small_layout().store, (rule,), zones)


def test_candidates_look_at_shelves_within_reach_and_nothing_stands_between() -> None:
    found = some()
    away = found.aim - found.place
    assert np.linalg.norm(away, axis=1).max() <= AIMS.reach
    assert set(found.model.tolist()) == {0, 1}
    camera = found.camera(5)
    part = found.views.of(5)
    seen = sight(small_layout(), camera)
    np.testing.assert_allclose(found.views.px_per_m[part], seen.px_per_m[found.views.place[part]], rtol=1e-5)
    assert AIMS.steepest < found.views.angle.max() <= GRAZING  # what is seen beside the aim, and steeply
    layout = small_layout()
    screen = Fixture("screen", -0.99, -1.2, 2.98, 0.1, (Shelf(0.1, 2.85),))
    hidden = some(replace(layout, store=replace(layout.store, fixtures=(*layout.store.fixtures, screen))))
    behind = (hidden.place[:, 1] < -1.2) & (hidden.aim[:, 1] > -1)
    assert (found.place[:, 1] < -1.2).any()
    assert not behind.any()


def test_what_the_picture_cuts_too_short_for_the_pipeline_is_not_promised() -> None:
    """A position whose last facing lies half outside was promised, and never told."""
    found, cut = some(), 0
    for i in range(len(found)):
        camera = found.camera(i)
        pixels, _ = camera.project(small_layout().places.corners)
        judged = in_frame(box_around(pixels), camera)
        seen = found.views.place[found.views.of(i)]
        assert judged[seen].all()
        cut += int((~judged & camera.in_frame(pixels).any(axis=1)).sum())
    assert cut > 10


def test_candidates_beyond_the_most_are_those_that_see_least_from_their_mount() -> None:
    every, few = some(), some(most=40)
    assert len(few) <= 40
    assert set(few.mount.tolist()) <= set(every.mount.tolist())
    worth = {
        m: [every.views.inside[every.views.of(i)].sum() for i in np.flatnonzero(every.mount == m)] for m in few.mount
    }
    for i, m in enumerate(few.mount.tolist()):
        rank = sum(w > few.views.inside[few.views.of(i)].sum() + 1e-5 for w in worth[m])
        assert rank < math.ceil(40 / len(set(few.mount.tolist()))) + 1


def test_a_store_without_a_mount_that_sees_a_shelf_is_refused() -> None:
    layout = small_layout()
    mounts = mount_points(layout.store, (CEILING,))
    with pytest.raises(InputError, match="mounts sees a shelf within 0"):
        candidates(layout, mounts, (WIDE,), replace(AIMS, reach=0.5), 10)


@pytest.mark.slow
def test_what_hides_a_place_is_seen_and_kept(tmp_path: Path) -> None:
    scenario = small_scenario()
    rush = small_scenario(3, shoppers=6)
    found = candidates(scenario.layout, mount_points(scenario.layout.store, (WALL,)), (WIDE,), AIMS, 1000)
    scenarios = [scenario, replace(rush, layout=scenario.layout)]
    seen = visibility(found, scenarios, tmp_path, 10**9, 1)
    clear, crowded = seen.share.mean(axis=1) / 255
    assert clear > 0.9
    assert crowded < clear - 0.1
    again = visibility(found, scenarios, tmp_path, 10**9, 1)
    assert (again.rendered, again.found) == (0, seen.rendered)
    np.testing.assert_array_equal(again.share, seen.share)


def all_seen(found: Candidates, worlds: int) -> Visibility:
    """Nothing hides anything."""
    places = [np.unique(found.views.place[np.repeat(found.mount, np.diff(found.views.start)) == m]) for m in
              range(len(found.mounts))]  # fmt: skip
    start = np.concatenate([[0], np.cumsum([len(p) for p in places])])
    return Visibility(start, np.concatenate(places), np.full((worlds, start[-1]), 255, np.uint8), 0, 0)


def test_chances_are_those_of_the_weakest_place() -> None:
    scenario = small_scenario()
    found = some()
    rated = chances(found, all_seen(found, 1), [scenario], load_responses(), NONE)
    assert 0.5 < rated.chance.max() < 1
    owner, i = scenario.layout.places.position, int(np.argmax(np.diff(rated.start)))
    part = found.views.of(i)
    j = int(rated.cell[rated.start[i]])
    kept = owner[found.views.place[part]] == j
    response = load_responses()["count"]
    alone = response.predict(found.views.px_per_m[part][kept], found.views.angle[part][kept], 600.0,
                             found.views.inside[part][kept])  # fmt: skip
    assert rated.chance[rated.start[i]] == pytest.approx(alone.min(), abs=0.03)


def test_places_without_a_unit_are_empty() -> None:
    base = small_scenario(mess=TIDY)
    assert not empty_places(base.layout, base).any()
    bare = small_scenario(mess=replace(TIDY, out=1.0))
    assert empty_places(bare.layout, bare).all()


def test_costs_have_price_mount_and_cable() -> None:
    found = some()
    cost = camera_costs(found, Costs((0.5, -2.0, 3.0), 10.0, 1.0))
    i = int(np.flatnonzero((found.kind == "wall") & (found.model == 1))[0])
    metres = np.abs(found.place[i] - (0.5, -2.0, 3.0)).sum()
    assert cost[i] == pytest.approx(150 + 20 + 10 * max(metres - 1, 0), abs=0.01)


def test_worlds_are_drawn_in_groups() -> None:
    worlds, group = draw_worlds(small_scenario(), 300_000, 4, 2, 2, 0.5)
    assert group.tolist() == [0, 0, 0, 0, 1, 1, 2, 2, 2, 2]
    assert [w.conditions.crowd.shoppers for w in worlds] == [0, 2, 0, 2, 5, 5, 0, 2, 0, 2]
    assert worlds[6].conditions.lighting.failed == 0.5
    assert worlds[6].seed == worlds[0].seed


def test_weights_are_read_and_checked(tmp_path: Path) -> None:
    path = tmp_path / "weights.csv"
    path.write_text("position,weight\np-box,3\np-can,1\n")
    weight = position_weights(small_scenario(), path)
    assert weight[:2].tolist() == [0.75, 0.25]
    path.write_text("position,weight\np-cat,3\n")
    with pytest.raises(InputError, match="p-cat"):
        position_weights(small_scenario(), path)


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ((-1.0, 0.0, False, 0.0), OUT_OF_REACH),
        ((0.1, 0.0, True, 0.0), HIDDEN_FROM_ALL),
        ((0.9, 0.3, True, 0.2), TOO_SMALL),
        ((0.9, 0.8, False, 0.0), NOT_CHOSEN),
        ((0.9, 0.8, True, 0.6), PEOPLE),
        ((0.9, 0.8, True, 0.4), POORLY_SEEN),
    ],
)
def test_every_blind_position_has_its_reason(facts: tuple[float, float, bool, float], reason: str) -> None:
    assert _reason(*facts) == reason


@pytest.mark.slow
def test_a_long_aisle_has_thousands_of_candidates_of_all_strategies() -> None:
    layout = load_scenario("supermarket_aisle").layout
    rules = (Mount("ceiling", (0.15,), 1.2), Mount("shelf_edge", (0.15,), 1.4), Mount("pole", (2.3,), 0.6))
    found = candidates(
        layout, mount_points(layout.store, rules), (WIDE, TELE), replace(AIMS, heights=(0.5, 0.9, 1.3, 1.7)), 4000
    )
    assert 2000 <= len(found) <= 4000
    assert {n for n, kept in strategies(found).items() if kept.any()} == {
        "overhead", "angled", "aisle_ends", "high_traffic", "multiple"
    }  # fmt: skip


@pytest.mark.slow
def test_the_command_writes_a_rig_that_run_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["scenario=quickstart", "budget=500", "worlds=2", "crowded=1", "seconds=2", "candidates=60",
                 "models=[wide_1080p]", "~mounts.wall", "~mounts.shelf_edge", "~mounts.pole", "~mounts.endcap",
                 "mounts.ceiling.spacing=1.5", "views=0", f"outputs={tmp_path}"]  # fmt: skip
    main(["place", *arguments])
    folder = (tmp_path / "latest").resolve()
    result = json.loads((folder / "result.json").read_text())
    arms = {arm["arm"]: arm for arm in result["arms"]}
    assert list(arms) == ["best", "geometry", "ceiling grid", "random"]
    best = arms["best"]
    assert best["cost"] <= 500
    assert best["value"]["low"] <= best["value"]["value"] <= best["value"]["high"]
    assert all(best["value"]["value"] >= arm["value"]["value"] - 1e-9 for arm in arms.values())
    assert best["value"]["value"] <= result["bound"] + 1e-6
    assert "→ best" in capsys.readouterr().out
    assert (folder / "plan.svg").read_text().count('class="cone"') == len(best["cameras"])
    conf = tmp_path / "conf"
    shutil.copytree(configs.CONF, conf)
    shutil.copy(folder / "rig.yaml", conf / "rig" / "placed.yaml")
    monkeypatch.setattr(configs, "CONF", conf)
    config = configs.compose("run", ["experiment=quickstart", "+rig@rigs.placed=placed"])
    placed = config["rigs"]["placed"]["cameras"]
    assert [c["position"] for c in placed] == [pytest.approx(c["position"]) for c in best["cameras"]]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["scenario=quickstart"], "expected budget=MONEY or target=SHARE"),
        (["scenario=quickstart", "budget=1000", "target=0.9"], "one of the two"),
        (["budget=1000"], "scenario=NAME is missing"),
        (["scenario=quickstart", "budget=50"], "budget 50: the cheapest camera for quickstart"),
        (["scenario=quickstart", "budget=1000", "models=[fisheye]"], "models: 'fisheye'; expected some of wide_1080p"),
        (["scenario=quickstart", "budget=1000", "mounts.wall.heights=[5]"], "wall at heights [5.0] is not under"),
        (["scenario=quickstart", "budget=1000", "no_go=[{x: [-9, 9], y: [-9, 9]}]"], "no place is left"),
        (["scenario=quickstart", "budget=1000", "robust=[rain]"], "robust 'rain'; expected some of crowd"),
        (["scenario=quickstart", "target=1.5"], "target 1.5"),
        (["scenario=quickstart", "budget=1000", "prove=1"], "prove 1, views 16; expected 0, or 2 or more"),
        (["scenario=quickstart", "budget=1000", "prove=4", "prove_seed=300010"], "expected other worlds to choose"),
        (["scenario=quickstart", "budget=1000", "economics=nowhere.yaml"], "nowhere.yaml: No such file"),
        (["scenario=quickstart", "budget=1000", "weights=nowhere.csv"], "nowhere.csv: no such file"),
    ],
)
def test_wrong_input_gets_one_line_and_leaves_nothing(
    arguments: list[str], expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    fewer = ["candidates=50", "mounts.ceiling.spacing=1.5", "models=[wide_1080p]"]
    given = {a.split("=")[0] for a in arguments}
    with pytest.raises(SystemExit) as end:
        main(["place", *arguments, *(f for f in fewer if f.split("=")[0] not in given)])
    assert end.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert expected in line
    assert not (tmp_path / "outputs").exists()


def test_a_grid_hangs_as_many_cameras_as_are_asked_for() -> None:
    from bench.placement.problem import Problem

    found = some()
    count = len(found)
    problem = Problem(
        np.arange(count + 1), np.zeros(count, np.int32), np.full(count, 0.5, np.float32), np.ones((1, 1)), 0.0,
        np.ones((1, count)), np.array([3.0]), found.place, 0.3,
    )  # fmt: skip
    chosen = ceiling_grid(problem, found, 2)
    assert len(chosen) == 2
    assert set(found.kind[chosen]) == {"ceiling"}
    assert len(ceiling_grid(problem, found, 5)) == 3
