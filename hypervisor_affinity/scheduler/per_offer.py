# SPDX-License-Identifier: Apache-2.0
"""Working something out once per distinct offer, not once per host."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

Result = TypeVar('Result')


def once_per_offer(
    function: Callable[[Any], Result], host_states: Iterable[Any]
) -> Iterator[Result]:
    """Yield the function's result for each host, in their order.

    The function is called once for hosts that offer the same: that are in
    the same aggregates, by identity, and whose drivers report the same. nova
    keeps one object per aggregate and replaces it when it changes, so
    identity holds for the length of a request, and a host costs a dictionary
    look-up.

    :param function: takes a ``HostState``; must not raise
    """
    known: dict[tuple, tuple[Any, Result]] = {}
    rare: dict[tuple, Result] = {}
    for host_state in host_states:
        try:
            supported = host_state.supported_instances
            key = (host_state.hypervisor_type, *host_state.aggregates)
            entry = known.get(key)
            if entry is None:
                entry = known[key] = supported, function(host_state)
            # Comparing is cheaper than hashing the triples, and hosts of
            # one kind report the same ones.
            if entry[0] == supported:
                yield entry[1]
                continue
            key = (*key, *map(tuple, supported))
            if key not in rare:
                rare[key] = function(host_state)
        except (TypeError, AttributeError):
            # An odd host state is like no other one.
            yield function(host_state)
        else:
            yield rare[key]
