"""What both parts of the page have: settings, buttons, status, and how their events are handled."""

from collections.abc import Callable, Sequence
from typing import Any

import gradio

PRIVATE: dict[str, Any] = {"api_visibility": "private"}
"""Of an event that no other program is told how to call."""
ONE_AT_A_TIME: dict[str, Any] = {
    "concurrency_id": "restoration",
    "concurrency_limit": 1,
    "show_progress": "minimal",
    **PRIVATE,
}
"""Of an event that restores: others wait, and are told their place."""


def settings(
    methods: Sequence[str], first: str, presets_of: Callable[[str], Sequence[str]]
) -> tuple[gradio.Dropdown, gradio.Dropdown, gradio.Textbox, gradio.Number]:
    """Method, preset, iterations and seed.

    Args:
      methods: their names.
      first: the one that is chosen at first.
      presets_of: gives the names of a method's presets, the one first that is chosen at first.
    """
    presets = presets_of(first)
    return (
        gradio.Dropdown(list(methods), value=first, label="Method"),
        gradio.Dropdown(list(presets), value=presets[0], label="Preset"),
        gradio.Textbox(label="Iterations, at most", placeholder="as in the preset"),
        gradio.Number(0, label="Random seed", precision=0, minimum=0),
    )


def buttons(start: str) -> tuple[gradio.Button, gradio.Button]:
    with gradio.Row():
        return (
            gradio.Button(start, variant="primary", min_width=140),
            gradio.Button("Stop", variant="stop", min_width=140, interactive=False),
        )


def status(words: str) -> gradio.Textbox:
    return gradio.Textbox(
        words, label="Status", lines=3, max_lines=12, interactive=False, elem_classes="status"
    )


def busy(is_busy: bool) -> list[Any]:
    """The two buttons while a run goes on, and after it."""
    return [gradio.Button(interactive=not is_busy), gradio.Button(interactive=is_busy)]
