"""Parquet files from whoever wrote them."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet

from raydist.errors import DataError


def read_parquet(file: Path) -> pa.Table:
    """A whole file, with its text checked to be text.

    Raises:
        DataError: the file is missing, truncated or damaged.
    """
    try:
        table = pa.parquet.ParquetFile(file).read()
        table.validate(full=True)
    except FileNotFoundError:
        raise DataError(f"{file}: no such file") from None
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise DataError(f"{file}: not a readable Parquet file ({error})") from None
    return table
