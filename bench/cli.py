"""shelfbench: the workbench as a command. The first word says what to do, the others are Hydra overrides."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scenarios import InputError
from scenarios.files import build

if TYPE_CHECKING:
    from bench.experiment import Experiment

CONF = Path(__file__).parent.parent / "conf"
HELP = """usage: shelfbench COMMAND [key=value ...]

  run experiment=NAME    render, read and score; ranks rigs and models
  render                 pictures to look at: every named scenario; scenario=NAME rig=NAME, dials=true, truth=true
  dataset                labelled pictures of training stores, or of scenario=NAME, as YOLO and COCO
  train training=NAME    train a model and export its weights (extra: train)
  renderers experiment=NAME  the same frames by raster and pathtrace: do readings and ranking change?
  transfer               detectors trained on raster and on path-traced pictures, each read on both
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


def compose(name: str, overrides: Sequence[str]) -> dict[str, Any]:
    """Compose a configuration of conf/ with overrides, as plain data. Raises InputError."""
    import hydra
    from hydra.errors import HydraException
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    try:
        with hydra.initialize_config_dir(str(CONF), version_base="1.3"):
            config = OmegaConf.to_container(hydra.compose(name, list(overrides)), resolve=True, throw_on_missing=True)
    except (HydraException, OmegaConfBaseException) as error:
        raise InputError(_one_line(error)) from None
    assert isinstance(config, dict)
    return {str(k): v for k, v in config.items()}


def _one_line(error: Exception) -> str:
    """Say in one line what Hydra or OmegaConf says in many."""
    text = " ".join(str(error).split())
    for group in ("experiment", "training"):
        if f"You must specify '{group}'" in text:
            known = ", ".join(sorted(p.stem for p in (CONF / group).glob("*.yaml")))
            return f"{group}=NAME is missing; expected one of {known}"
    missing = re.search(r"Missing mandatory value.*full_key: (\S+)", text)
    if missing:
        return f"{missing[1]} has no value; give it as {missing[1]}=VALUE"
    return re.split(r" (?:Config search path|full_key|object_type|Set the environment)", text)[0]


def load_experiment(overrides: Sequence[str]) -> tuple[Experiment, dict[str, Any], Path]:
    """The experiment that overrides describe, its configuration as plain data, and where results go."""
    config = compose("run", overrides)
    outputs = Path(config.pop("outputs"))
    return _experiment(config), config, outputs


def _experiment(config: dict[str, Any]) -> Experiment:
    """Build an experiment of a composed configuration, which is made plain on the way."""
    from bench.experiment import Experiment

    config.pop("camera_models")
    config["rigs"], config["models"] = list(config["rigs"].values()), list(config["models"].values())
    return build(Experiment, config, "run")


def run(overrides: Sequence[str]) -> None:
    """Run an experiment and write its report, result.json and MLflow runs."""
    from bench.experiment import check
    from bench.experiment import run as run_experiment

    experiment, config, outputs = load_experiment(overrides)
    check(experiment)
    # Only now what takes long to import.
    from bench.choice import choose
    from bench.report import write_report
    from bench.results import as_result, table
    from bench.tracking import log
    from vision.outputs import final_path, result_folder, write_json

    evidence = run_experiment(experiment)
    choice = choose(evidence)
    result = as_result(evidence, choice, config)
    with result_folder(outputs, "run") as folder:
        write_json(folder / "result.json", result)
        write_report(folder, evidence, result)
        store = log(evidence, result, folder, outputs)
    final = final_path(folder)
    print(f"\n{table(result)}\n\n{choice.reason}\n")
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


def dataset(overrides: Sequence[str]) -> None:
    """Make a labelled data set with its card and contact sheet."""
    config = compose("dataset", overrides)
    from bench.datasets import dataset as make

    card = make(config, " ".join(["shelfbench dataset", *overrides]))
    print(f"data set  {card.parent}\ncard      {card}\nsamples   {card.parent / 'samples.jpg'}")


def train(overrides: Sequence[str]) -> None:
    """Train one model and export its weights with a card."""
    from bench.training import Training, run_training

    config = compose("train", overrides)
    training = build(Training, {k: v for k, v in config.items() if k != "training"} | config["training"], "train")
    print(f"weights  {run_training(training, ' '.join(['shelfbench train', *overrides]))}")


def renderers(overrides: Sequence[str]) -> None:
    """Compare two renderers by what is read of their pictures, and write result.json and pictures."""
    from bench.renderers import Comparison, check_comparison, compare, table
    from vision.outputs import final_path, result_folder, write_json

    config = compose("renderers", overrides)
    outputs, own = Path(config.pop("outputs")), {k: config.pop(k) for k in ("renderers", "scale", "pictures")}
    comparison = Comparison(_experiment(config), tuple(own["renderers"]), own["scale"], own["pictures"])
    check_comparison(comparison)
    with result_folder(outputs, "renderers") as folder:
        result = compare(comparison, folder)
        write_json(folder / "result.json", result | {"config": config | own})
    print(f"\n{table(result)}\n\nresult  {final_path(folder) / 'result.json'}")


def transfer(overrides: Sequence[str]) -> None:
    """Read every data set with every detector, and write result.json."""
    from bench.devices import conditions
    from bench.transfer import table
    from bench.transfer import transfer as read
    from vision.outputs import final_path, result_folder, write_json

    config = compose("transfer", overrides)
    weights, data = ({name: Path(path) for name, path in config[kind].items()} for kind in ("weights", "data"))
    rows = read(weights, data, str(config["split"]))
    with result_folder(Path(config["outputs"]), "transfer") as folder:
        write_json(folder / "result.json", {"rows": rows, "conditions": conditions(), "config": config})
    print(f"\n{table(rows)}\n\nresult  {final_path(folder) / 'result.json'}")


def import_psa(words: Sequence[str]) -> None:
    """Write a planogram file of another program as the plain files of a store."""
    from bench.importing import import_planogram

    if len(words) != 2:
        raise InputError("import: expected FILE.psa FOLDER")
    for note in import_planogram(Path(words[0]), Path(words[1])):
        print(f"note  {note}")
    print(f"store  {words[1]}")


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
    "run": run, "render": render, "dataset": dataset, "train": train, "renderers": renderers, "transfer": transfer,
    "import": import_psa, "ui": ui, "doctor": doctor,
}  # fmt: skip

if __name__ == "__main__":
    main()
