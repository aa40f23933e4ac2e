"""What a command reports of a run: scores, and all that is needed to repeat it."""

import dataclasses
import enum
import json
import math
import os
import pathlib
import platform
from collections.abc import Iterable
from importlib import metadata
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import drp_jax
from drp_jax import InputError, Method, Restoration, Status
from drp_jax.commands.fit import Fit
from drp_jax.errors import is_key
from drp_jax.images import replace_whole
from drp_jax.metrics import SSIM_WINDOW, psnr, ssim
from drp_jax.tiles import Tiled

Scores = dict[str, float | None]
"""Named scores of an image; None where one is not defined."""

MOST_NUMBERS = 64
"""Arrays with more are described by shape and type."""

MOST_AT_ONCE = 2**21
"""Pixels of an image, or of a strip of it, that are scored at once."""


def score(image: np.ndarray, reference: np.ndarray) -> Scores:
    """PSNR in dB and SSIM of an image `[H, W, C]`; SSIM is undefined below 11 x 11 pixels.

    Large images are scored in strips, which together say the same and take less memory.
    """
    height, width = image.shape[:2]
    if height * width > MOST_AT_ONCE and min(height, width) >= SSIM_WINDOW:
        return _score_in_strips(np.asarray(image), np.asarray(reference))
    both = jnp.asarray(image), jnp.asarray(reference)
    try:
        similarity = float(ssim(*both))
    except InputError:
        similarity = None
    return {"psnr": float(psnr(*both)), "ssim": similarity}


