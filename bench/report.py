"""The report: one HTML page that needs nothing else, for people who decide."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import cv2
import jinja2
import numpy as np
from numpy.typing import NDArray

from bench.choice import p_text
from bench.drawing import plan_svg, truth_and_reading
from bench.experiment import Evidence
from bench.scoring import CAUSES, LOWER_IS_BETTER
from vision.pictures import Shown, save_picture

PICTURE_WIDTH = 1440
TITLES = {
    "detection_ap50": "Detection AP50", "detection_ap": "Detection AP", "sku_top1": "SKU top-1",
    "sku_top1_lookalike": "SKU top-1, look-alikes", "facings_exact": "Facings exact",
    "facings_exact_visible": "Facings exact, visible", "units_error": "Units error", "oos_precision": "OOS precision",
    "oos_recall": "OOS recall", "oos_recall_visible": "OOS recall, visible",
    "units_coverage": "Units in their 90 % interval", "misplaced_precision": "Misplaced precision",
    "misplaced_recall": "Misplaced recall", "unseen_by_camera": "Unseen by camera",
    "person_recall": "Person recall",
}  # fmt: skip
STAGE_COLOURS = {"detect": "#0072b2", "recognize": "#009e73", "register": "#e69f00", "count": "#cc79a7"}


def write_report(folder: Path, evidence: Evidence, result: dict[str, Any]) -> Path:
    """Write report.html and the example pictures it shows; returns the page's path."""
    pictures = folder / "pictures"
    pictures.mkdir()
    drawn = {}
    for camera, (frame, truth, reading) in sorted(evidence.examples.items()):
        image = Shown(truth_and_reading(frame, truth, reading))  # simulated people
        save_picture(pictures / f"{camera}.jpg", image)
        save_picture(pictures / f"{camera}-plain.jpg", Shown(frame.image))
        drawn[camera] = inline_picture(image)
    layout = evidence.scenarios[0].layout
    rigs = [
        {
            "name": rig.name, "cost": rig.cost, "plan": plan_svg(layout, rig),
            "cameras": rig.cameras, "picture": drawn[rig.cameras[0].id], "picture_of": rig.cameras[0].id,
        }
        for rig in evidence.experiment.rigs
    ]  # fmt: skip
    page = page_template("report.html.j2").render(
        result=result, rigs=rigs, titles=TITLES, lower=LOWER_IS_BETTER, causes=CAUSES,
        bars=_latency_bars(result), colours=STAGE_COLOURS, store=layout.store.name,
        skus=len(layout.catalog), positions=len(layout.planogram.positions),
        example_model=evidence.experiment.models[0].name,
    )  # fmt: skip
    path = folder / "report.html"
    path.write_text(page, encoding="utf-8")
    return path


def page_template(name: str, *folders: Path) -> jinja2.Template:
    """A page's template, from here or from some folders, with the filters and the style that all pages share."""
    loader = jinja2.FileSystemLoader([Path(__file__).parent, *folders])
    environment = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined)
    environment.filters["points"] = lambda v: "–" if v is None else f"{100 * v:+.1f}"
    environment.filters["p"] = lambda v: "–" if v is None else p_text(v)
    environment.filters["percent"] = lambda v: "–" if v is None else f"{100 * v:.1f}"
    environment.filters["money"] = lambda v: "–" if v is None else f"{v:,.0f}"
    return environment.get_template(name)


def inline_picture(image: NDArray[np.uint8]) -> str:
    """A picture as a data URI, scaled to the page."""
    scale = min(1.0, PICTURE_WIDTH / image.shape[1])
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    code = cv2.imencode(".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 82])[1]
    return "data:image/jpeg;base64," + base64.b64encode(code.tobytes()).decode()


def _latency_bars(result: dict[str, Any]) -> list[dict[str, Any]]:
    """Stacked bars of the stages' medians, in per cent of the slowest model's p95."""
    longest = max(stages["total"]["p95"] for stages in result["latency_ms"].values())
    bars = []
    for model, stages in result["latency_ms"].items():
        parts = [
            {"stage": s, "ms": v["p50"], "p95": v["p95"], "width": 100 * v["p50"] / longest}
            for s, v in stages.items()
            if s != "total"
        ]
        total = stages["total"]
        bars.append(
            {
                "model": model,
                "parts": parts,
                "p50": total["p50"],
                "p95": total["p95"],
                "mark": 100 * total["p95"] / longest,
            }
        )
    return bars
