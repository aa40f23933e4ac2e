"""A plan from a YAML file; errors name the line and the field."""

import functools
import itertools
import pathlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from drp_jax.errors import InputError, in_a_line, meant, reason
from drp_jax.method import Method
from drp_jax.presets import names
from drp_jax.problem import SMALLEST_SIDE
from drp_jax.sweep.degradations import Degradation, degradation, made_by, measured_by
from drp_jax.sweep.images import TooSmallError, images_of, prepared_image
from drp_jax.sweep.importing import imported, is_importable, version_named
from drp_jax.sweep.lines import Entry, read_lines
from drp_jax.sweep.plan import CleanImage, Plan, Variant, spaced, variants_of
from drp_jax.sweep.scores import KNOWN_METRICS, LESS, METRICS, MORE, Metric

FIELDS = ("images", "size", "crop", "gray", "degradations", "methods", "keys", "metrics")
READY = pathlib.Path(__file__).parent / "plans"
MOST_KEYS = 10_000
MOST_VALUES = 10_000
_LARGEST_SIDE = 100_000
_LARGEST_KEY = 2**32 - 1
_A_METHOD = "a name like drp-dip, or module:name of one's own"
_A_METRIC = f"{', '.join(KNOWN_METRICS)} or module:function"
_TASKS = tuple(dict.fromkeys(itertools.chain.from_iterable(names().values())))
_FLAGS = {"tv-weight": "regularizer_weight"}
"""Settings by the flags of the commands, where these are called otherwise."""
_RANGE = ("from", "to", "count", "scale")


def read_plan(path: pathlib.Path, bundled: Callable[[str], np.ndarray] | None = None) -> Plan:
    """The plan in a file, or a ready one by its name, like `smoke`.

    Paths of images are relative to the folder of the file; of a ready plan, to the current one. An
    image that cannot be read, as of a damaged file, is left out: the plan says so in `unreadable`.

    Args:
      path: the file.
      bundled: gives a photograph by a name that is no path, like `chelsea`, `[H, W, C]`.

    Raises:
      InputError: if the file cannot be read, or something in it is not accepted.
    """
    folder = path.parent
    if str(path) in ready_plans() and not path.is_file():  # it may be the folder of its images
        path, folder = READY / f"{path}.yaml", pathlib.Path()
    elif not path.exists() and path == pathlib.Path(path.name) and not path.suffix:
        ready = ready_plans()
        raise InputError(
            f"{path}: no such file{meant(str(path), ready)}; accepted: a plan, or one of "
            f"{', '.join(ready)}"
        )
    fields = read_lines(path).mapping(FIELDS)
    for name in ("images", "degradations", "methods"):
        if name not in fields:
            raise InputError(f"{path}: has no {name}; accepted: {', '.join(FIELDS)}")
    if "size" in fields and "crop" in fields:
        fields["crop"].fail("crop is given beside size; accepted: one of them")
    size, crop = (
        fields[name].whole(SMALLEST_SIDE, _LARGEST_SIDE) if name in fields else None
        for name in ("size", "crop")
    )
    is_gray = "gray" in fields and fields["gray"].flag()
    prepared = functools.partial(prepared_image, size=size, crop=crop, is_gray=is_gray)
    degraded = fields["degradations"].sequence()
    degradations = tuple(map(_degradation, degraded))
    variants = tuple(
        variant
        for entry in fields["methods"].sequence()
        for variant in _variants(entry, degradations)
    )
    found = [
        image
        for entry in fields["images"].sequence()
        for image in images_of(entry, folder, prepared, bundled)
    ]
    images, unreadable = _readable(found, fields)
    for image in images:
        for entry, one in zip(degraded, degradations, strict=True):
            if one.check is not None:
                entry.made(functools.partial(_check, one, image))
    keys = _keys(fields["keys"]) if "keys" in fields else (0,)
    metrics = _metrics(fields["metrics"]) if "metrics" in fields else METRICS
    try:
        return Plan(images, degradations, variants, keys, metrics, unreadable)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def ready_plans() -> list[str]:
    """The names of the ready plans."""
    return sorted(one.stem for one in READY.glob("*.yaml"))


