"""Restore photographs and measurements in a browser: `drp-jax app`.

The page is served by this machine, to this machine alone unless --host or --share says otherwise,
and fetches nothing from elsewhere. Ctrl-C ends it; what was uploaded is removed then.
"""

import dataclasses
import importlib
import importlib.util
import os
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Sequence

from drp_jax import InputError
from drp_jax.commands import options
from drp_jax.commands.compilation_cache import use_compilation_cache

PROGRAM = "app"
MOST_MEGAPIXELS = 2.0
"""Of a picture, by default: about a minute or two of a CPU with the default method."""


@dataclasses.dataclass(frozen=True)
class AppArguments:
    port: int | None = options.whole(
        "The port to serve at, from 1 to 65535.",
        shown="the first that is free from 7860",
        least=1,
        most=65535,
    )
    host: str = options.option(
        str,
        "ADDRESS",
        "an address",
        "The address to serve at; 0.0.0.0 lets other machines in.",
        "127.0.0.1",
    )
    share: bool = options.flag(
        "Open it to everyone who knows a link, through a server of Gradio's makers."
    )
    most_megapixels: float = options.number(
        "The largest picture that is taken, and that comes of enlarging one, in millions of "
        "pixels, above 0.",
        MOST_MEGAPIXELS,
    )
    compilation_cache: bool = options.flag(
        "Keep compiled programs in the user's cache folder for the next start.", True
    )


@options.command("app", AppArguments, help=__doc__)
def app(parsed: AppArguments) -> int:
    """Restore photographs and measurements in a browser."""
    if not 0 < parsed.most_megapixels < float("inf"):
        raise InputError(f"--most-megapixels is {parsed.most_megapixels:g}; accepted: above 0")
    if importlib.util.find_spec("gradio") is None:
        raise InputError("the page needs gradio; accepted: after pip install 'drp_jax[app]'")
    _require_free(parsed.host, parsed.port)
    if parsed.compilation_cache:
        use_compilation_cache()
    with tempfile.TemporaryDirectory(prefix="drp_jax-app-") as folder:
        # Read when gradio is imported.
        os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
        os.environ["GRADIO_TEMP_DIR"] = folder
        _serve(parsed)
    # An orderly exit would wait for a run that is still going on.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def main(argv: Sequence[str] | None = None) -> int:
    return options.run(app, argv, program=PROGRAM)


def _require_free(host: str, port: int | None) -> None:
    """Raises InputError unless this machine has the address, and the port is not in use."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port or 0, type=socket.SOCK_STREAM
        )[0]
        with socket.socket(family, kind, protocol) as one:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            one.bind(address)
    except OSError as error:
        where = host if port is None else f"{host}, port {port}"
        raise InputError(
            f"cannot serve at {where}: {error.strerror}; accepted: --host with an address of this "
            "machine, --port with one that is free"
        ) from None


def _serve(parsed: AppArguments) -> None:
    """Serves the page until Ctrl-C or `SIGTERM`."""
    # By its name, because the page is made of what the commands do, and not they of the page; only
    # now, because it imports gradio.
    page = importlib.import_module("drp_jax.app.page")
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    addresses = page.served(
        host=parsed.host,
        port=parsed.port,
        share=parsed.share,
        most_megapixels=parsed.most_megapixels,
    )
    for address in addresses:
        print(f"the page is at {address}", flush=True)
    print("Ctrl-C ends it", flush=True)
    ended.wait()
    print("\nended", flush=True)
