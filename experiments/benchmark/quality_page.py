"""The page of the quality benchmark, made from its JSON files."""

import pathlib
import statistics

from drp_jax.commands.progress import plural
from experiments import pages

RESULTS = pathlib.Path("benchmarks/results")
PAGE = pathlib.Path("docs/quality.md")
HEAD = """# How good the pictures are

Crops of photographs that scikit-image carries, and of Peppers; none of them was used to choose the
presets, but for the tables that say so. PSNR in dB (of luma for
super-resolution, with the known pixels put back for inpainting), SSIM and seconds are means over
the photographs; seconds are without compilation, on {device} with {cores} cores that had other work
too, so that they compare within a table at most.
`python -m experiments.benchmark quality --task TASK` made the numbers and this page.

In the tables of real noise, BM3D has the best of four multiples of the true deviation, and *told
the spectrum of its noise* is the same filter as the presets', given the spectrum of the true noise;
those without seconds were not timed. The real photographs are five of the cross-channel set of Nam
et al. (CVPR 2016), whose own results have 38.37, 35.95, 37.99, 36.75 and 33.22 dB on them, in the
mean 36.46; `python -m experiments.benchmark real-noise --case CASE` made these tables.

TV, the median filter and non-local means have the parameter that is best for each image by the
clean one, BM3D and non-local means the true noise level where it is Gaussian. The presets are given
neither.
*Worst* is the smallest lead over the best other method on an image. *Fall* is how far the result
is below the best iterate, at most. *Map* is the least correlation of the uncertainty map with the
true absolute error on an image."""
TITLES = {
    "denoise-report": "Noise",
    "denoise-report-512": "Noise, larger pictures",
    "denoise-report-drp-dip": "Noise, beside Deep Random Projector",
    "real-noise-pairs-512": "Noise of real cameras",
    "real-noise-pairs-dip-256": "Noise of real cameras, beside DIP",
    "real-noise-cameras-256": "Noise of simulated cameras",
    "real-noise-kinds-256": "White, smooth, striped and blocky noise",
    "real-noise-JPEG-256": "JPEG",
    "real-noise-JPEG-dip-128": "JPEG, beside DIP",
    "inpaint-report": "Gaps",
    "inpaint-report-512": "Gaps, larger pictures",
    "inpaint-report-dip-128": "Gaps, beside DIP",
    "super-resolve-report": "Enlargement",
    "super-resolve-report-512": "Enlargement, larger pictures",
    "super-resolve-report-dip-128": "Enlargement, beside DIP",
}
"""The titles of the sections by their files, in the order of the page; others come after these."""
TABLE = pages.Table(
    "case | method | PSNR | SSIM | seconds | worst | fall | map",
    "{case} | {method} | {psnr:.2f} | {ssim:.3f} | {seconds:.1f} | {worst:+.2f} | {fall:.2f} | "
    "{map:.2f}",
)

SET12 = "set12-cpu.md"
SET12_WORDS = f"""## Set12

The twelve gray pictures that papers on denoising share: `drp-jax sweep run set12 --out results`,
then `drp-jax sweep report results --markdown {RESULTS}/{SET12}`, of which these are the
rows of noise and the filter. The noise is clipped and rounded as in a file, and its level is not
told. Published for noise of a level that is told, neither clipped nor rounded, at 15, 25 and 50, by
Zhang et al. (DnCNN, 2017): BM3D 32.37, 29.97 and 26.72; WNNM 32.70, 30.26 and 27.05; DnCNN-S, a
network trained for each level, 32.86, 30.44 and 27.18. Seconds are with compilation, of pictures in
two sizes."""
TOLD = pages.Table("noise | photograph | told | true", "{case} | {image} | {told} | {true}")

Rows = list[dict]


