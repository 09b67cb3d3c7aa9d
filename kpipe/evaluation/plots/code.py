"""Code: what an autoencoder's code says of the examples, in a plane."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from kpipe.evaluation.evidence import Evidence, Plot
from kpipe.signature import Kind, Task

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TASKS: frozenset[Task] = frozenset({"classes", "labels", "values", "reconstruction"})


class Code(Plot):
    """The code of each example as a point, coloured by its class; autoencoders only.

    A code of more than two numbers is seen from where it is widest: its two first principal components, the axes
    saying what share of its variance lies along them. Without classes the first value or label gives the colour.

    Shapes: (examples, units of the code) -> a picture; none of a network that has no code

    Raises: Nothing.

    Example:
        evaluate: {plots: [code]}

    Reference: G. Hinton and R. Salakhutdinov, 2006, Reducing the dimensionality of data with neural networks, figure 3.
    """

    type: Literal["code"] = "code"
    tasks: ClassVar[frozenset[Task]] = TASKS
    kinds: ClassVar[frozenset[Kind]] = frozenset({"image", "vector"})
    title: ClassVar[str] = "The code"

    points: int = Field(2000, ge=10, le=100_000, description="examples drawn at most, evenly picked, 10 to 100,000")

    def draw(self, evidence: Evidence) -> Figure | None:
        from kpipe.evaluation.drawing import figure, thin
        from kpipe.evaluation.images import evenly
        from kpipe.parts import parts_of

        stack = parts_of(evidence.model).stack
        if stack is None:
            return None
        batch = evidence.split.take(evenly(evidence, self.points))
        places, labels = in_a_plane(encode(stack.encoder, batch[evidence.signature.input.name]))
        drawn = figure(height=4.6)
        axes = thin(drawn.subplots(), x=labels[0], y=labels[1])
        target = evidence.signature.given or evidence.signature.target
        if target.task == "classes":
            colour_by_class(axes, places, batch[target.name], target.names)
        else:
            colour_by_value(axes, places, batch[target.name], target.names)
        return drawn


def encode(encoder: Any, inputs: np.ndarray, size: int = 256) -> np.ndarray:
    """The code of each input (examples, units), float32; batches of one size, so that nothing compiles twice."""
    import numpy as np

    from kpipe.evaluation.forward import run

    starts = range(0, len(inputs), min(size, len(inputs)))
    places = [np.minimum(np.arange(at, at + min(size, len(inputs))), len(inputs) - 1) for at in starts]
    return np.concatenate([run(encoder, inputs[indices]) for indices in places])[: len(inputs)]


def in_a_plane(code: np.ndarray) -> tuple[np.ndarray, tuple[str, str]]:
    """(examples, units) -> (examples, 2), and what the axes are."""
    import numpy as np

    exact = np.asarray(code, "float64")
    if exact.shape[1] <= 2:
        flat = np.pad(exact, ((0, 0), (0, 2 - exact.shape[1])))
        return flat, ("first number of the code", "second number of the code" if exact.shape[1] == 2 else "")
    centred = exact - exact.mean(axis=0)
    _, spread, directions = np.linalg.svd(centred, full_matrices=False)
    shares = spread**2 / max(float((spread**2).sum()), 1e-300)
    signs = np.sign(directions[np.arange(len(directions)), np.abs(directions).argmax(axis=1)])
    places = np.zeros((len(exact), 2))
    found = (centred @ (directions * signs[:, None])[:2].T)[:, :2]
    places[:, : found.shape[1]] = found
    first, second = (float(share) for share in [*shares[:2], 0.0][:2])
    words = "principal component of the code"
    return places, (f"first {words} ({first:.0%} of its variance)", f"second {words} ({second:.0%})")


def colour_by_class(axes: Axes, places: np.ndarray, classes: np.ndarray, names: tuple[str, ...]) -> None:
    """Each class in a colour of its own, its name where its middle is."""
    import matplotlib
    import numpy as np
    from matplotlib.patheffects import withStroke

    from kpipe.evaluation.drawing import SMALL, shorten

    colours = matplotlib.colormaps["tab10" if len(names) <= 10 else "tab20"].colors  # type: ignore[attr-defined]
    for number, name in enumerate(names):
        mine = places[classes == number]
        if not len(mine):
            continue
        colour = colours[number % len(colours)]
        axes.scatter(mine[:, 0], mine[:, 1], s=9, color=[colour], alpha=0.6, linewidths=0)
        middle = np.median(mine, axis=0)
        outline = [withStroke(linewidth=2.5, foreground="white")]
        axes.text(
            middle[0], middle[1], shorten(name), color=colour, fontsize=SMALL + 2, weight="bold", path_effects=outline
        )


def colour_by_value(axes: Axes, places: np.ndarray, values: np.ndarray, names: tuple[str, ...]) -> None:
    """From dark, low, to light, high."""
    from kpipe.evaluation.drawing import SMALL, SOFT, shorten

    first = values.reshape(len(values), -1)[:, 0]
    drawn = axes.scatter(places[:, 0], places[:, 1], s=9, c=first, cmap="viridis", linewidths=0)
    bar = axes.figure.colorbar(drawn, ax=axes)
    bar.set_label(shorten(names[0], 30), fontsize=SMALL, color=SOFT)
    bar.ax.tick_params(labelsize=SMALL, colors=SOFT)
