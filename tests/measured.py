"""Small measurements that the tests of the commands under reconstruct share."""

import numpy as np

SMALL = ["--method", "tv", "--iterations", "2"]  # compiles fastest
NETWORK = ["--method", "drp-dip", "--width", "4", "--iterations", "2", "--tv-weight", "0.1"]


def blob(side=16, seed=0):
    """A smooth image `[side, side + 2]`, from 0 to about 1; of 24 pixels a square."""
    height, width = (side, side + 2) if side == 16 else (side, side)
    rows, columns = np.meshgrid(np.arange(height), np.arange(width), indexing="ij")
    row, column = 7 + seed, 9 - seed
    return np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / 20)


def centred_fft(images):
    """The orthonormal transform of the last two axes, written out with NumPy."""
    axes = (-2, -1)
    spectrum = np.fft.fft2(np.fft.ifftshift(images, axes), axes=axes, norm="ortho")
    return np.fft.fftshift(spectrum, axes)


def columns_sampled():
    """Which columns are sampled, bool `[18]`."""
    sampled = np.zeros(18, bool)
    sampled[5:13] = True
    sampled[::4] = True
    return sampled


def save_kspace(name, slices=None, scale=1.0):
    """Writes k-space of blobs with columns missing, and gives it."""
    images = np.stack([blob(seed=index) for index in range(slices or 1)])
    kspace = np.where(columns_sampled(), centred_fft(scale * images), 0).astype(np.complex64)
    kspace = kspace if slices else kspace[0]
    np.save(name, kspace)
    return kspace


def save_sinogram(name, slices=None):
    """Writes 12 views of a Gaussian in the middle, which all look alike, by 16 detectors."""
    places = np.arange(16) - 7.5
    view = np.exp(-(places**2) / 8) * np.sqrt(8 * np.pi)
    sinogram = np.broadcast_to(view, (slices or 1, 12, 16)).astype(np.float32)
    sinogram = sinogram if slices else sinogram[0]
    np.save(name, sinogram)
    return sinogram
