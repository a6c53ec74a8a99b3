# SPDX-License-Identifier: Apache-2.0
"""What nova asks Placement for."""

import collections
import dataclasses
import urllib.parse

from hypervisor_affinity.cloud.adapters import Size


class QueryError(Exception):
    """It asks for what is not simulated; the text says for what."""


@dataclasses.dataclass(frozen=True, slots=True)
class Query:
    """What nova asks Placement for.

    :ivar limit: most candidates to return; None for all
    :ivar required, forbidden: traits
    :ivar member_of: sets of uuids; a host must be in an aggregate of each
    :ivar not_member_of: uuids of aggregates in which no host may be
    """

    resources: Size
    limit: int | None = None
    required: frozenset[str] = frozenset()
    forbidden: frozenset[str] = frozenset()
    member_of: tuple[frozenset[str], ...] = ()
    not_member_of: frozenset[str] = frozenset()


def read_query(text: str) -> Query:
    """Read the query string of ``GET /allocation_candidates``.

    As ``nova.scheduler.utils.ResourceRequest.to_querystring`` writes it.

    :raises QueryError: if it has a parameter that is not simulated
    """
    found: dict[str, list[str]] = collections.defaultdict(list)
    for name, value in urllib.parse.parse_qsl(text):
        found[name].append(value)
    amounts = (
        item.split(':')
        for value in found.pop('resources', ())
        for item in value.split(',')
    )
    limits = found.pop('limit', ())
    traits = [
        trait
        for name in ('required', 'root_required')
        for value in found.pop(name, ())
        for trait in value.split(',')
    ]
    members = [
        (operator, frozenset(uuids.split(',')))
        for operator, _, uuids in (
            value.rpartition(':') for value in found.pop('member_of', ())
        )
    ]
    if found:
        raise QueryError(
            'the flavor or the image asks Placement for '
            f'{", ".join(sorted(found))}, which is not simulated'
        )
    return Query(
        resources={name: int(amount) for name, amount in amounts},
        limit=int(limits[0]) if limits else None,
        required=frozenset(t for t in traits if not t.startswith('!')),
        forbidden=frozenset(t[1:] for t in traits if t.startswith('!')),
        member_of=tuple(u for operator, u in members if operator != '!in'),
        not_member_of=frozenset().union(
            *(u for operator, u in members if operator == '!in')
        ),
    )
