"""The page of the loop: engagement and ranking quality of each day of serving and learning.

``python -m analysis.loop_report --runs DIR --to FILE`` shows every finished day of the loop under ``runs``.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from analysis.report import embed
from analysis.report_figures import BLUE, GREEN, GREY, ORANGE, PURPLE, STYLE, WIDTH_IN
from contracts.run_files import nights

TEMPLATE = "loop_report.html.j2"
ORDERS = {
    "ranked": ("ranked, as served", BLUE),
    "chronological": ("newest first", ORANGE),
    "random": ("at random", GREY),
    "best": ("best possible", GREEN),
}
RANKERS = {"ranker": BLUE, "chronological": ORANGE, "popularity": PURPLE}


def read_days(runs: Path) -> list[dict[str, Any]]:
    """Figures of every finished day, oldest first; raises ``ValueError`` if there is none."""
    days = [night.loop.read() for night in nights(runs) if night.loop.exists()]
    if not days:
        raise ValueError(f"{runs} has no figures of a day: no day of the loop is done")
    return days


def engagement(days: Sequence[dict[str, Any]]) -> Figure:
    """Likes, comments and shares per impression: as observed, and the true probability of each order."""
    responded = [day for day in days if day["response"] is not None]
    figure, axes = _axes(responded)
    for name, (label, color) in ORDERS.items():
        axes.plot([day["response"]["true_rate"][name] for day in responded], marker="o", color=color, label=label)
    happened = [day["response"]["engagement_rate"] for day in responded]
    axes.plot(happened, "x", color="black", label="what happened")
    axes.set_ylabel("likes + comments + shares per impression")
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set_ylim(bottom=0)
    axes.legend(fontsize=8, ncols=5, loc="lower center", bbox_to_anchor=(0.5, 1))
    return figure


def ranking(days: Sequence[dict[str, Any]]) -> Figure:
    """NDCG@10 on the held-out day of each night."""
    figure, axes = _axes(days)
    for name, color in RANKERS.items():
        axes.plot([day["ndcg"].get(name, float("nan")) for day in days], marker="o", color=color, label=name)
    axes.set_ylabel("NDCG@10, held-out day")
    axes.legend(fontsize=8, ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1))
    return figure


def by_place(day: dict[str, Any]) -> Figure:
    """Probability of an engagement, if examined, at each place of a session, for each order."""
    figure = Figure(figsize=(WIDTH_IN, 3.0), layout="constrained")
    axes = figure.subplots()
    for name, (label, color) in ORDERS.items():
        chances = day["response"]["by_place"][name]
        axes.plot(range(1, len(chances) + 1), chances, marker="o", color=color, label=label)
    axes.set(xlabel="post of the session, ads left out", ylabel="true engagement, once examined")
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set_ylim(bottom=0)
    axes.legend(fontsize=8, ncols=4, loc="lower center", bbox_to_anchor=(0.5, 1))
    return figure


def _axes(days: Sequence[dict[str, Any]]) -> tuple[Figure, Any]:
    figure = Figure(figsize=(WIDTH_IN, 3.0), layout="constrained")
    axes = figure.subplots()
    axes.set_xticks(range(len(days)), [day["day"][5:] for day in days])
    return figure, axes


@mpl.rc_context(STYLE)
def draw(days: Sequence[dict[str, Any]]) -> dict[str, Figure]:
    """Every figure by name; days before the first response have a ranking figure only."""
    figures = {"ranking": ranking(days)}
    if days[-1]["response"] is not None:
        figures |= {"engagement": engagement(days), "by_place": by_place(days[-1])}
    return figures


def render(days: Sequence[dict[str, Any]]) -> str:
    """The page as HTML; the same figures give the same text."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    images = {name: embed(figure, f"loop-{name}") for name, figure in draw(days).items()}
    return environment.get_template(TEMPLATE).render(days=days, figures=images)


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=Path, required=True, help="folder of the nights")
    parser.add_argument("--to", type=Path, required=True, help="the HTML file to write")
    options = parser.parse_args(arguments)
    try:
        page = render(read_days(options.runs))
    except ValueError as error:
        parser.error(str(error))
    options.to.write_text(page)
    return 0


if __name__ == "__main__":
    sys.exit(main())
