# SPDX-License-Identifier: Apache-2.0
"""Checks of what hosts offer by their aggregates and their drivers."""

import collections
import logging
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

from oslo_config import cfg

from hypervisor_affinity.core import hypervisor
from hypervisor_affinity.core.offer import HYPERVISOR_TYPE_KEYS
from hypervisor_affinity.core.offer import Basis
from hypervisor_affinity.core.offer import DriverReport
from hypervisor_affinity.core.offer import HostOffer
from hypervisor_affinity.core.offer import read_offer
from hypervisor_affinity.core.policy import FlexiblePlacement
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.operations import judging
from hypervisor_affinity.status.databases import Cloud
from hypervisor_affinity.status.databases import ComputeHost
from hypervisor_affinity.status.statements import Statement
from hypervisor_affinity.status.statements import counted
from hypervisor_affinity.status.statements import failure
from hypervisor_affinity.status.statements import remark
from hypervisor_affinity.status.statements import warning

LOG = logging.getLogger(__name__)

_SILENT = DriverReport(None)

# What comes of a host in no tagged aggregate, by what it offers then.
_UNTAGGED = {
    Basis.DRIVER: (
        'They offer what the virt driver reports, and nothing can be reserved '
        'or limited there'
    ),
    Basis.ANYTHING: (
        'With unclassified_hosts=any they offer every hypervisor, since the '
        'virt driver reports no known one'
    ),
    Basis.NOTHING: 'With unclassified_hosts=none no server is placed there',
    Basis.UNDETERMINED: (
        'No request that needs a hypervisor is placed there, since the virt '
        'driver reports no known one'
    ),
}


class OfferingHost(NamedTuple):
    """A host with what it offers."""

    host: ComputeHost
    offer: HostOffer

    @property
    def runs_vmware(self) -> bool:
        """Whether its driver, or an aggregate if that is silent, says so."""
        families = self.offer.underneath
        return hypervisor.VMWARE in families


def read_offers(
    hosts: Iterable[ComputeHost], policy: Policy
) -> list[OfferingHost]:
    """Return the hosts with their offers, but for those without any.

    Of these :func:`check_contradictory` tells.
    """
    found = []
    for host in hosts:
        try:
            report = host.report or _SILENT
            offer = read_offer(host.aggregates, report, policy)
        except Exception as error:
            LOG.debug('host %s: %s', host.name, judging.what(error))
        else:
            found.append(OfferingHost(host, offer))
    return found


def check_untagged(hosts: Iterable[OfferingHost]) -> Iterator[Statement]:
    """Find hosts in no aggregate that names their hypervisor."""
    untagged = collections.defaultdict(set)
    for host, offer in hosts:
        if host.report is not None and not _is_classified(host):
            untagged[offer.basis].add(host.name)
    for basis, names in untagged.items():
        yield warning(
            'In no aggregate with hypervisor_type or img_hv_type: '
            f'{counted("host", names)}. {_UNTAGGED[basis]}. Add each to an '
            'aggregate that names its hypervisor.'
        )


def check_contradictory(
    hosts: Collection[OfferingHost], all_hosts: Iterable[ComputeHost] = ()
) -> Iterator[Statement]:
    """Find hosts whose aggregates name another hypervisor than the driver.

    :param all_hosts: also those of which it is not known what they offer
    """
    known = {found.host.name for found in hosts}
    if lost := {host.name for host in all_hosts} - known:
        yield warning(
            f'{counted("host", lost)}: cannot be judged, since the record, or '
            'that of an aggregate, has something unexpected. Report what '
            '"Aggregate metadata" says.'
        )
    excluded: dict[str, set[str]] = collections.defaultdict(set)
    mistagged: dict[str, set[str]] = collections.defaultdict(set)
    for host, offer in hosts:
        if not offer.problems:
            continue
        # What does not depend on the driver is the aggregate's own problem.
        silent = read_offer(host.aggregates, _SILENT, Policy()).problems
        kinds = excluded if offer.basis is Basis.CONTRADICTION else mistagged
        for problem in set(offer.problems) - set(silent):
            kinds[str(problem)].add(host.name)
    for why, names in excluded.items():
        yield failure(
            f'No server at all is placed on {counted("host", names)}. {why}. '
            "Remove it from this aggregate, or correct the aggregate's "
            'metadata.'
        )
    for why, names in mistagged.items():
        yield warning(
            'Not all hypervisors that the aggregates name are offered by '
            f'{counted("host", names)}. {why}. Remove it from this aggregate, '
            "or correct the aggregate's metadata."
        )


def check_preferred(
    hosts: Sequence[OfferingHost], policy: Policy
) -> Iterator[Statement]:
    """Find hypervisors of the order that no host offers."""
    offered = frozenset().union(*(offer.families for _, offer in hosts))
    if not hosts:
        yield remark('There is no compute host yet.')
        return
    absent = [f for f in policy.preferred_hypervisors if f not in offered]
    strict = policy.flexible_placement == FlexiblePlacement.STRICT
    for family in absent:
        first = family == policy.preferred_hypervisors[0]
        found = f'preferred_hypervisors names {family}, which no host offers'
        todo = (
            'Remove it from the order, or tag the aggregate of its hosts with '
            f'hypervisor_type={family}.'
        )
        if first and strict:
            yield failure(
                f'{found}; it is the first of the order and '
                'flexible_placement is strict, so that requests that can run '
                f'on any hypervisor find no host. {todo}'
            )
        else:
            yield warning(f'{found}. {todo}')


def check_placement_results(
    conf: cfg.ConfigOpts, policy: Policy, cloud: Cloud
) -> Iterator[Statement]:
    """Find out whether Placement may return too few candidates."""
    most = conf.scheduler.max_placement_results
    if cloud.nodes > most and not policy.placement_prefilter:
        yield warning(
            f'There are {cloud.nodes:,} compute nodes, and Placement returns '
            f'at most {most:,} candidates ([scheduler] '
            'max_placement_results), in no useful order. The few hosts of '
            'one hypervisor may not be among them, and a request that needs '
            'them then finds no host although there is room. Set '
            '[hypervisor_affinity] placement_prefilter = true.'
        )


def check_evacuation(hosts: Iterable[OfferingHost]) -> Iterator[Statement]:
    """Say what becomes of servers on vCenter hosts when one fails."""
    names = {found.host.name for found in hosts if found.runs_vmware}
    if names:
        yield remark(
            f'Servers on {counted("vCenter host", names)} cannot be '
            'evacuated: the vSphere driver has no evacuation, and the filter '
            'keeps theirs from hosts of another hypervisor. If only '
            'nova-compute has failed, start it again: the servers still run.'
        )


def _is_classified(host: ComputeHost) -> bool:
    return any(
        key in tags.metadata
        for tags in host.aggregates
        for key in HYPERVISOR_TYPE_KEYS
    )
