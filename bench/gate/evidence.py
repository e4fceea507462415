"""Does the gate find what it should, and nothing else? Runs it as a user does, again and again, on checkouts in which
nothing, a slowdown or a loss was planted.

    python -m bench.gate.evidence run FOLDER [RUNS]    # goes on where it was; RUNS of each kind, 100 if not given
    python -m bench.gate.evidence table [FILE.csv]     # what came out

Run k of each kind reads seeds of block k modulo BLOCKS; blocks share no seed.
"""

from __future__ import annotations

import csv
import itertools
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from bench.gate.accuracy import METRICS, loss
from bench.gate.command import CLOCKS, GatePlan
from bench.gate.sides import ROOT
from bench.gate.verdict import REGRESSION, WORDS, judge_accuracy
from scenarios import InputError

HERE = Path(__file__).parent
KEPT = HERE / "evidence.csv"
BLOCKS = 8
SLOWER = 0.05
LOST = 0.02
RECALL = 0.947
"""Of base on these pictures: of what it finds LOST ÷ RECALL has to go, for LOST of all that is there to be lost."""
PLANTS: dict[str, tuple[tuple[str, str], ...]] = {
    "nothing": (),
    "slowdown": (
        ("        clock = _Clock()\n", "        clock, begun = _Clock(), time.thread_time()\n"),
        (
            "        height, width = frame.image.shape[:2]\n        people",
            f"        ends = begun + {1 + SLOWER} * (time.thread_time() - begun)\n"
            "        while time.thread_time() < ends:\n            pass\n"
            "        height, width = frame.image.shape[:2]\n        people",
        ),
    ),
    "loss": (
        (
            "        found = self.detector(frame.image)\n",
            "        import zlib\n\n        found = self.detector(frame.image)\n"
            f"        lost = [zlib.crc32(box.tobytes()) < {LOST / RECALL} * 2**32 for box in found.xyxy]\n"
            "        found = found.where(~np.array(lost, bool) | (found.class_id != PRODUCT))\n",
        ),
    ),
}
"""What is planted into vision/pipeline.py: every picture takes 5 % more of the processor; 2 of 100 packs are lost."""


def plant(folder: Path) -> dict[str, Path]:
    """A checkout of this commit for every kind, made once."""
    trees = {}
    for kind, changes in PLANTS.items():
        tree = folder / kind
        if not tree.is_dir():
            subprocess.run(["git", "clone", "--quiet", "--shared", str(ROOT), str(tree)], check=True)
            file = tree / "vision" / "pipeline.py"
            text = file.read_text(encoding="utf-8")
            for old, new in changes:
                assert text.count(old) == 1, f"{file}: {old!r} is not there once"
                text = text.replace(old, new)
            file.write_text(text, encoding="utf-8")
        trees[kind] = tree
    if len({_head(tree) for tree in trees.values()}) > 1:
        raise InputError(f"{folder}: holds checkouts of several commits; expected an empty folder")
    return trees


def _head(tree: Path) -> str:
    return subprocess.run(["git", "rev-parse", "HEAD"], cwd=tree, check=True, capture_output=True, text=True).stdout


def run(folder: Path, runs: int) -> None:
    """Make the runs that are missing, kinds in turns, a line each in evidence.csv."""
    folder.mkdir(parents=True, exist_ok=True)
    trees = plant(folder)
    for block in range(BLOCKS):  # rendered before anything is timed
        if not (folder / f"block-{block}.json").is_file():
            result, _ = _gate(trees["nothing"], folder, block)
            (folder / f"block-{block}.json").write_text(json.dumps(result["counts"]["base"]), encoding="utf-8")
    path = folder / "evidence.csv"
    done = {(row["planted"], int(row["run"])) for row in read(path)} if path.is_file() else set()
    for number, kind in itertools.product(range(runs), PLANTS):
        if (kind, number) not in done:
            result, status = _gate(trees[kind], folder, number % BLOCKS)
            row = {"planted": kind, "run": number, "status": status, **_row(result)}
            new = not path.is_file()
            with path.open("a", newline="", encoding="utf-8") as stream:
                writer = csv.DictWriter(stream, row, lineterminator="\n")
                if new:
                    writer.writeheader()
                writer.writerow(row)
            print(f"{kind:9s} {number:3d}  {WORDS[status]}", flush=True)


