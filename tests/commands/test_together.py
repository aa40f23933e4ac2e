"""What an accelerator does with many pictures, on a CPU."""

import functools
import json
import pickle
from pathlib import Path

import command_line
import numpy as np
import pytest
from command_line import pixels_of, save

from drp_jax import Finished
from drp_jax.batch import BatchStatistics
from drp_jax.commands import denoise, together

run = functools.partial(command_line.run, denoise)
SMALL = ["--method", "drp-dd", "--width", "4", "--iterations", "3"]


@pytest.mark.parametrize("room", [2**40, 1], ids=["at once", "one at a time"])
def test_equal_sizes_go_together_and_give_what_each_gives_alone(
    tmp_path, monkeypatch, capsys, room
):
    monkeypatch.chdir(tmp_path)
    for number, width in enumerate((15, 15, 20, 15)):
        Path("x").mkdir(exist_ok=True)
        save(f"x/{number}.png", 12, width, seed=number)
    Path("x/broken.png").write_bytes(b"nothing")
    batches = []

    def restore_many(requests, **options):
        batches.append(0)
        for finished in real(requests, **options):
            batches[-1] += 1
            yield finished

    real = together.restore_many
    flags = ["x", *SMALL, "--metrics", "m.jsonl"]
    assert run(*flags, "--output-dir", "alone") == 1
    monkeypatch.setattr(together.jax, "default_backend", lambda: "gpu")
    monkeypatch.setattr(together, "restore_many", restore_many)
    monkeypatch.setattr(together, "allowed", lambda _: room)
    capsys.readouterr()
    assert run(*flags, "--output-dir", "together") == 1
    assert sum(batches) == 4
    assert max(batches) == (4 if room > 1 else 1)
    assert "4 of 5 written to together" in capsys.readouterr().out
    for number in range(4):
        one, other = (pixels_of(f"{at}/{number}_restored.png") for at in ("alone", "together"))
        np.testing.assert_allclose(one.astype(int), other, atol=1)
    lines = [json.loads(line) for line in Path("m.jsonl").read_text().splitlines()]
    assert [Path(line["image"]).stem for line in lines] == ["0", "1", "2", "3", "broken"]
    assert run(*flags, "--output-dir", "together") == 1
    assert "0 of 5 written to together" in capsys.readouterr().out
    assert sum(batches) == 4


class Cluster:
    """A cluster in this process: all that would travel is pickled as Ray does."""

    def __init__(self, address):
        assert address == "local"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def results(self, function, arguments, is_over):
        cloudpickle = pytest.importorskip("ray").cloudpickle
        for tag, argument in arguments:
            task = cloudpickle.loads(cloudpickle.dumps((function, argument)))
            result = task[0](task[1]) if "1.png" not in str(tag.place.path) else OSError("lost")
            yield tag, pickle.loads(cloudpickle.dumps(result))
            assert not is_over()


def test_on_a_cluster_pictures_are_read_and_written_here(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for number in range(2):
        save(f"{number}.png", 12, 15, seed=number)
    Path("broken.png").write_bytes(b"nothing")
    monkeypatch.setattr(together, "Cluster", Cluster)
    flags = ["0.png", "1.png", "broken.png", *SMALL]
    assert run(*flags, "--output-dir", "cluster", "--ray", "local", "--metrics", "m.jsonl") == 1
    out = capsys.readouterr().out
    assert "1 of 3 written to cluster" in out
    assert "1.png: failed: OSError: lost" in out
    (line, *_) = (json.loads(line) for line in Path("m.jsonl").read_text().splitlines())
    assert (line["iterations"], line["status"]) == (3, "iteration_limit")
    assert run("0.png", *SMALL) == 0
    capsys.readouterr()
    one, other = (pixels_of(path) for path in ("0_restored.png", "cluster/0_restored.png"))
    np.testing.assert_array_equal(one, other)
    message = command_line.refused(denoise, capsys, "0.png", *SMALL, "--ray", "local")
    assert "--ray is local, which is for several images; accepted: several" in message


def test_what_fails_among_others_is_tried_alone(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name in "ab":
        save(f"{name}.png")

    def restore_many(requests, **_):
        for index, _ in enumerate(requests):
            yield Finished(index, None, "no room", BatchStatistics())

    monkeypatch.setattr(together.jax, "default_backend", lambda: "gpu")
    monkeypatch.setattr(together, "restore_many", restore_many)
    assert run("a.png", "b.png", *SMALL) == 0
    assert capsys.readouterr().out.count(", wrote ") == 2