def _readable(
    found: Iterable[CleanImage], fields: Mapping[str, Entry]
) -> tuple[tuple[CleanImage, ...], dict[str, str]]:
    """The images that can be read, and of the others, by name, why they cannot be."""
    images, unreadable = [], {}
    for image in found:
        try:
            image.read_once()
        except TooSmallError as error:
            fields[error.field].fail(f"{image.name} {error}")
        except InputError as error:
            unreadable[image.name] = reason(error)
        else:
            images.append(image)
    if unreadable and not images:
        fields["images"].fail(f"images: none can be read: {next(iter(unreadable.values()))}")
    return tuple(images), unreadable


def _check(degradation: Degradation, image: CleanImage) -> None:
    """Raises InputError unless an image can be degraded so."""
    assert degradation.check is not None
    try:
        degradation.check(image.shape)
    except InputError as error:
        raise InputError(f"{image.name}: {error}") from None


def _degradation(entry: Entry) -> Degradation:
    if not entry.is_mapping:
        text = entry.text("a text like gaussian:25")
        return entry.made(lambda: degradation(text))
    fields = entry.mapping()
    if "degradation" in fields:
        return _own_degradation(entry)
    fields = entry.mapping(("operator", "noise", "noise_known"))
    if "operator" not in fields:
        entry.fail(
            f"{entry.field} has no operator; accepted: a measurement like mri:4, or module:function"
        )
    noise = fields["noise"].number("a number from 0 up") if "noise" in fields else 0.0
    if noise < 0:
        fields["noise"].refuse("a number from 0 up")
    is_known = fields["noise_known"].flag() if "noise_known" in fields else True
    text = fields["operator"].text("a measurement like mri:4, or module:function")
    return fields["operator"].made(lambda: measured_by(text, noise, noise_known=is_known))


def _own_degradation(entry: Entry) -> Degradation:
    """A function of one's own, with the task that it sets."""
    fields = entry.mapping(("degradation", "task", "name"))
    if "task" not in fields:
        entry.fail(f"{entry.field} has no task; accepted: {', '.join(_TASKS)}")
    text, task = fields["degradation"].text("module:function"), fields["task"].text("a task")
    name = _name(fields.get("name"), text)
    if not is_importable(text):
        fields["degradation"].refuse("module:function")
    if task not in _TASKS:
        fields["task"].refuse(", ".join(_TASKS))
    return fields["degradation"].made(lambda: made_by(text, task, name))


def _variants(entry: Entry, degradations: Sequence[Degradation]) -> list[Variant]:
    """The methods of an entry; that they exist for all tasks is checked here, where lines are."""
    fields = {"method": entry}
    if entry.is_mapping:
        fields = entry.mapping()
        if "method" not in fields:
            entry.fail(f"{entry.field} has no method; accepted: {_A_METHOD}")
    named = fields.pop("method")
    name = named.text(_A_METHOD)
    chosen, called = fields.pop("preset", None), fields.pop("name", None)
    if ":" in name:
        variant = named.made(functools.partial(_own_method, name, _name(called, name)))
        if chosen is not None:
            chosen.fail(f"{chosen.field} is given beside a method of one's own; accepted: none")
    else:
        if called is not None:
            called.fail(f"{called.field} is given beside a method of the library; accepted: none")
        variant = Variant(name, None if chosen is None else chosen.text("a name like fast"))
    settings = {key: _values(one) for key, one in fields.items()}
    variants = entry.made(lambda: variants_of(variant, settings))
    for task, first in {one.task: one for one in reversed(degradations)}.items():
        _check_task(named, variant, first)
        plain = entry.made(functools.partial(variant.method, task))
        for key, one in fields.items():
            _check_setting(one, key, settings[key], plain)
        for adjusted in variants:
            entry.made(functools.partial(adjusted.method, task))
    return variants


