"""The page of reconstructions: `python -m experiments.benchmark reconstruction-page`.

Made from the JSON files of `reconstruction`; with `--pictures` a few images are restored again and
drawn beside their differences from the truth.
"""

import dataclasses
import pathlib
import statistics

import jax
import numpy as np

from drp_jax import preset, restore
from drp_jax.commands import options
from drp_jax.images import replace_whole
from drp_jax.metrics import psnr
from experiments import pages
from experiments.benchmark import measuring
from experiments.benchmark.reconstruction import AVERAGED, PROJECTORS
from experiments.measurements import measured
from experiments.photographs import scans

RESULTS = pathlib.Path("benchmarks/results")
PAGE = pathlib.Path("docs/reconstruction.md")
PICTURES = pathlib.Path("docs/reconstruction")
DRAWN = (("MRI x8", "brain 1"), ("CT, 24 views", "CT"), ("motion blur", "cameraman"))
TITLES = {
    "reconstruction-cpu": "This library",
    "reconstruction-256-cpu": "Larger images",
    "reconstruction-small-images-cpu": "Small images",
    "reconstruction-small-images-more-noise-cpu": "Small images, more noise",
    "reconstruction-draws-cpu": "Small images, three draws",
    "reconstruction-draws-more-noise-cpu": "Small images, three draws, more noise",
    "reconstruction-time-cpu": "Time beside DIP",
    "reconstruction-others-mri-x4-cpu": "DIP and aSeqDIP",
    "reconstruction-peers-cpu": "SCICO and deepinv",
}
"""The titles of the sections by their files, in the order of the page; others come after these."""
NAMED = {"TV, best weight": "TV"}
MOST_LOSS = 0.3  # dB that the chosen weight may lose against the best
HEAD = """# Images from measurements

Nothing is told but the operator and, to plug-and-play, alone or after the projector, the level of
the noise; total variation (*TV*) gets the best of five weights by the clean image. Peak
signal-to-noise ratio in dB. Seconds are without compilation, on {device} with {cores} cores that
had other work too, so that they compare roughly.
`python -m experiments.benchmark reconstruction` made the numbers and `reconstruction-page` this
page; `experiments/peers` has the programs of SCICO and deepinv. The images are not part of the
repository; without them a phantom and a photograph stand in.

`drp-pnp` is what `restore` takes by itself for measurements: plug-and-play from the image of Deep
Random Projector, unless that image itself or plug-and-play alone clearly predicts better what was
held out, by more than the standard error of the difference. `drp-dip` is the projector alone and
`plug-and-play` the other alone. Cells are empty where a method does not take the measurement, or
was not measured since it was last changed."""
MEANS = pages.Table(
    "measured by | method | PSNR | SSIM | seconds | over TV | images",
    "{case} | {method} | {psnr:.2f} | {ssim:.3f} | {seconds:.1f} | {lead:+.2f} | {count}",
)
SPREADS = pages.Table(
    "measured by | correlation of spread and error | pixels with an error within 2 spreads",
    "{case} | {uncertainty_correlation:.2f} | {within_two_spreads:.0%}",
)

Rows = list[dict]


@dataclasses.dataclass(frozen=True)
class Arguments:
    pictures: bool = options.flag("Restore a few images again and draw them.")
    data: pathlib.Path = measuring.data()


@options.command("reconstruction-page", Arguments, help=__doc__)
def reconstruction_page(parsed: Arguments) -> int:
    """Writes docs/reconstruction.md from what `reconstruction` measured."""
    reports = pages.read_reports(sorted(RESULTS.glob("reconstruction-*.json")))
    if parsed.pictures:
        for case, image in DRAWN:
            draw(case, image, scans(parsed.data, 128)[image])
    drawn = [
        f"![{case}, {image}: what four methods make of it, and the differences from the truth]"
        f"({PICTURES.name}/{_file(case)})"
        for case, image in DRAWN
        if (PICTURES / _file(case)).exists()
    ]
    names = pages.in_order(reports, TITLES)
    sections = [part for name in names for part in _section(name, reports[name])]
    head = HEAD.format(**next(iter(reports.values())))
    pages.write_page(PAGE, head, *drawn, *sections)
    return 0


def _section(name: str, report: dict) -> list[str]:
    """The paragraphs on one file."""
    rows = report["rows"]
    parts = [
        f"## {TITLES.get(name, name)}",
        f"{report['size']} x {report['size']} pixels, noise of {report['noise']:g} (for tomography "
        "of a ray through half of the image), "
        f"{_draws(rows)} of each.",
    ]
    overview = _overview(rows)
    if overview:
        parts.append(overview)
    parts.append(MEANS.of(_means(rows)))
    parts += _choices(rows)
    several = [row for row in rows if row["method"] == AVERAGED]
    if several:
        parts += [
            f"The spread of the {PROJECTORS} projectors of `{AVERAGED}`, pixel by pixel:",
            SPREADS.of(_grouped(several, ("uncertainty_correlation", "within_two_spreads"))),
        ]
    return parts


