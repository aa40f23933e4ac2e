"""The figures of the pages on the method and on the code: `python -m experiments.figures`.

Draws Deep Random Projector's network with what is frozen and what trains, as the trees of its
variables have them, to `docs/method.png`, and the imports of the modules to
`docs/architecture.svg`.
"""

import dataclasses
import pathlib
import sys
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from drp_jax import Problem, begin, preset
from drp_jax.commands import options
from drp_jax.images import replace_whole
from drp_jax.untrained import NormAffine, Seed, Trees
from experiments import imports

ROOT = pathlib.Path(__file__).parents[1]
METHOD = pathlib.Path("docs/method.png")
ARCHITECTURE = pathlib.Path("docs/architecture.svg")

SIDE = 256
METHODS = ("drp-dip", "drp-dd", "dip", "dd")
_HALF = 0.53  # of the width of a box
TRAINED, FROZEN, PLAIN = "#f2a65a", "#a9bdd6", "#eeeeee"

# Where the parts of the hourglass stand: across, up, and what they are.
PARTS = {
    "seed": (0.0, 1.0, "seed"),
    "seed_norm": (1.3, 1.0, "norm"),
    "generator.scale.skip": (3.25, 2.0, "skip: 1x1\nconvolution,\nnorm"),
    "generator.scale.skip_norm": (4.55, 2.0, "norm"),
    "generator.scale.down": (2.6, 0.0, "3x3 convolution\nto half the size,\nnorm"),
    "generator.scale.across": (3.9, 0.0, "3x3 convolution,\nnorm"),
    "generator.scale.deep_norm": (5.2, 0.0, "back to the size,\nnorm"),
    "generator.scale.up": (6.5, 1.0, "3x3 convolution\nof both,\nnorm"),
    "generator.scale.pointwise": (7.8, 1.0, "1x1 convolution,\nnorm"),
    "generator.output": (9.1, 1.0, "1x1 convolution\nto the colours"),
}
FLOW = (
    ("seed", "seed_norm"),
    ("seed_norm", "generator.scale.skip"),
    ("seed_norm", "generator.scale.down"),
    ("generator.scale.down", "generator.scale.across"),
    ("generator.scale.across", "generator.scale.deep_norm"),
    ("generator.scale.skip", "generator.scale.skip_norm"),
    ("generator.scale.skip_norm", "generator.scale.up"),
    ("generator.scale.deep_norm", "generator.scale.up"),
    ("generator.scale.up", "generator.scale.pointwise"),
    ("generator.scale.pointwise", "generator.output"),
)


@dataclasses.dataclass(frozen=True)
class Arguments:
    pass


@options.command("figures", Arguments, help=__doc__)
def draw(parsed: Arguments) -> int:
    """The figures of the pages on the method and on the code."""
    draw_method(METHOD)
    graph = imports.imports_of(ROOT / "drp_jax")
    layers = imports.layers_of((ROOT / "CONTRIBUTING.md").read_text())
    with replace_whole(ARCHITECTURE) as temporary:
        temporary.write_text(imports.diagram(graph, layers))
    for path in (METHOD, ARCHITECTURE):
        print(f"wrote {path}")
    return 0


def trees_of(name: str) -> Trees:
    """The trees of a method with its preset "paper", in shapes alone."""
    problem = Problem(jnp.zeros((SIDE, SIDE, 3)))
    method = preset("paper", method=name)
    return jax.eval_shape(lambda: begin(problem, method=method, key=jax.random.key(0)).trees)


def counts(trees: Trees) -> dict[str, dict[str, int]]:
    """How many values of each part of the hourglass train, and how many are frozen."""
    found = {part: {"trained": 0, "frozen": 0} for part in PARTS}
    for kind in ("trained", "frozen"):
        for path, variable in nnx.to_flat_state(getattr(trees, kind)):
            name = ".".join(map(str, path))
            part = next(part for part in PARTS if f"{name}.".startswith(f"{part}."))
            found[part][kind] += _size(variable)
    return found


def sizes_of_kinds(trees: Trees) -> dict[tuple[str, str], int]:
    """How many values the seed, the norm affine and the weights have, and whether they train."""
    found: dict[tuple[str, str], int] = {}
    for kind in ("trained", "frozen"):
        for _, variable in nnx.to_flat_state(getattr(trees, kind)):
            name = {Seed: "seed", NormAffine: "norm affine"}.get(type(variable), "weights")
            found[name, kind] = found.get((name, kind), 0) + _size(variable)
    return found


