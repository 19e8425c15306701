"""Keeps pandas out of a process that has no use for it.

pyarrow imports pandas as soon as it makes an array of a list, which costs more time than a small
load takes. Only for processes of our own: who calls us as a library may want data frames.
"""

from __future__ import annotations

import sys
from importlib.abc import MetaPathFinder


class _WithoutPandas(MetaPathFinder):
    """Lets no import of pandas succeed."""

    def find_spec(self, fullname: str, path: object, target: object = None) -> None:
        if fullname == "pandas":
            raise ImportError("not needed in this process")


def leave_pandas_out() -> None:
    """From now on pandas cannot be imported in this process, unless it was before."""
    if not any(isinstance(finder, _WithoutPandas) for finder in sys.meta_path):
        sys.meta_path.insert(0, _WithoutPandas())


def let_pandas_in() -> None:
    """Take that back: Spark's Python needs it on the driver."""
    sys.meta_path[:] = [one for one in sys.meta_path if not isinstance(one, _WithoutPandas)]
