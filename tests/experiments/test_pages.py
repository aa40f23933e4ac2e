import json

from experiments import pages
from experiments.benchmark import measuring

TABLE = pages.Table("name | PSNR | ratio", "{name} | {psnr:.2f} | {more[ratio]:.0%}")


def test_a_table_has_a_line_per_row_and_leaves_what_is_missing_empty():
    rows = [{"name": "a", "psnr": 30.126, "more": {"ratio": 0.5}}, {"name": "b", "psnr": None}]
    lines = TABLE.of(rows[:1]).splitlines()
    assert lines == ["| name | PSNR | ratio |", "|---|---|---|", "| a | 30.13 | 50% |"]
    plain = pages.Table("name | PSNR", "{name} | {psnr:.2f}")
    assert plain.line(rows[1]) == "| b |  |"
    assert plain.line({"name": "c"}) == "| c |  |"


def test_rows_are_shown_and_written_as_they_come(tmp_path, capsys):
    path = tmp_path / "rows.json"

    def rows():
        yield {"name": "a"}
        assert json.loads(path.read_text())["rows"] == [{"name": "a"}]
        yield {"name": "b"}

    pages.show(pages.Table("name", "{name}"), rows(), path, {"size": 3})
    report = json.loads(path.read_text())
    assert (report["size"], report["rows"]) == (3, [{"name": "a"}, {"name": "b"}])
    assert "jax" in report["versions"]
    assert capsys.readouterr().out == f"| name |\n|---|\n| a |\n| b |\nwrote {path}\n"


def test_works_are_timed_by_turns():
    order = []
    works = {name: lambda name=name: order.append(name) for name in "ab"}
    times = measuring.by_turns(works, 2)
    assert order == ["a", "b", "a", "b"]
    assert all(len(values) == 2 and min(values) >= 0 for values in times.values())
