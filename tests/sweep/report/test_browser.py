"""The page of a report in a real browser: headless Chromium, if there is one on the machine."""

import re

import numpy as np
import pytest
from browser import NEEDS_BROWSER, launched
from playwright.sync_api import sync_playwright
from written_sweep import add_rows, make_row, write_sweep

from drp_jax.sweep.report import differences, read_results, summarize, write_page

MINUS = "\N{MINUS SIGN}"
pytestmark = [pytest.mark.slow, NEEDS_BROWSER]


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """The page's folder and its tables."""
    folder = tmp_path_factory.mktemp("browser")
    write_sweep(folder / "results")
    (folder / "results/images/run16.npz").unlink()
    dropped = {"settings": '{"width": 8, "weight": 9.0}', "status": "dropped", "psnr": 12.0}
    add_rows(folder / "results", [make_row("early", method="network", preset="fast", **dropped)])
    results = read_results(folder / "results")
    tables = summarize(results)
    write_page(results, tables, folder / "report")
    return folder / "report", tables


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        browser = launched(playwright)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser, report):
    """Opens the page; at the end nothing may have been complained of or fetched."""
    opened, complaints, requests = [], [], []

    def open_one():
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(20_000)
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.goto((report[0] / "index.html").as_uri())
        opened.append(page)
        return page

    yield open_one
    for page in opened:
        page.close()
    assert complaints == []
    assert all(re.match("file:|data:", one) for one in requests)


def column(table, index):
    return table.locator(f"tbody tr td:nth-child({index})").all_inner_texts()


def means(texts):
    return [float(text.split()[0].replace(MINUS, "-")) for text in texts]


def test_the_slider_moves_the_divider(open_page):
    page = open_page()
    over = page.locator(".layer").nth(1)
    slider = page.get_by_label("Divider between the two pictures")
    assert over.evaluate("one => one.style.clipPath") == "inset(0px 0px 0px 50%)"
    slider.focus()
    page.keyboard.press("Home")
    assert over.evaluate("one => one.style.clipPath") == "inset(0px 0px 0px 0%)"
    stage = page.locator(".stage")
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    page.mouse.move(box["x"] + 5, box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.75 * box["width"], box["y"] + 50)
    page.mouse.up()
    clip = over.evaluate("one => one.style.clipPath")
    assert abs(float(re.search(r"([\d.]+)%", clip)[1]) - 75) < 0.5
    assert abs(float(slider.input_value()) - 75) < 1


def test_a_zoomed_picture_is_moved_and_the_divider_stays(open_page):
    page = open_page()
    page.get_by_label("Zoom").select_option("4")
    moved = "() => [...document.querySelectorAll('.layer img')].map(one => one.style.transform)"
    both = page.evaluate(moved)
    assert both[0] == both[1]
    assert "scale(4)" in both[0]
    stage = page.locator(".stage")
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    page.mouse.move(box["x"] + 20, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + 60, box["y"] + 40)
    page.mouse.up()
    assert page.evaluate(moved) != both
    assert "50%" in page.locator(".layer").nth(1).evaluate("one => one.style.clipPath")


def test_a_table_is_sorted(open_page):
    page = open_page()
    table = page.get_by_role("table", name="gaussian:25")
    heading = table.get_by_role("columnheader", name="PSNR (dB)")
    heading.get_by_role("button").click()
    falling = means(column(table, 3))
    assert heading.get_attribute("aria-sort") == "descending"
    assert falling == sorted(falling, reverse=True)
    heading.get_by_role("button").click()
    assert heading.get_attribute("aria-sort") == "ascending"
    assert means(column(table, 3)) == sorted(falling)
    distance = table.get_by_role("columnheader", name="worst ↓", exact=True)
    distance.get_by_role("button").click()  # less is better
    assert distance.get_attribute("aria-sort") == "ascending"
    assert means(column(table, 7)) == sorted(means(column(table, 7)))
    assert table.locator("tbody tr").first.locator("td.best").last.inner_text().startswith("0.0")
    table.get_by_role("columnheader", name="Method").get_by_role("button").click()
    assert [text.split()[0] for text in column(table, 2)] == ["filter", *["network"] * 3]
    weights = [re.search(r"weight ([\d.]+)", text) for text in column(table, 2)]
    assert [match[1] for match in weights[1:]] == ["0.01", "0.1", "1"]


def test_the_numbers_are_those_of_the_summary_whatever_is_compared_with(open_page, report):
    page = open_page()
    for summary in report[1]:
        table = page.get_by_role("table", name=summary.degradation)
        groups = summary.groups
        for index, baseline in enumerate([summary.baseline, groups[2]]):
            if index:
                table.get_by_role("radio").nth(2).check()
            for place, group in enumerate(groups):
                cells = table.locator("tbody tr").nth(place).locator("td").all_inner_texts()
                mean, *below = cells[2].splitlines()
                score = group.score("psnr")
                assert mean == f"{score.mean:.2f} ± {score.error:.2f}"
                if group is baseline:
                    assert below == []
                    continue
                found = differences(group, baseline, "psnr")
                (difference,) = below
                words = difference.removeprefix("Δ ").replace(MINUS, "-").split(" ± ")
                numbers = [float(one) for one in words]
                np.testing.assert_allclose(numbers, [found.mean, found.error], atol=0.0051)
                assert f"{found.wins} of {found.count}" in cells


