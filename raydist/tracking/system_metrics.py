"""CPU, memory, disk, network and GPU of the driver's machine in the MLflow run, while a training goes on."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

LONGEST_END = 5.0
"""Seconds that the end may take: a server that does not answer must not hold up the driver."""


@contextmanager
def system_metrics(uri: str, run_id: str) -> Iterator[None]:
    """Log them every ten seconds while the block runs, under ``system/``; a failure ends that, and no more.

    Args:
        uri: of the server or the database, whole.
        run_id: of a run that exists; one that goes on continues its steps.
    """
    logging.getLogger("mlflow.system_metrics").setLevel(logging.CRITICAL)  # the tracker says what fails
    monitor = None
    with suppress(Exception):  # whatever MLflow, its database or its server throw
        monitor = SystemMetricsMonitor(run_id, resume_logging=True, tracking_uri=uri)
        monitor.start()
    try:
        yield
    finally:
        if monitor is not None:
            end = threading.Thread(target=monitor.finish, daemon=True)
            end.start()
            end.join(LONGEST_END)
