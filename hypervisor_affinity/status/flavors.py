# SPDX-License-Identifier: Apache-2.0
"""Checks of flavors' extra specs."""

import collections
from collections.abc import Iterable, Iterator

from nova.scheduler.filters import extra_specs_ops
from oslo_config import cfg

from hypervisor_affinity.core.demand import HYPERVISOR_TYPE_SPEC
from hypervisor_affinity.core.drivers import CONCLUSIVE_TYPES
from hypervisor_affinity.core.reason import written
from hypervisor_affinity.status.databases import ComputeHost
from hypervisor_affinity.status.databases import FlavorSpecs
from hypervisor_affinity.status.findings import Finding
from hypervisor_affinity.status.findings import counted
from hypervisor_affinity.status.findings import failure

_FILTER = 'ComputeCapabilitiesFilter'
# It reads both in the same way.
_KEYS = ('capabilities:hypervisor_type', 'hypervisor_type')


def check(
    conf: cfg.ConfigOpts,
    flavors: Iterable[FlavorSpecs],
    hosts: Iterable[ComputeHost],
) -> Iterator[Finding]:
    """Find flavors whose hypervisor_type nova does not read as written."""
    if _FILTER not in conf.filter_scheduler.enabled_filters:
        return
    types = set(CONCLUSIVE_TYPES)
    types.update(
        host.report.hypervisor_type
        for host in hosts
        if host.report and host.report.hypervisor_type
    )
    affected = collections.defaultdict(set)
    for flavor in flavors:
        for key in _KEYS:
            value = flavor.extra_specs.get(key)
            if value is None:
                continue
            for effect in _surprises(value, types):
                affected[written(key, value), effect].add(flavor.name)
    for (spec, effect), names in affected.items():
        yield failure(
            f'{counted("flavor", names)}: {spec} {effect}. Use '
            f'{HYPERVISOR_TYPE_SPEC} instead, which takes any spelling.'
        )


def _surprises(value: str, types: Iterable[str]) -> Iterator[str]:
    """Say what nova makes of an extra spec against its words."""
    matching = {name for name in types if _matches(name, value)}
    if not matching:
        yield f'matches no host, since {_FILTER} knows no such hypervisor'
        return
    negated = value.split()[0] == 's!='
    for name in sorted(types):
        # nova compares with the first word after an operator.
        if ' ' in name and name in value and (name in matching) is negated:
            verb = 'does not exclude' if negated else 'never matches'
            yield f'{verb} {name!r}, since {_FILTER} splits it at blanks'


def _matches(hypervisor_type: str, value: str) -> bool:
    try:
        return extra_specs_ops.match(hypervisor_type, value)
    except (ValueError, IndexError):
        # It then fails for every host.
        return False
