"""Where a command writes: outputs/<command>/<time>/, made whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def result_folder(root: Path, command: str) -> Iterator[Path]:
    """Yield a folder to write into; it gets its final name and the link ROOT/latest when all went well.

    After an error nothing is left of it. The final path is `final_path(folder)`.
    """
    made = not root.exists()
    stamp = time.strftime("%Y-%m-%d_%H-%M-%S")
    name, n = stamp, 1
    while (root / command / name).exists():
        name, n = f"{stamp}-{n}", n + 1
    draft = root / command / f".{name}.draft-{os.getpid()}"
    draft.mkdir(parents=True)
    try:
        yield draft
        draft.rename(root / command / name)
    except BaseException as error:
        if isinstance(error, OSError) and error.filename is None:  # a full disk does not say which file it was
            error.filename = str(root / command / name)
        shutil.rmtree(draft, ignore_errors=True)
        if made:
            for folder in (root / command, root):
                if folder.is_dir() and not any(folder.iterdir()):
                    folder.rmdir()
        raise
    link = root / f".latest-{os.getpid()}"
    link.symlink_to(Path(command) / name)
    link.replace(root / "latest")


def final_path(draft: Path) -> Path:
    """The path that a draft folder of `result_folder` will have in the end."""
    return draft.with_name(draft.name[1:].split(".draft-")[0])


def write_json(path: Path, data: Any) -> None:
    """Write JSON that a person can read."""
    path.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
