"""What ``kpipe export`` prints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rich.console import Console
from rich.table import Table

from kpipe.export.story import Export
from kpipe.signature import Task
from kpipe.terminal import shown

MB = 1e6
LOGITS = "logits: softmax makes probabilities of them, in the order of the names in signature.json"
GENERATING = "logits of each next token: a file holds one pass through the network; writing a text is a loop around it"
OUTPUTS: Mapping[Task, str] = {
    "classes": LOGITS,
    "labels": LOGITS.replace("softmax", "sigmoid"),
    "tags": f"at each step {LOGITS}",
    "values": "numbers in their unit",
    "forecast": "numbers in their unit, (horizon, values)",
    "reconstruction": "the input again, in its unit",
    "text": GENERATING,
    "next_token": GENERATING,
}
"""What the files give."""


def print_export(done: Export, console: Console) -> None:
    console.print(table(done))
    console.print()
    for word, text in lines(done):
        console.print(f"{word:<12}{text}", soft_wrap=True)


def table(done: Export) -> Table:
    """The model, and a line for each file."""
    drawn = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    drawn.add_column("file", no_wrap=True)
    drawn.add_column("through", no_wrap=True)
    for name in ("size", "one example", "first batch", "difference"):
        drawn.add_column(name, justify="right", no_wrap=True)
    for row in (done.model, *(row for row in done.files if not row.error)):
        apart = "" if row.difference is None else f"{row.difference:.1e}"
        times = (f"{row.one:.2f} ms", f"{row.batch:.2f} ms")
        drawn.add_row(row.file or done.run, row.backend, f"{row.bytes / MB:.3f} MB", *times, apart)
    return drawn


def lines(done: Export) -> Iterator[tuple[str, str]]:
    """What is to be said beside the numbers."""
    for row in done.files:
        for name, value in row.scores.items():
            before = done.model.scores[name]
            yield "int8", f"{row.file}: {name} on the test split {value:.4f}, of the model {before:.4f}"
    counted = f"{done.model.prepared} of {done.model.examples}"
    yield "prepared", f"preparation.json makes {counted} inputs of the first batch again from raw ones"
    yield "outputs", OUTPUTS[done.signature.target.task]
    for row in done.files:
        if row.error:
            yield (
                "failed",
                f"{row.format}{' int8' if row.int8 else ''} cannot hold this network, keras holds any: {row.error}",
            )
    yield "where", f"{shown(done.folder)}   {', '.join(done.names)}"
