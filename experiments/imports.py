"""A diagram of which modules import which: an SVG drawn from the source of the library."""

import ast
import itertools
import math
import pathlib
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

Graph = dict[str, set[str]]

_ROW, _HEIGHT, _MARGIN, _GAP, _LETTER = 58, 26, 12, 22, 7.6


class Place(NamedTuple):
    """A module in its layer, or where an arrow passes a layer.

    Attributes:
      name: of the module, or of the arrow's two ends.
      row: the layer, from 0 at the top.
    """

    name: str
    row: int


def imports_of(folder: pathlib.Path) -> Graph:
    """The modules and packages in a package's folder, and those of them that each imports."""
    graph: Graph = {}
    for path in sorted(folder.rglob("*.py")):
        own = path.relative_to(folder).parts[0].removesuffix(".py")
        if not own.startswith("__"):
            found = set(_imported(ast.parse(path.read_text()), folder.name))
            graph.setdefault(own, set()).update(found - {own})
    return {own: others & set(graph) for own, others in graph.items()}


def _imported(tree: ast.Module, package: str) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            parts = name.split(".")
            if parts[0] == package and len(parts) > 1:
                yield parts[1]


def without_shortcuts(graph: Graph) -> Graph:
    """The graph without edges that longer ways make up for; it must not have a cycle."""

    def reached(name: str) -> set[str]:
        return graph[name].union(*map(reached, graph[name]))

    return {
        name: others - set().union(*(reached(other) for other in others))
        for name, others in graph.items()
    }


def layers_of(page: str) -> list[list[str]]:
    """The layers that a page lists in its first block of text, the lowest first."""
    block = re.search(r"^```text\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    return [line.replace("|", " ").split() for line in block[1].splitlines()] if block else []


def diagram(graph: Graph, layers: list[list[str]]) -> str:
    """The SVG: a box a module, what uses others above them, an arrow an import.

    Args:
      graph: the imports; those that follow from others are left out.
      layers: the names of the modules, the lowest layer first.
    """
    rows = [[Place(name, row) for name in names] for row, names in enumerate(reversed(layers))]
    arrows = list(_arrows(without_shortcuts(graph), rows))
    across = _across(rows, arrows)
    width = 2 * _MARGIN + max(across[place] + _width(place) / 2 for row in rows for place in row)
    height = 2 * _MARGIN + _ROW * (len(rows) - 1) + _HEIGHT
    modules = {name for names in layers for name in names}
    lines = [_arrow([(across[place], place.row) for place in arrow]) for arrow in arrows]
    boxes = [_box(place, across[place]) for row in rows for place in row if place.name in modules]
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" '
        'font-family="sans-serif" font-size="13" text-anchor="middle">\n'
        "<title>The modules of drp_jax and what they import</title>\n"
        '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto"><path d="M0 0 8 4 0 8z" fill="#607080"/></marker></defs>\n'
        f'<rect width="{width:.0f}" height="{height}" rx="8" fill="white"/>'
    )
    return "\n".join([head, *lines, *boxes, "</svg>\n"])


def _arrows(graph: Graph, rows: list[list[Place]]) -> Iterator[list[Place]]:
    """The places that each arrow goes through, those between its ends added to the rows."""
    places = {place.name: place for row in rows for place in row}
    for name, others in sorted(graph.items()):
        for other in sorted(others):
            start, end = places[name], places[other]
            between = [Place(f"{name} {other}", row) for row in range(start.row + 1, end.row)]
            for place in between:
                rows[place.row].append(place)
            yield [start, *between, end]


def _across(rows: list[list[Place]], arrows: Iterable[list[Place]]) -> dict[Place, float]:
    """Where each place is from the left: near the mean of its neighbours, in an order of few
    crossings. The rows are put in that order."""
    pairs = [pair for arrow in arrows for pair in itertools.pairwise(arrow)]
    neighbours: dict[Place, list[Place]] = {place: [] for row in rows for place in row}
    for upper, lower in pairs:
        neighbours[upper].append(lower)
        neighbours[lower].append(upper)
    across = {place: 0.0 for row in rows for place in row}
    for row in rows:
        _spread(row, across, dict.fromkeys(row, 0.0))
    for sweep in range(60):
        for row in rows if sweep % 2 else reversed(rows):
            wanted = {
                place: math.fsum(across[other] for other in neighbours[place])
                / len(neighbours[place])
                if neighbours[place]
                else across[place]
                for place in row
            }
            if sweep < 40:
                row.sort(key=lambda place: (wanted[place], place.name))
            _spread(row, across, wanted)
    left = min(across[place] - _width(place) / 2 for row in rows for place in row)
    return {place: x - left + _MARGIN for place, x in across.items()}


def _spread(row: list[Place], across: dict[Place, float], wanted: dict[Place, float]) -> None:
    """Puts a row's places, in their order, where they are wanted, but none on another."""
    offsets = [0.0]
    for one, other in itertools.pairwise(row):
        offsets.append(offsets[-1] + (_width(one) + _width(other)) / 2 + _GAP)
    # Less their offsets the places only have not to fall: neighbours that would are put together.
    groups: list[tuple[float, int]] = []
    for place, offset in zip(row, offsets, strict=True):
        mean, count = wanted[place] - offset, 1
        while groups and groups[-1][0] > mean:
            before, others = groups.pop()
            mean, count = (mean * count + before * others) / (count + others), count + others
        groups.append((mean, count))
    means = [mean for mean, count in groups for _ in range(count)]
    for place, mean, offset in zip(row, means, offsets, strict=True):
        across[place] = mean + offset


def _width(place: Place) -> float:
    return 0.0 if " " in place.name else 18 + _LETTER * len(place.name)


def _y(row: int) -> float:
    return _MARGIN + _HEIGHT / 2 + _ROW * row


def _arrow(points: list[tuple[float, int]]) -> str:
    x, row = points[0]
    path = f"M{x:.0f} {_y(row) + _HEIGHT / 2:.0f}"
    for (x, row), (next_x, next_row) in itertools.pairwise(points):
        top, bottom = _y(row) + _HEIGHT / 2, _y(next_row) - _HEIGHT / 2
        middle = (top + bottom) / 2
        path += f" C{x:.0f} {middle:.0f} {next_x:.0f} {middle:.0f} {next_x:.0f} {bottom:.0f}"
        if (next_x, next_row) != points[-1]:
            path += f" V{bottom + _HEIGHT:.0f}"
    return (
        f'<path d="{path}" fill="none" stroke="#607080" stroke-width="1.2" '
        'marker-end="url(#head)"/>'
    )


def _box(place: Place, x: float) -> str:
    width, y = _width(place), _y(place.row)
    return (
        f'<rect x="{x - width / 2:.0f}" y="{y - _HEIGHT / 2:.0f}" width="{width:.0f}" '
        f'height="{_HEIGHT}" rx="5" fill="#e8eef6" stroke="#4a6fa5"/>'
        f'<text x="{x:.0f}" y="{y + 4.5:.0f}">{place.name}</text>'
    )
