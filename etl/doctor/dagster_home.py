"""Dagster's own home: is its dagster.yaml the one this release needs, and how to bring it there.

The file was once copied, so a home may have that of an older release, and a site may have changed
lines of it. A site's own lines are left, except those that keep a killed run from being noticed.
"""

from __future__ import annotations

import copy
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from etl.atomic import own_folder
from etl.doctor.dagster_runs import check_runs
from etl.doctor.records import Check, fail, ok, warn
from etl.errors import UsageFault
from etl.process import keep_files_private

AREA = "dagster"
FILE = "dagster.yaml"
BACKUP = "dagster.yaml.before"
# Lines without which a killed run keeps its place or is never tried again, and what they must be.
# A number is the least; anything else must be equal.
NEEDED: dict[tuple[str, ...], Any] = {
    ("telemetry", "enabled"): False,
    ("concurrency", "pools", "default_limit"): "1",
    ("run_monitoring", "enabled"): True,
    ("run_monitoring", "free_slots_after_run_end_seconds"): 1,
    ("run_retries", "enabled"): True,
    ("run_retries", "max_retries"): 1,
}
# A site with a launcher of its own (Docker, Kubernetes) has a check of its own in it.
OPTIONAL = ("run_launcher",)
MOVED_LIMITS = ("max_concurrent_runs", "tag_concurrency_limits")
WHAT_FOR = {
    "telemetry": "telemetry is on",
    "concurrency": "writers are not kept apart, so runs wait for locks",
    "run_monitoring": "a killed run keeps its place for ever",
    "run_retries": "a killed run is not tried again",
    "run_launcher": "a run that a reboot ended counts as running for ever",
}

Config = dict[str, Any]


def delivered_file() -> Path:
    """Return the file of this release. Not in the project's folder, where `dg dev` warns of it."""
    return Path(__file__).resolve().parents[1] / FILE


def read_config(file: Path) -> Config | None:
    """Return what a dagster.yaml says, nothing of an empty one, None when it cannot be read."""
    try:
        content = yaml.safe_load(file.read_text("utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return None
    if content is None:
        return {}
    return content if isinstance(content, dict) else None


def check_dagster(folder: Path) -> Iterator[Check]:
    """Check Dagster's home: its rights, its configuration, its daemon and runs."""
    if not folder.is_dir():
        yield ok(AREA, "home", "not set up; `make dagster` creates it")
    elif not os.access(folder, os.W_OK):
        yield fail(AREA, "home", "it cannot be written", "correct its owner or DAGSTER_HOME.")
    else:
        yield check_rights(folder)
        yield from check_config(folder)
        yield from check_runs(folder)


def check_rights(folder: Path) -> Check:
    """Check that others cannot look into it: the rights of what Dagster made first vary."""
    if folder.stat().st_mode & 0o077:
        return warn(AREA, "rights", "others can read it", f"run chmod go= {folder}.")
    return ok(AREA, "rights", "only its owner can read it")


def check_config(folder: Path) -> Iterator[Check]:
    """Check the file of a Dagster home against what this release needs."""
    file = folder / FILE
    config = read_config(file)
    action = "run `redox-warehouse doctor --fix`, then start Dagster again."
    if config is None:
        by_hand = f"correct or delete {file}, then run `redox-warehouse doctor --fix`."
        yield warn(AREA, FILE, "it cannot be read, so Dagster uses its own defaults", by_hand)
        return
    faults = lacking(config)
    for section, trouble in WHAT_FOR.items():
        if section in faults:
            yield warn(AREA, section, trouble, action)
        else:
            yield ok(AREA, section, "as required")


def lacking(config: Config) -> set[str]:
    """Return the sections of a configuration that lack what this release needs."""
    faults = {path[0] for path, least in NEEDED.items() if not _holds(_value(config, path), least)}
    return faults | {section for section in OPTIONAL if section not in config}


def _value(config: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        config = config.get(name) if isinstance(config, Mapping) else None
    return config


def _holds(value: Any, needed: Any) -> bool:
    if isinstance(needed, bool):
        return value is needed
    if isinstance(needed, int):
        return isinstance(value, int) and value >= needed
    return str(value) == str(needed)


def bring_up_to_date(folder: Path) -> str:
    """Write or complete the dagster.yaml of a home; return what was done, "" when nothing had to be.

    What a site added or changed stays; the file as it was is kept beside it. Raises UsageFault when
    the file is there but not YAML.
    """
    own_folder(folder)
    file = folder / FILE
    if not file.exists():
        _replace(file, delivered_file().read_text("utf-8"))
        return f"wrote {FILE}"
    config = read_config(file)
    if config is None:
        raise UsageFault(f"{file} is not YAML that Dagster can read; correct or delete it.")
    faults = lacking(config)
    if not faults:
        return ""
    (folder / BACKUP).write_text(file.read_text("utf-8"), "utf-8")
    _replace(file, _completed(config))
    return f"completed {FILE} ({', '.join(sorted(faults))}); it was kept as {BACKUP}"


def _completed(config: Config) -> str:
    """The delivered text where the site changed nothing else, else both merged."""
    text = delivered_file().read_text("utf-8")
    delivered: Config = yaml.safe_load(text)
    merged = _merge(delivered, _in_present_form(config))
    for path, needed in NEEDED.items():
        if not _holds(_value(merged, path), needed):
            _set(merged, path, _value(delivered, path))
    if merged == delivered:
        return text
    return f"# Completed by redox-warehouse; docs/dagster.md says why each line.\n{_dump(merged)}"


def _in_present_form(config: Config) -> Config:
    """Return the configuration with limits of runs under `concurrency`, where older forms had them.

    Dagster refuses a file that has both forms (`validate_concurrency_config` in its source).
    """
    config = copy.deepcopy(config)
    queue = config.get("run_queue") or _value(config, ("run_coordinator", "config"))
    if isinstance(queue, dict):
        for name in MOVED_LIMITS:
            if name in queue:
                _set(config, ("concurrency", "runs", name), queue.pop(name))
        queue.pop("block_op_concurrency_limited_runs", None)
    if isinstance(config.get("concurrency"), dict):
        config["concurrency"].pop("default_op_concurrency_limit", None)
    return config


def _dump(config: Config) -> str:
    return str(yaml.safe_dump(config, sort_keys=False))


def _merge(base: Config, own: Config) -> Config:
    merged = dict(base)
    for name, value in own.items():
        below = base.get(name)
        is_section = isinstance(value, dict) and isinstance(below, dict) and name not in OPTIONAL
        if value is not None or below is None:
            merged[name] = _merge(below, value) if is_section and below else value
    return merged


def _set(config: Config, path: tuple[str, ...], value: Any) -> None:
    for name in path[:-1]:
        if not isinstance(config.get(name), dict):
            config[name] = {}
        config = config[name]
    config[path[-1]] = value


def _replace(file: Path, text: str) -> None:
    temporary = file.with_suffix(f".{os.getpid()}.tmp")
    temporary.write_text(text, "utf-8")
    temporary.replace(file)


if __name__ == "__main__":
    keep_files_private()
    print(bring_up_to_date(Path(sys.argv[1])) or "", end="")
