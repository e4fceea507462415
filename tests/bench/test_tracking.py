"""What an experiment leaves in MLflow."""

from __future__ import annotations

from pathlib import Path

import mlflow
import pandas
import pytest

from bench import tracking
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
    client = mlflow.MlflowClient(uri)
    assert {f.path for f in client.list_artifacts(parent.info.run_id)} >= {"report.html", "config.yaml"}
    for child in children:
        entry = next(a for a in result["arms"] if f"{a['rig']} + {a['model']}" == child.info.run_name)
        assert child.data.metrics["facings_exact"] == entry["metrics"]["facings_exact"]["value"]
        path = client.download_artifacts(child.info.run_id, "positions.parquet", str(tmp_path))
        samples = pandas.read_parquet(path)
        assert len(samples) == SCENARIOS * len(made.scenarios[0].layout.planogram.positions)


@pytest.mark.slow
@pytest.mark.parametrize(("error", "status"), [(RuntimeError, "FAILED"), (KeyboardInterrupt, "KILLED")])
def test_no_run_stays_running_after_an_error(
    error: type[BaseException], status: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(tracking, "_log_samples", fail)
    made = evidence()
    with pytest.raises(error):
        tracking.log(made, result_of(made), tmp_path, tmp_path)
    runs = runs_of(tracking.store_uri(tmp_path))
    assert len(runs) == 2
    assert {r.info.status for r in runs} == {status}
