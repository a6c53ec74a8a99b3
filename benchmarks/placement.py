# SPDX-License-Identifier: Apache-2.0
"""A stand-in for Placement's HTTP API, over the hosts of a cloud.

It answers the query string that nova makes: which traits and aggregates a
provider must have and must not have, and at most how many candidates. It
hides

* the time that Placement itself and its database need, and the network's:
  an answer is worked out once for each query, and kept as the bytes that
  would be sent. nova decodes them for each request, as it must;
* that resources are limited: every provider has room for every request, and
  allocations are not kept.
"""

import json
from typing import Any, NamedTuple

from benchmarks import clouds
from hypervisor_affinity.simulation.placement_query import Query
from hypervisor_affinity.simulation.placement_query import read_query


class Response(NamedTuple):
    """As much of an HTTP response as nova's client looks at."""

    status_code: int
    body: bytes = b''

    @property
    def text(self) -> str:
        """Return the body as it is, for an error that nova logs."""
        return self.body.decode()

    def json(self) -> Any:
        """Decode the body, anew for each call."""
        return json.loads(self.body)


class _Provider(NamedTuple):
    uuid: str
    traits: frozenset[str]
    aggregates: frozenset[str]


class Placement:
    """In the place of the keystoneauth adapter in nova's report client.

    ``candidates`` is the number of them in the latest answer.
    """

    def __init__(self, cloud: clouds.Cloud):
        """Take the hosts of a cloud as resource providers."""
        self.candidates = 0
        self._providers = [
            _Provider(
                state.uuid,
                kind.traits,
                frozenset(aggregate.uuid for aggregate in state.aggregates),
            )
            for state, kind in zip(cloud.hosts, cloud.kinds, strict=True)
        ]
        self._answers: dict[str, tuple[Response, int]] = {}

    def get(self, url: str, **_: Any) -> Response:
        """Answer for allocation candidates, or that a server has none yet.

        :raises QueryError: if the query has a parameter that is unknown here
        """
        path, _, query = url.partition('?')
        if path != '/allocation_candidates':
            return Response(200, b'{"allocations": {}}')
        if query not in self._answers:
            self._answers[query] = self._work_out(query)
        response, self.candidates = self._answers[query]
        return response

    def put(self, url: str, **_: Any) -> Response:
        """Accept an allocation."""
        return Response(204)

    def _work_out(self, text: str) -> tuple[Response, int]:
        query = read_query(text)
        found = [
            provider
            for provider in self._providers
            if _is_candidate(provider, query)
        ][: query.limit]
        body = {
            'allocation_requests': [
                _allocation_request(provider, query) for provider in found
            ],
            'provider_summaries': {
                provider.uuid: _summary(provider) for provider in found
            },
        }
        return Response(200, json.dumps(body).encode()), len(found)


def _is_candidate(provider: _Provider, query: Query) -> bool:
    return (
        query.required <= provider.traits
        and query.forbidden.isdisjoint(provider.traits)
        and query.not_member_of.isdisjoint(provider.aggregates)
        and not any(map(provider.aggregates.isdisjoint, query.member_of))
    )


def _allocation_request(provider: _Provider, query: Query) -> dict:
    return {
        'allocations': {provider.uuid: {'resources': dict(query.resources)}},
        'mappings': {'': [provider.uuid]},
    }


def _summary(provider: _Provider) -> dict:
    return {
        'resources': {
            name: {'capacity': capacity, 'used': 0}
            for name, capacity in clouds.CAPACITY.items()
        },
        'traits': sorted(provider.traits),
        'parent_provider_uuid': None,
        'root_provider_uuid': provider.uuid,
    }
