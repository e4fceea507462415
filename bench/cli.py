"""shelfbench: the workbench as a command. The first word says what to do, the others are Hydra overrides."""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.configs import CONF as CONF
from bench.configs import compose, plain
from scenarios import InputError
from scenarios.files import build

if TYPE_CHECKING:
    from bench.experiment import Experiment

HELP = """usage: shelfbench COMMAND [key=value ...]

  run experiment=NAME    render, read and score; ranks rigs and models. With axes: a study, resumed where it ended
  targets RESULT.json    what the pipeline should reach, beside what a run measured; or RESULT.json RIG MODEL
  place scenario=NAME budget=MONEY  where to hang which cameras; or target=SHARE, for the least money
  place ui=true          a page to place cameras on by hand, and to see at once what they will know
  day                    days with sales, theft and wrong books, as cameras, RFID, tills and records tell them
  twin                   a store that lives, in a browser; target=http://DEVICE:PORT plays it to a running service
  render                 pictures to look at: every named scenario; scenario=NAME rig=NAME, dials=true, truth=true
  dataset                labelled pictures of training stores, or of scenario=NAME, as YOLO and COCO
  train training=NAME    train a model and export its weights (extra: train)
  renderers experiment=NAME  the same frames by raster and pathtrace: do readings and ranking change?
  transfer               detectors trained on raster and on path-traced pictures, each read on both
  gate base=REV          slower or worse than that version? Exit status 0 pass, 1 regression, 3 no verdict
  response               px/m that detecting, counting and naming need; response curves and their figures
  latency FILE...        results of `shelfwatch latency`, of any device, into MLflow; study=FOLDER: as runs of a study
  import FILE.psa FOLDER a planogram of ProSpace / Space Planning as the plain files of a store
  ui                     MLflow's pages over all runs
  doctor                 what this machine has

Keys and their defaults are in conf/; for example: shelfbench run experiment=quickstart scenarios=12"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point. Wrong input ends with one line on stderr and exit status 2."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or words[0] in ("-h", "--help", "help"):
        print(HELP)
        return
    try:
        if words[0] not in COMMANDS:
            raise InputError(f"unknown command {words[0]!r}; expected one of {', '.join(COMMANDS)}")
        COMMANDS[words[0]](words[1:])
    except InputError as error:
        print(f"shelfbench: {error}", file=sys.stderr)
        sys.exit(2)
    except OSError as error:
        print(
            f"shelfbench: {error.filename or 'outputs or the temporary folder'}: {error.strerror or error}",
            file=sys.stderr,
        )
        sys.exit(2)
    except KeyboardInterrupt:
        print("shelfbench: interrupted; nothing was written", file=sys.stderr)
        sys.exit(130)


def load_experiment(overrides: Sequence[str]) -> tuple[Experiment, dict[str, Any], Path]:
    """The experiment that overrides describe, its configuration as plain data, and where results go."""
    from bench.studies.study import experiment_of

    config = compose("run", overrides)
    return experiment_of(config), _told(config), Path(config["outputs"])


def _told(config: dict[str, Any]) -> dict[str, Any]:
    """What a result says of its configuration: rigs and models as lists, without what only a study has."""
    left_out = (
        "camera_models", "outputs", "timed_frames", "cache_gb", "study", "interpretation", "axes", "target", "client",
        "secret_file",
    )  # fmt: skip
    told = {k: v for k, v in config.items() if k not in left_out and v != {}}
    return told | {kind: list(config[kind].values()) for kind in ("rigs", "models")}


def run(words: Sequence[str]) -> None:
    """Run an experiment, or a study; with --multirun, one for every combination of the overrides' values."""
    if "--multirun" in words or "-m" in words:
        from bench.studies.multirun import multirun

        multirun("run", run_job, [w for w in words if w not in ("--multirun", "-m")])
        return
    hydra = [w for w in words if w.lstrip("+~").startswith("hydra")]
    run_config(compose("run", [w for w in words if w not in hydra]), hydra)


def run_job(config: Any) -> None:
    """One job of Hydra's multirun."""
    from omegaconf import OmegaConf

    container = OmegaConf.to_container(config, resolve=True)
    run_config(plain(container), [])


