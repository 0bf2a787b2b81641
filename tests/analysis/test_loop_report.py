import base64
import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from analysis.loop_report import main, read_days, render

RATES = {"ranked": 0.16, "chronological": 0.11, "random": 0.08, "best": 0.24}


def day(number: int) -> dict[str, Any]:
    response = {
        "num_impressions": 9000 + number,
        "engagement_rate": 0.15 + number / 100,
        "num_hides": 45 * number,
        "true_rate": RATES,
        "by_place": {name: [rate, rate / 2] for name, rate in RATES.items()},
    }
    return {
        "day": f"2026-03-{8 + number:02}",
        "epoch": 1 + number,
        "ndcg": {"ranker": 0.5 + number / 100, "chronological": 0.4, "popularity": 0.3},
        "response": response if number else None,
        "seconds": 140.0,
    }


def write(runs: Path, days: list[dict[str, Any]]) -> None:
    for figures in days:
        (runs / figures["day"]).mkdir(parents=True)
        (runs / figures["day"] / "loop.json").write_text(json.dumps(figures))


def texts_of(page: str) -> list[str]:
    """Texts of the page's figures, which are drawn as text."""
    found = re.findall(r"data:image/svg\+xml;base64,([A-Za-z0-9+/=]+)", page)
    svgs = [ET.fromstring(base64.b64decode(image)) for image in found]  # noqa: S314 - we drew it
    return [text for svg in svgs for text in svg.itertext() if text.strip()]


def test_the_page_shows_every_day_and_order(tmp_path: Path) -> None:
    write(tmp_path, [day(number) for number in (2, 0, 1)])
    assert main(["--runs", str(tmp_path), "--to", str(tmp_path / "loop.html")]) == 0
    page = (tmp_path / "loop.html").read_text()
    assert re.findall(r"<td>(2026-03-\d\d)</td>", page) == ["2026-03-08", "2026-03-09", "2026-03-10"]
    assert "9,002" in page
    assert "17.00 %" in page
    assert "<td>+45 %</td><td>1.00 %</td>" in page
    drawn = texts_of(page)
    for name in ("ranked, as served", "newest first", "at random", "best possible", "03-10", "NDCG@10, held-out day"):
        assert name in drawn
    assert render(read_days(tmp_path)) == page


def test_before_the_first_response_there_is_a_ranking_alone(tmp_path: Path) -> None:
    write(tmp_path, [day(0)])
    page = render(read_days(tmp_path))
    assert "history: delivered in random order" in page
    assert "ranked, as served" not in texts_of(page)


def test_without_a_day_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--runs", str(tmp_path), "--to", str(tmp_path / "loop.html")])
    assert "no day of the loop is done" in capsys.readouterr().err
