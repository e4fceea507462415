"""result.json, the table on the terminal, and the report."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from bench.report import write_report
from bench.results import table
from bench.scoring import METRICS
from tests.bench.evidence import MODELS, RIGS, SCENARIOS, evidence, result_of


@pytest.fixture(scope="module")
def result() -> dict:
    return result_of(evidence())


def test_result_holds_every_figure_of_every_arm(result: dict) -> None:
    plain = json.loads(json.dumps(result, allow_nan=False))
    arms = {(arm["rig"], arm["model"]): arm for arm in plain["arms"]}
    assert set(arms) == {(rig.name, model.name) for rig in RIGS for model in MODELS}
    for arm in arms.values():
        assert set(arm["metrics"]) == set(METRICS)
        assert set(arm) >= {"rig", "model", "runtime", "metrics", "px_per_m", "cost"}
        for metric in arm["metrics"].values():
            assert set(metric) == {"value", "low", "high"}
            assert metric["value"] is None or metric["low"] <= metric["value"] <= metric["high"]
    assert arms["one", "good"]["metrics"]["facings_exact"]["value"] == 1.0
    assert arms["one", "bad"]["metrics"]["facings_exact"]["value"] < 1.0
    assert arms["one", "bad"]["facing_errors"]["detector"] == -(SCENARIOS - 1)
    for stages in plain["latency_ms"].values():
        assert set(stages) == {"detect", "recognize", "register", "count", "total"}
        assert all(0 < stage["p50"] <= stage["p95"] for stage in stages.values())
    assert set(plain["choice"]) >= {"rig", "model", "runtime", "reason"}
    assert (plain["choice"]["rig"], plain["choice"]["model"]) == ("one", "good")


def test_result_names_its_conditions(result: dict) -> None:
    conditions = result["conditions"]
    wanted = (
        "machine",
        "renderer",
        "runtime",
        "precision",
        "commit",
        "python",
        "onnxruntime",
        "scenario_hashes",
        "seeds",
    )
    assert all(conditions[key] for key in wanted)
    assert len(conditions["seeds"]) == len(set(conditions["scenario_hashes"])) == SCENARIOS
    assert conditions["with_shoppers"] == SCENARIOS / 2


def test_the_table_fits_on_a_terminal_and_marks_the_choice(result: dict) -> None:
    lines = table(result).splitlines()
    assert max(map(len, lines)) <= 100
    marked = [line for line in lines if line.startswith("→")]
    assert len(marked) == 1
    assert marked[0].split()[1:3] == ["one", "good"]


def test_the_report_stands_alone(result: dict, tmp_path: Path) -> None:
    page = write_report(tmp_path, evidence(), result).read_text(encoding="utf-8")
    addresses = re.findall(r"""(?:src|href|action|xlink:href)\s*=\s*["']([^"']*)|url\(([^)]*)""", page)
    assert all(address[0].startswith(("data:", "#")) for address in addresses)
    assert not re.search(r"https?://(?!www\.w3\.org/)|<script|@import|<link", page)
    assert len(page) < 5_000_000


def test_the_report_shows_the_choice_every_arm_and_every_rig(result: dict, tmp_path: Path) -> None:
    page = write_report(tmp_path, evidence(), result).read_text(encoding="utf-8")
    assert result["choice"]["reason"].split(":")[0] in page
    assert page.count("<svg") >= len(RIGS)
    assert page.count("data:image/jpeg;base64,") >= len(RIGS)
    for text in ("one", "two", "good", "bad", "bay-1", "left", "right", "recognize", result["conditions"]["machine"]):
        assert text in page
    assert "nan" not in re.sub(r"data:image[^\"]*", "", page).lower().replace("finance", "")
