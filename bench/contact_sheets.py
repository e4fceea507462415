"""`shelfbench render`: contact sheets of named scenarios, of a rig's cameras, of every dial at five settings."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import as_completed
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from bench.dials import DIALS
from bench.experiment import check_rig
from bench.views import default_views, family_view, near_view
from scenarios import Camera, Crowd, InputError, Mess, Rig, Scenario, load_scenario
from scenarios.scenario import HERE
from sim import World, capture
from sim.contact_sheet import Row, Tile, contact_sheet, draw_boxes
from sim.labels import label_boxes
from sim.render import renderer as renderer_named
from sim.shading import not_honoured
from sim.workers import worker_pool

WIDEST = 2950
"""Of a contact sheet, in pixels."""
DIAL_SCENARIO = "corner_shop"
"""Where the dials are shown unless a scenario is named: it has every kind of light, and look-alikes."""
SETTING_SIZE = (560, 420)
TIDY = Mess(out=0.0, plugged=0.0, misplaced=0.0, empty_column=0.0)


@dataclass(frozen=True)
class RenderPlan:
    """What to show: `scenario` None for all named ones; `rig` None for three views derived from the store's
    fixtures; `dials` for every dial at five settings; `truth` draws the labels over the pictures."""

    scenario: str | None = None
    rig: Rig | None = None
    dials: bool = False
    truth: bool = False
    skus: bool = False
    renderer: str = "raster"
    seed: int = 1
    workers: int = 2

    def __post_init__(self) -> None:
        if self.workers < 1 or self.seed < 0:
            raise InputError(f"render: workers {self.workers}, seed {self.seed}; expected 1 or more and 0 or more")
        if self.rig is not None and (self.scenario is None or self.dials):
            raise InputError("render: a rig hangs in one store; give scenario=NAME with it, without dials")


@dataclass(frozen=True, eq=False)
class Shot:
    """A picture that is wanted."""

    scenario: Scenario
    camera: Camera
    caption: str


@dataclass(frozen=True, eq=False)
class Sheet:
    """A contact sheet before its pictures are drawn: headings with their shots."""

    name: str
    title: str
    rows: tuple[tuple[str, tuple[Shot, ...]], ...]

    @property
    def shots(self) -> list[Shot]:
        return [shot for _, shots in self.rows for shot in shots]


def plan_sheet(plan: RenderPlan) -> tuple[Sheet, list[str]]:
    """The sheet of a plan, and what it leaves out and why. Raises InputError."""
    renderer_named(plan.renderer)
    if plan.dials:
        return _dial_sheet(plan)
    names = [plan.scenario] if plan.scenario else sorted(p.parent.name for p in HERE.glob("*/scenario.yaml"))
    rows = []
    for name in names:
        scenario = load_scenario(name, plan.seed)
        rig = plan.rig or default_views(scenario.layout)
        check_rig(rig, scenario.layout)
        rows.append((scenario.conditions.name, tuple(Shot(scenario, c, _where(c)) for c in rig.cameras)))
    title = f"{plan.scenario or 'named scenarios'} · renderer {plan.renderer} · seed {plan.seed}"
    return Sheet(Path(plan.scenario or "scenarios").name, title, tuple(rows)), []


def draw_sheet(plan: RenderPlan, sheet: Sheet, folder: Path) -> dict[str, Any]:
    """Render a sheet's shots in worker processes and write it, each picture of a scenario or rig beside it;
    returns what result.json holds of it."""
    pictures = dict(zip(map(id, sheet.shots), render_shots(sheet.shots, plan)))
    path = folder / f"{sheet.name}.jpg"
    _laid_out(sheet, pictures, WIDEST).save(path, quality=92)
    listed = []
    for heading, shots in sheet.rows:
        for shot in shots:
            entry = {"row": heading, "caption": shot.caption, "scenario": shot.scenario.hash, "camera": shot.camera.id}
            if not plan.dials:
                entry["file"] = f"{heading}-{shot.camera.id}.png"
                Image.fromarray(pictures[id(shot)]).save(folder / entry["file"])
            listed.append(entry)
    return {"sheet": path.name, "pictures": listed}


def side_by_side(title: str, rows: Mapping[str, Sequence[Shot]], plan: RenderPlan, widest: int = 1200) -> Image.Image:
    """Shots rendered and laid out, a row under each heading; `widest` in pixels. Of the plan, `truth`, `skus`,
    `renderer` and `workers` count."""
    sheet = Sheet("sheet", title, tuple((heading, tuple(shots)) for heading, shots in rows.items()))
    return _laid_out(sheet, dict(zip(map(id, sheet.shots), render_shots(sheet.shots, plan))), widest)


def _laid_out(sheet: Sheet, pictures: Mapping[int, NDArray[np.uint8]], widest: int) -> Image.Image:
    columns = max(len(shots) for _, shots in sheet.rows)
    rows = [Row(heading, [Tile(pictures[id(s)], s.caption) for s in shots]) for heading, shots in sheet.rows]
    return contact_sheet(sheet.title, rows, min(960, widest // columns - 14))


def unhonoured(plan: RenderPlan, sheet: Sheet) -> list[str]:
    """What the renderer cannot show of the light of these scenarios; what differs in numbers only is said once."""
    found: dict[str, str] = {}
    for scenario in {id(shot.scenario): shot.scenario for shot in sheet.shots}.values():
        for said in not_honoured(plan.renderer, scenario):
            found.setdefault(re.sub(r"\d+", "", said), said)
    return list(found.values())


def render_shots(shots: Sequence[Shot], plan: RenderPlan) -> list[NDArray[np.uint8]]:
    """The pictures (H, W, 3) uint8 RGB of all shots, in their order; one world for each store and artwork."""
    worlds: dict[tuple[int, float], list[int]] = defaultdict(list)
    for i, shot in enumerate(shots):
        worlds[id(shot.scenario.layout), shot.scenario.conditions.lookalikes.distance].append(i)
    groups = sorted(worlds.values(), key=lambda group: -len(shots[group[0]].scenario.layout.places))
    pictures: dict[int, NDArray[np.uint8]] = {}
    if plan.workers == 1:  # here: a process of its own takes longer to start than a few pictures
        for group in groups:
            pictures |= zip(group, _render_world([shots[i] for i in group], plan))
        return [pictures[i] for i in range(len(shots))]
    with worker_pool(min(plan.workers, len(groups))) as pool:
        tasks = {pool.submit(_render_world, [shots[i] for i in group], plan): group for group in groups}
        with tqdm(total=len(shots), desc="pictures", disable=None) as bar:
            for task in as_completed(tasks):
                pictures |= zip(tasks[task], task.result())
                bar.update(len(tasks[task]))
    return [pictures[i] for i in range(len(shots))]


def _render_world(shots: Sequence[Shot], plan: RenderPlan) -> list[NDArray[np.uint8]]:
    first = shots[0].scenario
    pictures = []
    with World(first.layout, lookalikes=first.conditions.lookalikes) as world:
        for shot in shots:
            frame, truth = capture(world, shot.scenario, shot.camera, plan.renderer)
            picture = frame.image
            if plan.truth:
                labels = label_boxes(shot.scenario, truth, min_visible=0.5)
                boxes = [(la["category_id"], la["bbox"], la.get("sku", "") if plan.skus else "") for la in labels]
                picture = draw_boxes(picture, boxes)
            pictures.append(picture)
    return pictures


def _dial_sheet(plan: RenderPlan) -> tuple[Sheet, list[str]]:
    base = load_scenario(plan.scenario or DIAL_SCENARIO, plan.seed)
    # A tidy and empty store, so that each row shows its own dial alone.
    base = replace(base, conditions=replace(base.conditions, crowd=Crowd(), mess=TIDY))
    views = {camera.id: camera for camera in default_views(base.layout, *SETTING_SIZE).cameras}
    views["near"] = near_view(base.layout, *SETTING_SIZE)
    family = family_view(base.layout, *SETTING_SIZE)
    if family:
        views["family"] = family
    rows, left_out = [], []
    for dial in DIALS:
        reason = dial.missing(base)
        if reason:
            left_out.append(f"{dial.name}: {reason}")
            continue
        shots = tuple(
            Shot(*dial.turn(base, views[dial.view], setting), f"{dial.key} {setting:g} {dial.unit}")
            for setting in dial.settings
        )
        rows.append((dial.name, shots))
    title = f"dials · {base.conditions.name} · renderer {plan.renderer} · seed {plan.seed}"
    return Sheet("dials", title, tuple(rows)), left_out


def _where(camera: Camera) -> str:
    x, y, z = camera.position
    return f"{camera.id} · at ({x:g}, {y:g}, {z:g}) m · {np.degrees(camera.model.horizontal_fov):.0f}°"
