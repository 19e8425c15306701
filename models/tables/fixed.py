"""Tables of fixed shape: the ledger, quarantine, what is kept beside typed tables, and quality.

Every table says its grain in its comment. DuckDB tables carry no PRIMARY KEY (see the decisions);
keys live in this metadata and are tested.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Double,
    Integer,
    MetaData,
    Table,
    Text,
)
from sqlalchemy.types import TIMESTAMP, UserDefinedType

from models.tables.plan import SLICE_BITS


class Ordinals(UserDefinedType[list[int]]):
    """INTEGER[]: 1-based positions in arrays, outermost first."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return "INTEGER[]"


class Binary128(UserDefinedType[bytes]):
    """UUID: 128 bits, used for fingerprints of content."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return "UUID"


FIXED = MetaData()


def _key(name: str, kind: type, comment: str) -> "Column[object]":
    return Column(name, kind, nullable=False, comment=comment, info={"key": True})


def _col(name: str, kind: object, comment: str) -> "Column[object]":
    return Column(name, kind, comment=comment)  # type: ignore[arg-type]


INSTANT = TIMESTAMP(timezone=True)

LOAD = Table(
    "load",
    FIXED,
    _key("load_id", BigInteger, "Number of the load, ascending"),
    _col("kind", Text, "load, replay, reload, recover or purge"),
    _col("started_at", INSTANT, "When the load began, UTC"),
    _col("finished_at", INSTANT, "When the load committed, UTC"),
    _col("bytes", BigInteger, "Bytes of all items taken"),
    _col("received", BigInteger, "Items framed from landed bytes"),
    _col("replayed", BigInteger, "Quarantined items tried again"),
    _col("loaded", BigInteger, "Messages stored as rows; in a purge, taken back: negative"),
    _col("duplicate", BigInteger, "Messages with content that was already loaded"),
    _col("quarantined", BigInteger, "Items that are no loadable message"),
    _col("catalog_hash", Text, "Catalog by which the load was made"),
    _col("purged", BigInteger, "Items purged, and items refused because their content was purged"),
    schema="core",
    comment=(
        "The ledger: one row per load; "
        "received + replayed = loaded + duplicate + quarantined + purged"
    ),
)

LANDED_OBJECT = Table(
    "landed_object",
    FIXED,
    _key("object_id", Text, "SHA-256 of the uncompressed content, hexadecimal"),
    _col("uri", Text, "Where the bytes were read first"),
    _col("size_bytes", BigInteger, "Uncompressed size"),
    _col("item_count", BigInteger, "Items framed"),
    _col("separator_bytes", BigInteger, "Bytes between items"),
    _col("torn_bytes", BigInteger, "Unacknowledged bytes at the end of a webhook segment"),
    _col("unwrap", Text, "Key of the envelope that holds the message, empty without envelopes"),
    _col("in_place", Boolean, "Only URI and hash are kept, the bytes stay where they are"),
    _col("landed_at", INSTANT, "When the bytes were landed, UTC"),
    _col("purged_at", INSTANT, "When all of it was purged, UTC; then nothing of it is kept"),
    schema="core",
    comment="One row per landed object: an immutable piece of received bytes",
)

LOAD_PART = Table(
    "load_part",
    FIXED,
    _key("load_id", BigInteger, "Load that took the part"),
    _key("object_id", Text, "Landed object"),
    _key("first_item", BigInteger, "0-based position of the part's first item"),
    _col("item_count", BigInteger, "Items of the part"),
    _col("loaded", BigInteger, "Messages stored as rows"),
    _col("duplicate", BigInteger, "Messages with content that was already loaded"),
    _col("quarantined", BigInteger, "Items that are no loadable message"),
    _col("purged", BigInteger, "Items refused because their content was purged"),
    schema="core",
    comment="One row per load and run of items of one landed object",
)

DUPLICATE_DELIVERY = Table(
    "duplicate_delivery",
    FIXED,
    _key("object_id", Text, "Landed object that holds the bytes"),
    _key("item", BigInteger, "0-based position in the landed object"),
    _col("duplicate_of", BigInteger, "message_id of the message with this content"),
    _col("load_id", BigInteger, "Load that counted it; empty where a purge found it later"),
    schema="core",
    comment="One row per delivery of content that was already loaded; where its bytes are",
)

PURGE = Table(
    "purge",
    FIXED,
    _key("purge_id", BigInteger, "Number of the purge, ascending"),
    _col("load_id", BigInteger, "Its row of the ledger"),
    _col("selected_by", Text, "patient, source, before, message, model: names of the options"),
    _col("reason", Text, "Why, as the person who purged wrote it"),
    _col("started_at", INSTANT, "When it began, UTC"),
    _col(
        "finished_at", INSTANT, "When everything was removed, UTC; empty while it is not finished"
    ),
    _col("messages", BigInteger, "Messages removed"),
    _col("duplicates", BigInteger, "Duplicate deliveries removed"),
    _col("quarantined", BigInteger, "Quarantined items removed"),
    _col("table_rows", BigInteger, "Rows removed from the warehouse's tables, counts not included"),
    _col("objects", BigInteger, "Landed objects in which bytes were overwritten"),
    _col("bytes", BigInteger, "Landed bytes that were overwritten"),
    _col("in_place", BigInteger, "Items in sources that are read in place, which stay as they are"),
    schema="core",
    comment="One row per purge: what was removed, when, why and how much; no value of a payload",
)

PURGED_ITEM = Table(
    "purged_item",
    FIXED,
    _key("object_id", Text, "Landed object that held the bytes"),
    _key("item", BigInteger, "0-based position in the landed object, -1 for its torn end"),
    _col("byte_offset", BigInteger, "Where the bytes began in the uncompressed object"),
    _col("byte_length", BigInteger, "How many bytes; they are spaces now"),
    _col("purge_id", BigInteger, "Purge that removed it; empty where a load refused it"),
    _col("load_id", BigInteger, "Load that refused it; empty where a purge removed it"),
    _col("erased_at", INSTANT, "When the bytes were overwritten, UTC; empty until then"),
    schema="core",
    comment="One row per item whose bytes a purge overwrites, or a load that refused it",
)

PURGED_CONTENT = Table(
    "purged_content",
    FIXED,
    _key("content_hash", Binary128, "Keyed hash of the content; it cannot be made without the key"),
    _col("purge_id", BigInteger, "Purge that removed it first"),
    schema="core",
    comment="Content that was purged, by which a redelivery is refused",
)

QUARANTINE = Table(
    "quarantine",
    FIXED,
    _key("quarantine_id", BigInteger, "Number of the item, ascending"),
    _col("load_id", BigInteger, "Load that put it aside"),
    _col("object_id", Text, "Landed object that holds the bytes"),
    _col("item", BigInteger, "0-based position in the landed object"),
    _col("byte_offset", BigInteger, "Where the bytes begin in the uncompressed object"),
    _col("byte_length", BigInteger, "How many bytes"),
    _col("reason", Text, "Rule that says why it is no loadable message"),
    _col("state", Text, "open, replayed, resolved or purged"),
    _col("received_at", INSTANT, "When it was received, UTC, where known"),
    _col("quarantined_at", INSTANT, "When it was put aside, UTC"),
    _col("resolved_at", INSTANT, "When it was replayed or resolved, UTC"),
    _col("resolved_load_id", BigInteger, "Load that replayed it"),
    _col("data_model", Text, "Meta.DataModel, of a FHIR resource FHIR and its type, where it says"),
    _col("source_id", Text, "Meta.Source.ID, of a FHIR message its header's source, where it says"),
    schema="core",
    comment="One row per item that is no loadable message; the bytes stay in the landed object",
)

SLICE_CHANGE = Table(
    "slice_change",
    FIXED,
    _key("slice", BigInteger, f"message_id >> {SLICE_BITS}"),
    _key("load_id", BigInteger, "Load, replay, reload or purge that changed rows of the slice"),
    schema="core",
    comment="Which loads changed which slices; publishing rewrites a slice only when it changed",
)

EXTENSION = Table(
    "extension",
    FIXED,
    _key("message_id", BigInteger, "Message"),
    _key("owner_path", Text, "Path of the object that carries the extension"),
    _key("ordinals", Ordinals, "Positions in the arrays of the path"),
    _key("slug", Text, "Name of the extension"),
    _key("value_type", Text, "Type key of the value, such as string or address"),
    _col("json_type", Text, "string, number or boolean: value is its text; json: value is JSON"),
    _col("url", Text, "Address that defines the extension"),
    _col("value", Text, "The value"),
    schema="core",
    comment="One row per message, owner, slug and value type of Redox Extensions",
)

UNPLACED_VALUE = Table(
    "unplaced_value",
    FIXED,
    _key("message_id", BigInteger, "Message"),
    _key("path", Text, "Path of the value"),
    _key("ordinals", Ordinals, "Positions in the arrays of the path"),
    _key("reason", Text, "Rule that says why it has no column"),
    _col("value", Text, "JSON text of the value"),
    schema="core",
    comment="One row per populated value that the typed tables cannot hold",
)

RECEIVED_FORM = Table(
    "received_form",
    FIXED,
    _key("message_id", BigInteger, "Message"),
    _key("path", Text, "Path of the value"),
    _key("ordinals", Ordinals, "Positions in the arrays of the path"),
    _col("rule", Text, "Rule by which it was stored in another form"),
    _col("received", Text, "JSON text as received"),
    schema="core",
    comment="One row wherever the stored value, printed canonically, differs from what came",
)

FINDING = Table(
    "finding",
    FIXED,
    _key("message_id", BigInteger, "Message"),
    _key("rule", Text, "Rule that was broken"),
    _key("path", Text, "Path of the value"),
    _key("ordinals", Ordinals, "Positions in the arrays of the path"),
    _col("load_id", BigInteger, "Load that found it"),
    _col("severity", Text, "warning or error"),
    _col("data_model", Text, "Data model of the message"),
    _col("event_type", Text, "Event type of the message"),
    _col("source_id", Text, "Meta.Source.ID of the message"),
    _col("day", Date, "UTC date of the message"),
    _col("value_set", Text, "Value set the value is not in"),
    _col("suggestion", Text, "Supported value that was probably meant"),
    schema="quality",
    comment="One row per warning or error; the value itself is in its table or in received_form",
)


def _group_columns() -> "list[Column[object]]":
    return [
        _key("slice", BigInteger, f"message_id >> {SLICE_BITS}"),
        _key("day", Date, "UTC date of Meta.EventDateTime, else of receipt"),
        _key("source_id", Text, "Meta.Source.ID, empty when missing"),
        _key("facility_code", Text, "Meta.FacilityCode, empty when missing"),
        _key("data_model", Text, "Meta.DataModel"),
        _key("event_type", Text, "Meta.EventType"),
        _key("is_test", Boolean, "Meta.Test"),
    ]


FINDING_COUNT = Table(
    "finding_count",
    FIXED,
    *_group_columns(),
    _key("load_id", BigInteger, "Load that found them"),
    _key("rule", Text, "Rule"),
    _key("path", Text, "Path"),
    _col("severity", Text, "info, warning or error"),
    _col("findings", BigInteger, "How many findings"),
    _col("messages", BigInteger, "In how many messages"),
    schema="quality",
    comment="Findings of every severity, counted per load, group, rule and path",
)

UNSUPPORTED_VALUE = Table(
    "unsupported_value",
    FIXED,
    _key("slice", BigInteger, f"message_id >> {SLICE_BITS}"),
    _key("data_model", Text, "Data model of the field"),
    _key("path", Text, "Path of the field"),
    _key("value", Text, "Value outside the field's closed set, as received"),
    _key("first_message_id", BigInteger, "First message that holds it there"),
    _col("first_ordinals", Ordinals, "Where in that message it stands first"),
    _col("value_set", Text, "Value set the value is not in"),
    _col("suggestion", Text, "Supported value that was probably meant"),
    _col("first_day", Date, "First UTC date of a message that holds it"),
    _col("last_day", Date, "Last UTC date of a message that holds it"),
    _col("findings", BigInteger, "How often it came"),
    schema="quality",
    comment="Values outside closed sets, per field and slice; the list to map or to list",
)

MESSAGE_COUNT = Table(
    "message_count",
    FIXED,
    *_group_columns(),
    _col("messages", BigInteger, "Loaded messages"),
    schema="quality",
    comment="Loaded messages per slice, day, source, facility, data model, event type, test flag",
)

PATH_COUNT = Table(
    "path_count",
    FIXED,
    *_group_columns(),
    _key("path", Text, "Leaf, object or array path"),
    _col("messages", BigInteger, "Messages in which the path is populated"),
    _col("elements", BigInteger, "Populated occurrences of the path"),
    schema="quality",
    comment="How often each path is populated; a row only where it is",
)

FIELD = Table(
    "field",
    FIXED,
    _key("data_model", Text, "Data model"),
    _key("path", Text, "Path in Redox notation"),
    _key("json_type", Text, "Type in JSON"),
    _col("kind", Text, "leaf, object or array"),
    _col("meaning", Text, "What the field is, in a few words"),
    _col("temporal", Text, "date or datetime"),
    _col("value_set", Text, "Value set of the field"),
    _col(
        "value_set_confidence",
        Text,
        "How the field's value set is known: documented, same_structure (as a documented field of "
        "another model), by_analogy, examples or observed",
    ),
    _col("sensitivity", Text, "HIPAA Safe Harbor class"),
    _col("enclosing_array", Text, "Nearest array around the path, empty without one"),
    _col(
        "parent_object", Text, "Nearest object around the path below that array, empty without one"
    ),
    _col("table_schema", Text, "Schema of the table that holds it"),
    _col("table_name", Text, "Table that holds it"),
    _col("column_name", Text, "Column that holds it, empty for objects and arrays of objects"),
    schema="quality",
    comment="The data dictionary: one row per data model, path and JSON type of the catalog",
)

FIELD_EVENT = Table(
    "field_event",
    FIXED,
    _key("data_model", Text, "Data model"),
    _key("event_type", Text, "Event type"),
    _key("path", Text, "Path that the event type lists"),
    schema="quality",
    comment="Which event types list which paths",
)

EXPECTATION = Table(
    "expectation",
    FIXED,
    _key("data_model", Text, "Data model or *"),
    _key("event_type", Text, "Event type or *"),
    _key("path", Text, "Path"),
    _key("source_id", Text, "Source it holds for, empty for all"),
    _col("required", Boolean, "Required to send"),
    _col("rating", Text, "Reliable, Probable or Possible"),
    _col("is_inferred", Boolean, "Inferred, not documented for this very event type"),
    _col("source", Text, "Where the rating stands"),
    _col("is_site", Boolean, "Given by the site's overlay"),
    schema="quality",
    comment="What is documented or expected of each field",
)

ORGANIZATION = Table(
    "organization",
    FIXED,
    _key("source_id", Text, "Meta.Source.ID"),
    _key("facility_code", Text, "Meta.FacilityCode"),
    _col("organization", Text, "Organization of the site's organizations.csv"),
    schema="quality",
    comment="Which organization stands behind a source and facility",
)

RELIABILITY_SETTING = Table(
    "reliability_setting",
    FIXED,
    _key("name", Text, "Name"),
    _col("value", Double, "Value"),
    schema="quality",
    comment="Thresholds of the reliability verdicts",
)

RULE = Table(
    "rule",
    FIXED,
    _key("rule", Text, "Code of the rule"),
    _col("severity", Text, "info, warning or error"),
    _col("area", Text, "What it is about"),
    _col("meaning", Text, "What was found"),
    _col("action", Text, "What to do"),
    schema="quality",
    comment="The rules by which data is judged",
)

VALUE_SET = Table(
    "value_set",
    FIXED,
    _key("value_set", Text, "Value set"),
    _key("received", Text, "Value as received"),
    _col("supported", Text, "Supported value it stands for"),
    _col("is_supported", Boolean, "The received value is itself supported"),
    _col("kind", Text, "closed, examples, observed, external or client"),
    _col("reason", Text, "Why a synonym stands for its supported value"),
    schema="quality",
    comment="Supported values and known synonyms; join on it to conform values",
)

WAREHOUSE = Table(
    "warehouse",
    FIXED,
    _key("name", Text, "Fact about the warehouse"),
    _col("value", Text, "Its value"),
    schema="core",
    comment="Facts about the warehouse itself, such as the hash of its catalog",
)

__all__ = ["FIXED", "INSTANT", "Binary128", "Integer", "Ordinals"]
