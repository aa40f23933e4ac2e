"""The pictures of a report: PNG files, each named by its content and so written once."""

import dataclasses
import hashlib
import io
import math
import pathlib
from collections.abc import Iterable
from typing import Any

import numpy as np
from PIL import Image

from drp_jax.sweep.report.results import Row
from drp_jax.sweep.store import arrays_in

FOLDER = "pictures"
DIFFERENCE, UNCERTAINTY = "inferno", "viridis"
"""Colour maps of matplotlib."""

_MOST_POINTS = 200
_PERCENT = 99
_Arrays = dict[str, np.ndarray]


@dataclasses.dataclass(frozen=True)
class Scale:
    """What is drawn in the lightest colour: as many of the image's units, [0, 1] being all."""

    difference: float
    uncertainty: float


class Pictures:
    """Writes the pictures of runs into a folder.

    Args:
      results: the folder of the sweep.
      folder: the folder of the report.
    """

    def __init__(self, results: pathlib.Path, folder: pathlib.Path):
        self._results = results
        self._folder = folder
        self._problems: dict[str, dict[str, Any] | None] = {}
        (folder / FOLDER).mkdir()

    def problem(self, row: Row) -> dict[str, Any] | None:
        """What the page is told of a run's problem: its `start`, `reference` and PSNR of both.

        None if its files cannot be read. There is no start where a measurement alone gives none.
        """
        name = row["inputs"]
        if name not in self._problems:
            arrays = arrays_in(self._results, name)
            self._problems[name] = None if arrays is None else self._inputs(arrays)
        return self._problems[name]

    def scale(self, rows: Iterable[Row]) -> Scale:
        """A scale that runs of one image and degradation share, so that they can be compared.

        The median over the runs of what 1 of 100 pixels is beyond, made a round number.
        """
        found: dict[str, list[float]] = {"difference": [], "uncertainty": []}
        for row in rows:
            for name, values in self._maps(row).items():
                finite = values[np.isfinite(values)]
                if finite.size:
                    found[name].append(float(np.percentile(finite, _PERCENT)))
        return Scale(
            **{name: _round_up(float(np.median(p))) if p else 1.0 for name, p in found.items()}
        )

    def run(self, row: Row, scale: Scale) -> dict[str, Any] | None:
        """What the page is told of a run: the names of its pictures, and its curves.

        None if its files cannot be read.
        """
        arrays = arrays_in(self._results, row["files"])
        if arrays is None or "image" not in arrays:
            return None
        written = {"restored": self._write(_pixels(arrays["image"]))}
        maps, height = self._maps(row, arrays), arrays["image"].shape[0]
        for name, colours in (("difference", DIFFERENCE), ("uncertainty", UNCERTAINTY)):
            if name in maps and maps[name].shape[0] == height:
                written[name] = self._write(_coloured(maps[name] / getattr(scale, name), colours))
        kept = int(arrays.get("image_iteration", row["iterations"] or 0))
        return {"pictures": written, "kept": kept, "curves": _curves(arrays, kept)}

    def _inputs(self, arrays: _Arrays) -> dict[str, Any] | None:
        if "reference" not in arrays:
            return None
        reference = self._write(_pixels(arrays["reference"]))
        if "start" not in arrays:
            return {"start": None, "reference": reference, "psnr": None}
        error = np.mean(np.square(_shown(arrays["start"]) - _shown(arrays["reference"])))
        return {
            "start": self._write(_pixels(arrays["start"])),
            "reference": reference,
            "psnr": float(-10 * np.log10(error)) if error > 0 else None,
        }

    def _maps(self, row: Row, arrays: _Arrays | None = None) -> _Arrays:
        """The maps `[H, W]` of a run that there are: `difference` from the reference, absolute, the
        mean over the channels; `uncertainty`, alike.
        """
        arrays = arrays_in(self._results, row["files"]) if arrays is None else arrays
        inputs = arrays_in(self._results, row["inputs"])
        maps = {}
        if arrays is not None and inputs is not None and "image" in arrays:
            image, reference = _shown(arrays["image"]), _shown(inputs["reference"])
            if image.shape == reference.shape:
                maps["difference"] = np.abs(image - reference).mean(axis=2)
        if arrays is not None and "uncertainty" in arrays:
            uncertainty = np.abs(arrays["uncertainty"])
            maps["uncertainty"] = uncertainty.mean(axis=2) if uncertainty.ndim == 3 else uncertainty
        return maps

    def _write(self, pixels: np.ndarray) -> str:
        encoded = io.BytesIO()
        Image.fromarray(pixels).save(encoded, format="PNG")
        content = encoded.getvalue()
        name = f"{FOLDER}/{hashlib.sha256(content).hexdigest()[:20]}.png"
        if not (self._folder / name).exists():
            (self._folder / name).write_bytes(content)
        return name


