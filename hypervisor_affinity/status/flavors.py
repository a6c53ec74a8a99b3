# SPDX-License-Identifier: Apache-2.0
"""Checks of flavors: of their extra specs, and of their RAM."""

import collections
from collections.abc import Iterable, Iterator, Mapping

from oslo_config import cfg

from hypervisor_affinity.core import capabilities
from hypervisor_affinity.core import hypervisor
from hypervisor_affinity.core.demand import classify
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.core.reason import written
from hypervisor_affinity.core.signs import HYPERVISOR_TYPE_SPEC
from hypervisor_affinity.operations import flavor_specs
from hypervisor_affinity.status.databases import ComputeHost
from hypervisor_affinity.status.databases import FlavorSpecs
from hypervisor_affinity.status.hosts import OfferingHost
from hypervisor_affinity.status.statements import Statement
from hypervisor_affinity.status.statements import counted
from hypervisor_affinity.status.statements import failure
from hypervisor_affinity.status.statements import not_judged
from hypervisor_affinity.status.statements import remark
from hypervisor_affinity.status.statements import warning

_FILTER = 'ComputeCapabilitiesFilter'
_OURS = 'HypervisorAffinityFilter'
_INSTEAD = f'Use {HYPERVISOR_TYPE_SPEC} instead, which takes any spelling'
# In MiB: nova.virt.vmwareapi.vmops.VMwareVMOps.prepare_for_spawn
_STEP = 4


def check(
    conf: cfg.ConfigOpts,
    policy: Policy,
    flavors: Iterable[FlavorSpecs],
    hosts: Iterable[ComputeHost],
) -> Iterator[Statement]:
    """Find extra specs that do not what they say."""
    is_enabled = _FILTER in conf.filter_scheduler.enabled_filters
    types = flavor_specs.reported(
        host.report.hypervisor_type for host in hosts if host.report
    )
    affected: dict[Statement, set[str]] = collections.defaultdict(set)
    for flavor in flavors:
        specs = flavor.extra_specs
        try:
            found = (
                *_check_novas_keys(specs, types, is_enabled),
                *_check_our_keys(specs, policy),
                *_check_all_keys(specs, policy),
            )
        except Exception as error:
            yield not_judged(f'Flavor {flavor.name}', error)
            continue
        for finding in found:
            affected[finding].add(flavor.name)
    for said, names in affected.items():
        text = f'{counted("flavor", names)}: {said.text}.'
        yield Statement(said.severity, text)


def check_memory(
    policy: Policy,
    flavors: Iterable[FlavorSpecs],
    hosts: Iterable[OfferingHost],
) -> Iterator[Statement]:
    """Find flavors with which the vSphere driver starts no server.

    ``nova.virt.vmwareapi.vmops.VMwareVMOps.prepare_for_spawn`` refuses a RAM
    that is no multiple of 4 MiB. In ``_build_resources`` of
    ``nova.compute.manager`` that is the end of the build: no other host is
    tried.
    """
    if not any(found.runs_vmware for found in hosts):
        return
    bound, others = set(), set()
    for flavor in flavors:
        try:
            demand = classify({}, flavor.extra_specs, policy)
        except Exception as error:
            yield not_judged(f'Flavor {flavor.name}', error)
            continue
        if flavor.memory_mb % _STEP == 0 or demand.refusal:
            continue
        if demand.required == {hypervisor.VMWARE}:
            bound.add(flavor.name)
        elif demand.required is None or hypervisor.VMWARE in demand.required:
            others.add(flavor.name)
    found = f'the RAM is not a multiple of {_STEP} MiB'
    outcome = (
        'the vSphere driver refuses such a server, and nova tries no other '
        'host'
    )
    replaced = f'Replace the flavor by one with a multiple of {_STEP} MiB'
    if bound:
        yield failure(
            f'{counted("flavor", bound)}: {found}, and each server of it '
            f'needs VMware: {outcome}. {replaced}.'
        )
    if others:
        yield warning(
            f'{counted("flavor", others)}: {found}. A new server of it that '
            f'comes to a vCenter host ends in ERROR: {outcome}. {replaced}, '
            f'or set {HYPERVISOR_TYPE_SPEC} to the hypervisor that it is for.'
        )


def _check_novas_keys(
    specs: Mapping[str, str], types: Iterable[str], is_enabled: bool
) -> Iterator[Statement]:
    """Say what comes of a flavor's ``capabilities:hypervisor_type``.

    :param types: what virt drivers report
    :param is_enabled: whether nova's own filter reads it too
    """
    for key in capabilities.HYPERVISOR_TYPE_SPECS:
        if key not in specs:
            continue
        value = specs[key]
        spec = written(key, value)
        effects = list(flavor_specs.surprises(value, types))
        if not is_enabled and not capabilities.families(value):
            yield warning(
                f'{spec} has no effect: {_OURS} knows no virt driver that '
                f'reports such a hypervisor_type, and {_FILTER}, which would '
                f'compare it with each host, is not enabled. {_INSTEAD}'
            )
        elif effects:
            for effect in effects:
                yield failure(f'{spec} {effect}. {_INSTEAD}')
        elif not is_enabled:
            yield remark(
                f'{spec} counts although {_FILTER} is not enabled: {_OURS} '
                'reads it'
            )


def _check_our_keys(
    specs: Mapping[str, str], policy: Policy
) -> Iterator[Statement]:
    """Say what cannot be read of the extra specs of ours."""
    for problem, refusal in flavor_specs.unreadable(specs, policy):
        text = f'{problem.evidence.text}: {problem.consequence}'
        if refusal:
            yield failure(
                f'{text}: its servers get no host. Correct the extra spec'
            )
        else:
            yield warning(f'{text}. Correct the extra spec')


def _check_all_keys(
    specs: Mapping[str, str], policy: Policy
) -> Iterator[Statement]:
    """Say where two extra specs name different hypervisors."""
    if named := flavor_specs.contradiction(specs, policy):
        yield failure(
            f'{named} contradict each other, and {_OURS} reads all of them: '
            'its servers get no host. Remove what is wrong'
        )
