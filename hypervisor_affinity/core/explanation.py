# SPDX-License-Identifier: Apache-2.0
"""Putting a decision into words, from what the verdicts already hold."""

from collections.abc import Mapping

from hypervisor_affinity.core import drivers
from hypervisor_affinity.core import hypervisor
from hypervisor_affinity.core.demand import Demand
from hypervisor_affinity.core.printable import printable
from hypervisor_affinity.core.reason import Reason
from hypervisor_affinity.core.signs import Sign
from hypervisor_affinity.core.signs import Strength
from hypervisor_affinity.core.verdict import Verdict

# When hosts were rejected for different reasons, a user is told of the one
# that came nearest to passing.
_NEAREST_FIRST = (
    Reason.RESERVED,
    Reason.ADMITS_REQUIRED_ONLY,
    Reason.NOT_PREFERRED,
    Reason.PROPERTY_NOT_ACCEPTED,
    Reason.CANNOT_BOOT_HERE,
    Reason.OTHER_HYPERVISOR,
    Reason.UNDETERMINED_SERVER,
    Reason.UNDETERMINED_HOST,
    Reason.UNREADABLE_HOST,
    Reason.CONTRADICTORY_HOST,
    Reason.UNCLASSIFIED_HOST,
)

_HOSTS = {
    Reason.RESERVED: (
        'what is free is kept for requests that need one hypervisor'
    ),
    Reason.ADMITS_REQUIRED_ONLY: (
        'the available hosts admit only requests that need their hypervisor'
    ),
    Reason.NOT_PREFERRED: (
        'only the preferred hypervisor is used for such requests, and none '
        'of the available hosts offers it'
    ),
    Reason.CANNOT_BOOT_HERE: 'none of the available hosts can boot it',
    Reason.OTHER_HYPERVISOR: 'none of the available hosts offers it',
    Reason.UNDETERMINED_SERVER: (
        'its disk might be of no use on any of the available hosts'
    ),
    Reason.UNDETERMINED_HOST: 'none of the available hosts offers it',
    Reason.UNREADABLE_HOST: 'none of the available hosts offers it',
    Reason.CONTRADICTORY_HOST: 'none of the available hosts offers it',
    Reason.UNCLASSIFIED_HOST: 'none of the available hosts offers it',
}


# Of the signs that led there.
_REFUSALS = {
    Reason.UNREADABLE_REQUEST: 'the request cannot be read',
    Reason.CONTRADICTORY_SIGNS: '{} contradict each other',
    Reason.UNREADABLE_SIGN: '{} names no hypervisor',
    Reason.LEAVES_HYPERVISOR: (
        '{}: a server cannot move to another hypervisor'
    ),
}


def demand_text(demand: Demand) -> str:
    """Say in a clause what a request asks, with the signs that say so."""
    signs = _cited(demand.because)
    if demand.refusal in _REFUSALS:
        return _REFUSALS[demand.refusal].format(signs)
    if demand.is_undetermined:
        return 'the hypervisor under the server cannot be found out'
    if demand.required is not None:
        asked = demand.asked or demand.required
        place = demand.because[0].evidence.place
        text = f'{place} needs {hypervisor.title(asked)} ({signs})'
        if left_out := asked - demand.required:
            against = _cited(demand.against(left_out))
            text += f', and image cannot run on {hypervisor.title(left_out)}'
            text += f' ({against})'
        if demand.because[0].strength is Strength.SERVER:
            text = f'the server {demand.because[0].evidence.text}'
        if demand.refusal is Reason.CANNOT_BOOT:
            refused = demand.against(demand.required)
            text += f', which cannot run {_cited(refused)}'
        return text
    if demand.impossible:
        families = hypervisor.title(demand.impossible)
        return f'image cannot run on {families} ({_cited(demand.forbidding)})'
    return 'any hypervisor will do'


def user_text(demand: Demand, verdicts: Mapping[Reason, Verdict]) -> str:
    """Say to the server's owner why no host would do.

    Names no host and no aggregate: whoever may boot a server reads this.

    :param verdicts: one verdict for each reason for which hosts were
        rejected
    """
    text = demand_text(demand)
    if demand.refusal is Reason.CANNOT_BOOT:
        return f'{text}: {_advice(demand, demand.required)}'
    if demand.refusal is not None:
        return text
    nearest = next(r for r in _NEAREST_FIRST if r in verdicts)
    if nearest is Reason.PROPERTY_NOT_ACCEPTED:
        refused = ' and '.join(
            fact.text
            for fact in verdicts[nearest].evidence
            if fact.place == 'image'
        )
        offering = '' if demand.required is None else 'that offers it '
        return f'{text}; no available host {offering}accepts {refused}'
    text += f'; {_HOSTS[nearest]}'
    if nearest is Reason.CANNOT_BOOT_HERE and _boots_nowhere(demand):
        return f'{text}: {_advice(demand, demand.impossible)}'
    return text


def _boots_nowhere(demand: Demand) -> bool:
    known = (f for f, table in drivers.TABLES.items() if table.rows)
    return demand.impossible >= frozenset(known)


def operator_text(
    demand: Demand,
    counts: Mapping[Reason, int],
    verdicts: Mapping[Reason, Verdict],
) -> str:
    """Say to the operator what was asked and how many hosts fell to what.

    :param counts: hosts for each reason, most first
    :param verdicts: one verdict for each reason
    """
    hosts = ', '.join(
        f'{count} {reason}{_policy(count, verdicts[reason])}'
        for reason, count in counts.items()
    )
    # Aggregates have names, too.
    return printable(f'{demand_text(demand)}; hosts rejected: {hosts}')


def _policy(count: int, verdict: Verdict) -> str:
    if not verdict.deciding:
        return ''
    facts = ', '.join(map(' '.join, verdict.deciding))
    return f' ({facts})' if count == 1 else f' (one of them: {facts})'


def _cited(signs: tuple[Sign, ...]) -> str:
    places = {sign.evidence.place for sign in signs}
    if len(places) == 1:
        return ', '.join(sign.evidence.text for sign in signs)
    return ' and '.join(
        f'{sign.evidence.place} {sign.evidence.text}' for sign in signs
    )


def _advice(demand: Demand, families: frozenset[str]) -> str:
    """Say what can be done about what these hypervisors cannot run."""
    told = (
        drivers.advice(sign.name, sign.excludes & families)
        for sign in demand.against(families)
    )
    return ', '.join(dict.fromkeys(told))