def run_config(config: dict[str, Any], hydra: Sequence[str]) -> None:
    """Run what a composed configuration describes; `hydra` are overrides that choose a launcher for a study."""
    if config["axes"] or config["target"]:
        run_study(config, hydra)
        return
    if hydra:
        raise InputError(f"{hydra[0]}: expected an experiment with axes, or --multirun")
    run_one(config)


def run_study(config: dict[str, Any], launcher: Sequence[str]) -> None:
    """Run what is missing of a study and write its report."""
    from bench.studies.conduct import conduct
    from bench.studies.report import study_table
    from bench.studies.study import study_of

    study = study_of(config)
    if launcher:
        compose("worker", ["folder=.", *launcher])
    try:
        final = conduct(study, launcher)
    except KeyboardInterrupt:
        print(f"shelfbench: interrupted; the same command goes on with {study.folder}", file=sys.stderr)
        sys.exit(130)
    result = json.loads((final / "result.json").read_text(encoding="utf-8"))
    print(f"\n{study_table(result)}\n\nreport  {final / 'report.html'}\nresult  {final / 'result.json'}")
    print(f"cells   {study.folder / 'cells'}   (MLflow: shelfbench ui)")
    if result["conditions"]["skipped"]:
        print(f"shelfbench: {len(result['conditions']['skipped'])} cells are missing; run again", file=sys.stderr)
        sys.exit(1)


def run_one(config: dict[str, Any]) -> None:
    """Run one experiment and write its report, result.json and MLflow runs."""
    from bench import device_choice
    from bench.experiment import check
    from bench.experiment import run as run_experiment
    from bench.studies.study import experiment_of

    experiment, outputs = experiment_of(config), Path(config["outputs"])
    devices = device_choice.as_devices(config)
    latencies = device_choice.read_results(devices) if devices else []
    check(experiment)
    # Only now what takes long to import.
    from bench.choice import choose
    from bench.report import write_report
    from bench.results import as_result, table
    from bench.tracking import log
    from vision.outputs import final_path, result_folder, write_json

    evidence = run_experiment(experiment)
    choice = choose(evidence)
    result = as_result(evidence, choice, _told(config))
    found = device_choice.options(devices, latencies, result) if devices else []
    if devices:
        result["devices"] = [dataclasses.asdict(option) for option in found]
    with result_folder(outputs, "run") as folder:
        write_json(folder / "result.json", result)
        write_report(folder, evidence, result)
        if devices:
            device_choice.plot(found, devices.every, folder / "devices.png")
        store = log(evidence, result, folder, outputs)
    final = final_path(folder)
    print(f"\n{table(result)}\n\n{choice.reason}\n")
    if devices:
        print(f"{device_choice.table(found)}\n\ndevices {final / 'devices.png'}")
    print(f"report  {final / 'report.html'}\nresult  {final / 'result.json'}\nMLflow  {store}   (shelfbench ui)")


def render(overrides: Sequence[str]) -> None:
    """Draw contact sheets and write them to outputs."""
    config = compose("render", overrides)
    from bench.contact_sheets import RenderPlan, draw_sheet, plan_sheet, unhonoured
    from bench.devices import conditions
    from vision.outputs import final_path, result_folder, write_json

    outputs = Path(config.pop("outputs"))
    config.pop("camera_models")
    plan = build(RenderPlan, config, "render")
    sheet, left_out = plan_sheet(plan)
    cannot = unhonoured(plan, sheet)
    with result_folder(outputs, "render") as folder:
        drawn = draw_sheet(plan, sheet, folder)
        facts = {"left_out": left_out, "not_honoured": cannot, "conditions": conditions()}
        write_json(folder / "result.json", {"config": config, **drawn, **facts})
    for line in left_out:
        print(f"left out  {line}")
    for line in cannot:
        print(f"{plan.renderer} cannot show  {line}")
    final = final_path(folder)
    print(f"pictures  {len(drawn['pictures'])}\nsheet     {final / drawn['sheet']}\nresult    {final / 'result.json'}")


def twin(overrides: Sequence[str]) -> None:
    """Play a store in time to a service, its own or another's, until Ctrl-C."""
    from vision.service.command import require_extras

    require_extras("twin")
    config = compose("twin", overrides)
    from bench.twin.command import run_twin
    from bench.twin.plan import plan_of

    plan = plan_of(config)
    config.pop("camera_models")
    run_twin(plan, config)