def _size(variable: Any) -> int:
    return sum(leaf.size for leaf in jax.tree.leaves(variable))


def draw_method(path: pathlib.Path) -> None:
    """Draws the network, and below it the variables of the four methods."""
    from matplotlib.figure import Figure  # slow to import, and only needed here

    figure = Figure(figsize=(9.8, 7.2), layout="constrained")
    above, below = figure.subplots(2, 1, height_ratios=(3.2, 2))
    _draw_network(above, counts(trees_of("drp-dip")))
    _draw_sizes(below, {name: sizes_of_kinds(trees_of(name)) for name in METHODS})
    with replace_whole(path) as temporary:
        figure.savefig(temporary, format="png", dpi=130)


def _draw_network(axes: Any, sizes: dict[str, dict[str, int]]) -> None:
    axes.set(xlim=(-0.6, 11.0), ylim=(-0.65, 2.7))
    axes.axis("off")
    axes.set_title(f"DRP-DIP for a colour picture of {SIDE} x {SIDE} pixels", loc="left")
    end = {**{part: place[:2] for part, place in PARTS.items()}, "image": (10.4, 1.0)}
    for start, stop in (*FLOW, ("generator.output", "image")):
        (x, y), (next_x, next_y) = end[start], end[stop]
        arrow = {"arrowstyle": "-|>", "color": "#607080", "shrinkA": 0, "shrinkB": 0}
        ends = {"xy": (next_x - _HALF, next_y), "xytext": (x + _HALF, y)}
        axes.annotate("", **ends, arrowprops=arrow)
    for part, (x, y, title) in PARTS.items():
        trained, frozen = sizes[part]["trained"], sizes[part]["frozen"]
        lines = [(title, PLAIN)]
        lines += [(f"{frozen:,} frozen", FROZEN)] * (frozen > 0)
        lines += [(f"{trained:,} trained", TRAINED)] * (trained > 0)
        _stack(axes, x, y, lines)
    _stack(axes, *end["image"], [("sigmoid:\nthe image", PLAIN)])


def _stack(axes: Any, x: float, y: float, lines: list[tuple[str, str]]) -> None:
    """A column of coloured boxes with a text in each, its middle at a point."""
    heights = [0.17 * (1 + text.count("\n")) + 0.06 for text, _ in lines]
    top = y + sum(heights) / 2
    for (text, color), height in zip(lines, heights, strict=True):
        box = axes.barh(
            top - height / 2, 2 * _HALF, height, x - _HALF, color=color, edgecolor="#607080"
        )
        box.patches[0].set_zorder(2)
        axes.text(x, top - height / 2, text, ha="center", va="center", fontsize=7, zorder=3)
        top -= height


def _draw_sizes(axes: Any, methods: dict[str, dict[tuple[str, str], int]]) -> None:
    """Bars of the values that train and that are frozen, each kind by its name."""
    colors = {"trained": TRAINED, "frozen": FROZEN}
    for row, sizes in enumerate(methods.values()):
        left = 0
        for kind, color in colors.items():
            size = sum(size for (_, one), size in sizes.items() if one == kind)
            axes.barh(row, size, left=left, color=color, edgecolor="#607080", linewidth=0.6)
            left += size
        for kind, color in colors.items():
            named = [f"{name} {size:,}" for (name, one), size in sizes.items() if one == kind]
            side = {"trained": 0.14, "frozen": -0.16}[kind]
            text = f"{kind}: {', '.join(named)}"
            box = {"facecolor": color, "edgecolor": "none", "pad": 1.5}
            axes.text(left + 60_000, row - side, text, fontsize=7.5, va="center", bbox=box)
    widest = max(sum(sizes.values()) for sizes in methods.values())
    axes.set(xlim=(0, 1.66 * widest), yticks=range(len(methods)), yticklabels=methods)
    axes.set_xticks([0, 1_000_000, 2_000_000, 3_000_000, 4_000_000], list("01234"))
    axes.set_xlabel("million values")
    axes.set_title("What trains and what is frozen, with the preset 'paper'", loc="left")
    axes.invert_yaxis()
    axes.spines[["top", "right"]].set_visible(False)


def main(argv: Sequence[str] | None = None) -> int:
    return options.run(draw, argv, program="figures")


if __name__ == "__main__":
    sys.exit(main())
