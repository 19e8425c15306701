"""Which runs get a lock: those of our definitions, whatever server of code they came from."""

from __future__ import annotations

import sys

import dagster as dg
import pytest
from dagster._core.code_pointer import ModuleCodePointer
from dagster._core.origin import JobPythonOrigin, RepositoryPythonOrigin
from dagster._core.remote_origin import (
    CodeLocationOrigin,
    GrpcServerCodeLocationOrigin,
    ManagedGrpcPythonEnvCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

from etl.orchestration.run_launcher import MODULE, _is_ours

OF_THE_DAEMON = ManagedGrpcPythonEnvCodeLocationOrigin(LoadableTargetOrigin(module_name=MODULE))
OF_DG_DEV = GrpcServerCodeLocationOrigin("127.0.0.1", 4000)


def make_run(module: str, location: CodeLocationOrigin) -> dg.DagsterRun:
    code = RepositoryPythonOrigin(sys.executable, ModuleCodePointer(module, "defs"))
    return dg.DagsterRun(
        job_name="load",
        job_code_origin=JobPythonOrigin("load", code),
        remote_job_origin=RemoteJobOrigin(RemoteRepositoryOrigin(location, "here"), "load"),
    )


@pytest.mark.parametrize("location", [OF_THE_DAEMON, OF_DG_DEV])
def test_runs_of_our_definitions_are_ours(location: CodeLocationOrigin) -> None:
    assert _is_ours(make_run(MODULE, location))
    assert not _is_ours(make_run("other.definitions", location))


def test_a_run_without_an_origin_is_left_alone() -> None:
    assert not _is_ours(dg.DagsterRun(job_name="load"))
