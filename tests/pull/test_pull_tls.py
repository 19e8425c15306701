"""TLS: certificates are checked; a site's own authority can be named."""

from __future__ import annotations

from pathlib import Path

import pytest

from etl.errors import PermanentError, UsageFault
from etl.pipeline.pull import check_pull_login
from tests.pull.builders import ask, make_home
from tests.standin.keys import write_certificate
from tests.standin.redox import StandIn
from tests.standin.serve import serve


def test_a_certificate_is_checked(tmp_path: Path, replies: dict[tuple[str, str], str]) -> None:
    certificate = write_certificate(tmp_path)
    with serve(StandIn(replies), certificate=certificate) as standin:
        with pytest.raises(PermanentError, match="certificate of the endpoint is not trusted"):
            check_pull_login(make_home(tmp_path, standin))
        trusting = make_home(tmp_path, standin, ca_file=certificate[0])
        assert ask(trusting, 3).landed == 3
        elsewhere = standin.settings()["endpoint"].replace("127.0.0.1", "localhost")
        with pytest.raises(PermanentError, match="not trusted"):
            ask(make_home(tmp_path / "x", standin, ca_file=certificate[0], endpoint=elsewhere), 1)


def test_a_file_without_certificates_is_a_usage_fault(tmp_path: Path, standin: StandIn) -> None:
    (tmp_path / "ca.pem").write_text("nothing")
    with pytest.raises(UsageFault, match=r"pull\.ca_file"):
        check_pull_login(make_home(tmp_path, standin, ca_file=tmp_path / "ca.pem"))


def test_the_environment_names_no_proxy(
    tmp_path: Path, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "")
    assert ask(make_home(tmp_path, standin), 2).landed == 2
