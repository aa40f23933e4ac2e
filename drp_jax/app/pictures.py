"""What is looked at: arrays as pictures of 8 bits, not larger than a page shows."""

import numpy as np

from drp_jax.commands.figure import smaller

PANEL_INCHES = 4.5
ALL_BUT_A_FEW = 0.995


def shown(image: np.ndarray) -> np.ndarray:
    """An image `[H, W, C]` in [0, 1] as uint8 `[h, w, 3]`; of other channels than 3 the mean."""
    few = smaller(np.asarray(image))
    if few.shape[2] != 3:
        few = np.repeat(few.mean(axis=-1, keepdims=True), 3, axis=-1)
    return np.rint(255 * np.clip(few, 0, 1)).astype(np.uint8)


def uncertainty_shown(uncertainty: np.ndarray) -> np.ndarray:
    """An uncertainty `[H, W]` (intensity) as a picture beside its scale, of 255; uint8 RGB.

    The scale ends where all but a few pixels do.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure  # slow to import

    few = 255 * smaller(np.asarray(uncertainty)[..., None])[..., 0]
    height = PANEL_INCHES * min(max(few.shape[0] / few.shape[1], 0.3), 2)
    figure = Figure(figsize=(PANEL_INCHES + 0.9, height), layout="constrained", dpi=120)
    axes = figure.subplots()
    drawn = axes.imshow(few, cmap="inferno", vmin=0, vmax=np.quantile(few, ALL_BUT_A_FEW))
    axes.set_axis_off()
    figure.colorbar(drawn, ax=axes, extend="max", label="spread of the estimates, of 255")
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def painted_over(layers: list[np.ndarray], height: int, width: int) -> np.ndarray:
    """Where something was painted, bool `[height, width]`.

    Args:
      layers: RGBA pictures of one size, that of the picture as it was shown.
      height: of the picture itself.
      width: of the picture itself.
    """
    if not layers:
        return np.zeros((height, width), bool)
    painted = np.any([layer[..., 3] > 0 for layer in layers], axis=0)
    rows = (np.arange(height) + 0.5) * painted.shape[0] / height
    columns = (np.arange(width) + 0.5) * painted.shape[1] / width
    return painted[rows.astype(int)[:, None], columns.astype(int)[None, :]]
