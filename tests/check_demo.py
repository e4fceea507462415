"""Check a finished quickstart against stored bounds: python tests/check_demo.py outputs/latest/result.json

The bounds are the figures in the README less what a library's version may move; a worse figure is a
regression, and so is a missing one.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

BOUNDS = {  # metric of the chosen arm: lowest value allowed
    "detection_ap50": 0.94,
    "facings_exact_visible": 0.97,
    "oos_precision": 0.97,
    "oos_recall_visible": 0.90,
    "sku_top1": 0.92,
    "misplaced_precision": 0.93,
    "misplaced_recall": 0.85,
}
STAGES = ("detect", "recognize", "register", "count", "total")


def problems(result: dict) -> list[str]:
    """List what a result lacks or falls short of."""
    found = []
    choice = result["choice"]
    key = ("rig", "model", "runtime")
    chosen = [arm for arm in result["arms"] if all(arm[k] == choice[k] for k in key)]
    if len(chosen) != 1:
        return [f"{len(chosen)} arms match the choice {choice}"]
    for name, lowest in BOUNDS.items():
        metric = chosen[0]["metrics"].get(name)
        if metric is None:
            found.append(f"{name} is missing")
        elif not metric["value"] >= lowest:
            found.append(f"{name} is {metric['value']:.3f}; the bound is {lowest}")
    if len(result["arms"]) < 6 or len({arm["rig"] for arm in result["arms"]}) < 3:
        found.append(f"{len(result['arms'])} arms; expected 3 rigs × 2 models")
    for model, stages in result["latency_ms"].items():
        found += [f"latency of {model}: no {stage}" for stage in STAGES if stage not in stages]
    return found


if __name__ == "__main__":
    found = problems(json.loads(Path(sys.argv[1]).read_text()))
    print("\n".join(found) or f"{len(BOUNDS)} passed, 0 failed")
    sys.exit(bool(found))
