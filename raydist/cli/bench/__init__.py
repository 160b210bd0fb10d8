"""`raydist bench`: how long clustering and training take here, and what other sizes would cost."""

from __future__ import annotations

import typer

from raydist.cli.bench.cluster import bench_cluster
from raydist.cli.bench.refresh import bench_refresh
from raydist.cli.bench.scale import bench_scale
from raydist.cli.bench.train import bench_train

bench = typer.Typer(help="Time clustering and training on this machine.", no_args_is_help=True)
bench.command("cluster")(bench_cluster)
bench.command("refresh")(bench_refresh)
bench.command("scale")(bench_scale)
bench.command("train")(bench_train)
