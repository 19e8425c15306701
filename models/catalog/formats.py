"""The columns and keys of the catalog's files."""

from models.catalog.csv_table import TableFormat

DATA_MODELS = TableFormat(
    "data_models", ("data_model", "schema", "description"), key=("data_model",)
)
EVENT_TYPES = TableFormat(
    "event_types",
    ("data_model", "event_type", "direction", "reply", "source"),
    key=("data_model", "event_type"),
    optional=("state", "instead"),
)
FIELDS = TableFormat(
    "fields",
    (
        "data_model",
        "path",
        "json_type",
        "item_type",
        "number_kind",
        "temporal",
        "value_set",
        "value_set_confidence",
        "sensitivity",
        "sql_name",
        "event_types",
        "volatile",
        "source",
        "note",
    ),
    key=("data_model", "path", "json_type"),
)
EXPECTATIONS = TableFormat(
    "expectations",
    ("data_model", "event_type", "path", "required", "rating", "basis", "source"),
    key=("source_id", "data_model", "event_type", "path"),
    optional=("source_id",),
)
VALUE_SETS = TableFormat(
    "value_sets", ("value_set", "kind", "value", "note", "source"), key=("value_set", "value")
)
SYNONYMS = TableFormat(
    "synonyms", ("value_set", "received", "supported", "reason"), key=("value_set", "received")
)
SOURCES = TableFormat("sources", ("source", "kind", "title", "address"), key=("source",))
RELIABILITY_SETTINGS = TableFormat(
    "reliability_settings", ("name", "value", "meaning"), key=("name",)
)
PLAUSIBILITY = TableFormat(
    "plausibility",
    (
        "rule",
        "data_model",
        "path",
        "comparison",
        "other_path",
        "limit",
        "when_path",
        "when_values",
    ),
    key=("rule", "data_model", "path", "comparison", "other_path"),
)
MEANINGS = TableFormat(
    "meanings", ("data_model", "path", "meaning"), key=("data_model", "path"), optional=("called",)
)
EXTENSIONS = TableFormat(
    "extensions",
    ("slug", "data_model", "path", "value_type", "meaning", "source"),
    key=("slug", "data_model", "path"),
)
RULES = TableFormat(
    "rules", ("rule", "severity"), key=("rule",), optional=("area", "meaning", "action")
)

ALL = (
    DATA_MODELS,
    EVENT_TYPES,
    FIELDS,
    EXPECTATIONS,
    VALUE_SETS,
    SYNONYMS,
    SOURCES,
    RELIABILITY_SETTINGS,
    RULES,
    PLAUSIBILITY,
    MEANINGS,
    EXTENSIONS,
)
