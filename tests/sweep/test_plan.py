import dataclasses
import itertools
import re
import sys

import jax.numpy as jnp
import numpy as np
import pytest
from conftest import make_photograph

from drp_jax import InputError, preset
from drp_jax.sweep import CleanImage, Plan, Variant, degradation, read_plan
from drp_jax.sweep.plan import spaced, values_of

IMAGE = make_photograph(12, 10, 3)
OPERATOR = """
import jax.numpy as jnp

from drp_jax import preset

number = 3


def measure(image):
    return jnp.cumsum(image, axis=0)


def mine():
    return preset("fast", method="drp-dip").adjusted(width=5)


ready = mine()


class Broken(type(ready)):
    def adjusted(self, **settings):
        raise KeyError("no lens")


broken = Broken(**vars(ready))
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with two arrays that are pictures and a module, the current one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "lab", raising=False)  # of another folder
    for name in ("a", "b"):
        np.save(tmp_path / f"{name}.npy", IMAGE)
    (tmp_path / "lab.py").write_text(OPERATOR)
    return tmp_path


def read(folder, text):
    path = folder / "plan.yaml"
    path.write_text(text)
    return read_plan(path, bundled=lambda name: IMAGE)


def test_a_plan_is_the_product_of_its_parts(folder):
    plan = read(
        folder,
        """
images: ["*.npy", chelsea]
degradations: [gaussian:25, missing:0.5]
methods:
  - non-local
  - method: drp-dip
    preset: fast
    learning_rate: [0.1, 0.2]
    regularizer_weight: {from: 0.01, to: 1, count: 3, scale: log}
keys: 2
""",
    )
    runs = list(plan.runs())
    assert len(runs) == 3 * 2 * (1 + 2 * 3) * 2
    assert [image.name for image in plan.images] == ["a.npy", "b.npy", "chelsea"]
    weights = [one.settings.get("regularizer_weight") for one in plan.variants]
    assert weights == [None, 0.01, 0.1, 1.0, 0.01, 0.1, 1.0]
    assert len({plan.identity(run) for run in runs}) == len(runs)
    # Runs of one program follow each other.
    groups = [(run.degradation.task, run.variant.name) for run in runs]
    changes = sum(one != other for one, other in itertools.pairwise(groups))
    assert changes == 3
    last = plan.variants[-1].method("denoise")
    assert last.objective.weight == 1.0
    assert (
        last.learning_rate
        == preset("fast", method="drp-dip").adjusted(learning_rate=0.2).learning_rate
    )


def test_a_weight_for_an_operator_of_ones_own_is_tuned_in_few_lines(folder):
    text = """
images: [chelsea]
degradations: [{operator: "lab:measure", noise: 0.01}]
methods:
  - {method: drp-dip, regularizer_weight: {from: 0.01, to: 1, count: 5, scale: log}}
