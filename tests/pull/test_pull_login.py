"""Logging in: both algorithms, renewal in time, and refusals that say what to check."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from pydantic import SecretStr

from etl.errors import PermanentError, TransientError, UsageFault
from etl.pipeline.pull import check_pull_login
from etl.pull.tokens import make_token
from etl.settings import Settings, read_settings
from tests.pull.builders import FAST, ask, landed_ids, make_home
from tests.standin.faults import Fault
from tests.standin.keys import RegisteredKey, make_private_key, write_key
from tests.standin.redox import StandIn


def make_oauth_home(folder: Path, standin: StandIn, key: Any, **pull: Any) -> Settings:
    """A home with an OAuth key that the stand-in knows as `kid-1` of `client-1`."""
    algorithm = pull.get("algorithm", "RS384")
    standin.login.register(RegisteredKey("kid-1", "client-1", algorithm, key.public_key()))
    key_file = write_key(key, folder / "private.pem")
    given = {"client_id": "client-1", "key_id": "kid-1", "private_key_file": key_file}
    return read_settings(folder / "home", pull=standin.settings() | FAST | given | pull)


@pytest.mark.parametrize("algorithm", ["RS384", "ES384"])
def test_a_signed_assertion_logs_in(
    algorithm: str, tmp_path: Path, standin: StandIn, private_keys: dict[str, Any]
) -> None:
    settings = make_oauth_home(tmp_path, standin, private_keys[algorithm], algorithm=algorithm)
    assert ask(settings, 5).landed == 5
    assert landed_ids(settings) == ["P0", "P1", "P2", "P3", "P4"]
    assert standin.login.issued == 1


@pytest.mark.parametrize("algorithm", ["RS384", "ES384"])
def test_a_jwk_with_its_own_kid_logs_in(
    algorithm: str, tmp_path: Path, standin: StandIn, private_keys: dict[str, Any]
) -> None:
    key = private_keys[algorithm]
    settings = make_oauth_home(tmp_path, standin, key, algorithm=algorithm, key_id="")
    described = jwt.get_algorithm_by_name(algorithm).to_jwk(key, as_dict=True)
    (tmp_path / "private.pem").write_text(json.dumps(described | {"kid": "kid-1"}))
    check_pull_login(settings)
    assert standin.login.issued == 1


def test_a_token_is_renewed_before_it_expires(
    tmp_path: Path, standin: StandIn, private_keys: dict[str, Any]
) -> None:
    standin.login.token_lifetime_s, standin.login.grace_s = 0.25, 5
    settings = make_oauth_home(tmp_path, standin, private_keys["ES384"], algorithm="ES384")
    standin.faults.always = Fault(slow_s=0.1)
    parallel = settings.pull.model_copy(update={"parallel": 1})
    assert ask(settings.model_copy(update={"pull": parallel}), 10).landed == 10
    assert standin.login.issued >= 3


@pytest.mark.parametrize(("lifetime_s", "used_s"), [(300, 240), (86_400, 86_340), (10, 8)])
def test_a_token_is_used_for_most_of_its_life(lifetime_s: float, used_s: float) -> None:
    token = make_token("t", lifetime_s)
    assert token.renew_at_s - time.time() == pytest.approx(used_s, abs=1)


def test_a_token_that_was_revoked_is_replaced_once(settings: Settings, standin: StandIn) -> None:
    ask(settings, 1)
    standin.faults.add([Fault(), Fault(status=401)])
    summary = ask(settings, 8)
    assert (summary.landed, summary.failed) == (7, 0)
    assert standin.login.renewed == 1


def test_a_fresh_token_that_is_refused_ends_the_pull(settings: Settings, standin: StandIn) -> None:
    standin.faults.always = Fault(status=401)
    with pytest.raises(PermanentError, match="refuses a token it has just given"):
        ask(settings, 20)
    assert standin.queries.statuses[401] <= 2 * settings.pull.parallel


def test_a_wrong_key_is_refused_with_what_to_check(
    tmp_path: Path, standin: StandIn, private_keys: dict[str, Any]
) -> None:
    settings = make_oauth_home(tmp_path, standin, private_keys["RS384"])
    write_key(make_private_key("RS384"), tmp_path / "private.pem")
    with pytest.raises(PermanentError, match=r"status_401, invalid_client.*registered at Redox"):
        check_pull_login(settings)
    assert standin.login.issued == 0


def test_an_unknown_key_id_is_refused(
    tmp_path: Path, standin: StandIn, private_keys: dict[str, Any]
) -> None:
    settings = make_oauth_home(tmp_path, standin, private_keys["RS384"], key_id="other")
    with pytest.raises(PermanentError, match=r"check pull\.client_id, pull\.key_id"):
        check_pull_login(settings)


def test_a_token_endpoint_that_fails_for_now_is_tried_again(
    settings: Settings, standin: StandIn
) -> None:
    standin.login_faults.add([Fault(status=503), Fault(status=500)])
    check_pull_login(settings)
    standin.login_faults.always = Fault(status=502)
    with pytest.raises(TransientError, match="No token could be had"):
        check_pull_login(settings)


def test_legacy_tokens_are_renewed_by_the_refresh_token(
    settings: Settings, standin: StandIn
) -> None:
    standin.login.legacy_lifetime_s, standin.login.grace_s = 0.25, 5
    standin.faults.always = Fault(slow_s=0.1)
    parallel = settings.pull.model_copy(update={"parallel": 1})
    assert ask(settings.model_copy(update={"pull": parallel}), 10).landed == 10
    assert standin.login.renewed >= 2


def test_a_refused_refresh_token_falls_back_to_the_secret(
    settings: Settings, standin: StandIn
) -> None:
    standin.login.legacy_lifetime_s, standin.login.grace_s = 0.12, 5
    standin.login_faults.add([Fault(), Fault(status=401)])
    standin.faults.always = Fault(slow_s=0.1)
    assert ask(settings, 12).landed == 12
    assert standin.login.issued > standin.login.renewed + 1


def test_the_secret_may_stand_in_a_file(tmp_path: Path, standin: StandIn) -> None:
    file = tmp_path / "secret"
    file.write_text("a-legacy-secret\n")
    check_pull_login(make_home(tmp_path, standin, secret=None, secret_file=file))
    file.write_text("another")
    with pytest.raises(PermanentError, match=r"check pull\.api_key and pull\.secret"):
        check_pull_login(make_home(tmp_path, standin, secret=None, secret_file=file))


@pytest.mark.parametrize(
    ("pull", "told"),
    [
        ({}, "neither pull.client_id (OAuth) nor pull.api_key (legacy) is set"),
        ({"client_id": "c"}, "pull.private_key_file is missing"),
        ({"api_key": SecretStr("k")}, "pull.secret or pull.secret_file is missing"),
        ({"client_id": "c", "api_key": SecretStr("k")}, "keep one"),
        ({"api_key": SecretStr("k"), "secret_file": Path("gone")}, "pull.secret_file cannot be"),
        ({"client_id": "c", "private_key_file": Path("gone")}, "private_key_file cannot be read"),
    ],
)
def test_settings_that_cannot_log_in_say_so(
    pull: dict[str, Any], told: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageFault) as fault:
        check_pull_login(read_settings(tmp_path, pull=pull))
    assert told in str(fault.value)


@pytest.mark.parametrize(
    ("key", "algorithm", "told"),
    [
        (rsa.generate_private_key(65537, 1024), "RS384", "does not fit RS384"),
        (ec.generate_private_key(ec.SECP256R1()), "ES384", "does not fit ES384"),
        (ec.generate_private_key(ec.SECP384R1()), "RS384", "does not fit RS384"),
    ],
)
def test_a_key_that_does_not_fit_the_algorithm_is_refused(
    key: Any, algorithm: str, told: str, tmp_path: Path, standin: StandIn
) -> None:
    settings = make_oauth_home(tmp_path, standin, key, algorithm=algorithm)
    with pytest.raises(UsageFault, match=told):
        check_pull_login(settings)


@pytest.mark.parametrize("content", ["", "no key", "{}", '{"kty":"RSA"}', "[1]", "{"])
def test_a_file_without_a_key_is_refused_without_its_text(
    content: str, tmp_path: Path, standin: StandIn, private_keys: dict[str, Any]
) -> None:
    settings = make_oauth_home(tmp_path, standin, private_keys["RS384"])
    (tmp_path / "private.pem").write_text(content)
    with pytest.raises(UsageFault, match="holds no usable private key") as fault:
        check_pull_login(settings)
    assert fault.value.__cause__ is None


@pytest.mark.parametrize("url", ["http://api.example.org/endpoint", "ftp://h/", "https://u:p@h/"])
def test_an_address_that_would_leak_is_a_fault(url: str, tmp_path: Path) -> None:
    with pytest.raises(UsageFault, match=r"pull\.endpoint") as fault:
        read_settings(tmp_path, pull={"endpoint": url})
    assert url not in str(fault.value)
