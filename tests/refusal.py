"""Commands that have to refuse what they are given."""

from __future__ import annotations

from collections.abc import Callable

import pytest


def refusal(main: Callable[[list[str]], object], arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """The one line that a command ends with, with exit status 2; lines on what it skipped may stand before it."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as exit:
        main(arguments)
    assert exit.value.code == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("skipped: ")]
    assert len(lines) == 1
    return lines[0]