def _gate(tree: Path, folder: Path, block: int) -> tuple[dict[str, Any], int]:
    seeds = GatePlan("").first_seed + block * GatePlan("").scenarios
    words = ["gate", "base=HEAD", f"first_seed={seeds}", f"outputs={folder / 'outputs'}"]
    ended = subprocess.run([sys.executable, "-m", "bench.cli", *words], cwd=tree, capture_output=True, text=True)
    if ended.returncode not in WORDS:
        raise RuntimeError(ended.stderr.strip().splitlines()[-1])
    return json.loads((folder / "outputs/latest/result.json").read_text(encoding="utf-8")), ended.returncode


def _row(result: dict[str, Any]) -> dict[str, Any]:
    """A run's figures in per cent and points."""
    first_seed, pairs = result["conditions"]["first_seed"], result["time"][CLOCKS[0]]["pairs"]
    row: dict[str, Any] = {"first_seed": first_seed, "pairs": pairs}
    for name, told in (*((c, result["time"][c]) for c in CLOCKS), *((m, result["accuracy"][m]) for m in METRICS)):
        row |= {name if k == "value" else f"{name}_{k}": round(100 * told[k], 2) for k in ("value", "low", "high")}
    return row | {k: round(result["conditions"][k], 1) for k in ("load", "seconds")}


def read(path: Path = KEPT) -> list[dict[str, str]]:
    """The runs that a file holds."""
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def table(rows: list[dict[str, str]]) -> str:
    """Verdicts by what was planted, as Markdown, with the medians of what was measured."""
    lines = ["| planted | runs | pass | regression | no verdict | time | products found | seconds | load |"]
    lines.append("|---|---|---|---|---|---|---|---|---|")
    for kind in PLANTS:
        some = [row for row in rows if row["planted"] == kind]
        verdicts = [sum(int(row["status"]) == status for row in some) for status in WORDS]
        time, lost = (_spread(some, name) for name in (CLOCKS[0], "detection_recall"))
        seconds, load = (np.median([float(row[k]) for row in some]) for k in ("seconds", "load"))
        cells = [kind, len(some), *verdicts, f"{time} %", f"{lost} points", f"{seconds:.1f}", f"{load:.1f}"]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def _spread(rows: list[dict[str, str]], name: str) -> str:
    """Median of a figure, and the range of the middle 90 %."""
    low, middle, high = np.quantile([float(row[name]) for row in rows], [0.05, 0.5, 0.95])
    return f"{middle:+.1f} ({low:+.1f} to {high:+.1f})"


def disjoint(folder: Path) -> Iterator[bool]:
    """The same code on disjoint seeds: whether the scores of one block would be called worse than those of another."""
    blocks = [json.loads((folder / f"block-{i}.json").read_text(encoding="utf-8")) for i in range(BLOCKS)]
    limits = GatePlan("").limits
    for a, b in itertools.permutations(blocks, 2):
        losses = {m: loss(np.array(a[m], float), np.array(b[m], float)) for m in METRICS}
        yield any(f.status == REGRESSION for f in judge_accuracy(losses, limits))


def main(words: list[str]) -> None:
    if words[:1] == ["run"] and len(words) in (2, 3):
        folder = Path(words[1])
        run(folder, int(words[2]) if len(words) == 3 else 100)
        print(table(read(folder / "evidence.csv")))
        alarms = list(disjoint(folder))
        print(f"\nthe same code on disjoint seeds: {sum(alarms)} of {len(alarms)} pairs of blocks called a regression")
    elif words[:1] == ["table"] and len(words) in (1, 2):
        print(table(read(Path(words[1]) if len(words) == 2 else KEPT)))
    else:
        raise InputError("expected run FOLDER [RUNS], or table [FILE.csv]")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except InputError as error:
        print(f"bench.gate.evidence: {error}", file=sys.stderr)
        sys.exit(2)
