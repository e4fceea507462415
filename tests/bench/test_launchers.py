"""A study's cells are the same to the last digit whoever starts its workers, and wherever they are logged."""

from __future__ import annotations

import json
import multiprocessing
import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlflow
import pytest

from bench.cli import main
from bench.studies.cell_result import read_cell
from bench.studies.conduct import conduct, finished
from bench.studies.crew import load_plan
from bench.tracking import EXPERIMENT, connect, run_of
from scenarios import InputError
from tests.clusters import two_nodes as two_nodes
from tests.small_study import overrides, small_study

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def own_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def scores(root: Path, launcher: list[str]) -> dict[str, Any]:
    """What every cell of a small study says, all but who made it and how fast."""
    study = small_study(root, 2)
    conduct(study, launcher)
    return {c.name: (c.hash, c.metrics, c.counts, c.causes) for c in finished(load_plan(study.folder))}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The one store that all these studies are of."""
    root = tmp_path_factory.mktemp("launchers")
    overrides(root)
    return root


@pytest.fixture(scope="module")
def here(store: Path) -> dict[str, Any]:
    return scores(store, [])


def elsewhere(store: Path, root: Path, launcher: list[str]) -> dict[str, Any]:
    shutil.copytree(store / "store", root / "store")
    return scores(root, launcher)


@pytest.mark.parametrize("launcher", ["joblib", "submitit_local"])
def test_launchers_of_one_machine(launcher: str, store: Path, here: dict[str, Any], tmp_path: Path) -> None:
    pytest.importorskip(f"hydra_plugins.hydra_{launcher.split('_')[0]}_launcher")
    assert elsewhere(store, tmp_path, [f"hydra/launcher={launcher}"]) == here


def test_two_ray_nodes(store: Path, here: dict[str, Any], tmp_path: Path, two_nodes: str) -> None:
    launcher = ["hydra/launcher=ray_cluster", f"hydra.launcher.ray.init.address='{two_nodes}'"]
    assert elsewhere(store, tmp_path, launcher) == here


def test_a_study_goes_on_under_another_launcher(here: dict[str, Any], store: Path) -> None:
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher")
    plan = load_plan(small_study(store, 2).folder)
    shutil.rmtree(plan.cell_folder(plan.hashes[1]))
    kept = (plan.cell_folder(plan.hashes[0]) / "cell.json").stat().st_mtime_ns
    assert scores(store, ["hydra/launcher=joblib"]) == here
    assert (plan.cell_folder(plan.hashes[0]) / "cell.json").stat().st_mtime_ns == kept


def test_what_mlflow_holds_of_a_cell(here: dict[str, Any], store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_RUN_ID", "0" * 32)  # left over from another program; it must not be taken for ours
    client = mlflow.MlflowClient(f"sqlite:///{store / 'outputs' / 'mlflow.db'}")
    conduct(small_study(store, 2))
    experiment = client.get_experiment_by_name(EXPERIMENT).experiment_id
    runs = client.search_runs([experiment], "params.`at.light` = 'l1'")
    assert len(runs) == 1
    run, result = (
        runs[0],
        read_cell(load_plan(small_study(store, 2).folder).cell_folder(runs[0].data.tags["shelfbench.cell"])),
    )
    assert run.info.status == "FINISHED"
    assert float(run.data.params["lighting.lux.0"]) == 101
    assert run.data.metrics["facings_exact"] == result.metrics["facings_exact"]["value"]
    assert {"device", "renderer", "commit", "mlflow.parentRunId"} <= set(run.data.tags)
    (data,) = run.inputs.dataset_inputs
    assert json.loads(data.dataset.source)["scenario_hashes"] == result.scenario_hashes
    files = {f.path for f in client.list_artifacts(run.info.run_id)}
    assert files >= {"cell.json", "positions.parquet", "samples.parquet", "pulls.parquet", "worst-0.jpg"}
    parent = client.get_run(run.data.tags["mlflow.parentRunId"])
    assert parent.info.status == "FINISHED"
    assert len(client.search_runs([experiment], f"tags.mlflow.parentRunId = '{parent.info.run_id}'")) == 2
    assert len(client.search_model_versions("name = 'shelfbench-yolo11n'")) == 1
    info = mlflow.models.get_model_info(f"{parent.info.artifact_uri.removeprefix('file://')}/models/yolo11n")
    assert [t.name for t in info.signature.inputs] == ["images"]


def test_latency_is_measured_after_all_and_says_whether_it_was_quiet(store: Path) -> None:
    conduct(small_study(store, 1, ("name=timed", "timed_frames=6")))
    result = json.loads((store / "outputs" / "latest" / "result.json").read_text())
    (timed,) = result["latency"]
    assert timed["frames"] >= 6
    assert timed["latency_ms"]["yolo11n"]["total"]["p50"] > 0
    assert timed["quiet"]["quiet"] == (not timed["quiet"]["by"])


def test_hydras_own_multirun(store: Path, tmp_path: Path) -> None:
    words = [w for w in overrides(store, 1) if not w.startswith("outputs=")]
    main(["run", "--multirun", *words, f"outputs={tmp_path}", "name=tiny${scenarios}", "scenarios=2,3"])
    assert {p.name for p in (tmp_path / "studies").iterdir()} == {"tiny2", "tiny3"}


def log_one(outputs: Path, barrier: Any) -> None:
    barrier.wait()
    module, _ = connect(outputs)
    with run_of(module, "one"):
        module.log_metrics({f"m{i}": float(i) for i in range(10)})


def test_eight_processes_on_a_fresh_store(tmp_path: Path) -> None:
    """STORE_TRIALS=20 for the full number of trials."""
    context = multiprocessing.get_context("spawn")
    for trial in range(int(os.environ.get("STORE_TRIALS", 1))):
        barrier = context.Barrier(8)
        folder = tmp_path / str(trial)
        processes = [context.Process(target=log_one, args=(folder, barrier)) for _ in range(8)]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
        assert [p.exitcode for p in processes] == [0] * 8
        client = mlflow.MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")
        runs = client.search_runs([client.get_experiment_by_name(EXPERIMENT).experiment_id])
        assert [r.info.status for r in runs] == ["FINISHED"] * 8


def test_a_store_that_cannot_be_written_is_named_before_anything_is_made(
    here: dict[str, Any], store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copyfile(store / "outputs" / "mlflow.db", tmp_path / "copy.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///file:{tmp_path / 'copy.db'}?mode=ro&uri=true")
    with pytest.raises(InputError, match=r"MLflow store .*readonly database; expected a store that can be written"):
        connect(tmp_path)


def test_a_store_that_is_locked_is_named(here: dict[str, Any], store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sqlite3

    path = store / "outputs" / "mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{path}?timeout=1")
    with sqlite3.connect(path) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(InputError, match=r"MLflow store .*database is locked"):
            connect(store / "outputs")


@pytest.fixture
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of Debian's package postgresql, in a folder of its own; it will not run as root."""
    pytest.importorskip("psycopg2")
    homes = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not homes:
        pytest.skip("PostgreSQL is not installed: apt install postgresql")
    binaries, folder = homes[-1].parent, Path("/tmp") / f"shelfbench-postgres-{os.getpid()}"
    folder.mkdir(mode=0o700)
    user: dict[str, Any] = {}
    if os.getuid() == 0:
        entry = pwd.getpwnam("postgres")
        os.chown(folder, entry.pw_uid, entry.pw_gid)
        user = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}

    def call(*words: str) -> None:
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/tmp", **user)

    control = [str(binaries / "pg_ctl"), "-D", str(folder / "data"), "-w"]
    try:
        call(str(binaries / "initdb"), "-D", str(folder / "data"), "-A", "trust", "-U", "shelf")
        call(*control, "-l", str(folder / "log"), "-o", f"-p 54329 -c listen_addresses=127.0.0.1 -k {folder}", "start")
        yield "postgresql+psycopg2://shelf:secret@127.0.0.1:54329/postgres"
        call(*control, "-m", "fast", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def test_a_study_is_logged_to_postgresql(
    postgres: str, store: Path, here: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", postgres)
    assert elsewhere(store, tmp_path, []) == here
    client = mlflow.MlflowClient(postgres)
    runs = client.search_runs([client.get_experiment_by_name(EXPERIMENT).experiment_id])
    assert [r.info.status for r in runs] == ["FINISHED"] * 3
