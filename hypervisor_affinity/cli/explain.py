# SPDX-License-Identifier: Apache-2.0
"""``explain``."""

import argparse
import uuid
from collections.abc import Iterable

from hypervisor_affinity import writing
from hypervisor_affinity.cli import base
from hypervisor_affinity.cli import explain_decisions
from hypervisor_affinity.cli import explain_ranking
from hypervisor_affinity.cli import page
from hypervisor_affinity.cli import progress
from hypervisor_affinity.cli.base import CloudReading
from hypervisor_affinity.cli.base import CommandError
from hypervisor_affinity.cli.base import CommandLineError
from hypervisor_affinity.cli.base import PolicyReading
from hypervisor_affinity.cli.listing import LongCommand
from hypervisor_affinity.cloud.snapshot import Host
from hypervisor_affinity.cloud.snapshot import Image
from hypervisor_affinity.cloud.snapshot import Server
from hypervisor_affinity.cloud.source import Missing
from hypervisor_affinity.cloud.source import Source
from hypervisor_affinity.core import nearness
from hypervisor_affinity.core.explanation import demand_text
from hypervisor_affinity.core.hypervisor import Family
from hypervisor_affinity.core.policy import Mode
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.core.reason import listed
from hypervisor_affinity.operations import requests
from hypervisor_affinity.operations.explanation import Explanation
from hypervisor_affinity.operations.explanation import Group
from hypervisor_affinity.operations.explanation import HostAnswer
from hypervisor_affinity.operations.explanation import explain
from hypervisor_affinity.operations.explanation.ranking import Place
from hypervisor_affinity.operations.findings import REPORT
from hypervisor_affinity.operations.offers import HostOffers
from hypervisor_affinity.operations.requests import Request

# Hosts named in a line of counts.
_NAMED = 3

# What a host passes in spite of: Passes alone says "as far as is known".
_NOT_KNOWN = 'Not known'
_COUNTED_SHORT = ('Check', 'Reason', 'Hosts', 'Example')
_COUNTED = (*_COUNTED_SHORT, 'Evidence', _NOT_KNOWN)
_TOLD_SHORT = ('Host', 'Passes', 'Rank', 'Weight', 'Reason')
_TOLD = (
    'Host',
    'Passes',
    'Rank',
    'Weight',
    'Check',
    'Reason',
    'Evidence',
    _NOT_KNOWN,
    'Shares',
)