def _check_task(named: Entry, variant: Variant, degradation: Degradation) -> None:
    """Fails where a method of the library is not for what a degradation asks for."""
    known, task = names(), degradation.task
    if variant.base is None and variant.name in known and task not in known[variant.name]:
        named.fail(
            f"{named.field} is {variant.name}, a method to {' or '.join(known[variant.name])}, and "
            f"{degradation.name} asks for one to {task}; accepted: "
            f"{', '.join(name for name, tasks in known.items() if task in tasks)}"
        )


def _check_setting(entry: Entry, name: str, values: Iterable[Any], method: Method) -> None:
    """Fails at a setting that a method does not have, or at a value that it does not take."""
    known = method.adjustments()
    if name not in known:
        asked = _FLAGS.get(name.replace("_", "-"), name)
        entry.fail(
            f"{entry.field} is no setting of {method.name}{meant(asked, known)}; accepted: "
            f"{', '.join(known) or 'none'}"
        )
    for value in values:
        entry.made(functools.partial(method.adjusted, **{name: value}))


def _name(entry: Entry | None, text: str) -> str:
    """What tables call something of one's own: the text that it is imported by, or a name."""
    if entry is None:
        return text
    name = entry.text("a name").strip()
    if not name:
        entry.refuse("a name")
    return name


def _own_method(text: str, name: str) -> Variant:
    """A method that is a name of a module, or what a function there gives."""
    found = imported(text)
    try:
        method = found if isinstance(found, Method) else found()
    except Exception as error:  # whatever a function of one's own raises
        raise InputError(
            f"{text}: {in_a_line(error)}; accepted: a function that is called with "
            "nothing and gives a method"
        ) from None
    if not isinstance(method, Method):
        raise InputError(f"{text}: gives {type(method).__name__}; accepted: a method")
    return Variant(name, base=method, version=version_named(text))


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
    numbers = entry.made(lambda: spaced(first, last, count, is_log=scale == "log"))
    ends_are_whole = all(type(fields[name].value) is int for name in ("from", "to"))
    if ends_are_whole and all(number.is_integer() for number in numbers):
        return [int(number) for number in numbers]  # as a width or a number of iterations is
    return list(numbers)


def _keys(entry: Entry) -> tuple[int, ...]:
    """So many keys from 0 up, or those of a list."""
    if not entry.is_sequence:
        return tuple(range(entry.whole(1, MOST_KEYS)))
    keys = tuple(one.whole(0, _LARGEST_KEY) for one in entry.sequence())
    if len(set(keys)) < len(keys):
        entry.refuse("every key once")
    return keys


def _metrics(entry: Entry) -> dict[str, Metric]:
    metrics: dict[str, Metric] = {}
    for one in entry.sequence():
        name, metric = _metric(one)
        if name in metrics:
            one.fail(f"{entry.field} has {name} twice; accepted: every one once")
        metrics[name] = metric
    return metrics


def _metric(entry: Entry) -> tuple[str, Metric]:
    """A metric with its name; of one's own, what is better of it may be told."""
    fields = entry.mapping(("metric", "better")) if entry.is_mapping else {"metric": entry}
    if "metric" not in fields:
        entry.fail(f"{entry.field} has no metric; accepted: {_A_METRIC}")
    name = fields["metric"].text(_A_METRIC)
    if name not in KNOWN_METRICS and ":" not in name:
        field = fields["metric"]
        field.fail(f"{field.field} is {name!r}{meant(name, KNOWN_METRICS)}; accepted: {_A_METRIC}")
    known = KNOWN_METRICS.get(name)
    accepted = (MORE, LESS) if known is None else (known.better,)
    better = fields["better"].text(" or ".join(accepted)) if "better" in fields else accepted[0]
    if better not in accepted:
        fields["better"].refuse(" or ".join(accepted))
    if known is not None:
        return name, known
    return name, Metric(fields["metric"].made(lambda: imported(name)), better)
