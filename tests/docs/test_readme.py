"""The code in README.md and docs/methods.md runs as it is written, and their tables are true."""

import dataclasses
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from code_blocks import run_python, table
from command_line import save
from conftest import shorten_reconstruction

import drp_jax
from drp_jax import (
    Gaussian,
    InputError,
    Judged,
    NoiseFree,
    Poisson,
    Problem,
    Status,
    preset,
)
from drp_jax.non_local import Denoise, HalfQuadratic, PlugAndPlay
from drp_jax.operators import Blur, Composition, Downsample, Identity, Mask
from drp_jax.presets import method_for
from drp_jax.untrained import (
    AutoencodingSequential,
    SelfGuided,
    SelfTuned,
    Untrained,
    root_deviance,
)

METHODS = "docs/methods.md"


@pytest.fixture
def short_runs(monkeypatch):
    """The networks of the pages with a few channels and iterations, and a filter of one step."""
    shorten_reconstruction(monkeypatch)
    monkeypatch.setitem(
        drp_jax.presets._PRESETS["non-local"]["denoise"],
        "default",
        Denoise(refinements=(), iterations=1),
    )
    networks = drp_jax.presets._PRESETS["drp-dip"]
    monkeypatch.setitem(networks["denoise"], "fast", networks["denoise"]["fast"].adjusted(width=4))


@pytest.fixture
def pictures(tmp_path, monkeypatch):
    """The files that the pages name, in the current folder."""
    monkeypatch.chdir(tmp_path)
    for number, name in enumerate(("photo.jpg", "blurred.png")):
        save(name, height=16, width=18, seed=number)
    return tmp_path


@pytest.mark.slow
@pytest.mark.usefixtures("short_runs")
def test_the_python_of_the_readme_runs(pictures, capsys):
    names = run_python("README.md")
    assert Status.COMPLETED.message in capsys.readouterr().out
    assert names["result"].image.shape == names["found"].image.shape == (16, 18, 3)
    assert (pictures / "clean.png").exists()


@pytest.mark.slow
@pytest.mark.usefixtures("short_runs")
def test_the_python_of_the_methods_page_runs(pictures):
    names = run_python(METHODS)
    assert names["result"].run.method.name == "plug-and-play"
    assert names["fitted"].run.method == names["method"]
    assert names["smoother"].history["weight"][-1] == np.float32(0.8)


OPERATORS = {
    "Identity": Identity(),
    "Mask": Mask(jnp.ones((16, 16, 1))),
    "Downsample": Downsample(2),
    "Blur": Blur(jnp.ones((3, 3)) / 9),
    "others from picture to picture": Composition((Blur(jnp.ones((3, 3)) / 9), Downsample(2))),
    "any": lambda image: jnp.fft.fft2(image, axes=(0, 1)),
    "not linear": lambda image: jnp.abs(jnp.fft.fft2(image, axes=(0, 1))),
}
NOISES = {
    "not stated": [None],
    "NoiseFree": [NoiseFree()],
    "`Gaussian`": [Gaussian(), Gaussian(0.1)],
    "Gaussian()": [Gaussian()],
    "Gaussian(level)": [Gaussian(0.1)],
    "Poisson": [Poisson(100.0)],
    "any": [None, NoiseFree(), Gaussian(0.1), Poisson(100.0)],
}


def test_the_table_of_defaults_is_what_restore_does():
    seen = 0
    for operators, noises, _, named in table(METHODS, "operator"):
        expected = preset(**dict(re.findall(r'(\w+)="(.+?)"', named)))
        for operator in (value for name, value in OPERATORS.items() if name in operators):
            for noise in (one for name, some in NOISES.items() if name in noises for one in some):
                is_complex = "complex" in operators
                clean = jnp.full((16, 16, 1), 0.5, jnp.complex64 if is_complex else jnp.float32)
                problem = Problem(
                    operator(clean),
                    operator,
                    noise,
                    image_shape=clean.shape,
                    complex_image=is_complex,
                )
                method = method_for(problem)
                assert method.name == expected.name
                assert type(method) is type(expected)
                projector = method.method.first if isinstance(method, Judged) else method
                if isinstance(projector, SelfTuned) and isinstance(noise, Poisson):
                    fidelity = projector.method.objective.fidelity
                    assert fidelity.__name__ == root_deviance.__name__
                elif isinstance(method, HalfQuadratic) and isinstance(noise, NoiseFree):
                    assert method == dataclasses.replace(expected, noise_level=0.001)
                else:
                    assert method == expected
                seen += 1
    assert seen > 20
    with pytest.raises(InputError, match="there is nothing to restore"):
        drp_jax.restore(jnp.full((16, 16, 1), 0.5), key=jax.random.key(0), noise=NoiseFree())


@pytest.mark.parametrize(
    "kind",
    [Untrained, SelfTuned, SelfGuided, AutoencodingSequential, Denoise, PlugAndPlay, HalfQuadratic],
)
def test_the_table_of_measures_is_complete(kind):
    rows = {cells[0]: cells[1] for cells in table(METHODS, "method") if len(cells) == 3}
    assert tuple(re.findall(r"`(\w+)`", rows[f"`{kind.__name__}`"])) == kind.measures


def test_the_table_of_statuses_is_complete():
    rows = [(cells[0].strip("`"), cells[1]) for cells in table(METHODS, "`Status`")]
    assert rows == [(status.name, status.message) for status in Status]
