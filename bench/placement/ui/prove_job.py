"""A proof of one rig as a process of its own: python -m bench.placement.ui.prove_job FOLDER

FOLDER/job.json says what to prove; FOLDER/result.json is what came of it.
"""

from __future__ import annotations

import dataclasses
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.placement.command import placement_study, plan_of
from bench.placement.prove import foretold, proof_result, proof_rows, run_proof
from bench.placement.store_problem import position_weights
from bench.placement.transfer import Transfer
from bench.response.response import SHIPPED, load_responses
from bench.statistics import Sample
from bench.studies.study import Study
from scenarios import Camera, InputError, Rig, Scenario, load_scenario
from scenarios.files import build
from vision.outputs import write_json

RIG = "these cameras"


@dataclasses.dataclass(frozen=True)
class Job:
    """`config` of `shelfbench place`; `predicted` is the share that is foretold, with the pull of every world."""

    config: dict[str, Any]
    cameras: tuple[Camera, ...]
    worlds: int
    transfers: dict[str, Transfer]
    predicted: Sample

    @property
    def pictures(self) -> int:
        return self.worlds * len(self.cameras)


def write_job(path: Path, job: Job) -> None:
    """Write a job for the process."""
    plain = dataclasses.asdict(dataclasses.replace(job, predicted=Sample(job.predicted.value, np.zeros(0))))
    plain["predicted"] = {"value": job.predicted.value, "pull": job.predicted.pull.tolist()}
    write_json(path, plain)


def read_job(path: Path) -> Job:
    """The inverse of `write_job`."""
    data = json.loads(path.read_text(encoding="utf-8"))
    said = data["predicted"]
    return Job(
        data["config"], tuple(build(Camera, c, str(path)) for c in data["cameras"]), data["worlds"],
        {name: Transfer(**t) for name, t in data["transfers"].items()},
        Sample(said["value"], np.array(said["pull"], float)),
    )  # fmt: skip


def study_of_job(job: Job, base: Scenario) -> Study:
    """The study that proves it; the same cameras in as many worlds go on where they were."""
    plan = plan_of(job.config)
    return placement_study(plan, base, [Rig(RIG, job.cameras)], job.worlds, plan.prove_seed)


def prove(job: Job) -> dict[str, Any]:
    """Render and read the cameras in the proof's worlds; the row of `prove.proof_result`, and `exact` by position."""
    plan = plan_of(job.config)
    base = load_scenario(plan.scenario)
    weight = position_weights(base, Path(plan.weights) if plan.weights else None)
    study, rig = study_of_job(job, base), Rig(RIG, job.cameras)
    ids = [p.id for p in base.layout.planogram.positions]
    found, report = run_proof(study, dict(zip(ids, weight.tolist())))
    worlds = study.base.draw(base)
    responses = load_responses(Path(plan.responses) if plan.responses else SHIPPED, plan.model)
    there = foretold(
        [rig], worlds, plan.aims, responses, job.transfers, plan.correlation, weight, Path(plan.outputs) / "sight",
        int(plan.cache_gb * 1e9), plan.workers,
    )  # fmt: skip
    rows = proof_rows(found, {RIG: job.predicted}, there, RIG)
    return proof_result(rows, study, report, [s.seed for s in worlds]) | {"exact": found[RIG].exact}


def main(arguments: Sequence[str]) -> None:
    """Prove the job of a folder; what went wrong is told in a line, with exit status 2."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends as by Ctrl-C: in order
    folder = Path(arguments[0])
    try:
        result = prove(read_job(folder / "job.json"))
    except InputError as error:
        print(f"proof: {error}", file=sys.stderr)
        sys.exit(2)
    draft = folder / "result.draft"
    write_json(draft, result)
    draft.replace(folder / "result.json")


if __name__ == "__main__":
    main(sys.argv[1:])
