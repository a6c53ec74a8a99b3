# SPDX-License-Identifier: Apache-2.0
"""``simulate``."""

import argparse
import collections
import pathlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from cliff import columns

from hypervisor_affinity import writing
from hypervisor_affinity.cli import base
from hypervisor_affinity.cli import progress
from hypervisor_affinity.cli.base import CloudCommand
from hypervisor_affinity.cli.base import CommandError
from hypervisor_affinity.cloud import yaml_document
from hypervisor_affinity.cloud.yaml_document import YamlError
from hypervisor_affinity.simulation import plot
from hypervisor_affinity.simulation import processes
from hypervisor_affinity.simulation import scenario
from hypervisor_affinity.simulation.outcome import Outcome
from hypervisor_affinity.simulation.outcome import Run
from hypervisor_affinity.simulation.outcome import Usage
from hypervisor_affinity.simulation.scenario import ScenarioError

Table = tuple[tuple[str, ...], list[tuple]]


class Simulate(CloudCommand):
    """Play a scenario with nova's own filters and weighers.

    Nothing is changed in the cloud. Ends with 1 if, with the first scheduler
    of the scenario, a request is refused or a server comes to a host that
    cannot run it.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            'scenario',
            type=pathlib.Path,
            metavar='SCENARIO',
            help='file that says what is to happen, in YAML',
        )
        parser.add_argument(
            '--nova-conf',
            action='append',
            default=[],
            metavar='FILE',
            help='begin with the options of this nova.conf; may be given '
            'several times; without it, with the settings that this project '
            'recommends',
        )
        parser.add_argument(
            '--set',
            action='append',
            type=_option,
            default=[],
            dest='options',
            metavar='GROUP.OPTION=VALUE',
            help='set an option of nova.conf for all schedulers; goes before '
            "the scenario's; may be given several times",
        )
        _add_views(parser)
        parser.add_argument(
            '--exact',
            action='store_true',
            help='have nova look at each host for each request, and not only '
            'at one of those that differ in their names alone; takes longer, '
            'and the answer is the same',
        )
        return parser

    def columns(self, parsed_args: argparse.Namespace) -> tuple[str, ...]:
        """Return those of the view that was asked for."""
        columns, _ = _VIEWS[parsed_args.show]([])
        return columns

    def check(self, parsed_args: argparse.Namespace) -> None:
        """See that what plays and draws is there, and the plot's place."""
        super().check(parsed_args)
        _check_installed(plots=parsed_args.plot is not None)
        base.check_written(parsed_args.plot)

    def take_action(self, parsed_args: argparse.Namespace) -> Table:
        """Return what came of the scenario."""
        self.is_stdout_taken = parsed_args.plot == writing.STANDARD_OUTPUT
        setting = self._setting(parsed_args)
        story = setting.story
        schedulers = len(story.schedulers) or 1
        total = story.requests and story.requests * schedulers
        with progress.bar('requests', total) as show:
            try:
                runs = processes.play_all(setting, show)
            except ScenarioError as error:
                raise CommandError(str(error)) from error
        if parsed_args.plot:
            with base.writing_to(parsed_args.plot):
                plot.draw(story.title or setting.name, runs, parsed_args.plot)
        self.say(parsed_args, story.title, *map(_headline, runs))
        for run in runs:
            for note in run.notes:
                self.tell(f'{run.scheduler}: {note}')
        if any(map(_is_bad, runs[0].outcomes)):
            self.status = base.NEGATIVE
        return _VIEWS[parsed_args.show](runs)

    def _setting(self, parsed_args: argparse.Namespace) -> processes.Setting:
        path = parsed_args.scenario
        story = scenario.read(path)
        cloud = story.cloud
        source = None
        if parsed_args.snapshot is None:
            source = scenario.own_snapshot(story, path)
        if source is None and (parsed_args.snapshot or not cloud.hosts):
            source = self.source(parsed_args)
        if source is not None:
            cloud = scenario.with_snapshot(cloud, source)
        options: dict[str, dict[str, Any]] = collections.defaultdict(dict)
        for group, option, value in parsed_args.options:
            options[group][option] = value
        return processes.Setting(
            name=str(path),
            story=story,
            cloud=cloud,
            files=tuple(parsed_args.nova_conf),
            options=dict(options),
            exact=parsed_args.exact,
        )


class _Counts(columns.FormattableColumn):
    """Numbers by name, most first."""

    def human_readable(self) -> str:
        return ', '.join(
            f'{count} {name}' for name, count in self._value.items()
        )


class _Share(columns.FormattableColumn):
    """A pair of what is used and what can be."""

    def human_readable(self) -> str:
        used, limit = self._value
        share = f' ({used / limit:.0%})' if limit else ''
        return f'{used:,} of {limit:,.0f}{share}'

    def machine_readable(self) -> dict[str, float]:
        used, limit = self._value
        return {'used': used, 'limit': limit}


