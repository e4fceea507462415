"""Configuration: the types of conf/ in Hydra's ConfigStore, and composing with errors of one line."""

from __future__ import annotations

import dataclasses
import re
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, make_dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from bench.studies.settings import DIALS, PARTS, Model
from scenarios import Camera, CameraModel, InputError, Lens, Rig, Sensor
from scenarios.scenario import HERE as SCENARIOS

CONF = Path(__file__).parent.parent / "conf"
PLAIN_GROUPS = ("scenario", "renderer", "runtime")
"""Groups that choose one word; a word that is not among their options (a folder, pathtrace:64) is taken as it is."""
MISSING = "???"


def _sparse(kind: type) -> type:
    """The fields of a dataclass, none of them given: what is not set stays as the scenario or the camera has it."""
    hints = typing.get_type_hints(kind)
    fields = [(f.name, hints[f.name], field(default=MISSING)) for f in dataclasses.fields(kind)]
    return make_dataclass(f"{kind.__name__}Dials", fields)


@cache
def _typed(kind: Any) -> Any:
    """The twin of a frozen dataclass: OmegaConf would not let one be filled. What has no default is `???`."""
    hints = typing.get_type_hints(kind)
    fields = []
    for f in dataclasses.fields(kind):
        hint, default = hints[f.name], field(default=MISSING if f.default is dataclasses.MISSING else f.default)
        if hint is CameraModel:
            hint = Any  # files name one as ${camera_models.NAME}, which OmegaConf takes for a word
        elif dataclasses.is_dataclass(hint):
            hint = _typed(hint)  # type: ignore[arg-type]
            default = field(default_factory=hint)
        elif typing.get_origin(hint) is tuple and dataclasses.is_dataclass(typing.get_args(hint)[0]):
            hint = list[_typed(typing.get_args(hint)[0])]  # type: ignore[misc]
        fields.append((f.name, hint, default))
    return make_dataclass(kind.__name__, fields)


KINDS: tuple[Any, ...] = (Rig, Camera, CameraModel, Lens, Sensor, Model)
SPARSE = {group: _sparse(kind) for group, kind in (DIALS | PARTS).items()}
TYPED = {kind: _typed(kind) for kind in KINDS}


@dataclass
class RunKeys:
    """What `shelfbench run` takes, without the dials; conf/run.yaml has the defaults and says what each key means."""

    name: str = MISSING
    scenario: str = MISSING
    rigs: dict[str, Any] = field(default_factory=dict)
    models: dict[str, Any] = field(default_factory=dict)
    camera_models: dict[str, Any] = field(default_factory=dict)
    runtime: str = MISSING
    renderer: str = MISSING
    first_seed: int = MISSING  # type: ignore[assignment]
    scenarios: int = MISSING  # type: ignore[assignment]
    shoppers: int = MISSING  # type: ignore[assignment]
    workers: int = MISSING  # type: ignore[assignment]
    scale: float = MISSING  # type: ignore[assignment]
    axes: dict[str, Any] = field(default_factory=dict)
    timed_frames: int = MISSING  # type: ignore[assignment]
    cache_gb: float = MISSING  # type: ignore[assignment]
    study: str | None = None
    interpretation: str = ""
    devices: dict[str, Any] = field(default_factory=dict)
    target: str = ""
    client: str = ""
    secret_file: str = ""
    outputs: str = MISSING


RunConfig = make_dataclass(
    "RunConfig", [(group, kind, field(default_factory=kind)) for group, kind in SPARSE.items()], bases=(RunKeys,)
)


@dataclass
class RenderersConfig(RunConfig):  # type: ignore[valid-type, misc]
    """What `shelfbench renderers` takes; conf/renderers.yaml says what each key means."""

    renderers: list[str] = MISSING  # type: ignore[assignment]
    pictures: int = MISSING  # type: ignore[assignment]


SCHEMAS = {kind.__name__: kind for kind in (RunConfig, RenderersConfig, *TYPED.values(), *SPARSE.values())}


def register() -> None:
    """Put the types, and a choice for every named scenario, into Hydra's ConfigStore."""
    from hydra.core.config_store import ConfigStore

    store = ConfigStore.instance()
    store.store(name="run_types", node=RunConfig)
    store.store(name="renderers_types", node=RenderersConfig)
    for group, kind in SPARSE.items():
        store.store(group=group, name="types", node=kind)
    store.store(group="rig", name="types", node=TYPED[Rig])
    store.store(group="model", name="types", node=TYPED[Model])
    for scenario in sorted(p.parent.name for p in SCENARIOS.glob("*/scenario.yaml")):
        store.store(group="scenario", name=scenario, node={"scenario": scenario}, package="_global_")


