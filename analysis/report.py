"""The run report: one self-contained HTML page about one night, from the JSON files of its stages.

``python -m analysis.report --runs DIR --ds 2026-03-08`` writes ``<runs>/<ds>/report.html``. A section whose input is
missing says which file it needs and which stage writes it.
"""

import argparse
import base64
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import matplotlib as mpl
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from matplotlib.figure import Figure

from analysis import report_figures as figures
from analysis import report_numbers as numbers
from contracts.folders import Folder
from contracts.places import Location
from contracts.run_files import RunFiles
from storage import open_folder
from storage.check import add_place, check_options

TEMPLATE = "report.html.j2"
NOTHING = "n/a"


def render(run_folder: Folder | Location) -> str:
    """The report of the night in ``run_folder`` as HTML; the same files give the same text."""
    run = numbers.read_run(run_folder)
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters |= {"number": format_number, "count": format_count, "seconds": format_seconds}
    timings = numbers.stage_seconds(run)
    return environment.get_template(TEMPLATE).render(
        run=run,
        verdict=numbers.describe(run),
        broken=numbers.broken_rules(run),
        timings=timings,
        total_seconds=sum(sum(parts) for parts in timings.values()),
        bytes_per_user=numbers.redis_bytes_per_user(run.publish),
        figures={name: embed(figure, name) for name, figure in draw(run).items()},
        missing=run.problems,
    )


@mpl.rc_context(figures.STYLE)
def draw(run: numbers.Run) -> dict[str, Figure]:
    """Every figure for which the night has numbers, by name."""
    charts: dict[str, Figure] = {}
    if rows := numbers.table_rows(run):
        charts["rows"] = figures.rows_per_table(rows)
    if timings := numbers.stage_seconds(run):
        charts["seconds"] = figures.seconds_per_stage(timings)
    if steps := numbers.funnel_per_user(run):
        charts["funnel"] = figures.funnel(steps)
    if metrics := numbers.intervals(run.metrics.get("metrics", {})):
        differences = numbers.intervals(run.metrics.get("differences", {}))
        charts["quality"] = figures.ranking_quality(metrics, differences)
    curves = {head: points for head, points in run.metrics.get("calibration", {}).items() if points}
    if curves:
        charts["calibration"] = figures.calibration(curves)
    if kinds := numbers.redis_bytes_per_user(run.publish):
        charts["bytes"] = figures.bytes_per_user(kinds)
    return charts


def embed(figure: Figure, name: str) -> str:
    """The figure as a data URI: it needs no other file, and its ids and styles stay out of the page."""
    svg = figures.to_svg(figure, name)
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()


def format_number(value: Any) -> str:
    """A number as text: counts with separators, others with four significant digits, null as n/a."""
    if value is None:
        return NOTHING
    if isinstance(value, bool | str):
        return str(value)
    if isinstance(value, int) or float(value).is_integer():
        return format_count(value)
    return f"{value:,.4g}" if abs(value) < 10_000 else f"{value:,.0f}"  # noqa: PLR2004 - beyond it digits are noise


def format_count(value: float | None) -> str:
    """A whole number with separators."""
    return NOTHING if value is None else f"{value:,.0f}"


def format_seconds(value: float | None) -> str:
    """A duration in seconds, or minutes and seconds from two minutes on."""
    if value is None:
        return NOTHING
    return f"{value:,.1f} s" if value < 120 else f"{value // 60:,.0f} min {value % 60:.0f} s"  # noqa: PLR2004


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; returns the exit code, 1 where the night has no folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_place(parser, "runs", "folder with one folder per night")
    parser.add_argument("--ds", type=date.fromisoformat, required=True, help="the night's day, YYYY-MM-DD")
    add_place(parser, "reports", "where to write down, by run, where its report lies", is_needed=False)
    parser.add_argument("--run", help="the run's id, for --reports")
    options = parser.parse_args(arguments)
    check_options(parser, options, "runs", "reports")
    folder = open_folder(options.runs).below(options.ds.isoformat())
    if not folder.files():
        print(f"report: {folder.place} does not exist: no stage of this night has run with --runs {options.runs}")
        return 1
    files = RunFiles(folder)
    files.write_report(render(folder))
    if options.reports and options.run:
        open_folder(options.reports).write(options.run, files.report.encode())
    print(f"report: {files.report}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
