"""`raydist embed`: features of a data set by the encoder of a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from raydist.cli.common import Json, print_json, print_line, with_exit_codes
from raydist.cli.run_argument import Checkpoint, RunDir, epoch_facts, warn_of_lost_levels
from raydist.cli.system import require_parquet

if TYPE_CHECKING:
    import pyarrow as pa

    from raydist.data.tracklets import TrackletTable
    from raydist.engine.trained import Trained
    from raydist.types import FeatureTable

Overrides = Annotated[
    list[str] | None,
    typer.Argument(
        help="data.key=value, such as data.name=manifest data.root=PATH, and evaluation.resize=value.",
        metavar="KEY=VALUE",
        show_default=False,
    ),
]
Out = Annotated[
    Path, typer.Option(help="The Parquet file to write; it is replaced whole.", show_default=False)
]
Workers = Annotated[
    int,
    typer.Option(
        min=0, max=65_536, help="Ray actors that embed, each on a CPU (or GPU); 0 for this process alone."
    ),
]
Split = Annotated[Literal["train", "query", "gallery", "all"], typer.Option(help="Which tracklets.")]


@with_exit_codes
def embed(
    run_dir: RunDir,
    out: Out,
    overrides: Overrides = None,
    checkpoint: Checkpoint = None,
    split: Split = "all",
    workers: Workers = 0,
    json: Json = False,
) -> None:
    """Write the features of a data set, by the encoder of a run."""
    from raydist.engine.trained import SECTIONS, Trained

    require_parquet(out, what="--out", holds="features")
    trained = Trained.load(run_dir, overrides, sections=SECTIONS, checkpoint=checkpoint)
    table = trained.tracklets()
    warn_of_lost_levels(trained, table)
    chosen = table if split == "all" else table.select(split=split)
    with features_of(trained, chosen, workers) as features:
        blocks = _with_progress(features, len(chosen))
        rows = write_blocks(blocks, out, identity_names=table.identity_names)
    facts = {
        "out": str(out),
        **epoch_facts(trained.chosen),
        "split": split,
        "rows": rows,
        "width": trained.encoder.width,
    }
    print_line(f"{out}: {rows:,} features of width {trained.encoder.width}, after {trained.chosen.line()}")
    if json:
        print_json(facts)


@contextmanager
def features_of(
    trained: Trained, table: TrackletTable, workers: int, **in_this_process: int
) -> Iterator[Iterator[FeatureTable]]:
    """Blocks of features, of this process or of Ray actors, which are there for the length of a block.

    Args:
        trained: the encoder.
        table: N tracklets.
        workers: actors; 0 for this process alone.
        in_this_process: see `Trained.features`.
    """
    if not workers:
        yield trained.features(table, **in_this_process)
        return
    from raydist.distributed.cluster import connected
    from raydist.engine.ray_section import RaySection

    with connected(RaySection(num_workers=workers, use_gpu=trained.device.type == "cuda")):
        from raydist.distributed.driver.embedding import embed_on_workers

        yield embed_on_workers(trained, table, num_workers=workers)


def _with_progress(blocks: Iterator[FeatureTable], num_rows: int) -> Iterator[FeatureTable]:
    """The same blocks; for each a line says how far it is."""
    done = 0
    for block in blocks:
        done += len(block)
        print_line(f"{done:,} of {num_rows:,} tracklets")
        yield block


def write_blocks(
    blocks: Iterator[FeatureTable], out: Path, *, identity_names: Mapping[int, str] | None = None
) -> int:
    """Write one features file from blocks that are never in memory together.

    The file appears whole or not at all.

    Args:
        blocks: at least one; all with the same columns.
        out: the Parquet file.
        identity_names: identity -> its text, see `write_features`.

    Returns:
        How many features were written.
    """
    import pyarrow.parquet as pq

    from raydist.data.feature_files import features_as_table
    from raydist.storage import SHARED, make_folder, whole_file

    num_rows = 0
    make_folder(out.parent)
    with whole_file(out, mode=SHARED) as whole, ExitStack() as stack:
        writer = None
        for block in blocks:
            rows = _as_read(features_as_table(block, identity_names))
            writer = writer or stack.enter_context(pq.ParquetWriter(whole, rows.schema))
            writer.write_table(rows)
            num_rows += len(block)
    return num_rows


def _as_read(table: pa.Table) -> pa.Table:
    """A table as a file gives it back, with the numbers that Parquet gives to the columns."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = pa.BufferOutputStream()
    pq.write_table(table, file)
    return pq.read_table(file.getvalue())
