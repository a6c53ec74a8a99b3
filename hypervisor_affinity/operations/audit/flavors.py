# SPDX-License-Identifier: Apache-2.0
"""Whether flavors say what can be read, and something that some host is."""

import collections
from collections.abc import Iterator

from hypervisor_affinity.cloud.snapshot import Flavor
from hypervisor_affinity.cloud.snapshot import Host
from hypervisor_affinity.core import capabilities
from hypervisor_affinity.core.explanation import demand_text
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.core.printable import cited
from hypervisor_affinity.core.reason import Evidence
from hypervisor_affinity.core.reason import Reason
from hypervisor_affinity.core.reason import written
from hypervisor_affinity.core.signs import HYPERVISOR_TYPE_SPEC
from hypervisor_affinity.core.signs import misspelt_spec
from hypervisor_affinity.core.verdict import judge
from hypervisor_affinity.operations import commands
from hypervisor_affinity.operations import flavor_specs
from hypervisor_affinity.operations.audit.checks import CloudCheck
from hypervisor_affinity.operations.audit.checks import CloudFinding
from hypervisor_affinity.operations.audit.checks import Thing
from hypervisor_affinity.operations.findings import Command
from hypervisor_affinity.operations.findings import Finding
from hypervisor_affinity.operations.offers import HostOffers
from hypervisor_affinity.operations.requests import Classifier

# What the operator knows.
_HYPERVISOR = 'HYPERVISOR'


class FlavorAuditor:
    """Looks for flavors with which no server starts."""

    def __init__(
        self,
        hosts: list[Host],
        offers: HostOffers,
        classifier: Classifier,
        policy: Policy,
    ) -> None:
        """Remember what the hosts offer."""
        self._types = flavor_specs.reported(
            host.hypervisor_type for host in hosts
        )
        # Those that offer the same share one object.
        self._offers = {
            id(offer): offer
            for offer in map(offers.offer, offers.readable(hosts))
        }
        self._classifier = classifier
        self._policy = policy

    def check(self, flavor: Flavor) -> Iterator[CloudFinding]:
        """Find what a flavor's extra specs do not do as they say."""
        specs = flavor.extra_specs
        about = Thing.from_flavor(flavor)
        for problem, refusal in flavor_specs.unreadable(specs, self._policy):
            yield Finding(
                CloudCheck.FLAVOR_REFUSED
                if refusal
                else CloudCheck.FLAVOR_UNREADABLE,
                about,
                f'{problem.evidence.text}: {cited(problem.consequence)}',
                refusal or '',
                commands=_correct(problem.evidence, flavor),
            )
        if named := flavor_specs.contradiction(specs, self._policy):
            yield Finding(
                CloudCheck.FLAVOR_REFUSED,
                about,
                f'{named} contradict each other',
                Reason.CONTRADICTORY_SIGNS,
            )
        misleading = list(self._check_novas_keys(flavor, about))
        yield from misleading
        if not misleading:
            yield from self._check_hosts(flavor, about)

    def _check_novas_keys(
        self, flavor: Flavor, about: Thing
    ) -> Iterator[CloudFinding]:
        for key in capabilities.HYPERVISOR_TYPE_SPECS:
            value = flavor.extra_specs.get(key)
            if value is None:
                continue
            for effect in flavor_specs.surprises(value, self._types):
                yield Finding(
                    CloudCheck.FLAVOR_MISLEADING,
                    about,
                    f'{written(key, value)} {effect}',
                    commands=commands.set_properties(
                        'flavor',
                        about.id,
                        {HYPERVISOR_TYPE_SPEC: _HYPERVISOR, key: None},
                    ),
                )

    def _check_hosts(
        self, flavor: Flavor, about: Thing
    ) -> Iterator[CloudFinding]:
        demand = self._classifier.classify({}, flavor)
        if demand.refusal or not demand.required:
            return
        reasons: collections.Counter[str] = collections.Counter()
        for offer in self._offers.values():
            verdict = judge(demand, offer, self._policy)
            if verdict.passes:
                return
            reasons[verdict.reason] += 1
        yield Finding(
            CloudCheck.FLAVOR_WITHOUT_HOST,
            about,
            demand_text(demand),
            ', '.join(reason for reason, _ in reasons.most_common()),
        )


def _correct(spec: Evidence, flavor: Flavor) -> tuple[Command, ...]:
    """Return what corrects an extra spec that cannot be read."""
    changes: dict[str, str | None]
    meant = misspelt_spec(spec.key)
    if meant is None:
        changes = {spec.key: _HYPERVISOR}
    else:
        changes = {spec.key: None}
        if meant and meant not in flavor.extra_specs:
            changes[meant] = spec.value
    name = flavor.id or flavor.name
    return commands.set_properties('flavor', name, changes)
