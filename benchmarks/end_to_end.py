# SPDX-License-Identifier: Apache-2.0
"""Whole requests to nova's SchedulerManager, with and without our plug-ins.

Times depend on the machine, so they are shown, not judged. Judged is that
with the pre-filter a request that needs VMware costs no more in a cloud with
more KVM hosts.
"""

import collections
import pathlib
import statistics
from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

import nova.conf

from benchmarks import clouds
from benchmarks import plot
from benchmarks import tables
from benchmarks.nova_scheduler import Options
from benchmarks.nova_scheduler import Placing
from benchmarks.nova_scheduler import Scheduler
from benchmarks.nova_scheduler import options_in_force
from demo import reference_case
from hypervisor_affinity import conf as our_conf

SIZES = (100, 1_000, 10_000)
ROUNDS = 4
# What a turn takes at least: the first request of a turn finds nova's options
# unread, which counts where a request takes milliseconds.
TURN_SECONDS = 0.2
VCENTERS = 5

STOCK = 'stock'
OURS = 'ours'
WITH_PREFILTER = 'ours, pre-filter'

# Of a request that needs VMware, with the pre-filter, beside as many KVM
# hosts: the largest over the smallest.
GROWTH_BETWEEN = (100, 10_000)
GROWTH_ROUNDS = 31
MOST_GROWTH = 1.5

# More than there are hosts, so that without the pre-filter too Placement
# returns all that it finds.
_PLACEMENT = {'scheduler': {'max_placement_results': 100_000}}
_SETTINGS: dict[str, Options] = {
    STOCK: {**reference_case.SCHEDULERS['stock'].options, **_PLACEMENT},
    OURS: {**reference_case.SCHEDULERS['ours'].options, **_PLACEMENT},
    WITH_PREFILTER: {
        **reference_case.SCHEDULERS['ours'].options,
        **_PLACEMENT,
        'hypervisor_affinity': {'placement_prefilter': True},
    },
}
_BELONGS_ON = {
    clouds.NEEDS_VMWARE: clouds.VCENTER.hypervisor_type,
    clouds.FLEXIBLE: clouds.KVM.hypervisor_type,
}


class Row(NamedTuple):
    """Figures of one cloud, request and setting.

    :ivar candidates: hosts that Placement returns
    :ivar milliseconds: of processor time per request, the best of several
    """

    kvm: int
    vcenters: int
    request: str
    setting: str
    candidates: int
    milliseconds: float

    @property
    def hosts(self) -> int:
        """Return the number of hosts in the cloud."""
        return self.kvm + self.vcenters

    @property
    def per_second(self) -> float:
        """Return how many requests one worker would serve."""
        return 1e3 / self.milliseconds

    @property
    def per_candidate(self) -> float:
        """Return µs."""
        return self.milliseconds * 1e3 / self.candidates


