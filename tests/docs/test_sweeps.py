"""docs/sweeps.md: its plans are read as they stand, its code runs, its tables are complete."""

import json
import re

import numpy as np
import pytest
from code_blocks import ROOT, blocks, run_python, table
from command_line import save
from conftest import make_photograph

from drp_jax.sweep import Store, degradation, read_plan, run_sweep
from drp_jax.sweep.reading import ready_plans
from drp_jax.sweep.scores import KNOWN_METRICS, METRICS
from drp_jax.sweep.store import COLUMNS

PAGE = "docs/sweeps.md"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in ("photographs", "shots"):
        (tmp_path / name).mkdir()
    save("photographs/a.png", height=300, width=280)
    for name in ("mean", "real"):
        save(f"shots/a_{name}.png", height=520, width=512)
    (shot,) = (block for block in blocks(PAGE, "python") if "def shot" in block)
    measure = "def measure(image):\n    return image[::2]\n"
    (tmp_path / "camera.py").write_text(f"{measure}\n\n{shot}")
    return tmp_path


def test_the_plans_are_read(folder):
    counts = []
    for text in blocks(PAGE, "yaml"):
        (folder / "plan.yaml").write_text(text)
        plan = read_plan(folder / "plan.yaml", bundled=lambda name: np.ones((300, 300, 3)))
        counts.append(len(list(plan.runs())))
        assert len(text.splitlines()) <= 13
    assert counts == [2 * 3 * (1 + 10) * 3, 2, 2 * 9]


@pytest.mark.slow
def test_the_python_runs_and_the_table_is_there(folder, capsys):
    with Store(folder / "results"):  # the page's first block reads what the commands wrote
        pass
    run_python(PAGE)
    assert len(capsys.readouterr().out.splitlines()) == 4
    with Store(folder / "own") as store:
        assert len(store.rows()) == 4


def test_a_program_of_another_package_is_compared(folder):
    (code,) = (block for block in blocks(PAGE, "python") if "External" in block)
    (folder / "rivals.py").write_text(code)
    (method,) = re.findall(r"`(\{method: .rivals:.*?\})`", (ROOT / PAGE).read_text())
    text = f"{{images: a, size: 24, degradations: gaussian:25, methods: {method}}}"
    (folder / "plan.yaml").write_text(text)
    plan = read_plan(folder / "plan.yaml", bundled=lambda name: make_photograph(24, 24, 3))
    rows = [one.row for one in run_sweep(plan, folder / "compared")]
    assert [json.loads(row["settings"]) for row in rows] == [
        {"weight": w} for w in (0.05, 0.1, 0.2)
    ]
    assert len({row["psnr"] for row in rows}) == 3
    assert min(row["psnr"] for row in rows) > 20


def test_the_degradations_are_what_they_are_called():
    names = [re.match("`(.+)`", cells[0])[1] for cells in table(PAGE, "degradation")]
    assert [degradation(name).task for name in names if not name.startswith("{")] == [
        *["denoise"] * 5,
        "inpaint",
        "super-resolve",
        *["reconstruct"] * 9,
        "denoise",
    ]


def test_a_degradation_of_ones_own_is_named(folder):
    (own,) = re.findall(r"`(\{degradation: [^`]*name: [^`]*\})`", (ROOT / PAGE).read_text())
    text = f"{{images: a, size: 24, degradations: {own}, methods: non-local}}"
    (folder / "plan.yaml").write_text(text)
    (run,) = read_plan(folder / "plan.yaml", bundled=lambda name: make_photograph(24, 24, 3)).runs()
    assert run.degradation.name == "my camera"
    noise = np.asarray(run.problem().observation) - run.image.pixels()
    assert 0.05 < noise.std() < 0.11


def test_the_metrics_are_those_there_are():
    names = re.findall("`([a-z_]+)`", " ".join(r[0] for r in table(PAGE, "other metrics")))
    assert names == [name for name in KNOWN_METRICS if name not in METRICS]


def test_every_ready_plan_is_named():
    names = [re.match("`(.+)`", cells[0])[1] for cells in table(PAGE, "ready plan")]
    assert sorted(names) == ready_plans()


def test_every_column_is_named():
    page = (ROOT / PAGE).read_text()
    for name in set(COLUMNS) - {"id"}:
        assert f"`{name}`" in page
