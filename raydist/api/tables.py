"""Tracklets, clusters, distances and scores in a program of one's own, equal to those of the commands."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence

from raydist.api.columns import ModalityColumn, TextColumn, as_table
from raydist.api.matches import num_threads
from raydist.clustering.spec import ClusterSpec, cluster_features
from raydist.data.datasets.dataset import ReadOptions, read_dataset
from raydist.data.tracklets import TrackletTable
from raydist.errors import ConfigError, DataError
from raydist.evaluation import retrieval
from raydist.evaluation.retrieval import Retrieval
from raydist.neighbours.jaccard.edges import Edges
from raydist.neighbours.jaccard.graph import jaccard_graph
from raydist.parameters import Value
from raydist.types import FeatureTable, Floats, Ints, Labels

log = logging.getLogger(__name__)


def read_tracklets(
    root: str | os.PathLike[str],
    name: str = "manifest",
    *,
    mismatch: str = "drop",
    auxiliary: bool = False,
    paired: bool = False,
    trial: int = 1,
    frames_root: str | os.PathLike[str] | None = None,
    outside_frames: bool = False,
) -> TrackletTable:
    """The tracklets of all splits of a data set, as the section ``data`` of a configuration reads them.

    What is left out is logged. `TrackletTable.select` takes one split, `TrackletTable.take` any rows.

    Args:
        root: folder of the data set, or the manifest.
        name: ``manifest``, ``hitsz_vcm``, ``buptcampus``, ``sysu_mm01``, ``regdb``, ``llcm``, ``synthetic``
            (a folder that `raydist data synth` has drawn), or ``package.module:Name``.
        mismatch: ``drop`` leaves out tracklets whose files disagree, ``error`` refuses the data set.
        auxiliary: also read training tracklets of persons that one camera alone saw.
        paired: fill the column ``pair``.
        trial: which of RegDB's ten splits.
        frames_root: the folder that the frame paths of a manifest are relative to; by default its own.
        outside_frames: follow frame paths that lead out of that folder.

    Raises:
        ConfigError: there is no such data set, or an option is none of its own.
        DataError: something is missing or broken; all problems of a manifest at once.

    >>> from tempfile import NamedTemporaryFile
    >>> with NamedTemporaryFile("w", suffix=".csv") as file:
    ...     print("tracklet_id,split,modality,camera,frames", file=file)
    ...     print("a,train,visible,door,a/1.jpg|a/2.jpg", file=file, flush=True)
    ...     read_tracklets(file.name).num_frames
    array([2])
    """
    frames = None if frames_root is None else os.fspath(frames_root)
    options = ReadOptions(mismatch, auxiliary, paired, trial, frames, outside_frames)
    table, notes = read_dataset(name, os.fspath(root), options)
    for line in notes.lines():
        log.warning("%s", line)
    return table


def cluster(
    features: FeatureTable | Floats,
    *,
    distance: str = "jaccard",
    algorithm: str = "dbscan",
    modality: ModalityColumn | None = None,
    camera: TextColumn | None = None,
    threads: int | None = None,
    **parameters: Value,
) -> Labels:
    """Labels of tracklets by their k-reciprocal neighbours, as `raydist cluster` gives them.

    Args:
        features: N tracklets, a table or float32 [N, D] with rows of unit length.
        distance: ``jaccard``, ``camera-aware``, ``modality-aware``, or ``package.module:Name``.
        algorithm: ``dbscan``, ``hdbscan``, or ``package.module:Name``.
        modality: of a matrix, ``visible`` or ``infrared``, for all or for each.
        camera: of a matrix, likewise.
        threads: how many work at once, all cores by default; changes the time, never the labels.
        parameters: of the distance and the algorithm, such as ``k1``, ``k2``, ``eps`` and ``min_samples``,
            see ``raydist cluster --help``.

    Returns:
        int64 [N], clusters numbered from 0, -1 for noise.

    Raises:
        ConfigError: an unknown name or parameter, a number out of range, or a column that is missing.
        DataError: there are no features, or one modality is missing that the distance needs.
        FeatureError: a feature is not finite, or not of unit length.

    >>> import numpy as np
    >>> x = np.repeat(np.eye(2, dtype=np.float32), 4, axis=0)
    >>> cluster(x, k1=4, k2=1, eps=0.5, min_samples=2).tolist()
    [0, 0, 0, 0, 1, 1, 1, 1]
    """
    spec = ClusterSpec(distance, algorithm, **parameters)
    table = _checked(features, spec, modality=modality, camera=camera)
    clustering = cluster_features(
        table.features,
        spec,
        modality=table.modality,
        camera=table.camera,
        threads=num_threads(threads),
    )
    return clustering.labels


def jaccard(
    features: FeatureTable | Floats,
    *,
    distance: str = "jaccard",
    eps_max: float = 1.0,
    modality: ModalityColumn | None = None,
    camera: TextColumn | None = None,
    threads: int | None = None,
    **parameters: Value,
) -> Edges:
    """The Jaccard distances of tracklets, those that `cluster` is made of.

    Args:
        features: N tracklets, a table or float32 [N, D] with rows of unit length.
        distance: see `cluster`.
        eps_max: the largest distance that is wanted, in (0, 1]. At 1 these are all pairs that share a
            neighbour; all others have distance 1.
        modality: see `cluster`.
        camera: see `cluster`.
        threads: how many work at once, all cores by default; changes the time, never the distances.
        parameters: of the distance, such as ``k1`` and ``k2``.

    Returns:
        The pairs; ``.matrix(N)`` makes a sparse matrix of them.

    Raises:
        ConfigError: see `cluster`; or `eps_max` is out of range.
        DataError: see `cluster`.
        FeatureError: see `cluster`.

    >>> import numpy as np
    >>> x = np.array([[1, 0], [1, 0], [0, 1]], np.float32)
    >>> pairs = jaccard(x, k1=2, k2=1, eps_max=0.6)
    >>> pairs.i.tolist(), pairs.j.tolist(), pairs.distance.tolist()
    ([0], [1], [0.0])
    """
    spec = ClusterSpec(distance, "dbscan", **parameters)
    if others := sorted(parameters.keys() - vars(spec.metric).keys()):
        raise ConfigError(f"{', '.join(others)}: the {distance} distance has no such parameter; leave it out")
    table = _checked(features, spec, modality=modality, camera=camera)
    group = spec.metric.group_column(modality=table.modality, camera=table.camera)
    threads = num_threads(threads)
    return jaccard_graph(table.features, spec.metric, group, eps_max=eps_max, threads=threads).edges


def evaluate(
    features: FeatureTable | Floats,
    protocol: str = "plain",
    *,
    modality: ModalityColumn | None = None,
    camera: TextColumn | None = None,
    identity: Sequence[int] | Ints | None = None,
    split: TextColumn | None = None,
) -> dict[str, Retrieval]:
    """The scores of retrieval across the modalities, as `raydist score` gives them.

    Args:
        features: a table with identities and splits, or float32 [N, D] with rows of unit length.
        protocol: ``plain``, ``same-camera-removed``, ``hitsz_vcm``, ``buptcampus``, ``sysu_mm01``,
            ``sysu_mm01_indoor``, ``regdb``, ``llcm``, or ``package.module:Name``.
        modality: of a matrix, ``visible`` or ``infrared``, for all or for each; needed there.
        camera: of a matrix, likewise; protocols that remove nothing need none.
        identity: of a matrix, int64 [N], -1 where it is not known; needed there.
        split: of a matrix, ``query`` or ``gallery`` for each; needed there.

    Returns:
        ``infrared_to_visible`` and ``visible_to_infrared`` -> scores in percent, such as ``rank1``.

    Raises:
        ConfigError: there is no such protocol, or a column has another length.
        DataError: the table cannot be scored; the message says what is missing.
        FeatureError: a feature is not finite, or not of unit length.

    >>> import numpy as np
    >>> x = np.array([[1, 0], [0, 1], [0.8, 0.6], [0.6, 0.8]], np.float32)
    >>> known = {"identity": [7, 8, 7, 8], "split": ["query", "query", "gallery", "gallery"]}
    >>> both = evaluate(x, modality=["infrared", "infrared", "visible", "visible"], **known)
    >>> both["infrared_to_visible"].rank1
    100.0
    """
    table = as_table(features, modality=modality, camera=camera, identity=identity, split=split)
    return retrieval.evaluate(table, protocol)


def _checked(
    features: FeatureTable | Floats,
    spec: ClusterSpec,
    *,
    modality: ModalityColumn | None,
    camera: TextColumn | None,
) -> FeatureTable:
    """The features, if the distance can be taken of them."""
    given = {"modality": modality, "camera": camera}
    needed = spec.metric.group
    if not isinstance(features, FeatureTable) and needed is not None and given[needed] is None:
        raise ConfigError(f"the {spec.metric.name} distance needs the {needed} of each row: give {needed}")
    table = as_table(features, modality=modality, camera=camera)
    if not len(table):
        raise DataError("there are no features to cluster")
    spec.check_modalities(table.modality)
    return table