def _score_in_strips(image: np.ndarray, reference: np.ndarray) -> Scores:
    """The same, strip by strip: every row of windows of SSIM is in one of them."""
    height, width = image.shape[:2]
    rows, beyond = max(1, MOST_AT_ONCE // width), SSIM_WINDOW - 1
    squared, similarity = 0.0, 0.0
    for start in range(0, height, rows):
        pair = [one[start : start + rows + beyond] for one in (image, reference)]
        squared += float(np.sum(np.square(pair[0][:rows] - pair[1][:rows]), dtype=np.float64))
        windows = len(pair[0]) - beyond
        if windows > 0:
            similarity += windows * float(ssim(*map(jnp.asarray, pair)))
    return {"psnr": _decibels(squared / image.size), "ssim": similarity / (height - beyond)}


def psnr_of_pixels(image: np.ndarray, reference: np.ndarray, selected: np.ndarray) -> float:
    """PSNR in dB over the pixels that are true in `selected` `[H, W]`, of which there are some."""
    rows, squared = max(1, MOST_AT_ONCE // image.shape[1]), 0.0
    for start in range(0, len(image), rows):
        strip = slice(start, start + rows)
        one, other = (each[strip][selected[strip]] for each in (image, reference))
        squared += float(np.sum(np.square(one - other), dtype=np.float64))
    return _decibels(squared / (image.shape[2] * np.count_nonzero(selected)))


def _decibels(mean_square: float) -> float:
    return float("inf") if mean_square == 0 else -10 * math.log10(mean_square)


def score_in_range(image: np.ndarray, reference: np.ndarray) -> Scores:
    """The same in any unit, with the range of the reference as the peak; of magnitudes if complex.

    A reference without contrast has no scores.
    """
    both = [np.abs(one) if np.iscomplexobj(one) else one for one in (image, reference)]
    low, high = float(both[1].min()), float(both[1].max())
    if not high > low:
        return {"psnr": None, "ssim": None}
    return score(*(((one - low) / (high - low)).astype(np.float32) for one in both))


def psnr_in_range(image: jax.Array, reference: jax.Array) -> jax.Array:
    """PSNR in dB with the range of the reference as the peak, a metric for a `Problem`."""
    low, high = jnp.min(reference), jnp.max(reference)
    return psnr((image - low) / (high - low), (reference - low) / (high - low))


def scores_in_line(before: Scores, after: Scores) -> list[str]:
    """PSNR and SSIM that both images have, for a line about one of many."""
    parts = []
    for name, label, digits in (("psnr", "PSNR in dB", 2), ("ssim", "SSIM", 3)):
        was, value = before.get(name), after.get(name)
        if was is not None and value is not None:
            parts.append(f"{label} {was:.{digits}f} -> {value:.{digits}f}")
    return parts


def metrics(fit: Fit, method: Method, *, preset: str, scores: Scores) -> dict[str, Any]:
    """The content of a metrics file; `psnr` and `ssim` are null without a reference."""
    return {
        "psnr": None,
        "ssim": None,
        "psnr_input": None,
        **scores,
        **run_metrics(fit.restoration),
        "seconds": fit.seconds,
        "compile_seconds": fit.compile_seconds,
        "first_iteration_seconds": fit.first_iteration_seconds,
        **settings(method, preset),
    }


def run_metrics(restoration: Restoration | Tiled) -> dict[str, Any]:
    """How a run went, and in which tiles."""
    tiling = restoration.tiling if isinstance(restoration, Tiled) else None
    return {
        "status": Status(int(restoration.status)).name.lower(),
        "message": restoration.message,
        "iterate": restoration.iterate,
        "image_iteration": int(restoration.image_iteration),
        "iterations": int(restoration.iterations),
        **({} if tiling is None else {"tiling": tiling}),
    }


def known_uncertainty(restoration: Restoration | Tiled) -> np.ndarray | None:
    """The uncertainty `[H, W]` of an image, or None if it has none.

    After an interruption it may be 0 everywhere, as what finds it has not begun.
    """
    uncertainty = restoration.uncertainty
    return np.asarray(uncertainty) if uncertainty is not None and np.any(uncertainty) else None


def settings(method: Method, preset: str) -> dict[str, Any]:
    """All that is needed to repeat a run."""
    return {
        "method": method.name,
        "preset": preset,
        "settings": describe(method),
        **environment(),
    }


def environment(*packages: str) -> dict[str, Any]:
    """The device and the versions, of `packages` too."""
    device = jax.devices()[0]
    names = ("jax", "jaxlib", "flax", "optax", *packages)
    return {
        "device": f"{device.platform}: {device.device_kind}",
        "cores": os.cpu_count(),
        "versions": {
            "python": platform.python_version(),
            "drp_jax": drp_jax.__version__,
            **{name: metadata.version(name) for name in names},
        },
    }


def write_json(path: pathlib.Path, content: dict[str, Any]) -> None:
    """Writes strict JSON; the file is replaced whole.

    Raises:
      InputError: if `path` cannot be written.
    """
    with replace_whole(path) as temporary:
        temporary.write_text(json.dumps(describe(content), indent=2, allow_nan=False) + "\n")


def write_json_lines(path: pathlib.Path, contents: Iterable[dict[str, Any]]) -> None:
    """Writes a line of strict JSON for each; the file is replaced whole.

    Raises:
      InputError: if `path` cannot be written.
    """
    lines = [json.dumps(describe(content), allow_nan=False) + "\n" for content in contents]
    with replace_whole(path) as temporary:
        temporary.write_text("".join(lines))


def describe(value: Any) -> Any:
    """A value as plain JSON types.

    Dataclasses are described by type and fields, small arrays by their numbers and large ones by
    type and shape, functions and types by name, a function with arguments by both, all else by its
    `repr`.
    """
    if isinstance(value, enum.Enum):
        return value.value
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: describe(entry) for key, entry in value.items()}
    if isinstance(value, (tuple, list)):
        return [describe(entry) for entry in value]
    if isinstance(value, (jax.Array, np.ndarray, np.generic)):
        return _describe_array(value)
    if isinstance(value, type):
        return value.__name__
    if dataclasses.is_dataclass(value):
        fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        return describe({"type": type(value).__name__, **fields})
    if hasattr(value, "func") and hasattr(value, "keywords"):  # a partial, of JAX or of Python
        arguments = {"arguments": value.args} if value.args else {}
        return describe({"function": value.func, **arguments, **value.keywords})
    return getattr(value, "__name__", None) or repr(value)


def _describe_array(array: Any) -> Any:
    if array.size > MOST_NUMBERS or is_key(array):
        return f"{array.dtype} {list(array.shape)}"
    numbers = np.asarray(array)
    return describe((numbers.astype(str) if np.iscomplexobj(numbers) else numbers).tolist())
