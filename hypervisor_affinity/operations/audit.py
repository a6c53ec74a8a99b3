# SPDX-License-Identifier: Apache-2.0
"""What is wrong in a cloud as it is: servers, hosts, aggregates, images."""

import collections
import enum
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import NamedTuple, TypeVar

from hypervisor_affinity.cloud.adapters import flat
from hypervisor_affinity.cloud.snapshot import Aggregate
from hypervisor_affinity.cloud.snapshot import Host
from hypervisor_affinity.cloud.snapshot import Image
from hypervisor_affinity.cloud.snapshot import Server
from hypervisor_affinity.cloud.source import Source
from hypervisor_affinity.core import hypervisor
from hypervisor_affinity.core import preference
from hypervisor_affinity.core.demand import Demand
from hypervisor_affinity.core.explanation import demand_text
from hypervisor_affinity.core.offer import Basis
from hypervisor_affinity.core.offer import HostOffer
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.core.reason import Evidence
from hypervisor_affinity.core.reason import Reason
from hypervisor_affinity.core.reason import listed
from hypervisor_affinity.core.verdict import Verdict
from hypervisor_affinity.core.verdict import judge
from hypervisor_affinity.operations import image_properties
from hypervisor_affinity.operations import judging
from hypervisor_affinity.operations.explanation import Obstacle
from hypervisor_affinity.operations.offers import HostOffers
from hypervisor_affinity.operations.requests import Classifier
from hypervisor_affinity.operations.requests import at_boot

_Thing = TypeVar('_Thing', Host, Aggregate, Image, Server)


class Severity(enum.IntEnum):
    """How bad a finding is."""

    INFO = 0
    """Worth knowing."""

    WARNING = 1
    """Costs licenses, or will fail at the next rebuild or boot."""

    ERROR = 2
    """Something is where it cannot run, or two statements exclude each
    other."""


class Check(enum.StrEnum):
    """What is looked for; the codes are stable."""

    SERVER_MISPLACED = 'server_misplaced'
    """A server is on a hypervisor that its image does not allow."""

    SERVER_NOT_PREFERRED = 'server_not_preferred'
    """A flexible server is on a hypervisor that is not its first choice."""

    SERVER_NOT_ACCEPTED = 'server_not_accepted'
    """The host's aggregates would not admit the server if it were new."""

    SERVER_UNDETERMINED = 'server_undetermined'
    """What the server needs, or what its host is, cannot be known."""

    SERVER_REFUSED = 'server_refused'
    """The same request would get no host at all today."""

    IMAGE_DRIFTED = 'image_drifted'
    """The image asks something else now than when the server was booted."""

    IMAGE_WITHOUT_HOST = 'image_without_host'
    """No host can run the image, or nova's ``ImagePropertiesFilter`` lets it
    on none of those that could."""

    HOST_CONTRADICTORY = 'host_contradictory'
    """Aggregate metadata and the virt driver exclude each other."""

    HOST_UNDETERMINED = 'host_undetermined'
    """Nothing tells the host's hypervisor, or nothing may run on it."""

    HOST_UNTAGGED = 'host_untagged'
    """The host is in no aggregate that names a hypervisor."""

    SERVER_NOT_JUDGED = 'server_not_judged'
    """Something in the server's record was not foreseen."""

    IMAGE_NOT_JUDGED = 'image_not_judged'
    """Something in the image's record was not foreseen."""

    HOST_NOT_JUDGED = 'host_not_judged'
    """Something in the host's record, or its aggregates', was not
    foreseen."""

    AGGREGATE_NOT_JUDGED = 'aggregate_not_judged'
    """Something in the aggregate's record was not foreseen."""

    TAG_UNREADABLE = 'tag_unreadable'
    """Aggregate metadata that could not be read was left out."""

    AGGREGATE_HOST_UNKNOWN = 'aggregate_host_unknown'
    """A tagged aggregate names a host that has no compute node."""


SEVERITIES = {
    Check.SERVER_MISPLACED: Severity.ERROR,
    Check.SERVER_NOT_PREFERRED: Severity.WARNING,
    Check.SERVER_NOT_ACCEPTED: Severity.WARNING,
    Check.SERVER_UNDETERMINED: Severity.INFO,
    Check.SERVER_REFUSED: Severity.INFO,
    Check.IMAGE_DRIFTED: Severity.WARNING,
    Check.IMAGE_WITHOUT_HOST: Severity.WARNING,
    Check.HOST_CONTRADICTORY: Severity.ERROR,
    Check.HOST_UNDETERMINED: Severity.WARNING,
    Check.HOST_UNTAGGED: Severity.INFO,
    Check.SERVER_NOT_JUDGED: Severity.WARNING,
    Check.IMAGE_NOT_JUDGED: Severity.WARNING,
    Check.HOST_NOT_JUDGED: Severity.WARNING,
    Check.AGGREGATE_NOT_JUDGED: Severity.WARNING,
    Check.TAG_UNREADABLE: Severity.WARNING,
    Check.AGGREGATE_HOST_UNKNOWN: Severity.INFO,
}

