"""What the page of a run shows of its features and labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from raydist.announcements import announce
from raydist.data.tracklets import TrackletTable
from raydist.engine.inputs import readable_part, scoring_obstacle, split_tables
from raydist.engine.run_folder import RunFolder
from raydist.engine.schema import Config
from raydist.engine.summary import RunSummary
from raydist.engine.trained import Trained
from raydist.evaluation.retrieval import evenly_spaced
from raydist.home import cache_folder
from raydist.plurals import counted
from raydist.reports.clusters import cluster_groups
from raydist.reports.hierarchies import hdbscan_trees
from raydist.reports.shown_tracklet import Described
from raydist.reports.tracklet_map import MAX_POINTS
from raydist.reports.views import Views, knows_identities, with_map, with_rankings
from raydist.types import NOISE, Labels

NOT_DRAWN = (
    "Frames are not shown: these are recordings of people, and a page is easily passed on. Show them with "
    "report.images=true."
)
TREES_NOTE = (
    "Made anew from the features of the encoder after epoch {epoch}, whereas that epoch clustered those "
    "of the encoder before its steps: so it may differ from the labels."
)
NOT_WANTED = "Frames are not shown, as report.images=false says."


def run_views(folder: RunFolder, summary: RunSummary, trained: Trained, table: TrackletTable) -> Views:
    """The views of a run: of the labels that it trained on, and of its queries and gallery.

    Args:
        folder: of the run.
        summary: its result.
        trained: the encoder that computes the features.
        table: all tracklets of the data.

    Raises:
        DataError: the data set is not as it should be.
    """
    training, ranked = split_tables(trained.config, table)
    announce(f"report: features of {counted(min(len(training), MAX_POINTS) + len(ranked), 'tracklet')}")
    views = Views(
        source=f"the encoder after epoch {trained.epoch}",
        scored=not summary.not_scored,
        no_pictures=why_no_pictures(trained.config),
        labels_source=f"that epoch {trained.epoch} trained on",
        map_of="training tracklets",
    )
    views = _of_training(views, folder.labels(trained.epoch), training, trained)
    obstacle = scoring_obstacle(trained.config, ranked)
    if not len(ranked) or (obstacle is not None and obstacle.reason == "no queries"):
        return views
    (features,) = trained.features(ranked, rows_at_once=len(ranked))
    frames = trained.frames(ranked) if views.pictures else None
    return with_rankings(views, features, frames, summary.protocol if views.scored else None)


def why_no_pictures(config: Config) -> str:
    """Why the page shows no frames; empty where it does."""
    if config.report.shows_images(config.data.name):
        return ""
    return NOT_DRAWN if config.report.images is None else NOT_WANTED


def _of_training(
    views: Views, label_of: Mapping[str, int], training: TrackletTable, trained: Trained
) -> Views:
    """A map of the training tracklets; with their clusters and association, if the epoch made clusters."""
    table, frames = readable_part(training, trained.config.data, cache_folder())
    sample = table.take(evenly_spaced(len(table), MAX_POINTS))
    is_sample = len(sample) < len(table)
    (features,) = trained.features(sample, rows_at_once=len(sample))
    labels = _labels(label_of, features)
    views = with_map(views, features, labels, is_sample=is_sample)
    if views.map is not None:
        views = replace(views, map=replace(views.map, num_tracklets=len(table)))
    if (labels == NOISE).all():
        return views
    views = replace(
        views,
        clusters=cluster_groups(table, _labels(label_of, table), frames if views.pictures else None),
        knows_identities=knows_identities(table.identity),
    )
    if is_sample:  # whose hierarchy would be another one
        return views
    trees = hdbscan_trees(features, trained.config)
    return replace(views, trees=trees, trees_note=TREES_NOTE.format(epoch=trained.epoch))


def _labels(label_of: Mapping[str, int], table: Described) -> Labels:
    return np.array([label_of.get(name, NOISE) for name in table.tracklet_id.tolist()], np.int64)
