"""Reads the dials of a run from a TOML profile; its keys are the fields of `dials.Dials`."""

from __future__ import annotations

import tomllib
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from etl.errors import UsageFault
from etl.synth.dials import Dials


def read_profile(path: Path) -> Dials:
    """The dials of a profile; raises UsageFault that lists every fault at once."""
    try:
        return TypeAdapter(Dials).validate_python(tomllib.loads(path.read_text("utf-8")))
    except tomllib.TOMLDecodeError as error:
        raise UsageFault(f"{path} is not valid TOML ({error}); correct it.") from None
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}"
            for fault in error.errors(include_input=False, include_url=False)
        )
        raise UsageFault(f"The profile is not valid ({faults}); correct {path}.") from None
