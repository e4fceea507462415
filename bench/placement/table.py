"""What `shelfbench place` prints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.economics import money_line
from bench.placement.joint_report import go_on_with, joint_table
from bench.placement.prove import proof_table
from bench.placement.transfer import transfer_table


def place_table(result: Mapping[str, Any]) -> str:
    """The arms for the terminal."""
    head = f"  {'arm':14s}{'cameras':>8}{'cost':>8}  {'predicted':22s}{'crowd':>7}{'lights':>8}{'one lost':>10}"
    lines = [head, "-" * len(head)]
    for arm in result["arms"]:
        v = arm["value"]
        known = f"{v['value']:.3f} [{v['low']:.3f}, {v['high']:.3f}]"
        lines.append(
            f"{'→' if arm['arm'] == 'best' else ' '} {arm['arm']:14s}{len(arm['cameras']):8d}{arm['cost']:8.0f}  "
            f"{known:22s}{arm['crowd']:7.3f}{arm['lights']:8.3f}{arm['one_lost']:10.3f}"
        )
    lines += ["-" * len(head), "predicted: share of the positions' value known, 95 % interval over worlds"]
    if result["cost_bound"] is not None:
        lines.append(f"no placement that reaches the target costs less than {result['cost_bound']:.0f}")
    else:
        lines.append(f"proven: no placement within the limits knows more than {result['bound']:.3f}, "
                     f"a gap of {100 * result['gap']:.1f} %")  # fmt: skip
    if result["transfer"]["outcomes"]:
        lines.append(transfer_table(result["transfer"]["outcomes"], result["transfer"]["pictures"]))
    lines += result["notes"]
    reasons: dict[str, int] = {}
    for row in result["blind"]:
        reasons[row["reason"]] = reasons.get(row["reason"], 0) + 1
    if result["proof"] is not None:
        lines += ["", *proof_table(result["proof"]), ""]
    if result["joint"] is not None:
        front = [row for row in result["joint"]["rows"] if row["beaten_by"] is None]
        lines += ["", *joint_table(result["joint"]), f"to plan the first of them in full: {go_on_with(front[0])}", ""]
    more, fewer = result["one_more"], result["one_fewer"]
    if more is not None:
        lines.append(f"one more camera, for {more['cost']:.0f}: {_points(more['gain'])}")
    if fewer is not None:
        lines.append(
            f"without {fewer['camera']}, which is missed least, {fewer['saves']:.0f} less: -{_points(fewer['loss'])}"
        )
    lines.append(money_line(result["money"]))
    lines += [f"blind: {count} positions {reason}" for reason, count in sorted(reasons.items(), key=lambda p: -p[1])]
    return "\n".join(lines)


def _points(e: Mapping[str, float]) -> str:
    return f"{100 * e['value']:.1f} points ({100 * e['low']:.1f} to {100 * e['high']:.1f})"
