"""What an experiment leaves in MLflow."""

from __future__ import annotations

from pathlib import Path

import mlflow
import numpy as np
import pandas
import pytest

from bench import tracking
from bench.runs import read_runs, run_samples
from scenarios import InputError
from tests.bench.evidence import MODELS, RIGS, SCENARIOS, evidence, result_of


@pytest.fixture(autouse=True)
def own_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def runs_of(uri: str) -> list:
    client = mlflow.MlflowClient(uri)
    return client.search_runs([client.get_experiment_by_name(tracking.EXPERIMENT).experiment_id])


@pytest.mark.slow
def test_an_experiment_is_a_parent_run_with_a_child_for_each_arm(tmp_path: Path) -> None:
    made = evidence()
    result = result_of(made)
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "report.html").write_text("report")
    uri = tracking.log(made, result, folder, tmp_path)
    runs = runs_of(uri)
    parent = next(r for r in runs if "mlflow.parentRunId" not in r.data.tags)
    children = [r for r in runs if r is not parent]
    assert {r.info.status for r in runs} == {"FINISHED"}
    assert {r.data.tags["mlflow.parentRunId"] for r in children} == {parent.info.run_id}
    assert {r.info.run_name for r in children} == {f"{rig.name} + {m.name}" for rig in RIGS for m in MODELS}
    assert parent.data.params["scenarios"] == str(SCENARIOS)
    assert parent.data.tags["choice"] == "one + good"
    assert parent.data.metrics["good_total_ms_p50"] > 0
    assert Path(parent.info.artifact_uri.removeprefix("file://")).is_relative_to(tmp_path)
    client = mlflow.MlflowClient(uri)
    assert {f.path for f in client.list_artifacts(parent.info.run_id)} >= {"report.html", "config.yaml"}
    for child in children:
        entry = next(a for a in result["arms"] if f"{a['rig']} + {a['model']}" == child.info.run_name)
        assert child.data.metrics["facings_exact"] == entry["metrics"]["facings_exact"]["value"]
        path = client.download_artifacts(child.info.run_id, "positions.parquet", str(tmp_path))
        samples = pandas.read_parquet(path)
        assert len(samples) == SCENARIOS * len(made.scenarios[0].layout.planogram.positions)
    table = read_runs(tmp_path)
    assert set(table["study"]) == {"test"}
    for arm in made.arms:
        (run,) = table.index[(table["rig"] == arm.rig.name) & (table["model"] == arm.model.name)]
        found = run_samples(tmp_path, run)
        for name, sample in arm.scores.samples.items():
            assert found[name].value == pytest.approx(sample.value, abs=1e-6, nan_ok=True), name
            np.testing.assert_array_equal(found[name].pull, sample.pull)
        assert table.loc[run, "facings_exact_low"] == pytest.approx(arm.scores.metrics["facings_exact"].low, abs=1e-6)
    with pytest.raises(InputError, match="run 0123"):
        run_samples(tmp_path, "0123")


def test_a_store_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"mlflow.db: no such store"):
        read_runs(tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_store_without_arms_is_named(tmp_path: Path) -> None:
    tracking.connect(tmp_path)
    with pytest.raises(InputError, match="no finished arm"):
        read_runs(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(("error", "status"), [(RuntimeError, "FAILED"), (KeyboardInterrupt, "KILLED")])
def test_no_run_stays_running_after_an_error(
    error: type[BaseException], status: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(tracking, "_log_samples", fail)
    made, folder = evidence(), tmp_path / "run"
    folder.mkdir()
    with pytest.raises(error):
        tracking.log(made, result_of(made), folder, tmp_path)
    runs = runs_of(tracking.store_uri(tmp_path))
    assert len(runs) == 2
    assert {r.info.status for r in runs} == {status}