def compose(name: str, overrides: Sequence[str]) -> dict[str, Any]:
    """Compose a configuration of conf/ with overrides, as plain data; dials that are not set are left out.

    Raises InputError.
    """
    import hydra
    from hydra.errors import HydraException
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    register()
    try:
        with hydra.initialize_config_dir(str(CONF), version_base="1.3"):
            config = hydra.compose(name, plain_words(overrides))
            return plain(OmegaConf.to_container(config, resolve=True))
    except (HydraException, OmegaConfBaseException) as error:
        raise InputError(one_line(error, name)) from None


def plain(config: Any) -> dict[str, Any]:
    """Leave out dials that are not set. Raises InputError for another key without a value."""
    assert isinstance(config, dict)
    settings = [
        config,
        *(v for axis in config.get("axes", {}).values() if isinstance(axis, dict) for v in axis.values()),
    ]
    for setting in settings:
        for group in SPARSE.keys() & (setting.keys() if isinstance(setting, dict) else ()):
            if isinstance(setting[group], dict):
                setting[group] = {k: v for k, v in setting[group].items() if v != MISSING}
    for key, value in _flat(config):
        if value == MISSING:
            raise InputError(f"{key} has no value; give it as {key}=VALUE")
    return {str(k): v for k, v in config.items()}


def flat(config: Mapping[str, Any]) -> dict[str, Any]:
    """Nested keys joined by dots; lists are numbered."""
    return dict(_flat(config))


def _flat(value: Any, where: str = "") -> typing.Iterator[tuple[str, Any]]:
    items: Any = value.items() if isinstance(value, Mapping) else enumerate(value) if _is_list(value) else None
    if items is None or not value:
        yield where, value
        return
    for key, inner in items:
        yield from _flat(inner, f"{where}.{key}" if where else str(key))


def _is_list(value: Any) -> bool:
    return isinstance(value, (list, tuple))


def plain_words(overrides: Sequence[str]) -> list[str]:
    """Overrides in which a word that a group of PLAIN_GROUPS has no file for is made an option of it."""
    from hydra.core.config_store import ConfigStore
    from hydra.core.override_parser.overrides_parser import OverridesParser

    parsed = OverridesParser.create().parse_overrides(list(overrides))
    words = []
    for text, override in zip(overrides, parsed):
        group, value = override.key_or_group, override.value()
        one_word = group in PLAIN_GROUPS and override.package is None and isinstance(value, (str, int, float))
        if one_word and value not in options(group):
            name = "given_" + re.sub(r"\W", "_", str(value))
            ConfigStore.instance().store(name, group=group, node={group: str(value)}, package="_global_")
            text = f"{text.split('=', 1)[0]}={name}"
        words.append(text)
    return words


def options(group: str) -> list[str]:
    """The choices of a group of conf/."""
    if group == "scenario":
        return sorted(p.parent.name for p in SCENARIOS.glob("*/scenario.yaml"))
    return sorted(p.stem for p in (CONF / group).glob("*.yaml"))


def one_line(error: Exception, name: str) -> str:
    """Say in one line what Hydra or OmegaConf says in many; `name` is the configuration's."""
    text = " ".join(f"{error} {error.__cause__ or ''}".split())
    for group in ("experiment", "training", "scenario"):
        if f"You must specify '{group}'" in text:
            return f"{group}=NAME is missing; expected one of {', '.join(options(group))}"
    missing = re.search(r"Missing mandatory value.*full_key: (\S+)", text)
    if missing:
        return f"{missing[1]} has no value; give it as {missing[1]}=VALUE"
    unknown = re.search(r"Key '(\S+)' (?:is )?not in (?:struct|'(\w+)')", text)
    path = re.search(r"full_key: (\S+)", text)
    key = path[1] if path else ""
    if unknown:
        allowed = _allowed(unknown[2], key, name)
        return f"unknown key {key or unknown[1]!r}" + (f"; allowed: {', '.join(allowed)}" if allowed else "")
    choice = re.search(r"Could not find '(\w+)/([^']*)'", text)
    if choice and (CONF / choice[1]).is_dir():
        return f"{choice[1]} {choice[2]!r}; expected one of {', '.join(options(choice[1]))}"
    short = re.split(r" (?:Config search path|full_key|object_type|Set the environment|See https)", text)[0]
    short = re.sub(r"^Error merging override \S+ ", "", short)
    return f"{key}: {short}" if key and key not in short else short


def _allowed(schema: str | None, key: str, name: str) -> list[str]:
    if schema in SCHEMAS:
        return [f.name for f in dataclasses.fields(SCHEMAS[schema])]
    file = CONF / f"{name}.yaml"
    keys = yaml.safe_load(file.read_text(encoding="utf-8")) if file.is_file() and "." not in key else {}
    return [k for k in keys if k != "defaults"]
