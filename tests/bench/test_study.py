"""The plan of a study: its grid, what names a cell, and what it refuses."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from bench.cli import main
from bench.configs import CONF, PLAIN_GROUPS, SPARSE, compose, options
from bench.runs import read_runs
from bench.studies.claims import owner, write_whole
from bench.studies.conduct import clear, prepare
from bench.studies.crew import DEATHS, STOPPING, Crew, Plan, load_plan
from bench.studies.figures import effects_figure
from bench.studies.study import READING, ROOT, cell_hashes, check_study, study_of, study_over
from bench.tracking import connect
from scenarios import InputError
from sim.render import RENDERERS
from tests.refusal import refusal
from tests.small_study import overrides, small_study
from vision.runtimes import RUNTIMES


@pytest.mark.parametrize("name", options("experiment"))
def test_every_experiment_is_a_study_that_can_be_run(name: str) -> None:
    study = study_of(compose("run", [f"experiment={name}"]))
    check_study(study)
    assert len(study.cells) > 1
    first_line = (CONF / "experiment" / f"{name}.yaml").read_text().splitlines()[1]
    assert first_line == f"# shelfbench run experiment={name}"
    if study.config["axes"]:
        assert len(study.config["interpretation"].split("\n\n")) >= 3
        assert study.base.first_seed + study.base.scenarios <= 500_000  # the README's test begins there


@pytest.mark.parametrize(
    ("group", "name"),
    [(group, name) for group in (*SPARSE, *PLAIN_GROUPS) for name in options(group)],
)
def test_every_choice_of_a_group_can_be_run(group: str, name: str) -> None:
    config = compose("run", ["experiment=quickstart", f"{group}={name}"])
    if group in SPARSE:
        assert config[group]
        check_study(study_of(config))
    else:
        assert config[group] == name


@pytest.mark.parametrize("group", ["rig", "model"])
def test_every_rig_and_model_has_its_type(group: str) -> None:
    for name in options(group):
        config = compose("run", ["experiment=quickstart", f"+{group}@{group}s.mine={name}"])
        assert config[f"{group}s"]["mine"]["name"] == name
        file = yaml.safe_load((CONF / group / f"{name}.yaml").read_text())
        assert file["defaults"][0] == "types"


def test_renderers_and_runtimes_have_a_choice_each() -> None:
    assert set(options("renderer")) == set(RENDERERS)
    assert set(options("runtime")) == set(RUNTIMES)


def test_cells_are_all_combinations_on_the_same_seeds(tmp_path: Path) -> None:
    study = small_study(tmp_path, 3, ("+axes.scale={full: {}, half: {scale: 0.5}}",))
    assert len(study.cells) == len(set(cell_hashes(study))) == 6
    assert {tuple(s.seed for s in c.experiment.draw()) for c in study.cells} == {(500000, 500001)}
    widths = {c.at["scale"]: c.rig.cameras[0].model.width for c in study.cells}
    assert widths == {"full": 96, "half": 48}
    lux = {c.at["light"]: c.experiment.draw()[0].conditions.lighting.lux for c in study.cells}
    assert lux == {"l0": (100, 100), "l1": (101, 101), "l2": (102, 102)}


@pytest.mark.parametrize(
    "change", ["first_seed=7", "scenarios=3", "lighting.flicker=0.5", "sensor.quality=20", "renderer=raster-egl"]
)
def test_what_decides_scores_renames_all_cells(change: str, tmp_path: Path) -> None:
    assert not set(cell_hashes(small_study(tmp_path))) & set(cell_hashes(small_study(tmp_path, more=(change,))))


def test_what_decides_no_score_does_not(tmp_path: Path) -> None:
    more = ("workers=1", "cache_gb=1", f"study={tmp_path / 'elsewhere'}")
    assert cell_hashes(small_study(tmp_path)) == cell_hashes(small_study(tmp_path, more=more))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["~axes.light", "+axes.light={}"], "axes.light is {}: the grid is empty"),
        (["~rigs.one"], "rigs is empty: the grid has no cells"),
        (["~models.yolo11n"], "models is empty: the grid has no cells"),
        (["+axes.x={a: 3}"], "axes.x.a is 3; expected settings of lighting, crowd"),
        (["+axes.x={a: {ligthing: {lux: [1, 1]}}}"], "axes.x.a: unknown key 'ligthing'; allowed: lighting, crowd"),
        (["+axes.x={a: {lighting: {luxx: 1}}}"], "x=a: lighting: unknown key 'luxx'; allowed: lux, kelvin"),
        (["+axes.x={a: {lighting: {lux: [9, 1]}}}"], "x=a: lighting: lux [9.0, 1.0]; expected 0 < low <= high"),
        (["+axes.x={a: {sensor: {quality: 300}}}"], "x=a: sensor: sensor with jpeg quality 300; expected 1 to 100"),
        (["+axes.x={a: {scale: 9}}"], "x=a: scale 9; expected 0.05 to 2"),
        (["+axes.x={a: {renderer: crayon}}"], "renderer 'crayon'; expected one of raster"),
        (["lighting.luxx=3"], "unknown key 'lighting.luxx'; allowed: lux, kelvin, failed"),
        (["lighting=gloomy"], "lighting 'gloomy'; expected one of bright, dark"),
        (["mess.out=2"], "mess: out 2.0; expected a share from 0 to 1"),
        (["cache_gb=0"], "cache_gb 0.0; expected"),
        (["scenarios=0"], "expected scenarios >= 2"),
        (["scenarois=4"], "unknown key 'scenarois'; allowed: "),
        (["workers=many"], "workers: Value 'many' of type 'str' could not be converted to Integer"),
        (["hydra/launcher=rocket"], "rocket"),
    ],
)
def test_wrong_input_gets_one_line(
    words: list[str], expected: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert expected in refusal(main, ["run", *overrides(tmp_path), *words], capsys)
    assert not (tmp_path / "outputs").exists()


def test_a_study_whose_configuration_changed_is_refused_with_the_difference(tmp_path: Path) -> None:
    assert prepare(small_study(tmp_path)).hashes == prepare(small_study(tmp_path, more=("workers=1",))).hashes
    with pytest.raises(InputError, match=r"first_seed: 500000 → 7; .*name=NAME or study=FOLDER"):
        prepare(small_study(tmp_path, more=("first_seed=7",)))
    prepare(small_study(tmp_path, more=("first_seed=7", "name=other")))


def test_a_folder_with_something_else_is_refused(tmp_path: Path) -> None:
    study = small_study(tmp_path)
    study.folder.mkdir(parents=True)
    (study.folder / "study.json").write_text("{}")
    with pytest.raises(InputError, match=r"study\.json: not the plan of a study"):
        prepare(study)


def test_a_worker_with_other_code_makes_nothing(tmp_path: Path) -> None:
    folder = prepare(small_study(tmp_path)).folder
    data = json.loads((folder / "study.json").read_text())
    data["manifest"]["code"] = "other"
    (folder / "study.json").write_text(json.dumps(data))
    with pytest.raises(InputError, match="begun with code other"):
        load_plan(folder)


def waiting(plan: Plan, commands: list[list[str]]) -> Crew:
    crew = Crew(plan.folder, 1, [])
    crew._commands = commands
    crew.start()
    for process in crew.processes:
        process.wait()
    return crew


def test_a_full_disk_ends_the_study_with_its_folder_named(tmp_path: Path) -> None:
    plan = prepare(small_study(tmp_path))
    for number, status in STOPPING.items():
        crew = waiting(plan, [["sh", "-c", f"exit {status}"]])
        with pytest.raises(OSError, match=str(plan.folder)) as error:
            crew.tend(missing=True)
        assert error.value.errno == number


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 3 MB: room for an MLflow store, none for what is logged there."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", disk], capture_output=True).returncode:
        pytest.skip("a small disk needs the right to mount one")
    yield disk
    subprocess.run(["umount", "--lazy", disk], check=True)  # SQLite still has its file open


@pytest.mark.slow
def test_a_disk_that_is_really_full_is_named_and_with_room_the_study_goes_on(
    tmp_path: Path, small_disk: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It ended with two hundred lines of MLflow's and SQLAlchemy's."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    words = ["run", *overrides(tmp_path, 2), f"outputs={small_disk / 'outputs'}"]
    for _ in range(2):
        with pytest.raises(SystemExit) as exit:
            main(words)
        assert exit.value.code == 2
        errors = capsys.readouterr().err  # MLflow says there, too, what it sets up
        assert re.search("shelfbench: .*(disk is full|No space left)", errors.splitlines()[-1])
        assert "Traceback" not in errors
    subprocess.run(["mount", "-o", "remount,size=200m", small_disk], check=True)
    main(words)
    runs = read_runs(small_disk / "outputs")
    assert len(runs) == 2
    mlflow, _ = connect(small_disk / "outputs")
    assert "RUNNING" not in set(mlflow.search_runs(search_all_experiments=True)["status"])


def test_workers_that_cannot_start_are_given_up_with_what_they_said(tmp_path: Path) -> None:
    crew = waiting(prepare(small_study(tmp_path)), [["sh", "-c", "echo no such module >&2; exit 1"]])
    for _ in range(crew.patience):
        crew.tend(missing=True)
        crew.processes[0].wait()
    with pytest.raises(InputError, match="the last said: no such module"):
        crew.tend(missing=True)


@pytest.mark.slow
def test_a_cell_that_kills_its_workers_is_left_out_in_the_end(tmp_path: Path) -> None:
    from bench.studies.crew import work

    plan = prepare(small_study(tmp_path, 1))
    (hash,) = plan.hashes
    write_whole(plan.deaths_file(hash), "." * (DEATHS - 1))
    dead = owner() | {"pid": 2**22 + 1}
    plan.claim_file(hash).write_text(json.dumps(dead))
    assert work(plan.folder) == 0
    assert json.loads(plan.failure_file(hash).read_text())["error"] == f"{DEATHS} workers died at it"
    assert not plan.claim_file(hash).exists()


def test_claims_of_dead_workers_go_when_a_study_is_begun_again(tmp_path: Path) -> None:
    """A worker that was killed between a cell's last file and letting go once left its claim for good."""
    plan = prepare(small_study(tmp_path))
    dead, alive = plan.hashes[:2]
    plan.cell_folder(dead).mkdir(parents=True)
    plan.claim_file(dead).write_text(json.dumps(owner() | {"pid": 2**22 + 1}))
    plan.claim_file(alive).write_text(json.dumps(owner()))
    drafts = [plan.folder / "cells" / f".{hash}.draft-here-1" for hash in (dead, alive)]
    for draft in drafts:
        draft.mkdir()
    clear(plan)
    assert [plan.claim_file(hash).exists() for hash in (dead, alive)] == [False, True]
    assert [draft.exists() for draft in drafts] == [False, True]
    assert plan.done(dead)