class Figures(NamedTuple):
    """All that is measured.

    :ivar proportional: where one host in 20 is a vCenter
    :ivar beside: where ``VCENTERS`` are beside a number of KVM hosts
    :ivar growth: None where not both of ``GROWTH_BETWEEN`` were measured
    """

    proportional: list[Row]
    beside: list[Row]
    growth: float | None

    def primitive(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        return {
            'proportional': [row._asdict() for row in self.proportional],
            'beside': [row._asdict() for row in self.beside],
            'growth': self.growth,
        }


def measure(sizes: Iterable[int]) -> Figures:
    """Time every request, under every setting, in clouds of these sizes."""
    our_conf.register_opts(nova.conf.CONF)
    proportional = []
    beside = {}
    rows = []
    for size in sizes:
        cloud = clouds.proportional(size)
        proportional += _measure(cloud, clouds.REQUESTS)
        beside[size] = clouds.beside(size, VCENTERS)
        rows += _measure(beside[size], [clouds.NEEDS_VMWARE])
    growth = None
    if beside.keys() >= set(GROWTH_BETWEEN):
        growth = _growth(*(beside[size] for size in GROWTH_BETWEEN))
    return Figures(proportional, rows, growth)


def _measure(cloud: clouds.Cloud, requests: Collection[str]) -> list[Row]:
    """Time requests in one cloud, the settings by turns."""
    schedulers = {}
    for setting, options in _SETTINGS.items():
        with options_in_force(options):
            schedulers[setting] = Scheduler(cloud)
    placings = collections.defaultdict(list)
    for _ in range(ROUNDS):
        for setting, options in _SETTINGS.items():
            with options_in_force(options):
                for request in requests:
                    placings[request, setting] += _turn(
                        schedulers[setting], request
                    )
    kvm = cloud.kinds.count(clouds.KVM)
    rows = []
    for request in requests:
        for setting in _SETTINGS:
            # A busy machine only ever adds, and so does the stand-in, which
            # works out its answer for the first one.
            best = min(placings[request, setting])
            rows.append(
                Row(
                    kvm=kvm,
                    vcenters=len(cloud.kinds) - kvm,
                    request=request,
                    setting=setting,
                    candidates=best.candidates,
                    milliseconds=best.seconds * 1e3,
                )
            )
    return rows


def _turn(scheduler: Scheduler, request: str) -> list[Placing]:
    placings = [_place(scheduler, request)]
    while sum(placing.seconds for placing in placings) < TURN_SECONDS:
        placings.append(_place(scheduler, request))
    return placings


def _growth(small: clouds.Cloud, large: clouds.Cloud) -> float:
    """Return a request's cost in one cloud over its cost in the other.

    Measured by turns, so that a busy machine slows both.
    """
    with options_in_force(_SETTINGS[WITH_PREFILTER]):
        schedulers = [Scheduler(small), Scheduler(large)]
        rounds = []
        for _ in range(GROWTH_ROUNDS):
            less, more = (
                min(
                    _place(scheduler, clouds.NEEDS_VMWARE).seconds
                    for _ in range(3)
                )
                for scheduler in schedulers
            )
            rounds.append(more / less)
    return statistics.median(rounds)


def _place(scheduler: Scheduler, request: str) -> Placing:
    placing = scheduler.place(request)
    if placing.hypervisor_type != _BELONGS_ON[request]:
        raise RuntimeError(
            f'a request that {request} was placed on {placing.hypervisor_type}'
        )
    return placing


def text(figures: Figures) -> str:
    """Return the figures in reStructuredText."""
    few, many = GROWTH_BETWEEN
    parts = [
        'One host in 20 is a vCenter:',
        _table('hosts', [(row.hosts, row) for row in figures.proportional]),
        f'{VCENTERS} vCenter hosts, and the number of KVM hosts in the first '
        'column:',
        _table('KVM', [(row.kvm, row) for row in figures.beside]),
    ]
    if figures.growth is not None:
        parts.append(
            'With the pre-filter, a request that needs VMware costs '
            f'{figures.growth:.2f} times as much\nwith {many:,} KVM hosts as '
            f'with {few:,} (median of {GROWTH_ROUNDS} rounds).'
        )
    return '\n\n'.join(parts)


def _table(first_column: str, rows: list[tuple[int, Row]]) -> str:
    return tables.simple_table(
        (5, 12, 16, 10, 7, 8, 9),
        (
            (
                first_column,
                'request',
                'setting',
                'candidates',
                'ms per',
                'requests',
                'µs per',
            ),
            ('', '', '', '', 'request', 'per s', 'candidate'),
        ),
        [
            (
                f'{count}',
                row.request,
                row.setting,
                f'{row.candidates}',
                f'{row.milliseconds:.1f}',
                f'{row.per_second:.1f}',
                f'{row.per_candidate:.0f}',
            )
            for count, row in rows
        ],
    )


def draw(figures: Figures, path: pathlib.Path) -> None:
    """Write the figures as a picture."""
    panels = [
        plot.Panel(
            f'{clouds.NEEDS_VMWARE}\n{VCENTERS} vCenter hosts',
            'KVM hosts',
            _lines((row.kvm, row) for row in figures.beside),
        )
    ]
    for request in clouds.REQUESTS:
        panels.append(
            plot.Panel(
                f'{request}\n1 host in 20 is a vCenter',
                'hosts',
                _lines(
                    (row.hosts, row)
                    for row in figures.proportional
                    if row.request == request
                ),
            )
        )
    plot.draw(panels, 'ms per request', path)


def _lines(rows: Iterable[tuple[int, Row]]) -> plot.Lines:
    lines: plot.Lines = {setting: [] for setting in _SETTINGS}
    for count, row in rows:
        lines[row.setting].append((count, row.milliseconds))
    return lines


def outside_budget(figures: Figures) -> list[str]:
    """Return what is outside the budget, in words."""
    if figures.growth is None or figures.growth <= MOST_GROWTH:
        return []
    few, many = GROWTH_BETWEEN
    return [
        f'{clouds.NEEDS_VMWARE}: with the pre-filter it costs '
        f'{figures.growth:.2f} times as much with {many:,} KVM hosts as with '
        f'{few:,}; the limit is {MOST_GROWTH}'
    ]
