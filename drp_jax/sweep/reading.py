"""A plan from a YAML file; errors name the line and the field."""

import functools
import glob
import pathlib
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np

from drp_jax.errors import InputError, in_a_line
from drp_jax.images import read_image
from drp_jax.images.optional import SUFFIXES
from drp_jax.method import Method
from drp_jax.problem import SMALLEST_SIDE
from drp_jax.sweep.degradations import Degradation, degradation, imported, measured_by, version_of
from drp_jax.sweep.lines import Entry, read_lines
from drp_jax.sweep.plan import METRICS, CleanImage, Plan, Score, Variant, spaced, variants_of

FIELDS = ("images", "size", "degradations", "methods", "keys", "metrics")
READY = pathlib.Path(__file__).parent / "plans"
MOST_KEYS = 10_000
MOST_VALUES = 10_000
_LARGEST_SIDE = 100_000
_LARGEST_KEY = 2**32 - 1
_A_METHOD = "a name like drp-dip, or module:name of one's own"
_RANGE = ("from", "to", "count", "scale")

Made = TypeVar("Made")


def read_plan(path: pathlib.Path, bundled: Callable[[str], np.ndarray] | None = None) -> Plan:
    """The plan in a file, or a ready one by its name, like `smoke`.

    Paths of images are relative to the folder of the file.

    Args:
      path: the file.
      bundled: gives a photograph by a name that is no path, like `chelsea`, `[H, W, C]`.

    Raises:
      InputError: if the file cannot be read, or something in it is not accepted.
    """
    if not path.exists() and path == pathlib.Path(path.name) and not path.suffix:
        ready = READY / f"{path}.yaml"
        if not ready.exists():
            names = ", ".join(sorted(one.stem for one in READY.glob("*.yaml")))
            raise InputError(f"{path}: no such file; accepted: a plan, or one of {names}")
        path = ready
    fields = read_lines(path).mapping(FIELDS)
    for name in ("images", "degradations", "methods"):
        if name not in fields:
            raise InputError(f"{path}: has no {name}; accepted: {', '.join(FIELDS)}")
    size = fields["size"].whole(SMALLEST_SIDE, _LARGEST_SIDE) if "size" in fields else None
    degradations = tuple(_degradation(one) for one in fields["degradations"].sequence())
    variants = tuple(
        variant
        for entry in fields["methods"].sequence()
        for variant in _variants(entry, degradations)
    )
    images = tuple(
        image
        for entry in fields["images"].sequence()
        for image in _images(entry, path.parent, size, bundled)
    )
    keys = _keys(fields["keys"]) if "keys" in fields else (0,)
    metrics = _metrics(fields["metrics"]) if "metrics" in fields else METRICS
    try:
        return Plan(images, degradations, variants, keys, metrics)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _made(entry: Entry, make: Callable[[], Made]) -> Made:
    """What a function gives; its error is about the line of the entry."""
    try:
        return make()
    except InputError as error:
        entry.fail(str(error))


def _images(
    entry: Entry,
    folder: pathlib.Path,
    size: int | None,
    bundled: Callable[[str], np.ndarray] | None,
) -> Iterator[CleanImage]:
    accepted = "a file, a folder, a pattern like photographs/*.png, or a name like chelsea"
    text = entry.text(accepted)
    path = folder / text
    is_name = not path.suffix and not path.exists() and "/" not in text and not glob.has_magic(text)
    if is_name and bundled is not None:
        _made(entry, lambda: bundled(text))
        yield CleanImage(text, functools.partial(_sized, functools.partial(bundled, text), size))
        return
    for file in _files(entry, path):
        name = str(file.relative_to(folder)) if file.is_relative_to(folder) else str(file)
        read = functools.partial(_read, file)
        yield CleanImage(name, functools.partial(_sized, read, size))


def _files(entry: Entry, path: pathlib.Path) -> Sequence[pathlib.Path]:
    if path.is_file():
        return [path]
    if path.is_dir():
        found = sorted(one for one in path.iterdir() if one.suffix.lower() in SUFFIXES)
    else:
        found = [pathlib.Path(one) for one in sorted(glob.glob(str(path), recursive=True))]
    if not found:
        entry.fail(f"{entry.field}: no picture at {path}; accepted: files that are there")
    return found


def _read(path: pathlib.Path) -> np.ndarray:
    return np.asarray(read_image(path).image)


