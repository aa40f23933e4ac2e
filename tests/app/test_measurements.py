"""The page's phantom without a browser: what is measured, shown and said."""

import numpy as np
import pytest
from gradual import Broken, Gradual, take
from measured import centred_fft

from drp_jax.app import measurements
from drp_jax.app.measurements import CT, MRI, Asked
from drp_jax.commands.reconstructing import phantom

SIDE = 128


@pytest.fixture(autouse=True)
def fast(monkeypatch):
    take(monkeypatch, Gradual())


def reconstructed(asked):
    every = list(measurements.reconstructed(asked, []))
    assert [one.has_ended for one in every] == [False] * (len(every) - 1) + [True]
    return every


@pytest.mark.parametrize("acceleration", [2, 3, 8])
def test_one_column_in_so_many_is_measured(acceleration):
    measured = measurements.measured(Asked(MRI, acceleration=acceleration, noise=0))
    (kspace,) = measured.slices
    sampled = (kspace != 0).any(axis=0)
    assert sampled.sum() == SIDE // acceleration
    assert sampled[56:72].all()  # in the middle
    full = centred_fft(measured.reference[0, ..., 0])
    np.testing.assert_allclose(kspace[:, sampled], full[:, sampled], atol=1e-4)
    np.testing.assert_allclose(np.abs(measured.reference[0]), phantom(), atol=1e-6)


def test_the_noise_is_that_in_percent():
    for kind in (MRI, CT):
        clean, noisy = (
            measurements.measured(Asked(kind, noise=noise, views=20)) for noise in (0, 4)
        )
        difference = noisy.slices[0] - clean.slices[0]
        noise = difference[difference != 0]
        greatest = 1.0 if kind == MRI else clean.slices[0].max()
        level = np.sqrt(np.mean(np.abs(noise) ** 2))
        np.testing.assert_allclose(level, 0.04 * greatest, rtol=0.05)
        np.testing.assert_allclose(noisy.noise, 0.04 * greatest)
        assert clean.noise == 0


def test_views_are_spread_over_half_a_turn():
    measured = measurements.measured(Asked(CT, views=4, noise=0))
    (sinogram,) = measured.slices
    assert len(sinogram) == 4
    image = phantom()[..., 0]
    # The detectors see more than the image, which is in their middle.
    margin = (sinogram.shape[1] - SIDE) // 2
    columns = sinogram[0, margin : margin + SIDE]
    np.testing.assert_allclose(columns, image.sum(axis=0), rtol=0.02, atol=0.5)


@pytest.mark.parametrize(("kind", "name"), [(MRI, "zero-filled"), (CT, "filtered back-projection")])
def test_start_result_and_reference_are_shown_with_their_psnr(kind, name):
    every = reconstructed(Asked(kind, views=10, iterations="3"))
    first = next(one for one in every if one.start is not None)
    assert first.start.caption.startswith(f"{name}, ")
    assert first.reference.caption == "reference"
    image = phantom()
    white = np.quantile(image, 0.999)
    expected = np.repeat(255 * np.clip(image / white, 0, 1), 3, axis=-1)
    np.testing.assert_allclose(first.reference.picture, expected, atol=0.51)
    last = every[-1]
    assert last.result.caption.startswith("reconstructed, ")
    psnr = last.result.caption.removeprefix("reconstructed, ").removesuffix(" dB")
    assert f"-> restored {psnr}\n" in last.text
    assert "3 iterations in " in last.text


def test_errors_are_answered_in_a_sentence(monkeypatch, capsys):
    assert reconstructed(Asked(iterations="x"))[-1].text == (
        "iterations is 'x'; accepted: a whole number, or nothing"
    )
    assert "unknown preset" in reconstructed(Asked(preset="slow"))[-1].text
    take(monkeypatch, Broken())
    assert reconstructed(Asked(CT, views=5))[-1].text.startswith("This failed: ")
    assert "no such film" in capsys.readouterr().err
