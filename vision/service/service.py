"""A service put together: the engine, what feeds it, what goes out, and who may ask."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from scenarios import Camera, InputError
from vision.pipeline import Pipeline
from vision.service.access import Clients, Tokens, signing_key
from vision.service.database import Database
from vision.service.engine import Engine
from vision.service.feeds import Feed, Watchdog
from vision.service.guard import Rates
from vision.service.metrics import Metrics
from vision.service.mqtt import Mqtt
from vision.service.outbox import Outlet, Sender
from vision.service.settings import CameraSettings, LinkSettings, Settings, read_secret
from vision.service.stored_pictures import Hide, StoredPictures
from vision.service.webhooks import Webhook
from vision.sources import VIDEO_SUFFIXES, Source

DATABASE, KEY, PICTURES = "service.db", "signing-key.json", "pictures"
HOUSEKEEPING = 60.0
"""Seconds between two times that what is too old is deleted."""
STUCK = 120.0
"""Seconds that one frame may take before the service counts as stuck."""


@dataclass(frozen=True)
class Link:
    """One of the store's systems, and what it signs with."""

    settings: LinkSettings
    secret: str = field(repr=False)


class Service:
    """Everything but HTTP. `pipelines` are all of the same networks and shelves, and share the cameras out; `cameras`
    belong to those of the settings, in their order; `hide` makes pictures that may be stored, None where none are."""

    def __init__(
        self, settings: Settings, pipelines: Sequence[Pipeline], cameras: Sequence[Camera], hide: Hide | None = None
    ) -> None:
        """Raises InputError for settings that cannot be followed, and for a state that is of something else."""
        ids = [camera.id for camera in cameras]
        if len(set(ids)) < len(ids) or any("/" in id for id in ids):
            raise InputError(f"cameras {', '.join(ids)}; expected an id of its own for each, without /")
        self.settings, self.pipelines = settings, pipelines
        self.stopping, self.streams = False, 0
        self.cameras = {camera.id: camera for camera in cameras}
        self.metrics = Metrics()
        state = Path(settings.state)
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.database = Database(state / DATABASE)
        self.engine = Engine(self.database, pipelines, cameras, self.metrics, settings.clock == "wall")
        self.clients = Clients(self.database)
        access = settings.access
        self.tokens = Tokens(self.clients, signing_key(state / KEY), access.issuer, access.token_seconds)
        self.requests, self.logins = Rates(settings.http.requests_per_minute), Rates(settings.http.logins_per_minute)
        self.pictures: StoredPictures | None = None
        if settings.pictures.keep:
            if hide is None:
                raise InputError("pictures: keep: true without a way to hide people; expected one")
            self.pictures = StoredPictures(state / PICTURES, settings.pictures, hide, self.metrics)
            self.engine.look = self.pictures.look
        self.feeds = {c.id: Feed(_source(s, c), self.engine, self.metrics) for c, s in self._with_source(cameras)}
        self.outlets = {s.name: Outlet(s, self.database, self.metrics) for s in self._senders()}
        self.links = {link.name: Link(link, read_secret(link.secret_file)) for link in settings.links}
        self.engine.listen += [outlet.ring for outlet in self.outlets.values()]
        longest = {c.id: s.silent for c, s in zip(cameras, settings.cameras)}
        self.watchdog = Watchdog(self.engine, longest, (self._tidy,))
        self._tidied = 0.0

    def _with_source(self, cameras: Sequence[Camera]) -> list[tuple[Camera, CameraSettings]]:
        return [(c, s) for c, s in zip(cameras, self.settings.cameras) if s.source]

    def _senders(self) -> list[Sender]:
        hooks = self.settings.webhooks
        senders: list[Sender] = [
            Webhook(w.name, w.url, read_secret(w.secret_file), w.types, self.source_name) for w in hooks
        ]
        if m := self.settings.mqtt:
            password = read_secret(m.password_file) if m.password_file else ""
            senders.append(Mqtt(m.host, m.port, m.topic, m.types, self.source_name, m.username, password, m.ca))
        return senders

    @property
    def source_name(self) -> str:
        """What events call this service: it is the same for as long as its database is."""
        return f"shelfwatch/{self.database.store}"

    def start(self) -> None:
        """Begin to read, to deliver and to watch."""
        self.engine.start()
        for outlet in self.outlets.values():
            outlet.start()
        for feed in self.feeds.values():
            feed.start()
        self.watchdog.start()

    def stop(self) -> None:
        """End; what waits is delivered after the next start."""
        self.stopping = True
        for feed in self.feeds.values():
            feed.stop()
        self.watchdog.stop()
        self.engine.stop()
        for heard in list(self.engine.listen):
            heard()
        for outlet in self.outlets.values():
            outlet.stop()
        self.database.close()

    @property
    def troubles(self) -> list[str]:
        """Why it is not ready, a line each; none if it is."""
        found = [] if self.engine.alive else ["the engine does not run"]
        since = self.engine.busy_since
        if since is not None and time.monotonic() - since > STUCK:
            found.append("a frame takes too long")
        return [*found, *([self.engine.trouble] if self.engine.trouble else [])]

    def _tidy(self) -> None:
        now = time.time()
        if now - self._tidied < HOUSEKEEPING:
            return
        self._tidied = now
        keep = self.settings.keep
        self.database.forget(now - keep.readings_hours * 3600, now - keep.events_days * 86400)
        if self.pictures is not None:
            self.pictures.forget(now)


def _source(settings: CameraSettings, camera: Camera) -> Source:
    """A folder is followed; a video is read once."""
    path = Path(settings.source)
    video = path.suffix.lower() in VIDEO_SUFFIXES
    stream = "://" in settings.source or settings.source.startswith("/dev/")
    if not (video or stream) and not path.is_dir():
        raise InputError(f"{settings.source}: expected a folder, a video ({', '.join(VIDEO_SUFFIXES)}) or a stream")
    return Source(settings.source, camera, settings.every if video or stream else None, not (video or stream))
