# SPDX-License-Identifier: Apache-2.0
"""What ``simulate`` shows of what came of a scenario: a table for each view.

Where several schedulers are compared, the first column says which one it was.
"""

import collections
import dataclasses
from collections.abc import Callable, Iterable, Iterator

from cliff import columns

from hypervisor_affinity.simulation.outcome import Outcome
from hypervisor_affinity.simulation.outcome import Run
from hypervisor_affinity.simulation.outcome import Usage

_SCHEDULER = 'Scheduler'


@dataclasses.dataclass(frozen=True, slots=True)
class Table:
    """A view's answer.

    :ivar short: names of the columns that are there without ``--long``
    """

    short: frozenset[str]
    columns: tuple[str, ...]
    rows: list[tuple]


def table(view: str, runs: list[Run], *, for_people: bool) -> Table:
    """Return a view.

    :param view: one of ``VIEWS``
    :param for_people: whether figures may have their units with them; else
        they are plain numbers, with the unit in the column's name
    """
    if view == 'usage' and not for_people:
        view = 'figures'
    short, names, rows = _TABLES[view]
    shown = {_SCHEDULER, *short} if len(runs) > 1 else set(short)
    return Table(
        frozenset(shown),
        (_SCHEDULER, *names),
        [(run.scheduler, *row) for run in runs for row in rows(run)],
    )


class _Counts(columns.FormattableColumn):
    """Numbers by name, most first."""

    def human_readable(self) -> str:
        return ', '.join(
            f'{count} {name}' for name, count in self._value.items()
        )


def _images(run: Run) -> Iterator[tuple]:
    for key, outcomes in _grouped(
        run.outcomes, 'step', 'action', 'image', 'belongs'
    ):
        placed = collections.Counter(
            o.hypervisor for o in outcomes if o.host is not None
        )
        misfits = collections.Counter(
            o.misfit for o in outcomes if o.misfit is not None
        )
        yield (
            *key,
            len(outcomes),
            _Counts(dict(placed.most_common())),
            sum(o.refusal is not None for o in outcomes),
            _Counts(dict(misfits.most_common())),
        )


def _usage(run: Run) -> Iterator[tuple]:
    for usage in _after_steps(run):
        yield (
            *_place(usage),
            _share(usage.vcpus, usage.vcpus_limit),
            _share(usage.memory_mb / 1024, usage.memory_mb_limit / 1024),
            _share(usage.disk_gb, usage.disk_gb_limit),
        )


def _figures(run: Run) -> Iterator[tuple]:
    for usage in _after_steps(run):
        yield (
            *_place(usage),
            usage.vcpus,
            usage.vcpus_limit,
            usage.memory_mb,
            usage.memory_mb_limit,
            usage.disk_gb,
            usage.disk_gb_limit,
        )


def _after_steps(run: Run) -> Iterator[Usage]:
    return (usage for usage in run.usage if usage.ends_step)


def _place(usage: Usage) -> tuple:
    return (
        usage.step,
        usage.hypervisor,
        str(usage.status),
        usage.hosts,
        usage.servers,
    )


def _share(used: float, limit: float) -> str:
    share = f' ({used / limit:.0%})' if limit else ''
    return f'{_number(used)} of {_number(limit)}{share}'


def _number(value: float) -> str:
    return f'{value:,.1f}'.removesuffix('.0')


def _refusals(run: Run) -> Iterator[tuple]:
    refused = [o for o in run.outcomes if o.refusal is not None]
    for (*key, refusal), outcomes in _grouped(
        refused, 'step', 'action', 'image', 'flavor', 'refusal'
    ):
        yield (*key, len(outcomes), *refusal)


def _servers(run: Run) -> Iterator[tuple]:
    for o in run.outcomes:
        yield (
            o.step,
            o.action,
            o.server,
            o.image,
            o.flavor,
            o.belongs,
            o.origin or '',
            o.host or '',
            o.hypervisor or '',
            o.misfit or '',
            o.refusal.by if o.refusal else '',
        )


def _grouped(
    outcomes: Iterable[Outcome], *fields: str
) -> Iterator[tuple[tuple, list[Outcome]]]:
    """Yield outcomes that agree in some fields, in order of their first."""
    groups: dict[tuple, list[Outcome]] = collections.defaultdict(list)
    for outcome in outcomes:
        key = tuple(getattr(outcome, field) for field in fields)
        groups[key].append(outcome)
    yield from groups.items()


_PLACE = ('Step', 'Hypervisor', 'Status', 'Hosts', 'Servers')
_FIGURES = (
    'vCPUs used',
    'vCPUs limit',
    'Memory used (MiB)',
    'Memory limit (MiB)',
    'Disk used (GiB)',
    'Disk limit (GiB)',
)
# The short columns, all columns, and what makes rows of a run.
_TABLES: dict[str, tuple[tuple[str, ...], tuple[str, ...], Callable]] = {
    'images': (
        ('Step', 'Image', 'Placed on', 'Refused', 'Cannot run there'),
        (
            'Step',
            'Action',
            'Image',
            'Belongs on',
            'Asked',
            'Placed on',
            'Refused',
            'Cannot run there',
        ),
        _images,
    ),
    'usage': (
        ('Step', 'Hypervisor', 'Status', 'vCPUs', 'Memory (GiB)'),
        (*_PLACE, 'vCPUs', 'Memory (GiB)', 'Disk (GiB)'),
        _usage,
    ),
    'figures': (
        ('Step', 'Hypervisor', 'Status', *_FIGURES[:4]),
        (*_PLACE, *_FIGURES),
        _figures,
    ),
    'refusals': (
        ('Step', 'Image', 'Requests', 'Refused by', 'Reason'),
        (
            'Step',
            'Action',
            'Image',
            'Flavor',
            'Requests',
            'Refused by',
            'Reason',
            'Owner reads',
        ),
        _refusals,
    ),
    'servers': (
        ('Step', 'Server', 'Image', 'Host', 'Refused by'),
        (
            'Step',
            'Action',
            'Server',
            'Image',
            'Flavor',
            'Belongs on',
            'From',
            'Host',
            'Hypervisor',
            'Cannot run there',
            'Refused by',
        ),
        _servers,
    ),
}
VIEWS = tuple(view for view in _TABLES if view != 'figures')
