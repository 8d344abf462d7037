"""Formats: a table as a file that opens anywhere, and as a folder that explains itself.

CSV, XLSX, Parquet, JSON and GeoJSON; the same table gives the same bytes.
"""

from __future__ import annotations

from hotline.analysis.formats.folder import FolderInUse, render, write
from hotline.analysis.formats.package import MEDIA
from hotline.analysis.formats.text import EXCEL_BR
from hotline.analysis.formats.words import BadFormat, NoMunicipality, SheetTooLarge

FORMATS = tuple(MEDIA)
DIALECTS = (EXCEL_BR,)

__all__ = [
    "DIALECTS",
    "FORMATS",
    "MEDIA",
    "BadFormat",
    "FolderInUse",
    "NoMunicipality",
    "SheetTooLarge",
    "render",
    "write",
]
