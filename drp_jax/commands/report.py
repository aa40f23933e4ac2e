"""What a command reports of a run: scores, and all that is needed to repeat it."""

import dataclasses
import enum
import json
import math
import os
import pathlib
import platform
from importlib import metadata
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import drp_jax
from drp_jax import InputError, Method, Status
from drp_jax.commands.fit import Fit
from drp_jax.images import replace_whole
from drp_jax.metrics import psnr, ssim

Scores = dict[str, float | None]
"""Named scores of an image; None where one is not defined."""

MOST_NUMBERS = 64
"""Arrays with more are described by shape and type."""


def score(image: np.ndarray, reference: np.ndarray) -> Scores:
    """PSNR in dB and SSIM of an image `[H, W, C]`; SSIM is undefined below 11 x 11 pixels."""
    both = jnp.asarray(image), jnp.asarray(reference)
    try:
        similarity = float(ssim(*both))
    except InputError:
        similarity = None
    return {"psnr": float(psnr(*both)), "ssim": similarity}


def metrics(fit: Fit, method: Method, *, preset: str, scores: Scores) -> dict[str, Any]:
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
    is_small = array.size <= MOST_NUMBERS and not jax.dtypes.issubdtype(
        array.dtype, jax.dtypes.prng_key
    )
    if not is_small:
        return f"{array.dtype} {list(array.shape)}"
    numbers = np.asarray(array)
    return describe((numbers.astype(str) if np.iscomplexobj(numbers) else numbers).tolist())
