"""`shelfwatch serve`: the service as a command; `shelfwatch client`: who may ask it."""

from __future__ import annotations

import argparse
import importlib.util
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from scenarios import InputError, load_layout
from vision.calibrate import load_camera
from vision.durable import sole_owner

if TYPE_CHECKING:
    from fastapi import FastAPI

    from vision.service.service import Service
    from vision.service.settings import HttpSettings, Settings

NEEDED = ("fastapi", "uvicorn", "authlib", "joserfc", "prometheus_client", "paho", "httpx")
SCOPES = ("read", "frames", "review", "admin")


def add_serve(commands: argparse._SubParsersAction) -> None:
    """Add the sub-commands to the parser of `shelfwatch`."""
    serve = commands.add_parser("serve", help="watch shelves as a service: HTTP, MQTT, webhooks")
    serve.add_argument("settings", type=Path, help="service.yaml (docs/service.md)")
    serve.set_defaults(run=run_serve)
    chain = commands.add_parser("chain", help="a page over the services of many stores")
    chain.add_argument("settings", type=Path, help="chain.yaml (docs/service.md)")
    chain.set_defaults(run=run_chain)
    client = commands.add_parser("client", help="say who may ask a service")
    client.add_argument("settings", type=Path, help="its service.yaml or chain.yaml")
    what = client.add_mutually_exclusive_group()
    what.add_argument("--add", metavar="NAME", help="add a client and print its secret, this once")
    what.add_argument("--remove", metavar="NAME", help="remove a client; its tokens are worth nothing from then on")
    client.add_argument("--scope", nargs="+", choices=SCOPES, default=["read"], help="what --add may do (default read)")
    client.set_defaults(run=run_client)


def run_serve(options: argparse.Namespace) -> None:
    """Serve until interrupted."""
    require_extras()
    from vision.service.settings import load_settings

    settings = load_settings(options.settings)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    state = Path(settings.state)
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    with sole_owner(state / ".lock"):
        from vision.service.app import create_app

        serve(settings.http, create_app(_service(settings)))


def run_chain(options: argparse.Namespace) -> None:
    """Look at many services until interrupted."""
    require_extras()
    from vision.service.chain.app import create_chain_app
    from vision.service.chain.chain import Chain
    from vision.service.chain.settings import load_chain

    settings = load_chain(options.settings)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    serve(settings.http, create_chain_app(Chain(settings)))


def _service(settings: Settings) -> Service:
    from vision.pipeline import Pipeline, weights_path
    from vision.privacy import Privacy
    from vision.recognize import Gallery
    from vision.runtimes import open_session
    from vision.service.readers import shares
    from vision.service.service import Service

    cameras = [load_camera(Path(c.calibration)) for c in settings.cameras]
    layout = load_layout(Path(settings.store))
    gallery = Gallery.load(Path(settings.gallery)) if settings.gallery else None
    pipelines = [
        Pipeline.load(
            settings.detector, settings.recognizer, gallery, layout, settings.runtime, reuse=settings.reuse,
            threads=threads, read_anew=settings.read_anew,
        )
        for threads in shares(settings.readers, len(cameras), settings.runtime)
    ]  # fmt: skip
    if gallery is None:
        logging.getLogger(__name__).warning("no gallery: what stands in a place is taken for the planned product")
    hide = Privacy(open_session(weights_path("centerface"), settings.runtime)) if settings.pictures.keep else None
    service = Service(settings, pipelines, cameras, hide)
    if not service.clients.all():
        logging.getLogger(__name__).warning("nobody may ask yet: `shelfwatch client --add NAME --scope read`")
    return service


def serve(http: HttpSettings, app: FastAPI) -> None:
    """Listen until interrupted. Raises InputError for a port that is taken and for a certificate that is none."""
    import ssl

    import uvicorn

    try:
        config = uvicorn.Config(
            app, host=http.host, port=http.port, access_log=False, server_header=False,
            ssl_certfile=http.certificate or None, ssl_keyfile=http.private_key or None, log_level="warning",
            timeout_graceful_shutdown=5, timeout_keep_alive=15, h11_max_incomplete_event_size=64 * 1024,
            http="h11", limit_concurrency=http.connections, proxy_headers=False,
        )  # fmt: skip
        config.load()
    except (OSError, ssl.SSLError) as error:
        raise InputError(f"{http.certificate}, {http.private_key}: {error}; expected PEM files") from None
    if config.ssl is not None:
        config.ssl.minimum_version = ssl.TLSVersion.TLSv1_2
    server = uvicorn.Server(config)
    scheme = "https" if http.certificate else "http"
    logging.getLogger(__name__).info("%s://%s:%d", scheme, http.host, http.port)
    server.run()
    if not server.started:
        raise InputError(f"{http.host}:{http.port}: cannot listen there; expected a free port of this machine")


def run_client(options: argparse.Namespace) -> None:
    """Add or remove a client, and list all."""
    require_extras()
    from vision.service.access import Clients
    from vision.service.database import Database

    state = _database_of(options.settings)
    state.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    clients = Clients(Database(state))
    if options.add:
        print(f"{options.add}: {clients.add(options.add, options.scope)}   (told this once)")
        return
    if options.remove and not clients.remove(options.remove):
        raise InputError(f"{options.remove}: no such client; expected one of those that `shelfwatch client` lists")
    for client in clients.all():
        print(f"{client.id:20s} {' '.join(client.scopes)}")


def _database_of(path: Path) -> Path:
    """Where a service, or a page over many, keeps its clients. Raises InputError."""
    from vision.service.chain.chain import DATABASE as OF_CHAIN
    from vision.service.chain.settings import load_chain
    from vision.service.service import DATABASE
    from vision.service.settings import load_settings

    lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []
    if any(line.startswith("stores:") for line in lines):
        return Path(load_chain(path).state) / OF_CHAIN
    return Path(load_settings(path).state) / DATABASE


def require_extras(command: str = "serve") -> None:
    """Raise InputError where what a service needs is not installed."""
    for name in NEEDED:
        if importlib.util.find_spec(name) is None:
            raise InputError(f"{command} needs {name}: pip install 'shelfbench[serve]'")
