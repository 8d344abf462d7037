"""Parquet: a table with its types, what its columns mean and what it is about."""

from __future__ import annotations

import json
from typing import Any

from hotline.analysis.formats.schema import said, spoken
from hotline.analysis.formats.words import Say, columns, plain
from hotline.analysis.table import REAL, TEXT, Table


def as_parquet(table: Table, say: Say) -> bytes:
    """Columns are string, int64 or double, null where there is nothing; titles and descriptions
    stand in the columns' metadata, ``about`` as JSON in the file's, under ``hotline``."""
    import pyarrow
    from pyarrow import parquet

    kinds = {TEXT: pyarrow.string(), REAL: pyarrow.float64()}
    fields: list[Any] = [
        pyarrow.field(
            column.name,
            kinds.get(column.kind, pyarrow.int64()),
            metadata={
                "title": plain(said(say, column.title)),
                "description": plain(said(say, column.description)),
            },
        )
        for column in table.columns
    ]
    about = json.dumps(spoken(table.about, say), ensure_ascii=False, allow_nan=False)
    shape = pyarrow.schema(fields, metadata={"hotline": about})
    arrays = [
        pyarrow.array(values, field.type)
        for values, field in zip(columns(table), fields, strict=True)
    ]
    out = pyarrow.BufferOutputStream()
    parquet.write_table(
        pyarrow.Table.from_arrays(arrays, schema=shape), out, compression="zstd", version="2.6"
    )
    return bytes(out.getvalue())
