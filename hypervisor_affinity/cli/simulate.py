# SPDX-License-Identifier: Apache-2.0
"""``simulate``."""

import argparse
import collections
import pathlib
from typing import Any

from hypervisor_affinity import writing
from hypervisor_affinity.cli import base
from hypervisor_affinity.cli import progress
from hypervisor_affinity.cli import simulation_views
from hypervisor_affinity.cli.base import CloudReading
from hypervisor_affinity.cli.base import CommandError
from hypervisor_affinity.cli.listing import LongCommand
from hypervisor_affinity.cloud import yaml_document
from hypervisor_affinity.cloud.yaml_document import YamlError
from hypervisor_affinity.simulation import plot
from hypervisor_affinity.simulation import processes
from hypervisor_affinity.simulation import scenario
from hypervisor_affinity.simulation.outcome import Outcome
from hypervisor_affinity.simulation.outcome import Run
from hypervisor_affinity.simulation.scenario import ScenarioError


class Simulate(CloudReading, LongCommand):
    """Play a scenario with nova's own filters and weighers.

    Nothing is changed in the cloud. Exits with status 1 if, with the first
    scheduler of the scenario, a request is refused or a server comes to a
    host that cannot run it.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            'scenario',
            type=pathlib.Path,
            metavar='SCENARIO',
            help='YAML file with the steps to simulate',
        )
        parser.add_argument(
            '--nova-conf',
            action='append',
            default=[],
            metavar='FILE',
            help='begin with the options of this nova.conf; may be given '
            'several times; default: the settings that this project '
            'recommends',
        )
        parser.add_argument(
            '--set',
            action='append',
            type=_option,
            default=[],
            dest='options',
            metavar='GROUP.OPTION=VALUE',
            help='set an option of nova.conf for all schedulers; takes '
            'precedence over the scenario; may be given several times',
        )
        _add_views(parser)
        parser.add_argument(
            '--exact',
            action='store_true',
            help='have nova look at every host for each request; without it, '
            'nova looks at one of the hosts that differ only in their names; '
            'takes longer, with the same answer',
        )
        return parser

    def columns(self, parsed_args: argparse.Namespace) -> tuple[str, ...]:
        """Return those of the view that was asked for."""
        return self._table(parsed_args, []).columns

    def check(self, parsed_args: argparse.Namespace) -> None:
        """See that what plays and draws is there, and the plot's place."""
        super().check(parsed_args)
        _check_installed(plots=parsed_args.plot is not None)
        base.check_written(parsed_args.plot)

    def take_action(self, parsed_args: argparse.Namespace) -> tuple:
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
        table = self._table(parsed_args, runs)
        return self.chosen(parsed_args, table.short, table.rows)

    def _table(
        self, parsed_args: argparse.Namespace, runs: list[Run]
    ) -> simulation_views.Table:
        return simulation_views.table(
            parsed_args.show,
            runs,
            for_people=parsed_args.formatter == 'table',
        )

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


def _add_views(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--show',
        choices=simulation_views.VIEWS,
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
        f'{", ".join(plot.SUFFIXES)}; - is standard output, as SVG, and the '
        'table then goes to standard error',
    )


def _check_installed(*, plots: bool) -> None:
    if not processes.has_nova():
        raise CommandError(
            "it needs nova's own filters and weighers, but nova is not "
            'installed in the Python environment of this command. Run it on a '
            'host of nova-scheduler, or install the nova release that you run '
            'in the same environment: pip install nova'
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
            f'{text!r} does not end in one of {", ".join(plot.SUFFIXES)}'
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
