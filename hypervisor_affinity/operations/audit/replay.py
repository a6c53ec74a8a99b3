# SPDX-License-Identifier: Apache-2.0
"""What would become of servers if they were booted again, and all enforced.

Their images and flavors are as they are now. Room is no question here, so a
reserve keeps nobody out, and neither are other filters.
"""

import collections
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from hypervisor_affinity.cloud.adapters import read_image
from hypervisor_affinity.cloud.snapshot import Host
from hypervisor_affinity.cloud.snapshot import Server
from hypervisor_affinity.cloud.source import Source
from hypervisor_affinity.core import preference
from hypervisor_affinity.core.demand import Demand
from hypervisor_affinity.core.explanation import demand_text
from hypervisor_affinity.core.explanation import operator_text
from hypervisor_affinity.core.offer import HostOffer
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.core.printable import cited
from hypervisor_affinity.core.reason import Reason
from hypervisor_affinity.core.reason import nearest
from hypervisor_affinity.core.verdict import Verdict
from hypervisor_affinity.core.verdict import judge
from hypervisor_affinity.operations import judging
from hypervisor_affinity.operations.audit.homes import Homes
from hypervisor_affinity.operations.audit.replay_checks import Gap
from hypervisor_affinity.operations.audit.replay_checks import ReplayCheck
from hypervisor_affinity.operations.audit.replay_checks import Replayed
from hypervisor_affinity.operations.audit.replay_checks import ReplayFinding
from hypervisor_affinity.operations.audit.scope import Wanted
from hypervisor_affinity.operations.audit.scope import find
from hypervisor_affinity.operations.audit.servers import in_words
from hypervisor_affinity.operations.compute_service import ComputeService
from hypervisor_affinity.operations.compute_service import Trouble
from hypervisor_affinity.operations.findings import Finding
from hypervisor_affinity.operations.offers import HostOffers
from hypervisor_affinity.operations.offers import hypervisor_of
from hypervisor_affinity.operations.requests import Classifier


def replay(
    source: Source,
    policy: Policy,
    servers: Iterable[Server] | None = None,
    wanted: Wanted | None = None,
) -> Iterator[ReplayFinding]:
    """Yield one finding for each server, in their order.

    Servers are read one by one, everything else is kept in memory.

    :param servers: those of the source, watched by the caller; None for the
        source's own
    :param wanted: of what; None for all. Hosts outside of it count as
        destinations like all others.
    :raises Missing: if there is no such thing
    :raises SourceError: if the source fails
    """
    hosts = list(source.hosts())
    aggregates = list(source.aggregates())
    scope = find(wanted or Wanted(), source, hosts, aggregates)
    replayer = Replayer(source, hosts, HostOffers(aggregates, policy), policy)
    servers = source.servers() if servers is None else servers
    for server in filter(scope.has_server, servers):
        yield replayer.replay(server)


class _Gap(Exception):
    """It is not known what would become of a server; the text says why."""

    def __init__(self, gap: Gap, evidence: str) -> None:
        super().__init__(evidence)
        self.gap = gap


class _Answer(NamedTuple):
    """What becomes of all servers of a demand on hosts of an offer."""

    check: ReplayCheck
    reason: str
    evidence: str
    destination: str = ''


class _Prospect(NamedTuple):
    """What all hosts that take servers say of a demand.

    :ivar obstacle: None if any can run it
    :ivar weight: the most that any has that can run it
    :ivar hypervisors: of those that have it, in order
    """

    obstacle: _Answer | None
    weight: float = 0.0
    hypervisors: Sequence[str] = ()


