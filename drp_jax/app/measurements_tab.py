"""The part of the page for MRI and computed tomography."""

import functools
from collections.abc import Iterator
from typing import Any

import gradio

from drp_jax.app import measurements, parts
from drp_jax.app.photographs import presets_of
from drp_jax.app.runs import Session
from drp_jax.commands.arguments import methods_of
from drp_jax.commands.reconstructing import TASK
from drp_jax.presets import completed

PHANTOM = (
    "The head of Shepp and Logan, 128 x 128 pixels, is measured, and reconstructed from the "
    "measurement."
)


def measurements_tab() -> None:
    """Lays it out, within the page that is being made."""
    session = gradio.State(Session())
    with gradio.Row():
        with gradio.Column(scale=1, min_width=320):
            gradio.Markdown(PHANTOM)
            kind = gradio.Radio(
                list(measurements.KINDS), value=measurements.MRI, label="Measurement"
            )
            acceleration = gradio.Slider(
                2,
                8,
                measurements.Asked.acceleration,
                step=1,
                label="Acceleration",
                info="One column of k-space in so many is measured",
            )
            views = gradio.Slider(
                5,
                180,
                measurements.Asked.views,
                step=1,
                label="Views",
                info="Directions over half a turn",
                visible=False,
            )
            noise = gradio.Slider(
                0,
                10,
                measurements.Asked.noise,
                step=0.5,
                label="Noise",
                info="Its standard deviation, in percent of the greatest value",
            )
            with gradio.Accordion("Advanced", open=False):
                first = completed(None, None, TASK)[1]
                method, preset, iterations, seed = parts.settings(
                    methods_of(TASK), first, functools.partial(presets_of, task=TASK)
                )
            start, stop = parts.buttons("Reconstruct")
        with gradio.Column(scale=3, min_width=320):
            status = parts.status("Choose how the phantom is measured, then reconstruct it.")
            with gradio.Row():
                panels = [
                    gradio.Image(
                        label=label,
                        format="png",
                        height=300,
                        min_width=240,
                        elem_classes="phantom",
                        interactive=False,
                        buttons=["fullscreen"],
                    )
                    for label in ("start", "reconstructed", "reference")
                ]

    def choose(kind: str) -> list[Any]:
        is_mri = kind == measurements.MRI
        return [gradio.Slider(visible=is_mri), gradio.Slider(visible=not is_mri)]

    def choose_method(chosen: str) -> Any:
        presets = presets_of(chosen, TASK)
        return gradio.Dropdown(list(presets), value=presets[0])

    def run(
        session: Session,
        kind: str,
        acceleration: float,
        views: float,
        noise: float,
        method: str,
        preset: str,
        iterations: str | None,
        seed: float | None,
    ) -> Iterator[list[Any]]:
        asked = measurements.Asked(
            kind=kind,
            acceleration=int(acceleration),
            views=int(views),
            noise=noise,
            method=method,
            preset=preset,
            iterations=iterations,
            seed=int(seed or 0),
        )
        yield ["", None, None, None, *parts.busy(True)]
        for shown in measurements.reconstructed(asked, session.begin()):
            images = [
                gradio.skip() if one is None else gradio.Image(value=one.picture, label=one.caption)
                for one in (shown.start, shown.result, shown.reference)
            ]
            yield [shown.text, *images, *parts.busy(not shown.has_ended)]

    kind.change(choose, kind, [acceleration, views], show_progress="hidden", **parts.PRIVATE)
    method.input(choose_method, method, preset, show_progress="hidden", **parts.PRIVATE)
    asked = [session, kind, acceleration, views, noise, method, preset, iterations, seed]
    start.click(
        run, asked, [status, *panels, start, stop], show_progress_on=status, **parts.ONE_AT_A_TIME
    )
    stop.click(Session.stop, session, None, queue=False, **parts.PRIVATE)
