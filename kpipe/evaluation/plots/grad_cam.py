"""GradCam: where in the image a prediction comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from kpipe.evaluation.evidence import Evidence, Plot
from kpipe.signature import Kind, Task

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure


class GradCam(Plot):
    """Where in the image a prediction comes from: a heat map for the worst mistakes and for some right predictions.

    With A the feature maps and y the logit of what was predicted: ReLU(sum_k w_k A_k), w_k the mean over the map of
    dy / dA_k; each map is scaled to its own maximum (yellow). Of the feature maps, the last that have at least 4 x 4
    positions and that everything after depends on alone. None is drawn for a network without feature maps.

    Shapes: (count, height, width, channels) -> a picture

    Raises: Nothing.

    Example:
        evaluate: {plots: [{type: grad_cam, count: 4}]}

    Reference: R. R. Selvaraju et al., 2017, Grad-CAM: visual explanations from deep networks.
    """

    type: Literal["grad_cam"] = "grad_cam"
    tasks: ClassVar[frozenset[Task]] = frozenset({"classes", "labels"})
    kinds: ClassVar[frozenset[Kind]] = frozenset({"image"})
    title: ClassVar[str] = "Where it looked"

    count: int = Field(4, ge=1, le=10, description="mistakes, and right predictions, shown at most, 1 to 10 of each")

    def draw(self, evidence: Evidence) -> Figure | None:
        import numpy as np

        from kpipe.evaluation.class_activation import heat_maps
        from kpipe.evaluation.drawing import INK, ORANGE, SOFT, shorten
        from kpipe.evaluation.images import Grid, inputs_at, showable
        from kpipe.evaluation.mistakes import answer, wrong
        from kpipe.evaluation.plots.samples import spread

        missed = wrong(evidence)
        order = spread(evidence, len(evidence))
        right = order[~np.isin(order, missed)][: self.count]
        chosen = np.array([*missed[: self.count], *right], dtype=int)
        inputs = inputs_at(evidence, chosen)
        heat = heat_maps(evidence.model, inputs, evidence.outputs[chosen].argmax(axis=1))
        if heat is None:
            return None
        images, columns = showable(inputs), max(6, len(chosen))
        grid = Grid(2 * columns, columns, images.shape[1:3], lines=1, extra_lines=1)
        for number, (position, image) in enumerate(zip(chosen, images, strict=True)):
            true, read_as, sure = answer(evidence, position)
            colour = INK if true == read_as else ORANGE
            grid.place(number, image, [(shorten(true, 9), INK)])
            caption = [(shorten(f"as {read_as}", 9), colour), (sure, SOFT)]
            grid.place(columns + number, over(image, heat[number]), caption, smooth=True)
        return grid.figure


def over(image: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """The heat map, in [0, 1], over the grey image: (height, width, 3) uint8, at least 64 high."""
    import numpy as np
    from matplotlib import colormaps
    from PIL import Image

    size = (max(64, image.shape[1]), max(64, image.shape[0]))
    grey = np.asarray(Image.fromarray(image).convert("L").resize(size, Image.Resampling.NEAREST), "float32") / 255
    warm = np.asarray(Image.fromarray(heat.astype("float32")).resize(size, Image.Resampling.BILINEAR))
    depth = 0.8 * warm[..., None]
    mixed = (1 - depth) * grey[..., None] + depth * colormaps["inferno"](0.3 + 0.7 * warm)[..., :3]
    return np.asarray(255 * mixed, "uint8")
