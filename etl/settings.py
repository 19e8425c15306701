"""Settings: the only module that reads the environment and the site's configuration file.

Order of precedence: arguments, environment `REDOX_WAREHOUSE_*` (nested with `__`), the file
`redox-warehouse.toml` under the home, defaults. All faults are reported at once. Secrets are
`SecretStr` and never printed.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from pydantic import (
    Field,
    ValidationError,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from etl.errors import UsageFault
from etl.sections import (
    AlertSettings,
    CheckSettings,
    DeltaSettings,
    LakeSettings,
    LoadSettings,
    MartSettings,
    OrchestrationSettings,
    PublishSettings,
    PullSettings,
    PurgeSettings,
    ReceiveSettings,
    RetentionSettings,
    ValueSettings,
    WatchSettings,
)
from etl.setting_sources import (
    NESTED,
    EnvironmentSource,
    FileSource,
    file_faults,
    tell_faults,
    unknown_sections,
    unread_names,
)

DEFAULT_HOME = ".redox-warehouse"
CONFIG_FILE = "redox-warehouse.toml"
ENV_PREFIX = "REDOX_WAREHOUSE_"


class Settings(BaseSettings):
    """Everything a site can set, validated at start."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX,
        env_nested_delimiter=NESTED,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )

    home: Path = Path(DEFAULT_HOME)
    load: LoadSettings = LoadSettings()
    values: ValueSettings = ValueSettings()
    publish: PublishSettings = PublishSettings()
    purge: PurgeSettings = PurgeSettings()
    delta: DeltaSettings = DeltaSettings()
    lake: LakeSettings = LakeSettings()
    retention: RetentionSettings = RetentionSettings()
    marts: MartSettings = MartSettings()
    pull: PullSettings = PullSettings()
    receive: ReceiveSettings = ReceiveSettings()
    watch: WatchSettings = WatchSettings()
    checks: CheckSettings = CheckSettings()
    orchestration: OrchestrationSettings = OrchestrationSettings()
    alerts: AlertSettings = AlertSettings()
    buckets: dict[str, dict[str, Any]] = Field(
        {}, description="options of fsspec file systems by protocol, such as s3: {anon: true}"
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        config_file = Path(init_settings()["home"]) / CONFIG_FILE
        return init_settings, EnvironmentSource(settings_cls), FileSource(settings_cls, config_file)

    @property
    def warehouse_path(self) -> Path:
        return self.home / "warehouse.duckdb"

    @property
    def temporary_path(self) -> Path:
        """Where DuckDB puts what does not fit into memory; nothing in it is ever needed again."""
        return self.home / "tmp"

    @property
    def incoming_path(self) -> Path:
        """Where the webhook leaves closed segments (`*.seg`) for the loader."""
        return self.home / "incoming"

    @property
    def cache_path(self) -> Path:
        """What can be made again at any time and holds no patient's data."""
        root = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
        return Path(root).expanduser() / "redox-warehouse"

    @property
    def landing_path(self) -> Path:
        return self.home / "landing"

    @property
    def published_path(self) -> Path:
        return self.home / "published"

    @property
    def delta_path(self) -> Path:
        """Which Delta tables were made of this home, and the id by which they know it."""
        return self.home / "delta.json"

    @property
    def reports_path(self) -> Path:
        return self.home / "reports"

    @property
    def catalog_path(self) -> Path:
        return self.home / "catalog"

    @property
    def organizations_path(self) -> Path:
        return self.home / "organizations.csv"

    @property
    def status_path(self) -> Path:
        return self.home / "status.json"

    @property
    def seen_path(self) -> Path:
        return self.home / "seen.parquet"


def read_settings(home: Path | None = None, **overrides: Any) -> Settings:
    """Read the configuration of a home; raises UsageFault that lists every fault at once."""
    chosen = home or Path(os.environ.get(f"{ENV_PREFIX}HOME", DEFAULT_HOME))
    chosen = chosen.expanduser().absolute()
    _check_home(chosen)
    faults = [*file_faults(chosen / CONFIG_FILE)]
    unknown = unknown_sections(os.environ, prefix=ENV_PREFIX, known=Settings.model_fields)
    faults += [f"{name} is not a setting" for name in unknown]
    try:
        settings = Settings(home=chosen, **overrides)
    except ValidationError as error:
        faults += tell_faults(error)
    if faults:
        raise UsageFault(
            f"The configuration is not valid ({'; '.join(faults)}); correct "
            f"{chosen / CONFIG_FILE} or the environment."
        )
    return settings


def _check_home(home: Path) -> None:
    """Refuse a path under which DuckDB would read or write other files than those meant.

    Where a `?` is, it puts its log in front of it, into a folder that is not there; a backslash it
    takes for a slash. Patterns are quoted where paths are put into views.
    """
    text = str(home)
    if "?" in text or "\\" in text:
        raise UsageFault(
            "The path of the home has a ? or a backslash, which DuckDB does not read as part of a "
            "name; choose another folder."
        )
    try:
        text.encode()
    except UnicodeEncodeError:
        raise UsageFault(
            "The path of the home is not UTF-8 text, which DuckDB needs; choose another folder."
        ) from None


def unread_environment() -> list[str]:
    """Names in the environment that look like settings and are none."""
    return unread_names(os.environ, prefix=ENV_PREFIX, known=Settings.model_fields)
