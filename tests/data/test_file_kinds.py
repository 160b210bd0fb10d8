import bz2
import gzip
import io
import pickle
import sqlite3
import warnings

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.orc
import pyarrow.parquet
import pytest

from raydist.data.file_kinds import file_kind, is_text

TABLE = pa.table({"tracklet_id": ["a", "b"] * 50, "camera": ["c1", "c2"] * 50})
TEXT = "tracklet_id,camera\na,c1\n"


def written(write):
    sink = io.BytesIO()
    write(sink)
    return sink.getvalue()


def feather_of_version_1(sink):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pyarrow.feather.write_feather(TABLE, sink, version=1)


def database():
    with sqlite3.connect(":memory:") as connection:
        connection.execute("create table people (tracklet_id text)")
        return connection.serialize()


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (written(lambda sink: pyarrow.parquet.write_table(TABLE, sink)), "a Parquet file"),
        (written(lambda sink: pyarrow.feather.write_feather(TABLE, sink)), "an Arrow (Feather) file"),
        (written(feather_of_version_1), "a Feather file of version 1"),
        (written(lambda sink: pyarrow.orc.write_table(TABLE, sink)), "an ORC file"),
        (written(lambda sink: np.savez(sink, a=[1])), "a ZIP archive, as workbooks of spreadsheets are"),
        (written(lambda sink: np.save(sink, [1])), "a NumPy array"),
        (gzip.compress(TEXT.encode(), mtime=0), "a gzip archive"),
        (pickle.dumps({"a": 1}), "a pickle of Python"),
        (database(), "an SQLite database"),
        *((TEXT.encode(name), "text in UTF-16") for name in ("utf-16", "utf-16-le", "utf-16-be")),
        *((TEXT.encode(name), "text in UTF-32") for name in ("utf-32", "utf-32-le", "utf-32-be")),
        (b"\xfe\xff" + TEXT.encode("utf-16-be"), "text in UTF-16"),
        (b"\0\0\xfe\xff" + TEXT.encode("utf-32-be"), "text in UTF-32"),
    ],
)
def test_kinds_that_are_certain(content, kind):
    assert file_kind(content) == kind
    assert not is_text(content)


@pytest.mark.parametrize(
    "content",
    [
        TEXT.encode(),
        TEXT.encode("utf-8-sig"),
        TEXT.encode("latin-1"),
        b"ORCA,camera\na,b\n",
        b"PK,camera\n",
        b"a\0b",
        b"tra\0cklet_id,camera\n",
        b"\0" * 100,
        b"\x80\x04 no pickle",
        bz2.compress(b"a"),
        b"",
    ],
)
def test_where_nothing_is_certain(content):
    assert file_kind(content) is None


def test_text_may_end_within_a_character():
    content = "tracklet_id\té\r\n".encode() + "行".encode()[:2]
    assert is_text(content)
    assert not is_text("ç,é,à,ö,ü\n".encode("latin-1"))
    assert not is_text(b"a\0b")
    assert not is_text(b"")
