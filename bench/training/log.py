"""A training in MLflow: one run, whose curves grow while it trains; a training that was cut off goes on in its run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.devices import conditions
from bench.tracking import connect, run_of

if TYPE_CHECKING:
    from bench.training.train import Made


@dataclass
class TrainingRun:
    """An open MLflow run. `logged` are the passes whose figures it holds."""

    mlflow: Any
    store: str
    logged: set[int] = field(default_factory=set)

    def curve(self, row: dict[str, float]) -> None:
        """Log and print the figures of one pass, each pass once."""
        step = int(row.get("epoch", len(self.logged)))
        if step in self.logged:
            return
        self.logged.add(step)
        self.mlflow.log_metrics({_plain(name): value for name, value in row.items()}, step=step)
        print("  ".join(f"{name} {value:.4g}" for name, value in row.items()), flush=True)

    def finish(self, evidence: Path, weights: Path, made: Made) -> None:
        """Log how the model was made, its figures, pictures and card; `evidence` is the result's folder."""
        for row in made.history:  # a new run of a training that was begun elsewhere has none of them
            self.curve(row)
        parameters = {k: v for k, v in made.recipe.items() if v is not None}
        self.mlflow.log_params(parameters | {"start": made.origin[:500], "data": "; ".join(made.data)[:500]})
        self.mlflow.set_tags({"reached": made.reached, "data_sha256": made.digest} | conditions())
        self.mlflow.log_metrics({_plain(name): value for name, value in made.figures.items()})
        self.mlflow.log_input(_dataset(made), context="training")
        self.mlflow.log_artifacts(str(evidence))
        self.mlflow.log_artifact(str(weights.with_suffix(".md")))


@contextmanager
def open_run(outputs: Path, name: str, folder: Path) -> Iterator[TrainingRun]:
    """Open the run of the training in `folder`, or go on with it; its number is kept there.

    A training killed outright leaves its run open; going on with it closes it.
    """
    mlflow, store = connect(outputs)
    kept = folder / "mlflow_run.txt"
    known = kept.read_text().strip() if kept.is_file() else ""
    client = mlflow.MlflowClient()
    if known and not _is_there(client, known):
        known = ""
    logged = {m.step for m in client.get_metric_history(known, "epoch")} if known else set()
    with run_of(mlflow, f"train {name}", run_id=known or None) as number:
        folder.mkdir(parents=True, exist_ok=True)
        kept.write_text(number)
        yield TrainingRun(mlflow, store, logged)


def _is_there(client: Any, number: str) -> bool:
    from mlflow.exceptions import MlflowException

    try:
        return client.get_run(number).info.lifecycle_stage == "active"
    except MlflowException:
        return False


def _plain(name: str) -> str:
    """A name that MLflow takes."""
    return "".join(c if c.isalnum() or c in "_-./ " else "_" for c in name)


def _dataset(made: Made) -> Any:
    """The data as MLflow lists data sets; it has room for 36 characters of the hash."""
    from mlflow.data.dataset_source_registry import resolve_dataset_source
    from mlflow.data.meta_dataset import MetaDataset

    source = resolve_dataset_source(made.data[0].split(": ")[0])
    return MetaDataset(source, name="; ".join(made.data)[:500], digest=made.digest[:36])  # type: ignore[abstract]
