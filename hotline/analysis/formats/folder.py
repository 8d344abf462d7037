"""Folder: an extract as people get it, whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path

from hotline.analysis.formats.package import MEDIA, codebook, descriptor
from hotline.analysis.formats.parquet import as_parquet
from hotline.analysis.formats.points import as_geojson
from hotline.analysis.formats.sheet import as_xlsx
from hotline.analysis.formats.text import EXCEL_BR, as_csv, as_json
from hotline.analysis.formats.words import BadFormat, Say, english
from hotline.analysis.table import Table
from hotline.errors import BadInput

SUMS = "SHA256SUMS"


class FolderInUse(BadInput):
    """What stands there is not an extract as it was written."""

    code = "folder_in_use"
    message = "The folder holds something else already."
    hint = "Name a new folder or an empty one. Nothing was written."


def render(table: Table, format: str, dialect: str = "", say: Say = english) -> bytes:
    """The table alone as a file of ``FORMATS``. The same table gives the same bytes. Raises
    BadFormat, NoMunicipality, SheetTooLarge."""
    if format not in MEDIA or dialect not in (("", EXCEL_BR) if format == "csv" else ("",)):
        raise BadFormat
    match format:
        case "csv":
            return as_csv(table, dialect)
        case "xlsx":
            return as_xlsx(table, say)
        case "parquet":
            return as_parquet(table, say)
        case "json":
            return as_json(table, say)
        case _:
            return as_geojson(table, say)


def write(
    table: Table, format: str, folder: Path, dialect: str = "", say: Say = english
) -> list[Path]:
    """The file ``trends.<format>`` first, then ``datapackage.json``, ``codebook.md`` and
    ``SHA256SUMS``. An extract that stands there untouched is replaced. Raises what ``render``
    does and FolderInUse; then nothing has changed."""
    if not _free(folder):
        raise FolderInUse
    content = render(table, format, dialect, say)
    package = descriptor(table, format, content, say, dialect)
    files = {
        f"trends.{format}": content,
        "datapackage.json": (json.dumps(package, ensure_ascii=False, indent=2) + "\n").encode(),
        "codebook.md": codebook(package, say).encode(),
    }
    sums = "".join(f"{hashlib.sha256(held).hexdigest()}  {name}\n" for name, held in files.items())
    files[SUMS] = sums.encode()
    _put(folder, files)
    return [folder / name for name in files]


def _put(folder: Path, files: Mapping[str, bytes]) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    made, old = (folder.with_name(f".{folder.name}.{secrets.token_hex(6)}") for _ in range(2))
    try:
        made.mkdir()
        for name, content in files.items():
            with (made / name).open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        if folder.exists():
            folder.rename(old)
        made.rename(folder)
    finally:
        if old.exists() and not folder.exists():
            old.rename(folder)
        for left in (made, old):
            shutil.rmtree(left, ignore_errors=True)


def _free(folder: Path) -> bool:
    """Whether nothing is lost by writing there: it is not there, empty, or an extract whose files
    are still what their sums say."""
    if not folder.exists() and not folder.is_symlink():
        return True
    if folder.is_symlink() or not folder.is_dir():
        return False
    held = {path.name for path in folder.iterdir()}
    if not held:
        return True
    try:
        lines = (folder / SUMS).read_text().splitlines()
        sums = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
        return held == {*sums, SUMS} and all(
            hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
            for name, digest in sums.items()
        )
    except (OSError, UnicodeDecodeError):
        return False
