# SPDX-License-Identifier: Apache-2.0
"""Whether Placement would offer a host: by its traits, and its room.

As far as the APIs tell what it decides by. Where they do not, a host passes as
far as is known, and the answer says what is not.
"""

from hypervisor_affinity.cloud.adapters import INVENTORIES
from hypervisor_affinity.cloud.resource_request import ResourceRequest
from hypervisor_affinity.cloud.snapshot import Host
from hypervisor_affinity.cloud.snapshot import Inventory
from hypervisor_affinity.core.reason import Evidence
from hypervisor_affinity.core.reason import Reason
from hypervisor_affinity.operations.explanation.answers import Answer
from hypervisor_affinity.operations.explanation.answers import HostCheck
from hypervisor_affinity.operations.explanation.answers import Obstacle
from hypervisor_affinity.operations.image_properties import whether

# What nova.scheduler.request_filter.compute_status_filter forbids, always.
_DISABLED = 'COMPUTE_STATUS_DISABLED'

# Traits that nova gives to no resource provider below a compute node, but for
# those of encrypted memory.
_OF_COMPUTE_NODE = ('HW_ARCH_', 'HW_CPU_')

# An inventory's field -> what it is to people, and its unit. Not in GiB: what
# lacks may be one MiB.
_UNITS = {
    'vcpus': ('vCPUs', ''),
    'memory_mb': ('memory', ' MiB'),
    'disk_gb': ('disk', ' GiB'),
}

_OF_ENCRYPTION = ('HW_CPU_X86_AMD_SEV', 'HW_CPU_X86_INTEL_TDX')


def answer_traits(host: Host, asked: ResourceRequest) -> Answer:
    """Answer as Placement does, asked for a host with and without traits."""
    evidence: list[Evidence] = []
    reason: Reason | Obstacle = Reason.SUITABLE
    for trait, source in asked.required.items():
        if trait not in host.traits and not _unseen(trait, host, asked):
            evidence += (source, Evidence('Placement', f'without {trait}'))
            reason = Obstacle.TRAIT_MISSING
    for trait, source in asked.forbidden.items():
        if trait in host.traits:
            evidence += (source, Evidence('Placement', f'with {trait}'))
            reason = Obstacle.TRAIT_FORBIDDEN
    if _DISABLED in host.traits and host.status != 'disabled':
        # nova-compute could not take it off when the service was enabled.
        evidence.append(Evidence('Placement', f'with {_DISABLED}'))
        reason = Obstacle.TRAIT_FORBIDDEN
    if evidence:
        return Answer(HostCheck.TRAITS, reason, tuple(evidence))
    doubts = [
        whether(source, 'the host has this trait')
        for trait, source in asked.required.items()
        if trait not in host.traits
    ]
    if not host.traits:
        doubts += (
            whether(source, 'the host has this trait')
            for source in asked.forbidden.values()
        )
    doubts += (
        whether(source, 'the host meets this')
        for source in (*asked.suffixed_traits, *asked.further)
    )
    return Answer(HostCheck.TRAITS, reason, undetermined=tuple(doubts))


def answer_traits_of_rebuild(host: Host, asked: ResourceRequest) -> Answer:
    """Answer as ``nova.conductor.manager`` does, which asks no Placement.

    ``_validate_image_traits_for_rebuild`` compares the new image with the
    flavor and with all resource providers that the server is allocated to.
    """
    doubts: list[Evidence] = []
    for trait, source in asked.required.items():
        if source.place != 'image':
            continue
        for spec in (*asked.forbidden.values(), *asked.suffixed_traits):
            if spec.key.endswith(f':{trait}') and spec.value == 'forbidden':
                reason = Obstacle.TRAIT_FORBIDDEN
                return Answer(HostCheck.TRAITS, reason, (source, spec))
        if trait in host.traits:
            continue
        if not (_unseen(trait, host, asked) or asked.suffixed_amounts):
            without = Evidence('Placement', f'without {trait}')
            reason = Obstacle.TRAIT_MISSING
            return Answer(HostCheck.TRAITS, reason, (source, without))
        doubts.append(whether(source, 'the host has this trait'))
    return Answer(
        HostCheck.TRAITS, Reason.SUITABLE, undetermined=tuple(doubts)
    )


def _unseen(trait: str, host: Host, asked: ResourceRequest) -> bool:
    """Tell whether a trait may be there that the snapshot does not have.

    The record may have none at all, as of a host that Placement was not
    asked about. Else it has those of the compute node; a resource class of
    which it knows no inventory may be that of a resource provider below,
    whose traits count too. PCPU never is.
    """
    if not host.traits:
        return True
    if trait.startswith(_OF_COMPUTE_NODE) and not trait.startswith(
        _OF_ENCRYPTION
    ):
        return False
    others = asked.amounts.keys() - INVENTORIES.keys() - {'PCPU'}
    return bool(others or asked.further)


def answer_room(host: Host, asked: ResourceRequest) -> Answer:
    """Answer as Placement does, asked for a host with room."""
    reason: Reason | Obstacle = Reason.SUITABLE
    evidence = []
    doubts = []
    for resource_class, amount in asked.amounts.items():
        name = INVENTORIES.get(resource_class)
        if name is None:
            what = f'there is room for {amount} {resource_class}'
            doubts.append(whether(asked.sources[resource_class], what))
            continue
        inventory: Inventory | None = getattr(host, name)
        if inventory is None:
            evidence.append(
                Evidence('Placement', f'no inventory of {_UNITS[name][0]}')
            )
            reason = Obstacle.NO_INVENTORY
        elif not inventory.has_room(amount):
            evidence.append(
                Evidence('Placement', _shortage(name, inventory, amount))
            )
            if reason is Reason.SUITABLE:
                reason = (
                    Obstacle.NO_ROOM
                    if inventory.fits(amount)
                    else Obstacle.TOO_LARGE
                )
    if evidence:
        return Answer(HostCheck.ROOM, reason, tuple(evidence))
    doubts += (
        whether(source, 'there is room for this')
        for source in asked.suffixed_amounts
    )
    return Answer(HostCheck.ROOM, reason, undetermined=tuple(doubts))


def _shortage(name: str, inventory: Inventory, amount: int) -> str:
    limit = int(inventory.limit)
    free = max(0, limit - inventory.used)
    what, unit = _UNITS[name]
    text = f'{what}: {amount:,}{unit} asked, {free:,} of {limit:,}{unit} free'
    if not inventory.fits(amount) and inventory.max_unit is not None:
        text += f', {inventory.max_unit:,}{unit} at most for one server'
    return text
