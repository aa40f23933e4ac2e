"""What ends a command from outside: signals, a full output, a damaged cache."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import jax
import jax.numpy as jnp
import pytest
from command_line import save

from drp_jax import read_image, starting
from drp_jax.commands.compilation_cache import use_compilation_cache
from drp_jax.commands.fit import deferred_interrupts

SMALL = ["--method", "drp-dd", "--width", "4", "--iterations", "2"]
PROGRAM = [sys.executable, "-m", "drp_jax", "denoise"]


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", ["SIGTERM", pytest.param("SIGHUP", marks=pytest.mark.slow)])
def test_a_signal_saves_the_image_as_ctrl_c_does(name):
    save("x.png", 64, 64)
    number = signal.Signals[name]
    flags = ["--preset", "paper", "--iterations", "1000000", "--metrics", "m.json"]
    process = subprocess.Popen(
        [*PROGRAM, "--image", "x.png", *flags],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    for line in process.stderr:
        if line.startswith("iteration 1/"):
            process.send_signal(number)
            break
    out, err = process.communicate(timeout=60)
    assert process.returncode == 128 + number, err
    assert re.search(r"^Interrupted after iteration \d+; its image is kept\.$", out, re.MULTILINE)
    assert read_image("x_restored.png").image.shape == (64, 64, 3)
    assert json.loads(Path("m.json").read_text())["status"] == "interrupted"


def test_the_second_signal_of_any_kind_interrupts_and_all_are_as_before_after(request):
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # ignored where nohup began the tests
    request.addfinalizer(lambda: signal.signal(signal.SIGHUP, before))
    handlers = [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]

    def end_twice():
        with deferred_interrupts() as signals:
            os.kill(os.getpid(), signal.SIGTERM)
            assert signals == [signal.SIGTERM]
            os.kill(os.getpid(), signal.SIGHUP)

    with pytest.raises(KeyboardInterrupt):
        end_twice()
    assert handlers == [
        signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    ]


def test_a_hang_up_that_is_ignored_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with deferred_interrupts() as signals:
            os.kill(os.getpid(), signal.SIGHUP)
            assert signals == []
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("seconds", [0.2, 0.8])
def test_ctrl_c_while_python_imports_ends_in_a_line(seconds):
    # A process that was itself started in the background would hand down that Ctrl-C is ignored.
    words = ["env", "--default-signal=INT", *PROGRAM, "--image", "x.png"]
    process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
    time.sleep(seconds)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err == "drp-jax: interrupted before anything was read\n"


@pytest.mark.parametrize(
    ("words", "is_program"),
    [
        (["python", "-m", "drp_jax", "denoise"], True),
        (["python", "-X", "dev", "-m", "drp_jax"], False),
        (["/usr/bin/python", "/usr/bin/drp-jax", "denoise"], True),
        (["python", "-m", "pytest"], False),
        (["python", "own.py", "-m", "drp_jax"], False),
        (["python"], False),
    ],
)
def test_only_the_program_is_ended_so(words, is_program):
    assert starting.is_program(words) == is_program


def test_ctrl_c_raises_again_once_all_is_imported():
    before = signal.getsignal(signal.SIGINT)
    try:
        starting.end_quietly()
        assert signal.getsignal(signal.SIGINT) is not before
        starting.raise_again()
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        starting.raise_again()  # what others set is left
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
def test_a_full_output_ends_in_a_line():
    save("x.png")
    with open("/dev/full", "w") as full:
        ended = subprocess.run(
            [*PROGRAM, "--image", "x.png", *SMALL], stdout=full, stderr=subprocess.PIPE, text=True
        )
    *_, line = ended.stderr.splitlines()
    assert line == (
        "drp-jax denoise: error: standard output cannot be written: No space left on device; "
        "accepted: an output with room"
    )
    assert "Traceback" not in ended.stderr
    assert "Exception" not in ended.stderr
    assert ended.returncode == 2
    assert read_image("x_restored.png").image.shape == (12, 15, 3)


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    """A folder that JAX keeps programs in, for the time of one test."""
    names = (
        "jax_compilation_cache_dir",
        "jax_enable_compilation_cache",
        "jax_persistent_cache_min_compile_time_secs",
        "jax_persistent_cache_min_entry_size_bytes",
    )
    before = {name: getattr(jax.config, name) for name in names}
    from jax.experimental.compilation_cache import compilation_cache

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    jax.config.update("jax_enable_compilation_cache", True)
    jax.config.update("jax_compilation_cache_dir", None)
    compilation_cache.reset_cache()
    with warnings.catch_warnings():
        use_compilation_cache()
        yield tmp_path / "drp_jax"
    for name, value in before.items():
        jax.config.update(name, value)
    compilation_cache.reset_cache()


def test_a_damaged_entry_of_the_cache_is_replaced_without_a_word(own_cache, capsys):
    def compiled():
        jax.clear_caches()

        def of_this_test(x):
            return jnp.sin(x) * 2

        return float(jax.jit(of_this_test)(1.0))

    first = compiled()
    (entry,) = own_cache.glob("jit_of_this_test-*-cache")
    whole = entry.read_bytes()
    for damaged in (whole[: len(whole) // 2], b"", whole[:40] + b"xx" + whole[42:]):
        entry.write_bytes(damaged)
        assert compiled() == first
        assert len(entry.read_bytes()) > len(whole) // 2
        assert entry.read_bytes() != damaged
    assert capsys.readouterr().err == ""


def test_other_warnings_are_shown(own_cache, monkeypatch):
    seen = []
    monkeypatch.setattr(
        warnings, "showwarning", lambda message, *_, **__: seen.append(str(message))
    )
    use_compilation_cache()
    warnings.filterwarnings("always", message="something else")
    warnings.warn("something else", stacklevel=1)
    assert seen == ["something else"]
