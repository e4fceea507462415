"""`shelfbench response` on made-up tables: what it writes, draws and refuses; and the views that it would draw."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench.cli import main
from bench.experiment import Model
from bench.figures import interval_figure
from bench.response import fit as response_fit
from bench.response.figures import NAMES, response_figure, robustness_figure
from bench.response.fit import OUTCOMES
from bench.response.response import load_responses
from bench.response.samples import sight
from bench.response.views import PIXELS_PER_METRE, Views, draw_samples, roomy, view_camera, view_conditions
from scenarios import InputError, Lookalikes
from tests.bench.response_world import made_up
from tests.layouts import small_layout
from tests.refusal import refusal

VIEWS = Views("val", 2, 3, (Model("m", "yolo11n", "embed"),))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the command writes from a study's samples of two conditions."""
    folder = tmp_path_factory.mktemp("study")
    clean = made_up(2400, stores=8)
    (folder / "samples").mkdir()
    pd.concat([clean.assign(condition="clean"), clean.assign(condition="dim", right=False)]).to_parquet(
        folder / "samples" / "cell.parquet"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(response_fit, "REPLICATES", 12)
        patch.setattr(response_fit.fit, "__defaults__", (12,))
        main(["response", f"samples={folder / 'samples'}", f"outputs={folder / 'out'}", "chance=0.8"])
    return next((folder / "out" / "response").iterdir())


def test_the_result_says_what_each_task_needs_and_how_far_to_trust_it(written: Path) -> None:
    result = json.loads((written / "result.json").read_text())
    found = result["models"]["made-up"]
    rows = {row["task"]: row for row in found["shelf_dori"]}
    assert rows["detect"]["low"] <= rows["detect"]["px_per_m"] <= rows["detect"]["high"]
    assert rows["tell look-alikes apart"]["px_per_m"] is None or (
        rows["tell look-alikes apart"]["px_per_m"] > rows["recognise"]["px_per_m"]
    )
    assert set(found["calibration"]) == set(OUTCOMES)
    assert found["robustness"]["count"][0]["condition"] == "dim"
    assert not set(result["fitted_on"]["stores"]) & set(result["checked_on"]["stores"])
    assert "commit" in result["conditions"]
    card = (written / "response.md").read_text()
    assert "see a gap" in card
    assert "fitted on: 6 stores" in card
    assert load_responses(written / "response.json", "made-up")["detect"].predict(2000.0) > 0.8


@pytest.mark.parametrize("name", ["responses", "calibration", "confusion", "robustness"])
def test_figures_are_vector_files_with_labels_and_units(name: str, written: Path) -> None:
    base = written / "figures" / f"made-up-{name}"
    assert base.with_suffix(".pdf").read_bytes().startswith(b"%PDF")
    assert base.with_suffix(".png").read_bytes().startswith(b"\x89PNG")
    svg = base.with_suffix(".svg").read_text()
    texts = " ".join(re.findall(r">([^<>]+)</text>", svg))
    expected = {
        "responses": ("(px/m)", "(°)", "(lx)", "Visible fraction", "Chance", NAMES["gap"]),
        "calibration": ("Predicted chance", "Observed share", "ECE"),
        "confusion": ("Look-alike distance", "500 px/m", "observed"),
        "robustness": ("percentage points", "dim", NAMES["count"]),
    }
    for text in expected[name]:
        assert text in texts
    assert "<image" not in svg


def test_figures_leave_no_panel_empty() -> None:
    row = {"value": 1.0, "chance": 0.5, "low": 0.4, "high": 0.6, "samples": 30}
    curve = [row, row | {"value": 2.0}]
    figure = response_figure({"gap": {"angle": curve, "lux": curve}}, {"gap": {"angle": [row], "lux": []}})
    assert [bool(axes.get_lines()) for axes in figure.axes if axes.axison] == [True, True]
    loss = {"condition": "dim", "loss": {"value": -0.01, "low": -0.03, "high": 0.01}}
    assert len(robustness_figure({"detect": [loss], "sku": []}).axes[0].patches) == 1


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["samples=nowhere"], "nowhere: no Parquet tables there"),
        (["samples=few"], "few: fewer than 4 scenarios"),
        (["samples=broken"], "not readable as Parquet"),
        (["samples=other"], "no column angle"),
        (["chance=1.5"], "chance 1.5"),
        (["stores=0"], "stores"),
        (["check=few"], "check is given without samples"),
        (["sampels=few"], "sampels"),
        (["models.yolo11n.detector=yolo99"], "yolo99: no such weights"),
    ],
)
def test_wrong_input_gets_one_line_and_leaves_nothing(
    arguments: list[str], expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    for name in ("few", "broken", "other"):
        (tmp_path / name).mkdir()
    made_up(100, stores=3).to_parquet("few/a.parquet")
    Path("broken/a.parquet").write_text("no table")
    pd.DataFrame({"kind": ["unit"]}).to_parquet("other/a.parquet")
    assert expected in refusal(main, ["response", *arguments], capsys)
    assert not (tmp_path / "outputs").exists()


def test_what_was_drawn_is_not_drawn_again(tmp_path: Path) -> None:
    tables = {900_001: made_up(5, stores=1), 900_002: pd.DataFrame(), 900_003: made_up(5, stores=1)}
    for seed, table in tables.items():
        table.to_parquet(tmp_path / f"{seed}-{VIEWS.key}.parquet")
    (tmp_path / f"900004-{VIEWS.key}.parquet").write_bytes(b"")  # a store that is not asked for is not looked at
    names = [path.name.split("-")[0] for path in draw_samples(VIEWS, tmp_path)]
    assert names == ["900001", "900003"]


@pytest.mark.parametrize("split", ["train", "quickstart"])
def test_stores_that_trained_or_that_are_reported_are_not_drawn(split: str) -> None:
    with pytest.raises(ValueError, match="expected val or test"):
        Views(split, 1, 1, VIEWS.models)


def test_views_cover_their_ranges() -> None:
    layout = roomy(small_layout())
    random = np.random.default_rng(0)
    cameras = [view_camera(layout, random) for _ in range(300)]
    assert all(layout.store.obstacle_at(camera.position) is None for camera in cameras)
    distance = [float(np.linalg.norm(np.subtract(c.position, c.target))) for c in cameras]
    assert min(distance) < 1.0
    assert 4.0 < max(distance) <= 5.0
    ppm = np.concatenate([sight(layout, camera).px_per_m for camera in cameras])
    assert (np.quantile(ppm, [0.1, 0.9]) > [PIXELS_PER_METRE[0], 1000]).all()
    angles = np.degrees(np.concatenate([sight(layout, camera).angle for camera in cameras]))
    assert np.quantile(angles, 0.1) < 25
    assert np.quantile(angles, 0.9) > 55
    lux = [view_conditions(random, Lookalikes()).lighting.lux for _ in range(200)]
    assert all(pair is not None and 80 <= pair[0] == pair[1] <= 1500 for pair in lux)


def test_missing_weights_are_refused_before_anything_is_drawn(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing: no such weights"):
        draw_samples(Views("val", 1, 1, (Model("m", "nothing", "embed"),)), tmp_path)


def test_intervals_are_drawn_from_low_to_high_the_first_row_on_top() -> None:
    rows = [
        {"arm": "best", "gain": 0.2, "gain_low": 0.1, "gain_high": 0.5},
        {"arm": "no value", "gain": math.nan, "gain_low": math.nan, "gain_high": math.nan},
    ]
    (axes,) = interval_figure(rows, {"gain": "Gain"}, label="arm").axes
    assert [text.get_text() for text in axes.get_yticklabels()] == ["best", "no value"]
    assert axes.get_ylim()[0] > axes.get_ylim()[1]
    (bar,) = axes.containers[0].lines[2]
    np.testing.assert_allclose(bar.get_segments(), [[(0.1, 0), (0.5, 0)]])
