"""The picture of a run: images side by side, and its curves below if it has many iterations."""

import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from drp_jax import Restoration
from drp_jax.commands.progress import step_word
from drp_jax.commands.report import known_uncertainty
from drp_jax.images import replace_whole
from drp_jax.method import Stage, unrolled
from drp_jax.tiles import Tiled

PANEL_INCHES = 4.0
CURVES_INCHES = 2.6
LEAST_ITERATIONS = 10
"""Of a curve; the three steps of a filter have none."""
MOST_MARKERS = 50
MOST_PIXELS = 1000
"""Along a side of a panel, which shows fewer."""


def save_figure(
    path: pathlib.Path, panels: dict[str, np.ndarray], restoration: Restoration | Tiled
) -> None:
    """Draws the panels, captioned by their names, and a long run's curves, and writes a PNG.

    Args:
      path: where to; replaced whole.
      panels: images `[H, W, C]` in [0, 1], left to right; of other channels than 1 or 3 their mean.
      restoration: the curves of its history, whose NaN are iterations that did not run; and its
        uncertainty, a last panel, if it is known.

    Raises:
      InputError: if `path` cannot be written.
    """
    from matplotlib.figure import Figure  # slow to import, and only needed here

    height, width = next(iter(panels.values())).shape[:2]
    row = PANEL_INCHES * min(height / width, 2)
    uncertainty = known_uncertainty(restoration)
    count = len(panels) + (uncertainty is not None)
    has_curves = int(restoration.iterations) >= LEAST_ITERATIONS
    heights = (row + 0.4, CURVES_INCHES) if has_curves else (row + 0.4,)
    figure: Any = Figure(figsize=(PANEL_INCHES * count, sum(heights)), layout="constrained")
    images, *curves = np.atleast_1d(figure.subfigures(len(heights), 1, height_ratios=heights))
    places = np.atleast_1d(images.subplots(1, count))
    for axes, (title, image) in zip(places, panels.items(), strict=False):
        image = smaller(image)
        shown = image if image.shape[2] in (1, 3) else image.mean(axis=-1, keepdims=True)
        axes.imshow(np.clip(shown.squeeze(), 0, 1), cmap="gray", vmin=0, vmax=1)
        axes.set_title(title)
    if uncertainty is not None:
        shown = smaller(uncertainty[..., None])[..., 0]
        drawn = places[-1].imshow(shown, cmap="inferno", vmin=0)
        places[-1].set_title("uncertainty")
        images.colorbar(drawn, ax=places[-1], shrink=0.8)
    for axes in places:
        axes.set_axis_off()
    for below in curves:
        draw_curves(below, restoration)
    with replace_whole(path) as temporary:
        figure.savefig(temporary, format="png", dpi=100)


def smaller(image: np.ndarray) -> np.ndarray:
    """An image `[H, W, C]`, of which a large one is the means of squares of pixels."""
    factor = -(-max(image.shape[:2]) // MOST_PIXELS)
    if factor == 1 or min(image.shape[:2]) < factor:
        return image
    height, width = (side // factor for side in image.shape[:2])
    squares = image[: height * factor, : width * factor]
    return squares.reshape(height, factor, width, factor, -1).mean(axis=(1, 3))


def draw_curves(figure: Any, restoration: Restoration | Tiled) -> None:
    """Draws what a run has to show over its iterations, side by side in a figure of matplotlib.

    For a network the loss, and PSNR if there is a reference. A filter minimises nothing: PSNR, or
    else what it measures first, as how much it has taken away. The background says which stage of
    the method it was, if there are several.
    """
    from matplotlib.ticker import MaxNLocator

    history = {name: np.asarray(values) for name, values in restoration.history.items()}
    method = restoration.method
    curves = {"loss": history["loss"]} if "loss" in history else {}
    for metric in history.keys() - set(method.measures):
        curves["PSNR (dB)"] = history[metric]
    if not curves:
        name = method.measures[0]
        curves[f"{name} (intensity)"] = history[name]
    count = int(restoration.iterations)
    for axes, (label, values) in zip(
        figure.subplots(1, len(curves), squeeze=False)[0], curves.items(), strict=True
    ):
        marker = "o" if count <= MOST_MARKERS else ""
        axes.plot(np.arange(1, count + 1), values[:count], marker=marker)
        axes.set(xlabel=step_word(method), ylabel=label)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
        if isinstance(restoration, Restoration):
            mark_stages(axes, method.stages(restoration.run.problem), count)


def mark_stages(axes: Any, stages: Sequence[Stage], last: int) -> None:
    """Shades the iterations of every stage, up to the last that ran, in the colour of its name.

    A legend tells the names. A single stage is not marked.
    """
    stages = unrolled(stages)
    colors = {name: f"C{1 + n}" for n, name in enumerate(dict.fromkeys(one.name for one in stages))}
    if len(colors) == 1:
        return
    start = 0
    shaded: dict[str, Any] = {}
    for name, _, end, _ in stages:
        end = min(int(end), last)
        if end > start:
            span = axes.axvspan(start + 0.5, end + 0.5, color=colors[name], alpha=0.15, linewidth=0)
            shaded.setdefault(name, span)
        start = end
    axes.legend(shaded.values(), shaded.keys(), loc="lower right", fontsize="small")
