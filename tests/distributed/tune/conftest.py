"""One study for all tests of this folder."""

from pathlib import Path

import pytest

from raydist.tuning.study_folder import StudyFolder
from raydist.tuning.trial import Trial
from tests.distributed.tune.small_study import run_study


@pytest.fixture(scope="session")
def study(
    smoke_root: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[StudyFolder, list[Trial], dict, str]:
    """The folder, the trials when it was killed, the summary, and what was said after that."""
    return run_study(tmp_path_factory.mktemp("study"), smoke_root)
