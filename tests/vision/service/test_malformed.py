"""Whatever is sent, the service answers for it: no request ends in an error of the service's own."""

from __future__ import annotations

import string
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.vision.service.served import Caller, jpeg_of, service_of
from tests.vision.watched import FULL
from vision.service.settings import HttpSettings

REQUESTS = 1000
ODD = (
    "", " ", "0", "-1", "1e400", "nan", "true", "null", "[]", "{}", "\x00", "\x7f", "é", "𝄞", "\ud800", "%00", "%ff",
    "..", "../../etc/passwd", "';DROP TABLE readings;--", "9" * 30, "1" * 5000, "x" * 300,
)  # fmt: skip
LIKELY = ("front", "p-box", "1", "2.5", "alert")
CONTENT_TYPES = (
    "image/jpeg", "application/json", "application/x-www-form-urlencoded", "multipart/form-data",
    "text/plain; charset=?", "",
)  # fmt: skip
texts = st.sampled_from(ODD) | st.text(string.printable + "é\x00𝄞", max_size=20) | st.sampled_from(LIKELY)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
bodies = st.binary(max_size=200) | st.sampled_from([b"", b"{", jpeg_of(FULL), jpeg_of(FULL)[:900], b"\xff\xd8" * 400])


@pytest.fixture(scope="module")
def caller(tmp_path_factory) -> Iterator[Caller]:
    http = HttpSettings(plain=True, requests_per_minute=1e9, logins_per_minute=1e9, streams=0)
    with Caller(service_of(tmp_path_factory.mktemp("malformed"), http=http)) as made:
        yield made


def encoded(text: str) -> str:
    from urllib.parse import quote

    return quote(text.encode("utf-8", "surrogatepass"), safe="")


@st.composite
def requests(draw: st.DrawFn, operations: list[tuple[str, str, dict[str, Any]]]) -> dict[str, Any]:
    """A request to one of the routes, with parameters, body and headers that it may not expect."""
    path, method, said = draw(st.sampled_from(operations))
    for parameter in said.get("parameters", []):
        if parameter["in"] == "path":
            right = parameter["name"] == "camera" and draw(st.booleans())
            path = path.replace(f"{{{parameter['name']}}}", "front" if right else encoded(draw(texts)) or "-")
    names = [p["name"] for p in said.get("parameters", []) if p["in"] == "query"]
    query = [(name, draw(st.just("1") | texts)) for name in names if draw(st.booleans())]
    url = path + ("?" if query else "") + "&".join(f"{name}={encoded(value)}" for name, value in query)
    headers = {"Content-Type": draw(st.sampled_from(CONTENT_TYPES))}
    if draw(st.booleans()):
        headers["Last-Event-ID"] = draw(st.sampled_from(["", "x-1", "9" * 40, "x-9223372036854775807"]))
    request: dict[str, Any] = {"method": method.upper(), "url": url, "headers": headers}
    fields = _fields(said)
    if fields and draw(st.booleans()):
        import json

        body = {name: draw(values) for name in fields if draw(st.booleans())}
        request["content"] = json.dumps(body).encode("utf-8", "surrogatepass")
        headers["Content-Type"] = "application/json"
    else:
        request["content"] = draw(bodies)
    return request


def _fields(said: dict[str, Any]) -> tuple[str, ...]:
    """Keys of a JSON body; there are few in all."""
    content = said.get("requestBody", {}).get("content", {})
    return ("id", "right", "by", "scopes", "after") if "application/json" in content else ()


@pytest.mark.slow
def test_malformed_requests_give_no_error_of_the_services_own(caller: Caller) -> None:
    paths = caller.app.openapi()["paths"]
    operations = [(path, method, said) for path, rows in paths.items() for method, said in rows.items()]
    statuses: list[tuple[str, int]] = []

    calm = list(HealthCheck)

    @settings(max_examples=REQUESTS, deadline=None, database=None, derandomize=True, suppress_health_check=calm)
    @given(requests(operations))
    def send(request: dict[str, Any]) -> None:
        answer = caller.http.request(**request)
        statuses.append((request["url"], answer.status_code))
        assert answer.status_code < 500, (request, answer.text)

    send()
    assert len(statuses) >= REQUESTS
    assert {status for _, status in statuses} >= {200, 400, 404, 415, 422}
    assert {url for url, status in statuses if status == 401} <= {"/oauth/token"}
    assert caller.http.get("/ready").status_code == 200
