"""The part of the page for photographs."""

from collections.abc import Iterator
from typing import Any

import gradio

from drp_jax.app import parts, photographs
from drp_jax.app.photographs import FROM_FILE, KERNELS, TASKS
from drp_jax.app.runs import Session
from drp_jax.operators import MOST_FACTOR

NO_FILE = "Choose a photograph; or Restore takes a bundled one, which is degraded first."
BRUSH = "#ff2bd6"
BRUSH_SHARE = 1 / 25
"""Its size, of the longer side of the picture."""
PICTURE_HEIGHT = 420
SIZES = {
    "Gaussian": ("Standard deviation in pixels", 1.6),
    "Motion": ("Length in pixels", 9.0),
    "Disk": ("Radius in pixels", 4.0),
    "Unknown": ("Wide and high at most, in pixels: odd", 15),
}
"""The number of each kernel, and a first value."""


def photographs_tab(most_megapixels: float) -> None:
    """Lays it out, within the page that is being made.

    Args:
      most_megapixels: the largest picture that is taken.
    """
    session = gradio.State(Session())
    first = next(iter(TASKS))
    with gradio.Row():
        with gradio.Column(scale=2, min_width=320):
            file = gradio.File(
                label=f"Photograph, up to {most_megapixels:g} megapixels", height=150
            )
            task = gradio.Radio(list(TASKS), value=first, label="Task")
            about = gradio.Markdown(TASKS[first].about)
            with gradio.Column(visible=False) as gaps:
                editor = gradio.ImageEditor(
                    label="Gaps",
                    type="numpy",
                    sources=(),
                    transforms=(),
                    layers=False,
                    brush=_brush(256),
                    height=360,
                )
                mask = gradio.File(label="Or a mask: black where missing", height=130)
            with gradio.Column(visible=False) as enlarge:
                factor = gradio.Slider(2, min(8, MOST_FACTOR), 4, step=1, label="Times larger")
            with gradio.Column(visible=False) as sharpen:
                kernel = gradio.Radio([*KERNELS, FROM_FILE], value="Gaussian", label="Blur")
                size = gradio.Number(SIZES["Gaussian"][1], label=SIZES["Gaussian"][0], minimum=0.1)
                angle = gradio.Number(
                    0,
                    label="Angle in degrees",
                    info="Counterclockwise from the right",
                    visible=False,
                )
                kernel_file = gradio.File(
                    label="One blurred point: gray image or .npy", height=130, visible=False
                )
            with gradio.Accordion("Advanced", open=False):
                method, preset, iterations, seed = parts.settings(
                    TASKS[first].methods, TASKS[first].method, TASKS[first].presets
                )
                sigma = gradio.Textbox(
                    label="Noise",
                    info="Its standard deviation, of 255, if it is known",
                    placeholder="told from the picture",
                )
                strength = gradio.Textbox(
                    label="Strength",
                    info="What the noise counts as: 0.7 keeps more grain, 1.5 smooths more",
                    placeholder="1",
                )
            start, stop = parts.buttons("Restore")
        with gradio.Column(scale=3, min_width=320):
            status = parts.status(NO_FILE)
            pair = gradio.ImageSlider(
                label="Before and after",
                format="png",
                max_height=PICTURE_HEIGHT,
                interactive=False,
                buttons=["fullscreen"],
            )
            download = gradio.DownloadButton("Download the result", interactive=False)
            uncertainty = gradio.Image(
                label="Uncertainty",
                format="png",
                elem_classes="uncertainty",
                interactive=False,
                visible=False,
                buttons=["fullscreen"],
            )

    def choose(name: str) -> list[Any]:
        chosen = TASKS[name]
        presets = chosen.presets(chosen.method)
        return [
            chosen.about,
            gradio.Column(visible=name == "Fill gaps"),
            gradio.Column(visible=name == "Enlarge"),
            gradio.Column(visible=name == "Sharpen"),
            gradio.Dropdown(list(chosen.methods), value=chosen.method),
            gradio.Dropdown(list(presets), value=presets[0]),
            gradio.Textbox(visible=name == "Denoise"),
        ]

    def choose_kernel(name: str) -> list[Any]:
        is_file = name == FROM_FILE
        label, first = SIZES.get(name, ("", None))
        return [
            gradio.Number(first, label=label, visible=not is_file),
            gradio.Number(visible=name == "Motion"),
            gradio.File(visible=is_file),
        ]

    def choose_method(name: str, chosen: str) -> Any:
        presets = TASKS[name].presets(chosen)
        return gradio.Dropdown(list(presets), value=presets[0])

    def open_file(path: str | None) -> list[Any]:
        if path is None:
            return [NO_FILE, None, None, *_cleared()]
        shown = photographs.opened(path, most_megapixels)
        if shown.pair is None:
            return [shown.text, None, None, *_cleared()]
        picture = shown.pair[0]
        painting = gradio.ImageEditor(picture, brush=_brush(max(picture.shape)))
        return [shown.text, shown.pair, painting, *_cleared()]

    def run(
        session: Session,
        task: str,
        file: str | None,
        painted: dict[str, Any] | None,
        mask: str | None,
        factor: float,
        kernel: str,
        size: float | None,
        angle: float | None,
        kernel_file: str | None,
        method: str,
        preset: str,
        iterations: str | None,
        seed: float | None,
        sigma: str | None,
        strength: str | None,
    ) -> Iterator[list[Any]]:
        asked = photographs.Asked(
            task=task,
            file=file,
            method=method,
            preset=preset,
            iterations=iterations,
            sigma=sigma,
            strength=strength if task == "Denoise" else None,
            seed=int(seed or 0),
            layers=tuple(painted["layers"]) if painted else (),
            mask=mask,
            factor=int(factor),
            kernel=kernel,
            size=size or 0.0,
            angle=angle or 0.0,
            kernel_file=kernel_file,
        )
        yield ["", gradio.skip(), *_cleared(), *parts.busy(True)]
        for shown in photographs.restored(asked, session.begin(), most_megapixels):
            yield [
                shown.text,
                gradio.skip() if shown.pair is None else shown.pair,
                gradio.skip()
                if shown.file is None
                else gradio.DownloadButton(value=str(shown.file), interactive=True),
                gradio.skip()
                if shown.uncertainty is None
                else gradio.Image(value=shown.uncertainty, visible=True),
                *parts.busy(not shown.has_ended),
            ]

    own = [about, gaps, enlarge, sharpen, method, preset, strength]
    task.change(choose, task, own, show_progress="hidden", **parts.PRIVATE)
    kernel.change(
        choose_kernel, kernel, [size, angle, kernel_file], show_progress="hidden", **parts.PRIVATE
    )
    method.input(choose_method, [task, method], preset, show_progress="hidden", **parts.PRIVATE)
    file.change(open_file, file, [status, pair, editor, download, uncertainty], **parts.PRIVATE)
    asked = [session, task, file, editor, mask, factor, kernel, size, angle, kernel_file]
    asked += [method, preset, iterations, seed, sigma, strength]
    start.click(
        run,
        asked,
        [status, pair, download, uncertainty, start, stop],
        show_progress_on=status,
        **parts.ONE_AT_A_TIME,
    )
    stop.click(Session.stop, session, None, queue=False, **parts.PRIVATE)


def _brush(side: int) -> gradio.Brush:
    """A brush for a picture with that longer side."""
    size = max(1, round(side * BRUSH_SHARE))
    return gradio.Brush(default_size=size, colors=[BRUSH], color_mode="fixed")


def _cleared() -> list[Any]:
    """Download and uncertainty before there is a result."""
    return [
        gradio.DownloadButton(value=None, interactive=False),
        gradio.Image(value=None, visible=False),
    ]
