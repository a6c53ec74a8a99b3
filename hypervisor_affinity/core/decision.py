# SPDX-License-Identifier: Apache-2.0
"""What was decided of a request, for the record.

Names no host and no aggregate: whoever keeps records may be another than
who runs the cloud.
"""

import dataclasses
import enum
from collections.abc import Collection, Mapping
from typing import Any

from hypervisor_affinity.core import explanation
from hypervisor_affinity.core import preference
from hypervisor_affinity.core.demand import Demand
from hypervisor_affinity.core.hypervisor import Family
from hypervisor_affinity.core.policy import Mode
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.core.reason import Reason
from hypervisor_affinity.core.reason import nearest
from hypervisor_affinity.core.verdict import Verdict

EVENT_TYPE = 'hypervisor_affinity.decision'
"""Of the notifications that carry records."""

VERSION = '1.0'
"""Of the record. The second number grows with what is added, the first when
something changes its meaning."""


LONGEST_VALUE = 255
"""Characters; nova's databases keep no more of an image property or extra
spec (``nova.db.main.models``)."""


class Outcome(enum.StrEnum):
    """What became of a request."""

    PASSED = 'passed'
    """There are hosts that can run it."""

    REFUSED = 'refused'
    """It gets no host."""

    WOULD_BE_REFUSED = 'would_be_refused'
    """It gets only hosts in mode observe that cannot run it."""


@dataclasses.dataclass(frozen=True, slots=True)
class Decision:
    """What was decided of a request.

    :ivar reason: SUITABLE if it passed; else of the hosts that came nearest
    :ivar hosts: hosts for each reason, most first; None where they were not
        counted, since Placement was not asked for any
    :ivar passed: number of hosts that it got
    :ivar modes: of the hosts; empty where there were none
    :ivar order: the families that it can run on, most wanted first
    :ivar is_first_left: whether a host of the first of them can run it; None
        if no order names one
    """

    demand: Demand
    policy: Policy
    outcome: Outcome
    reason: Reason
    hosts: Mapping[Reason, int] | None
    passed: int
    modes: frozenset[Mode]
    order: tuple[Family, ...]
    is_first_left: bool | None

    def primitive(self) -> dict[str, Any]:
        """Return it in JSON's own kinds, as the record holds it."""
        return {
            'version': VERSION,
            'outcome': self.outcome.value,
            'reason': self.reason.value,
            'demand': _demand(self.demand),
            'hosts': _hosts(self.hosts),
            'passed': self.passed,
            'modes': sorted(mode.value for mode in self.modes),
            'order': list(self.order),
            'first_left': self.is_first_left,
            'options': _options(self.policy),
        }


def decide(
    demand: Demand,
    policy: Policy,
    verdicts: Collection[Verdict],
    hosts: Mapping[Reason, int],
    passed: int,
) -> Decision:
    """Sum up the verdicts on a request.

    :param verdicts: on the hosts, equal ones once
    :param hosts: hosts for each reason, most first
    :param passed: number of hosts that it got
    """
    families = frozenset[Family]().union(*(v.families for v in verdicts))
    order = preference.order(demand, policy)
    outcome = Outcome.PASSED
    if Reason.SUITABLE not in hosts:
        outcome = Outcome.WOULD_BE_REFUSED if passed else Outcome.REFUSED
    return Decision(
        demand=demand,
        policy=policy,
        outcome=outcome,
        reason=_reason(demand, hosts),
        hosts=hosts,
        passed=passed,
        modes=frozenset(
            Mode.ENFORCE if verdict.enforced else Mode.OBSERVE
            for verdict in verdicts
        ),
        order=order,
        is_first_left=order[0] in families if order else None,
    )


def refuse(
    demand: Demand, policy: Policy, rejections: Collection[Reason]
) -> Decision:
    """Sum up a refusal before Placement was asked for hosts.

    :param rejections: why no host can run it
    """
    order = preference.order(demand, policy)
    return Decision(
        demand=demand,
        policy=policy,
        outcome=Outcome.REFUSED,
        reason=_reason(demand, rejections),
        hosts=None,
        passed=0,
        modes=frozenset({Mode.ENFORCE}),
        order=order,
        is_first_left=False if order else None,
    )


def _reason(demand: Demand, found: Collection[Reason]) -> Reason:
    if Reason.SUITABLE in found:
        return Reason.SUITABLE
    return demand.refusal or nearest(found)


def _hosts(hosts: Mapping[Reason, int] | None) -> dict[str, int] | None:
    if hosts is None:
        return None
    return {reason.value: count for reason, count in hosts.items()}


def _demand(demand: Demand) -> dict[str, Any]:
    return {
        'text': explanation.demand_text(demand),
        'required': _listed(demand.required),
        'impossible': sorted(demand.impossible),
        'flexible': demand.is_flexible,
        'undetermined': demand.is_undetermined,
        'signs': [
            {
                'place': sign.evidence.place,
                'key': sign.evidence.key,
                'value': _cut(sign.evidence.value),
            }
            for sign in demand.signs
        ],
    }


def _cut(value: str | None) -> str | None:
    """Return a value as the record holds it: its owner may write a book."""
    if value is None or len(value) <= LONGEST_VALUE:
        return value
    return value[: LONGEST_VALUE - 1] + '…'


def _listed(families: frozenset[Family] | None) -> list[Family] | None:
    return None if families is None else sorted(families)


def _options(policy: Policy) -> dict[str, Any]:
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in dataclasses.asdict(policy).items()
    }
