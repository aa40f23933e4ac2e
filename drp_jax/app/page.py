"""The page: what is where, and which handler answers what. The one module that imports Gradio."""

from collections.abc import Iterator
from typing import Any

import gradio

from drp_jax.app import measurements, photographs
from drp_jax.app.photographs import FROM_FILE, KERNELS, TASKS
from drp_jax.app.runs import Session
from drp_jax.commands.arguments import methods_of
from drp_jax.commands.reconstructing import TASK as RECONSTRUCT
from drp_jax.operators import MOST_FACTOR
from drp_jax.presets import completed

TITLE = "drp_jax"
ABOUT = (
    "One image restored from one observation, without any training data. The machine that serves "
    "this page does the work."
)
NO_FILE = "Choose a photograph; or Restore takes a bundled one, which is degraded first."
PRIVATE: dict[str, Any] = {"api_visibility": "private"}
ONE_AT_A_TIME: dict[str, Any] = {
    "concurrency_id": "restoration",
    "concurrency_limit": 1,
    "show_progress": "minimal",
    **PRIVATE,
}
BRUSH = "#ff2bd6"
BRUSH_SHARE = 1 / 25
"""Its size, of the longer side of the picture."""
PICTURE_HEIGHT = 420
HOUR = 3600
SIZES = {
    "Gaussian": ("Standard deviation in pixels", 1.6),
    "Motion": ("Length in pixels", 9.0),
    "Disk": ("Radius in pixels", 4.0),
}
"""The number of each kernel, and a first value."""
PHANTOM = (
    "The head of Shepp and Logan, 128 x 128 pixels, is measured, and reconstructed from the "
    "measurement."
)
STYLE = """
.status textarea { font-variant-numeric: tabular-nums; }
.uncertainty img { max-height: 420px; object-fit: contain; }
.phantom img { width: 100% !important; height: 100% !important; object-fit: contain; }
footer { display: none !important; }
"""


def served(*, host: str, port: int | None, share: bool, most_megapixels: float) -> list[str]:
    """Serves the page from threads of its own, and gives its addresses.

    Args:
      host: the address to listen at.
      port: the port, or None for the first that is free from 7860.
      share: whether it is opened to everyone by a link.
      most_megapixels: the largest picture that is taken.
    """
    font = ["system-ui", "sans-serif"]
    mono = ["ui-monospace", "monospace"]
    _, local, public = page(most_megapixels).launch(
        server_name=host,
        server_port=port,
        share=share,
        theme=gradio.themes.Default(primary_hue="blue", font=font, font_mono=mono),
        css=STYLE,
        footer_links=[],
        prevent_thread_lock=True,
        quiet=True,
        ssr_mode=False,
    )
    return [address for address in (local, public) if address]


def page(most_megapixels: float) -> gradio.Blocks:
    """The whole page, not yet served."""
    with gradio.Blocks(title=TITLE, analytics_enabled=False, delete_cache=(HOUR, HOUR)) as blocks:
        gradio.Markdown(f"# {TITLE}\n{ABOUT}")
        with gradio.Tab("Photographs"):
            _photographs(most_megapixels)
        with gradio.Tab("MRI and CT"):
            _measurements()
    return blocks


def _photographs(most_megapixels: float) -> None:
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
                method, preset, iterations, seed = _settings(
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
            start, stop = _buttons("Restore")
        with gradio.Column(scale=3, min_width=320):
            status = _status(NO_FILE)
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
        yield ["", gradio.skip(), *_cleared(), *_busy(True)]
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
                *_busy(not shown.has_ended),
            ]

    own = [about, gaps, enlarge, sharpen, method, preset, strength]
    task.change(choose, task, own, show_progress="hidden", **PRIVATE)
    kernel.change(
        choose_kernel, kernel, [size, angle, kernel_file], show_progress="hidden", **PRIVATE
    )
    method.input(choose_method, [task, method], preset, show_progress="hidden", **PRIVATE)
    file.change(open_file, file, [status, pair, editor, download, uncertainty], **PRIVATE)
    asked = [session, task, file, editor, mask, factor, kernel, size, angle, kernel_file]
    asked += [method, preset, iterations, seed, sigma, strength]
    start.click(
        run,
        asked,
        [status, pair, download, uncertainty, start, stop],
        show_progress_on=status,
        **ONE_AT_A_TIME,
    )
    stop.click(Session.stop, session, None, queue=False, **PRIVATE)


def _measurements() -> None:
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
                first = completed(None, None, RECONSTRUCT)[1]
                method, preset, iterations, seed = _settings(
                    methods_of(RECONSTRUCT), first, TASKS["Sharpen"].presets
                )
            start, stop = _buttons("Reconstruct")
        with gradio.Column(scale=3, min_width=320):
            status = _status("Choose how the phantom is measured, then reconstruct it.")
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
        presets = TASKS["Sharpen"].presets(chosen)
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
        yield ["", None, None, None, *_busy(True)]
        for shown in measurements.reconstructed(asked, session.begin()):
            images = [
                gradio.skip() if one is None else gradio.Image(value=one.picture, label=one.caption)
                for one in (shown.start, shown.result, shown.reference)
            ]
            yield [shown.text, *images, *_busy(not shown.has_ended)]

    kind.change(choose, kind, [acceleration, views], show_progress="hidden", **PRIVATE)
    method.input(choose_method, method, preset, show_progress="hidden", **PRIVATE)
    asked = [session, kind, acceleration, views, noise, method, preset, iterations, seed]
    start.click(
        run, asked, [status, *panels, start, stop], show_progress_on=status, **ONE_AT_A_TIME
    )
    stop.click(Session.stop, session, None, queue=False, **PRIVATE)


def _settings(methods: Any, first: str, presets_of: Any) -> tuple[Any, Any, Any, Any]:
    """Method, preset, iterations and seed."""
    presets = presets_of(first)
    return (
        gradio.Dropdown(list(methods), value=first, label="Method"),
        gradio.Dropdown(list(presets), value=presets[0], label="Preset"),
        gradio.Textbox(label="Iterations, at most", placeholder="as in the preset"),
        gradio.Number(0, label="Random seed", precision=0, minimum=0),
    )


def _buttons(start: str) -> tuple[gradio.Button, gradio.Button]:
    with gradio.Row():
        return (
            gradio.Button(start, variant="primary", min_width=140),
            gradio.Button("Stop", variant="stop", min_width=140, interactive=False),
        )


def _status(words: str) -> gradio.Textbox:
    return gradio.Textbox(
        words, label="Status", lines=3, max_lines=12, interactive=False, elem_classes="status"
    )


def _brush(side: int) -> gradio.Brush:
    """A brush for a picture with that longer side."""
    size = max(1, round(side * BRUSH_SHARE))
    return gradio.Brush(default_size=size, colors=[BRUSH], color_mode="fixed")


def _busy(is_busy: bool) -> list[Any]:
    """The two buttons while a run goes on, and after it."""
    return [gradio.Button(interactive=not is_busy), gradio.Button(interactive=is_busy)]


def _cleared() -> list[Any]:
    """Download and uncertainty before there is a result."""
    return [
        gradio.DownloadButton(value=None, interactive=False),
        gradio.Image(value=None, visible=False),
    ]
