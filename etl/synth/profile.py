"""Puts the dials of a run together: a TOML profile, then options, then `key=value` settings.

The keys are the fields of `dials.Dials`, dotted where they nest (`shares.misfits`).
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from etl.errors import UsageFault
from etl.synth.dials import Dials
from etl.synth.scenarios.dials import ScenarioDials

D = TypeVar("D")


def read_dials(
    profile: Path | None, *, options: Mapping[str, Any], settings: Iterable[str] = ()
) -> Dials:
    """The dials; later ones win, None stands for not given.

    `settings` are texts such as `array_max=20`. Raises UsageFault that lists every fault at once.
    """
    dials = _read_toml(profile.read_text("utf-8"), str(profile)) if profile else {}
    for name, value in options.items():
        if value is not None:
            _set(dials, name, value)
    for setting in settings:
        name, _, value = setting.partition("=")
        _set(dials, name.strip(), _read_toml(f"value = {value}", setting)["value"])
    return _validate(Dials, dials)


def read_scenario_dials(options: Mapping[str, Any]) -> ScenarioDials:
    """The dials of a run of scenarios; None stands for not given."""
    return _validate(ScenarioDials, {k: v for k, v in options.items() if v is not None})


def _set(dials: dict[str, Any], name: str, value: Any) -> None:
    *tables, key = name.split(".")
    for table in tables:
        dials = dials.setdefault(table, {})
    dials[key] = value


def _read_toml(text: str, origin: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageFault(f"{origin} is not valid TOML ({error}); correct it.") from None


def _validate(kind: type[D], dials: Mapping[str, Any]) -> D:
    try:
        return TypeAdapter(kind).validate_python(dials)
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}"
            for fault in error.errors(include_input=False, include_url=False)
        )
        raise UsageFault(
            f"The settings are not valid ({faults}); docs/synth.md lists them."
        ) from None
