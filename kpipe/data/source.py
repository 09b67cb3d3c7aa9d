"""Source: what every data source has in common."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any

from pydantic import Field

from kpipe.signature import Kind, Task
from kpipe.spec.spec import Component

if TYPE_CHECKING:
    from kpipe.data.splits import Splits


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


def as_list(value: Any) -> Any:
    """A name alone stands for a list of one."""
    return [value] if isinstance(value, str) else value
