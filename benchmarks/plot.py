# SPDX-License-Identifier: Apache-2.0
"""Lines on logarithmic scales, as SVG that changes with its figures only."""

import pathlib
from collections.abc import Sequence
from typing import NamedTuple

import matplotlib
from matplotlib import figure
from matplotlib import ticker

Lines = dict[str, list[tuple[float, float]]]

# Told apart by those who see few colours, and in grey by the markers.
_STYLES = (
    {'color': '#d55e00', 'marker': 's'},
    {'color': '#0072b2', 'marker': 'o'},
    {'color': '#009e73', 'marker': 'D'},
)


class Panel(NamedTuple):
    """One of the diagrams beside one another."""

    title: str
    x_label: str
    lines: Lines


def draw(panels: Sequence[Panel], y_label: str, path: pathlib.Path) -> None:
    """Write a picture of all panels on one y axis."""
    settings = {
        # Otherwise random, as the letters would be outlines.
        'svg.hashsalt': 'hypervisor-affinity',
        'svg.fonttype': 'none',
        'font.size': 9,
        'axes.titlesize': 9,
    }
    with matplotlib.rc_context(settings):
        picture = figure.Figure(figsize=(9, 3.6), layout='constrained')
        axes = picture.subplots(1, len(panels), sharey=True, squeeze=False)[0]
        for axis, panel in zip(axes, panels, strict=True):
            _fill(axis, panel)
        axes[0].set_ylabel(y_label)
        picture.legend(
            *axes[0].get_legend_handles_labels(),
            loc='outside upper center',
            ncols=len(panels[0].lines),
            frameon=False,
        )
        picture.savefig(
            path, format='svg', metadata={'Date': None, 'Creator': None}
        )


def _fill(axis, panel: Panel) -> None:
    for style, (name, points) in zip(
        _STYLES, panel.lines.items(), strict=True
    ):
        axis.plot(*zip(*points, strict=True), label=name, **style)
    axis.set(title=panel.title, xlabel=panel.x_label)
    for scale in (axis.set_xscale, axis.set_yscale):
        scale('log')
    plain = ticker.FuncFormatter(lambda value, _: f'{value:,.0f}')
    axis.xaxis.set_major_formatter(plain)
    axis.yaxis.set_major_formatter(plain)
    axis.xaxis.set_minor_locator(ticker.NullLocator())
    axis.grid(color='#dddddd', linewidth=0.6)
