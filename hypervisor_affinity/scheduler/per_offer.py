# SPDX-License-Identifier: Apache-2.0
"""Working something out once per distinct offer, not once per host."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from hypervisor_affinity.core.drivers import CONCLUSIVE_TYPES

Result = TypeVar('Result')
# What tells offers apart -> the result.
_Known = dict[tuple[object, ...], Result]


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
    by_type: dict[object, _Known[Result]] = {
        hypervisor_type: {} for hypervisor_type in CONCLUSIVE_TYPES
    }
    others: _Known[Result] = {}

    def work_out(host_state: Any) -> Result:
        try:
            known, key = _place(host_state, by_type, others)
            if key not in known:
                known[key] = function(host_state)
            return known[key]
        except Exception:
            # An odd host state is like no other one.
            return function(host_state)

    for host_state in host_states:
        # By far the most are known already: in as few steps as it goes.
        try:
            result = by_type[host_state.hypervisor_type][
                tuple(host_state.aggregates)
            ]
        except Exception:
            result = work_out(host_state)
        yield result


def _place(
    host_state: Any,
    by_type: dict[object, _Known[Result]],
    others: _Known[Result],
) -> tuple[_Known[Result], tuple[object, ...]]:
    aggregates = tuple(host_state.aggregates)
    hypervisor_type = host_state.hypervisor_type
    if hypervisor_type in by_type:
        return by_type[hypervisor_type], aggregates
    triples = map(tuple, host_state.supported_instances)
    return others, (*aggregates, hypervisor_type, *triples)
