"""What DIP is known for beyond the three tasks: `python -m experiments.gallery`.

Damages photographs that scikit-image carries, restores each with one of the commands, and
writes the figures and the page that shows them to `docs/gallery/`.
"""

import dataclasses
import json
import pathlib
import sys
import tempfile
from collections.abc import Callable, Sequence
from typing import Annotated

import numpy as np
from PIL import Image, ImageDraw

from drp_jax.images import replace_whole
from experiments import arguments, denoise, inpaint
from experiments.degradations import write_text
from experiments.pipeline import bundled_photograph

PROGRAM = "gallery"
FOLDER = pathlib.Path("docs/gallery")
MAGENTA = (255, 0, 255)


@dataclasses.dataclass(frozen=True)
class Exhibit:
    """One damaged picture and the command that restores it.

    Attributes:
      name: what `--only` takes and the figure is called.
      title: the heading on the page.
      damage: writes the damaged picture `x.png` or `x.jpg`, what else the command reads, and
        the clean picture `clean.png` into a folder.
      command: the module whose `main` restores it.
      flags: its flags, beside figure, reference and output.
    """

    name: str
    title: str
    damage: Callable[[pathlib.Path], None]
    command: object
    flags: tuple[str, ...]


def _clean(name: str, top: int, left: int, size: int) -> np.ndarray:
    """A square crop of a bundled photograph, uint8."""
    image = bundled_photograph(name).image[top : top + size, left : left + size]
    return np.rint(image * 255).astype(np.uint8)


def _compress(folder: pathlib.Path) -> None:
    clean = Image.fromarray(_clean("chelsea.png", 60, 120, 192))
    clean.save(folder / "clean.png")
    clean.save(folder / "x.jpg", quality=8)


def _write_over(folder: pathlib.Path) -> None:
    picture = Image.fromarray(_clean("coffee.png", 120, 200, 192))
    picture.save(folder / "clean.png")
    write_text(picture, MAGENTA)
    picture.save(folder / "x.png")


def _cut_out(folder: pathlib.Path) -> None:
    picture = Image.fromarray(_clean("astronaut.png", 0, 120, 192))
    picture.save(folder / "clean.png")
    mask = Image.new("L", picture.size, 255)
    ImageDraw.Draw(mask).rectangle((20, 30, 60, 75), fill=0)
    mask.save(folder / "mask.png")
    picture.paste(0, mask=mask.point(lambda value: 255 - value))
    picture.save(folder / "x.png")


def _darken(folder: pathlib.Path) -> None:
    """An ambient picture, dark, warm and noisy, and one lit by a flash from the middle."""
    clean = _clean("coffee.png", 120, 200, 192) / 255
    warm = clean * np.array([1.0, 0.8, 0.55])
    noise = np.random.default_rng(0).normal(0, 0.12, clean.shape)
    rows, columns = np.mgrid[-1:1:192j, -1:1:192j]
    flash = clean * np.exp(-(rows**2 + columns**2) / 2)[..., None]
    for name, image in (("clean", warm), ("x", warm + noise), ("flash", flash)):
        pixels = np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{name}.png")


EXHIBITS = (
    Exhibit(
        name="jpeg",
        title="JPEG artefacts",
        damage=_compress,
        command=denoise,
        flags=("--image", "x.jpg", "--method", "dip", "--preset", "paper-jpeg"),
    ),
    Exhibit(
        name="text",
        title="Text written over a picture",
        damage=_write_over,
        command=inpaint,
        flags=(
            *("--image", "x.png", "--mask-color", "255,0,255", "--method", "dip"),
            *("--preset", "paper-text", "--width", "16", "--iterations", "1000"),
        ),
    ),
    Exhibit(
        name="hole",
        title="A large hole",
        damage=_cut_out,
        command=inpaint,
        flags=(
            *("--image", "x.png", "--mask", "mask.png", "--method", "dip"),
            *("--preset", "paper-hole", "--iterations", "1000"),
        ),
    ),
    Exhibit(
        name="flash",
        title="A dark picture and one with flash",
        damage=_darken,
        command=denoise,
        flags=(
            *("--image", "x.png", "--seed-image", "flash.png", "--method", "dip"),
            *("--preset", "paper-flash", "--width", "32"),
        ),
    ),
)


@dataclasses.dataclass(frozen=True)
class GalleryArguments:
    only: Annotated[
        str | None, *arguments.option(str, "NAME", "a name", "Make this exhibit only.", "all")
    ] = None


def main(argv: Sequence[str] | None = None) -> int:
    return arguments.run(lambda: _show(argv), program=PROGRAM)


def _show(argv: Sequence[str] | None) -> int:
    parsed = arguments.parse(GalleryArguments, argv, program=PROGRAM, description=__doc__ or "")
    chosen = arguments.select(EXHIBITS, parsed.only)
    FOLDER.mkdir(parents=True, exist_ok=True)
    for exhibit in chosen:
        print(exhibit.title, flush=True)
        status = _make(exhibit)
        if status:
            return status
    with replace_whole(FOLDER / "README.md") as temporary:
        temporary.write_text(_page())
    return 0


def _make(exhibit: Exhibit) -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        exhibit.damage(folder)
        files = {path.name for path in folder.iterdir()}
        flags = [str(folder / flag) if flag in files else flag for flag in exhibit.flags]
        flags += ["--reference", str(folder / "clean.png"), "--output", str(folder / "o.png")]
        flags += ["--figure", str(FOLDER / f"{exhibit.name}.png")]
        flags += ["--metrics", str(FOLDER / f"{exhibit.name}.json")]
        return exhibit.command.main(flags)


def _page() -> str:
    """The page of all exhibits that have been made."""
    lines = [
        "# Gallery",
        "",
        "Made by `python -m experiments.gallery` from photographs that scikit-image carries; the",
        "damage is the command's own, the light of the flash included.",
        "",
    ]
    for exhibit in EXHIBITS:
        report = FOLDER / f"{exhibit.name}.json"
        if not report.exists():
            continue
        scores = json.loads(report.read_text())
        module = exhibit.command.__name__
        lines += [
            f"## {exhibit.title}",
            "",
            "```sh",
            f"python -m {module} {' '.join(exhibit.flags)}",
            "```",
            "",
            f"PSNR {scores['psnr_input']:.2f} dB before, {scores['psnr']:.2f} dB after "
            f"{scores['iterations']} iterations.",
            "",
            f"![{exhibit.title}: damaged, restored and clean]({exhibit.name}.png)",
            "",
        ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
