# SPDX-License-Identifier: Apache-2.0
"""What is wrong with hosts and with their aggregates."""

from collections.abc import Collection, Iterable, Iterator

from hypervisor_affinity.cloud.snapshot import Aggregate
from hypervisor_affinity.cloud.snapshot import Host
from hypervisor_affinity.core.offer import Basis
from hypervisor_affinity.core.offer import misspelt_key
from hypervisor_affinity.core.printable import cited
from hypervisor_affinity.core.reason import Evidence
from hypervisor_affinity.core.reason import Reason
from hypervisor_affinity.core.reason import listed
from hypervisor_affinity.operations import commands
from hypervisor_affinity.operations.audit.checks import CloudCheck
from hypervisor_affinity.operations.audit.checks import CloudFinding
from hypervisor_affinity.operations.audit.checks import Thing
from hypervisor_affinity.operations.findings import Command
from hypervisor_affinity.operations.findings import Finding
from hypervisor_affinity.operations.offers import HostOffers

# How evidence says where aggregate metadata is.
_AGGREGATE = 'aggregate '


def check_host(host: Host, offers: HostOffers) -> Iterator[CloudFinding]:
    """Find out whether a host says what it runs, and nothing against that."""
    about = Thing.from_host(host)
    offer = offers.offer(host)
    evidence = listed(offer.evidence)
    if offer.basis is Basis.CONTRADICTION:
        yield Finding(
            CloudCheck.HOST_CONTRADICTORY,
            about,
            evidence,
            Reason.CONTRADICTORY_HOST,
            commands=_leave(offer.evidence, host),
        )
        return
    put = (commands.add_host(host.name),)
    if offer.basis in (Basis.UNDETERMINED, Basis.NOTHING):
        yield Finding(
            CloudCheck.HOST_UNDETERMINED,
            about,
            evidence,
            Reason.UNDETERMINED_HOST
            if offer.basis is Basis.UNDETERMINED
            else Reason.UNCLASSIFIED_HOST,
            commands=put,
        )
    elif offer.basis is not Basis.AGGREGATE:
        yield Finding(CloudCheck.HOST_UNTAGGED, about, evidence, commands=put)
    for problem in offers.problems_of_host(host):
        yield Finding(
            CloudCheck.HOST_TAG_IGNORED,
            about,
            str(problem),
            commands=_leave([problem.evidence], host),
        )


def check_aggregate(
    aggregate: Aggregate, known: Collection[str], offers: HostOffers
) -> Iterator[CloudFinding]:
    """Find metadata that cannot be read, and hosts that there are none of.

    Of an aggregate as such: it may have no host, or thousands.

    :param known: the names of all hosts
    """
    for problem in offers.problems(aggregate):
        yield Finding(
            CloudCheck.TAG_UNREADABLE,
            Thing.from_aggregate(aggregate),
            f'{problem.evidence.text}: {cited(problem.consequence)}',
            commands=_correct(problem.evidence, aggregate),
        )
    if offers.is_tagged(aggregate):
        for name in sorted(set(aggregate.hosts).difference(known)):
            yield Finding(
                CloudCheck.AGGREGATE_HOST_UNKNOWN,
                Thing.from_aggregate(aggregate, name),
                'no compute node of this host',
                commands=(commands.remove_host(aggregate.name, name),),
            )


def _leave(tags: Iterable[Evidence], host: Host) -> tuple[Command, ...]:
    """Return what takes a host out of the aggregates that have these tags."""
    places = (tag.place.partition(_AGGREGATE) for tag in tags)
    names = dict.fromkeys(name for before, is_in, name in places if is_in)
    return tuple(commands.remove_host(name, host.name) for name in names)


def _correct(metadata: Evidence, aggregate: Aggregate) -> tuple[Command, ...]:
    """Return what corrects aggregate metadata that cannot be read."""
    changes: dict[str, str | None]
    meant = misspelt_key(metadata.key)
    if meant is None:
        changes = {metadata.key: 'VALUE'}
    else:
        changes = {metadata.key: None}
        if meant and meant not in aggregate.metadata:
            changes[meant] = metadata.value
    return commands.set_properties('aggregate', aggregate.name, changes)
