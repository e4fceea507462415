"""MQTT, with a real broker: mosquitto (Debian package `mosquitto`)."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from tests.vision.service.receiver import eventually, free_port
from tests.vision.service.served import Caller, service_of
from tests.vision.watched import FIRST, FULL, OUT
from vision.service.database import Database
from vision.service.metrics import Metrics
from vision.service.mqtt import Mqtt
from vision.service.outbox import Outlet
from vision.service.settings import MqttSettings

pytestmark = pytest.mark.skipif(
    shutil.which("mosquitto") is None and not Path("/usr/sbin/mosquitto").exists(),
    reason="no mosquitto on this machine (apt-get install mosquitto)",
)


class Broker:
    """A mosquitto that can be down and come back; it keeps what its subscribers have not had."""

    def __init__(self, folder: Path, more: str = "") -> None:
        self.port = free_port()
        self.config = folder / "mosquitto.conf"
        self.config.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\n"
            f"persistence true\npersistence_location {folder}/\nautosave_interval 1\nuser root\n{more}"
        )
        self.process: subprocess.Popen | None = None

    def up(self) -> None:
        binary = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
        self.process = subprocess.Popen([binary, "-c", str(self.config)], stderr=subprocess.DEVNULL)
        eventually(self._listens)

    def _listens(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True

    def down(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(10)
            self.process = None


class Subscriber:
    """Hears all topics under one."""

    def __init__(self, port: int, topic: str = "shelfwatch/#", id: str = "heard") -> None:
        self.messages: list[tuple[str, dict, bool]] = []
        self.plain: list[tuple[str, bytes]] = []
        self.client = paho.Client(CallbackAPIVersion.VERSION2, id, clean_session=False)
        self.client.reconnect_delay_set(1, 1)
        self.ready = False

        def subscribed(*_) -> None:
            self.ready = True

        def heard(client, data, message: paho.MQTTMessage) -> None:
            if message.topic.endswith("/online"):
                self.plain.append((message.topic, message.payload))
            else:
                self.messages.append((message.topic, json.loads(message.payload), message.retain))

        self.client.on_connect = lambda client, *_: client.subscribe(topic, 1)
        self.client.on_subscribe, self.client.on_message = subscribed, heard
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        eventually(lambda: self.ready)

    @property
    def ids(self) -> list[str]:
        return [body["id"] for _, body, _ in self.messages]

    def end(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    made = Broker(tmp_path)
    yield made
    made.down()


def test_what_happens_while_the_broker_is_down_arrives_afterwards_once(broker: Broker, tmp_path: Path) -> None:
    database = Database(tmp_path / "service.db")
    sender = Mqtt("127.0.0.1", broker.port, "shelfwatch", ("alert", "shelf"), "us", pause=1)
    outlet = Outlet(sender, database, Metrics(), pause=0.02)

    def happen(first: int, last: int) -> None:
        for n in range(first, last):
            database.add_event("alert", "p/1", n, n, {"n": n, "kind": "camera dark"})
            database.add_event("reading", "front", n, n, {})
        outlet.ring()

    happen(0, 3)
    outlet.start()
    eventually(lambda: outlet.why == "no broker")
    broker.up()
    heard = Subscriber(broker.port)
    eventually(lambda: len(heard.ids) == 3)
    eventually(lambda: outlet.done == database.events(0, ("alert",))[-1].seq)
    broker.down()
    happen(3, 6)
    broker.up()
    eventually(lambda: len(heard.ids) >= 6)
    eventually(lambda: outlet.waiting == 0)
    outlet.stop()
    eventually(lambda: heard.plain[-1] == ("shelfwatch/online", b"0"))
    heard.end()
    assert [body["data"]["n"] for _, body, _ in heard.messages] == list(range(6))
    assert {topic for topic, _, _ in heard.messages} == {"shelfwatch/alert/camera_dark"}
    assert heard.ids == [event.id for event in database.events(0, ("alert",))]


def test_alerts_and_the_last_state_of_each_shelf_are_there_to_subscribe_to(broker: Broker, tmp_path: Path) -> None:
    broker.up()
    settings = MqttSettings("127.0.0.1", broker.port, topic="stores/7")
    with Caller(service_of(tmp_path / "state", mqtt=settings)) as caller:
        alerts = Subscriber(broker.port, "stores/7/alert/#", "alerts")
        caller.play([FULL] * 3 + [OUT] * 6)
        eventually(lambda: alerts.messages)
        outlet = caller.service.outlets["mqtt"]
        eventually(lambda: outlet.waiting == 0)
        late = Subscriber(broker.port, f"stores/7/shelf/{FIRST.id}", "late")
        eventually(lambda: late.messages)
        ((topic, body, _),) = alerts.messages
        assert (topic, body["data"]["kind"]) == ("stores/7/alert/out", "out")
        ((_, shelf, retained),) = late.messages
        assert (shelf["data"]["last_level"], retained) == ("out", True)
        for one in (alerts, late):
            one.end()


@pytest.fixture(scope="module")
def certificates(tmp_path_factory) -> Path:
    """A certificate authority, and a certificate of it for this machine; and another authority."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl on this machine (apt-get install openssl)")
    folder = tmp_path_factory.mktemp("certificates")

    def openssl(*words: str) -> None:
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    for name in ("ca", "other"):
        key = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2")
        openssl(*key, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.pem")
    request = ("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost")
    openssl(*request, "-keyout", "broker.key", "-out", "broker.csr")
    (folder / "names").write_text("subjectAltName=DNS:localhost\n")
    openssl(
        "x509", "-req", "-in", "broker.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
        "-extfile", "names", "-out", "broker.pem",
    )  # fmt: skip
    return folder


def encrypted(tmp_path: Path, certificates: Path) -> Broker:
    """A broker that takes TLS alone, and asks for name and password."""
    binary = shutil.which("mosquitto_passwd")
    if binary is None:
        pytest.skip("no mosquitto_passwd on this machine")
    subprocess.run([binary, "-b", "-c", str(tmp_path / "passwords"), "store-7", "a password of store 7"], check=True)
    files = "\n".join(
        f"{name} {certificates / file}"
        for name, file in (("cafile", "ca.pem"), ("certfile", "broker.pem"), ("keyfile", "broker.key"))
    )
    broker = Broker(tmp_path, f"{files}\ntls_version tlsv1.2\npassword_file {tmp_path / 'passwords'}\n")
    broker.config.write_text(broker.config.read_text().replace("allow_anonymous true", "allow_anonymous false"))
    return broker


@pytest.mark.parametrize(
    ("host", "ca", "password", "arrives"),
    [
        ("localhost", "ca.pem", "a password of store 7", True),
        ("localhost", "other.pem", "a password of store 7", False),
        ("127.0.0.1", "ca.pem", "a password of store 7", False),  # the certificate is not of this name
        ("localhost", "ca.pem", "another password of it", False),
        ("localhost", "", "a password of store 7", False),  # not encrypted
    ],
)
def test_over_tls_only_the_right_broker_gets_anything(
    tmp_path: Path, certificates: Path, host: str, ca: str, password: str, arrives: bool
) -> None:
    broker, database = encrypted(tmp_path, certificates), Database(tmp_path / "service.db")
    broker.up()
    trusted = str(certificates / ca) if ca else ""
    sender = Mqtt(host, broker.port, "shelfwatch", ("alert",), "us", "store-7", password, trusted, pause=1)
    outlet = Outlet(sender, database, Metrics(), pause=0.05)
    database.add_event("alert", "p/1", 1.0, 1.0, {"kind": "out"})
    outlet.start()
    if arrives:
        eventually(lambda: outlet.waiting == 0)
    else:
        eventually(lambda: outlet.why == "no broker")
        time.sleep(1.5)
        assert (outlet.waiting, outlet.why) == (1, "no broker")
    outlet.stop()
    broker.down()
