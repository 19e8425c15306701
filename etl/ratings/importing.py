"""Imports saved pages: read, understand, compare, and write when asked.

This is the order of the steps; each lives in its own module. Telling the result is `tell`'s.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from etl.errors import UsageFault
from etl.ratings.compare import compare_lists
from etl.ratings.comparison import Comparison
from etl.ratings.overlay import write_overlay
from etl.ratings.pages import find_files, read_page
from etl.ratings.records import FieldList, Refusal
from etl.ratings.understand import PageReader
from models.catalog import Catalog, CatalogFaults, read_catalog
from models.catalog.rating_share import RatingShare, rating_share
from models.catalog.records import Expectation


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import understood and did.

    `refused` are field lists that were read but are not used, `refusals` files that hold none
    (`left_out`: those only found in a folder), `written` the catalog files that changed, `shares`
    what is rated of each data model named, with what these pages state.
    """

    comparisons: tuple[Comparison, ...]
    refused: tuple[FieldList, ...]
    refusals: tuple[Refusal, ...]
    left_out: tuple[Refusal, ...]
    notes: tuple[Refusal, ...]
    written: tuple[Path, ...]
    shares: tuple[tuple[str, RatingShare], ...] = ()

    @property
    def is_clean(self) -> bool:
        """True if something was understood and nothing was refused."""
        return bool(self.comparisons) and not self.refused and not self.refusals


def import_pages(paths: Sequence[Path], *, overlay: Path, write: bool) -> ImportReport:
    """Read saved pages and compare them with the catalog; complete the overlay if `write`.

    Raises UsageFault when the catalog itself is faulty. Pages that are refused change nothing.
    """
    catalog = read_site_catalog(overlay)
    reader = PageReader(catalog)
    found: list[FieldList | Refusal] = []
    left_out, notes = [], []
    for file in find_files(paths):
        page = read_page(file.path, file.name)
        results = [page] if isinstance(page, Refusal) else reader.read(page)
        others = [one for one in results if isinstance(one, Refusal) and one.is_other]
        left_out += [] if file.is_asked else others
        found += [one for one in results if file.is_asked or one not in others]
        notes += [] if isinstance(page, Refusal) else [Refusal(page.name, n) for n in page.notes]
    lists = [one for one in found if isinstance(one, FieldList)]
    comparisons = compare_lists([one for one in lists if not one.refused], catalog)
    return ImportReport(
        comparisons=tuple(comparisons),
        refused=tuple(one for one in lists if one.refused),
        refusals=tuple(one for one in found if isinstance(one, Refusal)),
        left_out=tuple(left_out),
        notes=tuple(notes),
        written=tuple(write_overlay(overlay, comparisons)) if write else (),
        shares=tuple(_shares(catalog, comparisons)),
    )


def _shares(
    catalog: Catalog, comparisons: Sequence[Comparison]
) -> Iterator[tuple[str, RatingShare]]:
    """What is rated of each data model of the pages, their own statements included."""
    stated = [
        Expectation(
            one.data_model, one.event_type, one.path, one.required, one.rating, False, one.source
        )
        for comparison in comparisons
        for one in comparison.statements
    ]
    after = replace(catalog, expectations=(*catalog.expectations, *stated))
    for name in sorted({comparison.field_list.data_model for comparison in comparisons}):
        yield name, rating_share(after, name)


def read_site_catalog(overlay: Path) -> Catalog:
    """The packaged catalog with a site's lines; raises UsageFault listing every fault."""
    try:
        return read_catalog(overlay)
    except CatalogFaults as error:
        listing = "; ".join(str(fault) for fault in error.faults[:20])
        raise UsageFault(f"The site's catalog is not valid ({listing}); correct it.") from error
