"""Who may do what: OAuth 2 client credentials (RFC 6749, 4.4) for JWT access tokens (RFC 9068), with scopes."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import os
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import AuthorizationServer, ClientMixin, OAuth2Request
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc9068 import JWTBearerTokenGenerator, JWTBearerTokenValidator
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from scenarios import InputError
from vision.service.database import Database

SCOPES = {
    "read": "readings, shelves, alerts, events, metrics",
    "frames": "send frames",
    "review": "see and answer questions, see stored pictures",
    "admin": "clients, and deliveries to be repeated",
}
ALGORITHM, AUDIENCE = "ES256", "shelfwatch"
HASH = {"n": 2**14, "r": 8, "p": 1}
"""scrypt (RFC 7914) with 16 MiB: the secrets are 256 random bits, so that guessing is hopeless even at less."""
# It writes whole tokens at DEBUG. A filter stays where `disabled` does not: uvicorn's set-up of logging enables all.
logging.getLogger("authlib.oauth2.rfc6749.grants.client_credentials").addFilter(lambda record: False)


def hashed(secret: str, salt: bytes | None = None) -> str:
    """A secret as it is kept."""
    salt = secrets.token_bytes(16) if salt is None else salt
    return f"{salt.hex()}:{hashlib.scrypt(secret.encode(), salt=salt, dklen=32, **HASH).hex()}"


def fits(secret: str, kept: str) -> bool:
    """Whether this is the secret that was kept."""
    return hmac.compare_digest(hashed(secret, bytes.fromhex(kept.split(":")[0])), kept)


@dataclass(frozen=True)
class Client(ClientMixin):
    """Somebody who may ask for tokens. `secret` is hashed."""

    id: str
    secret: str
    scopes: tuple[str, ...]
    made: float = 0.0

    def get_client_id(self) -> str:
        return self.id

    def get_allowed_scope(self, scope: str | None) -> str | None:
        """Without a wish all that it may; a wish beyond that is refused."""
        asked = scope.split() if scope else list(self.scopes)
        return " ".join(asked) if set(asked) <= set(self.scopes) else None

    def check_client_secret(self, client_secret: str) -> bool:
        return fits(client_secret, self.secret)

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method in ("client_secret_basic", "client_secret_post")

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "client_credentials"


class Clients:
    """The clients of a service, in its database."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._nobody = hashed(secrets.token_urlsafe())

    def add(self, id: str, scopes: Sequence[str]) -> str:
        """Add a client and return its secret, which is kept nowhere. Raises InputError."""
        unknown = sorted(set(scopes) - set(SCOPES))
        if unknown or not scopes:
            raise InputError(f"{id}: scopes {', '.join(unknown) or 'none'}; expected some of {', '.join(SCOPES)}")
        secret = secrets.token_urlsafe(32)
        with self.database.transaction() as db:
            row = (id, hashed(secret), " ".join(s for s in SCOPES if s in scopes), time.time())
            if db.execute("INSERT OR IGNORE INTO clients VALUES (?, ?, ?, ?)", row).rowcount == 0:
                raise InputError(f"{id}: there is such a client already; expected a new name")
        return secret

    def remove(self, id: str) -> bool:
        """Remove a client; its tokens are worth nothing from now on. Whether there was one."""
        with self.database.transaction() as db:
            return bool(db.execute("DELETE FROM clients WHERE id = ?", (id,)).rowcount)

    def all(self) -> list[Client]:
        """All clients by name."""
        rows = self.database.rows("SELECT id, secret, scopes, made FROM clients ORDER BY id")
        return [Client(id, secret, tuple(scopes.split()), made) for id, secret, scopes, made in rows]

    def find(self, id: str) -> Client | None:
        """A client by name."""
        rows = self.database.rows("SELECT id, secret, scopes, made FROM clients WHERE id = ?", (id,))
        return Client(rows[0][0], rows[0][1], tuple(rows[0][2].split()), rows[0][3]) if rows else None

    def find_or_nobody(self, id: str) -> Client:
        """A client by name, or one whose secret nobody knows: whether there is one shows in no answer and no time."""
        return self.find(id) or Client(id, self._nobody, ())


