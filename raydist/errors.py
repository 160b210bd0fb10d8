"""The errors a user can meet. Each message says what was given, what was expected and what to do."""

from __future__ import annotations


class RaydistError(ValueError):
    """Base of all errors below; `exit_code` is what the command line ends with."""

    exit_code = 1


class ConfigError(RaydistError):
    """A setting is unknown, out of range, or asks for what the cluster does not have."""

    exit_code = 2


class DataError(RaydistError):
    """A file, a table or a frame is not what its grammar promises."""

    exit_code = 3


class FeatureError(RaydistError):
    """Features are not finite, not of one width, or not of unit length."""


class ClusteringError(RaydistError):
    """Clustering cannot give usable labels (for example, every row is noise)."""


class CheckpointError(RaydistError):
    """A checkpoint is missing, truncated, or belongs to another run."""


class DamagedCheckpointError(CheckpointError):
    """A checkpoint is not as it was written; one of an earlier epoch may be."""


class StorageError(RaydistError):
    """A file cannot be written: the disk is full, it is read-only, or the rights are missing."""


class WorkerError(RaydistError):
    """A worker of the cluster failed more often than the run allows."""


class TrainingError(RaydistError):
    """Training cannot go on (for example, the loss is no longer a number)."""


class TrackingError(RaydistError):
    """MLflow does not answer, or fails in a way that may pass."""


class RenamedKeyWarning(FutureWarning):
    """A key of the configuration has a new name; the old one is read for one more version."""


class NoEffectWarning(UserWarning):
    """A value that was given changes nothing, or not as much as it says."""
