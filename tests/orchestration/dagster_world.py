"""A home with Dagster's own storage in it, and a sensor and runs as the daemon would start them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg

from etl.doctor.dagster_home import bring_up_to_date
from etl.settings import Settings
from etl.synth import Dials
from models.catalog import Catalog
from tests.synthetic import synthetic_messages


@dataclass
class DagsterWorld:
    """The definitions of a home and a real instance; every run is executed in this process."""

    settings: Settings
    catalog: Catalog
    instance: dg.DagsterInstance
    definitions: dg.Definitions
    cursors: dict[str, str | None] = field(default_factory=dict)

    @property
    def storage(self) -> Path:
        return self.settings.home / "dagster"

    def write(self, name: str, messages: int = 12, **dials: Any) -> Path:
        """Synthetic PatientAdmin messages as one file in HOME/incoming."""
        dials.setdefault("data_models", ("PatientAdmin",))
        dials = {"shapes": 2, "first_day": date(2026, 1, 5), **dials}
        return self.put(name, synthetic_messages(Dials(messages, **dials)))

    def put(self, name: str, content: bytes) -> Path:
        """A file in HOME/incoming."""
        target = self.settings.incoming_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        return target

    def tick(self, sensor: str = "new_files") -> dg.SensorExecutionData:
        """One look of a sensor, as the daemon evaluates it."""
        repository = self.definitions.get_repository_def()
        context = dg.build_sensor_context(
            instance=self.instance, cursor=self.cursors.get(sensor), repository_def=repository
        )
        data = repository.get_sensor_def(sensor).evaluate_tick(context)
        self.cursors[sensor] = data.cursor
        return data

    def run(self, job: str, **options: Any) -> dg.ExecuteInProcessResult:
        """Execute a job without raising."""
        definition = self.definitions.resolve_job_def(job)
        return definition.execute_in_process(
            instance=self.instance, raise_on_error=False, **options
        )

    def run_what_sensor_asks(self) -> dg.ExecuteInProcessResult | None:
        """A tick, and the run it asks for."""
        asked = self.tick().run_requests
        if not asked:
            return None
        result = self.run("load", run_config=asked[0].run_config, tags=asked[0].tags)
        assert result.success, said(result)
        return result

    def storage_holds(self, *needles: str) -> list[str]:
        """Files of Dagster's storage in which one of the texts stands, in any common encoding."""
        forms = {form for needle in needles for form in _forms(needle)}
        return [
            str(path.relative_to(self.storage))
            for path in self.storage.rglob("*")
            if path.is_file() and any(form in path.read_bytes() for form in forms)
        ]


def _forms(text: str) -> Iterator[bytes]:
    yield text.encode()
    yield json.dumps(text)[1:-1].encode()
    yield text.encode("utf-16-le")


def keep_runs_on_disk(settings: Settings) -> dg.DagsterInstance:
    """An instance as `make dagster` has it, in HOME/dagster."""
    storage = settings.home / "dagster"
    bring_up_to_date(storage)
    return dg.DagsterInstance.from_config(str(storage))


def said(result: dg.ExecuteInProcessResult) -> str:
    """The sentence with which the one failed step of a run failed."""
    failures = result.filter_events(lambda event: event.is_step_failure)
    assert len(failures) == 1
    told = failures[0].step_failure_data.user_failure_data
    return (told.description or "") if told else ""


def logged(world: DagsterWorld, result: dg.ExecuteInProcessResult) -> list[str]:
    """What steps wrote into the log of a run, without Dagster's own events."""
    entries = world.instance.all_logs(result.run_id)
    return [entry.user_message for entry in entries if not entry.is_dagster_event]


def metadata_of(result: dg.ExecuteInProcessResult) -> dict[str, dict[str, Any]]:
    """Metadata of the materializations of a run, by asset."""
    return {
        event.materialization.asset_key.to_user_string(): {
            name: value.value for name, value in event.materialization.metadata.items()
        }
        for event in result.get_asset_materialization_events()
        for event in [event.step_materialization_data]
    }


def checks_of(result: dg.ExecuteInProcessResult) -> dict[tuple[str, str], bool]:
    """Which checks passed in a run, by asset and check."""
    return {
        (check.asset_key.to_user_string(), check.check_name): check.passed
        for check in result.get_asset_check_evaluations()
    }
