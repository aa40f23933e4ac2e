"""How far chosen weights are from the best."""

import pytest

from experiments import chosen_weights


def run_of(method, settings, image, psnr):
    place = {"degradation": "mri:4", "image": image, "key": "0"}
    return place | {"method": method, "settings": settings, "psnr": str(psnr)}


def test_leads_are_over_the_best_weight_of_the_same_problem():
    runs = [
        *(run_of("drp-dip", '{"w": 0.1}', image, psnr) for image, psnr in (("a", 30), ("b", 20))),
        *(run_of("drp-dip", '{"w": 1.0}', image, psnr) for image, psnr in (("a", 28), ("b", 24))),
        *(run_of("drp-pnp", '{"w": 0.1}', image, psnr) for image, psnr in (("a", 31), ("b", 26))),
        *(run_of("drp-pnp", "{}", image, psnr) for image, psnr in (("a", 31), ("b", 23.75))),
        *(run_of("drp-dip", "{}", image, psnr) for image, psnr in (("a", 29.8), ("b", 22))),
    ]
    rows = {(row["method"], row["compared"]): row for row in chosen_weights.chosen(runs)}
    both = ("drp-dip", "drp-pnp")
    assert list(rows) == [(one, other) for one in both for other in both]
    alone, refined = rows["drp-dip", "drp-dip"], rows["drp-pnp", "drp-dip"]
    assert (alone["runs"], alone["good"]) == (2, 1)
    assert (alone["mean"], alone["worst"]) == pytest.approx((-1.1, -2.0))
    assert refined["good"] == 2
    assert (refined["mean"], refined["worst"]) == pytest.approx((0.375, -0.25))
    own = rows["drp-pnp", "drp-pnp"]
    assert own["good"] == 1
    assert (own["mean"], own["worst"]) == pytest.approx((-1.125, -2.25))


def test_the_table_is_written(tmp_path, monkeypatch, capsys):
    runs = tmp_path / "runs.csv"
    runs.write_text(
        "degradation,image,key,method,settings,psnr\n"
        'mri:4,a,0,drp-dip,"{""w"": 1}",30\nmri:4,a,0,drp-pnp,{},29\n'
    )
    monkeypatch.setattr(chosen_weights, "RUNS", runs)
    monkeypatch.setattr(chosen_weights, "PAGE", tmp_path / "chosen.md")
    assert chosen_weights.main() == 0
    row = "| drp-pnp | drp-dip | 1 | 0 | -1.00 dB | -1.00 dB |"
    assert row in (tmp_path / "chosen.md").read_text()
    assert row in capsys.readouterr().out
