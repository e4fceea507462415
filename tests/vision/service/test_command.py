"""`shelfwatch serve` and `shelfwatch client` as a user types them."""

from __future__ import annotations

import re
import signal
import ssl
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from scenarios import Camera, CameraModel, InputError
from tests.refusal import refusal
from tests.vision.service.receiver import eventually, free_port
from vision.calibrate import save_camera
from vision.cli import main
from vision.service.chain.settings import load_chain
from vision.service.settings import load_settings

ROOT = Path(__file__).parents[3]
STORE = ROOT / "scenarios" / "quickstart"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    model = CameraModel("test", 320, 180, 1.13, 0.0)
    save_camera(Camera("angled", model, (1.0, -2.3, 2.1), (1.0, 0.0, 0.88)), tmp_path / "camera.yaml", "A test.")
    (tmp_path / "short.secret").write_text("short")
    return tmp_path


def written(place: Path, more: str = "", calibration: str = "camera.yaml") -> str:
    path = place / "service.yaml"
    path.write_text(f"store: {STORE}\ncameras:\n  - calibration: {calibration}\n{more}")
    return str(path)


def test_the_example_in_the_documentation_can_be_read(tmp_path: Path) -> None:
    example, chain = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "service.md").read_text(), re.DOTALL)
    (tmp_path / "service.yaml").write_text(example)
    settings = load_settings(tmp_path / "service.yaml")
    assert settings.cameras[1].source == "rtsp://192.168.1.20/stream"
    assert settings.cameras[0].calibration == str(tmp_path / "cam-1.yaml")
    assert settings.mqtt is not None
    assert (settings.mqtt.ca, settings.webhooks[0].types) == ("system", ("alert",))
    assert settings.links[0].types == ("sale",)
    (tmp_path / "chain.yaml").write_text(chain)
    assert load_chain(tmp_path / "chain.yaml").stores[0].ca == str(tmp_path / "store-ca.pem")


WRONG = [
    ("cameras: []\n", "cameras: none; expected one at least"),
    ("clock: sun\n", "clock 'sun'; expected wall or frames"),
    ("http: {host: 0.0.0.0}\n", "host 0.0.0.0 without certificate and private_key"),
    ("http: {certificate: a.pem}\n", "certificate and private_key go together"),
    ("http: {certificate: a.pem, private_key: b.pem}\n", "expected PEM files"),
    ("http: {port: 70000}\n", "port 70000; expected 0 to 65535"),
    ("http: {speed: 1}\n", "unknown key 'speed'"),
    ("webhooks: [{name: a, url: 'ftp://x', secret_file: s}]\n", "expected a name, and a url of http:// or https://"),
    ("webhooks: [{name: a, url: 'http://x', secret_file: none}]\n", "none: not readable"),
    ("webhooks: [{name: a, url: 'http://x', secret_file: short.secret}]\n", "expected one line of 16 characters"),
    ("webhooks: [{name: a, url: 'http://x', secret_file: s, types: [x]}]\n", "types x; expected some of alert"),
    ("mqtt: {host: h, topic: 'a/#'}\n", "expected a topic without # and +"),
    ("links: [{name: a/b, secret_file: s}]\n", "expected a name without /"),
    ("links: [{name: a, secret_file: s, types: [gossip]}]\n", "types gossip; expected a name"),
    ("gallery: camera.yaml\n", "camera.yaml: not a gallery"),
    ("pictures: {hours: 0}\n", "hours 0.0; expected"),
    ("readers: 3\n", "readers 3; expected 0 to 1, the number of cameras"),
    ("read_anew: 60\n", "read_anew 60.0; expected 0 to 30 seconds"),
]


@pytest.mark.parametrize(("more", "expected"), WRONG)
def test_wrong_settings_get_one_line(place: Path, capsys, more: str, expected: str) -> None:
    path = written(place, more)
    if more.startswith("cameras"):
        Path(path).write_text(f"store: {STORE}\n{more}")
    with pytest.raises(SystemExit) as exit:
        main(["serve", path])
    assert exit.value.code == 2
    (line,) = (line for line in capsys.readouterr().err.splitlines() if line.startswith("shelfwatch: "))
    assert expected in line


def test_clients_are_added_listed_and_removed(place: Path, capsys) -> None:
    path = written(place)
    main(["client", path, "--add", "till", "--scope", "read", "frames"])
    secret = capsys.readouterr().out.split()[1]
    assert len(secret) >= 40
    main(["client", path])
    assert capsys.readouterr().out.split() == ["till", "read", "frames"]
    for wrong, expected in ((["--add", "till"], "there is such a client"), (["--remove", "x"], "x: no such client")):
        assert expected in refusal(main, ["client", path, *wrong], capsys)
    main(["client", path, "--remove", "till"])
    assert capsys.readouterr().out == ""


def test_without_the_extra_one_line_says_what_to_install(place: Path, capsys, monkeypatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(SystemExit):
        main(["serve", written(place)])
    assert "pip install 'shelfbench[serve]'" in capsys.readouterr().err


@pytest.mark.slow
def test_it_serves_over_tls_until_it_is_interrupted(place: Path) -> None:
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed (extra: cpu)")
    certificate(place)
    port = free_port()
    path = written(place, f"http: {{port: {port}, certificate: cert.pem, private_key: key.pem}}\n")
    command = [sys.executable, "-m", "vision.cli", "serve", path]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as child:
        trusted = ssl.create_default_context(cafile=str(place / "cert.pem"))
        with httpx.Client(base_url=f"https://127.0.0.1:{port}", verify=trusted, timeout=30) as client:
            eventually(lambda: answers(client), 100)
            assert client.get("/ready").json() == {"status": "ok"}
            assert client.get("/ready").headers["strict-transport-security"]
            assert client.get("/v1/shelves").status_code == 401
        child.send_signal(signal.SIGTERM)
        assert child.wait(30) in (0, -signal.SIGTERM)
        assert child.stderr is not None
        assert "nobody may ask yet" in child.stderr.read()


def answers(client: httpx.Client) -> bool:
    try:
        return client.get("/health").status_code == 200
    except httpx.HTTPError:
        return False


def certificate(folder: Path) -> None:
    """A certificate for this machine, and its key."""
    import datetime
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.timezone.utc)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a test")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


def test_a_secret_is_in_no_settings_message(tmp_path: Path) -> None:
    (tmp_path / "service.yaml").write_text(
        "store: s\ncameras: [{calibration: c, source: 'rtsp://me:key@h/', every: 0}]\n"
    )
    with pytest.raises(InputError) as error:
        load_settings(tmp_path / "service.yaml")
    assert "key@" not in str(error.value)
