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
# # A first experiment
#
# One bay in a small shop, two places where a camera could hang: across the aisle, or under the ceiling, looking
# down. Which of the two will know what is on these shelves? We describe the bay, look at pictures of it, let the
# pipeline read them, and read off the answer. Nothing but this folder and an installed shelfbench is needed.

# %%
# %matplotlib inline
import textwrap
from pathlib import Path

import pandas as pd
from PIL import Image

from bench.choice import choose
from bench.contact_sheets import RenderPlan, Shot, side_by_side
from bench.drawing import truth_and_reading
from bench.experiment import Experiment, run
from bench.figures import interval_figure
from bench.results import as_result, metrics_table
from bench.studies.settings import Model
from bench.views import default_views
from scenarios import Camera, CameraModel, InputError, Rig, load_scenario

# %% [markdown]
# ## The store: four plain files
#
# `kiosk/` holds `catalog.csv` (what is sold), `planogram.csv` (what belongs where), `store.yaml` (room and fixtures)
# and `scenario.yaml` (light, people, how tidy). Yours looks the same: copy the folder and change it. A line of the
# planogram is a *position*: a product, how many facings wide and high, how many units deep, and from how few units on
# it counts as low. Metres throughout.

# %%
planogram = pd.read_csv("kiosk/planogram.csv").merge(pd.read_csv("kiosk/catalog.csv"), on="sku")
planogram[["id", "shelf", "x", "brand", "name", "variant", "wide", "high", "deep", "low_at", "family"]]

# %% [markdown]
# Mistakes are named with their place. Here somebody types a product that the catalog does not have:

# %%
wrong = Path("outputs/wrong")
wrong.mkdir(parents=True, exist_ok=True)
for file in Path("kiosk").iterdir():
    (wrong / file.name).write_text(file.read_text().replace("bay-1,1,0.67,jam,", "bay-1,1,0.67,jamm,"))
try:
    load_scenario(wrong)
except InputError as error:
    print(error)

# %% [markdown]
# ## Look at it
#
# A scenario is the store with a *seed*: the seed draws what is out of stock, what stands in the wrong place, who
# walks by. Three views that fit any store, and below them the same bay with other seeds and a shopper.

# %%
kiosk = load_scenario("kiosk", seed=300_000)
views = default_views(kiosk.layout, 480, 320).cameras
days = {
    "seed 300000": [Shot(kiosk, view, view.id) for view in views],
    "other seeds, one shopper": [Shot(kiosk.draw(300_000 + i, 1), views[1], f"seed {300_000 + i}") for i in (1, 2, 3)],
}
here = RenderPlan(workers=1)
side_by_side("kiosk", days, here, widest=1000)

# %% [markdown]
# ## Two places for a camera
#
# The same small camera, hung at two places: `position` is where, `target` what it is aimed at. With `truth=True`
# everything that should be found is drawn: green products, orange gaps, blue price tags. A picture's truth is exact,
# as the simulator knows what it drew.

# %%
model = CameraModel("small", width=640, height=608, horizontal_fov=0.70, price=120)
rigs = (
    Rig("across", (Camera("across", model, position=(0.62, -2.0, 1.5), target=(0.62, 0.0, 0.82)),)),
    Rig("ceiling", (Camera("ceiling", model, position=(0.62, -1.2, 2.6), target=(0.62, 0.0, 0.92)),)),
)
cameras = [rig.cameras[0] for rig in rigs]
places = kiosk.layout.places
for camera in cameras:
    px = camera.pixels_per_metre(places.base)
    print(f"{camera.id:8s} {px.min():.0f} to {px.max():.0f} pixels per metre at the shelf, mean {px.mean():.0f}")
shots = [Shot(kiosk, camera, camera.id) for camera in cameras]
side_by_side("two places", {"what should be found": shots}, RenderPlan(truth=True, workers=1), widest=1000)

# %% [markdown]
# ## The experiment
#
# Six stock states, a shopper in every second one; both cameras see the same six. The pipeline that a device runs
# (detector `yolo11n`, recognizer `embed`) is shown studio pictures of the packs, then reads every picture, and is
# scored against the truth.

# %%
reader = Model("yolo11n", detector="yolo11n", recognizer="embed")
experiment = Experiment("first", "kiosk", rigs, (reader,), first_seed=300_000, scenarios=6, shoppers=1, workers=1)
evidence = run(experiment, timed=0)
choice = choose(evidence)
result = as_result(evidence, choice, {})
print(textwrap.fill(choice.reason, 100))

# %% [markdown]
# ## Read the result
#
# Every figure has a 95 % interval over scenarios. *Facings exact*: positions of which the number of filled front-row
# places was read exactly. *Out-of-stock recall*: of the positions that were out, those that were said to be.
# *Unseen*: front-row units that no camera of the rig sees at least half of; there no model can help.

# %%
metrics = {"facings_exact": "Facings exact", "oos_recall": "Out-of-stock recall", "unseen_by_camera": "Unseen units"}
arms = metrics_table(result["arms"], list(metrics))
arms.round(3)

# %%
interval_figure(arms.to_dict("records"), metrics, label="rig")

# %% [markdown]
# One picture with what was read of it: green products, orange gaps, pink persons; yellow is what was missed.

# %%
frame, truth, reading = evidence.examples[choice.arm.rig.cameras[0].id]
Image.fromarray(truth_and_reading(frame, truth, reading))

# %% [markdown]
# And what a shop assistant would be told of this one picture: the positions that are out or low. *unknown* is what
# the camera could not see: not seen is never called empty.

# %%
pd.DataFrame(
    {"position": p.id, "sku": p.sku, "level": state.level, "units": state.units, "intruder": state.intruder}
    for p, state in zip(kiosk.layout.planogram.positions, reading.states)
    if state.level != "in_stock" or state.intruder
)

# %% [markdown]
# ## What to take away
#
# - **The reason line is the answer**: which camera, for what price, how right, and how sure the order is. Where it is
#   not sure, it says how many more stock states would do; six find large differences only.
# - **Look at *unseen* first.** What no camera sees half of cannot be read by any model: move the camera, not the model.
# - **Your shop**: copy `kiosk/`, change the four files, hang your cameras, and run this notebook again. With the rigs
#   as files in `conf/rig/`, `shelfbench run` does the same, writes a report and keeps the evidence in MLflow.
