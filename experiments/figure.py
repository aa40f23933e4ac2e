"""The picture of a run: images side by side above the curves of loss and PSNR."""

import pathlib

import numpy as np

from drp_jax import History, Restoration
from drp_jax.images import replace_whole

PANEL_INCHES = 4.0
CURVES_INCHES = 2.6
MOST_MARKERS = 50


def save_figure(
    path: pathlib.Path, panels: dict[str, np.ndarray], restoration: Restoration
) -> None:
    """Draws the panels, captioned by their names, and the run's curves, and writes a PNG.

    Args:
      path: where to; replaced whole.
      panels: images `[H, W, C]` in [0, 1], left to right.
      restoration: the curves of its history, whose NaN are iterations that did not run; and its
        uncertainty, a last panel, if it has one.

    Raises:
      InputError: if `path` cannot be written.
    """
    from matplotlib.figure import Figure  # slow to import, and only needed here

    height, width = next(iter(panels.values())).shape[:2]
    row = PANEL_INCHES * min(height / width, 2)
    uncertainty = restoration.uncertainty
    count = len(panels) + (uncertainty is not None)
    figure = Figure(figsize=(PANEL_INCHES * count, row + CURVES_INCHES + 0.4), layout="constrained")
    images, curves = figure.subfigures(2, 1, height_ratios=(row + 0.4, CURVES_INCHES))
    places = np.atleast_1d(images.subplots(1, count))
    for axes, (title, image) in zip(places, panels.items(), strict=False):
        axes.imshow(np.clip(image.squeeze(), 0, 1), cmap="gray", vmin=0, vmax=1)
        axes.set_title(title)
    if uncertainty is not None:
        drawn = places[-1].imshow(np.asarray(uncertainty), cmap="inferno", vmin=0)
        places[-1].set_title("uncertainty")
        images.colorbar(drawn, ax=places[-1], shrink=0.8)
    for axes in places:
        axes.set_axis_off()
    _draw_curves(curves, restoration.history)
    with replace_whole(path) as temporary:
        figure.savefig(temporary, format="png", dpi=100)


def _draw_curves(figure, history: History) -> None:
    loss = np.asarray(history.loss)
    iterations = np.arange(1, loss.size + 1)[np.isfinite(loss)]
    axes = figure.subplots(1, 1 if history.psnr is None else 2, squeeze=False)[0]
    marker = "o" if iterations.size <= MOST_MARKERS else ""
    axes[0].plot(iterations, loss[iterations - 1], marker=marker)
    axes[0].set(xlabel="iteration", ylabel="loss")
    if history.psnr is not None:
        psnr = np.asarray(history.psnr)[iterations - 1]
        axes[1].plot(iterations, psnr, marker=marker)
        axes[1].set(xlabel="iteration", ylabel="PSNR (dB)")
    for one in axes:
        one.grid(alpha=0.3)
