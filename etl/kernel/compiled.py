"""Everything the kernel needs of a catalog, compiled once; shapes as data models are met."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from threading import Lock

from etl.check.replies import ReplyReader
from etl.check.value_sets import ValueSetChecker
from etl.kernel.content_hash import ContentHash
from etl.kernel.exact import ExactWay, Limits
from etl.kernel.program import ShapeProgram, compile_program, volatile_keys
from models.catalog.records import Catalog, Severity
from models.compile.plausibility import PlausibilityCheck, compile_plausibility
from models.tables.plan import WarehousePlan


class Compiled:
    """A catalog ready for the kernel.

    `secret` keys the content hash (KEY_BYTES random bytes, one per home). `nulled` are, by data
    model, the fields whose unsupported values are not stored.
    """

    def __init__(
        self,
        catalog: Catalog,
        plan: WarehousePlan,
        *,
        limits: Limits,
        secret: bytes,
        nulled: Mapping[str, frozenset[str]] | None = None,
    ) -> None:
        self.catalog = catalog
        self.plan = plan
        self.limits = limits
        self.nulled = nulled or {}
        self._secret = secret
        self._volatile = frozenset(
            field.path
            for fields in catalog.fields.values()
            for field in fields
            if field.is_volatile
        )
        content_hash = ContentHash(secret, volatile_keys(self._volatile))
        self.exact = ExactWay(catalog, limits, content_hash)
        self._programs: dict[tuple[str, int], ShapeProgram] = {}
        self._by_event: dict[tuple[bytes, bytes], ShapeProgram | None] = {}
        self._listing: dict[str, dict[str, frozenset[str]]] = {}
        self._plausibility: dict[str, tuple[PlausibilityCheck, ...]] = {}
        self._lock = Lock()

    @cached_property
    def checker(self) -> ValueSetChecker:
        """The closed value sets."""
        return ValueSetChecker(self.catalog)

    @cached_property
    def replies(self) -> ReplyReader:
        """Recognizes replies under their query's event type."""
        return ReplyReader(self.catalog)

    @cached_property
    def severities(self) -> dict[str, Severity]:
        """How severe each rule is."""
        return {code: rule.severity for code, rule in self.catalog.rules.items()}

    def program(self, shape: tuple[str, int]) -> ShapeProgram:
        """The program of a (data model, variant)."""
        with self._lock:
            if shape not in self._programs:
                compiled = self.exact.shapes(shape[0]).variant(shape[1])
                self._programs[shape] = compile_program(compiled, self._volatile, self._secret)
            return self._programs[shape]

    def program_of(self, data_model: bytes, event_type: bytes) -> ShapeProgram | None:
        """The program by which messages of this data model and event type are read, if known."""
        name, event = data_model.decode("utf-8", "replace"), event_type.decode("utf-8", "replace")
        if name not in self.catalog.data_models:
            return None
        shape = self.exact.shapes(name).for_event(event)
        return self.program((name, shape.variant))

    def plausibility(self, data_model: str) -> tuple[PlausibilityCheck, ...]:
        """The comparisons of values that a data model's messages must pass."""
        if data_model not in self._plausibility:
            checks = compile_plausibility(self.catalog, self.plan, data_model)
            self._plausibility[data_model] = checks
        return self._plausibility[data_model]

    def retired_events(self, data_model: str) -> tuple[str, ...]:
        """The event types of a data model that Redox has retired or deprecated."""
        events = self.catalog.data_models[data_model].event_types
        return tuple(event.event_type for event in events if event.state)

    def known_events(self, data_model: str) -> frozenset[str]:
        """The event types of a data model."""
        return frozenset(e.event_type for e in self.catalog.data_models[data_model].event_types)

    def listed_paths(self, data_model: str) -> dict[str, frozenset[str]]:
        """The event types that list each path of a data model."""
        if data_model not in self._listing:
            listing: dict[str, frozenset[str]] = {}
            for known in self.catalog.fields[data_model]:
                listing[known.path] = listing.get(known.path, frozenset()) | known.event_types
            self._listing[data_model] = listing
        return self._listing[data_model]
