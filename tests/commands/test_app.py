"""The command app: what it refuses before it serves anything."""

import functools
import importlib.util
import socket

import command_line
import pytest

from drp_jax.commands import app

refused = functools.partial(command_line.refused, app)


def test_without_the_extra_it_says_what_to_install(monkeypatch, capsys):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "gradio" else find(name)
    )
    line = refused(capsys)
    assert line == (
        "app: error: the page needs gradio; accepted: after pip install 'drp_jax[app]'\n"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--most-megapixels", "0"], "--most-megapixels is 0; accepted: above 0"),
        (["--most-megapixels", "nan"], "--most-megapixels is nan; accepted: above 0"),
        (["--most-megapixels", "many"], "--most-megapixels: 'many' is not a number"),
        (["--port", "70000"], "--port is 70000; accepted: from 1 to 65535"),
        (["x.png"], "Unrecognized options: x.png"),
    ],
)
def test_bad_flags_are_answered_in_one_line(capsys, arguments, message):
    assert message in refused(capsys, *arguments)


def test_what_cannot_be_served_at_is_refused(capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        line = refused(capsys, "--port", port)
    assert f"cannot serve at 127.0.0.1, port {port}: Address already in use; accepted: " in line
    assert "cannot serve at 192.0.2.1: " in refused(capsys, "--host", "192.0.2.1")


def test_help_says_how_it_is_opened_and_ended(capsys):
    assert command_line.run(app, "--help") == 0
    text = " ".join(capsys.readouterr().out.split())
    for words in ("Ctrl-C ends it", "(default: 127.0.0.1)", "(default: 2.0)", "--share"):
        assert words in text
