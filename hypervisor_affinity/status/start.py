# SPDX-License-Identifier: Apache-2.0
"""What nova-scheduler builds when it starts: filters, weighers, pre-filter."""

import dataclasses
from collections.abc import Iterator
from typing import Any

from nova.scheduler import request_filter

from hypervisor_affinity import nova_in_memory
from hypervisor_affinity import redaction
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.scheduler.filters import HypervisorAffinityFilter
from hypervisor_affinity.scheduler.request_filter import PlacementPrefilter
from hypervisor_affinity.status.statements import Statement
from hypervisor_affinity.status.statements import failure
from hypervisor_affinity.status.statements import remark
from hypervisor_affinity.status.statements import warning


@dataclasses.dataclass(frozen=True, slots=True)
class Built:
    """What was built.

    :ivar filters: the objects of the enabled filters, in their order
    :ivar weighers: the weighers' objects
    :ivar has_prefilter: whether nova calls our pre-filter from then on
    """

    filters: tuple[Any, ...]
    weighers: tuple[Any, ...]
    has_prefilter: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Refused:
    """nova-scheduler cannot build them, and does not start."""

    cause: str


def build() -> Built | Refused:
    """Build filters and weighers by ``nova.conf.CONF``, as nova does.

    The list of pre-filters is afterwards as it was.
    """
    installed = getattr(request_filter, 'ALL_REQUEST_FILTERS', None)
    changed = installed if isinstance(installed, list) else []
    before = changed[:]
    changed[:] = [f for f in before if not isinstance(f, PlacementPrefilter)]
    try:
        hosts = nova_in_memory.HostManager()
        return Built(
            filters=tuple(hosts.enabled_filters),
            weighers=tuple(hosts.weighers),
            has_prefilter=any(
                isinstance(f, PlacementPrefilter) for f in installed or ()
            ),
        )
    except Exception as error:
        said = redaction.first_line(str(error))
        return Refused(said or type(error).__name__)
    finally:
        changed[:] = before


def check(built: Built | Refused) -> Iterator[Statement]:
    """Find out whether nova-scheduler starts with this nova.conf."""
    if isinstance(built, Refused):
        yield failure(
            'nova-scheduler does not start with this nova.conf, since it '
            f'cannot build its filters and weighers: {built.cause} Fix this; '
            'the checks of filter and weigher may say more.'
        )


def check_prefilter(built: Built, policy: Policy) -> Iterator[Statement]:
    """Find out whether nova calls our pre-filter, if it is to be called."""
    has_filter = any(
        isinstance(f, HypervisorAffinityFilter) for f in built.filters
    )
    if not has_filter:
        if policy.placement_prefilter:
            yield warning(
                'placement_prefilter is enabled and has no effect: '
                'HypervisorAffinityFilter, which installs the pre-filter, is '
                'not enabled. Enable it.'
            )
        return
    if built.has_prefilter:
        return
    missing = (
        'This release of nova no longer has a place for the pre-filter '
        '(nova.scheduler.request_filter.ALL_REQUEST_FILTERS, filled while '
        'HostManager builds its filters).'
    )
    if policy.placement_prefilter:
        yield warning(
            f'{missing} placement_prefilter has no effect, so that in a large '
            'cloud Placement may leave out the few hosts of one hypervisor; '
            'the filter alone decides, and its decision is right. Raise '
            '[scheduler] max_placement_results above the number of hosts, and '
            'look for a newer release of hypervisor-affinity.'
        )
    else:
        yield remark(f'{missing} Leave placement_prefilter disabled.')
