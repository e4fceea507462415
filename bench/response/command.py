"""`shelfbench response`: from tables of samples, or from views that are drawn for it, to curves, tables and figures."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from bench.devices import conditions
from bench.experiment import Model
from bench.figures import save_figure
from bench.response.figures import calibration_figure, confusion_figure, response_figure, robustness_figure
from bench.response.fit import OUTCOMES, Fit, fit, scenario_of
from bench.response.response import save_responses
from bench.response.samples import COLUMNS
from bench.response.tables import (
    calibration,
    confusion_curves,
    confusion_rows,
    curve_rows,
    dori_rows,
    point_rows,
    robustness_rows,
)
from bench.response.views import Views, draw_samples
from scenarios import InputError
from vision.outputs import final_path, result_folder, write_json
from vision.pipeline import weights_path

HELD_OUT = 4
"""Of a study's samples every such scenario checks the fit."""


@dataclass(frozen=True)
class ResponsePlan:
    """conf/response.yaml."""

    models: tuple[Model, ...]
    samples: str | None
    check: str | None
    stores: int
    check_stores: int
    pictures: int
    folder: str
    chance: float
    runtime: str
    workers: int
    outputs: str

    def __post_init__(self) -> None:
        if not 0 < self.chance < 1:
            raise ValueError(f"chance {self.chance}; expected more than 0 and less than 1")
        if min(self.stores, self.check_stores, self.pictures, self.workers) < 1 or not self.models:
            raise ValueError("expected stores, check_stores, pictures and workers >= 1, and at least one model")
        if self.check is not None and self.samples is None:
            raise ValueError("check is given without samples; expected both, or samples alone")


def run_response(plan: ResponsePlan, command: str) -> tuple[Path, dict[str, Any]]:
    """Get the samples, fit every model's responses, draw figures, and write result.json and response.json; returns the
    folder and the result."""
    fitted_on, checked_on = tables(plan)
    with result_folder(Path(plan.outputs), "response") as folder:
        models, figures, responses = {}, {}, {}
        for model in sorted(fitted_on["model"].unique()):
            fits, skipped = fit_all(fitted_on[fitted_on["model"] == model])
            result = describe(
                fits, fitted_on[fitted_on["model"] == model], checked_on[checked_on["model"] == model], plan
            )
            models[model] = result | {"skipped": skipped}
            responses[model] = {name: f.response for name, f in fits.items()}
            figures[model] = _save_figures(folder / "figures", model, result)
        made = {"command": command, "conditions": conditions(), "weights": _weights(plan)}
        result = made | {"models": models, "figures": figures, "fitted_on": _origin(fitted_on)}
        result |= {"checked_on": _origin(checked_on)}
        write_json(folder / "result.json", result)
        (folder / "response.md").write_text(card(result), encoding="utf-8")
        save_responses(folder / "response.json", responses, made | {k: result[k] for k in ("fitted_on", "checked_on")})
    return final_path(folder), result


def tables(plan: ResponsePlan) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The samples to fit on and to check on. Raises InputError for folders without any."""
    if plan.samples is None:
        folder = Path(plan.folder)
        made = {
            split: draw_samples(Views(split, stores, plan.pictures, plan.models, plan.runtime), folder, plan.workers)
            for split, stores in (("val", plan.stores), ("test", plan.check_stores))
        }
        return load_tables(made["val"]), load_tables(made["test"])
    samples = load_tables(_parquet_files(Path(plan.samples)))
    if plan.check is not None:
        return samples, load_tables(_parquet_files(Path(plan.check)))
    held_out = scenario_of(samples) % HELD_OUT == HELD_OUT - 1
    if not held_out.any():
        raise InputError(f"{plan.samples}: fewer than {HELD_OUT} scenarios; expected as many, or check=FOLDER")
    return samples[~held_out], samples[held_out]


def _parquet_files(folder: Path) -> list[Path]:
    files = sorted(folder.rglob("*.parquet")) if folder.is_dir() else []
    files = [f for f in files if f.name == "samples.parquet"] or files  # of a study's cells
    if not files:
        raise InputError(f"{folder}: no Parquet tables there; expected samples as `shelfbench response` draws them")
    return files


def load_tables(files: list[Path]) -> pd.DataFrame:
    """All rows of tables of samples. Raises InputError for a file that is none."""
    parts = []
    for file in files:
        try:
            part = pd.read_parquet(file)
        except (ValueError, OSError) as error:
            raise InputError(f"{file}: not readable as Parquet: {' '.join(str(error).split())[:120]}") from None
        missing = sorted({*COLUMNS, "model"} - set(part.columns))
        if len(part) and missing:
            raise InputError(f"{file}: no column {missing[0]}; expected those of bench.response.samples, and model")
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def fit_all(table: pd.DataFrame) -> tuple[dict[str, Fit], list[str]]:
    """The fits of one model by outcome, and the outcomes that the table has no samples of."""
    fits, skipped = {}, []
    for name, outcome in OUTCOMES.items():
        try:
            fits[name] = fit(outcome, table)
        except ValueError as error:
            skipped.append(str(error))
    return fits, skipped


def describe(fits: dict[str, Fit], table: pd.DataFrame, check: pd.DataFrame, plan: ResponsePlan) -> dict[str, Any]:
    """Everything about one model's fits as plain rows."""
    checks = {name: found for name, f in fits.items() if (found := calibration(f, check)) is not None}
    result: dict[str, Any] = {
        "outcomes": {
            name: {"title": f.outcome.title, "samples": f.samples, "scenarios": f.scenarios, "penalty": f.penalty}
            for name, f in fits.items()
        },
        "shelf_dori": dori_rows(fits, plan.chance),
        "curves": {name: curve_rows(f) for name, f in fits.items()},
        "points": {name: point_rows(f, table) for name, f in fits.items()},
        "calibration": checks,
        "confusion": confusion_rows(table),
        "confusion_curves": confusion_curves(fits["apart"]) if "apart" in fits else [],
    }
    if "condition" in table.columns:
        result["robustness"] = {name: robustness_rows(table, f.outcome) for name, f in fits.items() if name != "apart"}
    return result


