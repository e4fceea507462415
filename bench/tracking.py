"""MLflow: a parent run for each experiment, a child run for each arm, written after all is measured."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.experiment import Arm, Evidence
from scenarios import InputError

EXPERIMENT = "shelfbench"


def store_uri(outputs: Path) -> str:
    """Where runs are kept: MLFLOW_TRACKING_URI if it is set, else an SQLite file under `outputs`."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{(outputs / 'mlflow.db').resolve()}"


def connect(outputs: Path) -> tuple[Any, str]:
    """MLflow with its store and experiment set, and the store's URI.

    A fresh store is set up by one process at a time: MLflow's migrations fail where several begin them. Raises
    InputError for a store that cannot be written.
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    import mlflow

    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)  # its errors are raised as well
    outputs.mkdir(parents=True, exist_ok=True)
    uri = store_uri(outputs)
    given = "MLFLOW_TRACKING_URI" in os.environ
    mlflow.set_tracking_uri(uri)
    if not given:  # MLflow sets it, and the next `outputs` of this process would be taken for this store
        os.environ.pop("MLFLOW_TRACKING_URI", None)
    with (outputs / ".mlflow.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with store_errors(outputs):
            if mlflow.get_experiment_by_name(EXPERIMENT) is None:
                # A server knows where artifacts belong; a database alone would have them in the working folder.
                own = None if uri.startswith("http") else (outputs / "mlartifacts").resolve().as_uri()
                mlflow.create_experiment(EXPERIMENT, own)
            experiment = mlflow.set_experiment(EXPERIMENT)
            # A tag that says nothing new: what cannot be written says so now, before anything is measured.
            mlflow.MlflowClient().set_experiment_tag(experiment.experiment_id, "shelfbench", "experiments")
    return mlflow, uri


@contextmanager
def store_errors(outputs: Path) -> Iterator[None]:
    """Say in one line, by InputError, what ails a store: full, locked, read-only, gone."""
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, SQLAlchemyError) as error:
        raise InputError(f"MLflow store {without_password(store_uri(outputs))}: {_reason(error)}") from None


def without_password(uri: str) -> str:
    return re.sub(r"://([^:/@]*):[^@]*@", r"://\1:…@", uri)


def _reason(error: Exception) -> str:
    """The one line of a database's error that says what is wrong."""
    text = " ".join(str(getattr(error, "orig", None) or error).split())
    found = re.search(r"\((?:sqlite3|psycopg2\.\w+|psycopg2)\.\w+\) ([^\[]*)", text)
    return (found[1] if found else text).strip()[:200] + "; expected a store that can be written"


def log(evidence: Evidence, result: dict[str, Any], folder: Path, outputs: Path) -> str:
    """Log an experiment and return the store's URI. `folder` holds the report and result.json."""
    mlflow, uri = connect(outputs)
    with store_errors(outputs), run_of(mlflow, evidence.experiment.name):
        mlflow.log_params(_parameters(result))
        mlflow.set_tags({k: str(v) for k, v in result["conditions"].items() if isinstance(v, str)})
        mlflow.set_tag("choice", f"{result['choice']['rig']} + {result['choice']['model']}")
        mlflow.log_dict(result["config"], "config.yaml")
        for model, stages in result["latency_ms"].items():
            mlflow.log_metrics({f"{model}_{s}_ms_{q}": v for s, p in stages.items() for q, v in p.items()})
        mlflow.log_artifacts(str(folder))
        for arm in evidence.arms:
            with run_of(mlflow, f"{arm.rig.name} + {arm.model.name}", nested=True):
                _log_arm(mlflow, arm, result)
    return uri


@contextmanager
def run_of(mlflow: Any, name: str, nested: bool = False, run_id: str | None = None) -> Iterator[str]:
    """A run that never stays RUNNING: FAILED after an error, KILLED after an interrupt. Yields its number.

    `run_id` goes on with a run.
    """
    # A run id left in the environment would be taken for this run.
    os.environ.pop("MLFLOW_RUN_ID", None)
    run = mlflow.start_run(run_id=run_id, run_name=name, nested=nested)
    try:
        yield str(run.info.run_id)
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
    """As Parquet: raw samples, a row for each position of each scenario, and what comparisons in pairs are made of."""
    import tempfile

    import pandas

    from bench.studies.cell_result import write_pulls

    rows = [{"scenario": i} | row for i, moment in enumerate(arm.moments) for row in moment.positions]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "positions.parquet"
        pandas.DataFrame(rows).to_parquet(path)
        write_pulls(Path(folder), arm.scores.samples)
        mlflow.log_artifacts(folder)
