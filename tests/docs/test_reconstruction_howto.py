"""The commands of docs/reconstruction_howto.md take the files that the page makes."""

import shlex

import jax
import numpy as np
import pytest
from code_blocks import blocks, run_python
from command_line import save

from drp_jax import Method
from drp_jax.commands import ct, matrix, mri, pictures, program

PAGE = "docs/reconstruction_howto.md"
LINES = [line for block in blocks(PAGE, "sh") for line in block.splitlines()]
COMMANDS = [line for line in LINES if line.startswith("drp-jax ")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The folder with the files that the page makes and names."""
    pytest.importorskip("h5py")
    path = tmp_path_factory.mktemp("page")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(path)
        run_python(PAGE)
        save("blurred.png", height=48, width=48)
        np.save("psf.npy", np.ones((3, 3)))
    return path


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_makes_its_problem(folder, monkeypatch, line):
    monkeypatch.chdir(folder)
    made = []

    def note(one, parsed, method):
        assert isinstance(method, Method)
        made.append(one)
        return 0

    for module in (mri, ct, matrix):
        monkeypatch.setattr(module, "run_measurement", note)
    monkeypatch.setattr(pictures, "run_job", note)
    assert program.main(shlex.split(line)[1:]) == 0
    (one,) = made
    if hasattr(one, "operator"):
        image = jax.ShapeDtypeStruct(one.image_shape, np.complex64)
        predicted = jax.eval_shape(one.operator(0), image)
        assert predicted.shape == one.slices[0].shape
