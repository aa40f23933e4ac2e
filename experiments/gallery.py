"""Show pictures with other damage than noise that is drawn: `python -m experiments.gallery`.

Degrades photographs that scikit-image carries, restores each with one of the commands, and
writes the figures and the page that shows them to `docs/gallery/`.
"""

import dataclasses
import pathlib
import sys
import tempfile
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from drp_jax.commands import options
from experiments import denoise, inpaint, pages
from experiments.benchmark import measuring
from experiments.cameras import photographed
from experiments.degradations import write_text
from experiments.photographs import crop

PROGRAM = "gallery"
FOLDER = pathlib.Path("docs/gallery")
MAGENTA = (255, 0, 255)
TEXT = """# Gallery

Made by `python -m experiments.gallery` from photographs that scikit-image carries; the
damage is the command's own, the light of the flash included."""
EXHIBIT = """## {title}

```sh
python -m {command} {flags}
```

PSNR {psnr_input:.2f} dB before, {psnr:.2f} dB after {iterations} iterations.

![{title}: damaged, restored and clean]({name}.png)"""

Files = dict[str, Image.Image]
"""The degraded picture "x.png" or "x.jpg", what else the command reads, and "clean.png"."""


class Exhibit(NamedTuple):
    """A title, what degrades the picture, and the command that restores it with its flags."""

    title: str
    degrade: Callable[[], Files]
    command: ModuleType
    flags: str


def _picture(image: np.ndarray) -> Image.Image:
    return Image.fromarray(np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8))


def _compressed() -> Files:
    clean = _picture(crop("chelsea.png", 60, 120, 192))
    return {"clean.png": clean, "x.jpg": clean}  # which is of low quality, see `_make`


def _photographed() -> Files:
    scene, draw = crop("astronaut.png", 0, 120, 192), np.random.default_rng(0)
    noisy, clean = photographed(scene, draw, gain=0.01, quality=95)
    return {"clean.png": _picture(clean), "x.png": _picture(noisy)}


def _written_over() -> Files:
    clean = _picture(crop("coffee.png", 120, 200, 192))
    picture = clean.copy()
    write_text(picture, MAGENTA)
    return {"clean.png": clean, "x.png": picture}


def _cut_out() -> Files:
    clean = _picture(crop("astronaut.png", 0, 120, 192))
    mask = Image.new("L", clean.size, 255)
    ImageDraw.Draw(mask).rectangle((20, 30, 60, 75), fill=0)
    picture = Image.composite(clean, Image.new("RGB", clean.size), mask)
    return {"clean.png": clean, "mask.png": mask, "x.png": picture}


def _darkened() -> Files:
    """An ambient picture, dark, warm and noisy, and one lit by a flash from the middle."""
    clean = crop("coffee.png", 120, 200, 192)
    warm = clean * np.array([1.0, 0.8, 0.55])
    noisy = warm + np.random.default_rng(0).normal(0, 0.12, clean.shape)
    rows, columns = np.mgrid[-1:1:192j, -1:1:192j]
    lit = clean * np.exp(-(rows**2 + columns**2) / 2)[..., None]
    return {"clean.png": _picture(warm), "x.png": _picture(noisy), "flash.png": _picture(lit)}


EXHIBITS = {
    "camera": Exhibit("The noise of a camera, simulated", _photographed, denoise, "--image x.png"),
    "jpeg-filter": Exhibit("JPEG artefacts", _compressed, denoise, "--image x.jpg"),
    "jpeg": Exhibit(
        *("JPEG artefacts, by DIP", _compressed, denoise),
        "--image x.jpg --method dip --preset paper-jpeg",
    ),
    "text": Exhibit(
        *("Text written over a picture", _written_over, inpaint),
        "--image x.png --mask-color 255,0,255 --method dip --preset paper-text --width 16 "
        "--iterations 1000",
    ),
    "hole": Exhibit(
        *("A large hole", _cut_out, inpaint),
        "--image x.png --mask mask.png --method dip --preset paper-hole --iterations 1000",
    ),
    "flash": Exhibit(
        *("A dark picture and one with flash", _darkened, denoise),
        "--image x.png --seed-image flash.png --method dip --preset paper-flash --width 32",
    ),
}


@dataclasses.dataclass(frozen=True)
class Arguments:
    only: str | None = measuring.only(EXHIBITS)


@options.command(PROGRAM, Arguments, help=__doc__)
def show(parsed: Arguments) -> int:
    """A camera's noise and JPEG by the filter; JPEG, text, a hole, a flash pair by DIP."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in EXHIBITS if parsed.only is None else (parsed.only,):
        print(EXHIBITS[name].title, flush=True)
        with tempfile.TemporaryDirectory() as folder:
            status = _make(name, pathlib.Path(folder))
        if status:
            return status
    write_page()
    return 0


def _make(name: str, folder: pathlib.Path) -> int:
    """Degrades a picture and restores it; gives the exit status."""
    exhibit = EXHIBITS[name]
    files = exhibit.degrade()
    for file, picture in files.items():
        picture.save(folder / file, quality=8)  # PNG takes no notice
    words = [str(folder / word) if word in files else word for word in exhibit.flags.split()]
    words += ["--reference", f"{folder}/clean.png", "--output", f"{folder}/o.png"]
    words += ["--figure", f"{FOLDER}/{name}.png", "--metrics", f"{FOLDER}/{name}.json"]
    return exhibit.command.main(words)


def write_page() -> None:
    """Writes the page of all exhibits that have been made."""
    reports = pages.read_reports(FOLDER.glob("*.json"))
    paragraphs = [TEXT]
    for name, exhibit in EXHIBITS.items():
        if name in reports:
            words = exhibit._asdict() | {"command": exhibit.command.__name__, "name": name}
            paragraphs.append(EXHIBIT.format(**reports[name] | words))
    pages.write_page(FOLDER / "README.md", *paragraphs)


def main(argv: Sequence[str] | None = None) -> int:
    return options.run(show, argv, program=PROGRAM)


if __name__ == "__main__":
    sys.exit(main())