def _add_views(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--show',
        choices=list(_VIEWS),
        default='images',
        help='images: where the servers of each image went (default); '
        'usage: how full the hosts are after each step; refusals: which '
        'requests were refused, and why; servers: each request',
    )
    parser.add_argument(
        '--plot',
        type=_picture,
        metavar='FILE',
        help='draw servers and memory over requests, as '
        f'{", ".join(plot.SUFFIXES)}; - is standard output, as SVG, and '
        'the answer then goes to standard error',
    )


def _check_installed(*, plots: bool) -> None:
    if not processes.has_nova():
        raise CommandError(
            "it needs nova's own filters and weighers, and nova is not "
            'installed in the Python environment of this command. Run it on '
            'a host of nova-scheduler, or install the release of nova that '
            'you run beside it: pip install nova'
        )
    if plots and not plot.has_matplotlib():
        raise CommandError(
            "--plot needs matplotlib: pip install 'hypervisor-affinity[plot]'"
        )


def _option(text: str) -> tuple[str, str, Any]:
    """Read GROUP.OPTION=VALUE.

    :raises argparse.ArgumentTypeError: if it is not of this form
    """
    name, is_set, value = text.partition('=')
    group, dot, option = name.partition('.')
    if not (is_set and dot and group and option):
        raise argparse.ArgumentTypeError(
            f'{text!r} is not of the form GROUP.OPTION=VALUE'
        )
    try:
        return group, option, yaml_document.parse(value)
    except YamlError as error:
        raise argparse.ArgumentTypeError(f'{text!r}: {error}') from error


def _picture(text: str) -> pathlib.Path:
    path = writing.named(text)
    if path == writing.STANDARD_OUTPUT:
        return path
    if path.suffix not in plot.SUFFIXES:
        raise argparse.ArgumentTypeError(
            f'{text!r} ends in none of {", ".join(plot.SUFFIXES)}'
        )
    return path


def _is_bad(outcome: Outcome) -> bool:
    return outcome.refusal is not None or outcome.misfit is not None


def _headline(run: Run) -> str:
    refused = sum(outcome.refusal is not None for outcome in run.outcomes)
    misfits = sum(outcome.misfit is not None for outcome in run.outcomes)
    asked = len(run.outcomes)
    return (
        f'{run.scheduler}: {asked} requests, {refused} refused, {misfits} on '
        f'hosts that cannot run them'
    )


def _images(runs: list[Run]) -> Table:
    rows = []
    for run in runs:
        for key, outcomes in _grouped(
            run.outcomes, 'step', 'action', 'image', 'belongs'
        ):
            placed = collections.Counter(
                o.hypervisor for o in outcomes if o.host is not None
            )
            misfits = collections.Counter(
                o.misfit for o in outcomes if o.misfit is not None
            )
            refused = sum(o.refusal is not None for o in outcomes)
            rows.append(
                (
                    run.scheduler,
                    *key,
                    len(outcomes),
                    _Counts(dict(placed.most_common())),
                    refused,
                    _Counts(dict(misfits.most_common())),
                )
            )
    return (
        'Scheduler',
        'Step',
        'Action',
        'Image',
        'Belongs on',
        'Asked',
        'Placed on',
        'Refused',
        'Cannot run there',
    ), rows


def _usage(runs: list[Run]) -> Table:
    return (
        'Scheduler',
        'Step',
        'Hypervisor',
        'Hosts',
        'Servers',
        'vCPUs',
        'Memory (MB)',
        'Disk (GB)',
    ), [
        (run.scheduler, *_usage_row(usage))
        for run in runs
        for usage in run.usage
        if usage.ends_step
    ]


def _usage_row(usage: Usage) -> tuple:
    return (
        usage.step,
        usage.hypervisor,
        usage.hosts,
        usage.servers,
        _Share((usage.vcpus, usage.vcpus_limit)),
        _Share((usage.memory_mb, usage.memory_mb_limit)),
        _Share((usage.disk_gb, usage.disk_gb_limit)),
    )


def _refusals(runs: list[Run]) -> Table:
    rows = []
    for run in runs:
        refused = [o for o in run.outcomes if o.refusal is not None]
        rows += [
            (run.scheduler, *key, len(outcomes), *refusal)
            for (*key, refusal), outcomes in _grouped(
                refused, 'step', 'action', 'image', 'flavor', 'refusal'
            )
        ]
    return (
        'Scheduler',
        'Step',
        'Action',
        'Image',
        'Flavor',
        'Requests',
        'Refused by',
        'Reason',
        'Owner reads',
    ), rows


def _servers(runs: list[Run]) -> Table:
    return (
        'Scheduler',
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
    ), [
        (
            run.scheduler,
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
        for run in runs
        for o in run.outcomes
    ]


_VIEWS: dict[str, Callable[[list[Run]], Table]] = {
    'images': _images,
    'usage': _usage,
    'refusals': _refusals,
    'servers': _servers,
}


def _grouped(
    outcomes: Iterable[Outcome], *fields: str
) -> Iterator[tuple[tuple, list[Outcome]]]:
    """Yield outcomes that agree in some fields, in order of their first."""
    groups: dict[tuple, list[Outcome]] = collections.defaultdict(list)
    for outcome in outcomes:
        key = tuple(getattr(outcome, field) for field in fields)
        groups[key].append(outcome)
    yield from groups.items()
