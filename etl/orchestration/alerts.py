"""The sensor that says by e-mail or webhook when a job fails, a check turns red, and when it is over.

Each thing is said once when it begins and once when it ends. A killed run that is tried again is
nobody's business until its third attempt. Texts hold names of jobs, assets and checks, our own
sentences and counts, never a value of a message.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

import dagster as dg
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus

from etl.orchestration.attempts import ATTEMPT_TAG
from etl.orchestration.boundary import told_to_sensor
from etl.orchestration.notices import Notice, send
from etl.plurals import counted
from etl.sections import AlertSettings
from etl.settings import Settings, read_settings

SENSOR = "alerts"
EVERY_S = 30
ATTEMPTS_IN_SILENCE = 2
MATERIALIZE = "__ASSET_JOB"
_FINISHED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE]

Trouble = dict[str, str]
"""What is wrong now: a job or check, and the sentence about it."""


def build_sensor(
    settings: Settings, job_names: tuple[str, ...], check_keys: tuple[dg.AssetCheckKey, ...]
) -> dg.SensorDefinition:
    """Build the sensor; it runs where a webhook or an address is configured."""

    def alerts(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        with told_to_sensor():
            to = read_settings().alerts
            now = dict(find_trouble(context.instance, to, job_names, check_keys))
            before: Trouble = json.loads(context.cursor or "{}")
            notice = describe_change(before, now)
            if notice is not None:
                send(notice, to)
        reason = notice.title if notice else "Nothing has changed."
        return dg.SensorResult(skip_reason=reason, cursor=json.dumps(now))

    status = dg.DefaultSensorStatus
    return dg.SensorDefinition(
        name=SENSOR,
        evaluation_fn=alerts,
        minimum_interval_seconds=EVERY_S,
        default_status=status.RUNNING if settings.alerts.is_on else status.STOPPED,
        description="Reports when a job fails or a check turns red, and when it is resolved, by e-mail or "
        "webhook: section alerts of the configuration.",
    )


def describe_change(before: Mapping[str, str], now: Mapping[str, str]) -> Notice | None:
    """Return what to say about what began and what ended, None where nothing changed."""
    new = [f"{name}: {now[name]}" for name in now if name not in before]
    over = [f"{name} is OK again" for name in before if name not in now]
    if not new and not over:
        return None
    title = counted(len(new), "new problem") if new else "All reported problems are resolved"
    if over and now and not new:
        title = f"{counted(len(over), 'problem')} fewer"
    return Notice(f"redox-warehouse: {title}", (*new, *over))


def find_trouble(
    instance: dg.DagsterInstance,
    to: AlertSettings,
    job_names: tuple[str, ...],
    check_keys: tuple[dg.AssetCheckKey, ...],
) -> Iterator[tuple[str, str]]:
    """Find every job whose newest run failed, and every check that is red (or yellow, if wanted)."""
    for name in (*job_names, MATERIALIZE):
        filters = dg.RunsFilter(job_name=name, statuses=_FINISHED)
        for run in instance.get_runs(filters, limit=1):
            if run.status is dg.DagsterRunStatus.FAILURE and not _is_tried_again(run):
                label = "Materialize" if name == MATERIALIZE else f"job {name}"
                yield label, f"{_why(instance, run)}{_link(to, f'runs/{run.run_id}')}"
    latest = instance.event_log_storage.get_latest_asset_check_execution_by_key(list(check_keys))
    for key, record in latest.items():
        evaluation = record.event.dagster_event if record.event else None
        if record.status is AssetCheckExecutionRecordStatus.FAILED and evaluation is not None:
            result = evaluation.asset_check_evaluation_data
            is_red = result.severity is dg.AssetCheckSeverity.ERROR
            if is_red or to.warnings:
                path = "/".join(key.asset_key.path)
                link = _link(to, f"assets/{path}?view=checks")
                yield f"check {key.name} of {path}", f"{result.description}{link}"


def _is_tried_again(run: dg.DagsterRun) -> bool:
    """True for a killed run that a sensor or Dagster starts again, in its first attempts."""
    if run.tags.get("dagster/failure_reason") == "STEP_FAILURE":
        return False
    if run.tags.get("dagster/will_retry") == "true":
        return True
    return int(run.tags.get(ATTEMPT_TAG, ATTEMPTS_IN_SILENCE + 1)) <= ATTEMPTS_IN_SILENCE


def _why(instance: dg.DagsterInstance, run: dg.DagsterRun) -> str:
    """Our own sentence of the step that failed; nothing of an error that is not ours."""
    failures = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE)
    for entry in failures:
        event = entry.dagster_event
        told = event.step_failure_data.user_failure_data if event else None
        if told and told.description:
            return told.description
    return "its process ended early: it was killed, or the machine restarted."


def _link(to: AlertSettings, path: str) -> str:
    return f" {to.dagster_url.rstrip('/')}/{path}" if to.dagster_url else ""
