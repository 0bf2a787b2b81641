"""Figures of the run report: plain numbers in, a figure out; the same numbers give the same SVG.

Draw inside ``matplotlib.rc_context(STYLE)``.
"""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

BLUE, ORANGE, GREEN, PURPLE, GREY = "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#767676"
LAYERS = {"bronze": ORANGE, "silver": GREY, "gold": BLUE}
WIDTH_IN = 8.0
STYLE: dict[Any, Any] = {
    "font.size": 9,
    "font.family": ["DejaVu Sans"],
    "svg.fonttype": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e3e3e3",
    "legend.frameon": False,
}
Interval = tuple[float, float, float]
"""Mean, low and high end."""


def to_svg(figure: Figure, name: str) -> str:
    """The figure as SVG text; ``name`` keeps ids apart and fixed, and no date is written."""
    buffer = io.StringIO()
    with mpl.rc_context({**STYLE, "svg.hashsalt": name}):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()


def _axes(num_rows: int, columns: int = 1) -> tuple[Figure, Sequence[Axes]]:
    figure = Figure(figsize=(WIDTH_IN, 0.8 + 0.26 * max(num_rows, 3)), layout="constrained")
    return figure, list(figure.subplots(1, columns, squeeze=False)[0])


def _horizontal(axes: Axes, labels: Sequence[str], unit: str) -> None:
    axes.set_yticks(range(len(labels)), labels)
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.set_xlabel(unit)


def rows_per_table(rows: Mapping[str, int]) -> Figure:
    """Rows of each table on a log scale, coloured by layer."""
    figure, (axes,) = _axes(len(rows))
    counts = list(rows.values())
    axes.barh(range(len(rows)), counts, color=[LAYERS.get(name.split(".")[0], GREY) for name in rows])
    # symlog has room for a table with no rows, and the right limit leaves room for the numbers.
    axes.set_xscale("symlog", linthresh=1)
    axes.set_xlim(0, 10 * max([*counts, 10]))
    for place, count in enumerate(counts):
        axes.text(max(count, 0.1) * 1.15, place, f"{count:,}", va="center", fontsize=8)
    _horizontal(axes, list(rows), "rows written, log scale")
    axes.legend(handles=[mpl.patches.Patch(color=color, label=name) for name, color in LAYERS.items()], fontsize=8)
    return figure


def seconds_per_stage(seconds: Mapping[str, tuple[float, float]]) -> Figure:
    """Seconds of each stage as start-up and work, stacked."""
    figure, (axes,) = _axes(len(seconds))
    left = [0.0] * len(seconds)
    for part, (label, color) in enumerate((("start-up", GREY), ("work", BLUE))):
        values = [parts[part] for parts in seconds.values()]
        axes.barh(range(len(seconds)), values, left=left, color=color, label=label)
        left = [start + value for start, value in zip(left, values, strict=True)]
    for place, total in enumerate(left):
        axes.text(total, place, f" {total:.1f}", va="center", fontsize=8)
    axes.margins(x=0.1)
    _horizontal(axes, list(seconds), "seconds")
    axes.legend(fontsize=8)
    return figure


def funnel(per_user: Mapping[str, float]) -> Figure:
    """Mean items per user at each step, on a log scale."""
    figure, (axes,) = _axes(len(per_user))
    values = list(per_user.values())
    axes.barh(range(len(values)), values, color=BLUE)
    axes.set_xscale("symlog", linthresh=1)
    axes.set_xlim(0, 4 * max([*values, 1.0]))
    for place, value in enumerate(values):
        axes.text(max(value, 0.1) * 1.1, place, f"{value:,.1f}", va="center", fontsize=8)
    _horizontal(axes, list(per_user), "items per user, mean, log scale")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    return figure


def ranking_quality(
    metrics: Mapping[str, Mapping[str, Interval]], differences: Mapping[str, Mapping[str, Interval]]
) -> Figure:
    """Left: each ranking's metrics with intervals. Right: differences with intervals against zero."""
    labels = [f"{metric}\n{pair}" for metric, pairs in differences.items() for pair in pairs]
    rankings = list(dict.fromkeys(name for values in metrics.values() for name in values))
    figure, (left, right) = _axes(max(len(metrics) * len(rankings), 2 * len(labels)), columns=2)
    colors = (BLUE, ORANGE, GREEN, PURPLE, GREY)
    step = 0.7 / max(len(rankings), 1)
    for position, name in enumerate(rankings):
        shown = [(place, values[name]) for place, values in enumerate(metrics.values()) if name in values]
        heights = [place + (position - (len(rankings) - 1) / 2) * step for place, _ in shown]
        _intervals(left, heights, [interval for _, interval in shown], colors[position % len(colors)], name)
    _horizontal(left, list(metrics), "mean over users, 95 % interval")
    left.legend(fontsize=8, loc="lower center", bbox_to_anchor=(0.5, 1), ncols=3)
    flat = [interval for pairs in differences.values() for interval in pairs.values()]
    _intervals(right, list(range(len(flat))), flat, BLUE, "")
    right.axvline(0, color="black", linewidth=0.8)
    _horizontal(right, labels, "difference, 95 % interval")
    return figure


def _intervals(axes: Axes, heights: Sequence[float], intervals: Sequence[Interval], color: str, label: str) -> None:
    means = [mean for mean, _, _ in intervals]
    # A bootstrap interval may miss its mean by rounding; matplotlib refuses negative lengths.
    errors = [[max(mean - low, 0) for mean, low, _ in intervals], [max(high - mean, 0) for mean, _, high in intervals]]
    axes.errorbar(means, heights, xerr=errors, fmt="o", color=color, label=label, markersize=4, capsize=2)


def calibration(curves: Mapping[str, Sequence[tuple[float, float, float]]]) -> Figure:
    """Per head: predicted against observed rate, point area by number of examples, the diagonal as ideal."""
    columns = min(len(curves), 3)
    lines = -(-len(curves) // max(columns, 1))
    figure = Figure(figsize=(WIDTH_IN, 2.7 * lines), layout="constrained")
    grid = figure.subplots(lines, columns, squeeze=False)
    for axes in grid.flat[len(curves) :]:
        axes.set_visible(False)
    for axes, (head, points) in zip(grid.flat, curves.items(), strict=False):
        predicted, observed, counts = ([point[i] for point in points] for i in range(3))
        top = max([*predicted, *observed, 1e-6]) * 1.1
        axes.plot([0, top], [0, top], color=GREY, linewidth=0.8)
        areas = [10 + 90 * count / max([*counts, 1]) for count in counts]
        axes.scatter(predicted, observed, s=areas, color=BLUE, alpha=0.7)
        axes.set(title=head, xlabel="predicted", ylabel="observed", xlim=(0, top), ylim=(0, top))
        axes.locator_params(nbins=4)
    return figure


def bytes_per_user(kinds: Mapping[str, float]) -> Figure:
    """Bytes in Redis per user, by what they hold, stacked in one bar."""
    figure, (axes,) = _axes(2)
    start = 0.0
    for (kind, value), color in zip(kinds.items(), (BLUE, ORANGE, GREEN, PURPLE, GREY), strict=False):
        axes.barh([0], [value], left=[start], color=color, label=f"{kind} {value:,.0f}", height=0.5)
        start += value
    axes.set_ylim(-1, 0.6)
    axes.set_yticks([])
    axes.set_xlabel("bytes per user")
    axes.legend(ncols=3, fontsize=8, loc="lower left")
    return figure