def colours(name: str) -> list[str]:
    """Nine colours of a map, from the least to the most, for the page's legend."""
    from matplotlib import colormaps

    eight_bits = (255 * colormaps[name](np.linspace(0, 1, 9))[:, :3]).round().astype(int)
    return [f"rgb({r} {g} {b})" for r, g, b in eight_bits.tolist()]


def _shown(image: np.ndarray) -> np.ndarray:
    """An image `[H, W, C]` as it is looked at: magnitudes if complex, values in [0, 1]."""
    values = np.abs(image) if np.iscomplexobj(image) else image
    return np.clip(np.nan_to_num(values.astype(np.float64)), 0, 1)


def _pixels(image: np.ndarray) -> np.ndarray:
    """The same in 8 bits, `[H, W]` if gray, and if the channels are not those of a colour image."""
    shown = _shown(image)
    shown = shown if shown.shape[2] in (1, 3) else shown.mean(axis=2, keepdims=True)
    pixels = np.rint(255 * shown).astype(np.uint8)
    return pixels[..., 0] if pixels.shape[2] == 1 else pixels


def _coloured(values: np.ndarray, name: str) -> np.ndarray:
    """Numbers `[H, W]`, of which 0 and 1 are the ends of a colour map; 8 bits."""
    from matplotlib import colormaps

    return colormaps[name](np.nan_to_num(values, nan=1.0), bytes=True)[..., :3]


def _round_up(number: float) -> float:
    """The next of 1, 1.5, 2, 3, 4, 5, 6, 8, 10 and so on; 0.01 for nothing."""
    if not number > 0:
        return 0.01
    power = 10.0 ** math.floor(math.log10(number))
    step = next(one for one in (1, 1.5, 2, 3, 4, 5, 6, 8, 10) if number <= one * power * (1 + 1e-9))
    return float(f"{step * power:.3g}")


def _curves(arrays: _Arrays, kept: int) -> list[dict[str, Any]]:
    """The curves of a run: of its quality, and of what it minimised, at some 200 iterations."""
    history = {
        name.removeprefix("history_"): values
        for name, values in arrays.items()
        if name.startswith("history_") and values.ndim == 1 and np.isfinite(values).any()
    }
    qualities = [one for one in history if "psnr" in one or "ssim" in one]
    fits = [one for one in ("loss", "residual") if one in history]
    return [_curve(one, history[one], kept) for one in (*qualities, *fits[:1])]


def _curve(name: str, values: np.ndarray, kept: int) -> dict[str, Any]:
    words = name.replace("_", " ").replace("psnr", "PSNR").replace("ssim", "SSIM")
    is_quality = name not in ("loss", "residual")
    best = int(np.nanargmax(np.where(np.isfinite(values), values, np.nan))) + 1
    places = np.linspace(1, values.size, min(values.size, _MOST_POINTS)).round().astype(int)
    exact = {place for place in (kept, best) if 1 <= place <= values.size}
    chosen = sorted({*places.tolist(), *exact})
    return {
        "title": words[0].upper() + words[1:],
        "unit": "dB" if "psnr" in name else "",
        "best": [best, float(values[best - 1])] if is_quality else None,
        "iterations": chosen,
        "values": [_number(values[place - 1]) for place in chosen],
    }


def _number(value: Any) -> float | None:
    return float(f"{value:.5g}") if np.isfinite(value) else None