class Replayer:
    """Boots servers again in thought; those that are alike only once."""

    def __init__(
        self,
        source: Source,
        hosts: Iterable[Host],
        offers: HostOffers,
        policy: Policy,
    ) -> None:
        """Read images and flavors.

        :param hosts: the source's
        :raises SourceError: if the source fails
        """
        hosts = list(hosts)
        self._images = {image.id: image for image in source.images()}
        self._flavors = {flavor.name: flavor for flavor in source.flavors()}
        self._homes = Homes(hosts)
        self._offers = offers
        self._policy = policy
        enabled = list(filter(_is_enabled, hosts))
        # Those that offer the same share one object.
        taking = list(map(offers.offer, offers.readable(enabled)))
        self._taking = {id(offer): offer for offer in taking}
        self._counts = collections.Counter(map(id, taking))
        self._not_judged = len(enabled) - len(taking)
        self._classifier = Classifier(policy)
        # By identity, which is kept above: of the demand, and of the offer.
        self._prospects: dict[int, _Prospect] = {}
        self._answers: dict[tuple[int, int], _Answer] = {}

    def replay(self, server: Server) -> ReplayFinding:
        """Return what would become of a server."""
        origin = ''
        try:
            offer = self._offer(server)
            origin = hypervisor_of(offer)
            answer = self._answer(self._demand(server), offer)
        except _Gap as error:
            answer = _not_known(error.gap, str(error))
        except Exception as error:
            why = judging.evidence(f'server {server.name}', error)
            answer = _not_known(Gap.NOT_JUDGED, why)
        return Finding(
            answer.check,
            Replayed(server, origin, answer.destination),
            answer.evidence,
            answer.reason,
        )

    def _offer(self, server: Server) -> HostOffer:
        if server.host is None:
            raise _Gap(Gap.ON_NO_HOST, 'it is on no host')
        host = self._homes.find(server)
        if host is None:
            name = cited(server.host)
            raise _Gap(Gap.HOST_NOT_FOUND, f'there is no host {name}')
        return self._offers.offer(host)

    def _demand(self, server: Server) -> Demand:
        return self._classifier.classify(
            self._image(server),
            self._flavors.get(server.flavor.name, server.flavor),
            volume=server.volume,
        )

    def _image(self, server: Server) -> Mapping[str, str]:
        if server.volume or server.image is None:
            if server.image_properties is None:
                raise _Gap(
                    Gap.VOLUME_NOT_KNOWN,
                    'nothing is known of the volume that it boots from',
                )
            return server.image_properties
        image = self._images.get(server.image)
        name = cited(server.image)
        if image is None:
            raise _Gap(Gap.IMAGE_DELETED, f'image {name} is gone')
        if image.status != 'active':
            status = cited(image.status)
            raise _Gap(Gap.IMAGE_NOT_ACTIVE, f'image {name} is {status}')
        return read_image(image)

    def _answer(self, demand: Demand, offer: HostOffer) -> _Answer:
        key = id(demand), id(offer)
        if key not in self._answers:
            self._answers[key] = self._compare(demand, offer)
        return self._answers[key]

    def _compare(self, demand: Demand, offer: HostOffer) -> _Answer:
        """Compare the host that a server is on with all that take servers."""
        prospect = self._prospect(demand)
        if prospect.obstacle is not None:
            return prospect.obstacle
        here = hypervisor_of(offer)
        destination = ' or '.join(prospect.hypervisors)
        verdict = judge(demand, offer, self._policy)
        if not verdict.passes:
            return _Answer(
                ReplayCheck.WOULD_GO_ELSEWHERE,
                verdict.reason,
                in_words(demand, verdict),
                destination,
            )
        said = demand_text(demand)
        wanted = preference.order(demand, self._policy)
        weight = preference.weight(offer, wanted, self._policy)
        is_lighter = weight < prospect.weight
        if is_lighter and here not in prospect.hypervisors:
            return _Answer(
                ReplayCheck.OTHER_HYPERVISOR_FIRST,
                Reason.NOT_PREFERRED,
                f'{said}, {destination} first; it is on {here}',
                destination,
            )
        return _Answer(ReplayCheck.STAYS, verdict.reason, said, here)

    def _prospect(self, demand: Demand) -> _Prospect:
        if id(demand) not in self._prospects:
            self._prospects[id(demand)] = self._look_around(demand)
        return self._prospects[id(demand)]

    def _look_around(self, demand: Demand) -> _Prospect:
        verdicts = {
            key: judge(demand, offer, self._policy)
            for key, offer in self._taking.items()
        }
        wanted = preference.order(demand, self._policy)
        weights = {
            key: preference.weight(self._taking[key], wanted, self._policy)
            for key, verdict in verdicts.items()
            if verdict.passes
        }
        if not weights:
            return _Prospect(self._obstacle(demand, verdicts))
        most = max(weights.values())
        hypervisors = {
            hypervisor_of(self._taking[key])
            for key, weight in weights.items()
            if weight == most
        }
        return _Prospect(None, most, sorted(hypervisors))

    def _obstacle(
        self, demand: Demand, verdicts: Mapping[int, Verdict]
    ) -> _Answer:
        """Return why no host that takes servers can run it."""
        if demand.refusal is None and self._not_judged:
            number = f'hosts that cannot be judged: {self._not_judged}'
            return _not_known(Gap.NOT_JUDGED, f'{number}; no other will do')
        if demand.refusal is None and not verdicts:
            return _not_known(Gap.NO_HOST_ENABLED, 'no host takes servers')
        counts: collections.Counter[Reason] = collections.Counter()
        for key, verdict in verdicts.items():
            counts[verdict.reason] += self._counts[key]
        samples = {verdict.reason: verdict for verdict in verdicts.values()}
        return _Answer(
            ReplayCheck.WOULD_BE_REFUSED,
            demand.refusal or nearest(counts),
            operator_text(demand, dict(counts.most_common()), samples),
        )


def _is_enabled(host: Host) -> bool:
    """Tell whether a host takes servers, or will once it is up again."""
    return Trouble.DISABLED not in ComputeService.from_record(host).troubles


def _not_known(gap: Gap, why: str) -> _Answer:
    return _Answer(ReplayCheck.NOT_KNOWN, gap, why)
