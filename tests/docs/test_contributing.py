"""CONTRIBUTING.md: its code runs as it is written, and the layers are those of the imports."""

import jax.numpy as jnp
import numpy as np
import pytest
from code_blocks import ROOT, blocks, run_python
from command_line import save
from conftest import shorten_reconstruction

import drp_jax
from drp_jax import Status
from drp_jax.operators import adjoint
from experiments.imports import imports_of

PAGE = "CONTRIBUTING.md"


@pytest.fixture(scope="module")
def names(tmp_path_factory):
    """What the page's code makes, with the projector cut short."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("page"))
        save("blurred.png", height=16, width=18)
        shorten_reconstruction(patch)
        made = run_python(PAGE)
        made["restored"] = drp_jax.read_image("blurred_restored.png").image
    return made


@pytest.mark.slow
def test_the_method(names):
    longer, sweep = names["longer"], names["sweep"]
    assert longer.status == Status.ITERATION_LIMIT
    assert longer.iterations == 200
    assert longer.history["psnr"][-1] > longer.history["psnr"][0] + 5
    # Landweber's residual falls at every step, and faster with a larger rate.
    assert (np.diff(longer.history["residual"]) <= 0).all()
    assert (np.diff(sweep.history["residual"][:, -1]) < 0).all()
    single = drp_jax.restore(names["problem"], key=names["key"], method=names["Landweber"](0.5))
    np.testing.assert_allclose(sweep.image[0], single.image, atol=1e-5)


@pytest.mark.slow
def test_the_operator(names):
    mosaic = names["mosaic"]
    image = np.random.default_rng(0).normal(size=(16, 16, 3)).astype(np.float32)
    observed = np.random.default_rng(1).normal(size=(16, 16)).astype(np.float32)
    back = adjoint(mosaic, observed, jnp.zeros((16, 16, 3)))
    np.testing.assert_allclose(np.vdot(mosaic(image), observed), np.vdot(image, back), rtol=1e-4)


@pytest.mark.slow
def test_the_generator(names):
    result = names["result"]
    assert result.run.method.name == "flat"
    assert result.run.method.generator.width == 8
    assert result.iterations == 20


@pytest.mark.slow
def test_the_task(names):
    assert names["restored"].shape == (16, 18, 3)


LAYERS = [line.replace("|", " ").split() for line in blocks(PAGE, "text")[0].splitlines()]


def test_modules_import_only_from_the_layers_below():
    layer = {name: number for number, names in enumerate(LAYERS) for name in names}
    found = imports_of(ROOT / "drp_jax")
    assert set(found) == set(layer)
    for own in ("commands", "app"):  # which use the library as everybody does
        del found[own]
    for own, others in found.items():
        wrong = {other for other in others if layer[other] >= layer[own]}
        assert not wrong, f"{own} imports {wrong}"
