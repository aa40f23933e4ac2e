"""The table of other packages: `python -m experiments.peers.table RESULTS.json TABLE.md`.

Means over images of what `scico_peer.py` and `deepinv_peer.py` have measured, a row for each
measurement and method.
"""

import json
import pathlib
import statistics
import sys

from drp_jax.images import replace_whole
from experiments import pages

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


def main() -> int:
    if len(sys.argv) != 3:
        print(f"{len(sys.argv) - 1} arguments; accepted: RESULTS.json TABLE.md", file=sys.stderr)
        return 2
    results, table = map(pathlib.Path, sys.argv[1:])
    if not results.is_file():
        print(f"{results}: no such file; accepted: what the peers' programs wrote", file=sys.stderr)
        return 2
    with replace_whole(table) as temporary:
        temporary.write_text(MEANS.of(means(json.loads(results.read_text())["rows"])) + "\n")
    print(f"wrote {table}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
