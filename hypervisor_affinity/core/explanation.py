# SPDX-License-Identifier: Apache-2.0
"""Putting a decision into words, from what the verdicts already hold."""

import itertools
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

_ANYWHERE = 'can run on any hypervisor'
_OFFERS_NONE = frozenset(
    {
        Reason.UNCLASSIFIED_HOST,
        Reason.CONTRADICTORY_HOST,
        Reason.UNREADABLE_HOST,
        Reason.UNDETERMINED_HOST,
        Reason.OTHER_HYPERVISOR,
    }
)


def demand_text(demand: Demand) -> str:
    """Say in a clause what a request asks, with the signs that say so.

    Its noun comes first, without an article: ``image needs VMware (...)``.
    """
    if demand.refusal not in (None, Reason.CANNOT_BOOT):
        return _refused(demand.refusal, demand.because)
    if demand.is_undetermined:
        return 'hypervisor of the server is not known'
    if demand.required is not None:
        text = _need(demand.because, demand.asked or demand.required)
        if left_out := (demand.asked or demand.required) - demand.required:
            against = _cited(demand.against(left_out))
            text += ', and the image cannot boot on '
            text += f'{hypervisor.title(left_out)} ({against})'
        if demand.refusal is Reason.CANNOT_BOOT:
            refused = _cited(demand.against(demand.needed))
            text += f', which cannot boot an image with {refused}'
        return text
    if demand.impossible:
        families = hypervisor.title(demand.impossible)
        signs = _cited(demand.forbidding)
        return f'image cannot boot on {families} ({signs})'
    return _ANYWHERE


def _refused(reason: Reason, because: tuple[Sign, ...]) -> str:
    if reason is Reason.UNREADABLE_SIGN:
        facts = [sign.evidence for sign in because]
        clauses = [
            reason.words.format(f'{_noun(fact.place)} {fact.text}')
            for fact in facts
        ]
        return ' and the '.join(clauses)
    alike = itertools.groupby(
        because, lambda sign: (sign.evidence.place, sign.requires)
    )
    needs = (
        _need(tuple(signs), families or frozenset())
        for (_, families), signs in alike
    )
    return reason.words.format(' and the '.join(needs))


def _noun(place: str) -> str:
    return 'flavor extra spec' if place == 'flavor' else f'{place} property'


def _need(because: tuple[Sign, ...], families: frozenset[Family]) -> str:
    if because[0].strength is Strength.SERVER:
        return str(because[0].evidence)
    verb = 'allows' if hypervisor.are_all(families) else 'needs'
    named = f'{verb} {hypervisor.title(families)}'
    return f'{because[0].evidence.place} {named} ({_cited(because)})'


def user_text(demand: Demand, verdicts: Mapping[Reason, Verdict]) -> str:
    """Say to the server's owner why no host would do.

    Names no host and no aggregate: whoever may boot a server reads this.

    :param verdicts: one verdict for each reason for which hosts were
        rejected
    """
    text = demand_text(demand)
    text = f'The server {text}' if text == _ANYWHERE else f'The {text}'
    if demand.refusal is Reason.CANNOT_BOOT:
        return f'{text}: {_advice(demand, demand.needed)}'
    if demand.refusal is not None:
        return text
    reason = nearest(verdicts)
    asks_another = demand.required is not None and reason in _OFFERS_NONE
    if demand.rebuild and reason is Reason.OTHER_HYPERVISOR:
        text += "; this server's host has another hypervisor"
    elif demand.rebuild and reason is Reason.CANNOT_BOOT_HERE:
        text += "; this server's host cannot boot it"
    elif asks_another:
        text += f'; {_offered_by_none(demand)}'
    elif reason is Reason.PROPERTY_NOT_ACCEPTED:
        text += f'; {_accepted_by_none(demand, verdicts[reason])}'
    else:
        text += f'; {reason.words}'
    if reason is Reason.CANNOT_BOOT_HERE and _boots_nowhere(demand):
        return f'{text}: {_advice(demand, demand.impossible)}'
    if demand.rebuild:
        text += '; boot a new server instead'
    return text


def _offered_by_none(demand: Demand) -> str:
    kind = hypervisor.adjective(demand.needed)
    if not kind:
        return Reason.OTHER_HYPERVISOR.words
    # Its own host is none to move to.
    other = 'other ' if demand.is_move else ''
    return f'no {other}{kind}host is available'


def _accepted_by_none(demand: Demand, verdict: Verdict) -> str:
    refused = ' and '.join(
        fact.text for fact in verdict.evidence if fact.place == 'image'
    )
    if demand.rebuild:
        return f"this server's host does not accept {refused}"
    kind = hypervisor.adjective(demand.needed)
    return f'no available {kind}host accepts {refused}'


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
    each = (
        ' and '.join(
            dict.fromkeys(
                sign.remedy(frozenset({family}))
                for sign in demand.against(frozenset({family}))
            )
        )
        for family in sorted(families)
    )
    return ', or '.join(dict.fromkeys(filter(None, each)))
