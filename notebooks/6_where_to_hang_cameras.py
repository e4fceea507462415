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
# # Where to hang cameras
#
# Two cameras may know nearly all of a store, or half of it: it hangs on where they hang. Here the quickstart's store
# is planned from its rules to a proof on rendered pictures, step by step, at a size that takes a few minutes. In
# earnest it is one command, which takes more mounts, more worlds and more time: `shelfbench place scenario=quickstart
# budget=1000`.

# %%
# %matplotlib inline
import dataclasses
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import HTML, SVG

from bench.placement.arms import geometry_only, strategy_placements
from bench.placement.blind import blind_positions
from bench.placement.candidates import Aims, candidates
from bench.placement.chances import chances
from bench.placement.command import rig_of
from bench.placement.evaluate import by_world, certainty, losses
from bench.placement.heat import heat_map
from bench.placement.mounts import Mount, mount_points
from bench.placement.plan import plan_file, rig_file
from bench.placement.problem import Problem
from bench.placement.prove import foretold, proof_rows, proof_study, run_proof
from bench.placement.solve import solve
from bench.placement.store_problem import Costs, draw_worlds, position_weights, problem_of, store_problem
from bench.placement.transfer import NONE, drawn_by_lot, fit_transfers, transfer_rows, view_table
from bench.response.response import load_responses
from bench.studies.cells import Bench
from bench.studies.pictures import PictureCache
from scenarios import CameraModel, load_scenario

base = load_scenario("quickstart")
layout = base.layout
len(layout.planogram.positions), len(layout.store.fixtures)

# %% [markdown]
# ## Where a camera may hang
#
# Rules say it: on the ceiling, along a wall, and how dear that is. A *candidate* is a camera model at such a mount,
# aimed at a bay that is in reach and not behind something.

# %%
rules = (Mount("ceiling", (0.15,), spacing=1.4), Mount("wall", (2.1,), spacing=1.4, cost=20.0))
mounts = mount_points(layout.store, rules)
camera = CameraModel("wide 1080p", width=1920, height=1080, horizontal_fov=1.13, price=240)
aims = Aims(spacing=0.7, heights=(0.5, 1.3), reach=4.5, steepest=1.2, least_px_per_m=84)
found = candidates(layout, mounts, (camera,), aims, most=150)
print(f"{len(mounts)} mounts, {len(found)} candidates")

# %% [markdown]
# ## What each would see
#
# A placement is chosen over *worlds*: draws of stock, light and people, the same for all candidates. From each mount
# coarse renders tell what stands before each place. In every second world people stand in the aisle.

# %%
worlds, group = draw_worlds(base, first_seed=300_000, count=4, crowded=2, shoppers=2, failed=0.4)
weight = position_weights(base, None)
costs = Costs(cabinet=(0.0, 0.0, 0.0), cable_per_metre=2.5, included=15.0)
responses = load_responses()
store = store_problem(found, worlds, group, responses, NONE, costs, weight, Path("outputs/sight"), 10**9, workers=1)
print(f"{store.seen.share.shape[1]} pairs of mount and place, in {store.seen.share.shape[0]} worlds")

# %% [markdown]
# ## What a view is worth here
#
# The *response* says how often the model is right at so many pixels per metre, at an angle, half hidden. The shipped
# one is of other stores, many of them messier. A few pictures of this one, of candidates by lot, tell how it differs;
# here six, where the command takes 48.

# %%
study = proof_study(base, "quickstart", [rig_of(found, [0], "views")], "yolo11n", 2, 2, 1, Path("outputs"), 350_000)
bench = Bench(PictureCache(study.pictures, 10**9))
experiment = dataclasses.replace(study.base, scenarios=6)
drawn = drawn_by_lot(found, 6, 350_000)
told = view_table(found, drawn, experiment, responses, Path("outputs/views"), bench)
bench.close()
transfers = fit_transfers(told)
store = dataclasses.replace(store, chances=chances(found, store.seen, store.worlds, responses, transfers))
pd.DataFrame(transfer_rows(told, transfers)).set_index("outcome")[["places", "told", "shipped", "left_out"]].round(3)

# %% [markdown]
# ## The best for the money
#
# What a set of cameras knows grows with each, by less and less: a *submodular* problem. Greedy search is good at it,
# and linear programs tell how much better anything could be. For several budgets:


# %%
def problem(budget: float) -> Problem:
    """All that money buys, the usual worlds alone."""
    return problem_of(store, ("usual",), budget, correlation=0.28, apart=0.3)


