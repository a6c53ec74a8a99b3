# SPDX-License-Identifier: Apache-2.0
"""Checks of the vCenters that nova.conf names, with the extra ``vsphere``."""

import importlib.util
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from oslo_config import cfg

from hypervisor_affinity import vcenter_conf
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.status.statements import Statement
from hypervisor_affinity.status.statements import counted
from hypervisor_affinity.status.statements import remark
from hypervisor_affinity.status.statements import statement
from hypervisor_affinity.status.statements import warning

if TYPE_CHECKING:
    from hypervisor_affinity.cloud.vcenter.vcenters import VCenters
    from hypervisor_affinity.operations.vcenter.checks import VCenterFinding

# Of findings of one kind.
_SHOWN = 3
_NEEDED = ('defusedxml', 'msgspec', 'pyVmomi')


def check(
    conf: cfg.ConfigOpts,
    policy: Policy,
    *,
    has_vcenter_hosts: bool,
    unread: Collection[str] = (),
) -> Iterator[Statement]:
    """Find what ``vcenter check`` finds, but for what another check tells.

    :param has_vcenter_hosts: whether nova has any
    :param unread: cells whose database cannot be read
    """
    if any(importlib.util.find_spec(name) is None for name in _NEEDED):
        if has_vcenter_hosts:
            yield remark(
                'vCenter is not checked: pip install '
                "'hypervisor-affinity[vsphere]', or run hypervisor-affinity "
                'vcenter check.'
            )
        return
    # Not above: these import what is missing without the extra.
    from hypervisor_affinity.cloud import vcenter
    from hypervisor_affinity.cloud.source import SourceError
    from hypervisor_affinity.cloud.vcenter import options

    vcenter_conf.register(conf)
    try:
        accesses = options.read_conf(conf, 'nova.conf')
        if accesses and unread:
            # Their servers would seem to be none of nova's.
            yield warning(
                f'Not checked: the database of {counted("cell", unread)} '
                'cannot be read.'
            )
        elif accesses:
            with vcenter.connect(accesses) as vcenters:
                yield from _check_vcenters(vcenters, policy)
        elif has_vcenter_hosts:
            yield remark(
                'vCenter is not checked: nova.conf names none. Set '
                f'[{vcenter_conf.GROUP}] config_files to the files of the '
                'nova-computes with the vSphere driver.'
            )
    except SourceError as error:
        yield warning(f'Not checked: {error}.')


def _check_vcenters(
    vcenters: 'VCenters', policy: Policy
) -> Iterator[Statement]:
    from hypervisor_affinity.operations.vcenter import health
    from hypervisor_affinity.operations.vcenter.checks import VCenterCheck
    from hypervisor_affinity.operations.vcenter.servers import SecondLook
    from hypervisor_affinity.status.novas_records import NovasRecords

    source = NovasRecords(vcenters.read)
    again = SecondLook(vcenters.find_vm, source.server)
    # Of services, the check of compute services tells.
    found = list(health.check(source, policy, again, with_services=False))
    if source.placement_error:
        found = [
            finding
            for finding in found
            if finding.check is not VCenterCheck.INVENTORY_DIFFERS
        ]
        yield warning(
            'Inventories are not compared: Placement does not answer '
            f'({source.placement_error}).'
        )
    groups: dict[tuple, list[VCenterFinding]] = {}
    for finding in found:
        about = finding.about
        key = finding.check, about.vcenter, about.cluster
        groups.setdefault(key, []).append(finding)
    yield from map(_in_one, groups.values())


def _in_one(group: 'list[VCenterFinding]') -> Statement:
    """Return one statement of several findings of a kind in one cluster."""
    first = group[0]
    place = ', '.join(filter(None, (first.about.vcenter, first.about.cluster)))
    shown = '; '.join(
        ': '.join(filter(None, (finding.about.subject, finding.evidence)))
        for finding in group[:_SHOWN]
    )
    if len(group) > _SHOWN:
        shown += f'; and {len(group) - _SHOWN:,} more'
    where = f' ({place})' if place else ''
    text = f'{first.check}{where}: {shown}. To do: {first.advice}.'
    return statement(first.severity, text)
