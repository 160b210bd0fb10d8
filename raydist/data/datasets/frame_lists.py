"""The frames of a manifest: lists of paths, or text with ``|`` between the paths."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from raydist.data.columns import is_text, plain_column, text_lists
from raydist.data.table_problems import TableProblems, quoted
from raydist.errors import DataError

SEPARATOR = "|"
_LIST_TEXT = r"(?s)^[\[(].*['\"].*[\])]$"


def frame_lists(column: pa.ChunkedArray, folder: Path, problems: TableProblems) -> pa.ChunkedArray | None:
    """The frames of each tracklet.

    Args:
        column: lists of text of any Arrow type, or text in which ``|`` separates the paths, with or without
            blanks around it.
        folder: of the frames; a file there may have a back slash in its name.
        problems: where what cannot be read goes; a row with a problem gets one path that has none.

    Returns:
        list<string> [N]; None where the column cannot be read.

    >>> frame_lists(pa.chunked_array([["a.jpg | b.jpg", ""]]), Path(), TableProblems()).to_pylist()
    [['a.jpg', 'b.jpg'], []]
    """
    plain = plain_column(column)
    lists = _split(plain, problems) if is_text(plain.type) else text_lists(plain, "frames", problems)
    return None if lists is None else _without_back_slashes(lists, folder, problems)


def check_links(frames: pa.ChunkedArray, folder: Path, problems: TableProblems) -> None:
    """Note frames that a symbolic link leads out of their folder.

    Args:
        frames: list<string> [N], relative to the folder.
        folder: of the frames; it may itself be behind a link.
        problems: where the problem goes.
    """
    root = os.path.realpath(folder)
    inside = (root + os.sep).replace(os.sep * 2, os.sep)
    parents: dict[str, bool] = {}

    def leads_out(path: str) -> bool:
        parent, file = os.path.dirname(path), os.path.join(root, path)
        if parent not in parents:
            parents[parent] = (os.path.realpath(os.path.join(root, parent)) + os.sep).startswith(inside)
        linked = os.path.islink(file) and not os.path.realpath(file).startswith(inside)
        return linked or not parents[parent]

    outside = [
        (row, path) for row, paths in enumerate(frames.to_pylist()) for path in paths if leads_out(path)
    ]
    if outside:
        rows = problems.rows(sorted({row for row, _ in outside}))
        problems.add(
            f"frames: {len(outside)} frame paths lead out of {folder} through a symbolic link in {rows}, the "
            f"first is {quoted(outside[0][1])}; data.outside_frames=true follows them"
        )


def frames_folder(manifest: Path, frames_root: str | Path | None) -> Path:
    """The folder that the paths of a manifest are relative to.

    Raises:
        DataError: the folder that is named does not exist.
    """
    if frames_root is None:
        return manifest.parent
    folder = Path(frames_root).expanduser()
    if not os.path.isdir(folder):
        raise DataError(f"data.frames_root {folder}: there is no such folder")
    return folder


def _split(column: pa.ChunkedArray, problems: TableProblems) -> pa.ChunkedArray:
    """Texts cut at the bars; those that are no such texts are noted."""
    texts = pc.utf8_trim_whitespace(column.cast(pa.string()))
    listed = pc.match_substring_regex(texts, _LIST_TEXT)
    _note(
        texts,
        listed,
        "the text of a list",
        "write the paths with | between them, in pandas df['frames'] = df['frames'].map('|'.join), or write "
        "the lists as Parquet",
        problems,
    )
    broken = pc.and_(pc.match_substring_regex(texts, r"[\r\n]"), pc.invert(listed))
    fix = "separate paths by |, and look for a quotation mark that is not closed"
    _note(texts, broken, "a line break", fix, problems)
    texts = pc.if_else(pc.fill_null(pc.or_(listed, broken), False), "-", texts)
    parts = [
        None if text is None else [part.strip() for part in text.split(SEPARATOR)] if text else []
        for text in texts.to_pylist()
    ]
    return pa.chunked_array([pa.array(parts, pa.list_(pa.string()))])


def _without_back_slashes(frames: pa.ChunkedArray, folder: Path, problems: TableProblems) -> pa.ChunkedArray:
    lists = frames.combine_chunks()
    paths = pc.list_flatten(lists)
    with_slashes = pc.fill_null(pc.match_substring(paths, "\\"), False).to_numpy(zero_copy_only=False)
    bad = np.array(
        [
            place
            for place in np.flatnonzero(with_slashes)
            if not os.path.lexists(os.path.join(folder, paths[place].as_py()))
        ],
        np.int64,
    )
    if not bad.size:
        return frames
    rows = np.unique(pc.list_parent_indices(lists).to_numpy()[bad])
    problems.add(
        f"frames: back slashes in {problems.rows(rows)}, the first path is {quoted(paths[bad[0]].as_py())}; "
        "separate folders by /, in pandas df['frames'] = df['frames'].str.replace('\\\\', '/')"
    )
    mended = paths.to_pylist()
    for place in bad:
        mended[place] = mended[place].replace("\\", "/")
    lengths = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    mask = pc.is_null(lists)
    return pa.chunked_array(
        [pa.ListArray.from_arrays(pa.array(offsets), pa.array(mended, pa.string()), mask=mask)]
    )


def _note(
    texts: pa.ChunkedArray, where: pa.ChunkedArray, what: str, fix: str, problems: TableProblems
) -> None:
    if pc.any(where).as_py():
        first = texts.filter(where)[0].as_py()
        problems.add(f"frames: {what} in {problems.rows(where)}, the first is {quoted(first)}; {fix}")