@pytest.mark.parametrize("pattern", READING)
def test_every_file_that_decides_a_score_is_there(pattern: str) -> None:
    assert list(ROOT.glob(pattern))


def test_a_figure_shows_the_change_of_every_value() -> None:
    def row(value: str, model: str, change: float | None) -> dict:
        low, high = (None, None) if change is None else (change - 0.01, change + 0.03)
        at = {"model": model}
        return {
            "axis": "light", "value": value, "against": "bright", "at": at, "metric": "facings_exact",
            "difference": change, "low": low, "high": high,
        }  # fmt: skip

    rows = [row("dim", "a", -0.02), row("dim", "b", 0.01), row("dark", "a", -0.2), row("dark", "b", None)]
    figure = effects_figure(rows, {"facings_exact": "Facings exact"})
    (panel,) = figure.axes
    assert [t.get_text() for t in panel.get_yticklabels()] == ["dim", "dark"]
    assert panel.get_ylabel() == "light, against bright"
    marks = {c.get_label(): c.lines[0].get_xdata() for c in panel.containers}
    assert marks["a"] == pytest.approx([-2, -20])
    assert marks["b"] == pytest.approx([1])
    bars = panel.containers[0].lines[2][0].get_segments()
    assert [s[:, 0].tolist() for s in bars] == [pytest.approx([-3, 1]), pytest.approx([-21, -17])]


