"""Checks of the files that hold secrets: are they kept from everybody?"""

from __future__ import annotations

import stat
import tomllib
from collections.abc import Iterator
from pathlib import Path

from etl.doctor.records import Check, ok, warn
from etl.settings import CONFIG_FILE, Settings

AREA = "sources"


def check_secret_files(settings: Settings) -> Iterator[Check]:
    """One check of all of them; nothing is said where there are none."""
    config = settings.home / CONFIG_FILE
    named = (
        config if config.is_file() and _sets_secrets(config) else None,
        settings.receive.token_file,
        settings.pull.private_key_file,
        settings.pull.secret_file,
    )
    files = [path for path in named if path and path.is_file()]
    exposed = [path for path in files if path.stat().st_mode & stat.S_IRWXO]
    if exposed:
        names = ", ".join(path.name for path in exposed)
        action = f"run chmod o= {' '.join(map(str, exposed))}, and consider new secrets."
        yield warn(AREA, "secrets", f"every user of this machine can read {names}", action)
    elif files:
        yield ok(AREA, "secrets", f"{', '.join(path.name for path in files)} private")


def _sets_secrets(config: Path) -> bool:
    """True if it sets what is secret, or options of buckets, which may be. It was read before."""
    chosen = tomllib.loads(config.read_text("utf-8"))
    return bool(chosen.get("buckets")) or any(
        name in chosen.get(section, {})
        for section, settings in Settings.model_fields.items()
        for name, field in getattr(settings.annotation, "model_fields", {}).items()
        if "SecretStr" in str(field.annotation)
    )
