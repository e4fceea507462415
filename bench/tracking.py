"""MLflow: a parent run for each experiment, a child run for each arm, written after all is measured."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.experiment import Arm, Evidence

EXPERIMENT = "shelfbench"


def store_uri(outputs: Path) -> str:
    """Where runs are kept: MLFLOW_TRACKING_URI if it is set, else an SQLite file under `outputs`."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{(outputs / 'mlflow.db').resolve()}"


def log(evidence: Evidence, result: dict[str, Any], folder: Path, outputs: Path) -> str:
    """Log an experiment and return the store's URI. `folder` holds the report and result.json."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    import mlflow

    uri = store_uri(outputs)
    mlflow.set_tracking_uri(uri)
    if mlflow.get_experiment_by_name(EXPERIMENT) is None:
        artifacts = None if "MLFLOW_TRACKING_URI" in os.environ else (outputs / "mlartifacts").resolve().as_uri()
        mlflow.create_experiment(EXPERIMENT, artifacts)
    mlflow.set_experiment(EXPERIMENT)
    with _run(mlflow, evidence.experiment.name):
        mlflow.log_params(_parameters(result))
        mlflow.set_tags({k: str(v) for k, v in result["conditions"].items() if isinstance(v, str)})
        mlflow.set_tag("choice", f"{result['choice']['rig']} + {result['choice']['model']}")
        mlflow.log_dict(result["config"], "config.yaml")
        for model, stages in result["latency_ms"].items():
            mlflow.log_metrics({f"{model}_{s}_ms_{q}": v for s, p in stages.items() for q, v in p.items()})
        mlflow.log_artifacts(str(folder))
        for arm in evidence.arms:
            with _run(mlflow, f"{arm.rig.name} + {arm.model.name}", nested=True):
                _log_arm(mlflow, arm, result)
    return uri


@contextmanager
def _run(mlflow: Any, name: str, nested: bool = False) -> Iterator[None]:
    """A run that never stays RUNNING: FAILED after an error, KILLED after an interrupt."""
    # A run id left in the environment would be taken for this run.
    os.environ.pop("MLFLOW_RUN_ID", None)
    mlflow.start_run(run_name=name, nested=nested)
    try:
        yield
    except BaseException as error:
        mlflow.end_run("FAILED" if isinstance(error, Exception) else "KILLED")
        raise
    mlflow.end_run()


def _parameters(result: dict[str, Any]) -> dict[str, Any]:
    config = result["config"]
    plain = {k: v for k, v in config.items() if isinstance(v, (str, int, float, bool))}
    return plain | {
        "rigs": ",".join(r["name"] for r in config["rigs"]),
        "models": ",".join(m["name"] for m in config["models"]),
    }


def _log_arm(mlflow: Any, arm: Arm, result: dict[str, Any]) -> None:
    entry = next(a for a in result["arms"] if (a["rig"], a["model"]) == (arm.rig.name, arm.model.name))
    keys = ("rig", "model", "runtime", "px_per_m", "cost", "cameras")
    mlflow.log_params({k: entry[k] for k in keys})
    metrics: dict[str, float] = {}
    for name, m in entry["metrics"].items():
        if m["value"] is not None:
            metrics |= {name: m["value"], f"{name}_low": m["low"], f"{name}_high": m["high"]}
    metrics |= {f"errors_{cause}": float(n) for cause, n in arm.scores.causes.items()}
    mlflow.log_metrics(metrics)
    mlflow.log_text(json.dumps(entry, indent=2), "arm.json")
    _log_samples(mlflow, arm)


def _log_samples(mlflow: Any, arm: Arm) -> None:
    """Raw samples as Parquet: a row for each position of each scenario."""
    import tempfile

    import pandas

    rows = [{"scenario": i} | row for i, moment in enumerate(arm.moments) for row in moment.positions]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "positions.parquet"
        pandas.DataFrame(rows).to_parquet(path)
        mlflow.log_artifact(str(path))
