"""The measurement of deblurring: its kernels, its scores, and a small run."""

import json

import numpy as np
import pytest
from scipy import ndimage

from drp_jax import preset
from experiments.benchmark import deblurring
from experiments.benchmark.__main__ import main


def test_kernels_have_one_size_and_sum_1():
    kernels = deblurring.kernels()
    assert {kernel.shape for kernel in kernels.values()} == {(15, 15)}
    for kernel in kernels.values():
        assert kernel.min() >= 0
        np.testing.assert_allclose(kernel.sum(), 1, rtol=1e-5)


def test_a_shaken_path_reaches_as_far_as_it_is_told():
    rows, columns = np.nonzero(deblurring.shaken(3, 8.0))
    assert 8 <= max(np.ptp(rows), np.ptp(columns)) + 1 <= 10
    assert ndimage.label(deblurring.shaken(3, 8.0) > 0, np.ones((3, 3)))[1] == 1


def test_a_shift_does_not_count():
    clean = ndimage.gaussian_filter(np.random.default_rng(0).random((48, 48, 1)), (2, 2, 0))
    moved = ndimage.shift(clean, (1.5, -2, 0), order=3, mode="mirror")
    assert deblurring.psnr_up_to_shift(moved, clean) > 40
    dark = deblurring.psnr_up_to_shift(clean - 0.1, clean)
    assert dark == pytest.approx(20, abs=0.1)


def test_kernels_match_wherever_they_lie():
    kernel = deblurring.shaken(1, 8.0)
    moved = np.roll(kernel, (2, -1), (0, 1))
    assert deblurring.match(moved, kernel) == pytest.approx(1, abs=1e-5)
    assert deblurring.match(np.ones((15, 15)), kernel) < 0.6


@pytest.mark.slow
def test_photographs_are_restored_with_each_kernel(tmp_path, monkeypatch, capsys):
    quick = preset("fast", method="plug-and-play", task="reconstruct").adjusted(iterations=2)
    monkeypatch.setattr(deblurring, "preset", lambda **which: quick)
    output = tmp_path / "deblurring.json"
    flags = ["--size", "64", "--photographs", "1", "--output", str(output)]
    assert main(["deblurring", *flags]) == 0
    rows = json.loads(output.read_text())["rows"]
    assert [row["kernel"] for row in rows] == list(deblurring.kernels())
    assert all(row["known"] > row["blurred"] for row in rows)
    table = output.with_suffix(".md").read_text()
    mean = np.mean([row["known"] for row in rows])
    assert len(table.splitlines()) == 2 + len(rows) + 1
    assert f"| {mean:.2f} |" in table.splitlines()[-1]
    assert table.splitlines()[-1] in capsys.readouterr().out
