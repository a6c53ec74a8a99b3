# SPDX-License-Identifier: Apache-2.0
"""A picture of what came of a scenario, by matplotlib.

The same figures give the same SVG, byte for byte.
"""

import collections
import dataclasses
import importlib.util
import io
import itertools
import math
import pathlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from hypervisor_affinity import writing
from hypervisor_affinity.core.printable import printable
from hypervisor_affinity.simulation.outcome import Run
from hypervisor_affinity.simulation.outcome import Status
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
_MISFITS = {'color': '#b00020', 'linestyle': (0, (5, 1, 1, 1))}
_FULL = 100

# Of a label above the axes: points of its letters and of a line, and as many
# letters and lines as there is room for.
_SMALL = 7
_LINE = 10
_LONGEST = 30
_MOST_LINES = 5
# Of axes, in inches; the rest is for labels.
_WIDTH = 3
_POINTS_OF_AN_INCH = 72


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
            figsize=(1.5 + 3.75 * len(runs), 6.5), layout='constrained'
        )
        axes = _fill(picture, runs, styles)
        picture.suptitle(printable(title), fontsize=10)
        picture.legend(
            *axes[0][0].get_legend_handles_labels(),
            loc='outside lower center',
            ncols=2,
            frameon=False,
        )
        drawn = _encoded(picture, path.suffix or SUFFIXES[0])
    # It is for showing: who may read it is what the umask says.
    with writing.replacing(path, 0o666) as file:
        file.write(drawn)


def _fill(
    picture: 'Figure', runs: Sequence[Run], styles: dict[str, dict]
) -> Any:
    """Draw the schedulers side by side; return the axes, by row."""
    axes = picture.subplots(
        2, len(runs), sharex='col', sharey='row', squeeze=False
    )
    for run, (servers, memory) in zip(runs, axes.transpose(), strict=True):
        servers.set_title(printable(run.scheduler))
        _fill_servers(servers, run, styles)
        _fill_failures(servers, run, runs)
        _fill_memory(memory, run, styles)
        for axis in (servers, memory):
            _mark_steps(axis, run)
        _label_steps(servers, run)
        memory.set_xlabel('requests so far')
    # All schedulers have one scale; only now all is drawn.
    axes[0][0].set_ylim(bottom=0)
    axes[1][0].set_ylim(0, max(_FULL, axes[1][0].dataLim.ymax))
    axes[0][0].set_ylabel('servers')
    axes[1][0].set_ylabel('memory in use (%)')
    return axes


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
        moments = list(_moments(points))
        axis.plot(
            [done for done, _ in moments],
            [sum(usage.servers for usage in usages) for _, usages in moments],
            label=printable(name),
            **styles[name],
        )


def _fill_failures(axis: Any, run: Run, runs: Sequence[Run]) -> None:
    """Draw how often something went wrong, if it did with any scheduler."""
    for label, style, failed in (
        ('refused so far', _REFUSED, lambda outcome: outcome.refusal),
        (
            'on hosts that cannot run them, so far',
            _MISFITS,
            lambda outcome: outcome.misfit,
        ),
    ):
        if not any(failed(outcome) for r in runs for outcome in r.outcomes):
            continue
        numbers = [n for n, o in enumerate(run.outcomes, 1) if failed(o)]
        axis.plot(
            [0, *numbers, len(run.outcomes)],
            [*range(len(numbers) + 1), len(numbers)],
            drawstyle='steps-post',
            label=label,
            **style,
        )


def _fill_memory(axis: Any, run: Run, styles: dict[str, dict]) -> None:
    """Draw how full hosts are that take servers; nothing where none does."""
    for name, points in _by_hypervisor(run).items():
        moments = list(_moments(points))
        axis.plot(
            [done for done, _ in moments],
            [_share(usages) for _, usages in moments],
            **styles[name],
        )


def _share(usages: list[Usage]) -> float:
    enabled = [usage for usage in usages if usage.status is Status.ENABLED]
    limit = sum(usage.memory_mb_limit for usage in enabled)
    used = sum(usage.memory_mb for usage in enabled)
    return _FULL * used / limit if limit else math.nan


def _mark_steps(axis: Any, run: Run) -> None:
    """Draw lines where steps begin."""
    axis.grid(color='#dddddd', linewidth=0.6)
    axis.set_xlim(0, max(1, len(run.outcomes)))
    for begin in _begins(run):
        axis.axvline(begin, color='#999999', linewidth=0.8)


def _begins(run: Run) -> dict[int, list[str]]:
    """Return after how many requests which steps begin."""
    begins: dict[int, list[str]] = collections.defaultdict(list)
    ends = ((u.step, u.done) for u in run.usage if u.ends_step)
    begin = 0
    for step, done in dict.fromkeys(ends):
        begins[begin].append(step)
        begin = done
    return begins


def _label_steps(axis: Any, run: Run) -> None:
    """Write the steps above an axis, upright, none over another.

    Those that begin so close to one another that they would are one label, of
    a line for each.
    """
    room = _WIDTH * _POINTS_OF_AN_INCH / max(1, len(run.outcomes))
    labels: list[_Label] = []
    for begin, steps in _begins(run).items():
        labels.append(_Label([begin], list(map(_short, steps))))
        while len(labels) > 1 and labels[-2].overlaps(labels[-1], room):
            last = labels.pop()
            labels[-1].begins.extend(last.begins)
            labels[-1].steps.extend(last.steps)
    top = axis.secondary_xaxis('top')
    top.set_xticks(
        [label.middle for label in labels],
        ['\n'.join(label.lines) for label in labels],
        rotation=90,
        fontsize=_SMALL,
        color='#555555',
    )
    top.tick_params(length=0)


@dataclasses.dataclass(frozen=True, slots=True)
class _Label:
    """Steps that begin at the same place or close to it.

    :ivar begins: after how many requests
    """

    begins: list[int]
    steps: list[str]

    @property
    def middle(self) -> float:
        return (self.begins[0] + self.begins[-1]) / 2

    @property
    def lines(self) -> list[str]:
        if len(self.steps) <= _MOST_LINES:
            return self.steps
        kept = _MOST_LINES - 1
        return [*self.steps[:kept], f'… {len(self.steps) - kept} more']

    def overlaps(self, later: '_Label', room: float) -> bool:
        """Tell whether another one to the right would be over this.

        :param room: points of the picture's width for a request
        """
        lines = len(self.lines) + len(later.lines)
        return (later.middle - self.middle) * room < _LINE * lines / 2


def _short(step: str) -> str:
    text = printable(step)
    return text if len(text) <= _LONGEST else f'{text[: _LONGEST - 1]}…'


def _by_hypervisor(run: Run) -> dict[str, list[Usage]]:
    found: dict[str, list[Usage]] = collections.defaultdict(list)
    for usage in run.usage:
        found[usage.hypervisor].append(usage)
    return found


def _moments(points: list[Usage]) -> Iterator[tuple[int, list[Usage]]]:
    """Yield how many requests were done, and what was measured then."""
    for (done, *_), usages in itertools.groupby(
        points, lambda usage: (usage.done, usage.step, usage.ends_step)
    ):
        yield done, list(usages)
