"""The order of steps of a registration as Delta tables: every table, then the version.

The tables follow a published version, one commit each; the row of a version in `published.version`
is written last, so that a version that is there is whole. Killed anywhere, the next run does what is
missing. While it lasts, the version is not forgotten, and loads and publications go on.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from etl.atomic import replacing
from etl.errors import RedoxWarehouseError, TransientError, UsageFault
from etl.publish.folders import VIEWS_FILE, PublishedFolder
from etl.publish.manifest import MANIFEST, Manifest, read_manifest
from etl.publish.relations import read_relations
from etl.settings import Settings
from etl.warehouse.connection import open_warehouse, write_lock

if TYPE_CHECKING:
    from etl.publish.delta.place import Place
    from etl.publish.delta.table import Registered, Wanted

LOCK_WAIT_S = 600.0


@dataclass(frozen=True, slots=True)
class DeltaSummary:
    """What a registration did. `is_new` is False when the version was registered whole before."""

    version: int
    target: str
    is_new: bool
    tables: int
    tables_changed: int
    files_added: int
    files_removed: int
    files_deleted: int

    def to_json(self) -> dict[str, Any]:
        """The summary as plain data."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class DeltaRecord:
    """What HOME/delta.json holds: the home's random id, and by target the version begun last."""

    home: str
    targets: Mapping[str, int]


def read_record(path: Path) -> DeltaRecord:
    """The record of a home; a new id where nothing was ever registered."""
    try:
        content = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return DeltaRecord(uuid.uuid4().hex, {})
    return DeltaRecord(content["home"], content["targets"])


def is_missing_folder(target: str) -> bool:
    """True if a target is a folder of this machine that is not there, perhaps not mounted."""
    return "://" not in target and not Path(target).is_dir()


def register_delta(
    settings: Settings, target: str, *, keep_hours: int | None = None
) -> DeltaSummary:
    """Register the current published version as Delta tables at a folder or URL.

    `keep_hours` overrides the setting: 0 deletes at once what no table names any more, as a purge
    needs it. Raises UsageFault without a version or without deltalake, PermanentError when the target
    is of another home or ahead of it, TransientError when it cannot be written.
    """
    if find_spec("deltalake") is None:
        raise UsageFault(
            "Delta tables need the extra `delta`; install it: pip install 'redox-warehouse[delta]'."
        )
    folder = PublishedFolder(settings.published_path.resolve())
    current = folder.current()
    if current is None:
        raise UsageFault("There is no published version; run `redox-warehouse publish` first.")
    from etl.publish.delta.place import place_of

    keep_h = settings.delta.keep_hours if keep_hours is None else keep_hours
    storage = {name: value.get_secret_value() for name, value in settings.delta.storage.items()}
    with _no_text_of_others("reach the target"):
        place = place_of(target, storage)
    with (
        _only_one(settings, place),
        folder.in_use(int(current.name)) as version_folder,
        place.rights(),
    ):
        return _register(settings, place, version_folder, keep_h)


def _register(settings: Settings, place: Place, version_folder: Path, keep_h: int) -> DeltaSummary:
    from etl.publish.delta.table import open_table
    from etl.publish.delta.versions import NAME, Versions

    manifest = read_manifest(version_folder / MANIFEST)
    if manifest is None:
        raise UsageFault("The published version has no manifest; run `redox-warehouse publish`.")
    versions = Versions(place)
    record = read_record(settings.delta_path)
    with _no_text_of_others("read the table of versions"):
        versions.require_may_follow(manifest, record.home)
    _note(settings.delta_path, record, place, manifest)
    wanted = _wanted(manifest, version_folder)
    with _no_text_of_others("list the tables at the target"):
        others = set(place.tables()) - wanted.keys() - {NAME}
        gone = {name for name in others if open_table(place, name) is not None}
    with ThreadPoolExecutor(settings.delta.parallel) as pool:
        everything = [*wanted.values(), *_emptied(gone, version_folder)]
        done = list(pool.map(lambda one: _register_one(place, one, manifest.version), everything))
        changed = [table for table in done if table.is_changed]
        with _no_text_of_others("note the version"):
            place.settle([table.name for table in changed])
            is_new = versions.add(manifest, done, record.home, keep_h=keep_h)
            place.settle([NAME])
        names = [*(table.name for table in done), NAME]
        deleted = sum(pool.map(lambda name: _drop_old_files(place, name, keep_h), names))
    return DeltaSummary(
        version=manifest.version,
        target=place.root,
        is_new=is_new,
        tables=len(wanted),
        tables_changed=len(changed),
        files_added=sum(table.added for table in done),
        files_removed=sum(table.removed for table in done),
        files_deleted=deleted,
    )


def _wanted(manifest: Manifest, version_folder: Path) -> dict[str, Wanted]:
    """Every table of a version with the comments that its views carry."""
    from etl.publish.delta.columns import declared
    from etl.publish.delta.table import Wanted

    with open_warehouse(version_folder / VIEWS_FILE, read_only=True) as connection:
        relations = read_relations(connection)
    found = {}
    for name, files in manifest.tables.items():
        relation = relations.get(name)
        comments = {c.name: c.comment for c in relation.columns} if relation else {}
        found[name] = Wanted(
            name,
            version_folder.joinpath(*name.split(".")),
            files.parts,
            declared(dict(files.columns), comments),
            relation.comment if relation else "",
        )
    return found


def _emptied(names: set[str], version_folder: Path) -> Iterator[Wanted]:
    """Tables that the version no longer has lose their rows and keep their columns."""
    from etl.publish.delta.table import Wanted

    for name in sorted(names):
        yield Wanted(name, version_folder)


def _register_one(place: Place, wanted: Wanted, version: int) -> Registered:
    from etl.publish.delta.table import TableRegistration

    with _no_text_of_others(f"write the Delta table {wanted.name}"):
        return TableRegistration(place, wanted, version).register()


def _drop_old_files(place: Place, name: str, keep_h: int) -> int:
    from etl.publish.delta.table import drop_old_files

    with _no_text_of_others(f"delete old files of {name}"):
        return drop_old_files(place, name, older_than_h=keep_h)


def _note(path: Path, record: DeltaRecord, place: Place, manifest: Manifest) -> None:
    """Write down where the home's data goes before it goes there: a purge must find it."""
    content = {"home": record.home, "targets": {**record.targets, place.root: manifest.version}}
    with replacing(path) as file:
        file.write(json.dumps(content, indent=1).encode())


@contextmanager
def _only_one(settings: Settings, place: Place) -> Iterator[None]:
    """Keep other registrations of this home at the same target out."""
    key = hashlib.sha256(place.root.encode()).hexdigest()[:16]
    with write_lock(settings.published_path / f"delta-{key}", wait_s=LOCK_WAIT_S):
        yield


@contextmanager
def _no_text_of_others(act: str) -> Iterator[None]:
    """Turn errors of libraries into ours: their texts may hold addresses, keys and data."""
    try:
        yield
    except (RedoxWarehouseError, MemoryError):
        raise
    except Exception as error:
        raise TransientError(
            f"Could not {act} ({type(error).__name__}); check that the target can be written, then "
            "run the command again; it completes what is missing."
        ) from None