class Explain(PolicyReading, CloudReading, LongCommand):
    """Show for every host why it would take a request, or not.

    Exits with status 1 if no host would, and with 3 if that is not certain,
    since one could not be judged.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        parser.add_argument('image', nargs='?', help='name or id of an image')
        parser.add_argument('flavor', nargs='?', help='name or id of a flavor')
        parser.add_argument(
            '--server',
            metavar='SERVER',
            help='name or id of a server, instead of an image and a flavor: '
            'which hosts it could move to, or, if it never got a host, why',
        )
        parser.add_argument(
            '--rebuild',
            metavar='IMAGE',
            help='with --server: whether its host could rebuild it from this '
            'image',
        )
        parser.add_argument(
            '--volume',
            action='store_true',
            help='the server boots from a volume that is made from the image',
        )
        parser.add_argument(
            '--host', metavar='HOST', help='ask about this host only'
        )
        parser.add_argument(
            '--project',
            metavar='PROJECT',
            help='id of the requesting project: leave out hosts whose '
            'aggregates are for other projects (filter_tenant_id)',
        )
        parser.add_argument(
            '--counts',
            action='store_true',
            help='show a row for each reason instead of one for each host',
        )
        parser.add_argument(
            '--html',
            type=writing.named,
            metavar='FILE',
            help='also write an HTML page of all hosts and checks to this '
            'file; - is standard output, and the table then goes to standard '
            'error',
        )
        explain_decisions.add_argument(parser)
        return parser

    def columns(self, parsed_args: argparse.Namespace) -> tuple[str, ...]:
        """Return those of the hosts, of the reasons, or of decisions."""
        if parsed_args.decisions:
            return explain_decisions.COLUMNS
        return _COUNTED if parsed_args.counts else _TOLD

    def take_action(self, parsed_args: argparse.Namespace) -> tuple:
        """Return the answers of all hosts, or what was decided."""
        if parsed_args.decisions:
            return self._decided(parsed_args)
        self.is_stdout_taken = parsed_args.html == writing.STANDARD_OUTPUT
        policy = self.policy(parsed_args)
        source = self.source(parsed_args)
        hosts = list(progress.counted('hosts', source.hosts()))
        aggregates = list(source.aggregates())
        offers = HostOffers(aggregates, policy)
        request = self._request(parsed_args, source, hosts, offers, policy)
        if parsed_args.host:
            hosts = _named(parsed_args.host, hosts, source)
        found = explain(request, hosts, offers, policy, parsed_args.project)
        if not parsed_args.host:
            # Weights compare all hosts that pass.
            found = explain_ranking.ranked(
                found,
                request,
                aggregates,
                offers,
                policy,
                parsed_args.nova_conf,
            )
        if parsed_args.html:
            page.write(
                parsed_args.html,
                found,
                policy,
                taken_from=source.taken_from,
                taken_at=source.taken_at,
            )
        self.status = _status(found)
        if request.fault:
            self.say(parsed_args, f'nova said: {request.fault}')
        self.say(parsed_args, *_headlines(found))
        self.say(parsed_args, *_observed(found, offers))
        self.say(parsed_args, *explain_ranking.headlines(found, policy))
        if parsed_args.counts:
            rows = list(map(_count, found.groups()))
            return self.chosen(parsed_args, _COUNTED_SHORT, rows)
        rows = [
            _row(host, found.place(host))
            for group in found.groups()
            for host in group.hosts
        ]
        return self.chosen(parsed_args, _TOLD_SHORT, rows)

    def check(self, parsed_args: argparse.Namespace) -> None:
        """See that the arguments are for one question.

        :raises CommandLineError: if they are not
        """
        if parsed_args.decisions:
            _check_decided(parsed_args)
        if parsed_args.server:
            if parsed_args.image or parsed_args.flavor:
                raise CommandLineError(
                    '--server cannot be combined with an image or a flavor'
                )
            if parsed_args.volume:
                raise CommandLineError(
                    '--volume cannot be combined with --server: nova knows '
                    'whether the server boots from a volume'
                )
        elif parsed_args.rebuild:
            raise CommandLineError('--rebuild needs --server')
        elif not (parsed_args.image and parsed_args.flavor):
            raise CommandLineError('give an image and a flavor, or --server')
        super().check(parsed_args)
        base.check_written(parsed_args.html)

    def _decided(self, parsed_args: argparse.Namespace) -> tuple:
        server = self._server_id(parsed_args)
        records = explain_decisions.find(
            parsed_args.decisions,
            server,
            lambda line: self.tell(f'{self.cmd_name}: {line}'),
        )
        self.status = explain_decisions.status(records)
        self.say(parsed_args, *explain_decisions.headlines(server, records))
        rows = map(explain_decisions.row, records)
        return self.chosen(parsed_args, explain_decisions.SHORT, rows)

    def _server_id(self, parsed_args: argparse.Namespace) -> str:
        """Return the id of the server; of a name, by the cloud.

        :raises CommandError: if it is a name, and no cloud is named
        :raises SourceError: if the cloud has none of it, or several
        """
        try:
            return str(uuid.UUID(parsed_args.server))
        except ValueError:
            self.instead = (
                ', or read a file with --snapshot, or give the id of the '
                'server instead of its name'
            )
            return self.source(parsed_args).server(parsed_args.server).id

    def _request(
        self,
        parsed_args: argparse.Namespace,
        source: Source,
        hosts: Iterable[Host],
        offers: HostOffers,
        policy: Policy,
    ) -> Request:
        """Return what is asked: a boot, or something of a server."""
        if parsed_args.server:
            server = source.server(parsed_args.server)
            if parsed_args.rebuild:
                return _rebuild(server, parsed_args.rebuild, source, policy)
            return requests.move(
                server,
                _image_of(server, source),
                _underneath(server, hosts, offers),
                policy,
            )
        return requests.boot(
            source.image(parsed_args.image),
            source.flavor(parsed_args.flavor),
            policy,
            volume=parsed_args.volume,
        )


def _check_decided(parsed_args: argparse.Namespace) -> None:
    """See that nothing is asked of what was decided that has no answer.

    :raises CommandLineError: if it is
    """
    if not parsed_args.server:
        raise CommandLineError('--decisions needs --server')
    for name in ('rebuild', 'host', 'project', 'counts', 'html'):
        if getattr(parsed_args, name):
            raise CommandLineError(
                f'--{name} cannot be combined with --decisions'
            )


def _underneath(
    server: Server, hosts: Iterable[Host], offers: HostOffers
) -> frozenset[Family] | None:
    if server.host is None:
        return None
    its_host = [host for host in hosts if host.name == server.host]
    return frozenset[Family]().union(
        *(offers.offer(h).underneath for h in offers.readable(its_host))
    )


def _rebuild(
    server: Server, image: str, source: Source, policy: Policy
) -> Request:
    if server.host is None:
        raise CommandError(
            f'server {server.name or server.id} is on no host, so it cannot '
            'be rebuilt'
        )
    return requests.rebuild(server, source.image(image), policy)


def _image_of(server: Server, source: Source) -> Image | None:
    if server.image is None:
        return None
    try:
        return source.image(server.image)
    except Missing:
        # Not needed for what nova froze.
        if server.image_properties is None:
            raise
        return None


def _named(name: str, hosts: list[Host], source: Source) -> list[Host]:
    named = [host for host in hosts if name in (host.name, host.node)]
    if not named:
        known = (other for host in hosts for other in (host.name, host.node))
        question = nearness.Nearest(name, known).question
        raise CommandError(f'{source.name} has no host {name!r}{question}')
    return named


def _status(found: Explanation) -> int:
    if found.passing:
        return base.GOOD
    return base.NO_ANSWER if found.not_judged else base.NEGATIVE


def _headlines(found: Explanation) -> list[str]:
    lines = [
        f'{found.title}: {demand_text(found.demand)}',
        f'{found.passing} of {len(found.hosts)} hosts could take it',
    ]
    if found.uncertain:
        lines[-1] += f', {found.uncertain} of them as far as is known'
    if found.not_judged:
        lines.append(
            f'{found.not_judged} that might take it could not be judged; '
            f'{REPORT}'
        )
    for group in found.groups():
        names = [host.host.name for host in group.hosts[:_NAMED]]
        if len(group.hosts) > _NAMED:
            names.append('…')
        check: str = group.answer.check
        if group.undetermined:
            check = f'{check}, as far as is known'
        lines.append(
            f'  {len(group.hosts):>6} {group.answer.reason} ({check}): '
            f'{", ".join(names)}'
        )
        lines += (
            f'         not known: {doubt}' for doubt in group.undetermined
        )
    return lines


def _observed(found: Explanation, offers: HostOffers) -> list[str]:
    readable = offers.readable(host.host for host in found.hosts)
    count = sum(offers.offer(host).mode is Mode.OBSERVE for host in readable)
    if not count:
        return []
    return [
        f'{count} of {len(found.hosts)} hosts are in mode observe: '
        'HypervisorAffinityFilter passes them all the same'
    ]


def _count(group: Group) -> tuple:
    return (
        str(group.answer.check),
        str(group.answer.reason),
        len(group.hosts),
        group.hosts[0].host.name,
        listed(group.answer.evidence),
        listed(group.undetermined),
    )


def _row(found: HostAnswer, place: Place | None) -> tuple:
    failing = [a for a in found.answers if not a.passes] or [found.decisive]
    rank, weight, shares = explain_ranking.cells(place)
    return (
        found.host.name,
        found.passes,
        rank,
        weight,
        ', '.join(answer.check for answer in failing),
        ', '.join(answer.reason for answer in failing),
        '; '.join(filter(None, (listed(a.evidence) for a in failing))),
        listed(found.undetermined),
        shares,
    )
