# SPDX-License-Identifier: Apache-2.0
"""Whether servers are where they can and should run."""

from collections.abc import Iterator

from hypervisor_affinity.cloud.adapters import read_image
from hypervisor_affinity.cloud.snapshot import Host
from hypervisor_affinity.cloud.snapshot import Image
from hypervisor_affinity.cloud.snapshot import Server
from hypervisor_affinity.core import hypervisor
from hypervisor_affinity.core import preference
from hypervisor_affinity.core.demand import Demand
from hypervisor_affinity.core.explanation import demand_text
from hypervisor_affinity.core.offer import HostOffer
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.core.reason import Reason
from hypervisor_affinity.core.reason import listed
from hypervisor_affinity.core.verdict import Verdict
from hypervisor_affinity.core.verdict import judge
from hypervisor_affinity.operations.audit.checks import CloudCheck
from hypervisor_affinity.operations.audit.checks import CloudFinding
from hypervisor_affinity.operations.audit.checks import Thing
from hypervisor_affinity.operations.audit.homes import Homes
from hypervisor_affinity.operations.findings import Command
from hypervisor_affinity.operations.findings import Finding
from hypervisor_affinity.operations.offers import HostOffers
from hypervisor_affinity.operations.requests import Classifier
from hypervisor_affinity.operations.requests import at_boot

# What a verdict on a server that runs there already amounts to. That a host
# takes no new ones is said of the host.
BY_REASON = {
    Reason.OTHER_HYPERVISOR: CloudCheck.SERVER_MISPLACED,
    Reason.CANNOT_BOOT_HERE: CloudCheck.SERVER_MISPLACED,
    Reason.UNDETERMINED_HOST: CloudCheck.SERVER_UNDETERMINED,
    Reason.NOT_PREFERRED: CloudCheck.SERVER_NOT_PREFERRED,
    Reason.ADMITS_REQUIRED_ONLY: CloudCheck.SERVER_NOT_ACCEPTED,
    Reason.PROPERTY_NOT_ACCEPTED: CloudCheck.SERVER_NOT_ACCEPTED,
    Reason.CONTRADICTORY_SIGNS: CloudCheck.SERVER_REFUSED,
    Reason.UNREADABLE_SIGN: CloudCheck.SERVER_REFUSED,
    Reason.CANNOT_BOOT: CloudCheck.SERVER_REFUSED,
}


class ServerAuditor:
    """Compares servers with the hosts they are on, and with their images."""

    def __init__(
        self,
        images: list[Image],
        hosts: list[Host],
        offers: HostOffers,
        classifier: Classifier,
        policy: Policy,
    ) -> None:
        """Remember images and hosts."""
        self._images = {image.id: image for image in images}
        self._offers = offers
        self._homes = Homes(hosts)
        self._classifier = classifier
        self._policy = policy

    def check(self, server: Server) -> Iterator[CloudFinding]:
        """Find out whether a server is where it can and should run."""
        image = self._images.get(server.image) if server.image else None
        then = at_boot(server, image)
        demand = self._classify(server, then)
        offer = self._offer(server)
        if offer is not None:
            if not server.volume and image is None:
                yield self._lost_image(server)
            # Whether it can run there is a question to the driver alone.
            settled = self._classify(server, then, rebuild=True)
            verdict = judge(settled, offer, self._policy)
            # What only a rebuild is refused for has not kept it from booting.
            if verdict.passes or (settled.refusal and not demand.refusal):
                verdict = judge(demand, offer, self._policy)
            if verdict.reason in BY_REASON:
                yield Finding(
                    BY_REASON[verdict.reason],
                    Thing.from_server(server),
                    in_words(demand, verdict),
                    verdict.reason,
                    commands=_commands(BY_REASON[verdict.reason], server),
                )
            elif verdict.passes and demand.is_flexible:
                yield from self._check_order(server, demand, offer)
        if image is not None and server.image_properties is not None:
            yield from self._check_drift(server, image, demand, offer)

    def _classify(
        self, server: Server, image: dict[str, str], *, rebuild: bool = False
    ) -> Demand:
        return self._classifier.classify(
            image, server.flavor, volume=server.volume, rebuild=rebuild
        )

    def _offer(self, server: Server) -> HostOffer | None:
        host = self._homes.find(server)
        return None if host is None else self._offers.offer(host)

    def _lost_image(self, server: Server) -> CloudFinding:
        properties = bool(server.image_properties)
        known = 'its properties are' if properties else 'nothing of it is'
        evidence = f'image {server.image} is gone; {known} known'
        return Finding(
            CloudCheck.SERVER_UNDETERMINED, Thing.from_server(server), evidence
        )

    def _check_order(
        self, server: Server, demand: Demand, offer: HostOffer
    ) -> Iterator[CloudFinding]:
        first = preference.first_choice(demand, self._policy)
        if first and offer.families and first not in offer.families:
            evidence = (
                f'{demand_text(demand)}, {hypervisor.title([first])} first; '
                f'it is on {hypervisor.title(offer.families)}'
            )
            yield Finding(
                CloudCheck.SERVER_NOT_PREFERRED,
                Thing.from_server(server),
                evidence,
                Reason.NOT_PREFERRED,
            )

    def _check_drift(
        self,
        server: Server,
        image: Image,
        then: Demand,
        offer: HostOffer | None,
    ) -> Iterator[CloudFinding]:
        now = self._classify(server, read_image(image))
        if now is then or _asked(now) == _asked(then):
            return
        evidence = f'at boot: {demand_text(then)}; now: {demand_text(now)}'
        reason = ''
        if offer is not None:
            verdict = judge(now, offer, self._policy)
            reason = '' if verdict.passes else verdict.reason
        yield Finding(
            CloudCheck.IMAGE_DRIFTED,
            Thing.from_server(server),
            evidence,
            reason,
        )


def in_words(demand: Demand, verdict: Verdict) -> str:
    """Say in clauses what is asked, and what of a host speaks against it."""
    facts = listed(
        fact
        for fact in verdict.evidence
        if fact.place not in ('image', 'flavor')
    )
    return '; '.join(filter(None, (demand_text(demand), facts)))


def _asked(demand: Demand) -> tuple:
    return demand.required, demand.impossible, demand.refusal


def _commands(check: CloudCheck, server: Server) -> tuple[Command, ...]:
    """Return what to run for a server that is not where it should be."""
    if check is CloudCheck.SERVER_MISPLACED:
        rebuild = ('openstack', 'server', 'rebuild')
        return (Command(rebuild, (('--image', 'IMAGE'),), (server.id,)),)
    if check is CloudCheck.SERVER_NOT_ACCEPTED:
        migrate = ('openstack', 'server', 'migrate')
        return (Command(migrate, arguments=(server.id,)),)
    if check is CloudCheck.SERVER_REFUSED:
        explain = ('hypervisor-affinity', 'explain')
        return (Command(explain, (('--server', server.id),)),)
    return ()