def day(overrides: Sequence[str]) -> None:
    """Play days of a store to inventories that listen to different sources, and write what each knew."""
    hydra = [w for w in overrides if w.lstrip("+~").startswith("hydra")]
    words = [w for w in overrides if w not in hydra]
    config = compose("day", words)
    from bench.day.command import day_table, run_day

    folder, result = run_day(config, words, hydra)
    print(f"\n{day_table(result)}\n\nresult  {folder / 'result.json'}")


def dataset(overrides: Sequence[str]) -> None:
    """Make a labelled data set with its card and contact sheet."""
    config = compose("dataset", overrides)
    from bench.training.datasets import dataset as make

    card = make(config, " ".join(["shelfbench dataset", *overrides]))
    print(f"data set  {card.parent}\ncard      {card}\nsamples   {card.parent / 'samples.jpg'}")


def train(overrides: Sequence[str]) -> None:
    """Train one model, export its weights with a card, and keep what it gets wrong."""
    from bench.training.train import run_training, training_of

    made = run_training(training_of(compose("train", overrides)), " ".join(["shelfbench train", *overrides]))
    print(f"\n{made.table}\n\nweights  {made.weights}\ncard     {made.weights.with_suffix('.md')}")
    print(f"result   {made.folder / 'result.json'}\nMLflow   {made.store}   (shelfbench ui)")


def renderers(overrides: Sequence[str]) -> None:
    """Compare two renderers by what is read of their pictures, and write result.json and pictures."""
    from bench.renderers import Comparison, check_comparison, compare, table
    from bench.studies.study import experiment_of
    from vision.outputs import final_path, result_folder, write_json

    config = compose("renderers", overrides)
    outputs, own = Path(config.pop("outputs")), {k: config.pop(k) for k in ("renderers", "scale", "pictures")}
    comparison = Comparison(experiment_of(config), tuple(own["renderers"]), own["scale"], own["pictures"])
    check_comparison(comparison)
    with result_folder(outputs, "renderers") as folder:
        result = compare(comparison, folder)
        write_json(folder / "result.json", result | {"config": _told(config) | own})
    print(f"\n{table(result)}\n\nresult  {final_path(folder) / 'result.json'}")


def transfer(overrides: Sequence[str]) -> None:
    """Read every data set with every detector, and write result.json."""
    from bench.devices import conditions
    from bench.training.transfer import table
    from bench.training.transfer import transfer as read
    from vision.outputs import final_path, result_folder, write_json

    config = compose("transfer", overrides)
    weights, data = ({name: Path(path) for name, path in config[kind].items()} for kind in ("weights", "data"))
    rows = read(weights, data, str(config["split"]))
    with result_folder(Path(config["outputs"]), "transfer") as folder:
        write_json(folder / "result.json", {"rows": rows, "conditions": conditions(), "config": config})
    print(f"\n{table(rows)}\n\nresult  {final_path(folder) / 'result.json'}")


def gate(overrides: Sequence[str]) -> None:
    """Compare this version with another one side by side; exit status 0 pass, 1 regression, 3 no verdict."""
    from bench.gate.command import GatePlan, run_gate

    plan = build(GatePlan, compose("gate", overrides), "gate")
    status, result = run_gate(plan)
    from bench.gate.page import table, write_page
    from vision.outputs import final_path, result_folder, write_json

    with result_folder(Path(plan.outputs), "gate") as folder:
        write_json(folder / "result.json", result)
        write_page(folder, result)
    final = final_path(folder)
    print(f"\n{table(result)}\n\npage     {final / 'gate.html'}\nsummary  {final / 'summary.md'}")
    print(f"result   {final / 'result.json'}")
    sys.exit(status)


def response(overrides: Sequence[str]) -> None:
    """Fit response curves to samples, and write them with their figures."""
    config = compose("response", overrides)
    from bench.response.command import ResponsePlan, dori_table, run_response

    plan = build(ResponsePlan, config | {"models": list(config["models"].values())}, "response")
    folder, result = run_response(plan, " ".join(["shelfbench response", *overrides]))
    print(f"\n{dori_table(result)}\n\nfigures   {folder / 'figures'}\nresult    {folder / 'result.json'}")
    print(f"responses {folder / 'response.json'}")


