"""The sections of a site's configuration: what each may say, and what it is where nothing is said.

Reads nothing: where the values come from is a matter of `etl.settings`. Secrets are `SecretStr` and
never printed.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator


class Section(BaseModel):
    """One table of the configuration file; unknown keys are faults."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


def _check_endpoint(url: str) -> str:
    """Refuse plain http, except on loopback: tokens and patient data travel over it."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    is_loopback = host in ("localhost", "127.0.0.1", "::1")
    if not host or parts.username or parts.scheme not in ("https", "http"):
        raise ValueError("must be an https:// address without a user name")
    if parts.scheme == "http" and not is_loopback:
        raise ValueError("must be an https:// address, http:// is for loopback only")
    return url


Endpoint = Annotated[str, AfterValidator(_check_endpoint)]


class LoadSettings(Section):
    """How landed bytes become rows. Sizes in bytes."""

    load_bytes: int = Field(512 * 2**20, ge=2**20, description="maximum bytes per load")
    workers: int = Field(0, ge=0, description="threads that read messages; 0 = one per core")
    max_message_bytes: int = Field(64 * 2**20, ge=1024, description="larger items are quarantined")
    max_depth: int = Field(128, ge=8, description="deeper nested items are quarantined")
    max_small_items: int = Field(
        1_000_000,
        ge=1,
        description="after this many items under 40 bytes, the rest of an object is quarantined as one item",
    )
    memory_bytes: int = Field(
        0, ge=0, description="maximum memory of DuckDB per process; 0 = its own limit, 80%"
    )
    in_place: bool = Field(False, description="keep only the URI and hash, not the bytes")


Policy = Literal["flag", "null"]


class ValueSettings(Section):
    """What becomes of values outside closed value sets: `flag` keeps them, `null` unplaces them.

    A field's own policy wins over its set's, a set's over the general one. Fields are named by
    path, or by data model and path: `"PatientAdmin: Patient.Demographics.Sex" = "null"`.
    """

    policy: Policy = Field("flag", description="for every closed set not named below")
    sets: dict[str, Policy] = Field({}, description="by value set")
    fields: dict[str, Policy] = Field({}, description="by path, or data model: path")


class PublishSettings(Section):
    """What analysts read."""

    keep_versions: int = Field(5, ge=1, description="number of published versions to keep")


class PurgeSettings(Section):
    """What a purge leaves behind."""

    redelivery: Literal["refuse", "load"] = Field(
        "refuse", description="what to do with purged content that is delivered again"
    )


class DeltaSettings(Section):
    """Delta tables over the published version, for Databricks, Snowflake, Trino and their like."""

    to: str = Field(
        "", description="folder or URL where every new version is registered; empty = nowhere"
    )
    keep_hours: int = Field(
        168,
        ge=0,
        description="how long files that were removed from a Delta table are kept for readers of older states",
    )
    parallel: int = Field(8, ge=1, le=64, description="tables registered at once")
    storage: dict[str, SecretStr] = Field(
        {}, description="options of the object store, as deltalake names them; secrets"
    )


class LakeSettings(Section):
    """Loading with Spark. Sizes in bytes. A new home that has `master` or `sources` becomes a lake."""

    master: str = Field("", description="the cluster of spark-load: spark://..., yarn, local[4]")
    sources: tuple[str, ...] = Field(
        (), description="what Dagster's asset `lake` loads; empty = no such asset"
    )
    load_bytes: int = Field(
        4 * 2**30, ge=2**20, description="maximum bytes per load, which is one version"
    )
    task_bytes: int = Field(
        128 * 2**20, ge=2**16, description="maximum bytes per task, which writes one file per table"
    )


Days = Annotated[int, Field(ge=1)]


class RetentionSettings(Section):
    """How long what is kept; nothing is removed for its age where nothing is set.

    `messages_days` is by data model, by source ID, by `source ID: data model`, or `*` for all; the
    narrowest wins. Messages go with their rows and landed bytes, as a purge removes them.
    """

    messages_days: dict[str, Days] = Field({}, description="days to keep messages")
    quarantine_days: int = Field(
        0, ge=0, description="days to keep items in quarantine; 0 = forever"
    )
    versions_days: int = Field(
        0, ge=0, description="days to keep published versions except the newest; 0 = forever"
    )
    reports_days: int = Field(0, ge=0, description="days to keep reliability reports; 0 = forever")
    dagster_days: int = Field(0, ge=0, description="days to keep Dagster's ended runs; 0 = forever")
    apply: bool = Field(
        False, description="let the schedule remove data instead of only counting it"
    )


Severity = Literal["block", "warn"]


class MartSettings(Section):
    """The analyst layer: how marts are computed, and which of their tests block a version."""

    memory_bytes: int = Field(
        0, ge=0, description="maximum memory while marts are computed; 0 = half of the machine's"
    )
    patient_id_types: dict[str, str] = Field(
        {},
        description="by source ID: the IDType by which the source names patients; detected if not set",
    )
    checks: dict[str, Severity] = Field(
        {},
        description="block or warn by kind of test (key, words, ledger, refers, not_before) "
        "or by mart and test (encounter.words_encounter_status)",
    )


class ReceiveSettings(Section):
    """The webhook that Redox calls. Sizes in bytes, times in seconds.

    Tokens come from `tokens` (separated by whitespace; meant for the environment) and `token_file`
    (one per line, read again when it changes); all of them are valid.
    """

    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8642, ge=0, le=65535, description="0 = any free port")
    path: str = Field("/redox", pattern=r"^/[A-Za-z0-9._~/-]*$", description="path Redox posts to")
    tokens: SecretStr = Field(
        SecretStr(""), description="valid tokens, separated by spaces; for the environment"
    )
    token_file: Path | None = Field(None, description="file with one valid token per line")
    max_body_bytes: int = Field(
        64 * 2**20, ge=1024, le=256 * 2**20, description="larger bodies are answered 413"
    )
    in_flight_bytes: int = Field(256 * 2**20, ge=1024, description="maximum body bytes in memory")
    min_free_bytes: int = Field(
        2**30, ge=0, description="answer 503 when the disk has fewer free bytes"
    )
    segment_bytes: int = Field(64 * 2**20, ge=1024, description="close a segment at this size")
    segment_age_s: float = Field(60, gt=0, description="close a segment at this age")
    retry_after_s: int = Field(10, ge=1, description="what `Retry-After` says")
    idle_timeout_s: float = Field(
        20, gt=0, description="end a request that sends nothing for this long"
    )
    request_timeout_s: float = Field(300, gt=0, description="end a request that takes longer")
    stop_timeout_s: float = Field(
        20, ge=0, description="how long to wait for open requests when stopping"
    )
    max_connections: int = Field(
        4096, ge=2, description="maximum connections, at most half of them without a valid token"
    )
    access_log: bool = Field(False, description="log accepted requests too, not only refused ones")

    @model_validator(mode="after")
    def _holds_one_body(self) -> Self:
        if self.in_flight_bytes < self.max_body_bytes:
            raise ValueError("needs in_flight_bytes of at least max_body_bytes")
        return self


class PullSettings(Section):
    """How queries are sent to Redox; one way to log in: OAuth (client_id ...) or api_key + secret.

    Sources of the defaults: docs.redoxengine.com, pages "authenticate with JWT", "authenticate a
    legacy API key", "quotas and constraints"; Canada answers at https://api.ca.redoxengine.com.
    """

    endpoint: Endpoint = Field(
        "https://api.redoxengine.com/endpoint", description="where queries go"
    )
    token_url: Endpoint = Field(
        "https://api.redoxengine.com/v2/auth/token",
        description="OAuth tokens; also the audience of the assertion",
    )
    client_id: str = Field("", description="OAuth client")
    key_id: str = Field("", description="kid; empty = the kid inside a JWK key file")
    private_key_file: Path | None = Field(None, description="PEM without passphrase, or JWK")
    algorithm: Literal["RS384", "ES384"] = Field("RS384", description="RS384 or ES384 (P-384)")
    authenticate_url: Endpoint = Field(
        "https://api.redoxengine.com/auth/authenticate", description="legacy tokens"
    )
    refresh_url: Endpoint = Field(
        "https://api.redoxengine.com/auth/refreshToken", description="legacy tokens, renewed"
    )
    api_key: SecretStr | None = Field(None, description="legacy key")
    secret: SecretStr | None = Field(None, description="legacy secret")
    secret_file: Path | None = Field(None, description="file that holds the legacy secret")
    ca_file: Path | None = Field(None, description="certificates of the site's own authority")
    proxy: SecretStr | None = Field(None, description="URL of a forward proxy")
    parallel: int = Field(4, ge=1, le=256, description="concurrent requests")
    timeout_s: float = Field(120, gt=0, description="longest whole exchange")
    rate_limit: int = Field(10_000, ge=1, description="maximum requests in rate_window_s")
    rate_window_s: float = Field(300, gt=0, description="the window of rate_limit")
    max_attempts: int = Field(6, ge=1, description="attempts per request")
    backoff_s: float = Field(1, gt=0, description="first pause; doubles, with jitter")
    longest_backoff_s: float = Field(60, gt=0, description="longest pause between attempts")
    longest_retry_after_s: float = Field(
        900, ge=0, description="a longer Retry-After stops the pull the pull"
    )
    give_up_after: int = Field(10, ge=1, description="failed requests in a row that stop a pull")
    max_reply_bytes: int = Field(64 * 2**20, ge=1024, description="longest reply")
    segment_bytes: int = Field(64 * 2**20, ge=1, description="a segment closes at this size")
    segment_age_s: float = Field(60, gt=0, description="and at this age")


class WatchSettings(Section):
    """Where new files arrive; the Dagster sensor and the hourly sweep look there.

    A path is a folder, a glob or a URL with prefix (s3://bucket/redox/).
    """

    paths: tuple[str, ...] = Field(
        (),
        description="folders, globs and URLs in addition to HOME/incoming, which is always watched",
    )
    every_s: int = Field(30, ge=5, description="pause between two checks")
    settle_s: float = Field(10, ge=0, description="skip files that changed this recently")
    max_batch_files: int = Field(5_000, ge=1, description="maximum files per run")


class CheckSettings(Section):
    """Thresholds of the asset checks, as shares of what the newest load of a feed brought.

    A feed is one source's messages of one data model; items in quarantine are counted by the
    folder or prefix they arrived in. What "fails" also holds publishing back.
    """

    quarantine_share: float = Field(0.01, ge=0, le=1, description="warn above this share of items")
    quarantine_error_share: float = Field(
        0.5, ge=0, le=1, description="fail above this share of items"
    )
    warning_share: float = Field(0.25, ge=0, le=1, description="warn above this share of messages")
    error_share: float = Field(0.05, ge=0, le=1, description="fail above this share of messages")


class OrchestrationSettings(Section):
    """When Dagster does what by itself. Schedules are cron lines; an empty one switches off."""

    publish_after_load: bool = Field(True, description="publish as soon as something was loaded")
    publish_pause_s: int = Field(300, ge=0, description="minimum time between versions")
    load_cron: str = Field(
        "", description="also load what is waiting at set times, in addition to the sensor"
    )
    publish_cron: str = Field("", description="also publish at set times")
    report_cron: str = Field("0 6 * * 1", description="reliability report")
    senders_cron: str = Field("0 7 * * *", description="when to check for silent sources")
    fresh_within_days: dict[str, float] = Field(
        {},
        description="by data model (* for all): days within which something new should come; 0 for "
        "never; not set: the longest pause of its last eight weeks",
    )
    retention_cron: str = Field(
        "", description="when to count or remove what is past its retention period"
    )
    pull_cron: str = Field("", description="when to send yesterday's queries; empty = only by hand")
    timezone: str = Field("UTC", description="time zone of the cron lines")
    owner: str = Field("team:data-engineering", description="owner shown on assets")
    transient_retries: int = Field(3, ge=0, description="reretries after a transient failure")
    retry_wait_s: int = Field(30, ge=0, description="pause before the first retry; doubles")
    longest_retry_wait_s: int = Field(
        3600, ge=0, description="longest pause before a run is retried"
    )
    pull_days_per_run: int = Field(7, ge=1, description="days per run of a backfill")
    pull_since: date = Field(date(2026, 1, 1), description="first day that can be pulled")
    pull_requests: Path | None = Field(None, description="request files; HOME/requests if not set")
    pull_table: Path | None = Field(None, description="CSV that fills the requests")


class AlertSettings(Section):
    """Who is notified when a job fails or a check turns red in Dagster, and when it is over.

    A webhook of Slack or Teams, any other as JSON, e-mail, or both. The texts hold names of jobs,
    assets, checks and sources, and counts; no data of patients.
    """

    webhook_url: SecretStr | None = Field(None, description="address to post to; a secret")
    webhook_kind: Literal["slack", "teams", "json"] = Field("slack", description="what it expects")
    email_to: tuple[str, ...] = Field((), description="addresses that receive e-mail")
    email_from: str = Field("", description="sender of the e-mails")
    smtp_host: str = Field("", description="mail server")
    smtp_port: int = Field(587, ge=1, le=65535, description="its port; 465 for tls")
    smtp_security: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="none only for a mail server on this machine"
    )
    smtp_user: str = Field("", description="login, if the server requires one")
    smtp_password: SecretStr | None = Field(None, description="its password")
    warnings: bool = Field(
        False, description="also report checks that warn, not only those that fail"
    )
    dagster_url: str = Field("", description="address of Dagster's pages, for links in the texts")

    @property
    def is_on(self) -> bool:
        """True if anybody is to be notified."""
        return self.webhook_url is not None or bool(self.email_to)

    @model_validator(mode="after")
    def _can_be_sent(self) -> Self:
        if self.webhook_url is not None:
            _check_endpoint(self.webhook_url.get_secret_value())
        if self.email_to and not (self.smtp_host and self.email_from):
            raise ValueError("needs smtp_host and email_from to send to email_to")
        is_here = self.smtp_host in ("localhost", "127.0.0.1", "::1")
        if self.email_to and self.smtp_security == "none" and not is_here:
            raise ValueError("smtp_security none is for a mail server on this machine only")
        return self
