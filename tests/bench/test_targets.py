"""The table of targets: what is met, what is missed, and what was not measured."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest

from bench.cli import main
from bench.targets import TARGETS, Target, targets_table, value_of, verdict
from tests.bench.evidence import evidence, result_of


@pytest.fixture(scope="module")
def result() -> dict:
    return json.loads(json.dumps(result_of(evidence())))


@pytest.mark.parametrize(
    ("most", "value", "said"),
    [
        (False, 0.90, "met"),
        (False, 0.89, "missed"),
        (True, 0.90, "met"),
        (True, 0.91, "missed"),
        (True, None, "not measured"),
    ],
)
def test_a_bound_is_met_when_it_is_reached(most: bool, value: float | None, said: str) -> None:
    assert verdict(Target("units_error", 0.9, most), value) == said


def test_every_target_has_a_row_with_what_was_measured(result: dict) -> None:
    lines = targets_table(result).splitlines()
    assert lines[0].startswith("| one + good |")
    assert len(lines) == 2 + len(TARGETS)
    by_title = {line.split(" | ")[0][2:]: line for line in lines}
    assert by_title["Facings exact, visible"].endswith("| ≥ 0.90 | met |")
    assert by_title["Facings exact, visible"].split(" | ")[2].startswith("1.000")  # over all positions, beside it
    assert by_title["Person recall"].endswith("| not measured |")  # nobody stands in these pictures


def test_the_gain_of_intervals_is_a_share_of_the_constant_width_s_score(result: dict) -> None:
    metrics = copy.deepcopy(result["arms"][0]["metrics"])
    metrics["units_interval_score"]["value"], metrics["units_interval_constant"]["value"] = 3.0, 4.0
    assert value_of(metrics, "interval_gain")[0] == pytest.approx(0.25)
    metrics["units_interval_constant"]["value"] = None
    assert value_of(metrics, "interval_gain")[0] is None


def test_the_command_prints_the_table_of_any_arm(result: dict, tmp_path: Path, capsys) -> None:
    path = tmp_path / "result.json"
    path.write_text(json.dumps(result))
    main(["targets", str(path), "two", "bad"])
    assert capsys.readouterr().out.startswith("| two + bad |")


@pytest.mark.parametrize(
    ("content", "words", "message"),
    [
        ("{", [], "not JSON"),
        ("[]", [], "no arms and choice"),
        (None, [], "No such file"),
        ("result", ["two", "none"], "no arm two none; expected one of one good"),
        ("result", ["two"], "expected RESULT.json"),
    ],
)
def test_a_wrong_result_or_arm_is_named(content, words, message, result: dict, tmp_path: Path, capsys) -> None:
    path = tmp_path / "result.json"
    if content is not None:
        path.write_text(json.dumps(result) if content == "result" else content)
    with pytest.raises(SystemExit) as stop:
        main(["targets", str(path), *words])
    assert stop.value.code == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
