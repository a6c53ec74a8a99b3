# SPDX-License-Identifier: Apache-2.0
"""Whether images can run anywhere."""

import collections
from collections.abc import Iterator, Mapping

from hypervisor_affinity.cloud.adapters import read_image
from hypervisor_affinity.cloud.snapshot import Host
from hypervisor_affinity.cloud.snapshot import Image
from hypervisor_affinity.core.explanation import demand_text
from hypervisor_affinity.core.offer import HostOffer
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.core.reason import Evidence
from hypervisor_affinity.core.reason import listed
from hypervisor_affinity.core.verdict import judge
from hypervisor_affinity.operations import image_properties
from hypervisor_affinity.operations.audit.checks import CloudCheck
from hypervisor_affinity.operations.audit.checks import CloudFinding
from hypervisor_affinity.operations.audit.checks import Thing
from hypervisor_affinity.operations.explanation import Obstacle
from hypervisor_affinity.operations.findings import Command
from hypervisor_affinity.operations.findings import Finding
from hypervisor_affinity.operations.offers import HostOffers
from hypervisor_affinity.operations.requests import Classifier


class ImageAuditor:
    """Looks for images that no host can run."""

    def __init__(
        self,
        hosts: list[Host],
        offers: HostOffers,
        classifier: Classifier,
        policy: Policy,
    ) -> None:
        """Remember what the hosts offer."""
        self._groups = _alike(hosts, offers)
        self._classifier = classifier
        self._policy = policy

    def check(self, image: Image) -> Iterator[CloudFinding]:
        """Find out whether any host can run an image."""
        if image.status != 'active':
            return
        found = read_image(image)
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
        yield Finding(
            CloudCheck.IMAGE_WITHOUT_HOST,
            Thing.from_image(image),
            '; '.join(
                filter(None, (demand_text(demand), listed(differences)))
            ),
            demand.refusal or reasons,
            commands=(
                Command(
                    ('hypervisor-affinity', 'classify'), arguments=(image.id,)
                ),
            ),
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
