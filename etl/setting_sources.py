"""Where settings come from, and what is wrong with them in plain words without any value.

Which settings there are lives in `etl.settings`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_settings import EnvSettingsSource, TomlConfigSettingsSource

NESTED = "__"
_LIST, _SECTION, _NUMBER = 'a list such as ["a", "b"]', "a table of settings", "a number"
_WHOLE, _TRUTH, _DAY = "a whole number", "true or false", "a date such as 2026-01-31"
# what a value has to be, by the type of pydantic's error; {names} are filled from its context
_MUST_BE = {
    "greater_than": "more than {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "less than {lt}",
    "less_than_equal": "at most {le}",
    "literal_error": "{expected}",
    "string_pattern_mismatch": "of the form {pattern}",
    "string_type": "text in quotes",
    "path_type": "a path in quotes",
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_from_float": _WHOLE,
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "bool_type": _TRUTH,
    "bool_parsing": _TRUTH,
    "date_type": _DAY,
    "date_parsing": _DAY,
    "date_from_datetime_parsing": _DAY,
    "tuple_type": _LIST,
    "dict_type": _SECTION,
    "model_type": _SECTION,
    "model_attributes_type": _SECTION,
}


class EnvironmentSource(EnvSettingsSource):
    """The environment; text that is no JSON stays text, for validation to report with the rest."""

    def decode_complex_value(self, field_name: str, field: Any, value: Any) -> Any:
        try:
            return super().decode_complex_value(field_name, field, value)
        except ValueError:
            return value


class FileSource(TomlConfigSettingsSource):
    """The site's file; one that cannot be read gives nothing, and `file_faults` says why."""

    def _read_file(self, file_path: Any) -> dict[str, Any]:
        try:
            return super()._read_file(file_path)
        except (OSError, ValueError):
            return {}


def file_faults(path: Path) -> Iterator[str]:
    """Why the site's file cannot be read; its text, which may hold secrets, is not repeated."""
    if not path.exists():
        return
    try:
        tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        yield f"{path.name} cannot be read, {error.strerror}"
    except UnicodeDecodeError:
        yield f"{path.name} is not UTF-8 text"
    except tomllib.TOMLDecodeError as error:
        # "Expected '=' after a key in a key/value pair (at line 1, column 10)"
        place = str(error).rpartition("(at ")[2].rstrip(")")
        yield f"{path.name} is not valid TOML at {place}"


def unknown_sections(names: Iterable[str], *, prefix: str, known: Collection[str]) -> list[str]:
    """Names of the environment that mean a setting of a section that is none, sorted."""
    return sorted(
        name
        for name in names
        if name.startswith(prefix)
        and NESTED in name
        and name.removeprefix(prefix).partition(NESTED)[0].lower() not in known
    )


def unread_names(names: Iterable[str], *, prefix: str, known: Collection[str]) -> list[str]:
    """Names that look like settings and are read by nobody, sorted.

    No fault, because container platforms make such names of their services' names.
    """
    return sorted(
        name
        for name in names
        if name.startswith(prefix)
        and NESTED not in name
        and name.removeprefix(prefix).lower() not in known
    )


def tell_faults(error: ValidationError) -> list[str]:
    """One phrase per fault: the setting's name and what it must be."""
    return [
        f"{'.'.join(map(str, fault['loc']))} {_tell(fault)}"
        for fault in error.errors(include_input=False, include_url=False)
    ]


def _tell(fault: Mapping[str, Any]) -> str:
    kind: str = fault["type"]
    if kind == "extra_forbidden":
        return "is not a setting"
    if kind in _MUST_BE:
        return f"must be {_MUST_BE[kind].format(**fault.get('ctx', {}))}"
    return str(fault["msg"]).removeprefix("Value error, ")


def read_token_file(path: Path) -> list[str]:
    """The verification tokens of a file: one per line, `#` begins a comment. Raises OSError."""
    lines = (line.strip() for line in path.read_text("utf-8", "replace").splitlines())
    return [line for line in lines if line and not line.startswith("#")]