def write() -> None:
    """Writes the page from every `quality-*.json`."""
    reports = pages.read_reports(sorted(RESULTS.glob("quality-*.json")))
    reports = {name.removeprefix("quality-"): report for name, report in reports.items()}
    names = pages.in_order(reports, TITLES)
    sections = [part for name in names for part in _section(name, reports[name])]
    set12 = RESULTS / SET12
    if set12.exists():
        sections += [SET12_WORDS, set12.read_text().rstrip()]
    pages.write_page(PAGE, HEAD.format(**next(iter(reports.values()))), *sections)


def _section(name: str, report: dict) -> list[str]:
    """The paragraphs on one file."""
    rows, side, draws = report["rows"], report["size"], report["draws"]
    images = dict.fromkeys(row["image"] for row in rows)
    drawn = "" if draws == 1 else f", {draws} draws of noise or gaps each"
    falls = [row["best_psnr"] - row["last_psnr"] for row in rows if _is_preset(row)]
    return [
        f"## {TITLES.get(name, name)}",
        f"{plural(len(images), 'photograph')}, {side} x {side} pixels{drawn}: {', '.join(images)}.",
        TABLE.of(_means(rows)),
        *_ends(falls),
        *(_race(row, rows) for row in rows if _is_timed_network(row)),
        *_told(rows),
    ]


def _ends(falls: list[float]) -> list[str]:
    """How many runs of the presets are as good at their end as ever."""
    if not falls:
        return []
    share = sum(fall <= 0.2 for fall in falls) / len(falls)
    return [f"{share:.0%} of the {len(falls)} runs of the presets end within 0.2 dB of their best."]


def _told(rows: Rows) -> list[str]:
    """What was told of the noise and what is true, where that was measured."""
    measured = [row for row in rows if "told" in row]
    words = (
        "Standard deviation of the noise of brightness in four rings of frequencies, from coarse "
        "to fine, on the 0-255 scale:"
    )
    return [words, TOLD.of(measured)] if measured else []


def _means(rows: Rows) -> Rows:
    """A row of the table for every case and method."""
    return [
        {"case": case, "method": method} | _mean(own, rows)
        for (case, method), own in pages.by_case_and_method(rows).items()
    ]


def _mean(own: Rows, rows: Rows) -> dict[str, float | None]:
    """The means of one method in one case; of ours the worst lead, fall and map too."""
    mean = {}
    for name in ("psnr", "ssim", "seconds"):
        values = [row[name] for row in own if row[name] is not None]
        mean[name] = statistics.mean(values) if values else None
    if "best_psnr" in own[0]:
        maps = [row["uncertainty_correlation"] for row in own]
        mean["worst"] = min(row["psnr"] - max(_baselines(row, rows)) for row in own)
        mean["fall"] = max(row["best_psnr"] - row["last_psnr"] for row in own)
        mean["map"] = None if None in maps else min(maps)
    return mean


def _baselines(row: dict, rows: Rows) -> list[float]:
    """What the methods of others have on the same image."""
    return [other["psnr"] for other in rows if _is_same(other, row) and "best_psnr" not in other]


def _race(network: dict, rows: Rows) -> str:
    """When a preset is where a network is at its best."""
    seconds = network["seconds"] * network["best_iteration"] / network["iterations"]
    best = f"{network['best_psnr']:.2f} dB, after {seconds:.1f} s"
    line = f"{network['image']}: {network['method']} has its best, {best}; "
    ahead = [
        row
        for row in rows
        if _is_preset(row) and _is_same(row, network) and row["psnr"] >= network["best_psnr"]
    ]
    if not ahead:
        return line + "no preset reaches it."
    first = min(ahead, key=lambda row: row["seconds"])
    line += f"{first['method']} has {first['psnr']:.2f} dB after {first['seconds']:.1f} s, "
    return line + f"1/{seconds / first['seconds']:.0f} of it."


def _is_timed_network(row: dict) -> bool:
    return "best_psnr" in row and not _is_preset(row) and row["seconds"] is not None


def _is_preset(row: dict) -> bool:
    return row["method"].startswith("non-local") and "best_psnr" in row


def _is_same(one: dict, other: dict) -> bool:
    return all(one[name] == other[name] for name in ("case", "image", "seed"))