def _draws(rows: Rows) -> str:
    count = len({row["draw"] for row in rows})
    return "1 draw" if count == 1 else f"{count} draws"


def _overview(rows: Rows) -> str:
    """A table of cases and methods, over the images that all of a row's methods have."""
    methods = [one for one in dict.fromkeys(row["method"] for row in rows) if "weight " not in one]
    if len(methods) < 2:
        return ""
    head = [NAMED.get(one, f"`{one}`") for one in methods]
    lines = [f"| PSNR | {' | '.join(head)} |", "|---" * (len(methods) + 1) + "|"]
    for case in dict.fromkeys(row["case"] for row in rows):
        own = [row for row in rows if row["case"] == case]
        present = [one for one in methods if any(row["method"] == one for row in own)]
        shared = set.intersection(
            *({_image(row) for row in own if row["method"] == one} for one in present)
        )
        means = {
            one: statistics.mean(
                row["psnr"] for row in own if row["method"] == one and _image(row) in shared
            )
            for one in present
        }
        best = max(means.values())
        cells = [
            ""
            if one not in means
            else f"**{means[one]:.2f}**"
            if means[one] == best
            else f"{means[one]:.2f}"
            for one in methods
        ]
        lines.append(f"| {case} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _means(rows: Rows) -> Rows:
    """A row of the table for every case and method."""
    means = []
    for case, method in dict.fromkeys((row["case"], row["method"]) for row in rows):
        own = [row for row in rows if (row["case"], row["method"]) == (case, method)]
        tv = {
            _image(row): row["psnr"]
            for row in rows
            if row["case"] == case and row["method"] in NAMED
        }
        mean = {
            name: statistics.mean(row[name] for row in own) for name in ("psnr", "ssim", "seconds")
        }
        leads = [row["psnr"] - tv[_image(row)] for row in own if _image(row) in tv]
        lead = statistics.mean(leads) if leads and method not in NAMED else None
        means.append({"case": case, "method": method, "lead": lead, "count": len(own)} | mean)
    return means


def _grouped(rows: Rows, names: tuple[str, ...]) -> Rows:
    """The means of some numbers for every case."""
    grouped = []
    for case in dict.fromkeys(row["case"] for row in rows):
        own = [row for row in rows if row["case"] == case]
        means = {name: statistics.mean(row[name] for row in own) for name in names}
        grouped.append({"case": case} | means)
    return grouped


def _choices(rows: Rows) -> list[str]:
    """How often the projector's chosen weight, and the default, are as good as the best weight."""
    said = {
        "drp-dip": "With the weight that it chose `drp-dip`",
        "drp-pnp": "By the same measure `drp-pnp`",
    }
    sentences = []
    for method, words in said.items():
        leads = [lead for row in rows if row["method"] == method for lead in _leads(row, rows)]
        if leads:
            good = sum(lead >= -MOST_LOSS for lead in leads)
            sentences.append(
                f"{words} is at most {MOST_LOSS} dB below the best of the projector's weights in "
                f"{good} of {len(leads)} runs: {statistics.mean(leads):+.2f} dB in the mean, "
                f"{min(leads):+.2f} at worst."
            )
    return sentences


def _leads(row: dict, rows: Rows) -> list[float]:
    """How far above the best weight of the projector a row is; none where that is not known."""
    same = [
        other["psnr"]
        for other in rows
        if other["method"].startswith("weight")
        and (other["case"], _image(other)) == (row["case"], _image(row))
    ]
    return [row["psnr"] - max(same)] if same else []


def _image(row: dict) -> tuple[str, int]:
    return row["image"], row["draw"]


def draw(case: str, name: str, clean: np.ndarray) -> None:
    """Draws what methods make of a measurement, above their differences from the truth."""
    from matplotlib.figure import Figure  # slow to import, and only needed here

    problem = measured(clean, case, 0)
    key = jax.random.key(0)
    images = {"truth": clean}
    for method in ("tv", "plug-and-play", "drp-dip", "drp-pnp"):
        result = restore(problem, key=key, method=preset(method=method, task="reconstruct"))
        score = float(psnr(result.image, problem.reference))
        images[f"{method}\n{score:.2f} dB"] = np.asarray(result.image)
    figure = Figure(figsize=(2.4 * len(images), 5.2), layout="constrained")
    axes = figure.subplots(2, len(images))
    for column, (title, image) in enumerate(images.items()):
        axes[0, column].imshow(image.squeeze(), cmap="gray", vmin=0, vmax=1)
        axes[0, column].set_title(title)
        difference = (image - clean).squeeze()
        axes[1, column].imshow(difference, cmap="RdBu", vmin=-0.2, vmax=0.2)
    for one in axes.flat:
        one.set_axis_off()
    figure.suptitle(f"{case}, {name}; below, the difference from the truth (red: too dark by 0.2)")
    PICTURES.mkdir(parents=True, exist_ok=True)
    with replace_whole(PICTURES / _file(case)) as temporary:
        figure.savefig(temporary, format="png", dpi=100)


def _file(case: str) -> str:
    return "_".join(case.lower().replace(",", "").split()) + ".png"
