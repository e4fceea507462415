"""Who may do what: every route of the application's own OpenAPI refuses every token that is not good for it."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from tests.vision.service.listening import listening
from tests.vision.service.served import Caller, service_of
from vision.service.access import AUDIENCE, SCOPES, fits, hashed, signing_key
from vision.service.app import create_app
from vision.service.routes.page import FILES
from vision.service.settings import AccessSettings, HttpSettings

OPEN = {("/health", "get"), ("/ready", "get"), ("/oauth/token", "post"), ("/v1/links/{name}", "post")}
"""What everybody may ask; a link asks for a signature."""
HTTP = HttpSettings(plain=True, logins_per_minute=1e6, requests_per_minute=1e6)


@pytest.fixture(scope="module")
def caller(tmp_path_factory):
    with Caller(service_of(tmp_path_factory.mktemp("access"), http=HTTP)) as made:
        made.http.headers.pop("Authorization")
        yield made


def operations() -> list[tuple[str, str, dict[str, Any]]]:
    """All that the application offers: path, method, and what its OpenAPI says of it."""
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        paths = create_app(service_of(Path(folder))).openapi()["paths"]
    return [(path, method, said) for path, rows in paths.items() for method, said in rows.items()]


OPERATIONS = operations()
GUARDED = [(p, m, s["security"]) for p, m, s in OPERATIONS if "security" in s]


def test_all_routes_but_four_ask_for_one_scope_and_there_are_no_others(caller: Caller) -> None:
    assert {(p, m) for p, m, s in OPERATIONS if "security" not in s} == OPEN
    scopes = {(p, m): next(iter(s[0].values())) for p, m, s in GUARDED}
    assert all(len(set(found)) == 1 and found[0] in SCOPES for found in scopes.values()), scopes
    # What the OpenAPI does not show: itself, and the page's files, which hold nothing.
    for path in ("/openapi.json", *FILES):
        assert caller.http.get(path).status_code == 200
    assert set(all_paths(caller.app.routes)) - {p for p, _, _ in OPERATIONS} == {"/openapi.json", *FILES}


def all_paths(routes: list[Any]) -> Iterator[str]:
    for route in routes:
        if hasattr(route, "path_format"):
            yield route.path_format
        yield from all_paths(getattr(getattr(route, "original_router", route), "routes", []))


def signed(caller: Caller, key: Any = None, alg: str = "ES256", typ: str = "at+jwt", **changes: Any) -> str:
    """A token of the client `all`, with all scopes, but for what is changed."""
    now = int(time.time())
    claims = {
        "iss": "shelfwatch", "sub": "all", "aud": AUDIENCE, "client_id": "all", "iat": now, "exp": now + 60,
        "jti": "1", "scope": " ".join(SCOPES),
    }  # fmt: skip
    key = key or signing_key(key_path(caller))
    return jwt.encode({"alg": alg, "typ": typ}, {**claims, **changes}, key)


def key_path(caller: Caller):
    return caller.service.database.path.parent / "signing-key.json"


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def tampered(caller: Caller) -> str:
    head, body, sign = signed(caller).split(".")
    return f"{head}.{body[:-2]}AA.{sign}"


BAD = {
    "none": lambda c: {},
    "empty": lambda c: {"Authorization": "Bearer "},
    "no token": lambda c: bearer("nonsense"),
    "odd bytes": lambda c: {"Authorization": b"Bearer \xff\xfe"},
    "basic": lambda c: {"Authorization": "Basic YWxsOngK"},
    "expired": lambda c: bearer(signed(c, exp=int(time.time()) - 1)),
    "another issuer": lambda c: bearer(signed(c, iss="somebody")),
    "another issuer's key": lambda c: bearer(signed(c, ECKey.generate_key("P-256"))),
    "another audience": lambda c: bearer(signed(c, aud="somebody")),
    "no client of ours": lambda c: bearer(signed(c, client_id="nobody")),
    "an ID token": lambda c: bearer(signed(c, typ="JWT")),
    "symmetric": lambda c: bearer(signed(c, OctKey.generate_key(256), "HS256")),
    "tampered": lambda c: bearer(tampered(c)),
}


@pytest.mark.parametrize(("path", "method", "security"), GUARDED, ids=[f"{m} {p}" for p, m, _ in GUARDED])
def test_every_route_refuses_every_token_that_is_not_good_for_it(caller: Caller, path, method, security) -> None:
    url = path.replace("{", "").replace("}", "")
    for name, headers in BAD.items():
        answer = caller.http.request(method, url, headers=headers(caller))
        assert answer.status_code == 401, name
        assert answer.headers["www-authenticate"].startswith("Bearer"), name
    (scope,) = set(next(iter(security[0].values())))
    others = bearer(signed(caller, scope=" ".join(set(SCOPES) - {scope})))
    answer = caller.http.request(method, url, headers=others)
    assert answer.status_code == 403
    assert f'scope="{scope}"' in answer.headers["www-authenticate"]
    # A stream of events ends with its token.
    soon = int(time.time()) + (1 if path == "/v1/events" else 60)
    assert caller.http.request(method, url, headers=bearer(signed(caller, scope=scope, exp=soon))).status_code not in (
        401,
        403,
    )


def ask(caller: Caller, id: str, secret: str, **form: str):
    return caller.http.post("/oauth/token", data={"grant_type": "client_credentials", **form}, auth=(id, secret))


def test_a_client_gets_what_it_may_have_and_no_more(caller: Caller) -> None:
    secret = caller.service.clients.add("till", ["read", "review"])
    got = ask(caller, "till", secret).json()
    assert (got["token_type"], got["expires_in"], set(got["scope"].split())) == ("Bearer", 900, {"read", "review"})
    assert "refresh_token" not in got
    assert ask(caller, "till", secret, scope="read").json()["scope"] == "read"
    assert ask(caller, "till", secret, scope="read admin").json()["error"] == "invalid_scope"
    posted = {"grant_type": "client_credentials", "client_id": "till", "client_secret": secret}
    assert caller.http.post("/oauth/token", data=posted).status_code == 200
    wrong = [ask(caller, "till", "wrong"), ask(caller, "nobody", "wrong")]
    assert [a.status_code for a in wrong] == [401, 401]
    assert wrong[0].json() == wrong[1].json()  # whether there is such a client is not said
    for form in ({}, {"grant_type": "password"}, {"grant_type": "client_credentials"}):
        assert 400 <= caller.http.post("/oauth/token", data=form).status_code <= 401


def test_a_client_that_is_removed_can_do_nothing_more(caller: Caller) -> None:
    admin = bearer(signed(caller))
    made = caller.http.post("/v1/clients", json={"id": "temp", "scopes": ["read"]}, headers=admin)
    assert made.status_code == 201
    again = caller.http.post("/v1/clients", json={"id": "temp", "scopes": ["read"]}, headers=admin)
    assert again.status_code == 409
    token = bearer(caller.token("temp", made.json()["secret"]))
    assert caller.http.get("/v1/shelves", headers=token).status_code == 200
    assert caller.http.delete("/v1/clients/temp", headers=admin).status_code == 204
    assert caller.http.get("/v1/shelves", headers=token).status_code == 401
    assert caller.http.delete("/v1/clients/temp", headers=admin).status_code == 404


def test_secrets_are_hashed_and_keys_are_in_no_log(tmp_path, caplog) -> None:
    caplog.set_level(logging.DEBUG)
    service = service_of(tmp_path, http=HTTP)
    with Caller(service) as caller, listening(caller.app):  # uvicorn sets logging up anew
        token = caller.token("all", caller.secret)
        assert caller.http.get("/v1/shelves").status_code == 200
        assert caller.http.get("/v1/shelves", headers=bearer(token[:-3])).status_code == 401
        assert ask(caller, "all", caller.secret + "x").status_code == 401
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    private = signing_key(tmp_path / "signing-key.json").as_dict(private=True)["d"]
    for secret in (caller.secret, token, token.split(".")[2], private):
        assert secret not in caplog.text
    assert caller.secret.encode() not in kept
    assert (tmp_path / "signing-key.json").stat().st_mode & 0o777 == 0o600
    assert fits("a", hashed("a"))
    assert not fits("b", hashed("a"))


def test_tokens_outlive_a_restart_but_not_their_time(tmp_path) -> None:
    with Caller(service_of(tmp_path, http=HTTP, access=AccessSettings(token_seconds=1))) as caller:
        token = caller.http.headers["Authorization"]
    with Caller(service_of(tmp_path, http=HTTP)) as again:
        answer = again.http.get("/v1/shelves", headers={"Authorization": token})
        assert answer.status_code in (200, 401)  # by now it may be over
        time.sleep(1.1)
        assert again.http.get("/v1/shelves", headers={"Authorization": token}).status_code == 401


def test_who_asks_too_often_is_told_to_come_back(tmp_path) -> None:
    http = HttpSettings(plain=True, requests_per_minute=60, logins_per_minute=60)
    with Caller(service_of(tmp_path, http=http)) as caller:
        codes = [caller.http.get("/v1/shelves").status_code for _ in range(14)]
        assert codes.count(200) >= 10
        refused = caller.http.get("/v1/shelves")
        assert (codes[-1], refused.status_code) == (429, 429)
        assert int(refused.headers["retry-after"]) >= 1
        guesses = [caller.http.get("/v1/shelves", headers=bearer("guess")).status_code for _ in range(14)]
        assert (guesses[0], guesses[-1]) == (401, 429)
        assert ask(caller, "all", "guess").status_code == 429


def test_answers_carry_what_browsers_obey(caller: Caller) -> None:
    for path in ("/health", "/v1/shelves", "/nowhere"):
        headers = caller.http.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert headers["cache-control"] == "no-store"
        assert "server" not in headers


def test_a_large_body_is_refused_before_it_is_read(caller: Caller) -> None:
    answer = caller.http.post("/v1/review", content=b" " * 100_000, headers=bearer(signed(caller)))
    assert (answer.status_code, answer.json()["title"]) == (413, "too large")
    assert caller.http.post("/oauth/token", content=b"a=" + b"b" * 100_000).status_code == 413
