"""The page and its server."""

import gradio

from drp_jax.app.measurements_tab import measurements_tab
from drp_jax.app.photographs_tab import photographs_tab

TITLE = "drp_jax"
ABOUT = (
    "One image restored from one observation, without any training data. The machine that serves "
    "this page does the work."
)
HOUR = 3600
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
            photographs_tab(most_megapixels)
        with gradio.Tab("MRI and CT"):
            measurements_tab()
    return blocks