def test_pictures_load_as_they_are_chosen(open_page):
    page = open_page()
    tiles = page.locator("#candidates button")
    assert tiles.count() == 2 + 4
    tiles.last.click()
    assert tiles.last.get_attribute("aria-pressed") == "true"
    chosen = tiles.last.locator("strong").inner_text()
    assert page.locator("#viewer .run strong").inner_text() == chosen
    page.get_by_label("Left of the divider").select_option("reference")
    page.get_by_label("Key").select_option("1")
    page.get_by_label("Image", exact=True).select_option("image <10>")
    assert page.locator(".stage .name.left").inner_text() == "reference"
    assert page.locator("#viewer .run strong").inner_text() == chosen  # the same method
    page.get_by_label("Method", exact=True).select_option("filter")
    assert tiles.count() == 2 + 1
    tiles.last.scroll_into_view_if_needed()
    page.locator(".map").last.scroll_into_view_if_needed()
    page.wait_for_function(
        "() => [...document.querySelectorAll('#pictures img')].every(one => one.naturalWidth > 0)"
    )
    assert page.locator("#pictures img").count() == 3 + 2 + 2  # tiles, the two, and the maps
    assert page.get_by_text("Highest at iteration 30").is_visible()
    assert page.get_by_text("image from 30").count() == 2


def test_a_run_without_files_is_shown_without_pictures(open_page):
    page = open_page()
    assert page.get_by_text("1 run without pictures: the image files cannot be read.").is_visible()
    page.get_by_label("Image", exact=True).select_option("image <10>")
    page.get_by_label("Key").select_option("1")
    page.locator("#picture-controls select").first.select_option("gaussian:25")
    page.locator("#candidates button", has_text="no picture").click()
    assert page.get_by_text("This run has no pictures").is_visible()


def test_charts_follow_their_choices(open_page):
    page = open_page()
    assert page.locator("#time-chart .point").count() >= 4
    chart = page.locator("#sensitivity-chart")
    assert chart.locator("svg[role=img] .point").count() == 3
    assert "weight, log scale" in chart.inner_text()
    assert "best at 0.1" in page.locator("#sensitivity-findings").inner_text()
    page.locator("#sensitivity-controls").get_by_label("Degradation").select_option("all")
    assert chart.locator("svg[role=img] .point").count() == 6
    page.locator("#sensitivity-controls").get_by_label("Score").select_option("worst")
    # Of a distance the least is best.
    assert "best at 0.01" in page.locator("#sensitivity-findings").inner_text()


def test_a_method_has_one_colour_in_all_charts(open_page):
    page = open_page()
    colour = "one => getComputedStyle(one).fill"
    of_name = {
        item.inner_text(): item.locator("path").evaluate(colour)
        for item in page.locator("#time-chart .legend li").all()
    }
    assert len(set(of_name.values())) == len(of_name) == 2
    sensitivity = page.locator("#sensitivity-chart .legend li")
    assert "network fast" in sensitivity.first.inner_text()
    assert sensitivity.first.locator("path").evaluate(colour) == of_name["network fast"]
    for name, expected in of_name.items():
        page.get_by_label("Method", exact=True).select_option(name)
        page.locator("#candidates button").last.click()
        line = page.locator("#viewer .curve .line").first
        assert line.evaluate("one => getComputedStyle(one).stroke") == expected


def test_failed_and_dropped_runs_are_listed(open_page):
    page = open_page()
    reasons = page.locator("#failures tbody td:last-child").all_inner_texts()
    assert reasons == ["ValueError: </script> & 50% of it"]
    dropped = page.locator("#dropped tbody tr").all_inner_texts()
    assert len(dropped) == 1
    assert re.search(r"network fast.*weight 9.*gaussian:25\s+12\.00", dropped[0], re.DOTALL)
    assert "abc123+" in page.locator("#environments").inner_text()


def test_nothing_is_wider_than_the_window(open_page):
    page = open_page()
    page.get_by_label("Image", exact=True).select_option("image <10>")
    for width, room in ((1280, 1200), (400, 376)):
        page.set_viewport_size({"width": width, "height": 900})
        chart = "document.querySelector('#time-chart svg').clientWidth"
        page.wait_for_function(f"() => Math.abs({chart} - {room}) < 20")  # drawn anew
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        tables = page.locator("#tables .table")
        for place in range(tables.count()):
            table = tables.nth(place)
            wide = "one => one.scrollWidth - one.clientWidth > 2"
            is_cut = table.locator(".scroller").evaluate(wide)
            assert is_cut == (width == 400)  # three metrics have room on a screen
            assert table.locator(".hint").is_visible() == is_cut
        assert page.locator(".stage").bounding_box()["width"] > 300


def test_a_sweep_without_results_or_scores(browser, tmp_path):
    failed = {"status": "failed", "error": "no such film"}
    none = {"psnr": None, "ssim": None, "scores": "{}", "seconds": None, "iterations": None}
    complaints = []
    page = browser.new_page()
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    for name, other, shown in (
        ("failed", none | failed, ["Failed runs", "Environment"]),
        ("none", none, ["Scores", "Sensitivity", "Pictures", "Environment"]),
    ):
        add_rows(tmp_path / name, [make_row(1, **other)])
        results = read_results(tmp_path / name)
        write_page(results, summarize(results), tmp_path / f"page {name}")
        page.goto((tmp_path / f"page {name}" / "index.html").as_uri())
        links = [one for one in page.locator("nav a").all() if one.is_visible()]
        assert [one.inner_text() for one in links] == shown
    page.close()
    assert complaints == []


def test_light_and_dark(open_page):
    page = open_page()
    colours = "() => ['color', 'backgroundColor'].map(one => getComputedStyle(document.body)[one])"
    for scheme, is_dark in (("light", False), ("dark", True)):
        page.emulate_media(color_scheme=scheme)
        text, ground = (int(re.search(r"\d+", one)[0]) for one in page.evaluate(colours))
        assert (text > ground) == is_dark
        assert abs(text - ground) > 150
