"""kpipe list: what a pipeline can name."""

from __future__ import annotations

from typing import Annotated, Optional

import typer


def listing(
    section: Annotated[
        Optional[str], typer.Argument(metavar="[SECTION]", help="data, models, training, metrics, optimizers ...")
    ] = None,
) -> None:
    """List every component with its one-line description."""
    from kpipe.listing import listing as found
    from kpipe.summary import print_listing
    from kpipe.terminal import output

    print_listing(found(section), output)
