"""Unicost set cover: covers, bounds, files, and the public instances of the OR-Library."""

from __future__ import annotations

import gzip
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from bench.placement.set_cover import Search, SetCover, lower_bound, read_set_cover, solve_set_cover
from bench.placement.solve import main
from scenarios import InputError

LIBRARY = Path("/work/shared/setcover")
BEST_KNOWN = {"scp42": 37, "scp52": 34, "scpa2": 38, "scpd2": 24, "scpnre2": 17, "scpnrg1": 61}
"""Of the unicost problems."""


def drawn(seed: int, rows: int = 60, columns: int = 120, density: float = 0.06) -> SetCover:
    """A random problem, every row of which has two columns or more."""
    random = np.random.default_rng(seed)
    covers = random.random((rows, columns)) < density
    for row in covers:
        row[random.choice(columns, 2, replace=False)] = True
    start = np.concatenate([[0], np.cumsum(covers.sum(axis=1))])
    return SetCover.of_rows(columns, start, np.nonzero(covers)[1].astype(np.int32))


def fewest(problem: SetCover) -> int:
    """By branch and bound."""
    entries = (np.ones(len(problem.row_columns)), problem.row_columns, problem.row_start)
    matrix = csr_array(entries, shape=(problem.rows, problem.columns))
    costs = np.ones(problem.columns)
    found = milp(costs, constraints=LinearConstraint(matrix, lb=1.0), bounds=Bounds(0, 1), integrality=costs)
    return round(found.fun)


@pytest.mark.parametrize("seed", range(4))
def test_small_problems_are_solved_to_the_best(seed: int) -> None:
    problem = drawn(seed)
    search = Search(problem, seed)
    search.run(50_000)
    assert problem.covers(search.best)
    assert len(search.best) == fewest(problem)


def test_the_bound_ends_the_search_where_it_proves_the_best() -> None:
    problem = SetCover.of_rows(3, np.array([0, 1, 2, 4]), np.array([0, 1, 1, 2], np.int32))
    cover = solve_set_cover(problem, 60.0)
    assert cover.columns.tolist() == [0, 1]
    assert cover.bound == 2


def test_the_bound_is_not_above_what_a_cover_needs() -> None:
    for seed in range(10, 14):
        problem = drawn(seed, 20, 30, 0.15)
        best = fewest(problem)
        assert best * 0.6 < lower_bound(problem, problem.rows, 20.0) <= best


@pytest.mark.parametrize("name", BEST_KNOWN)
def test_instances_of_the_library(name: str, tmp_path: Path) -> None:
    packed = LIBRARY / f"{name}.txt.gz"
    if not packed.is_file():
        pytest.skip(f"{packed} is not there")
    path = tmp_path / "instance.txt"
    path.write_bytes(gzip.decompress(packed.read_bytes()))
    problem = read_set_cover(path)
    searches = [Search(problem, seed) for seed in (0, 1)]  # two, as the command has; it has a minute
    for search in searches:
        search.run(800_000 if name == "scpnrg1" else 100_000)
    best = min((search.best for search in searches), key=len)
    assert problem.covers(best)
    assert BEST_KNOWN[name] <= len(best) <= BEST_KNOWN[name] + 2


def test_the_command_prints_size_bound_and_columns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "instance.txt"
    path.write_text("3 4\n1 1\n1 1\n2 1 2\n1 2\n2 3 4\n")
    monkeypatch.setattr(sys, "argv", ["solve", str(path), "--unicost", "--seconds", "30"])
    main()
    size, bound, columns = capsys.readouterr().out.splitlines()
    assert (size, bound) == ("2", "2")
    assert columns in ("2 3", "2 4")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "expected numbers of rows and columns"),
        ("two rows", "numbers"),
        ("2 2 1 1 1 1", "row 2 has no columns"),
        ("1 2 1 1 2 1", "row 1 has no columns, or fewer than it says"),
        ("1 2 1 1 1 3", "names column 3; expected 1 to 2"),
        ("1 2 1 1 1 2 7", "1 numbers too many after row 1"),
    ],
)
def test_wrong_files_are_named_with_what_is_wrong(text: str, expected: str, tmp_path: Path) -> None:
    path = tmp_path / "wrong.txt"
    path.write_text(text)
    with pytest.raises(InputError, match=f"wrong.txt: .*{expected}"):
        read_set_cover(path)


def test_a_missing_file_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["solve", str(tmp_path / "no.txt"), "--unicost"])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2
