"""Measurements against the baselines of their device class, which lie in `baselines/` beside this file.

python -m bench.regression judge RESULT.json     exit status 0 pass, 1 regression, 3 no verdict
python -m bench.regression accept RESULT.json …  make three runs or more the baseline of their class
python -m bench.regression record RESULT.json    append it to the history of its class
python -m bench.regression plot HISTORY.csv PICTURE

RESULT.json is what `make regression` writes, or the result.json of `shelfwatch latency`.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bench.gate.verdict import WORDS, overall
from bench.regression.history import plot, record
from bench.regression.judge import judge
from bench.regression.measurement import baseline_of, load_baseline, read_measurement, save
from scenarios import InputError

HERE = Path(__file__).parent


def main(words: list[str] | None = None) -> int:
    """The exit status; 2 for wrong input."""
    parser = argparse.ArgumentParser(prog="bench.regression", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("verb", choices=("judge", "accept", "record", "plot"))
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--slower", type=float, default=10.0, help="per cent that must not go unnoticed (default 10)")
    parser.add_argument("--loss", type=float, default=2.0, help="points that must not go unnoticed (default 2)")
    parser.add_argument("--baselines", type=Path, default=HERE / "baselines")
    parser.add_argument("--history", type=Path, default=HERE / "history")
    given = parser.parse_args(words)
    try:
        if given.verb == "plot":
            if len(given.files) != 2 or given.files[1].suffix not in (".svg", ".png"):
                raise InputError("plot: expected HISTORY.csv and a PICTURE.svg or PICTURE.png")
            plot(*given.files)
            print(given.files[1])
            return 0
        if given.verb == "accept":
            print(f"baseline  {save(baseline_of([read_measurement(f) for f in given.files]), given.baselines)}")
            return 0
        if len(given.files) > 1:
            raise InputError(f"{given.verb}: {len(given.files)} files; expected one")
        measurement = read_measurement(given.files[0])
        if given.verb == "record":
            print(f"history  {record(measurement, given.history)}")
            return 0
        baseline = load_baseline(measurement.device, given.baselines)
        findings = judge(measurement, baseline, given.slower / 100, given.loss / 100)
        for finding in findings:
            print(f"{WORDS[finding.status]:12s}{finding.name}: {finding.reason}")
        status = overall(findings)
        print(f"\nverdict: {WORDS[status]}  ({measurement.device.name})")
        return status
    except InputError as error:
        print(f"bench.regression: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"bench.regression: {error.filename}: {error.strerror or error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
