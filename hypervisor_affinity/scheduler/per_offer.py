# SPDX-License-Identifier: Apache-2.0
"""Working something out once per distinct offer, not once per host."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from hypervisor_affinity.core.hypervisor import CONCLUSIVE_TYPES

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

    :param function: takes a ``HostState``; must neither raise nor return None
    """
    by_type: dict[object, dict[tuple, Result]] = {
        hypervisor_type: {} for hypervisor_type in CONCLUSIVE_TYPES
    }
    others: dict[tuple, Result] = {}
    for host_state in host_states:
        try:
            key = tuple(host_state.aggregates)
            known = by_type.get(host_state.hypervisor_type)
            if known is None:
                known = others
                key += (
                    host_state.hypervisor_type,
                    *map(tuple, host_state.supported_instances),
                )
            result = known.get(key)
            if result is None:
                result = known[key] = function(host_state)
        except (TypeError, AttributeError):
            # An odd host state is like no other one.
            result = function(host_state)
        yield result
