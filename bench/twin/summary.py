"""What a twin tells when it has ended: frames, latencies, alerts, and what the service took for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from bench.twin.own_service import Vitals
from bench.twin.play import Played

SETTLED = 0.25
"""The share of the time after which memory counts: before, a service is still loading."""


def summarise(played: Played, vitals: Vitals | None, reused: int | None = None) -> dict[str, Any]:
    """All figures as plain data; `reused` frames showed the service nothing new."""
    raised = [a for a in played.alerts if a.event == "raised"]
    outs = [c for c in played.changes if c.kind == "out"]
    waited = _event_to_alert(played)
    found: dict[str, Any] = {
        "frames": {
            "sent": played.sent, "dropped": dict(played.dropped), "rendered": played.rendered,
            "scene_unchanged": played.kept, "per_second": _rounded(played.sent / played.seconds if played.seconds else
            0), "reused": reused,
        },
        "seconds": _rounded(played.seconds), "store_seconds": _rounded(played.store_seconds),
        "acknowledged_ms": _spread(played.acknowledged_ms),
        "alerts": {"raised": len(raised), "all": len(played.alerts)},
        "frame_to_alert_ms": _spread([a.after_ms for a in played.alerts if a.after_ms is not None]),
        "sold_out": {"events": len(outs), "alerted": len(waited), "to_alert_store_seconds": _spread(waited)},
        "sales": sum(c.kind == "sale" for c in played.changes),
    }  # fmt: skip
    if vitals is not None and played.sent:
        found["service"] = {
            "cpu_ms_per_frame": _rounded(1000 * vitals.cpu_seconds / played.sent), "memory": memory(vitals.memory),
        }  # fmt: skip
    return found


def memory(looks: Sequence[tuple[float, float]]) -> dict[str, float] | None:
    """MB over time (seconds, MB): medians of the first and of the last tenth of what came after loading, and by how
    much the latter is more, in percent. None for fewer than ten looks."""
    if len(looks) < 10:
        return None
    begun, ended = looks[0][0], looks[-1][0]
    after = [mb for t, mb in looks if t >= begun + SETTLED * (ended - begun)]
    tenth = max(1, len(after) // 10)
    first, last = float(np.median(after[:tenth])), float(np.median(after[-tenth:]))
    return {
        "first_mb": _rounded(first), "last_mb": _rounded(last), "growth_percent": _rounded(100 * (last / first - 1)),
        "minutes": _rounded((ended - begun) / 60),
    }  # fmt: skip


def _event_to_alert(played: Played) -> list[float]:
    """Seconds of the store from each last unit that was sold to the alert that says so."""
    found = []
    alerts = [a for a in played.alerts if (a.kind, a.event) == ("out", "raised")]
    for change in (c for c in played.changes if c.kind == "out"):
        end = next(
            (c.time for c in played.changes if (c.kind, c.position) == ("restock", change.position)
             and c.time > change.time), np.inf,
        )  # fmt: skip
        times = [a.time - played.base for a in alerts if a.subject == change.position]
        first = min((t for t in times if change.time <= t < end), default=None)
        found += [] if first is None else [first - change.time]
    return found


def _spread(values: Sequence[float]) -> dict[str, float] | None:
    if not values:
        return None
    p50, p95 = np.percentile(values, [50, 95])
    return {"n": len(values), "p50": _rounded(p50), "p95": _rounded(p95), "most": _rounded(max(values))}


def _rounded(value: float) -> float:
    return round(float(value), 2)


def table(found: dict[str, Any]) -> str:
    """The figures for a terminal."""
    frames, lost = found["frames"], found["frames"]["dropped"]
    why = ", ".join(f"{reason} {n}" for reason, n in lost.items())
    lines = [
        f"frames sent      {frames['sent']} ({frames['per_second']} a second)",
        f"frames dropped   {sum(lost.values())}{f' ({why})' if why else ''}",
        f"scenes rendered  {frames['rendered']}, unchanged {frames['scene_unchanged']}",
        f"frames reused    {'unknown' if frames['reused'] is None else frames['reused']}",
        f"acknowledged     {_ms(found['acknowledged_ms'])}",
        f"frame to alert   {_ms(found['frame_to_alert_ms'])}",
    ]
    sold = found["sold_out"]
    spread = sold["to_alert_store_seconds"]
    took = f"; p50 {spread['p50']:.0f} s, p95 {spread['p95']:.0f} s of the store" if spread else ""
    lines.append(f"sold out         {sold['events']} positions, {sold['alerted']} told of{took}")
    if "service" in found:
        lines.append(f"processor        {found['service']['cpu_ms_per_frame']} ms a frame, of all cores")
        if grown := found["service"]["memory"]:
            lines.append(
                f"memory           {grown['first_mb']:.0f} to {grown['last_mb']:.0f} MB "
                f"({grown['growth_percent']:+.1f} % over {grown['minutes']:.0f} min)"
            )
    return "\n".join(lines)


def _ms(spread: dict[str, float] | None) -> str:
    return (
        "nothing" if spread is None else f"p50 {spread['p50']:.0f} ms, p95 {spread['p95']:.0f} ms ({spread['n']:.0f})"
    )
