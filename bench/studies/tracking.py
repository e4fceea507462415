"""MLflow of a study: a parent run, and a child for each finished cell.

Workers write files only; the one process that conducts the study logs them. A cell is known by its hash, so that none
is logged twice however often the study is resumed, and a run that was being written when its process died is written
anew.
"""

from __future__ import annotations

import json
import logging
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.configs import flat
from bench.devices import conditions
from bench.studies.cell_result import CellResult
from bench.studies.claims import is_alive, owner
from bench.studies.study import Study, digest
from bench.tracking import EXPERIMENT, connect

CELL, STUDY, OWNER = "shelfbench.cell", "shelfbench.study", "shelfbench.owner"
ALL = 50_000
"""Runs asked for at once; MLflow's own limit."""


class StudyLog:
    """A study's runs. `seconds`: what logging took in all."""

    def __init__(self, study: Study, outputs: Path) -> None:
        start = time.perf_counter()
        self._mlflow, self.uri = connect(outputs)
        self._client = self._mlflow.MlflowClient()
        self._experiment = self._client.get_experiment_by_name(EXPERIMENT).experiment_id
        self._id = digest(str(study.folder.resolve()))
        close_abandoned(self._client, self._experiment)
        self.parent = self._find_parent() or self._create_parent(study)
        self._client.set_tag(self.parent, OWNER, json.dumps(owner()))
        self._client.update_run(self.parent, status="RUNNING")
        self.logged = self._reconcile()
        self._metrics = self._watch_machine()
        self.seconds = time.perf_counter() - start

    def log_cell(self, result: CellResult, folder: Path) -> None:
        """Log a finished cell, once."""
        if result.hash in self.logged:
            return
        start = time.perf_counter()
        tags = {CELL: result.hash, "renderer": result.renderer, "commit": result.conditions["commit"]}
        tags |= {"device": result.conditions["machine"]} | {f"at.{axis}": v for axis, v in result.at.items()}
        run = self._child(result.name, tags)
        self._log_data(run, result)
        parameters = {f"at.{axis}": value for axis, value in result.at.items()} | dict(result.settings)
        parameters |= {k: getattr(result, k) for k in ("rig", "model", "runtime", "renderer", "cameras", "cost")}
        parameters |= {"px_per_m": result.px_per_m, "scenarios": len(result.seeds), "first_seed": result.seeds[0]}
        metrics = {f"errors_{cause}": float(n) for cause, n in result.causes.items()}
        metrics |= {f"system/{name}": float(value) for name, value in result.work.items()}
        for name, m in result.metrics.items():
            keys = ((name, "value"), (f"{name}_low", "low"), (f"{name}_high", "high"))
            metrics |= {key: float(m[part]) for key, part in keys if m[part] is not None}  # type: ignore[arg-type]
        self._finish(run, parameters, metrics, folder)
        self.logged.add(result.hash)
        self.seconds += time.perf_counter() - start

    def log_latency(self, found: Mapping[str, Any], folder: Path) -> None:
        """Log a latency measurement, once."""
        if found["hash"] in self.logged:
            return
        start = time.perf_counter()
        tags = {CELL: found["hash"], "quiet": str(found["quiet"]["quiet"]), "device": found["conditions"]["machine"]}
        run = self._child(f"latency {found['runtime']}", tags | {"commit": found["conditions"]["commit"]})
        metrics = {k.replace(".", "_"): float(v) for k, v in flat(found["latency_ms"]).items()}
        self._finish(run, {"runtime": found["runtime"], "frames": found["frames"]}, metrics, folder)
        self.logged.add(found["hash"])
        self.seconds += time.perf_counter() - start

    def log_models(self, study: Study) -> None:
        """Register every network of the study with its signature, unless a version with these weights is there."""
        from bench.studies.registry import register

        start = time.perf_counter()
        for name in sorted({n for m in study.base.models for n in (m.detector, m.recognizer)}):
            register(self._client, self.parent, name)
        self.seconds += time.perf_counter() - start

    def log_result(self, folder: Path) -> None:
        """Put a study's result, report and pictures with its run."""
        self._client.log_artifacts(self.parent, str(folder))

    def pause(self) -> None:
        """Measure the machine no more: nothing is logged while time is measured."""
        if self._metrics is not None:
            self._metrics.finish()
            self._metrics = None

    def close(self, status: str) -> None:
        self.pause()
        self._client.set_terminated(self.parent, status)

    def _find_parent(self) -> str | None:
        runs = self._search(f"tags.`{STUDY}` = '{self._id}' and tags.`{CELL}` = 'parent'")
        return str(runs[0].info.run_id) if runs else None

    def _create_parent(self, study: Study) -> str:
        facts = conditions()
        tags = {STUDY: self._id, CELL: "parent", "device": facts["machine"], "commit": facts["commit"]}
        tags |= {"renderer": study.base.renderer, "folder": str(study.folder.resolve())}
        run = self._client.create_run(self._experiment, tags=tags, run_name=study.name)
        left_out = ("camera_models", "interpretation")
        self._log(run.info.run_id, flat({k: v for k, v in study.config.items() if k not in left_out}), {})
        return str(run.info.run_id)

    def _reconcile(self) -> set[str]:
        """Cells that are logged; runs that are not finished are deleted, as their cells will be logged whole."""
        logged = set()
        for run in self._search(f"tags.`{STUDY}` = '{self._id}' and tags.`{CELL}` != 'parent'"):
            if run.info.status == "FINISHED":
                logged.add(run.data.tags[CELL])
            else:
                self._client.delete_run(run.info.run_id)
        return logged

    def _search(self, condition: str) -> list[Any]:
        return list(self._client.search_runs([self._experiment], condition, max_results=ALL))

    def _child(self, name: str, tags: dict[str, str]) -> str:
        from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

        tags = {STUDY: self._id, MLFLOW_PARENT_RUN_ID: self.parent, OWNER: json.dumps(owner())} | tags
        return str(self._client.create_run(self._experiment, tags=tags, run_name=name).info.run_id)

    def _log_data(self, run: str, result: CellResult) -> None:
        from mlflow.entities import Dataset, DatasetInput, InputTag

        profile = json.dumps({"scenarios": len(result.seeds), "first_seed": result.seeds[0]})
        source = json.dumps({"seeds": result.seeds, "scenario_hashes": result.scenario_hashes})
        data = Dataset("scenarios", digest(result.scenario_hashes), "shelfbench", source, profile=profile)
        self._client.log_inputs(run, [DatasetInput(data, [InputTag("mlflow.data.context", "evaluation")])])

    def _finish(self, run: str, parameters: Mapping[str, Any], metrics: Mapping[str, float], folder: Path) -> None:
        self._log(run, parameters, metrics)
        self._client.log_artifacts(run, str(folder))
        self._client.set_terminated(run)

    def _log(self, run: str, parameters: Mapping[str, Any], metrics: Mapping[str, float]) -> None:
        from mlflow.entities import Metric, Param

        now = int(time.time() * 1000)
        rows = [Param(key, str(value)) for key, value in parameters.items()]
        for i in range(0, max(len(rows), 1), 100):  # MLflow's limit of parameters at once
            numbers = [Metric(k, v, now, 0) for k, v in metrics.items()] if i == 0 else []
            self._client.log_batch(run, numbers, rows[i : i + 100])

    def _watch_machine(self) -> Any:
        """Log load, memory and disk of this machine with the parent run while cells are made."""
        from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

        logging.getLogger("mlflow.system_metrics").setLevel(logging.WARNING)
        monitor = SystemMetricsMonitor(self.parent, sampling_interval=10, samples_before_logging=6, resume_logging=True)
        monitor.start()
        return monitor


def close_abandoned(client: Any, experiment: str) -> None:
    """End runs of processes that are no more: those of a machine that went away would stay RUNNING for good."""
    with tempfile.TemporaryDirectory() as folder:
        for run in client.search_runs([experiment], "attributes.status = 'RUNNING'", max_results=ALL):
            held = run.data.tags.get(OWNER)
            # Of a process of another machine nobody knows here; its study, when it is resumed, ends its runs.
            if held and json.loads(held)["host"] == owner()["host"] and not is_alive(Path(folder), json.loads(held)):
                client.set_terminated(run.info.run_id, "KILLED")