_ADVICE = {
    Check.SERVER_MISPLACED: (
        'rebuild it from an image for its hypervisor, or boot it anew'
    ),
    Check.SERVER_NOT_PREFERRED: (
        'boot it anew, if the preferred hypervisor has room'
    ),
    Check.SERVER_NOT_ACCEPTED: 'migrate it, or change the aggregate',
    Check.SERVER_UNDETERMINED: 'ask its owner: nothing that nova kept tells',
    Check.SERVER_REFUSED: 'correct its image or flavor before the next boot',
    Check.IMAGE_DRIFTED: (
        'a rebuild will judge by the image as it is now; moves never will'
    ),
    Check.IMAGE_WITHOUT_HOST: (
        'ask "classify" what to set, "explain" what hosts say'
    ),
    Check.HOST_CONTRADICTORY: 'take it out of the aggregate, or tag it anew',
    Check.HOST_UNDETERMINED: 'put it into an aggregate with hypervisor_type',
    Check.HOST_UNTAGGED: 'put it into an aggregate with hypervisor_type',
    Check.SERVER_NOT_JUDGED: judging.ADVICE,
    Check.IMAGE_NOT_JUDGED: judging.ADVICE,
    Check.HOST_NOT_JUDGED: judging.ADVICE,
    Check.AGGREGATE_NOT_JUDGED: judging.ADVICE,
    Check.TAG_UNREADABLE: 'correct the aggregate metadata',
    Check.AGGREGATE_HOST_UNKNOWN: 'remove it from the aggregate',
}

# What a verdict on a server that runs there already amounts to. That a host
# takes no new ones is said of the host.
_FROM_REASON = {
    Reason.OTHER_HYPERVISOR: Check.SERVER_MISPLACED,
    Reason.CANNOT_BOOT_HERE: Check.SERVER_MISPLACED,
    Reason.UNDETERMINED_HOST: Check.SERVER_UNDETERMINED,
    Reason.NOT_PREFERRED: Check.SERVER_NOT_PREFERRED,
    Reason.ADMITS_REQUIRED_ONLY: Check.SERVER_NOT_ACCEPTED,
    Reason.PROPERTY_NOT_ACCEPTED: Check.SERVER_NOT_ACCEPTED,
    Reason.CONTRADICTORY_SIGNS: Check.SERVER_REFUSED,
    Reason.UNREADABLE_SIGN: Check.SERVER_REFUSED,
    Reason.CANNOT_BOOT: Check.SERVER_REFUSED,
}


class Finding(NamedTuple):
    """One thing that is wrong.

    :ivar subject: what it is about: ``server``, ``image``, ``host`` or
        ``aggregate``
    :ivar id: of the subject; its name where it has no id
    :ivar host: where it is; '' if it is nowhere
    :ivar reason: the filter's code for it, or nova's filter's, as in
        ``explain``; '' where no verdict is behind it
    :ivar evidence: what it rests on, in a clause
    """

    check: Check
    subject: str
    id: str
    name: str
    host: str
    reason: str
    evidence: str

    @property
    def severity(self) -> Severity:
        """How bad it is."""
        return SEVERITIES[self.check]

    @property
    def advice(self) -> str:
        """What to do."""
        return _ADVICE[self.check]


def audit(
    source: Source, policy: Policy, servers: Iterable[Server] | None = None
) -> Iterator[Finding]:
    """Yield all findings: of hosts, aggregates, images, then of servers.

    Servers are read one by one, everything else is kept in memory.

    :param servers: those of the source, watched by the caller; None for the
        source's own
    :raises SourceError: if the source fails
    """
    hosts = list(source.hosts())
    aggregates = list(source.aggregates())
    images = list(source.images())
    offers = HostOffers(aggregates, policy)
    for host in hosts:
        yield from _judged(_of_host(host, offers), _about_host, host)
    known = {host.name for host in hosts}
    for aggregate in aggregates:
        yield from _judged(
            _of_aggregate(aggregate, known, offers),
            _about_aggregate,
            aggregate,
        )
    classifier = Classifier(policy)
    auditor = _ImageAuditor(hosts, offers, classifier, policy)
    for image in images:
        yield from _judged(auditor.findings(image), _about_image, image)
    auditor = _ServerAuditor(images, hosts, offers, classifier, policy)
    for server in source.servers() if servers is None else servers:
        yield from _judged(auditor.findings(server), _about_server, server)


