"""The section `report` of a configuration: what the page of a run may show."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from raydist.config import Section
from raydist.data.datasets.registry import DATASETS
from raydist.on_resume import OnResume


class ReportSection(Section):
    """What the page of a run may show."""

    on_resume: ClassVar = OnResume.FREE

    images: bool | None = Field(
        None, description="Show frames in the report; by default those of drawn people only."
    )

    def shows_images(self, data: str) -> bool:
        """Whether frames of a data set may stand in the page: as asked, else where its people are drawn.

        Args:
            data: the name of the data set.

        >>> ReportSection().shows_images("synthetic"), ReportSection().shows_images("manifest")
        (True, False)
        """
        return bool(DATASETS.load(data).drawn) if self.images is None else self.images
