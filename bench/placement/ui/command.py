"""`shelfbench place ui=true`: the page, until Ctrl-C."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from scenarios import InputError
from scenarios.files import build
from vision.service.command import serve
from vision.service.settings import HttpSettings


def run_ui(config: Mapping[str, Any], command: str) -> None:
    """Serve the page of the keys of conf/place_ui.yaml. Raises InputError for what makes no sense, before anything is
    computed, and for a port that is taken."""
    from bench.placement.ui.app import create_app
    from bench.placement.ui.session import Session

    kept = dict(config)
    start, port = kept.pop("start"), kept.pop("port")
    if kept["target"] is not None:
        kept["budget"] = None
    http = build(HttpSettings, {"port": port}, "port")
    if http.port == 0:
        raise InputError("port 0; expected a port of this machine, 1 to 65535")
    _check_free(http)
    session = Session(kept, start, command)
    try:
        print(f"page  http://{http.host}:{http.port}   (Ctrl-C ends it)", flush=True)
        with suppress(KeyboardInterrupt):
            serve(http, create_app(session))
    finally:
        session.close()


def _check_free(http: HttpSettings) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((http.host, http.port))
        except OSError as error:
            raise InputError(f"port {http.port}: {error.strerror}; expected a free port of this machine") from None