"""
    plan = read(folder, text)
    assert len(text.strip().splitlines()) < 10
    assert len(list(plan.runs())) == 5
    (one,) = plan.degradations
    problem = one.problem(IMAGE, np.random.default_rng(0))
    noise = problem.observation - np.cumsum(IMAGE, axis=0)
    assert 0.008 < noise.std() < 0.012
    assert problem.noise.level == 0.01
    assert one.task == "reconstruct"
    (one,) = read(folder, text.replace("0.01}]", "0.01, noise_known: false}]")).degradations
    assert one.problem(IMAGE, np.random.default_rng(0)).noise is None
    assert one.name == "lab:measure, unknown noise 0.01"


def test_a_picture_that_cannot_be_read_is_left_out(folder):
    (folder / "torn.png").write_bytes(b"\x89PNG\r\n\x1a\n cut off")
    text = "{images: [torn.png, a.npy], degradations: gaussian:25, methods: non-local}"
    plan = read(folder, text)
    assert [image.name for image in plan.images] == ["a.npy"]
    ((name, why),) = plan.unreadable.items()
    assert name == "torn.png"
    assert "torn.png" in why
    with pytest.raises(InputError, match=r"line 1: images: none can be read: .*torn.png"):
        read(folder, text.replace(", a.npy", ""))


def test_the_values_of_settings_are_listed_once_and_in_order(folder):
    settings = ({"rate": 0.2, "width": 8}, {"rate": 0.1, "width": 8}, {"rate": 0.2})
    variants = [Variant("small", settings=one) for one in settings]
    assert values_of(variants) == {"rate": [0.2, 0.1], "width": [8, None]}


def test_what_decides_a_run_changes_its_identity(folder):
    plan = read(folder, "{images: a.npy, degradations: gaussian:25, methods: non-local}")
    (run,) = plan.runs()
    identity = plan.identity(run)
    more = read(folder, "{images: [a.npy, b.npy], degradations: gaussian:25, methods: non-local}")
    assert identity in {more.identity(one) for one in more.runs()}
    assert plan.identity(dataclasses.replace(run, key=1)) != identity
    other = dataclasses.replace(run, variant=Variant("non-local", settings={"iterations": 1}))
    assert plan.identity(other) != identity
    np.save(folder / "a.npy", IMAGE / 2)
    again = read(folder, "{images: a.npy, degradations: gaussian:25, methods: non-local}")
    assert again.identity(next(again.runs())) != identity


def test_metrics_do_not_change_a_run_and_say_what_is_better(folder):
    text = "{{images: a.npy, degradations: gaussian:25, methods: non-local, metrics: {}}}"
    few, many = (
        read(folder, text.format(metrics))
        for metrics in ("ssim", '[{metric: "lab:measure", better: less}, psnr, "lab:mine"]')
    )
    assert list(map(few.identity, few.runs())) == list(map(many.identity, many.runs()))
    better = [(name, metric.better) for name, metric in many.metrics.items()]
    assert better == [("lab:measure", "less"), ("psnr", "more"), ("lab:mine", "more")]


def test_methods_of_ones_own_are_taken(small_method):
    images = (CleanImage("one", lambda: IMAGE),)
    plan = Plan(images, (degradation("gaussian:25"),), (Variant("mine", base=small_method),))
    (run,) = plan.runs()
    assert run.variant.method("denoise") == small_method


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("gaussian:25", 25 / 255),
        ("speckle:0.2", 0.1),
        ("poisson:100", (0.5 / 100) ** 0.5),
    ],
)
def test_noise_is_as_strong_as_it_says(text, expected):
    flat = np.full((64, 64, 1), 0.5, np.float32)
    problem = degradation(text).problem(flat, np.random.default_rng(0))
    np.testing.assert_allclose(np.std(problem.observation - flat), expected, rtol=0.05)
    np.testing.assert_array_equal(problem.observation * 255 % 1 % 1 < 1, True)
    np.testing.assert_allclose(
        problem.observation * 255, np.rint(problem.observation * 255), atol=1e-4
    )


def test_other_degradations_are_what_they_say():
    draw = np.random.default_rng(0)
    gaps = degradation("missing:0.25").problem(np.ones((64, 64, 3), np.float32), draw)
    np.testing.assert_allclose(np.mean(gaps.observation), 0.75, atol=0.03)
    np.testing.assert_array_equal(
        gaps.observation, jnp.broadcast_to(gaps.operator.mask, (64, 64, 3))
    )
    small = degradation("x2").problem(make_photograph(13, 11, 1), draw)
    assert small.observation.shape == (6, 5, 1)
    assert small.reference.shape == (12, 10, 1)
    black = degradation("impulse:0.5").problem(np.full((64, 64, 1), 0.5, np.float32), draw)
    np.testing.assert_allclose(np.mean(black.observation == 0), 0.25, atol=0.03)


def test_numbers_between_two_ends():
    assert spaced(0, 1, 3, is_log=False) == [0, 0.5, 1]
    assert spaced(0.01, 1, 3, is_log=True) == [0.01, 0.1, 1]
    with pytest.raises(InputError, match="from 0 to 1 by ratios; accepted: numbers above 0"):
        spaced(0, 1, 3, is_log=True)


def test_numbers_are_read_as_they_are_written(folder):
    plan = read(
        folder,
        """
