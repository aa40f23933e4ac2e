"""What a command reports of a run: scores, and all that is needed to repeat it."""

import dataclasses
import enum
import json
import math
import os
import pathlib
import platform
from importlib import metadata

import jax
import numpy as np

import drp_jax
from drp_jax import InputError, Settings, Status, psnr, ssim
from drp_jax.images import replace_whole
from experiments.fit import Fit

Scores = dict[str, float | None]
"""Named scores of an image; None where one is not defined."""


def score(image: np.ndarray, reference: np.ndarray) -> Scores:
    """PSNR in dB and SSIM of an image `[H, W, C]`; SSIM is undefined below 11 x 11 pixels."""
    try:
        similarity = float(ssim(image, reference))
    except InputError:
        similarity = None
    return {"psnr": float(psnr(image, reference)), "ssim": similarity}


def metrics(fit: Fit, settings: Settings, *, preset: str, scores: Scores) -> dict:
    """The content of a metrics file; `psnr` and `ssim` are null without a reference."""
    return {
        "psnr": None,
        "ssim": None,
        "psnr_input": None,
        **scores,
        "status": Status(int(fit.restoration.status)).name.lower(),
        "message": fit.restoration.message,
        "iterate": fit.restoration.iterate,
        "image_iteration": int(fit.restoration.image_iteration),
        "iterations": int(fit.restoration.iterations),
        "seconds": fit.seconds,
        "compile_seconds": fit.compile_seconds,
        "first_iteration_seconds": fit.first_iteration_seconds,
        "method": settings.method.name,
        "preset": preset,
        "settings": describe(settings),
        **environment(),
    }


def environment(*packages: str) -> dict:
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


def write_json(path: pathlib.Path, content: dict) -> None:
    """Writes strict JSON; the file is replaced whole.

    Raises:
      InputError: if `path` cannot be written.
    """
    with replace_whole(path) as temporary:
        temporary.write_text(json.dumps(describe(content), indent=2, allow_nan=False) + "\n")


def describe(value):
    """A value as plain JSON types: dataclasses by field, functions and types by name."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        return describe(fields)
    if isinstance(value, dict):
        return {key: describe(entry) for key, entry in value.items()}
    if isinstance(value, (tuple, list)):
        return [describe(entry) for entry in value]
    if isinstance(value, enum.Enum):
        return value.value
    if callable(value):
        return value.__name__
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
