"""Settings: the only module that reads the environment and the site's configuration file.

Order of precedence: arguments, environment `REDOX_WAREHOUSE_*` (nested with `__`), the file
`redox-warehouse.toml` under the home, defaults. All faults are reported at once. Secrets are
`SecretStr` and never printed.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from etl.errors import UsageFault

DEFAULT_HOME = ".redox-warehouse"
CONFIG_FILE = "redox-warehouse.toml"
ENV_PREFIX = "REDOX_WAREHOUSE_"


class Section(BaseModel):
    """One table of the configuration file; unknown keys are faults."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class LoadSettings(Section):
    """How landed bytes become rows. Sizes in bytes."""

    load_bytes: int = Field(512 * 2**20, ge=2**20, description="most bytes of one load")
    workers: int = Field(0, ge=0, description="worker processes; 0 = one per core")
    max_message_bytes: int = Field(64 * 2**20, ge=1024)
    max_depth: int = Field(128, ge=8)
    in_place: bool = Field(False, description="keep only URI and hash, not the bytes")


class PublishSettings(Section):
    """What analysts read."""

    keep_versions: int = Field(5, ge=1)


class Settings(BaseSettings):
    """Everything a site can set, validated at start."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True,
        hide_input_in_errors=True,
    )

    home: Path = Path(DEFAULT_HOME)
    load: LoadSettings = LoadSettings()
    publish: PublishSettings = PublishSettings()

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
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, config_file)

    @property
    def warehouse_path(self) -> Path:
        return self.home / "warehouse.duckdb"

    @property
    def landing_path(self) -> Path:
        return self.home / "landing"

    @property
    def published_path(self) -> Path:
        return self.home / "published"

    @property
    def reports_path(self) -> Path:
        return self.home / "reports"

    @property
    def catalog_path(self) -> Path:
        return self.home / "catalog"

    @property
    def status_path(self) -> Path:
        return self.home / "status.json"

    @property
    def seen_path(self) -> Path:
        return self.home / "seen.parquet"


def read_settings(home: Path | None = None, **overrides: Any) -> Settings:
    """Read the configuration of a home; raises UsageFault that lists every fault at once."""
    chosen = home or Path(os.environ.get(f"{ENV_PREFIX}HOME", DEFAULT_HOME))
    try:
        return Settings(home=chosen.expanduser().absolute(), **overrides)
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}"
            for fault in error.errors(include_input=False, include_url=False)
        )
        raise UsageFault(
            f"The configuration is not valid ({faults}); correct {chosen / CONFIG_FILE} "
            f"or the environment."
        ) from None
