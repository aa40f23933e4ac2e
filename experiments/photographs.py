"""Where clean images come from: photographs of scikit-image, and a folder of data.

The folder is not part of the checkout. It has the official images of the published programs and
slices of scans.
"""

import functools
import itertools
import pathlib
from collections.abc import Callable

import numpy as np

from drp_jax import InputError, read_image
from drp_jax.commands.restoring import bundled_photograph
from drp_jax.sweep.images import middle

DATA = pathlib.Path("../shared/data")

# Row and column where the crops of 256 x 256 pixels begin. The presets were chosen on "tune".
IMAGES = {
    "tune": {"astronaut.png": (0, 100), "coffee.png": (60, 150), "chelsea.png": (20, 100)},
    "report": {
        **{"rocket.jpg": (100, 200), "retina.jpg": (500, 500), "ihc.png": (128, 128)},
        **{"camera.png": (50, 130), "coins.png": (20, 60), "brick.png": (128, 128)},
    },
}


def crop(name: str, top: int, left: int, size: int) -> np.ndarray:
    """A square of a bundled photograph, float32 `[size, size, C]` in [0, 1]."""
    return bundled_photograph(name).image[top : top + size, left : left + size]


def crops(images: str, size: int, data: pathlib.Path = DATA) -> dict[str, np.ndarray]:
    """Squares of the photographs in `IMAGES`, and of Peppers for "report" where that is, by name.

    Corners move if a photograph ends too soon; photographs that are smaller are left out.
    """
    squares = {}
    for name, (top, left) in IMAGES[images].items():
        height, width = bundled_photograph(name).image.shape[:2]
        if min(height, width) >= size:
            squares[name] = crop(name, min(top, height - size), min(left, width - size), size)
    if images == "report" and (data / "denoise").exists():
        clean, _ = peppers(data)["Peppers"]
        squares["Peppers"] = middle(clean, size)
    return squares


def first(images: Callable[[], dict[str, np.ndarray]], count: int) -> dict[str, np.ndarray]:
    """The first of some images."""
    return dict(itertools.islice(images().items(), count))


reported = functools.partial(crops, "report", 256)
five_reported = functools.partial(first, reported, 5)
large = functools.partial(crops, "report", 512)
two_large = functools.partial(first, large, 2)
two_small = functools.partial(first, functools.partial(crops, "report", 128), 2)
two_colored = functools.partial(first, functools.partial(crops, "tune", 256), 2)
one_colored = functools.partial(first, functools.partial(crops, "tune", 128), 1)


def peppers(data: pathlib.Path = DATA) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Peppers, and the same with the official noise "Gaussian 2" (18.8 dB)."""
    paths = (data / "denoise" / f"Peppers_{name}.npz" for name in ("clean", "Gaussian_Noise_2"))
    clean, noisy = (np.load(_existing(path))["arr_0"].astype(np.float32) / 255 for path in paths)
    return {"Peppers": (clean, noisy)}


def baby(data: pathlib.Path = DATA) -> dict[str, np.ndarray]:
    """The official image of super-resolution."""
    return {"baby": read_image(_existing(data / "super_resolution" / "baby.png")).image}


def barbara(data: pathlib.Path = DATA) -> dict[str, np.ndarray]:
    """Rows 100-355, columns 200-455 of the official image of inpainting."""
    whole = read_image(_existing(data / "inpaint" / "barbara_img_0.1.png")).image
    return {"barbara": whole[100:356, 200:456]}


def slices(data: pathlib.Path = DATA) -> dict[str, np.ndarray]:
    """Slices of scans and a gray photograph, float32 `[H, H, 1]` in [0, 1], by name.

    Without the files the phantom of Shepp and Logan and another photograph.
    """
    folder = data / "reconstruction"
    if not folder.exists():
        from skimage.data import shepp_logan_phantom

        photograph = crop("camera.png", 50, 130, 256)
        images = {"Shepp-Logan": shepp_logan_phantom()[..., None], "cameraman": photograph}
    else:
        brains = np.load(folder / "brain_slices.npz")["slices"][..., None] / 255
        ct = (np.load(folder / "ct_slice.npz")["hounsfield"][..., None] + 1000) / 2200  # to bone
        photograph = read_image(data / "set12" / "01.png").image[..., :1]
        images = {"brain 1": brains[0], "CT": ct, "cameraman": photograph, "brain 2": brains[2]}
    return {name: np.clip(image, 0, 1).astype(np.float32) for name, image in images.items()}


first_slices = functools.partial(first, slices, 3)


def large_slices() -> dict[str, np.ndarray]:
    """Those of the `slices` that have 256 x 256 pixels or more."""
    return {name: image for name, image in slices().items() if len(image) >= 256}


two_large_slices = functools.partial(first, large_slices, 2)


def scans(data: pathlib.Path, size: int) -> dict[str, np.ndarray]:
    """The `slices` with so many pixels, `[size, size, 1]`."""
    return {name: _resized(image, size) for name, image in slices(data).items()}


def squares() -> dict[str, np.ndarray]:
    """Colour photographs `[256, 256, 3]` by name."""
    corners = IMAGES["tune"] | {"rocket.jpg": IMAGES["report"]["rocket.jpg"]}
    return {name: crop(name, *corner, 256) for name, corner in corners.items()}


def colored(data: pathlib.Path, size: int) -> dict[str, np.ndarray]:
    """The `squares` with so many pixels, `[size, size, 3]`."""
    return {name: _resized(image, size) for name, image in squares().items()}


def _resized(image: np.ndarray, size: int) -> np.ndarray:
    """A square image `[H, H, C]` with values in [0, 1], by means over areas."""
    from skimage.transform import resize_local_mean

    return resize_local_mean(image, (size, size), channel_axis=-1).astype(np.float32)


def _existing(path: pathlib.Path) -> pathlib.Path:
    if not path.exists():
        raise InputError(f"{path}: no such file; --data names the folder of the official images")
    return path
