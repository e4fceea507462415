"""Which stores a chain has: one YAML file."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path

from scenarios.files import read_yaml
from vision.service.settings import AccessSettings, HttpSettings


@dataclass(frozen=True)
class StoreSettings:
    """One store's service. `client` is one of its clients with the scope read, `secret_file` holds its secret, `ca` the
    PEM of whoever signed its certificate, if that is nobody whom this machine trusts anyway."""

    name: str
    url: str
    client: str
    secret_file: str
    ca: str = ""

    def __post_init__(self) -> None:
        if not self.name or not self.url.startswith(("http://", "https://")):
            raise ValueError(f"store {self.name!r}; expected a name, and a url of http:// or https://")


@dataclass(frozen=True)
class ChainSettings:
    """A chain. `every`: seconds between two looks at a store, `patience`: seconds that it has to answer. Paths are
    relative to the file that says so."""

    stores: tuple[StoreSettings, ...]
    state: str = "chain"
    every: float = 10.0
    patience: float = 5.0
    http: HttpSettings = field(default_factory=HttpSettings)
    access: AccessSettings = field(default_factory=AccessSettings)

    def __post_init__(self) -> None:
        names = [store.name for store in self.stores]
        if not names or len(set(names)) < len(names):
            raise ValueError(f"stores {', '.join(names) or 'none'}; expected one at least, each with a name of its own")
        if not (self.every > 0 and self.patience > 0):
            raise ValueError(f"every {self.every}, patience {self.patience}; expected seconds above 0")


def load_chain(path: Path) -> ChainSettings:
    """Read a chain.yaml. Raises InputError that names file and key."""
    read, at = read_yaml(path, ChainSettings), path.parent

    def there(text: str) -> str:
        return str(at / text) if text else ""

    stores = tuple(dataclasses.replace(s, secret_file=there(s.secret_file), ca=there(s.ca)) for s in read.stores)
    http = dataclasses.replace(
        read.http, certificate=there(read.http.certificate), private_key=there(read.http.private_key)
    )
    return dataclasses.replace(read, stores=stores, state=there(read.state), http=http)