def _judged(
    found: Iterator[Finding],
    about: Callable[[_Thing, Check, str], Finding],
    thing: _Thing,
) -> Iterator[Finding]:
    """Yield what is found of a thing, also that it cannot be judged."""
    check = _NOT_JUDGED[about]
    subject = f'{about(thing, check, "").subject} {thing.name}'
    return judging.judged(
        subject, found, lambda evidence: about(thing, check, evidence)
    )


def _of_host(host: Host, offers: HostOffers) -> Iterator[Finding]:
    offer = offers.offer(host)
    if offer.basis is Basis.CONTRADICTION:
        yield _about_host(
            host,
            Check.HOST_CONTRADICTORY,
            listed(offer.evidence),
            Reason.CONTRADICTORY_HOST,
        )
    elif offer.basis in (Basis.UNDETERMINED, Basis.NOTHING):
        yield _about_host(
            host,
            Check.HOST_UNDETERMINED,
            listed(offer.evidence),
            Reason.UNDETERMINED_HOST
            if offer.basis is Basis.UNDETERMINED
            else Reason.UNCLASSIFIED_HOST,
        )
    elif offer.basis is not Basis.AGGREGATE:
        yield _about_host(host, Check.HOST_UNTAGGED, listed(offer.evidence))
    if offer.basis is not Basis.CONTRADICTION:
        for problem in offer.problems:
            yield _about_host(host, Check.TAG_UNREADABLE, str(problem))


def _of_aggregate(
    aggregate: Aggregate, known: Collection[str], offers: HostOffers
) -> Iterator[Finding]:
    if offers.is_tagged(aggregate):
        for name in sorted(set(aggregate.hosts).difference(known)):
            yield _about_aggregate(
                aggregate,
                Check.AGGREGATE_HOST_UNKNOWN,
                'no compute node of this host',
                name,
            )


class _ImageAuditor:
    def __init__(
        self,
        hosts: list[Host],
        offers: HostOffers,
        classifier: Classifier,
        policy: Policy,
    ) -> None:
        self._groups = _alike(hosts, offers)
        self._classifier = classifier
        self._policy = policy

    def findings(self, image: Image) -> Iterator[Finding]:
        if image.status != 'active':
            return
        found = flat(image)
        demand = self._classifier.classify(found, None)
        counts: collections.Counter[str] = collections.Counter()
        differences: dict[Evidence, None] = {}
        for offer, members in self._groups:
            verdict = judge(demand, offer, self._policy)
            if not verdict.passes:
                counts[verdict.reason] += 1
                continue
            differing = _differences(found, members)
            if differing is None:
                return
            counts[Obstacle.IMAGE_PROPERTIES_DIFFER] += 1
            differences |= dict.fromkeys(differing)
        reasons = ', '.join(reason for reason, _ in counts.most_common())
        yield _about_image(
            image,
            Check.IMAGE_WITHOUT_HOST,
            '; '.join(
                filter(None, (demand_text(demand), listed(differences)))
            ),
            demand.refusal or reasons,
        )


def _alike(
    hosts: list[Host], offers: HostOffers
) -> list[tuple[HostOffer, list[Host]]]:
    """Return the distinct offers, each with hosts that stand for all.

    Those of an offer have reported the same, but for the version. All that
    :func:`image_properties.compare` reads besides is traits, by which no host
    differs for sure.
    """
    groups: dict[int, tuple[HostOffer, dict[int, Host]]] = {}
    for host in offers.readable(hosts):
        offer = offers.offer(host)
        _, versions = groups.setdefault(id(offer), (offer, {}))
        versions.setdefault(host.hypervisor_version, host)
    return [
        (offer, list(versions.values())) for offer, versions in groups.values()
    ]


def _differences(
    image: Mapping[str, str], hosts: list[Host]
) -> list[Evidence] | None:
    """Return why nova's filter lets an image on none of these hosts.

    None if it may let it on one.
    """
    found: list[Evidence] = []
    for host in hosts:
        differences = image_properties.compare(image, host).differences
        if not differences:
            return None
        found += differences
    return found


