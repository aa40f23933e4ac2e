"""Draw what methods make of measurements: `python -m experiments.reconstruction_figures RESULTS`.

RESULTS is the folder of a sweep of `benchmarks/plans/reconstruction.yaml`, with `drp-jax sweep run`
as the last plan there. The images that it has stored are drawn into `docs/reconstruction/`, above
their differences from the truth; of total variation that with the best weight.
"""

import dataclasses
import operator
import pathlib
import sys
from collections.abc import Sequence

import numpy as np

from drp_jax import InputError
from drp_jax.commands import options
from drp_jax.images import replace_whole
from drp_jax.sweep.report import Results, read_results, with_best_settings
from drp_jax.sweep.store import arrays_in

PICTURES = pathlib.Path("docs/reconstruction")
DRAWN = {
    "mri_x8.png": ("mri:8, noise 0.01", "brain 1"),
    "ct_24_views.png": ("ct:24, noise 0.01", "CT"),
    "motion_blur.png": ("blur:motion:9,0, noise 0.01", "cameraman"),
}
"""Degradations and images by the names of the files."""
METHODS = ("tv", "plug-and-play", "drp-pnp")


@dataclasses.dataclass(frozen=True)
class Arguments:
    results: tuple[pathlib.Path, ...] = options.files(
        "The folder of a sweep.", flag="results", shown="none"
    )


@options.command("reconstruction_figures", Arguments, help=__doc__)
def figures(parsed: Arguments) -> int:
    """Draws the images of a sweep beside their differences from the truth."""
    if len(parsed.results) != 1:
        raise InputError(f"{len(parsed.results)} folders are given; accepted: one, like results")
    results = with_best_settings(read_results(parsed.results[0]))
    PICTURES.mkdir(parents=True, exist_ok=True)
    for file, (degradation, image) in DRAWN.items():
        draw(PICTURES / file, results, degradation, image)
        print(f"wrote {PICTURES / file}")
    return 0


def draw(path: pathlib.Path, results: Results, degradation: str, image: str) -> None:
    """Draws the run of each method with the least key.

    Raises:
      InputError: if the sweep has none of them.
    """
    from matplotlib.figure import Figure  # slow to import, and only needed here

    truth, drawn = _images(results, degradation, image)
    images = {"truth": truth, **drawn}
    figure = Figure(figsize=(2.4 * len(images), 5.2), layout="constrained")
    axes = figure.subplots(2, len(images))
    for column, (title, pixels) in enumerate(images.items()):
        axes[0, column].imshow(pixels.squeeze(), cmap="gray", vmin=0, vmax=1)
        axes[0, column].set_title(title)
        axes[1, column].imshow((pixels - truth).squeeze(), cmap="RdBu", vmin=-0.2, vmax=0.2)
    for one in axes.flat:
        one.set_axis_off()
    words = "below, the difference from the truth (red: too dark by 0.2)"
    figure.suptitle(f"{degradation}: {image}; {words}")
    with replace_whole(path) as temporary:
        figure.savefig(temporary, format="png", dpi=100)


def _images(
    results: Results, degradation: str, image: str
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The truth, and what methods make of it by their names with PSNR."""
    rows = [
        row
        for row in sorted(results.rows, key=operator.itemgetter("key"))
        if (row["degradation"], row["image"]) == (degradation, image)
    ]
    truth, drawn = None, {}
    for method in METHODS:
        row = next((row for row in rows if row["method"] == method), None)
        arrays = {} if row is None else arrays_in(results.folder, row["files"])
        inputs = {} if row is None else arrays_in(results.folder, row["inputs"])
        if row is None or not arrays or not inputs:
            raise InputError(
                f"{results.folder}: has no image of {image}, {degradation}, by {method}; accepted: "
                "the results of benchmarks/plans/reconstruction.yaml"
            )
        truth = inputs["reference"]
        drawn[f"{method}\n{row['psnr']:.2f} dB"] = arrays["image"]
    assert truth is not None
    return truth, drawn


def main(argv: Sequence[str] | None = None) -> int:
    return options.run(figures, argv, program="reconstruction_figures")


if __name__ == "__main__":
    sys.exit(main())
