"""The manual, loaded once."""

from __future__ import annotations

import pytest

from models.catalog import Catalog
from tests.golden.loaded import Loaded, load_manual
from tests.golden.manual import Case, read_cases


@pytest.fixture(scope="session")
def cases() -> list[Case]:
    return read_cases()


@pytest.fixture(scope="session")
def loaded(cases: list[Case], catalog: Catalog, tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    return load_manual(cases, folder=tmp_path_factory.mktemp("manual"), catalog=catalog)
