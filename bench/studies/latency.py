"""Latency in a study: every model on the same pictures, in turns, alone on this machine."""

from __future__ import annotations

import argparse
import dataclasses
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from bench.devices import conditions
from bench.experiment import Evidence, Experiment, Shot, frames_folder, read
from bench.results import latency_row
from bench.studies.cells import Bench
from bench.studies.crew import Plan, load_plan
from bench.studies.pictures import PictureCache
from bench.studies.quiet import alone, quietness
from bench.studies.study import READING, Study, checksum, code_version, digest
from vision.outputs import write_json
from vision.pipeline import weights_path


def latency_hash(study: Study, runtime: str) -> str:
    """A name for what decides a latency, besides the machine."""
    base = study.base
    weights = [checksum(str(weights_path(w))) for m in base.models for w in (m.detector, m.recognizer)]
    plain = ["latency", runtime, weights, study.timed_frames, base.scenario, base.first_seed, code_version(READING)]
    return digest(plain)


def runtimes(study: Study) -> list[str]:
    return sorted({point.runtime for _, point in study.points})


def latency_folder(plan: Plan, runtime: str) -> Path:
    return plan.folder / "latency" / latency_hash(plan.study, runtime)


def measure(plan: Plan, runtime: str) -> None:
    """Time the study's models on its first pictures and write latency.json, whole or not at all."""
    folder = latency_folder(plan, runtime)
    draft = folder.with_name(f".{folder.name}.draft-{os.getpid()}")
    draft.mkdir(parents=True)
    experiment = dataclasses.replace(plan.study.points[0][1], runtime=runtime)
    try:
        write_json(draft / "latency.json", _measured(plan.study, experiment, folder.name))
        draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _measured(study: Study, experiment: Experiment, hash: str) -> dict[str, Any]:
    bench = Bench(PictureCache(study.pictures, int(study.cache_gb * 1e9)))
    scenarios = bench.draw(experiment)
    evidence = Evidence(experiment, scenarios)
    # Each picture is read twice or more; more pictures than that need are not fetched.
    wanted = max(3, -(-study.timed_frames // 2))
    with frames_folder() as frames:
        shots: list[Shot] = []
        for i, scenario in enumerate(scenarios):
            for camera in dict.fromkeys(c for rig in experiment.rigs for c in rig.cameras):
                if len(shots) < wanted:
                    frame, truth = bench.picture(scenario, scenario.hash, camera, experiment.renderer)
                    path = Path(frames) / f"{i}-{camera.id}.npy"
                    np.save(path, frame.image)
                    shots.append(Shot(i, camera, path, truth))
        bench.close()
        pipelines = {
            m.name: bench.pipeline(dataclasses.replace(experiment, models=(m,)), scenarios[0], threads=0)
            for m in experiment.models
        }
        with alone():
            quiet = quietness()
            read(pipelines, shots, scenarios[0].layout, evidence, study.timed_frames)
    return {
        "hash": hash,
        "runtime": experiment.runtime,
        "latency_ms": {m: {s: latency_row(v) for s, v in stages.items()} for m, stages in evidence.latency_ms.items()},
        "frames": min(len(v["total"]) for v in evidence.latency_ms.values()),
        "repeatable": evidence.repeatable,
        "quiet": quiet,
        "conditions": conditions(),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Time the models of a study that is under way.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("runtime")
    given = parser.parse_args()
    measure(load_plan(given.folder), given.runtime)
