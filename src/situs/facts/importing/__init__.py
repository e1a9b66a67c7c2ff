"""Price lists of others as dated, sourced facts.

::

    file ─► layout (skypilot, sheet, json) ─► PriceFacts ─► prices-<name>-<day>.csv

All rows are read before anything is made: either every problem is reported with its line, or there is none.
What a layout holds that prices cannot be made of is listed, never dropped silently.
"""

from situs.facts.importing.imported import Defaults, Imported, LeftOut
from situs.facts.importing.layouts import LAYOUTS, Layout, import_prices
from situs.facts.importing.writing import catalogue_files

__all__ = ["LAYOUTS", "Defaults", "Imported", "Layout", "LeftOut", "catalogue_files", "import_prices"]
