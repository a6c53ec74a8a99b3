# SPDX-License-Identifier: Apache-2.0
"""Classifying a request once for all who ask about it.

nova hands the same ``RequestSpec`` to its pre-filters, filters and weighers,
for each server of a multi-create again, and writes into it meanwhile
(``nova.scheduler.manager.SchedulerManager``). So a demand is remembered with
all that it was made from: whoever changes any of that gets another one.
"""

import weakref
from typing import Any

from hypervisor_affinity.core.demand import Demand
from hypervisor_affinity.core.hypervisor import Family
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.scheduler import adapters
from hypervisor_affinity.scheduler.adapters import Circumstances

# Of a move the filter's demand, and the weigher's, who weighs it as a boot.
_REMEMBERED = 2

_Known = tuple[tuple[Circumstances, Demand], ...]

# For as long as nova keeps the RequestSpec. It belongs to one thread; should
# two ask about the same, one of them may classify once more.
_KNOWN: weakref.WeakKeyDictionary[Any, _Known] = weakref.WeakKeyDictionary()


def read_demand(
    request_spec: Any,
    policy: Policy,
    underneath: frozenset[Family] | None = None,
    grows: bool = False,
) -> Demand:
    """Return the demand of a request.

    :param underneath: for a move, the families that the server's disk is for
    :param grows: for a move, whether the flavor takes more than before
    :raises Exception: whatever reading it raises
    """
    circumstances = adapters.read_circumstances(
        request_spec, policy, underneath, grows
    )
    known = _KNOWN.get(request_spec, ())
    for before, demand in known:
        if before == circumstances:
            return demand
    demand = circumstances.classify()
    latest = (*known, (circumstances, demand))
    _KNOWN[request_spec] = latest[-_REMEMBERED:]
    return demand