def place(overrides: Sequence[str]) -> None:
    """Find a placement of cameras, and write it with what it will know."""
    if any(word.startswith("ui=") for word in overrides):
        place_by_hand(overrides)
        return
    config = compose("place", overrides)
    from bench.placement.command import plan_of, run_place
    from bench.placement.table import place_table

    plan = plan_of(config)
    try:
        folder, result = run_place(plan, " ".join(["shelfbench place", *overrides]))
    except KeyboardInterrupt:
        print("shelfbench: interrupted; the same command goes on where it was", file=sys.stderr)
        sys.exit(130)
    print(f"\n{place_table(result)}\n\nreport  {folder / 'report.html'}\nresult  {folder / 'result.json'}")
    print(f"plan    {folder / 'plan.svg'}, plan.dxf; bill_of_materials.csv; calibration/")
    print(f"rig     {folder / 'rig.yaml'}   (cp to conf/rig/placed.yaml; shelfbench run … +rig@rigs.placed=placed)")


def place_by_hand(overrides: Sequence[str]) -> None:
    """Open a page to place cameras on by hand, until Ctrl-C."""
    from vision.service.command import require_extras

    if [word for word in overrides if word.startswith("ui=")] != ["ui=true"]:
        raise InputError("ui: expected ui=true for the page, and no ui= for a placement that is computed")
    require_extras("place ui=true")
    config = compose("place_ui", [word for word in overrides if word != "ui=true"])
    from bench.placement.ui.command import run_ui

    run_ui(config, " ".join(["shelfbench place", *overrides]))


def import_psa(words: Sequence[str]) -> None:
    """Write a planogram file of another program as the plain files of a store."""
    from bench.importing import import_planogram

    if len(words) != 2:
        raise InputError("import: expected FILE.psa FOLDER")
    for note in import_planogram(Path(words[0]), Path(words[1])):
        print(f"note  {note}")
    print(f"store  {words[1]}")


def targets(words: Sequence[str]) -> None:
    """Print the table of targets of a run's result."""
    from bench.targets import targets_table

    if len(words) not in (1, 3):
        raise InputError("targets: expected RESULT.json, or RESULT.json RIG MODEL")
    try:
        result = json.loads(Path(words[0]).read_text(encoding="utf-8"))
    except ValueError:
        raise InputError(f"{words[0]}: not JSON; expected the result.json of `shelfbench run`") from None
    if not isinstance(result, dict) or not {"arms", "choice"} <= set(result):
        raise InputError(f"{words[0]}: no arms and choice in it; expected the result.json of `shelfbench run`")
    print(targets_table(result, *words[1:]))


def latency(words: Sequence[str]) -> None:
    """Read results of `shelfwatch latency`, print them side by side, and log them in MLflow."""
    from bench.latency import log_latencies, read_latency, table

    options = dict(w.split("=", 1) for w in words if w.startswith(("study=", "outputs=")))
    paths = [Path(w) for w in words if not w.startswith(("study=", "outputs="))]
    if not paths:
        raise InputError("latency: expected one result.json of `shelfwatch latency` or more")
    results = [read_latency(path) for path in paths]
    study = Path(options["study"]) if "study" in options else None
    new, store = log_latencies(paths, Path(options.get("outputs", "outputs")), study)
    print(f"{table(results)}\n\nMLflow  {store}   {new} new   (shelfbench ui)")


def ui(overrides: Sequence[str]) -> None:
    """Open MLflow's pages on the store of `outputs`."""
    from bench.tracking import store_uri

    outputs = Path(dict(o.split("=", 1) for o in overrides if "=" in o).get("outputs", "outputs"))
    if not (outputs / "mlflow.db").is_file() and "MLFLOW_TRACKING_URI" not in os.environ:
        raise InputError(f"{outputs / 'mlflow.db'}: no such store; `shelfbench run experiment=quickstart` makes it")
    os.execvp(sys.executable, [sys.executable, "-m", "mlflow", "ui", "--backend-store-uri", store_uri(outputs)])


def doctor(_: Sequence[str]) -> None:
    """Print what this machine has, one line each."""
    from bench.devices import doctor as lines

    for name, value in lines():
        print(f"{name:24s} {value}")


COMMANDS: dict[str, Callable[[Sequence[str]], None]] = {
    "run": run, "day": day, "twin": twin, "render": render, "dataset": dataset, "train": train, "renderers": renderers,
    "transfer": transfer, "place": place, "gate": gate, "response": response, "targets": targets, "latency": latency,
    "import": import_psa, "ui": ui, "doctor": doctor,
}  # fmt: skip

if __name__ == "__main__":
    main()
