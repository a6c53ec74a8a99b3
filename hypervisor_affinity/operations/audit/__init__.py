# SPDX-License-Identifier: Apache-2.0
"""What is wrong in a cloud: servers, hosts, aggregates, images, flavors.

``checks`` lists what is looked for, ``scope`` has in which part of a cloud;
``hosts``, ``images``, ``flavors`` and ``servers`` look at what they are named
for, ``hosts`` at aggregates, too. ``replay`` asks what would become of servers
that are booted again.
"""

from collections.abc import Iterable, Iterator

from hypervisor_affinity.cloud.snapshot import Aggregate
from hypervisor_affinity.cloud.snapshot import Flavor
from hypervisor_affinity.cloud.snapshot import Host
from hypervisor_affinity.cloud.snapshot import Image
from hypervisor_affinity.cloud.snapshot import Server
from hypervisor_affinity.cloud.source import Source
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.operations import judging
from hypervisor_affinity.operations.audit import hosts
from hypervisor_affinity.operations.audit.checks import CloudCheck
from hypervisor_affinity.operations.audit.checks import CloudFinding
from hypervisor_affinity.operations.audit.checks import Thing
from hypervisor_affinity.operations.audit.flavors import FlavorAuditor
from hypervisor_affinity.operations.audit.images import ImageAuditor
from hypervisor_affinity.operations.audit.scope import Scope
from hypervisor_affinity.operations.audit.scope import Wanted
from hypervisor_affinity.operations.audit.scope import find
from hypervisor_affinity.operations.audit.servers import ServerAuditor
from hypervisor_affinity.operations.findings import Finding
from hypervisor_affinity.operations.offers import HostOffers
from hypervisor_affinity.operations.requests import Classifier
from hypervisor_affinity.option_values import Misspelt

__all__ = ['CloudCheck', 'CloudFinding', 'Thing', 'Wanted', 'audit']

EVERYTHING = Wanted()


def audit(
    source: Source,
    policy: Policy,
    servers: Iterable[Server] | None = None,
    misspelt: Iterable[tuple[str, Misspelt]] = (),
    wanted: Wanted = EVERYTHING,
) -> Iterator[CloudFinding]:
    """Yield all findings, of options first, of servers last.

    Servers are read one by one, everything else is kept in memory.

    :param servers: those of the source, watched by the caller; None for the
        source's own
    :param misspelt: options of the policy's files, each with its file
    :param wanted: of what
    :raises Missing: if there is no such thing
    :raises SourceError: if the source fails
    """
    each_host = list(source.hosts())
    aggregates = list(source.aggregates())
    scope = find(wanted, source, each_host, aggregates)
    images = list(source.images())
    offers = HostOffers(aggregates, policy)
    classifier = Classifier(policy)
    if scope.is_everything:
        for file, option in misspelt:
            about = Thing.from_option(file, option.name)
            yield Finding(CloudCheck.OPTION_UNKNOWN, about, str(option))
    yield from _of_hosts(each_host, aggregates, offers, scope)
    if scope.is_everything:
        of_images = ImageAuditor(each_host, offers, classifier, policy)
        yield from _of_images(images, of_images)
        of_flavors = FlavorAuditor(each_host, offers, classifier, policy)
        yield from _of_flavors(source.flavors(), of_flavors)
    of_servers = ServerAuditor(images, each_host, offers, classifier, policy)
    servers = source.servers() if servers is None else servers
    for server in filter(scope.has_server, servers):
        yield from _judged(
            of_servers.check(server),
            Thing.from_server(server),
            CloudCheck.SERVER_NOT_JUDGED,
        )


def _of_hosts(
    each_host: list[Host],
    aggregates: list[Aggregate],
    offers: HostOffers,
    scope: Scope,
) -> Iterator[CloudFinding]:
    for host in filter(scope.has_host, each_host):
        yield from _judged(
            hosts.check_host(host, offers),
            Thing.from_host(host),
            CloudCheck.HOST_NOT_JUDGED,
        )
    known = {host.name for host in each_host}
    for aggregate in filter(scope.has_aggregate, aggregates):
        yield from _judged(
            hosts.check_aggregate(aggregate, known, offers),
            Thing.from_aggregate(aggregate),
            CloudCheck.AGGREGATE_NOT_JUDGED,
        )


def _of_images(
    images: Iterable[Image], auditor: ImageAuditor
) -> Iterator[CloudFinding]:
    for image in images:
        yield from _judged(
            auditor.check(image),
            Thing.from_image(image),
            CloudCheck.IMAGE_NOT_JUDGED,
        )


def _of_flavors(
    flavors: Iterable[Flavor], auditor: FlavorAuditor
) -> Iterator[CloudFinding]:
    for flavor in flavors:
        yield from _judged(
            auditor.check(flavor),
            Thing.from_flavor(flavor),
            CloudCheck.FLAVOR_NOT_JUDGED,
        )


def _judged(
    found: Iterator[CloudFinding], thing: Thing, check: CloudCheck
) -> Iterator[CloudFinding]:
    """Yield what is found of a thing, also that it cannot be judged."""
    return judging.judged(found, thing, check, f'{thing.kind} {thing.name}')
