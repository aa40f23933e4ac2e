"""The page of the quality benchmark, made from its JSON files."""

import json
import pathlib
import statistics

from drp_jax.images import replace_whole

RESULTS = pathlib.Path("benchmarks/results")
PAGE = pathlib.Path("docs/quality.md")

_HEAD = """# How good the pictures are

Crops of photographs that scikit-image carries, and of Peppers; none of them was used to choose the
presets, but for the tables that say so. PSNR in dB (of luma for
super-resolution, with the known pixels put back for inpainting), SSIM and seconds are means over
the photographs; seconds are without compilation, on {device} with {cores} cores that had other work
too, so that they compare within a table at most.
`python -m experiments.benchmark quality --task TASK` made the numbers and this page.

TV, the median filter and non-local means have the parameter that is best for each image by the
clean one, BM3D and non-local means the true noise level where it is Gaussian. The presets are given
neither.
*Worst* is the smallest lead over the best other method on an image. *Fall* is how far the result
is below the best iterate, at most. *Map* is the least correlation of the uncertainty map with the
true absolute error on an image.
"""


def write_page() -> None:
    """Writes the page from every `quality-*.json`."""
    reports = {path.stem: json.loads(path.read_text()) for path in _files()}
    some = next(iter(reports.values()))
    lines = [_HEAD.format(device=some["device"], cores=some["cores"])]
    for name, report in reports.items():
        lines += _section(name, report)
    with replace_whole(PAGE) as temporary:
        temporary.write_text("\n".join(lines) + "\n")


def _files() -> list[pathlib.Path]:
    return sorted(RESULTS.glob("quality-*.json"), key=lambda path: ("tune" in path.stem, path.stem))


def _section(name: str, report: dict) -> list[str]:
    rows = report["rows"]
    images = list(dict.fromkeys(row["image"] for row in rows))
    lines = [f"## {name.removeprefix('quality-').replace('-', ' ')}", ""]
    side = report["size"]
    draws = report["draws"]
    drawn = "" if draws == 1 else f", {draws} draws of noise or gaps each"
    lines += [f"{len(images)} photographs, {side} x {side} pixels{drawn}: {', '.join(images)}.", ""]
    lines += [
        "| case | method | PSNR | SSIM | seconds | worst | fall | map |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for case in dict.fromkeys(row["case"] for row in rows):
        here = [row for row in rows if row["case"] == case]
        lines += [_line(case, method, here) for method in dict.fromkeys(r["method"] for r in here)]
    return [*lines, "", *_falls(rows), *_races(rows), ""]


def _falls(rows: list[dict]) -> list[str]:
    """How many runs end at their best."""
    falls = [row["best_psnr"] - row["last_psnr"] for row in rows if _is_preset(row)]
    share = sum(fall <= 0.2 for fall in falls) / len(falls)
    return [f"{share:.0%} of the {len(falls)} runs of the presets end within 0.2 dB of their best."]


def _races(rows: list[dict]) -> list[str]:
    """When the presets are where a network is at its best, for every image."""
    lines = []
    for network in (row for row in rows if "best_psnr" in row and not _is_preset(row)):
        seconds = network["seconds"] * network["best_iteration"] / network["iterations"]
        ours = [
            row
            for row in rows
            if _is_preset(row)
            and all(row[name] == network[name] for name in ("case", "image", "seed"))
            and row["psnr"] >= network["best_psnr"]
        ]
        line = f"{network['image']}: {network['method']} has its best, "
        line += f"{network['best_psnr']:.2f} dB, after {seconds:.1f} s; "
        if ours:
            first = min(ours, key=lambda row: row["seconds"])
            line += f"{first['method']} has {first['psnr']:.2f} dB after {first['seconds']:.1f} s, "
            line += f"1/{seconds / first['seconds']:.0f} of it."
        else:
            line += "no preset reaches it."
        lines += ["", line]
    return lines


def _is_preset(row: dict) -> bool:
    return row["method"].startswith("non-local") and "best_psnr" in row


def _line(case: str, method: str, rows: list[dict]) -> str:
    own = [row for row in rows if row["method"] == method]
    cells = [case, method, f"{_mean(own, 'psnr'):.2f}"]
    similarity = [row["ssim"] for row in own if row["ssim"] is not None]
    cells += [f"{statistics.mean(similarity):.3f}" if similarity else ""]
    cells += [f"{_mean(own, 'seconds'):.1f}"]
    if "best_psnr" in own[0]:
        cells += [f"{min(_lead(row, rows) for row in own):+.2f}"]
        cells += [f"{max(row['best_psnr'] - row['last_psnr'] for row in own):.2f}"]
        maps = [row["uncertainty_correlation"] for row in own]
        cells += ["" if None in maps else f"{min(maps):.2f}"]
    else:
        cells += ["", "", ""]
    return f"| {' | '.join(cells)} |"


def _lead(row: dict, rows: list[dict]) -> float:
    """How far a row is above the best other method, in dB."""
    rivals = [
        other["psnr"]
        for other in rows
        if all(other[name] == row[name] for name in ("image", "seed")) and "best_psnr" not in other
    ]
    return row["psnr"] - max(rivals)


def _mean(rows: list[dict], key: str) -> float:
    return statistics.mean(row[key] for row in rows)