images: a.npy
degradations: gaussian:25
methods:
  - method: drp-dip
    learning_rate: [1e-2, 0.2E-1, 2.0e1]
    width: {from: 4, to: 6, count: 3}
    regularizer_weight: {from: 1e-1, to: 2, count: 2}
""",
    )
    names = ("learning_rate", "width", "regularizer_weight")
    first, *_, last = ([one.settings[name] for name in names] for one in plan.variants)
    assert first == [0.01, 4, 0.1]
    assert last == [20.0, 6, 2.0]
    assert [type(one) for one in last] == [float, int, float]


def test_a_method_of_ones_own_is_named_by_its_module(folder):
    methods = """
images: a.npy
degradations: gaussian:25
methods: ["lab:ready", {method: "lab:mine", learning_rate: [0.1, 2]}]
"""
    plan = read(folder, methods)
    rates = [variant.method("denoise").learning_rate for variant in plan.variants]
    assert rates[1:] == [0.1, 2.0]
    assert isinstance(rates[2], float)  # as the other, so that they share a program
    assert all(one.method("denoise").generator.widths_up == (5,) for one in plan.variants)
    before = [plan.identity(run) for run in plan.runs()]
    (folder / "lab.py").write_text(OPERATOR + "\n# changed\n")
    assert not set(before) & {plan.identity(run) for run in read(folder, methods).runs()}


BASE = {"images": "a.npy", "degradations": "gaussian:25", "methods": "non-local"}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"imags": "a"},
            r"plan.yaml, line 4: unknown field imags \(did you mean images\?\); accepted: images",
        ),
        ({"methods": None}, r"plan.yaml: has no methods; accepted: images"),
        ({"images": "c.npy"}, r"line 1: images: no file or folder /.*/c.npy; accepted: a file, a"),
        ({"images": "c/*.npy"}, r"line 1: images: no picture like /.*/c/\*.npy; accepted: a file"),
        (
            {"size": "12"},
            r"line 4: a.npy has a side of 10 pixels, and size is 12; accepted: a size",
        ),
        ({"images": "[a.npy, a.npy]"}, r"images has a.npy twice; accepted: every one once"),
        ({"methods": "[non-local, non-local]"}, r"methods has non-local twice; accepted: every"),
        (
            {"methods": "{method: drp-dip, learning_rate: [0.1, 0.2, 0.10]}"},
            r'methods has drp-dip {"learning_rate": 0.1} twice; accepted: every one once',
        ),
        ({"size": "-3"}, r"line 4: size is -3; accepted: a whole number from 8"),
        ({"degradations": "gaussian:x"}, r"line 2: degradation 'gaussian:x'; accepted: a number"),
        ({"degradations": "fog"}, r"line 2: degradation 'fog'; accepted: gaussian:SIGMA"),
        ({"degradations": "x1"}, r"line 2: degradation 'x1'; accepted: x2 to x64"),
        (
            {"degradations": '"lab:none"'},
            r"line 2: lab:none: cannot be imported: .*no attribute 'none'; accepted: module:name",
        ),
        (
            {"degradations": '"lab:mesure"'},
            r"line 2: lab:mesure: .*no attribute 'mesure' \(did you mean measure\?\); acc",
        ),
        ({"methods": '"lab:redy"'}, r"no attribute 'redy' \(did you mean ready\?\); accepted"),
        ({"degradations": '"lab:numbre"'}, r"no attribute 'numbre'; accepted"),
        ({"degradations": '"lab:number"'}, r"line 2: lab:number: is int; accepted: a function"),
        ({"methods": '"lab:measure"'}, r"line 3: lab:measure: TypeError: .*; accepted: a function"),
        (
            {"methods": '"lab:broken"'},
            r"line 3: `adjusted` of lab:broken fails for its settings: KeyError: 'no lens'; acc",
        ),
        ({"methods": '{method: "lab:mine", preset: fast}'}, r"line 3: methods.preset is given"),
        (
            {"degradations": "{operator: 'mir:4'}"},
            r"line 2: measurement 'mir:4' \(did you mean mri\?\); accepted: mri:ACCELERATION",
        ),
        ({"degradations": "{noise: 1}"}, r"line 2: degradations has no operator; accepted: a meas"),
        (
            {"degradations": "{operator: 'mri:4', noise: 0.1, noise_known: 0.1}"},
            r"line 2: degradations.noise_known is 0.1; accepted: true or false",
        ),
        ({"methods": "magic"}, r"line 3: unknown method: 'magic'; accepted:"),
        ({"methods": "drp-dpi"}, r"unknown method: 'drp-dpi' \(did you mean drp-dip\?\); accepted"),
        (
            {"methods": "tv"},
            r"line 3: methods is tv, a method to reconstruct, and gaussian:25 asks for one to "
            r"denoise; accepted: non-local, drp-dip, drp-dd, dip, dd$",
        ),
        (
            {"methods": "\n- method: drp-dip\n  widht: 3"},
            r"line 5: methods\[0\].widht is no setting of drp-dip \(did you mean width\?\)",
        ),
        (
            {"methods": "{method: drp-dip, tv-weight: 3}"},
            r"tv-weight is no setting of drp-dip \(did you mean regularizer_weight\?\); accepted:",
        ),
        (
            {"methods": "\n- method: drp-dip\n  learning_rate: [0.1, -1]"},
            r"line 5: learning rate is -1.*; accepted:",
        ),
        (
            {"methods": "{method: drp-dip, preset: fats}"},
            r"'fats' \(did you mean fast\?\); accepted",
        ),
        ({"methods": "{method: drp-dip, preset: best}"}, r"line 3: .*best"),
        ({"methods": "{width: 3}"}, r"line 3: methods has no method; accepted"),
        (
            {"methods": "{method: drp-dip, learning_rate: {from: 1, to: 2}}"},
            r"line 3: methods.learning_rate has no count; accepted: from, to, count, scale",
        ),
        (
            {"methods": "{method: drp-dip, learning_rate: {from: low, to: 2, count: 2}}"},
            r"line 3: methods.learning_rate.from is 'low'; accepted: a number",
        ),
        (
            {"degradations": "gauss:25"},
            r"line 2: degradation 'gauss:25' \(did you mean gaussian\?\); acc",
        ),
        ({"keys": "0"}, r"line 4: keys is 0; accepted: a whole number from 1"),
        ({"keys": "[1, 1]"}, r"line 4: keys is \[1, 1\]; accepted: every key once"),
        ({"metrics": "lpips"}, r"line 4: metrics is 'lpips'; accepted: psnr, ssim, luma_"),
        ({"metrics": "[psnr, psnr]"}, r"line 4: metrics has psnr twice; accepted: every one once"),
        ({"metrics": "{better: less}"}, r"line 4: metrics has no metric; accepted: psnr, ssim, lu"),
        (
            {"metrics": '{metric: "lab:measure", better: lower}'},
            r"line 4: metrics.better is 'lower'; accepted: more or less",
        ),
        (
            {"metrics": "{metric: psnr, better: less}"},
            r"line 4: metrics.better is 'less'; accepted: more",
        ),
        (
            {"metrics": "[psrn]"},
            r"metrics\[0\] is 'psrn' \(did you mean psnr\?\); accepted: psnr, ss",
        ),
        ({"images": "[a.npy"}, r"plan.yaml, line \d: .*; accepted: YAML"),
    ],
)
def test_what_is_not_accepted_is_named_with_its_line(folder, fields, message):
    chosen = {**BASE, **fields}
    text = "\n".join(f"{name}: {value}" for name, value in chosen.items() if value is not None)
    with pytest.raises(InputError, match=message) as raised:
        read(folder, text)
    assert "\n" not in str(raised.value)
    assert re.search("accepted", str(raised.value))


def test_a_plan_that_is_not_there_is_named(tmp_path):
    with pytest.raises(
        InputError, match="nothing: no such file; accepted: a plan, or one of paper, rec"
    ):
        read_plan(tmp_path.__class__("nothing"))
    with pytest.raises(InputError, match=r"x.yaml: No such file.*; accepted: a YAML file"):
        read_plan(tmp_path / "x.yaml")
