"""docs/large.md: its flags are known, and its code runs."""

import shlex

import pytest
from code_blocks import blocks, run_python
from command_line import pixels_of, save

from drp_jax.commands.arguments import RestoreArguments
from drp_jax.commands.denoise import DenoiseArguments
from drp_jax.commands.inpaint import InpaintArguments
from drp_jax.commands.super_resolve import SuperResolveArguments

PAGE = "docs/large.md"
KINDS = {
    "denoise": DenoiseArguments,
    "inpaint": InpaintArguments,
    "super-resolve": SuperResolveArguments,
}


def test_the_flags_are_those_of_the_commands():
    for line in filter(None, "\n".join(blocks(PAGE, "sh")).splitlines()):
        program, command, *words = shlex.split(line)
        flags = {word[2:].replace("-", "_") for word in words if word.startswith("--")}
        assert program == "drp-jax"
        assert issubclass(KINDS[command], RestoreArguments)
        assert flags <= set(KINDS[command].__dataclass_fields__)


@pytest.mark.slow
def test_the_code_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    save("panorama.png", 24, 20)
    run_python(PAGE)
    assert capsys.readouterr().out == "All steps of the method are done.\n"
    assert pixels_of("panorama_restored.png").shape == (24, 20, 3)