def _save_figures(folder: Path, model: str, result: Mapping[str, Any]) -> list[str]:
    folder.mkdir(exist_ok=True)
    figures: dict[str, Figure] = {"responses": response_figure(result["curves"], result["points"])}
    if result["calibration"]:
        figures["calibration"] = calibration_figure(result["calibration"])
    if result["confusion"] and result["confusion_curves"]:
        figures["confusion"] = confusion_figure(result["confusion"], result["confusion_curves"])
    if "robustness" in result:
        figures["robustness"] = robustness_figure(result["robustness"])
    return [f"figures/{f.name}" for name, one in figures.items() for f in save_figure(one, folder / f"{model}-{name}")]


def _weights(plan: ResponsePlan) -> dict[str, str]:
    """The first digits of the SHA-256 of the weights that read drawn views; a study's samples do not tell."""
    names = {name for m in plan.models for name in (m.detector, m.recognizer)} if plan.samples is None else set()
    return {name: hashlib.sha256(weights_path(name).read_bytes()).hexdigest()[:12] for name in sorted(names)}


def _origin(table: pd.DataFrame) -> dict[str, Any]:
    return {
        "rows": len(table), "pictures": len(table[["store", "seed", "camera"]].drop_duplicates()),
        "stores": sorted(table["store"].unique().tolist()),
        "seeds": [int(table["seed"].min()), int(table["seed"].max())] if len(table) else [],
        "picture_sides": sorted(int(side) for side in table["picture_side"].unique()),
        "kinds": {k: int(v) for k, v in table["kind"].value_counts().items()},
        "medians": {k: round(float(np.median(table[k])), 3) for k in ("px_per_m", "angle", "lux", "visible_fraction")},
    }  # fmt: skip


def card(result: Mapping[str, Any]) -> str:
    """What lies beside response.json: how it was made, of what, and how far it goes."""
    lines = ["# response", "", f"- made by: `{result['command']}`, at commit {result['conditions']['commit']}"]
    if result["weights"]:
        lines.append(f"- read by: {', '.join(f'{name} {digits}' for name, digits in result['weights'].items())}")
    for name, key in (("fitted on", "fitted_on"), ("checked on", "checked_on")):
        of = result[key]
        lines.append(
            f"- {name}: {len(of['stores'])} stores ({', '.join(of['stores'])}), {of['pictures']} pictures with "
            f"{', '.join(f'{n} {kind}s' for kind, n in of['kinds'].items())}"
        )
    lines.append("- rows, fits and bounds: bench/response, samples.py and fit.py; intervals resample whole scenarios")
    lines.append("- licence: AGPL-3.0")
    return "\n".join([*lines, "", "```", dori_table(result), "```", ""])


def dori_table(result: Mapping[str, Any]) -> str:
    """Shelf-DORI of all models for the terminal."""
    lines = []
    for model, found in result["models"].items():
        rows = found["shelf_dori"]
        chance = rows[0]["chance"] if rows else 0
        lines += [
            f"{model}: px/m at the shelf for a chance of {chance:g}",
            f"  {'task':26s}{'px/m':>8s}  {'95 %':16s}{'at best':>8s}",
        ]
        lines[-1] += f"{'ECE':>8s}{'people*':>9s}"
        for row in rows:
            needed, span = (_number(row["px_per_m"]), f"[{_number(row['low'])}, {_number(row['high'])}]")
            needed = ("≤" if row["at_most"] else "") + needed
            check = found["calibration"].get(row["outcome"])
            wrong = f"{check['expected_calibration_error']['value']:.3f}" if check else "–"
            people = "–" if row["people_px_per_m"] is None else str(row["people_px_per_m"])
            task = row["task"] + (f" ({row['lookalike_distance']:g})" if row["lookalike_distance"] < 1 else "")
            lines.append(f"  {task:26s}{needed:>8s}  {span:16s}{row['ceiling']:8.3f}{wrong:>8s}{people:>9s}")
        lines += [f"  skipped: {reason}" for reason in found["skipped"]]
    sides = " or ".join(map(str, result["fitted_on"]["picture_sides"]))
    lines.append(f"at 20° and 500 lx, wholly visible, in pictures of {sides} px a side; at best: with as many px/m as")
    lines.append("you like; ECE: expected calibration error on scenarios that are not fitted on")
    return "\n".join([*lines, "* EN 62676-4: detect, observe, recognise, identify a person"])


def _number(value: float | None) -> str:
    return "never" if value is None else f"{value:.0f}"
