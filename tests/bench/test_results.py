"""result.json, the table on the terminal, and the report."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from bench.report import write_report
from bench.results import metrics_table, table
from bench.scoring import CAUSES, METRICS
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


def test_arms_become_a_table_with_intervals(result: dict) -> None:
    table = metrics_table(result["arms"], ["facings_exact", "units_error"])
    assert list(table.columns[:5]) == ["rig", "model", "facings_exact", "facings_exact_low", "facings_exact_high"]
    assert list(zip(table["rig"], table["model"])) == [(a["rig"], a["model"]) for a in result["arms"]]
    assert list(table["units_error_high"]) == [a["metrics"]["units_error"]["high"] for a in result["arms"]]
    cells = metrics_table([arm | {"at": {"light": "dim"}} for arm in result["arms"]], ["facings_exact"])
    assert set(cells["light"]) == {"dim"}


def test_every_other_arm_is_compared_with_the_chosen_one(result: dict) -> None:
    plain = json.loads(json.dumps(result, allow_nan=False))
    rows = plain["comparisons"]
    arms = [(arm["rig"], arm["model"]) for arm in plain["arms"]]
    assert {row["against"] for row in rows} == {"one + good"}
    assert rows[0]["metric"] == "facings_exact"
    values = {(a["rig"], a["model"], k): m["value"] for a in plain["arms"] for k, m in a["metrics"].items()}
    for metric in {row["metric"] for row in rows}:
        mine = [row for row in rows if row["metric"] == metric]
        assert [(row["rig"], row["model"]) for row in mine] == [arm for arm in arms if arm != ("one", "good")]
        for row in mine:
            if row["difference"] is None:
                assert row["words"] == "nothing to compare"
                continue
            gap = values[row["rig"], row["model"], metric] - values["one", "good", metric]
            assert row["difference"] == pytest.approx(gap, abs=2e-6)
            assert row["low"] <= row["difference"] <= row["high"]
            assert row["p"] <= row["p_holm"] <= 1
            assert (row["comparisons"], row["scenarios"]) == (3, SCENARIOS)
            assert not row["real"]  # four scenarios are never evidence
    bad = next(row for row in rows if (row["rig"], row["model"]) == ("one", "bad"))
    assert bad["difference"] < 0
    assert bad["words"] == f"not enough evidence: {bad['more_scenarios']} more scenarios would do"


def test_the_parts_of_the_error_add_up_to_the_whole(result: dict) -> None:
    for arm in result["arms"]:
        shares, counts = arm["facing_error_shares"], arm["facing_errors"]
        assert set(shares) == {*CAUSES, "all"}
        assert sum(shares[c]["value"] for c in CAUSES) == pytest.approx(shares["all"]["value"], abs=1e-5)
        for cause in CAUSES:
            assert shares[cause]["value"] == pytest.approx(counts[cause] / counts["of"], abs=1e-6)
            assert shares[cause]["low"] <= shares[cause]["value"] <= shares[cause]["high"]
        assert arm["model"] != "bad" or shares["detector"]["low"] < shares["detector"]["value"] < 0


def test_the_report_says_whether_each_difference_is_real(result: dict, tmp_path: Path) -> None:
    page = write_report(tmp_path, evidence(), result).read_text(encoding="utf-8")
    part = page.split("Is the difference real?")[1].split("<h2>")[0]
    assert part.count("<tr>") == 1 + len(result["comparisons"])
    for row in result["comparisons"]:
        assert row["words"] in part


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
