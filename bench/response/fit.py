"""Fits responses to samples by penalised maximum likelihood.

Each axis's part is a quadratic B-spline whose coefficients rise: monotone by construction, level beyond the ends. The
penalty draws it towards a straight line in the logit, which is the classic logistic curve (in log px/m), as far as
scenarios that are left out in turn approve. With the logit additive, the whole is a convex problem with bounds: it has
one optimum, whatever the start, and axes or bins without samples are bridged instead of guessed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.interpolate import BSpline
from scipy.linalg import solve_triangular
from scipy.optimize import lsq_linear
from scipy.special import ndtr, stdtrit

from bench.response.response import AXES, Curve, Floats, Response
from bench.statistics import TAIL, resample_weights
from scenarios import rng

COEFFICIENTS, DEGREE = 7, 2
"""Of each axis's spline: five pieces, which a curve with one bend and a ceiling is made of with some to spare."""
GRID_POINTS = 33
"""Where a curve is kept: the straight lines between lie within 0.01 of the spline in the logit where it bends most."""
ENDS = (0.01, 0.99)
"""Quantiles of an axis's samples at which its curve ends: beyond them there is too little to tell a slope."""
PENALTIES = (0.3, 3.0, 30.0, 300.0)
"""On the squared differences of the coefficients' rises: from as good as free to as good as straight."""
RIDGE = 0.1
"""On the squared rises, logits: each is known beforehand to be within some 3."""
INTERCEPT_RIDGE = 0.01
"""On the squared intercept: a priori within some 10, which keeps it finite where all samples are right, or wrong."""
FOLDS = 5
REPLICATES = 400
MOST_SAMPLES = 20_000
"""Of a larger table as many are drawn: intervals come out wider for it, never narrower."""
STEPS, TOLERANCE = 50, 0.01
"""Newton steps end with one that gains less than this of the log-likelihood, where 2 is what a parameter's 95 %
interval spans."""


@dataclass(frozen=True)
class Outcome:
    """What can be right of a row: its title, which rows (as a pandas query), the column that says so, the axes."""

    title: str
    rows: str
    column: str
    axes: tuple[str, ...]


