"""Checks of the sources: webhook, pull, watched paths."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path

from etl.doctor.records import Check, fail, ok, warn
from etl.plurals import counted
from etl.pull.auth import login_faults
from etl.setting_sources import read_token_file
from etl.settings import Settings
from etl.sources.seen import is_damaged, read_seen

AREA = "sources"
# the package that opens URLs of this scheme, and the extra that installs it
OPENERS = {
    "s3": ("s3fs", "s3"),
    "s3a": ("s3fs", "s3"),
    "gs": ("gcsfs", "gcs"),
    "gcs": ("gcsfs", "gcs"),
    "abfs": ("adlfs", "azure"),
    "abfss": ("adlfs", "azure"),
    "az": ("adlfs", "azure"),
}


def check_ways_in(settings: Settings) -> Iterator[Check]:
    """Is each way in that is set up usable?"""
    yield _webhook(settings)
    yield from _incoming(settings.incoming_path)
    yield _pull(settings)
    yield from _watched(settings)
    yield _seen(settings)


def _seen(settings: Settings) -> Check:
    if is_damaged(settings.seen_path):
        action = (
            "run `redox-warehouse load`; it writes the list again and reads its sources once more."
        )
        return warn(AREA, "seen list", "it is damaged", action)
    return ok(AREA, "seen list", f"{len(read_seen(settings.seen_path)):,} sources")


def _incoming(folder: Path) -> Iterator[Check]:
    """Where webhook and pull hand over."""
    if folder.is_dir() and not os.access(folder, os.W_OK):
        action = "make the folder HOME/incoming writable for the receiver's user."
        yield fail(AREA, "incoming", "not writable, so the webhook answers 503", action)
    elif waiting := len(list(folder.glob("*.seg"))):
        yield ok(AREA, "incoming", f"{counted(waiting, 'closed segment')} to load")


def _webhook(settings: Settings) -> Check:
    given = settings.receive
    count = len(given.tokens.get_secret_value().split())
    if given.token_file is not None:
        if not _is_readable(given.token_file):
            action = "correct receive.token_file or its permissions."
            return fail(AREA, "webhook", "its token file cannot be read", action)
        count += len(read_token_file(given.token_file))
    if count:
        return ok(AREA, "webhook", counted(count, "verification token"))
    if given.token_file is not None:
        action = "write one token per line into the file."
        return fail(AREA, "webhook", "its token file is empty", action)
    return ok(AREA, "webhook", "not set up (no token)")


def _pull(settings: Settings) -> Check:
    given = settings.pull
    if not any((given.client_id, given.private_key_file, given.api_key, given.secret)):
        return ok(AREA, "pull", "not set up (no login)")
    faults = login_faults(given)
    for name in ("private_key_file", "secret_file", "ca_file"):
        file = getattr(given, name)
        if file is not None and not _is_readable(file):
            faults.append(f"pull.{name} cannot be read")
    if faults:
        return fail(AREA, "pull", "; ".join(faults), "correct the section pull of the settings.")
    return ok(AREA, "pull", f"logs in with {'OAuth' if given.client_id else 'a legacy key'}")


def _watched(settings: Settings) -> Iterator[Check]:
    """Watched paths by number: their text may hold names."""
    for number, path in enumerate(settings.watch.paths, 1):
        name = f"watched path {number}"
        scheme, mark, _ = path.partition("://")
        package, extra = OPENERS.get(scheme, ("", "")) if mark else ("", "")
        if package and importlib.util.find_spec(package) is None:
            action = f"install redox-warehouse[{extra}]."
            yield fail(AREA, name, f"{scheme}:// needs {package}", action)
        elif not mark and not any(sign in path for sign in "*?[") and not _is_there(path):
            action = "create it, mount it, or remove it from watch.paths."
            yield warn(AREA, name, "it does not exist", action)
        else:
            yield ok(AREA, name, f"{scheme}://" if mark else "a local path")


def _is_there(path: str) -> bool:
    return Path(path).expanduser().exists()


def _is_readable(file: Path) -> bool:
    return file.is_file() and os.access(file, os.R_OK)