starts = list(strategy_placements(problem(1000), found).values())
answers = {budget: solve(problem(budget), 4.0, starts) for budget in (260, 520, 780, 1040, 1300)}
figure, axes = plt.subplots(figsize=(6, 3))
axes.plot(list(answers), [100 * a.value for a in answers.values()], "o-", color="#0072b2", label="found")
axes.plot(
    list(answers), [100 * a.bound for a in answers.values()], "v--", color="#d55e00", label="no placement knows more"
)
axes.set(xlabel="budget for cameras and mounts, dollars", ylabel="value known, %, predicted")
_ = axes.legend()
# %% [markdown]
# The second camera brings most, the third a little, the fourth hardly anything. Here two will do:

# %%
usual, best = problem(520), answers[520].chosen
geometry = geometry_only(usual, found, layout.places.position, 2.0)
rigs = {"best": rig_of(found, best, "best"), "geometry": rig_of(found, geometry, "geometry")}
print(f"best {usual.value(best):.3f}; by 250 px/m alone, whatever hides what: {usual.value(geometry):.3f}")
SVG(plan_file(layout, rigs["best"]))

# %% [markdown]
# ## How sure is which position?
#
# Every bay from the front; blue is never known, yellow always. Below it what stays blind, and why.

# %%
HTML(heat_map(layout, certainty(store, usual, best)))

# %%
blind = pd.DataFrame(blind_positions(store, usual, best), columns=["position", "known", "best_alone", "reason"])
blind.head(8)

# %% [markdown]
# ## If something goes wrong
#
# What a lost camera, a crowd and failing lamps take away, in points of the value.

# %%
problems = {g: problem_of(store, (g,), 520, 0.28, 0.3) for g in ("usual", "crowd", "lights")}
lost = losses(store, problems, best)
rows = {row["camera"] + " lost": row["loss"] for row in lost["cameras"]} | {g: lost[g] for g in ("crowd", "lights")}
(100 * pd.DataFrame(rows).T).astype(float).round(1)

# %% [markdown]
# ## The proof
#
# Until here no picture of these cameras was read. Now they are rendered in full, in worlds that chose nothing, and
# read by the real pipeline; predicted of the very same worlds stands beside it.

# %%
study = proof_study(base, "quickstart", list(rigs.values()), "yolo11n", worlds=3, shoppers=2, workers=1,
                    outputs=Path("outputs"))  # fmt: skip
ids = [p.id for p in layout.planogram.positions]
measured, report = run_proof(study, dict(zip(ids, weight.tolist())))
there = foretold(
    list(rigs.values()),
    study.base.draw(base),
    aims,
    responses,
    transfers,
    0.28,
    weight,
    Path("outputs/sight"),
    10**9,
    1,
)
predicted = {name: by_world(usual, c, store) for name, c in (("best", best), ("geometry", geometry))}
rows = proof_rows(measured, predicted, there, "best")
columns = ["predicted", "predicted_there", "measured", "oos_recall"]
table = pd.DataFrame({row["arm"]: {c: row[c]["value"] for c in columns} for row in rows}).T.astype(float)
table.round(3)

# %%
figure, axes = plt.subplots(figsize=(6, 1.6))
for n, row in enumerate(rows):
    for key, colour, up in (("predicted_there", "#d55e00", 0.12), ("measured", "#0072b2", -0.12)):
        e = row[key]
        label = key.replace("_there", " of these worlds") if n == 0 else None
        error = np.array([[e["value"] - e["low"]], [e["high"] - e["value"]]])
        axes.errorbar(e["value"], n + up, xerr=error, fmt="o", color=colour, capsize=3, label=label)
axes.set_yticks(range(len(rows)), [row["arm"] for row in rows])
axes.set(xlabel="share of the value known (95 % intervals)", ylim=(-0.5, 1.5))
_ = axes.legend(fontsize=7)
# %% [markdown]
# Three worlds are few, as the intervals say; `prove=24` gives a proof that decides.
#
# ## What is handed over
#
# The rig as a file: copied into `conf/rig/` it is a rig like any other.

# %%
print(rig_file(rigs["best"], {camera.name: "wide_1080p"}, "shelfbench place scenario=quickstart budget=520"))

# %% [markdown]
# ## What to take away
#
# - **Let worlds decide, not pixels.** Geometry knows nothing of what stands in the way, nor of what a model makes of
#   it.
# - **A bound tells when to stop searching**, and the curve over budgets when to stop buying.
# - **Predicted is not measured.** The proof is read by the real pipeline in worlds that chose nothing.
# - `shelfbench place ui=true` lets you hang the cameras yourself and see all of this change; with `devices=[…]`
#   network, rate and device are chosen with the placement (`docs/placement.md`).
