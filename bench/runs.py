"""What MLflow holds, read back: runs as a table, and the samples that arms are compared by."""

from __future__ import annotations

import os
from pathlib import Path

import pandas

from bench.choice import DECIDING_METRIC
from bench.statistics import Sample
from bench.studies.cell_result import PULLS, read_pulls
from bench.tracking import EXPERIMENT, connect
from scenarios import InputError


def read_runs(outputs: Path) -> pandas.DataFrame:
    """Every finished arm and cell of the store of `outputs` (or of MLFLOW_TRACKING_URI), the oldest first.

    The index is the run's number; `study` is the name of the experiment or study, and the other columns are parameters
    and metrics under their own names, NaN or None where a run has none. Raises InputError where there is no store, or
    nothing in it.
    """
    if not (outputs / "mlflow.db").is_file() and "MLFLOW_TRACKING_URI" not in os.environ:
        raise InputError(f"{outputs / 'mlflow.db'}: no such store; expected the outputs of `shelfbench run`")
    mlflow, uri = connect(outputs)
    runs = mlflow.search_runs(
        experiment_names=[EXPERIMENT], filter_string="attributes.status = 'FINISHED'", order_by=["start_time ASC"]
    ).set_index("run_id")
    names = runs.get("tags.mlflow.runName", pandas.Series(dtype=str))
    scored = runs[runs[f"metrics.{DECIDING_METRIC}"].notna()] if f"metrics.{DECIDING_METRIC}" in runs else runs[:0]
    if scored.empty:
        raise InputError(f"{uri}: holds no finished arm or cell; expected those of `shelfbench run`")
    kept = [c for c in scored if c.startswith(("params.", "metrics.")) and scored[c].notna().any()]
    table = scored[kept].rename(columns=lambda c: c.partition(".")[2])
    table.insert(0, "study", scored["tags.mlflow.parentRunId"].map(names))
    return table


def run_samples(outputs: Path, run_id: str) -> dict[str, Sample]:
    """A run's metrics as `bench.comparison` takes them. Runs over the same scenarios are pairs.

    Raises InputError for a run that is not there or has none.
    """
    mlflow, uri = connect(outputs)
    from mlflow.exceptions import MlflowException

    try:
        values = mlflow.get_run(run_id).data.metrics
        file = mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path=PULLS)
    except (MlflowException, OSError) as error:
        raise InputError(f"{uri}: run {run_id}: {' '.join(str(error).split())[:160]}") from None
    return read_pulls(Path(file).parent, values)
