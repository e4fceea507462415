"""The report of a placement: one HTML file that needs nothing else, for who hangs cameras and who pays for them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.drawing import plan_svg
from bench.placement.blind import KNOWN
from bench.placement.heat import STEPS, colour, heat_map, outlined
from bench.placement.joint_report import go_on_with
from bench.placement.prove import OOS, disagreements
from bench.report import inline_picture, page_template
from bench.studies.cells import Bench
from bench.studies.pictures import PictureCache
from bench.studies.study import Study
from scenarios import Layout, Rig
from vision.pictures import Shown, save_picture

BLIND_SHOWN = 40
"""Blind positions that are listed; all are in result.json."""
SAMPLE = 1
"""The proof's world that sample pictures show: the first with people."""


def sample_pictures(study: Study, certainty: Mapping[str, float]) -> dict[str, Shown]:
    """A picture of each camera of the study's first rig, by id, with the positions outlined by how often they are
    known. Simulated people."""
    bench = Bench(PictureCache(study.pictures, int(study.cache_gb * 1e9)))
    try:
        world = bench.draw(study.base)[SAMPLE]
        shown = {}
        for camera in study.base.rigs[0].cameras:
            frame, _ = bench.picture(world, world.hash, camera, study.base.renderer)
            shown[camera.id] = Shown(outlined(frame.image, camera, world.layout, certainty))
        return shown
    finally:
        bench.close()


def write_page(
    folder: Path, layout: Layout, rig: Rig, result: Mapping[str, Any], pictures: Mapping[str, Shown]
) -> Path:
    """Write report.html and the pictures that it shows; returns the page's path."""
    (folder / "pictures").mkdir()
    for camera, picture in pictures.items():
        save_picture(folder / "pictures" / f"{camera}.jpg", picture)
    proof = result["proof"]
    maps = {"predicted": heat_map(layout, result["certainty"])}
    if proof is not None:
        maps["measured"] = heat_map(layout, proof["exact"])
    joint_plot = (folder / "joint.svg").read_text(encoding="utf-8") if result["joint"] is not None else ""
    page = page_template("place.html.j2", Path(__file__).parent).render(
        result=result, proof=proof, rig=rig, plan=plan_svg(layout, rig), maps=maps,
        steps=[(step, colour(step)) for step in STEPS],
        pictures={camera: inline_picture(picture) for camera, picture in pictures.items()},
        measured={row["arm"]: row for row in proof["arms"]} if proof else {},
        joint=result["joint"], joint_plot=joint_plot, go_on_with=go_on_with,
        disagreements=disagreements(proof) if proof else [], oos=OOS, blind_shown=BLIND_SHOWN, known=KNOWN,
        skus=len({p.sku for p in layout.planogram.positions}),
    )  # fmt: skip
    path = folder / "report.html"
    path.write_text(page, encoding="utf-8")
    return path
