"""Conducting a study: from its configuration to its report, through whatever happens to its workers."""

from __future__ import annotations

import fcntl
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.studies.cell_result import CellResult, read_cell
from bench.studies.claims import is_alive, read, write_whole
from bench.studies.crew import Crew, Plan, load_plan
from bench.studies.latency import latency_folder, runtimes
from bench.studies.progress import Progress
from bench.studies.report import as_study_result, write_study_report
from bench.studies.study import Study, cell_hashes, check_study, differences, manifest
from bench.studies.tracking import StudyLog
from bench.tracking import store_errors
from scenarios import InputError
from vision.outputs import final_path, result_folder, write_json

PAUSE = 0.2
"""Seconds between two looks at the workers."""
SHOWN = 5
"""Differences of a changed configuration that are named."""


def conduct(study: Study, launcher: Sequence[str] = ()) -> Path:
    """Run what is missing of a study and return the folder of its report.

    Raises InputError, before anything is computed, for a study that makes no sense, a folder that holds another one,
    and an MLflow store that cannot be written (later, where it is full by then); KeyboardInterrupt leaves all finished
    cells in place.
    """
    start = time.perf_counter()
    check_study(study)
    outputs = Path(study.config["outputs"])
    plan = prepare(study)
    with _only_one(plan.folder), store_errors(outputs):
        clear(plan)
        log = StudyLog(study, outputs)
        status = "FAILED"
        try:
            log.log_models(study)
            _make_cells(plan, log, launcher)
            log.pause()
            _measure_latency(plan, log)
            folder = _report(plan, log, outputs, time.perf_counter() - start)
            status = "FINISHED" if not failures(plan) else "FAILED"
        except KeyboardInterrupt:
            status = "KILLED"
            raise
        finally:
            log.close(status)
    return folder


def prepare(study: Study) -> Plan:
    """A study's folder with its plan. Raises InputError where it holds a study of another configuration."""
    folder, bound = study.folder, json.loads(json.dumps(manifest(study)))
    file = folder / "study.json"
    if file.is_file():
        try:
            held = json.loads(file.read_text(encoding="utf-8"))["manifest"]
        except (ValueError, KeyError):
            raise InputError(f"{file}: not the plan of a study; expected what `shelfbench run` wrote there") from None
        changed = differences(held, bound)
        if changed:
            more = f" and {len(changed) - SHOWN} more" if len(changed) > SHOWN else ""
            raise InputError(
                f"{folder}: holds cells of another configuration: {'; '.join(changed[:SHOWN])}{more}; "
                "go on with the old one, or give name=NAME or study=FOLDER for a new study"
            )
    else:
        (folder / "cells").mkdir(parents=True, exist_ok=True)
    config = dict(study.config) | {
        "outputs": str(Path(study.config["outputs"]).resolve()),
        "study": str(folder.resolve()),
    }
    cells = cell_hashes(study)
    write_whole(file, json.dumps({"manifest": bound, "config": config, "cells": cells}, indent=1))
    return load_plan(folder)


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    with (folder / ".conductor").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(f"{folder}: another `shelfbench run` is at this study; wait for it or end it") from None
        yield


def clear(plan: Plan) -> None:
    """Forget failures, so that they are tried again, and what killed workers left: half-made cells and claims, of
    finished cells too, where one was killed just before it let go."""
    cells = plan.folder / "cells"
    for left in (*cells.glob("*.failed"), *cells.glob("*.deaths")):
        left.unlink()
    for claim in cells.glob("*.claim"):
        held = read(claim)
        if held is not None and not is_alive(claim, held):
            claim.unlink(missing_ok=True)
    for draft in cells.glob(".*.draft-*"):
        if not plan.claim_file(draft.name[1:].split(".draft-")[0]).exists():
            shutil.rmtree(draft, ignore_errors=True)


def finished(plan: Plan) -> list[CellResult]:
    """The cells that are done, in the order of the plan."""
    return [read_cell(plan.cell_folder(h)) for h in plan.hashes if plan.done(h)]


def failures(plan: Plan) -> dict[str, str]:
    """What went wrong in cells that failed, by hash."""
    return {
        h: json.loads(plan.failure_file(h).read_text())["error"]
        for h in plan.hashes
        if plan.failure_file(h).exists() and not plan.done(h)
    }


def _make_cells(plan: Plan, log: StudyLog, launcher: Sequence[str]) -> None:
    """Have workers make what is missing, and log each cell when it is there."""
    cells = dict(zip(plan.hashes, plan.study.cells))
    open_ = dict.fromkeys(plan.hashes)
    crew = Crew(plan.folder, min(plan.study.base.workers, len(cells)), launcher)
    with Progress(cells) as progress:
        _take_in(plan, log, open_, progress, crew, begun=False)
        if not open_:
            return
        crew.start()
        try:
            while open_:
                _take_in(plan, log, open_, progress, crew)
                crew.tend(bool(open_))
                progress.look({h: plan.claim_file(h) for h in open_})
                time.sleep(PAUSE)
            while not crew.ended:
                time.sleep(PAUSE)
        finally:
            crew.stop()
            _take_in(plan, log, open_, progress, crew)


def _take_in(
    plan: Plan, log: StudyLog, open_: dict[str, None], progress: Progress, crew: Crew, begun: bool = True
) -> None:
    """Log and show the cells that were settled since the last look."""
    for hash in [h for h in open_ if plan.settled(h)]:
        del open_[hash]
        crew.deaths = 0
        if plan.done(hash):
            result = read_cell(plan.cell_folder(hash))
            log.log_cell(result, plan.cell_folder(hash))
            progress.finished(result, begun)
        else:
            progress.failed(hash, json.loads(plan.failure_file(hash).read_text())["error"])


def _measure_latency(plan: Plan, log: StudyLog) -> None:
    """Time the models of a study that asks for it, a runtime after the other, in a process of their own."""
    if not plan.study.timed_frames:
        return
    for runtime in runtimes(plan.study):
        folder = latency_folder(plan, runtime)
        if not folder.is_dir():
            command = [sys.executable, "-m", "bench.studies.latency", str(plan.folder), runtime]
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                words = [line for line in done.stderr.splitlines() if line.strip()]
                raise InputError(f"latency on {runtime}: {words[-1] if words else 'its process was killed'}")
        log.log_latency(json.loads((folder / "latency.json").read_text()), folder)


def latencies(plan: Plan) -> list[Mapping[str, Any]]:
    """The latencies that were measured, a runtime each."""
    files = [latency_folder(plan, runtime) / "latency.json" for runtime in runtimes(plan.study)]
    return [json.loads(file.read_text()) for file in files if file.is_file()]


def _report(plan: Plan, log: StudyLog, outputs: Path, seconds: float) -> Path:
    """Write result.json and report of the finished cells, and put them with the parent run."""
    cells, failed = finished(plan), failures(plan)
    if not cells:
        first = next(iter(failed.values()), "no cell was made")
        raise InputError(f"none of the {len(plan.hashes)} cells was made: {first}")
    begun = (plan.folder / "begun.txt").read_text().split() if (plan.folder / "begun.txt").is_file() else []
    work = {
        "seconds": round(seconds, 1),
        "logging_seconds": round(log.seconds, 2),
        "cells_begun": len(begun),
        "cells_begun_again": len(begun) - len(set(begun)),
    }
    result = as_study_result(plan, cells, failed, latencies(plan), work)
    with result_folder(outputs, "run") as folder:
        write_json(folder / "result.json", result)
        write_study_report(folder, plan, result)
        log.log_result(folder)
    return final_path(folder)
