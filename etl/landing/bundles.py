"""All bundles of a landing folder: which one holds an object, and how new ones come to be."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path

import pyarrow.parquet as pq

from etl.landing.bundle import OBJECTS_SUFFIX, Bundle, Erasure, Member, Small
from etl.landing.index import LandedObject, damage_told

MOST_BYTES = 16 * 2**20
MOST_OBJECTS = 4_096
FEWEST_OBJECTS = 8
"""Fewer small objects are landed each in files of its own."""
_BUNDLES_IN_MEMORY = 4  # they are read in order: more would only take room


class Bundles:
    """Finds objects; notices what other processes land, purge or remove."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._places: dict[bytes, str] = {}
        self._seen: dict[str, tuple[int, int]] = {}
        self._changed_ns = 0
        self._open: OrderedDict[str, Bundle] = OrderedDict()
        self._one_at_a_time = threading.RLock()

    def find(self, object_id: str) -> tuple[Bundle, Member] | None:
        """The bundle of an object and its place there; None when no bundle has it."""
        with self._one_at_a_time:
            self._look()
            name = self._places.get(bytes.fromhex(object_id))
            if name is None:
                return None
            bundle = self._open_one(name)
            return bundle, bundle.members[object_id]

    def object_ids(self) -> list[str]:
        """The objects of all bundles."""
        with self._one_at_a_time:
            self._look()
            return [object_id.hex() for object_id in self._places]

    def erase(self, erasures: Mapping[str, Erasure], folder: Path) -> None:
        """Erase in all bundles that hold some of these objects; `folder` is for half-made files."""
        own: dict[str, dict[str, Erasure]] = {}
        for object_id, erasure in erasures.items():
            if found := self.find(object_id):
                own.setdefault(found[0].name, {})[object_id] = erasure
        for name, chosen in own.items():
            with self._one_at_a_time:
                self._open_one(name).erase(chosen, folder)
                self._open.pop(name, None)

    def _open_one(self, name: str) -> Bundle:
        if name not in self._open:
            self._open[name] = Bundle(self.folder, name)
        self._open.move_to_end(name)
        while len(self._open) > _BUNDLES_IN_MEMORY:
            self._open.popitem(last=False)
        return self._open[name]

    def _look(self) -> None:
        """Read what has changed in the folder since the last look."""
        try:
            changed_ns = self.folder.stat().st_mtime_ns
        except FileNotFoundError:
            changed_ns = 0
        if changed_ns == self._changed_ns:
            return
        found = {}
        for path in sorted(self.folder.glob(f"*{OBJECTS_SUFFIX}")):
            facts = path.stat()
            found[path.name.removesuffix(OBJECTS_SUFFIX)] = (facts.st_ino, facts.st_mtime_ns)
        gone = {name for name, state in self._seen.items() if found.get(name) != state}
        if gone:
            self._places = {key: name for key, name in self._places.items() if name not in gone}
        for name in gone:
            self._open.pop(name, None)
        for name in found.keys() - (self._seen.keys() - gone):
            self._places |= dict.fromkeys(self._read_ids(name), name)
        self._seen, self._changed_ns = found, changed_ns

    def _read_ids(self, name: str) -> list[bytes]:
        path = self.folder / f"{name}{OBJECTS_SUFFIX}"
        with damage_told(path):
            ids = pq.read_table(path, columns=["object_id"])["object_id"].to_pylist()
        return [bytes.fromhex(object_id) for object_id in ids]


class Collector:
    """Gathers small objects in memory until `seal` lands them together; safe among threads.

    What it has taken is landed, and may be read, only after `seal`.
    """

    def __init__(self, seal: Callable[[list[Small]], None]) -> None:
        self._seal = seal
        self._objects: dict[str, Small] = {}
        self._one_at_a_time = threading.Lock()

    def known(self, object_id: str) -> LandedObject | None:
        """An object that was taken already."""
        one = self._objects.get(object_id)
        return one.landed if one else None

    def take(self, one: Small) -> LandedObject:
        """Take an object, once."""
        with self._one_at_a_time:
            return self._objects.setdefault(one.landed.object_id, one).landed

    def seal(self) -> None:
        """Land all that was taken."""
        if self._objects:
            self._seal(list(self._objects.values()))
            self._objects = {}