class NoToken(Exception):
    """A request without a token that is good for it. `error` as in RFC 6750, empty where there is no token at all."""

    def __init__(self, error: str, detail: str, scope: str = "") -> None:
        super().__init__(detail)
        self.error, self.detail, self.scope = error, detail, scope


class Tokens:
    """Issues tokens and checks them."""

    def __init__(self, clients: Clients, key: ECKey, issuer: str, seconds: int) -> None:
        self.clients = clients
        self._server = _Server(clients)
        self._server.register_grant(_Grant)
        self._server.register_token_generator("default", _Generator(key, issuer, seconds))
        self._validator = _Validator(key, issuer)

    def issue(self, form: dict[str, str], headers: dict[str, str]) -> tuple[int, dict[str, Any], dict[str, str]]:
        """Answer a request for a token: status, body and headers of the answer."""
        status, body, said = self._server.create_token_response(_Asked(form, headers))
        return status, body, dict(said)

    def check(self, authorization: str, scopes: Sequence[str]) -> tuple[str, float]:
        """The client that an Authorization header is of, and until when. Raises NoToken."""
        kind, _, token = authorization.partition(" ")
        if kind.lower() != "bearer" or not token.strip():
            raise NoToken("", "expected a bearer token")
        try:
            claims = self._validator.authenticate_token(token.strip())
            claims.validate()
            if claims.header.get("typ") != "at+jwt":
                raise ValueError("typ")
            client = self.clients.find(str(claims["client_id"]))
            granted = set(str(claims.get("scope", "")).split())
            until = float(claims["exp"])
        except (OAuth2Error, JoseError, ValueError, TypeError, KeyError, AttributeError):
            raise NoToken("invalid_token", "the token is not one of this service, or has expired") from None
        if client is None:
            raise NoToken("invalid_token", "there is no such client any more")
        if not set(scopes) <= granted & set(client.scopes):
            raise NoToken("insufficient_scope", f"expected the scope {' '.join(scopes)}", " ".join(scopes))
        return client.id, until


class _Asked(OAuth2Request):
    def __init__(self, form: dict[str, str], headers: dict[str, str]) -> None:
        super().__init__("POST", "https://shelfwatch/oauth/token", headers=headers)
        self.payload, self._form = BasicOAuth2Payload(form), form

    @property
    def form(self) -> dict[str, str]:
        return self._form


class _Server(AuthorizationServer):
    def __init__(self, clients: Clients) -> None:
        super().__init__(scopes_supported=list(SCOPES))
        self.clients = clients

    def query_client(self, client_id: str) -> Client:
        return self.clients.find_or_nobody(client_id)

    def save_token(self, token: dict[str, Any], request: OAuth2Request) -> None:
        """It says all that there is to know itself."""

    def create_oauth2_request(self, request: OAuth2Request) -> OAuth2Request:
        return request

    def handle_response(self, status: int, body: Any, headers: Any) -> tuple[int, Any, Any]:
        return status, body, headers

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Nobody listens."""


class _Grant(ClientCredentialsGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic", "client_secret_post")


class _Generator(JWTBearerTokenGenerator):
    def __init__(self, key: ECKey, issuer: str, seconds: int) -> None:
        super().__init__(issuer, ALGORITHM, expires_generator=lambda client, grant: seconds)
        self.key = key

    def get_jwks(self) -> ECKey:
        return self.key

    def get_audiences(self, client: Client, user: Any, scope: str) -> str:
        return AUDIENCE


class _Validator(JWTBearerTokenValidator):
    def __init__(self, key: ECKey, issuer: str) -> None:
        super().__init__(issuer, AUDIENCE)
        self.key = key

    def get_jwks(self) -> ECKey:
        return self.key


def signing_key(path: Path) -> ECKey:
    """The key of a file, made at first; nobody else may read it. Raises InputError."""
    if not path.exists():
        draft = path.with_name(f".{path.name}.draft-{os.getpid()}")
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as stream:
            json.dump(ECKey.generate_key("P-256").as_dict(private=True), stream)
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(path)
    if path.stat().st_mode & 0o077:
        raise InputError(f"{path}: others may read it; expected a file of mode 600")
    try:
        return ECKey.import_key(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError, JoseError) as error:
        raise InputError(f"{path}: {type(error).__name__}; expected an EC key as JSON (JWK)") from None
