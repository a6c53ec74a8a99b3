# SPDX-License-Identifier: Apache-2.0
"""Putting a decision into words, from what the verdicts already hold."""

from collections.abc import Mapping

from hypervisor_affinity.core import drivers
from hypervisor_affinity.core import hypervisor
from hypervisor_affinity.core.demand import Demand
from hypervisor_affinity.core.hypervisor import Family
from hypervisor_affinity.core.printable import printable
from hypervisor_affinity.core.reason import Reason
from hypervisor_affinity.core.reason import nearest
from hypervisor_affinity.core.signs import Sign
from hypervisor_affinity.core.signs import Strength
from hypervisor_affinity.core.verdict import Verdict


def demand_text(demand: Demand) -> str:
    """Say in a clause what a request asks, with the signs that say so."""
    signs = _cited(demand.because)
    if demand.refusal not in (None, Reason.CANNOT_BOOT):
        return demand.refusal.words.format(signs)
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
            refused = demand.against(demand.needed)
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
        return f'{text}: {_advice(demand, demand.needed)}'
    if demand.refusal is not None:
        return text
    reason = nearest(verdicts)
    if reason is Reason.PROPERTY_NOT_ACCEPTED:
        refused = ' and '.join(
            fact.text
            for fact in verdicts[reason].evidence
            if fact.place == 'image'
        )
        offering = '' if demand.required is None else 'that offers it '
        return f'{text}; no available host {offering}accepts {refused}'
    text += f'; {reason.words}'
    if reason is Reason.CANNOT_BOOT_HERE and _boots_nowhere(demand):
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
    facts = ', '.join(map(str, verdict.deciding))
    return f' ({facts})' if count == 1 else f' (one of them: {facts})'


def _cited(signs: tuple[Sign, ...]) -> str:
    places = {sign.evidence.place for sign in signs}
    if len(places) == 1:
        return ', '.join(sign.evidence.text for sign in signs)
    return ' and '.join(str(sign.evidence) for sign in signs)


def _advice(demand: Demand, families: frozenset[Family]) -> str:
    """Say what can be done about what these hypervisors cannot run."""
    told = (sign.remedy(families) for sign in demand.against(families))
    return ', '.join(dict.fromkeys(told))
