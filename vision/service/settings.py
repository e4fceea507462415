"""What a service is told to do: one YAML file."""

from __future__ import annotations

import dataclasses
import ipaddress
from dataclasses import dataclass, field
from pathlib import Path

from scenarios import InputError
from scenarios.files import read_yaml

EVENT_TYPES = ("alert", "shelf", "reading", "task", "availability")
"""An alert was raised or became something else; a position's known level or intruder changed; a frame was read; there
is something to do at a shelf, or no more; a product is on some shelf again, or on none."""
TOLD_TYPES = ("sale", "stock", "order", "offer")
"""What the store's other systems may tell (see `vision.service.links`)."""
CLOCKS = ("wall", "frames")
MOST_AGE = 30.0
"""Seconds that a reading may be used again: half of those for which a camera's last word holds (`vision.memory.STALE`).
"""


@dataclass(frozen=True)
class CameraSettings:
    """One camera. `calibration`: its camera.yaml. `source`: a folder that is followed, a video or a stream; without
    one its frames come by HTTP. `every`: seconds between the frames that are taken of a video or stream. `silent`:
    seconds without a frame after which somebody is told."""

    calibration: str
    source: str = field(default="", repr=False)
    every: float = 5.0
    silent: float = 600.0

    def __post_init__(self) -> None:
        if not (self.every > 0 and self.silent > 0):
            raise ValueError(f"every {self.every}, silent {self.silent}; expected seconds above 0")


@dataclass(frozen=True)
class HttpSettings:
    """Where to listen and what to take. Without `certificate` and `private_key` (PEM files) only this machine is
    listened to, unless `plain` says that something else encrypts. `frame_megabytes` bounds one picture, `body_seconds`
    how long a body may take and `frame_seconds` its reading, `streams` the open event streams, `connections` all,
    `requests_per_minute` each client, `logins_per_minute` each address's requests for tokens and wrong tokens."""

    host: str = "127.0.0.1"
    port: int = 8443
    certificate: str = ""
    private_key: str = ""
    plain: bool = False
    frame_megabytes: float = 8.0
    body_seconds: float = 20.0
    frame_seconds: float = 30.0
    streams: int = 32
    connections: int = 200
    requests_per_minute: float = 6000.0
    logins_per_minute: float = 30.0

    def __post_init__(self) -> None:
        if not 0 <= self.port < 65536:
            raise ValueError(f"port {self.port}; expected 0 to 65535")
        if bool(self.certificate) != bool(self.private_key):
            raise ValueError("certificate and private_key go together; expected both or none")
        if not self.certificate and not self.plain and not _is_loopback(self.host):
            raise ValueError(
                f"host {self.host} without certificate and private_key would send tokens in the clear; "
                "expected both, or plain: true behind something that encrypts"
            )
        for name in ("frame_megabytes", "body_seconds", "frame_seconds", "requests_per_minute", "logins_per_minute"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} {getattr(self, name)}; expected more than 0")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@dataclass(frozen=True)
class AccessSettings:
    """Tokens: who says that he issued them, and for how many seconds they are good."""

    issuer: str = "shelfwatch"
    token_seconds: int = 900

    def __post_init__(self) -> None:
        if not 1 <= self.token_seconds <= 86400:
            raise ValueError(f"token_seconds {self.token_seconds}; expected 1 to 86400")


@dataclass(frozen=True)
class MqttSettings:
    """A broker. `password_file` holds the password, `ca` the PEM of whoever signed its certificate ("system": those
    that the machine trusts); without it the connection is not encrypted."""

    host: str
    port: int = 1883
    topic: str = "shelfwatch"
    username: str = ""
    password_file: str = ""
    ca: str = ""
    types: tuple[str, ...] = ("alert", "shelf")

    def __post_init__(self) -> None:
        _check_types(self.types)
        if not self.topic or any(c in self.topic for c in "#+\0"):
            raise ValueError(f"topic {self.topic!r}; expected a topic without # and +")


@dataclass(frozen=True)
class WebhookSettings:
    """One receiver. `secret_file` holds what its deliveries are signed with."""

    name: str
    url: str = field(repr=False)
    secret_file: str
    types: tuple[str, ...] = ("alert",)

    def __post_init__(self) -> None:
        _check_types(self.types)
        if not self.name or not self.url.startswith(("http://", "https://")):
            raise ValueError(f"webhook {self.name!r}; expected a name, and a url of http:// or https://")


@dataclass(frozen=True)
class LinkSettings:
    """One of the store's systems that tells something. `secret_file` holds what it signs with, `types` what it may
    tell."""

    name: str
    secret_file: str
    types: tuple[str, ...] = TOLD_TYPES

    def __post_init__(self) -> None:
        unknown = sorted(set(self.types) - set(TOLD_TYPES))
        if unknown or not self.types or not self.name or "/" in self.name:
            raise ValueError(
                f"link {self.name!r}, types {', '.join(unknown) or 'none'}; expected a name without /, and some of "
                f"{', '.join(TOLD_TYPES)}"
            )