def test_a_study_from_python_is_that_of_its_overrides(tmp_path: Path) -> None:
    """Cell by cell the same hash, also with settings and camera settings in it, and a worker finds it in its folder."""
    told = small_study(tmp_path, more=("crowd.shoppers=3", "lens.spread=1.5", "scale=0.5", "first_seed=300000"))
    axes = {"light": {f"l{i}": {"lighting": {"lux": [100 + i, 100 + i]}} for i in range(3)}}
    study = study_over(told.base, axes, tmp_path / "outputs")
    assert cell_hashes(study) == cell_hashes(told)
    plan = prepare(study)
    assert cell_hashes(load_plan(plan.folder).study) == plan.hashes == cell_hashes(study)


@pytest.mark.parametrize(
    ("axes", "error"),
    [
        ({"light": {}}, "axes.light is {}: the grid is empty"),
        ({"light": {"dim": {"lamp": 3}}}, "axes.light.dim: unknown key 'lamp'"),
        ({"light": {"dim": {"lighting": {"lux": [-1, 2]}}}}, "light=dim: lighting: lux"),
    ],
)
def test_axes_from_python_that_make_no_sense_are_refused(axes: dict, error: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=re.escape(error)):
        check_study(study_over(small_study(tmp_path).base, axes, tmp_path))
