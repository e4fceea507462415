# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Light, occlusion and look-alikes
#
# What do a dark shop, shoppers before the shelf and packs that resemble each other cost? We turn one dial at a time,
# look at the pictures side by side, and measure what the readings lose against the shop as planned. Then we ask the
# response curves how many pixels per metre a camera needs.

# %%
# %matplotlib inline
import json
import math
from pathlib import Path

import pandas as pd

from bench.comparison import compare
from bench.contact_sheets import RenderPlan, Shot, side_by_side
from bench.dials import dial
from bench.experiment import Experiment
from bench.figures import interval_figure
from bench.response.response import load_responses
from bench.results import comparison_row, metrics_table
from bench.studies.cell_result import read_samples
from bench.studies.conduct import conduct
from bench.studies.settings import Model
from bench.studies.study import study_over
from bench.views import family_view
from scenarios import Camera, CameraModel, Rig, load_scenario

# %% [markdown]
# ## One dial at a time
#
# The bay and the camera of the first notebook, always with the same seed: the same packs stand at the same places in
# every picture, so that whatever differs is the dial.

# %%
kiosk = load_scenario("kiosk", seed=300_000)
model = CameraModel("small", width=640, height=608, horizontal_fov=0.70, price=120)
camera = Camera("across", model, position=(0.62, -2.0, 1.5), target=(0.62, 0.0, 0.82))
here = RenderPlan(workers=1)
rows = {
    "light": [Shot(*dial("lighting.lux").turn(kiosk, camera, lux), f"{lux} lx") for lux in (500, 30, 3)],
    "occlusion": [Shot(kiosk.draw(300_000, n), camera, f"{n} in the aisle") for n in (0, 1, 3)],
}
side_by_side("the same shelves, the same camera", rows, here, widest=1000)

# %% [markdown]
# At 3 lx, a hundredth of a lit shop, the picture is not black: the camera holds its shutter open and turns up its gain,
# and what it gains in brightness it pays for with noise.
#
# Look-alikes from near by. The members of a family differ by unrelated artwork (1), by colour, word and a few more
# things (0.35, as planned here) or by nothing at all (0):

# %%
near = family_view(kiosk.layout, 480, 300)
distances = {1.0: "1, unrelated artwork", 0.35: "0.35", 0.0: "0, the same artwork"}
full = kiosk.draw(300_016)  # a seed with nothing out and nothing misplaced
family = [Shot(*dial("lookalikes.distance").turn(full, near, d), caption) for d, caption in distances.items()]
side_by_side("three juices", {"look-alike distance": family}, here, widest=1000)

# %% [markdown]
# ## What the readings lose
#
# A *study* runs one experiment at every value of an axis. A value says what it sets; all else stays as planned: 500 lx,
# nobody in the aisle, look-alike distance 0.35. Eight stock states, read at each of the six settings.

# %%
settings = {
    "as planned": {},
    "30 lx": {"lighting": {"lux": [30, 30]}},
    "3 lx": {"lighting": {"lux": [3, 3]}},
    "1 shopper": {"crowd": {"shoppers": 1}},
    "3 shoppers": {"crowd": {"shoppers": 3}},
    "same artwork": {"lookalikes": {"distance": 0.0}},
}
experiment = Experiment(
    "dials", "kiosk", (Rig("across", (camera,)),), (Model("yolo11n", "yolo11n", "embed"),),
    first_seed=300_000, scenarios=8, shoppers=0, workers=1,
)  # fmt: skip
study = study_over(experiment, {"dial": settings}, Path("outputs"))
folder = conduct(study)

# %%
result = json.loads((folder / "result.json").read_text())
titles = {
    "facings_exact": "Facings exact",
    "detection_ap50": "Detection AP50",
    "sku_top1_lookalike": "Look-alikes named right",
}
table = metrics_table(result["cells"], list(titles))
table.drop(columns=["rig", "model"]).round(3)

# %%
interval_figure(table.to_dict("records"), titles, label="dial")

# %% [markdown]
# ## Is the loss real?
#
# Each setting minus "as planned", in pairs by stock state, which cancels what all settings share. `p_holm` is corrected
# for the five comparisons; where the evidence does not suffice, `words` says how many more stock states would. Families
# have three members here: with the same artwork on all, a third named right is chance.

# %%
cells = {cell["at"]["dial"]: read_samples(study.folder / "cells" / cell["hash"]) for cell in result["cells"]}
others = [name for name in cells if name != "as planned"]
losses = {
    metric: [
        {"dial": name} | comparison_row(c)
        for name, c in zip(others, compare([cells[n][metric] for n in others], cells["as planned"][metric]))
    ]
    for metric in ("facings_exact", "sku_top1_lookalike")
}
shown = ["dial", "difference", "low", "high", "p_holm", "words"]
pd.concat({metric: pd.DataFrame(rows)[shown].set_index("dial").round(3) for metric, rows in losses.items()})

# %% [markdown]
# ## How many pixels per metre?
#
# The shipped response curves were fitted on 160 pictures of 20 other stores. `least_px_per_m(0.9)` is what it takes for
# nine of ten to be right in a given view; `inf` means that no number of pixels does it, and something else has to
# change. Pixels per metre count foreshortening, so an angle costs little by itself. A picture of 1,920 pixels divided
# by them is the length of shelf that the camera may cover: `metres`.

# %%
responses = load_responses()
views = {
    "a good view: 500 lx, nothing in the way": {},
    "100 lx": {"lux": 100},
    "20 lx": {"lux": 20},
    "from 45°": {"angle": math.radians(45)},
    "30 % hidden": {"visible_fraction": 0.7},
    "look-alikes at 0.35": {"lookalike_distance": 0.35},
    "look-alikes at 0.1": {"lookalike_distance": 0.1},
}
rows = []
for name, view in views.items():
    find, read = (responses[outcome].least_px_per_m(0.9, **view) for outcome in ("detect", "sku"))
    rows.append({"view": name, "px/m to find a unit": find, "px/m to find and name it": read, "metres": 1920 / read})
pd.DataFrame(rows).round({"px/m to find a unit": 0, "px/m to find and name it": 0, "metres": 1})

# %% [markdown]
# ## What to take away
#
# - **People cost most, light little.** A shopper hides whole positions. They are said to be *unknown*, not empty, and
#   are read again when the shopper has moved on; no better model brings them back in that moment, but a second camera
#   from another side may. Lamps may be dimmed for the night; nearly in the dark, noise begins to cost.
# - **Look-alikes are counted by their place as long as they are in order**: facings stay right while names go wrong.
#   What is lost is to notice one that stands in the place of another.
# - **Buy pixels by the metre.** Length of shelf × pixels per metre is the width of picture that you need; where the
#   table says `inf`, do not buy pixels but a better view.
#
# At more settings, overnight, with a page on how to read each: `shelfbench run experiment=lighting` (`occlusion`,
# `lookalikes`, `resolution`). The pixels per metre in full, with intervals: `shelfbench response`.
