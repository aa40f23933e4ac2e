import os
import subprocess
import sys

import pytest
from command_line import save

from drp_jax.commands.compilation_cache import cache_folder


def denoise(folder, *flags):
    """Runs the command in a process of its own, with `folder` for the user's cache."""
    environment = os.environ | {
        "XDG_CACHE_HOME": str(folder / "cache"),
        "JAX_ENABLE_COMPILATION_CACHE": "true",
    }
    command = [sys.executable, "-m", "drp_jax", "denoise", "--image", str(folder / "x.png")]
    command += ["--method", "drp-dip", "--width", "2", "--iterations", "1", *flags]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True)


@pytest.mark.slow
def test_programs_are_kept_in_the_users_cache_folder_unless_unwanted(tmp_path):
    save(tmp_path / "x.png")
    denoise(tmp_path, "--no-compilation-cache")
    assert not (tmp_path / "cache").exists()
    denoise(tmp_path)
    kept = sorted(path.name for path in (tmp_path / "cache" / "drp_jax").iterdir())
    assert any("advance" in name for name in kept)
    denoise(tmp_path)
    again = sorted(path.name for path in (tmp_path / "cache" / "drp_jax").iterdir())
    assert [name for name in again if name not in kept and not name.endswith("atime")] == []


@pytest.mark.slow
def test_a_folder_that_cannot_be_made_is_said_and_nothing_else_fails(tmp_path):
    save(tmp_path / "x.png")
    (tmp_path / "cache").write_text("a file in the way")
    run = denoise(tmp_path)
    assert f"compiled programs are not kept: {tmp_path}/cache/drp_jax: " in run.stderr
    assert (tmp_path / "x_restored.png").exists()


def test_the_folder_is_in_the_home_folder_by_default(monkeypatch, tmp_path):
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "drp_jax"