class _ServerAuditor:
    def __init__(
        self,
        images: list[Image],
        hosts: list[Host],
        offers: HostOffers,
        classifier: Classifier,
        policy: Policy,
    ) -> None:
        self._images = {image.id: image for image in images}
        self._offers = offers
        self._hosts = {(host.name, host.node): host for host in hosts}
        self._by_name = {host.name: host for host in hosts}
        self._classifier = classifier
        self._policy = policy

    def findings(self, server: Server) -> Iterator[Finding]:
        image = self._images.get(server.image) if server.image else None
        then = at_boot(server, image)
        demand = self._classify(server, then)
        offer = self._offer(server)
        if offer is not None:
            if not server.volume and image is None:
                yield self._of_lost_image(server)
            # Whether it can run there is a question to the driver alone.
            settled = self._classify(server, then, rebuild=True)
            verdict = judge(settled, offer, self._policy)
            # What only a rebuild is refused for has not kept it from booting.
            if verdict.passes or (settled.refusal and not demand.refusal):
                verdict = judge(demand, offer, self._policy)
            if verdict.reason in _FROM_REASON:
                yield _about_server(
                    server,
                    _FROM_REASON[verdict.reason],
                    self._evidence(demand, verdict),
                    verdict.reason,
                )
            elif verdict.passes and demand.is_flexible:
                yield from self._of_order(server, demand, offer)
        if image is not None and server.image_properties is not None:
            yield from self._of_drift(server, image, demand, offer)

    def _classify(
        self, server: Server, image: dict[str, str], *, rebuild: bool = False
    ) -> Demand:
        return self._classifier.classify(
            image, server.flavor, volume=server.volume, rebuild=rebuild
        )

    def _offer(self, server: Server) -> HostOffer | None:
        if server.host is None:
            return None
        # A server's node is unknown until it runs.
        host = self._hosts.get(
            (server.host, server.node or '')
        ) or self._by_name.get(server.host)
        return None if host is None else self._offers.offer(host)

    def _of_lost_image(self, server: Server) -> Finding:
        known = 'its properties' if server.image_properties else 'nothing'
        evidence = f'image {server.image} is gone; {known} of it is known'
        return _about_server(server, Check.SERVER_UNDETERMINED, evidence)

    def _of_order(
        self, server: Server, demand: Demand, offer: HostOffer
    ) -> Iterator[Finding]:
        first = preference.first_choice(demand, self._policy)
        if first and offer.families and first not in offer.families:
            evidence = (
                f'{demand_text(demand)}, {hypervisor.title([first])} first; '
                f'it is on {hypervisor.title(offer.families)}'
            )
            yield _about_server(
                server,
                Check.SERVER_NOT_PREFERRED,
                evidence,
                Reason.NOT_PREFERRED,
            )

    def _of_drift(
        self,
        server: Server,
        image: Image,
        then: Demand,
        offer: HostOffer | None,
    ) -> Iterator[Finding]:
        now = self._classify(server, flat(image))
        if now is then or _asked(now) == _asked(then):
            return
        evidence = f'at boot: {demand_text(then)}; now: {demand_text(now)}'
        reason = ''
        if offer is not None:
            verdict = judge(now, offer, self._policy)
            reason = '' if verdict.passes else verdict.reason
        yield _about_server(server, Check.IMAGE_DRIFTED, evidence, reason)

    def _evidence(self, demand: Demand, verdict: Verdict) -> str:
        facts = [
            str(fact)
            for fact in verdict.evidence
            if fact.place not in ('image', 'flavor')
        ]
        return '; '.join([demand_text(demand), *facts])


def _about_host(
    host: Host, check: Check, evidence: str, reason: str = ''
) -> Finding:
    return Finding(
        check,
        'host',
        host.node or host.name,
        host.name,
        host.name,
        reason,
        evidence,
    )


def _about_aggregate(
    aggregate: Aggregate, check: Check, evidence: str, host: str = ''
) -> Finding:
    return Finding(
        check,
        'aggregate',
        aggregate.uuid or aggregate.name,
        aggregate.name,
        host,
        '',
        evidence,
    )


def _about_image(
    image: Image, check: Check, evidence: str, reason: str = ''
) -> Finding:
    return Finding(check, 'image', image.id, image.name, '', reason, evidence)


def _about_server(
    server: Server, check: Check, evidence: str, reason: str = ''
) -> Finding:
    return Finding(
        check,
        'server',
        server.id,
        server.name,
        server.host or '',
        reason,
        evidence,
    )


_NOT_JUDGED = {
    _about_host: Check.HOST_NOT_JUDGED,
    _about_aggregate: Check.AGGREGATE_NOT_JUDGED,
    _about_image: Check.IMAGE_NOT_JUDGED,
    _about_server: Check.SERVER_NOT_JUDGED,
}


def _asked(demand: Demand) -> tuple:
    return demand.required, demand.impossible, demand.refusal
