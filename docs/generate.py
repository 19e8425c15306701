"""Writes the pages of docs/ that repeat the catalog or the settings: `python -m docs.generate`.

What they say is said in `models/catalog/data` and in `etl.settings`; a test holds the pages to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from etl.check.rules import render_rules
from etl.marts.page import render_marts
from etl.report.views import read_views
from etl.sections import Section
from etl.settings import ENV_PREFIX, Settings
from models.catalog import Catalog, read_catalog
from models.catalog.records import EventType
from models.tables.plan import Table, plan_tables

FOLDER = Path(__file__).parent
INTRODUCTION = """\
# Tables

Written from the catalog by `make docs`; change `models/catalog/data/fields.csv`. Every table has
`message_id` and the ordinals of its arrays as its key, and a comment on every column: meaning, path,
value set, sensitivity. The columns of one data model: `redox-warehouse catalog show "Clinical Summary"`.
A table exists once its data model was loaded.

The table `message` of a schema has one row per message and also `event_type`, `event_at`,
`received_at`, `source_id`, `facility_code`, `is_test`. All other tables have one row per element of
their array.
"""


def render_tables(catalog: Catalog) -> str:
    """Markdown: one section per schema, one line per table."""
    plan = plan_tables(catalog)
    core = "What Meta says, of all data models."
    sections = [INTRODUCTION, *_section("core", core, plan.core.values())]
    for name, model in catalog.data_models.items():
        events = ", ".join(map(_event, model.event_types))
        told = f"{name}: {model.description}.\n\nEvent types: {events}."
        sections += _section(model.schema, told, plan.models[name].values())
    return "\n".join(sections)


def _event(event: EventType) -> str:
    return f"{event.event_type} ({event.standing})" if event.state else event.event_type


def _section(schema: str, told: str, tables: Iterable[Table]) -> Iterator[str]:
    yield f"## {schema}\n\n{told}\n\n| table | one row per | columns |\n|---|---|---|"
    yield "".join(f"{_line(table)}\n" for table in tables)


def _line(table: Table) -> str:
    grain = f"`{table.path}`" if table.path else "message"
    return f"| {table.name} | {grain} | {len(table.columns)} |"


CONFIGURATION = """\
# Configuration

Written from `etl/sections.py` and `etl/settings.py` by `make docs`. All settings are in one file,
`HOME/redox-warehouse.toml`; each can also be given in the environment, which overrides the file.
None is required.

```toml
[receive]
token_file = "/etc/redox-warehouse/tokens"

[watch]
paths = ["/data/exports", "s3://bucket/redox/"]

[buckets.s3]                       # passed to the file system of s3:// URLs
endpoint_url = "https://minio.example.org"

[pull]
client_id = "..."
private_key_file = "/etc/redox-warehouse/redox.pem"
```

In the environment the name of a setting is `REDOX_WAREHOUSE_`, its section, two underscores and its
name, in capitals. Lists and tables are JSON:

```sh
export REDOX_WAREHOUSE_HOME=/srv/redox
export REDOX_WAREHOUSE_RECEIVE__PORT=9000
export REDOX_WAREHOUSE_WATCH__PATHS='["/data/exports", "s3://bucket/redox/"]'
export REDOX_WAREHOUSE_BUCKETS__S3='{"anon": true}'
```

The home itself is named by `--home` or `REDOX_WAREHOUSE_HOME`; without either it is
`.redox-warehouse` in the current folder. Every command checks the whole configuration before it
starts and reports all faults at once, by the setting's name and never by its value;
`redox-warehouse doctor` also reports names in the environment that no setting has, and tests each
source. Secrets (tokens, keys, passwords) are never printed; keep them in the environment or in files
that only the service can read.

Sizes are in bytes, times in seconds.
"""


def render_configuration(_: Catalog) -> str:
    """Markdown: one section per table of the configuration file, one line per setting."""
    sections = [CONFIGURATION]
    for name, field in Settings.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            sections += _settings_of(name, field.annotation)
    sections.append(
        f"## [buckets]\n\nOne table per protocol: {_after(Settings.model_fields['buckets'])}. "
        "[Buckets](buckets.md) has examples.\n"
    )
    return "\n".join(sections)


def _settings_of(name: str, section: type[Section]) -> Iterator[str]:
    told = (section.__doc__ or "").strip().partition("\n")[0]
    yield f"## [{name}]\n\n{told}\nIn the environment: `{ENV_PREFIX}{name.upper()}__...`\n"
    yield "| name | default | meaning |\n|---|---|---|"
    fields = section.model_fields.items()
    yield "".join(f"| `{key}` | {_default(one)} | {_after(one)} |\n" for key, one in fields)


def _after(field: FieldInfo) -> str:
    return (field.description or "").replace("|", "\\|")


def _default(field: FieldInfo) -> str:
    value = field.get_default()
    if isinstance(value, SecretStr) or value in (None, "", (), {}):
        return ""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 2**20:
        return f"{value // 2**30} GiB" if value % 2**30 == 0 else f"{value // 2**20} MiB"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def render_mart_page(_: Catalog) -> str:
    """Markdown: one section per mart."""
    return render_marts({view.name: view.select for view in read_views("mart")})


PAGES: dict[str, Callable[[Catalog], str]] = {
    "configuration.md": render_configuration,
    "marts.md": render_mart_page,
    "rules.md": render_rules,
    "tables.md": render_tables,
}


def write_pages(folder: Path = FOLDER) -> None:
    """Write every generated page into a folder."""
    catalog = read_catalog()
    for name, render in PAGES.items():
        (folder / name).write_text(render(catalog), "utf-8")


if __name__ == "__main__":
    write_pages()
