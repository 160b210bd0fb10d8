"""Imports tracks of the MOTChallenge format: cuts the boxes out of the frames and writes the manifest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from raydist.data.datasets.notes import ReadNotes
from raydist.data.importers.boxes import Boxes, read_boxes
from raydist.data.importers.clocks import Clock, sequence_starts
from raydist.data.importers.cutting import CropFormat, CropJob, CropRecord, OnProgress, cut_crops, open_record
from raydist.data.importers.files import with_data_errors
from raydist.data.importers.lock import one_at_a_time
from raydist.data.importers.modalities import check_cameras
from raydist.data.importers.problems import Problems
from raydist.data.importers.sequences import SequenceFiles, find_sequences
from raydist.data.importers.sources import FrameSource, open_source
from raydist.data.importers.target import ImportedTracklet, ImportResult, Target
from raydist.data.importers.tracks import Piece, TrackRules, select_boxes, split_tracks
from raydist.errors import ConfigError, DataError
from raydist.types import Modality

NOT_IN_VIDEO = "box behind the end of the video"
NO_BOXES = "track file without boxes"
OTHER_COUNT = "numbers of frames and of pictures"
NO_START = "sequence without --start, so without times"
NO_RATE = "--start: the frames a second are not known; write frameRate into seqinfo.ini, or leave it out"
LARGEST_MISSING_SHARE = 0.05
"""Of the boxes of a sequence; a larger share means that tracks and video do not belong together."""


@dataclass(frozen=True)
class MotImport:
    """What is imported.

    Attributes:
        path: a track file, the folder of a sequence, or a folder of sequences.
        rules: which boxes and tracks are taken.
        crop_format: how crops are written.
        modalities: by camera; all others are visible.
        cameras: by sequence; others are called like their sequence.
        frames: video or folder of pictures by sequence, where it does not lie beside the tracks.
        first_frame: number of the first frame in the track files; None is 1 for a video, and what the names
            of its pictures say for a folder.
        shared_ids: the number of a track is the person's identity, in all sequences alike.
        starts: seconds of the first frame by camera or sequence, see `sequence_starts`.
    """

    path: Path
    rules: TrackRules = field(default_factory=TrackRules)
    crop_format: CropFormat = field(default_factory=CropFormat)
    modalities: Mapping[str, Modality] = field(default_factory=dict)
    cameras: Mapping[str, str] = field(default_factory=dict)
    frames: Mapping[str, Path] = field(default_factory=dict)
    first_frame: int | None = None
    shared_ids: bool = False
    starts: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class SequencePlan:
    """What becomes of one sequence: crops, tracklets of rows of their boxes, and their times, if known."""

    camera: str
    modality: Modality
    job: CropJob
    pieces: list[Piece]
    clock: Clock | None


@with_data_errors
@one_at_a_time
def import_mot(request: MotImport, target: Target, on_progress: OnProgress) -> ImportResult:
    """Cut the tracks of all sequences and write the manifest.

    A second call after an interruption cuts only what is missing. The manifest is written at the end.

    Args:
        request: what is imported.
        target: the manifest.
        on_progress: called with every frame.

    Returns:
        The rows of the manifest, and what was left out.

    Raises:
        DataError: with every problem of the track files and frames, or when no tracklet is left.
        ConfigError: a sequence or camera that is named is not there, or another manifest is, or another
            import writes it now.
    """
    problems, notes = Problems(), ReadNotes()
    plans = _plan_all(request, target, problems, notes)
    records = [open_record(plan.job, problems, overwrite=target.overwrite) for plan in plans]
    problems.raise_any()
    unheard = ReadNotes()
    target.check(target.table(_tracklets(request, plans, records, target.root, unheard), unheard))
    written = 0
    for plan, record in zip(plans, records, strict=True):
        written += cut_crops(plan.job, record, problems, on_progress)
        _check_missing(plan.job, record, problems)
    problems.raise_any()
    table = target.table(_tracklets(request, plans, records, target.root, notes), notes)
    target.write(table)
    total = sum(len(plan.job.boxes) for plan in plans) - notes.counts.get(NOT_IN_VIDEO, 0)
    return ImportResult(table, notes, len(plans), written, total - written)


def _plan_all(request: MotImport, target: Target, problems: Problems, notes: ReadNotes) -> list[SequencePlan]:
    sequences = find_sequences(request.path, request.frames, problems)
    unknown = sorted(request.cameras.keys() - {files.name for files in sequences})
    if unknown and not problems:
        listed = ", ".join(files.name for files in sequences)
        raise ConfigError(f"--camera names no sequence {', '.join(unknown)}; there are: {listed}")
    starts: dict[str, float] = {}
    if not problems:
        cameras = {files.name: request.cameras.get(files.name, files.name) for files in sequences}
        check_cameras(request.modalities, set(cameras.values()))
        starts = sequence_starts(cameras, request.starts)
    plans = [_plan(files, request, starts, target, problems, notes) for files in sequences]
    problems.raise_any()
    if not any(plan and plan.pieces for plan in plans):
        raise DataError(f"no tracklet of {request.path} is left: {'; '.join(notes.lines())}")
    return [plan for plan in plans if plan and plan.pieces]


def _plan(
    files: SequenceFiles,
    request: MotImport,
    starts: Mapping[str, float],
    target: Target,
    problems: Problems,
    notes: ReadNotes,
) -> SequencePlan | None:
    """What becomes of one sequence; None when its frames cannot be opened."""
    num_problems = len(problems)
    boxes = read_boxes(files.tracks, problems)
    if not len(boxes) and len(problems) == num_problems:
        notes.add(NO_BOXES, str(files.tracks))
    try:
        source = open_source(files.frames, request.first_frame)
    except DataError as error:
        problems.add(files.frames, str(error))
        return None
    advice = source.advice(boxes.frame)
    boxes = select_boxes(boxes, request.rules, source.size(), notes, str(files.tracks))
    missing = np.flatnonzero(source.is_known_missing(boxes.frame))
    for row in missing:
        hint = f"; {advice}" if advice and row == missing[0] else ""
        what = f"frame {boxes.frame[row]} is not in {files.frames}{hint}"
        problems.add(files.tracks, what, line=int(boxes.line[row]))
    if advice and not len(missing):
        notes.remark(OTHER_COUNT, f"{files.tracks}: {advice}")
    pieces = split_tracks(boxes, request.rules, notes, files.name)
    boxes, pieces = _only_used(boxes, pieces)
    camera = request.cameras.get(files.name, files.name)
    job = CropJob(files.name, target.crops / files.name, files.tracks, source, boxes, request.crop_format)
    clock = _clock(files, source, starts.get(files.name))
    if request.starts and files.name not in starts:
        notes.remark(NO_START, files.name)
    elif request.starts and clock is None:
        problems.add(files.frames, NO_RATE)
    return SequencePlan(camera, request.modalities.get(camera, Modality.VISIBLE), job, pieces, clock)


def _clock(files: SequenceFiles, source: FrameSource, start: float | None) -> Clock | None:
    """When the frames of a sequence were taken; None where the start or the rate is not known."""
    rate = files.rate or source.rate()
    return None if start is None or rate is None else Clock(start, source.start(), rate)


def _only_used(boxes: Boxes, pieces: list[Piece]) -> tuple[Boxes, list[Piece]]:
    """The boxes that stand in a tracklet, and the tracklets with rows of these boxes."""
    ends = np.cumsum([len(piece.rows) for piece in pieces], dtype=np.int64)
    used = np.concatenate([piece.rows for piece in pieces]) if pieces else np.zeros(0, np.int64)
    renumbered = [
        Piece(piece.track, piece.part, np.arange(end - len(piece.rows), end))
        for piece, end in zip(pieces, ends, strict=True)
    ]
    return boxes.take(used), renumbered


def _tracklets(
    request: MotImport,
    plans: Sequence[SequencePlan],
    records: Sequence[CropRecord],
    root: Path,
    notes: ReadNotes,
) -> list[ImportedTracklet]:
    """The rows of the manifest, without frames that a video turned out not to have."""
    rows = []
    for plan, record in zip(plans, records, strict=True):
        job, missing = plan.job, set(record.missing)
        for piece in plan.pieces:
            frames, first = [], None
            for row in piece.rows:
                if int(job.boxes.frame[row]) in missing:
                    notes.add(NOT_IN_VIDEO, f"{job.tracks}, line {job.boxes.line[row]}")
                else:
                    first = int(job.boxes.frame[row]) if first is None else first
                    frames.append(job.path(row).relative_to(root).as_posix())
            if first is None:
                continue
            track = f"{job.name}/{piece.track}"
            rows.append(
                ImportedTracklet(
                    track if piece.part is None else f"{track}/{piece.part}",
                    plan.modality.label,
                    plan.camera,
                    frames,
                    identity=str(piece.track) if request.shared_ids else None,
                    stream=None if piece.part is None else track,
                    time=None if plan.clock is None else plan.clock.seconds(first),
                )
            )
    return rows


def _check_missing(job: CropJob, record: CropRecord, problems: Problems) -> None:
    missing = np.isin(job.boxes.frame, record.missing)
    if missing.sum() > LARGEST_MISSING_SHARE * len(job.boxes):
        first = int(np.flatnonzero(missing)[np.argmin(job.boxes.frame[missing])])
        num_more = int(missing.sum()) - 1
        also = f" and {num_more} more {'box' if num_more == 1 else 'boxes'} lie" if num_more else " lies"
        problems.add(
            job.tracks,
            f"frame {job.boxes.frame[first]}{also} behind the end of the video: do tracks and video belong "
            "together?",
            line=int(job.boxes.line[first]),
        )
