"""The catalog: every fact about Redox's data models, said once, in CSV files.

`read_catalog` gives a `Catalog`; everything else in the project is compiled from it.
"""

from models.catalog.csv_table import CatalogFaults
from models.catalog.reader import read_catalog
from models.catalog.records import Catalog

__all__ = ["Catalog", "CatalogFaults", "read_catalog"]