def _sized(read: Callable[[], np.ndarray], size: int | None) -> np.ndarray:
    """The largest square around the centre, of so many pixels, by means over areas."""
    image = np.asarray(read(), np.float32)
    if size is None:
        return image
    from skimage.transform import resize_local_mean

    side = min(image.shape[:2])
    top, left = ((length - side) // 2 for length in image.shape[:2])
    square = image[top : top + side, left : left + side]
    if side < size:
        raise InputError(f"an image has a side of {side}; accepted: size {size} or more")
    return resize_local_mean(square, (size, size), channel_axis=-1).astype(np.float32)


def _degradation(entry: Entry) -> Degradation:
    if not entry.is_mapping:
        text = entry.text("a text like gaussian:25")
        return _made(entry, lambda: degradation(text))
    fields = entry.mapping(("operator", "noise"))
    if "operator" not in fields:
        entry.fail(f"{entry.field} has no operator; accepted: module:function")
    noise = fields["noise"].number("a number from 0 up") if "noise" in fields else 0.0
    if noise < 0:
        fields["noise"].refuse("a number from 0 up")
    text = fields["operator"].text("module:function")
    return _made(fields["operator"], lambda: measured_by(text, noise))


def _variants(entry: Entry, degradations: Sequence[Degradation]) -> list[Variant]:
    """The methods of an entry; that they exist for all tasks is checked here, where lines are."""
    fields = {"method": entry}
    if entry.is_mapping:
        fields = entry.mapping()
        if "method" not in fields:
            entry.fail(f"{entry.field} has no method; accepted: {_A_METHOD}")
    named = fields.pop("method")
    name = named.text(_A_METHOD)
    chosen = fields.pop("preset") if "preset" in fields else None
    if ":" in name:
        variant = _made(named, functools.partial(_own_method, name))
        if chosen is not None:
            chosen.fail(f"{chosen.field} is given beside a method of one's own; accepted: none")
    else:
        variant = Variant(name, None if chosen is None else chosen.text("a name like fast"))
    settings = {key: _values(one) for key, one in fields.items()}
    variants = _made(entry, lambda: variants_of(variant, settings))
    for task in {one.task for one in degradations}:
        for one in variants:
            _made(entry, functools.partial(one.method, task))
    return variants


def _own_method(text: str) -> Variant:
    """A method that is a name of a module, or what a function there gives."""
    found, (module, _, _) = imported(text), text.partition(":")
    try:
        method = found if isinstance(found, Method) else found()
    except Exception as error:  # whatever a function of one's own raises
        raise InputError(
            f"{text}: {in_a_line(error)}; accepted: a function that is called with "
            "nothing and gives a method"
        ) from None
    if not isinstance(method, Method):
        raise InputError(f"{text}: gives {type(method).__name__}; accepted: a method")
    return Variant(text, base=method, version=version_of(sys.modules[module]))


def _values(entry: Entry) -> list[Any]:
    """The values of a setting: one, a list, or a range."""
    if not entry.is_mapping:
        values = [one.value for one in entry.sequence()]
        if {type(value) for value in values} == {int, float}:
            return [float(value) for value in values]  # of one type, so that they share a program
        return values
    fields = entry.mapping(_RANGE)
    for name in ("from", "to", "count"):
        if name not in fields:
            entry.fail(f"{entry.field} has no {name}; accepted: {', '.join(_RANGE)}")
    first, last = fields["from"].number(), fields["to"].number()
    count = fields["count"].whole(2, MOST_VALUES)
    scale = fields["scale"].text("log or linear") if "scale" in fields else "linear"
    if scale not in ("log", "linear"):
        fields["scale"].refuse("log or linear")
    return list(_made(entry, lambda: spaced(first, last, count, is_log=scale == "log")))


def _keys(entry: Entry) -> tuple[int, ...]:
    """So many keys from 0 up, or those of a list."""
    if not entry.is_sequence:
        return tuple(range(entry.whole(1, MOST_KEYS)))
    keys = tuple(one.whole(0, _LARGEST_KEY) for one in entry.sequence())
    if len(set(keys)) < len(keys):
        entry.refuse("every key once")
    return keys


def _metrics(entry: Entry) -> dict[str, Score]:
    metrics: dict[str, Score] = {}
    for one in entry.sequence():
        text = one.text("psnr, ssim or module:function")
        if text in METRICS:
            metrics[text] = METRICS[text]
        elif ":" in text:
            metrics[text] = _made(one, functools.partial(imported, text))
        else:
            one.refuse("psnr, ssim or module:function")
    return metrics