@dataclass(frozen=True)
class PictureSettings:
    """Whether pictures are stored, blurred where people are: one a camera every `every` seconds, for `hours`."""

    keep: bool = False
    every: float = 60.0
    hours: float = 24.0

    def __post_init__(self) -> None:
        if not (self.every >= 0 and self.hours > 0):
            raise ValueError(f"every {self.every}, hours {self.hours}; expected 0 or more, and more than 0")


@dataclass(frozen=True)
class KeepSettings:
    """For how long readings and events stay."""

    readings_hours: float = 24.0
    events_days: float = 30.0

    def __post_init__(self) -> None:
        if not (self.readings_hours > 0 and self.events_days > 0):
            raise ValueError("keep; expected hours and days above 0")


@dataclass(frozen=True)
class Settings:
    """A service. Paths are relative to the file that says so.

    `store` is the folder with store.yaml, catalog.csv and planogram.csv, `state` the one for what is known. `clock`:
    "wall" refuses frames from the future and tells the time of silence by this machine's clock, "frames" goes by the
    frames' own times, for recordings and simulations. A frame in which nothing has changed is given its camera's last
    reading, and all is read anew after `read_anew` seconds; with 0 every frame is read, without `reuse` every crop is
    embedded again as well. `readers` frames are read at once, each by networks of its own; 0: as many as there are
    cores, or cameras if these are fewer, and one on a GPU.
    """

    store: str
    cameras: tuple[CameraSettings, ...]
    gallery: str = ""
    state: str = "service"
    detector: str = "yolo11n"
    recognizer: str = "embed"
    runtime: str = "onnxruntime-cpu"
    clock: str = "wall"
    reuse: bool = True
    read_anew: float = 5.0
    readers: int = 0
    http: HttpSettings = HttpSettings()
    access: AccessSettings = AccessSettings()
    mqtt: MqttSettings | None = None
    webhooks: tuple[WebhookSettings, ...] = ()
    links: tuple[LinkSettings, ...] = ()
    pictures: PictureSettings = PictureSettings()
    keep: KeepSettings = KeepSettings()

    def __post_init__(self) -> None:
        if not self.cameras:
            raise ValueError("cameras: none; expected one at least")
        if self.clock not in CLOCKS:
            raise ValueError(f"clock {self.clock!r}; expected {' or '.join(CLOCKS)}")
        if not 0 <= self.read_anew <= MOST_AGE:
            raise ValueError(f"read_anew {self.read_anew}; expected 0 to {MOST_AGE:g} seconds")
        if not 0 <= self.readers <= len(self.cameras):
            raise ValueError(f"readers {self.readers}; expected 0 to {len(self.cameras)}, the number of cameras")
        names = [w.name for w in self.webhooks]
        if len(set(names)) < len(names) or "mqtt" in names:
            raise ValueError(f"webhooks {', '.join(names)}; expected a name of its own for each, and not mqtt")
        told = [link.name for link in self.links]
        if len(set(told)) < len(told):
            raise ValueError(f"links {', '.join(told)}; expected a name of its own for each")


def _check_types(types: tuple[str, ...]) -> None:
    unknown = sorted(set(types) - set(EVENT_TYPES))
    if unknown or not types:
        raise ValueError(f"types {', '.join(unknown) or 'none'}; expected some of {', '.join(EVENT_TYPES)}")


def load_settings(path: Path) -> Settings:
    """Read a service.yaml. Raises InputError that names file and key."""
    read = read_yaml(path, Settings)
    at = path.parent

    def there(text: str) -> str:
        return str(at / text) if text else ""

    cameras = tuple(
        dataclasses.replace(
            c, calibration=there(c.calibration), source=c.source if "://" in c.source else there(c.source)
        )
        for c in read.cameras
    )
    http = dataclasses.replace(
        read.http, certificate=there(read.http.certificate), private_key=there(read.http.private_key)
    )
    mqtt = read.mqtt and dataclasses.replace(
        read.mqtt,
        password_file=there(read.mqtt.password_file),
        ca=read.mqtt.ca if read.mqtt.ca == "system" else there(read.mqtt.ca),
    )
    hooks = tuple(dataclasses.replace(w, secret_file=there(w.secret_file)) for w in read.webhooks)
    links = tuple(dataclasses.replace(k, secret_file=there(k.secret_file)) for k in read.links)
    return dataclasses.replace(
        read, store=there(read.store), gallery=there(read.gallery), state=there(read.state), cameras=cameras,
        http=http, mqtt=mqtt, webhooks=hooks, links=links,
    )  # fmt: skip


def read_secret(path: str) -> str:
    """The first line of a file that holds a secret. Raises InputError, without the secret."""
    try:
        text = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not readable ({type(error).__name__}); expected a file with a secret") from None
    if len(text) < 16 or "\n" in text:
        raise InputError(f"{path}: expected one line of 16 characters or more")
    return text