SEEN = ("px_per_m", "angle", "lux", "visible_fraction")
OUTCOMES = {
    "detect": Outcome("a unit is found", "kind == 'unit'", "found", SEEN),
    "count": Outcome("a facing is counted", "kind == 'unit' and own", "right", SEEN),
    "gap": Outcome("a gap is seen as empty", "kind == 'gap' and level == 0", "right", SEEN),
    "sku": Outcome("a unit is found and rightly named", "kind == 'unit'", "sku_right", tuple(AXES)),
    "apart": Outcome(
        "a found look-alike is not taken for another of its family", "kind == 'unit' and found and lookalike",
        "told_apart", tuple(AXES),
    ),
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Fit:
    """A response, its replicates on resampled scenarios, and what it rests on."""

    outcome: Outcome
    response: Response
    replicates: tuple[Response, ...]
    penalty: float
    samples: int
    scenarios: int

    @property
    def tails(self) -> tuple[float, float]:
        """The quantiles of the replicates that bound a 95 % interval: wider than 2.5 and 97.5 %, by as much as
        Student's t exceeds the normal distribution and resampling falls short of the spread between so few scenarios
        (the expanded percentiles of Hesterberg, What teachers should know about the bootstrap, 2015, section 5.3)."""
        scenarios = max(self.scenarios, 2)
        low = float(ndtr(stdtrit(scenarios - 1, TAIL) * math.sqrt(scenarios / (scenarios - 1))))
        return low, 1 - low


def rows_of(outcome: Outcome, table: pd.DataFrame) -> pd.DataFrame:
    """The rows of a table of samples that an outcome is about, with `told_apart`."""
    return table.assign(told_apart=~table["confused"]).query(outcome.rows)


def scenario_of(rows: pd.DataFrame) -> NDArray[np.int64]:
    """The number of the scenario that each row belongs to: of several stores the store, which all its pictures share,
    and within one store the seed."""
    key = "store" if rows["store"].nunique() > 1 else "seed"
    return pd.factorize(rows[key], sort=True)[0].astype(np.int64)


def fit(outcome: Outcome, table: pd.DataFrame, replicates: int = REPLICATES) -> Fit:
    """Fit an outcome's response to samples, and again to `replicates` resamples of whole scenarios.

    Raises ValueError where no row of the table is about the outcome.
    """
    rows = rows_of(outcome, table)
    if rows.empty:
        raise ValueError(f"no samples of: {outcome.title}")
    if len(rows) > MOST_SAMPLES:
        rows = rows.iloc[np.sort(rng(0, "thin").choice(len(rows), MOST_SAMPLES, replace=False))]
    right, scenario = rows[outcome.column].to_numpy(float), scenario_of(rows)
    splines = {
        name: spline for name in outcome.axes if (spline := _Spline.over(rows[name].to_numpy(float), name)) is not None
    }
    design = np.column_stack(
        [np.ones(len(rows)), *(s.rises(rows[name].to_numpy(float)) for name, s in splines.items())]
    )
    penalty = _choose_penalty(design, right, scenario, len(splines))
    quadratic = _quadratic(len(splines), penalty)
    best = _solve(design, right, np.ones(len(rows)), quadratic)
    low, high = np.quantile(rows["px_per_m"], ENDS).tolist()
    side = int(rows["picture_side"].median())

    def response(coefficients: Floats) -> Response:
        parts = coefficients[1:].reshape(-1, COEFFICIENTS - 1)
        curves = {name: spline.curve(part) for (name, spline), part in zip(splines.items(), parts)}
        return Response(float(coefficients[0]), curves, (round(low, 1), round(high, 1)), side)

    weights = resample_weights(int(scenario.max()) + 1, replicates)
    again = tuple(response(_solve(design, right, w[scenario], quadratic, best)) for w in weights)
    return Fit(outcome, response(best), again, penalty, len(rows), int(scenario.max()) + 1)


@dataclass(frozen=True, eq=False)
class _Spline:
    """The B-splines of one axis, over coordinates from `low` to `high`; mirrored where more of the axis harms."""

    axis: str
    low: float
    high: float

    @staticmethod
    def over(values: Floats, axis: str) -> _Spline | None:
        """The splines over an axis's samples; None where they are all alike."""
        low, high = np.quantile(AXES[axis].coordinate(values), ENDS).tolist()
        return _Spline(axis, low, high) if high - low > 1e-6 else None

    def rises(self, values: Floats) -> Floats:
        """(N, COEFFICIENTS - 1) what each rise of the coefficients adds to the logit of samples (N,)."""
        x = np.clip(AXES[self.axis].coordinate(values), self.low, self.high)
        share = (x - self.low) / (self.high - self.low)
        share = share if AXES[self.axis].rises else 1 - share
        inner = np.linspace(0, 1, COEFFICIENTS - DEGREE + 1)
        knots = np.concatenate([np.zeros(DEGREE), inner, np.ones(DEGREE)])
        basis = BSpline.design_matrix(share, knots, DEGREE).toarray()
        return np.cumsum(basis[:, ::-1], axis=1)[:, ::-1][:, 1:]

    def curve(self, rises: Floats) -> Curve:
        x = np.linspace(self.low, self.high, GRID_POINTS)
        values = np.exp(x) if AXES[self.axis].logarithmic else x
        logit = self.rises(values) @ rises
        if self.axis == "px_per_m" and x[0] > 0:
            # On to 1 px/m as steep as it begins: level, the curve would promise cameras far away too much.
            slope = (logit[1] - logit[0]) / (x[1] - x[0])
            x, logit = np.append(0.0, x), np.append(logit[0] - slope * x[0], logit)
        return Curve(x, logit)


def _quadratic(axes: int, penalty: float) -> Floats:
    """The penalty's matrix: b' Q b / 2 for an intercept and the rises of all axes."""
    rises = COEFFICIENTS - 1
    change = np.diff(np.eye(rises), axis=0)
    block = penalty * change.T @ change + RIDGE * np.eye(rises)
    matrix = np.zeros((1 + axes * rises, 1 + axes * rises))
    matrix[0, 0] = INTERCEPT_RIDGE
    matrix[1:, 1:] = np.kron(np.eye(axes), block)
    return matrix


def _solve(
    design: Floats, right: Floats, weight: Floats, quadratic: Floats, start: Floats | None = None
) -> Floats:  # fmt: skip
    """The coefficients of least penalised loss with rises of 0 or more, by Newton steps within the bounds."""
    chosen = weight > 0
    design, right, weight = design[chosen], right[chosen], weight[chosen]
    best = np.zeros(design.shape[1]) if start is None else start.copy()
    bound = np.full(len(best), 0.0)
    bound[0] = -np.inf
    value = _loss(design, right, weight, quadratic, best)
    for _ in range(STEPS):
        chance = _logistic(design @ best)
        slope = design.T @ (weight * (chance - right)) + quadratic @ best
        bend = design.T @ (design * (weight * chance * (1 - chance))[:, None]) + quadratic
        root = np.linalg.cholesky(bend)
        wanted = solve_triangular(root, bend @ best - slope, lower=True)
        target = lsq_linear(root.T, wanted, (bound, np.full(len(best), np.inf)), method="bvls").x
        length = 1.0
        while (tried := _loss(design, right, weight, quadratic, best + length * (target - best))) > value:
            length /= 2
            if length < 1e-6:
                return best
        best, gained = best + length * (target - best), value - tried
        value = tried
        if gained <= TOLERANCE:
            break
    return best


def _loss(design: Floats, right: Floats, weight: Floats, quadratic: Floats, coefficients: Floats) -> float:
    logit = design @ coefficients
    return float(weight @ (np.logaddexp(0, logit) - right * logit) + coefficients @ quadratic @ coefficients / 2)


def _logistic(logit: Floats) -> Floats:
    return 1 / (1 + np.exp(-np.clip(logit, -500, 500)))


def _choose_penalty(design: Floats, right: Floats, scenario: NDArray[np.int64], axes: int) -> float:
    """The penalty whose fits are least surprised by scenarios that they have not seen; the stiffest without any."""
    folds = min(FOLDS, int(scenario.max()) + 1)
    if folds < 2 or axes == 0:
        return PENALTIES[-1]
    surprise = []
    for penalty in PENALTIES:
        quadratic, total = _quadratic(axes, penalty), 0.0
        for fold in range(folds):
            out = scenario % folds == fold
            found = _solve(design, right, (~out).astype(float), quadratic)
            total += _loss(design[out], right[out], np.ones(out.sum()), 0 * quadratic, found)
        surprise.append(total)
    return PENALTIES[int(np.argmin(surprise))]
