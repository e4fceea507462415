"""Results of `shelfwatch latency`, from this machine or from devices without MLflow: read, compared, logged."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.studies.study import digest
from bench.studies.tracking import CELL, STUDY
from bench.tracking import EXPERIMENT, connect
from scenarios import InputError
from vision.latency.result import FORM, VERSION

NEEDED = ("device", "networks", "frames", "runs", "start", "resident_bytes", "void_for_gate")
RESULT = "shelfbench.latency"
"""The tag with the checksum of a result's file, by which it is logged once."""


def read_latency(path: Path) -> dict[str, Any]:
    """Read a result. Raises InputError for another file, and for a form of another version."""
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise InputError(f"{path}: not readable as JSON; expected the result.json of `shelfwatch latency`") from None
    if not isinstance(result, dict) or result.get("form") != FORM:
        raise InputError(f"{path}: not a result of `shelfwatch latency`; expected form: {FORM!r} in it")
    if result.get("version") != VERSION:
        raise InputError(
            f"{path}: version {result.get('version')} of the form; expected {VERSION}: measure again with "
            "the `shelfwatch` of this version"
        )
    missing = [key for key in NEEDED if key not in result]
    if missing or not result["runs"]:
        raise InputError(f"{path}: without {', '.join(missing) or 'runs'}; expected a whole result")
    return result


def device_class(result: dict[str, Any]) -> str:
    """Where a result was measured, as baselines and plots name it."""
    device, network = result["device"], result["networks"]["detector"]
    board = device["board"] if device["board"] != "no" else device["processor"]
    words = [board]
    words += [device[key] for key in ("power_mode", "jetpack") if device[key] not in ("no", "none")]
    return ", ".join([*words, f"{network['runtime']} {network['precision']}"])


def metrics(result: dict[str, Any]) -> dict[str, float]:
    """The numbers of a result by the names that they have in MLflow; what was not measured is left out."""
    found: dict[str, float | None] = {}
    for run in result["runs"]:
        at = "" if run["streams"] == 1 else f"streams_{run['streams']}/"
        for stage, row in {**run["stages_ms"], "end_to_end": run["end_to_end_ms"]}.items():
            found |= {f"{at}{stage}_{name}_ms": value for name, value in row.items()}
        found[f"{at}frames_per_second"] = run["frames_per_second"]
        found[f"{at}joules_per_frame"] = run["power"]["joules_per_frame"]
        found[f"{at}unaccounted_ms"] = run["unaccounted_ms"]
        found[f"{at}hottest_c"] = run["degrees_c"]["most"] if run["degrees_c"] else None
    for kind in ("cold", "warm"):
        steps = (result["start"] or {}).get(kind) or {}
        found |= {f"start_{kind}/{name}": value for name, value in steps.items()}
    found["resident_bytes"] = result["resident_bytes"]["most"]
    return {name: float(value) for name, value in found.items() if value is not None}


def log_latencies(paths: Sequence[Path], outputs: Path, study: Path | None = None) -> tuple[int, str]:
    """Log results in MLflow, each once; in `study`, the folder of one, as runs of it. Returns how many were new, and
    the store's URI. Raises InputError, before anything is logged, for a file or study that is none."""
    results = [(path, read_latency(path)) for path in paths]
    mlflow, uri = connect(outputs)
    client = mlflow.MlflowClient()
    experiment = client.get_experiment_by_name(EXPERIMENT).experiment_id
    parent_tags = _parent_tags(client, experiment, study)
    new = 0
    for path, result in results:
        checksum = hashlib.sha256(path.read_bytes()).hexdigest()[:32]
        scope = f" and tags.`{STUDY}` = '{parent_tags[STUDY]}'" if parent_tags else ""
        if client.search_runs([experiment], f"tags.`{RESULT}` = '{checksum}'{scope}", max_results=1):
            continue
        tags = {**parent_tags, RESULT: checksum, "device": device_class(result)}
        if parent_tags:
            tags[CELL] = f"latency-{checksum}"
        tags["void_for_gate"] = "; ".join(result["void_for_gate"]) or "no"
        run = client.create_run(experiment, tags=tags, run_name=f"latency {device_class(result)}"[:240])
        _log(client, run.info.run_id, result, path)
        new += 1
    return new, uri


def _parent_tags(client: Any, experiment: str, study: Path | None) -> dict[str, str]:
    if study is None:
        return {}
    from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

    name = digest(str(study.resolve()))
    found = client.search_runs([experiment], f"tags.`{STUDY}` = '{name}' and tags.`{CELL}` = 'parent'", max_results=1)
    if not found:
        raise InputError(f"{study}: no study of this MLflow store; expected the folder of one that was run")
    return {STUDY: name, MLFLOW_PARENT_RUN_ID: str(found[0].info.run_id)}


def _log(client: Any, run: str, result: dict[str, Any], path: Path) -> None:
    from mlflow.entities import Metric, Param

    parameters = {f"device.{key}": value for key, value in result["device"].items()}
    for name, network in result["networks"].items():
        keys = ("runtime", "precision", "version", "instead_of", "weights")
        parameters |= {f"{name}.{key}": network.get(key, "") for key in keys}
    for key in ("timed", "pictures", "width", "height", "sha256", "every_crop"):
        parameters[f"frames.{key}"] = result["frames"].get(key)
    now = int(time.time() * 1000)
    numbers = [Metric(key, value, now, 0) for key, value in metrics(result).items()]
    client.log_batch(run, numbers, [Param(key, str(value)[:500]) for key, value in parameters.items()])
    client.log_artifact(run, str(path))
    client.set_terminated(run)


def table(results: Sequence[dict[str, Any]]) -> str:
    """A line for each result, the fastest first."""
    head = f"{'p50':>9}{'p99':>9}{'frames/s':>10}{'J/frame':>9}{'warm start':>12}  device"
    lines = [head, "-" * len(head)]
    for result in sorted(results, key=lambda r: r["runs"][0]["end_to_end_ms"]["p50"]):
        single = result["runs"][0]
        joules = single["power"]["joules_per_frame"]
        start = (result["start"] or {}).get("warm")
        lines.append(
            f"{single['end_to_end_ms']['p50']:9.1f}{single['end_to_end_ms']['p99']:9.1f}"
            f"{max(run['frames_per_second'] for run in result['runs']):10.2f}"
            f"{'–' if joules is None else f'{joules:.2f}':>9}"
            f"{'–' if start is None else format(start['sessions_ms'] / 1000, '.2f') + ' s':>12}  {device_class(result)}"
            + ("" if not result["void_for_gate"] else f"   void for a gate: {'; '.join(result['void_for_gate'])}")
        )
    return "\n".join(lines)
