"""What a sweep says in lines: how a run ended, and what is best for every degradation."""

import json
import pathlib
from collections.abc import Collection, Iterator, Mapping

from drp_jax.commands.progress import plural
from drp_jax.sweep import Done, Plan
from drp_jax.sweep.plan import values_of
from drp_jax.sweep.report import read_results, summarize
from drp_jax.sweep.report.summary import settings_text
from drp_jax.sweep.report.tables import digits_of, title_of
from drp_jax.sweep.rows import DROPPED, FAILED
from drp_jax.sweep.scores import METRICS


def varied_settings(plan: Plan) -> dict[tuple[str, str | None], set[str]]:
    """The settings of which a plan has more than one value, by method and preset."""
    return {
        (group[0].name, group[0].preset): {
            name for name, values in values_of(group).items() if len(values) > 1
        }
        for group in plan.groups()
    }


def run_in_a_line(done: Done, varied: Mapping[tuple[str, str | None], Collection[str]]) -> str:
    """What a run was, and what has become of it.

    Args:
      done: the run.
      varied: the settings that are named, by method and preset.
    """
    row = done.row
    names = varied[row["method"], row["preset"]]
    settings = json.loads(row["settings"])
    chosen = settings_text({name: value for name, value in settings.items() if name in names})
    method = " ".join(filter(None, (row["method"], row["preset"])))
    words = (row["image"], row["degradation"], method, chosen, f"key {row['key']}")
    about = ", ".join(filter(None, words))
    if row["status"] == FAILED:
        return f"{about}: failed: {row['error']}"
    psnr, scores = row["psnr"], json.loads(row["scores"])
    parts = [] if psnr is None else [f"PSNR {psnr:.2f} dB"]
    own = {name: score for name, score in scores.items() if name not in METRICS}
    parts += [f"{name} {score:.4g}" for name, score in own.items() if score is not None]
    parts = parts or ["no PSNR"]
    if row["status"] == DROPPED:
        parts.append(f"dropped after {row['iterations']}")
    parts.append("scored again" if done.is_scored_again else f"{row['seconds']:.1f} s")
    parts += [
        f"no finite {name}" for name, score in scores.items() if score is None and name != "psnr"
    ]
    if row["error"] is not None:
        parts.append(row["error"])
    return f"{about}: {', '.join(parts)}"


def best_in_lines(folder: pathlib.Path) -> Iterator[str]:
    """For every degradation the method and settings of the best mean over images and keys.

    Args:
      folder: of the table. Of a plan that is not done to its end the lines say so.
    """
    results = read_results(folder)
    tables = summarize(results)
    so_far = "so far, " if results.left else ""
    if not results.metrics:
        return
    metric, better = results.ranked_by
    digits = digits_of(metric, tables)
    for table in tables:
        best = table.baseline
        score = None if best is None else best.score(metric)
        if best is None or score is None:
            continue
        name = ", ".join(filter(None, (best.name, settings_text(best.varied))))
        error = "" if score.error is None else f" ± {score.error:.{digits}f}"
        yield (
            f"{so_far}best in {table.degradation}: {name}, mean {title_of(metric, better)} "
            f"{score.mean:.{digits}f}{error} over {plural(score.count, 'run')}"
        )
