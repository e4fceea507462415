"""The result of `shelfwatch latency`, in the form that docs/latency.md describes."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

from vision.latency.harness import LEAST_FRAMES, STAGES, Timed, summary
from vision.latency.sensors import Seen, Sensors

FORM = "shelfwatch latency"
VERSION = 1
"""Of the form. A reader refuses what it does not know."""
LARGEST_GAP = 0.05
"""By how much the medians of the stages may miss the median from end to end, before a result is void: something that
is no stage takes time then."""


def measured(timed: Timed, seen: Seen, streams: int, source: str) -> dict[str, Any]:
    """What one run of so many streams tells: times, energy, and how the device was meanwhile."""
    joules = None if seen.joules is None else round(seen.joules / timed.frames, 4)
    return {
        "streams": streams,
        **summary(timed),
        "power": {
            "source": source if joules is not None else "none",
            "joules_per_frame": joules,
            "mean_watts": None if seen.joules is None else round(seen.joules / seen.seconds, 3),
        },
        "degrees_c": _range(seen.degrees),
        "cpu_mhz": _range(seen.cpu_mhz),
        "gpu_mhz": _range(seen.gpu_mhz),
        "device_memory_bytes": max(seen.device_bytes, default=None),
        "throttling": sorted(seen.alerts),
        "sensor_notes": list(seen.notes),
    }


def _range(values: Sequence[float]) -> dict[str, float] | None:
    """Least, median and most; None where nothing was read."""
    if not values:
        return None
    return {"least": min(values), "median": round(statistics.median(values), 2), "most": max(values)}


def void(runs: Sequence[dict[str, Any]], sensors: Sensors, ran_on: dict[str, Any], stages: Sequence[str]) -> list[str]:
    """Why a result is no evidence for a gate; empty where it is."""
    single = runs[0]
    reasons = []
    if single["frames"] < LEAST_FRAMES:
        reasons.append(f"{single['frames']} frames; a gate needs {LEAST_FRAMES}")
    if abs(single["stage_medians_over_end_to_end"] - 1) > LARGEST_GAP:
        reasons.append(f"stages add up to {single['stage_medians_over_end_to_end']:.3f} of end to end")
    throttled = sorted({alert for run in runs for alert in run["throttling"]})
    if throttled:
        reasons.append(f"the device throttled: {', '.join(throttled)}")
    if not sensors.sysfs.tells_throttling:
        reasons.append("throttling could not be read")
    for key, name in (("degrees_c", "temperatures"), ("cpu_mhz", "clocks")):
        if any(run[key] is None for run in runs):
            reasons.append(f"{name} could not be read")
    if any(run["power"]["joules_per_frame"] is None for run in runs):
        reasons.append("power could not be read")
    for name, where in ran_on.items():
        if where["instead_of"]:
            reasons.append(f"the {name} ran on {where['runtime']}, instead of {where['instead_of']}")
    missing = [stage for stage in STAGES if stage not in stages]
    if missing:
        reasons.append(f"not timed: {', '.join(missing)}")
    return reasons


def table(result: dict[str, Any]) -> str:
    """The table for the terminal."""
    single = result["runs"][0]
    lines = [f"{'ms a frame':14}" + "".join(f"{name:>10}" for name in ("p50", "p90", "p99", "max"))]
    rows = {**single["stages_ms"], "end to end": single["end_to_end_ms"]}
    lines += [f"{name:14}" + "".join(f"{value:10.2f}" for value in row.values()) for name, row in rows.items()]
    lines.append(
        f"stages' medians: {single['stage_medians_over_end_to_end']:.3f} of end to end; beyond the stages, with the "
        f"stopwatch: {single['unaccounted_ms']:.3f} ms a frame"
    )
    for run in result["runs"]:
        word = "stream " if run["streams"] == 1 else "streams"
        power = run["power"]
        joules = "no power figure" if power["joules_per_frame"] is None else (
            f"{power['joules_per_frame']:.2f} J a frame by {power['source']}"
        )  # fmt: skip
        lines.append(
            f"{run['streams']} {word} {run['frames_per_second']:8.2f} frames a second, p99 "
            f"{run['end_to_end_ms']['p99']:.1f} ms, {joules}"
        )
    for name, where in result["networks"].items():
        other = f", instead of {where['instead_of']}" if where["instead_of"] else ""
        lines.append(f"{name:14}{where['runtime']} {where['precision']} ({where['version']}){other}")
    start = result["start"]
    if start is not None:
        told = (f"{kind} {start[kind]['sessions_ms'] / 1000:.2f} s" for kind in ("cold", "warm") if start[kind])
        lines.append(f"sessions open {', '.join(told)}")
    lines += [f"void for a gate: {reason}" for reason in result["void_for_gate"]]
    return "\n".join(lines)
