"""Items of a run, one by one: the messages in them, also where one item holds several."""

from __future__ import annotations

from typing import Final

from etl.landing.frames import ITEM
from etl.landing.store import Landing, LandingReader
from etl.pipeline.opening import ItemOpener, Opened
from etl.pipeline.units import Run

SEVERAL_MESSAGES: Final = "several_messages"


class ItemsOfRun:
    """The items of one run; opens the bytes that hold several messages once for all of them."""

    def __init__(
        self,
        run: Run,
        landing: Landing,
        reader: LandingReader,
        opener: ItemOpener,
        *,
        max_bytes: int,
    ) -> None:
        self.run = run
        self._landing = landing
        self._reader = reader
        self._opener = opener
        self._max_bytes = max_bytes
        self._opened: list[Opened] = []  # the messages in the bytes that were opened last
        self._is_counted = True  # as many as there were when they were landed
        self._following = -1, 0  # the next item of the run and the number of its message in them

    def head(self, index: int, size_bytes: int) -> bytes:
        """The first bytes of an item."""
        length = min(int(self.run.length[index]), size_bytes)
        return self._reader.read(int(self.run.offset[index]), length)

    def text(self, index: int) -> bytes:
        """An item in UTF-8."""
        offset, length = int(self.run.offset[index]), int(self.run.length[index])
        return self._opener.decode(self._reader.read(offset, length))

    def message(self, index: int) -> Opened:
        """The message of an item that is whole."""
        if self.run.length[index]:
            self._opened, part = self._opener.open(self.text(index)), 0
            is_one = len(self._opened) == 1
            self._is_counted = is_one or self._count_parts(index) == len(self._opened)
        elif index == self._following[0]:
            part = self._following[1]
        else:
            part = self._open_around(index)
        self._following = index + 1, part + 1
        if self._is_counted and part < len(self._opened):
            return self._opened[part]
        return Opened(b"", self._opened[0].received_at, SEVERAL_MESSAGES)

    def _open_around(self, index: int) -> int:
        """Open the bytes that hold a part whose first message is not in the run; gives its number."""
        place = self._landing.place_of(self.run.object_id, self.run.first_item + index)
        if not 0 < place.length <= self._max_bytes:
            self._opened, self._is_counted = [Opened(b"", reason="too_large")], True
            return 0
        text = self._opener.decode(self._reader.read(place.offset, place.length))
        self._opened = self._opener.open(text)
        self._is_counted = place.parts == len(self._opened)
        return place.part

    def _count_parts(self, index: int) -> int:
        """How many messages were seen in an item when it was landed."""
        stop = index + 1
        while stop < len(self.run) and self.run.kind[stop] == ITEM and not self.run.length[stop]:
            stop += 1
        if stop < len(self.run):
            return stop - index
        return self._landing.place_of(self.run.object_id, self.run.first_item + index).parts
