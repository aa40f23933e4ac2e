"""How good the weight is that a method chooses: `python -m experiments.chosen_weights`.

From the runs of `benchmarks/plans/reconstruction-weights.yaml`, as `drp-jax sweep report --runs`
has written them: how far each method that chooses is from the best of the weights, told by the
clean image, of its own and of the random projector's.
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
    f"method | best weight of | runs | at most {MOST_LOSS} dB below it | mean | worst",
    "{method} | {compared} | {runs} | {good} | {mean:+.2f} dB | {worst:+.2f} dB",
)
_PLACE = ("degradation", "image", "key")


def chosen(runs: Iterable[Mapping[str, str]]) -> list[dict]:
    """A row for each method that chooses and each with all weights: the leads over the best."""
    best: dict[str, dict[tuple, float]] = {}
    own: dict[str, dict[tuple, float]] = {}
    for run in runs:
        place = tuple(run[name] for name in _PLACE)
        score = float(run["psnr"])
        if run["settings"] == "{}":
            own.setdefault(run["method"], {})[place] = score
        else:
            scores = best.setdefault(run["method"], {})
            scores[place] = max(score, scores.get(place, score))
    rows = []
    for method, scores in sorted(own.items()):
        for compared, most in sorted(best.items()):
            leads = [score - most[place] for place, score in scores.items()]
            good = sum(lead >= -MOST_LOSS for lead in leads)
            rows.append(
                {"method": method, "compared": compared, "runs": len(leads), "good": good}
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
