"""The table of other packages: `python -m experiments.peers.table RESULTS.json RUNS.csv TABLE.md`.

Means over images of what `scico_peer.py` and `deepinv_peer.py` have measured, a row for each
measurement and method, and of what `drp-pnp` has of the same measurements: those of key 0 in the
runs of `benchmarks/plans/reconstruction.yaml`, as a report of the sweep writes them.
"""

import csv
import json
import pathlib
import statistics
import sys
from collections.abc import Iterable

from drp_jax.images import replace_whole
from experiments import pages
from experiments.measurements import MEASUREMENTS, NOISE

OURS = "drp-pnp"
MEANS = pages.Table(
    "measured by | method | PSNR (dB) | SSIM | seconds | images",
    "{case} | {method} | {psnr:.2f} | {ssim:.3f} | {seconds:.1f} | {count}",
)


def means(rows: list[dict]) -> list[dict]:
    """The means of each measurement and method, measurements in their order."""
    return [
        {"case": case, "method": method, "count": len(own)}
        | {name: statistics.mean(row[name] for row in own) for name in ("psnr", "ssim", "seconds")}
        for (case, method), own in pages.by_case_and_method(rows).items()
    ]


def ours(runs: Iterable[dict[str, str]]) -> list[dict]:
    """The rows of `drp-pnp` among the runs of a sweep, as the peers' programs write theirs."""
    cases = {f"{operator}, noise {NOISE:g}": case for case, operator in MEASUREMENTS.items()}
    return [
        {
            "case": cases[run["degradation"]],
            "method": OURS,
            "psnr": float(run["psnr"]),
            "ssim": float(run["ssim"]),
            "seconds": float(run["seconds_without_compilation"]),
        }
        for run in runs
        if run["method"] == OURS and run["key"] == "0" and run["degradation"] in cases
    ]


def main() -> int:
    if len(sys.argv) != 4:
        accepted = "RESULTS.json RUNS.csv TABLE.md"
        print(f"{len(sys.argv) - 1} arguments; accepted: {accepted}", file=sys.stderr)
        return 2
    results, runs, table = map(pathlib.Path, sys.argv[1:])
    for path, what in ((results, "the peers' programs wrote"), (runs, "a sweep report wrote")):
        if not path.is_file():
            print(f"{path}: no such file; accepted: what {what}", file=sys.stderr)
            return 2
    theirs = json.loads(results.read_text())["rows"]
    measured = {row["case"] for row in theirs}
    own = ours(csv.DictReader(runs.read_text().splitlines()))
    own = [row for row in own if row["case"] in measured]
    with replace_whole(table) as temporary:
        temporary.write_text(MEANS.of(means(theirs + own)) + "\n")
    print(f"wrote {table}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
