"""What a gallery shows: a file of features, or the data of a run, with the run's encoder, labels and
frames."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from raydist.api.run_encoder import SECTIONS, RunEncoder, searched_tracklets
from raydist.api.same_encoder import require_same_encoder
from raydist.data.feature_files import read_features, read_labels
from raydist.data.file_kinds import is_parquet_name
from raydist.data.tracklets import TrackletTable
from raydist.engine.inputs import readable_part
from raydist.engine.run_folder import RunFolder
from raydist.engine.trained import Trained
from raydist.errors import ConfigError, DataError
from raydist.gallery.catalogue import Catalogue, labels_where_known
from raydist.gallery.frames import Frames
from raydist.gallery.gallery import Gallery
from raydist.home import cache_folder
from raydist.types import FeatureTable, Labels

NO_RUN = (
    "A file of features has neither frames nor an encoder: start the gallery with --run RUN_DIR for both."
)
NOT_DRAWN = (
    "Frames are not shown: they may be recordings of people. Start the gallery with --images to see them, "
    "and only where nobody else looks on."
)
NOT_WANTED = "Frames are not shown, as --no-images says."
NOT_IN_REPORTS = "Frames are not shown, as report.images=false of the run says; --images shows them."


@dataclass(frozen=True)
class Opened:
    """What a gallery is made of.

    Attributes:
        source: a file of features, or a run.
        run: of a file of features, the run whose encoder made them.
        checkpoint: of the run.
        labels: a file of labels; by default those of the run's epoch.
        images: whether frames are shown; None leaves it to the run.
    """

    source: str
    run: str | None = None
    checkpoint: str | None = None
    labels: Path | None = None
    images: bool | None = None

    def gallery(self) -> Gallery:
        """The gallery.

        Raises:
            CheckpointError: the run has no whole checkpoint.
            ConfigError: options that do not belong together, or no run is there.
            DataError: a file is not as it should be, or does not belong to the others, as features of
                another encoder than that of `run`.
        """
        if not is_parquet_name(self.source):
            return self._of_run()
        table = read_features(self.source)
        if not len(table):
            raise DataError(f"{self.source}: there are no features to show")
        name = Path(self.source).name
        if self.run is None:
            if self.images or self.checkpoint:
                raise ConfigError("--images and --checkpoint belong to a run: give --run RUN_DIR too")
            return Gallery(Catalogue(name, table, self._labels(table, None)), None, NO_RUN, None, NO_RUN)
        trained = self._trained(self.run)
        require_same_encoder(table, trained, name=self.source)
        return self._shown(name, table, trained, trained.tracklets())

    def _of_run(self) -> Gallery:
        if self.run is not None:
            raise ConfigError(f"--run: {self.source} is a run itself; leave it out")
        trained = self._trained(self.source)
        tracklets = searched_tracklets(trained)
        return self._shown(str(trained.chosen.run), RunEncoder(trained).embed(tracklets), trained, tracklets)

    def _trained(self, run: str) -> Trained:
        return Trained.load(run, None, sections=SECTIONS, checkpoint=self.checkpoint)

    def _shown(self, name: str, table: FeatureTable, trained: Trained, tracklets: TrackletTable) -> Gallery:
        hidden = self._no_frames(trained)
        frames = None if hidden else _frames(table, trained, tracklets)
        catalogue = Catalogue(name, table, self._labels(table, trained))
        return Gallery(catalogue, frames, hidden, RunEncoder(trained), "")

    def _no_frames(self, trained: Trained) -> str:
        """Why no frames are shown; empty where they are."""
        if self.images is not None:
            return "" if self.images else NOT_WANTED
        report = trained.config.report
        if report.shows_images(trained.config.data.name):
            return ""
        return NOT_DRAWN if report.images is None else NOT_IN_REPORTS

    def _labels(self, table: FeatureTable, trained: Trained | None) -> Labels | None:
        if self.labels is not None:
            ids, given = read_labels(self.labels)
            label_of = dict(zip(ids.tolist(), given.tolist(), strict=True))
            labels = labels_where_known(table.tracklet_id, label_of)
            if labels is None:
                raise DataError(
                    f"labels {self.labels}: none of them is of a tracklet of {self.source}: take the labels "
                    "that were made of these features"
                )
            return labels
        if trained is None:
            return None
        of_epoch = RunFolder.open(trained.chosen.run).labels(trained.epoch)
        return labels_where_known(table.tracklet_id, of_epoch)


def _frames(table: FeatureTable, trained: Trained, tracklets: TrackletTable) -> Frames:
    """The frames of the run's data for the tracklets of a table."""
    known = set(table.tracklet_id.tolist())
    rows = [row for row, name in enumerate(tracklets.tracklet_id.tolist()) if name in known]
    chosen = tracklets.take(np.array(rows, np.int64))
    if not len(chosen):
        raise DataError(
            f"none of the tracklets is in the data of {trained.chosen.run}: give the run whose encoder made "
            "the features of its own data, or --no-images"
        )
    readable, store = readable_part(chosen, trained.data, cache_folder())
    return Frames.of(store, readable.tracklet_id, table.tracklet_id)
