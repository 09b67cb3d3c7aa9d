"""Source: what every data source has in common."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from kpipe.signature import Kind, Task
from kpipe.spec.spec import Component, Tuple

if TYPE_CHECKING:
    from kpipe.data.splits import Splits


Pixels = Annotated[int, Field(ge=1, le=8192)]
ImageSize = Annotated[Tuple[Pixels], Field(min_length=2, max_length=2)]
"""Height and width."""


class Source(Component):
    """A place data comes from."""

    batch_size: int = Field(32, ge=1, le=1_000_000, description="examples per step")

    @property
    def kind(self) -> Kind | None:
        """What the inputs are, where the spec alone tells; None when only loading tells."""
        return None

    @property
    def task(self) -> Task | None:
        """What the targets are, where the spec alone tells; None when only loading tells."""
        return None

    @abstractmethod
    def load(self, seed: int) -> Splits:
        """Reads and splits the data, and learns on train what is to be learned.

        Raises: DataError: naming the file, column or class at fault.
        """
