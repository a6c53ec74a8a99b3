# SPDX-License-Identifier: Apache-2.0
"""A picture of what came of a scenario, by matplotlib.

The same figures give the same SVG, byte for byte.
"""

import collections
import importlib.util
import io
import pathlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hypervisor_affinity import writing
from hypervisor_affinity.core.printable import printable
from hypervisor_affinity.simulation.outcome import Run
from hypervisor_affinity.simulation.outcome import Usage

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SUFFIXES = ('.svg', '.png', '.pdf')

# Told apart by those who see few colours, and in grey by the dashes.
_STYLES = (
    {'color': '#0072b2', 'linestyle': '-'},
    {'color': '#d55e00', 'linestyle': '--'},
    {'color': '#009e73', 'linestyle': '-.'},
    {'color': '#cc79a7', 'linestyle': ':'},
)
_REFUSED = {'color': '#555555', 'linestyle': (0, (1, 1)), 'linewidth': 1}


def has_matplotlib() -> bool:
    """Tell whether matplotlib is installed where this runs."""
    return importlib.util.find_spec('matplotlib') is not None


def draw(title: str, runs: Sequence[Run], path: pathlib.Path) -> None:
    """Write a picture: servers and memory over requests, by scheduler.

    :param path: with one of ``SUFFIXES``, or standard output, for SVG
    :raises OSError: if the file cannot be written; ``strerror`` says why
    """
    import matplotlib
    from matplotlib import figure

    styles = _styles(runs)
    with matplotlib.rc_context(
        {
            # Otherwise random, as the letters would be outlines.
            'svg.hashsalt': 'hypervisor-affinity',
            'svg.fonttype': 'none',
            # Whoever names a step or an image writes no formulas.
            'text.parse_math': False,
            'font.size': 9,
            'axes.titlesize': 9,
        }
    ):
        picture = figure.Figure(
            figsize=(1.5 + 3.75 * len(runs), 5.5), layout='constrained'
        )
        axes = picture.subplots(
            2, len(runs), sharex='col', sharey='row', squeeze=False
        )
        for run, (servers, memory) in zip(runs, axes.transpose(), strict=True):
            servers.set_title(printable(run.scheduler))
            _fill_servers(servers, run, styles)
            _fill_memory(memory, run, styles)
            memory.set_xlabel('requests so far')
        axes[0][0].set_ylabel('servers')
        axes[1][0].set_ylabel('memory in use (%)')
        picture.suptitle(printable(title), fontsize=10)
        picture.legend(
            *axes[0][0].get_legend_handles_labels(),
            loc='outside lower center',
            ncols=len(styles) + 1,
            frameon=False,
        )
        drawn = _encoded(picture, path.suffix or SUFFIXES[0])
    # It is for showing: who may read it is what the umask says.
    with writing.replacing(path, 0o666) as file:
        file.write(drawn)


def _styles(runs: Sequence[Run]) -> dict[str, dict[str, str]]:
    """Return how the line of each hypervisor looks."""
    names = {usage.hypervisor for run in runs for usage in run.usage}
    return {
        name: _STYLES[number % len(_STYLES)]
        for number, name in enumerate(sorted(names))
    }


def _encoded(picture: 'Figure', suffix: str) -> bytes:
    metadata = {'Date': None, 'Creator': None}
    drawn = io.BytesIO()
    picture.savefig(
        drawn,
        format=suffix.removeprefix('.'),
        metadata=metadata if suffix == '.svg' else None,
    )
    return drawn.getvalue()


def _fill_servers(axis: Any, run: Run, styles: dict[str, dict]) -> None:
    for name, points in _by_hypervisor(run).items():
        axis.plot(
            [usage.done for usage in points],
            [usage.servers for usage in points],
            label=printable(name),
            **styles[name],
        )
    refused = [number for number, o in enumerate(run.outcomes, 1) if o.refusal]
    axis.plot(
        [0, *refused, len(run.outcomes)],
        [*range(len(refused) + 1), len(refused)],
        drawstyle='steps-post',
        label='refused so far',
        **_REFUSED,
    )
    for done, steps in _mark_steps(axis, run).items():
        axis.annotate(
            '\n'.join(map(printable, steps)),
            (done, 0.98),
            xycoords=('data', 'axes fraction'),
            rotation=90,
            ha='right',
            va='top',
            fontsize=7,
            color='#555555',
        )


def _fill_memory(axis: Any, run: Run, styles: dict[str, dict]) -> None:
    for name, points in _by_hypervisor(run).items():
        axis.plot(
            [usage.done for usage in points],
            [
                100 * usage.memory_mb / usage.memory_mb_limit
                if usage.memory_mb_limit
                else 0
                for usage in points
            ],
            **styles[name],
        )
    axis.set_ylim(bottom=0)
    _mark_steps(axis, run)


def _mark_steps(axis: Any, run: Run) -> dict[int, list[str]]:
    """Draw lines where steps end; return the steps that end there."""
    axis.grid(color='#dddddd', linewidth=0.6)
    ends: dict[int, list[str]] = collections.defaultdict(list)
    for usage in run.usage:
        if usage.ends_step and usage.step not in ends[usage.done]:
            ends[usage.done].append(usage.step)
    for done in ends:
        axis.axvline(done, color='#999999', linewidth=0.8)
    return ends


def _by_hypervisor(run: Run) -> dict[str, list[Usage]]:
    found: dict[str, list[Usage]] = collections.defaultdict(list)
    for usage in run.usage:
        found[usage.hypervisor].append(usage)
    return found
