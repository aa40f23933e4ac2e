"""A sweep by several processes gives the table that one gives."""

import os
import socket
import subprocess
import sys

import pytest
from sweeping import make_plan, rows_of

from drp_jax.commands import options
from drp_jax.commands.sweep import sweep

MORTAL = """
import os
import pathlib

SIGN = pathlib.Path({sign!r})


def measure(image):
    if not SIGN.exists():  # the first worker that gets so far dies of it
        SIGN.write_text("")
        os.kill(os.getpid(), 9)
    return 2 * image[::2]
"""


def started(*argv):
    """The command in a process of its own, in the current folder."""
    words = [sys.executable, "-m", "drp_jax", "sweep", "run", "plan.yaml"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "JAX_PLATFORMS": "cpu"}
    return subprocess.Popen(
        [*words, "--no-compilation-cache", *argv],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.fixture
def lab(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "film", raising=False)  # of another folder
    make_plan(tmp_path)
    return tmp_path


def run_alone():
    argv = ["run", "plan.yaml", "--out", "alone", "--no-compilation-cache"]
    assert options.run(sweep, argv, program="sweep") == 0


@pytest.mark.slow
def test_two_processes_of_jax_share_a_sweep(lab):
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        address = f"localhost:{probe.getsockname()[1]}"
    processes = [
        started("--out", "shared", "--distributed", f"{address},2,{own}") for own in range(2)
    ]
    said = [process.communicate(timeout=300)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], said
    assert all("10 runs, 0 of them done" in one for one in said)
    run_alone()
    assert rows_of(lab / "shared") == rows_of(lab / "alone")


@pytest.mark.slow
def test_two_workers_of_ray_share_a_sweep_though_one_dies(lab):
    pytest.importorskip("ray", reason="Ray is not installed")
    sign = lab / "killed"
    (lab / "film.py").write_text(MORTAL.format(sign=str(sign)))
    process = started("--out", "shared", "--ray", "local")
    said = process.communicate(timeout=300)[0]
    assert process.returncode == 0, said
    assert sign.exists()
    run_alone()
    assert rows_of(lab / "shared") == rows_of(lab / "alone")


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--ray", "local", "--halving", "0.25"], "--halving is given beside --ray; accepted"),
        (
            ["--distributed", "a:1,2,0", "--out", "memory://a"],
            "--out is memory://a beside --distributed; accepted: a folder of this machine",
        ),
        (["--distributed", "here"], "--distributed: 'here' is not HOST:PORT,COUNT,NUMBER, or auto"),
        (["--distributed", "a:1,2,2"], "--distributed: 'a:1,2,2' is not HOST:PORT,COUNT,NUMBER"),
    ],
)
def test_bad_flags_end_in_a_line(lab, capsys, argv, message):
    assert options.run(sweep, ["run", "plan.yaml", *argv], program="sweep") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
