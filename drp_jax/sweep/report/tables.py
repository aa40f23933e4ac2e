"""What tables of a sweep have in common: titles, digits, and what lines are called."""

import dataclasses
import math
from collections.abc import Mapping, Sequence

from drp_jax.sweep.report.results import BEST
from drp_jax.sweep.report.summary import Group, Table, settings_text
from drp_jax.sweep.scores import LESS

TITLES = {
    "psnr": "PSNR (dB)",
    "ssim": "SSIM",
    "luma_psnr": "PSNR of luma (dB)",
    "peak_psnr": "highest PSNR (dB)",
    "peak_iteration": "iteration of the highest PSNR",
    "uncertainty_correlation": "correlation of uncertainty and error",
    "within_two_spreads": "within two spreads",
}
"""What tables call the metrics; others have their own names."""

_DIGITS = {
    "psnr": 2,
    "ssim": 3,
    "luma_psnr": 2,
    "peak_psnr": 2,
    "peak_iteration": 0,
    "uncertainty_correlation": 2,
    "within_two_spreads": 2,
}


def title_of(metric: str, better: str) -> str:
    """What tables call a metric, with an arrow down if less of it is better."""
    return TITLES.get(metric, metric) + (" ↓" if better == LESS else "")


def digits_of(metric: str, tables: Sequence[Table]) -> int:
    """How many digits after the point a metric is shown with: 4 in all, where none are fixed."""
    every = [one.score(metric) for table in tables for one in table.groups]
    largest = max((abs(one.mean) for one in every if one is not None), default=0.0)
    if metric in _DIGITS or largest == 0:
        return _DIGITS.get(metric, 3)
    return min(max(0, 3 - math.floor(math.log10(largest))), 9)


def best_means(table: Table, metrics: Mapping[str, str]) -> dict[str, float]:
    """The best mean by each of the metrics for which a line has one."""
    best = {}
    for name, better in metrics.items():
        found = [score.mean for one in table.groups if (score := one.score(name)) is not None]
        if found:
            best[name] = min(found) if better == LESS else max(found)
    return best


def seconds_text(group: Group) -> str | None:
    """The time of a run in three digits, or None if it is not known."""
    return None if group.seconds is None else f"{group.seconds:#.3g}".removesuffix(".")


@dataclasses.dataclass(frozen=True)
class Lines:
    """What the lines of a table are called, and what need not be said in each.

    Attributes:
      groups: the lines.
    """

    groups: Sequence[Group]

    @property
    def head(self) -> str:
        return "settings" if self._has_one_method else "method"

    def label(self, group: Group) -> str:
        """The method with the settings that are not the same in all its lines."""
        words = [] if self._has_one_method else [group.name]
        return ", ".join([*words, *([settings_text(group.varied)] if group.varied else [])])

    @property
    def runs(self) -> int | None:
        """The number of runs, or None if it is not the same in all lines."""
        counts = {len(one.rows) for one in self.groups}
        return counts.pop() if len(counts) == 1 else None

    @property
    def notes(self) -> list[str]:
        """What the numbers are, and what all lines have in common."""
        over = "images and keys" if self.runs is None else f"{self.runs} runs, of images and keys,"
        means = "one run a line" if self.runs == 1 else f"means over {over} ± standard errors"
        shared, tuned = {}, {}
        for one in self.groups:
            same = {name: value for name, value in one.settings.items() if name not in one.varied}
            if set(same.values()) == {BEST}:
                tuned[one.name] = f"{one.name} ({', '.join(same)})"
            elif same:
                shared[one.name] = f"{one.name} has {settings_text(same)} in all lines"
            elif self._has_one_method:
                shared[one.name] = f"all lines are {one.name}"
        best = [f"{', '.join(tuned.values())}: {BEST}"] if tuned else []
        return [means, "seconds of a run are without compilation", *shared.values(), *best]

    @property
    def _has_one_method(self) -> bool:
        """Whether the settings alone tell the lines apart."""
        is_one = len({one.name for one in self.groups}) == 1
        return is_one and all(one.varied for one in self.groups)
