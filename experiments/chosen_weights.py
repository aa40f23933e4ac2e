"""How good the weight is that a method chooses: `python -m experiments.chosen_weights`.

From the runs of `benchmarks/plans/reconstruction-weights.yaml`, as `drp-jax sweep report --runs`
has written them: how far each method that chooses is from the random projector with the best of
its weights, told by the clean image.
"""

import csv
import pathlib
import statistics
import sys
from collections.abc import Iterable, Mapping

from drp_jax.images import replace_whole
from experiments import pages

RUNS = pathlib.Path("benchmarks/results/reconstruction-weights.csv")
PAGE = pathlib.Path("benchmarks/results/reconstruction-chosen-weights.md")
MOST_LOSS = 0.3  # dB that the chosen weight may lose against the best
TABLE = pages.Table(
    f"method | runs | at most {MOST_LOSS} dB below the best weight | mean | worst",
    "{method} | {runs} | {good} | {mean:+.2f} dB | {worst:+.2f} dB",
)
_PLACE = ("degradation", "image", "key")


def chosen(runs: Iterable[Mapping[str, str]]) -> list[dict]:
    """A row for each method without settings: its leads over the projector's best weight."""
    best: dict[tuple, float] = {}
    own: dict[str, dict[tuple, float]] = {}
    for run in runs:
        place = tuple(run[name] for name in _PLACE)
        score = float(run["psnr"])
        if run["settings"] == "{}":
            own.setdefault(run["method"], {})[place] = score
        else:
            best[place] = max(score, best.get(place, score))
    rows = []
    for method, scores in own.items():
        leads = [score - best[place] for place, score in scores.items()]
        good = sum(lead >= -MOST_LOSS for lead in leads)
        rows.append(
            {"method": method, "runs": len(leads), "good": good}
            | {"mean": statistics.mean(leads), "worst": min(leads)}
        )
    return rows


def main() -> int:
    with open(RUNS, newline="") as opened:
        table = TABLE.of(chosen(csv.DictReader(opened)))
    print(table)
    with replace_whole(PAGE) as temporary:
        temporary.write_text(table + "\n")
    print(f"wrote {PAGE}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
