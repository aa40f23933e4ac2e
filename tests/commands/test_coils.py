"""Sensitivities from the middle of k-space, against those that were put in."""

import numpy as np
import pytest

from drp_jax import InputError
from drp_jax.commands.coils import estimated_sensitivities


def centred_fft(images):
    axes = (-2, -1)
    spectrum = np.fft.fft2(np.fft.ifftshift(images, axes), axes=axes, norm="ortho")
    return np.fft.fftshift(spectrum, axes)


def coils(side=48):
    """A disk, and four smooth sensitivities whose squares sum to 1."""
    rows, columns = np.meshgrid(*[np.linspace(-1, 1, side)] * 2, indexing="ij")
    places = [(-1, -1), (-1, 1), (1, -1), (1, 1)]
    maps = [np.exp(-((rows - r) ** 2 + (columns - c) ** 2) / 4 + 0.5j * r * columns)
            for r, c in places]  # fmt: skip
    maps = np.stack(maps)
    maps /= np.sqrt(np.sum(np.abs(maps) ** 2, axis=0))
    return maps, (rows**2 + columns**2 < 0.6).astype(float)


def test_smooth_sensitivities_are_found_where_there_is_signal():
    maps, disk = coils()
    found = estimated_sensitivities(centred_fft(maps * disk), np.ones(disk.shape, bool), 16)
    assert found.dtype == np.complex64
    np.testing.assert_allclose(np.sum(np.abs(found) ** 2, axis=0), 1, rtol=1e-4)
    inside = disk > 0
    alike = np.abs(np.sum(np.conj(maps) * found, axis=0))  # 1 if they agree but for a phase
    assert alike[inside].min() > 0.97
    assert alike[inside].mean() > 0.995


def test_only_the_middle_is_looked_at():
    maps, disk = coils()
    kspace = centred_fft(maps * disk)
    mask = np.zeros(disk.shape, bool)
    mask[:, 16:32] = True  # columns alone, as a scanner samples them
    other = np.where(mask, kspace, 7.0)
    one, two = (estimated_sensitivities(k, mask, 16) for k in (kspace, other))
    np.testing.assert_array_equal(one, two)


def test_coils_without_signal_give_no_nan():
    found = estimated_sensitivities(np.zeros((2, 16, 18), complex), np.ones((16, 18), bool), 8)
    np.testing.assert_array_equal(found, 0)


def test_a_middle_that_is_not_sampled_is_refused():
    kspace, mask = np.ones((2, 16, 18), complex), np.ones((16, 18), bool)
    mask[:, 8] = False
    with pytest.raises(InputError) as refused:
        estimated_sensitivities(kspace, mask, 8)
    assert str(refused.value) == (
        "--calibration is 8, and of the 8 x 8 entries in the middle of k-space 88% are sampled; "
        "accepted: as many lines as are sampled fully, here 1"
    )
    with pytest.raises(InputError, match="--calibration is 17, and k-space 16 x 18; accepted: up"):
        estimated_sensitivities(kspace, mask, 17)
