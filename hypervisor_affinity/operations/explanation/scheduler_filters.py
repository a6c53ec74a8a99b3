# SPDX-License-Identifier: Apache-2.0
"""What filters of nova's scheduler say of a host, ours among them.

As far as the APIs tell what they decide by. Where they do not, a host passes
as far as is known, and the answer says what is not.
"""

from hypervisor_affinity.cloud.snapshot import Aggregate
from hypervisor_affinity.cloud.snapshot import Host
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.core.reason import Evidence
from hypervisor_affinity.core.reason import Reason
from hypervisor_affinity.core.verdict import Room
from hypervisor_affinity.core.verdict import judge
from hypervisor_affinity.core.verdict import judge_room
from hypervisor_affinity.operations import capabilities
from hypervisor_affinity.operations import image_properties
from hypervisor_affinity.operations.compute_service import ComputeService
from hypervisor_affinity.operations.explanation.answers import Answer
from hypervisor_affinity.operations.explanation.answers import HostCheck
from hypervisor_affinity.operations.explanation.answers import Obstacle
from hypervisor_affinity.operations.image_properties import Comparison
from hypervisor_affinity.operations.image_properties import whether
from hypervisor_affinity.operations.offers import HostOffers
from hypervisor_affinity.operations.requests import Request

# nova.scheduler.filters.aggregate_multitenancy_isolation
_PROJECT_KEY = 'filter_tenant_id'

# What drivers report that migrate cold within a host, such as a vCenter
# cluster.
_SAME_HOST = 'COMPUTE_SAME_HOST_COLD_MIGRATE'


def answer_hypervisor(
    request: Request, host: Host, offers: HostOffers, policy: Policy
) -> Answer:
    """Answer as ``HypervisorAffinityFilter`` does."""
    verdict = judge(request.demand, offers.offer(host), policy)
    if verdict.reserve and host.memory_mb and host.vcpus:
        room = Room(
            ram_limit=host.memory_mb.total * host.memory_mb.allocation_ratio,
            ram_used=host.memory_mb.used + host.memory_mb.reserved,
            ram_asked=request.flavor.memory_mb,
            vcpus_limit=host.vcpus.total * host.vcpus.allocation_ratio,
            vcpus_used=host.vcpus.used,
            vcpus_asked=request.flavor.vcpus,
        )
        verdict = judge_room(verdict, room)
    return Answer(HostCheck.HYPERVISOR, verdict.reason, verdict.evidence)


def answer_move(request: Request, host: Host) -> Answer:
    """Answer whether the server would leave its host.

    nova gives the scheduler the server's host in ``ignore_hosts`` for an
    evacuation and a live migration; for a cold migration and a resize
    ``nova.compute.api.API._allow_resize_to_same_host`` may leave it in.
    """
    if host.name != request.origin:
        return Answer(HostCheck.MOVE, Reason.SUITABLE)
    evidence = [Evidence('server', 'is on this host')]
    if _SAME_HOST in host.traits:
        what = f'with {_SAME_HOST}: a cold migration may stay here'
        evidence.append(Evidence('Placement', what))
    return Answer(HostCheck.MOVE, Obstacle.OWN_HOST, tuple(evidence))


def answer_image_properties(request: Request, host: Host) -> Answer:
    """Answer as ``ImagePropertiesFilter`` does."""
    if request.image is None:
        image = Evidence('server', 'image properties')
        doubts = (whether(image, 'the driver supports them'),)
        return Answer(
            HostCheck.IMAGE_PROPERTIES, Reason.SUITABLE, undetermined=doubts
        )
    return _compared(
        HostCheck.IMAGE_PROPERTIES,
        image_properties.compare(request.image, host),
        Obstacle.IMAGE_PROPERTIES_DIFFER,
    )


def answer_capabilities(request: Request, host: Host) -> Answer:
    """Answer as ``ComputeCapabilitiesFilter`` does."""
    return _compared(
        HostCheck.CAPABILITIES,
        capabilities.compare(request.flavor.extra_specs, host),
        Obstacle.CAPABILITIES_DIFFER,
    )


def _compared(
    check: HostCheck, found: Comparison, obstacle: Obstacle
) -> Answer:
    if found.differences:
        return Answer(check, obstacle, found.differences)
    return Answer(check, Reason.SUITABLE, undetermined=found.undetermined)


def answer_project(aggregates: list[Aggregate], project: str) -> Answer:
    """Answer as ``AggregateMultiTenancyIsolation`` does.

    :param aggregates: those of the host
    :param project: id of the one whose request it is
    """
    evidence = []
    admitted: set[str] = set()
    for aggregate in aggregates:
        for key, value in aggregate.metadata.items():
            if key.startswith(_PROJECT_KEY):
                place = f'aggregate {aggregate.name}'
                evidence.append(Evidence(place, key, value))
                admitted.update(map(str.strip, value.split(',')))
    reason: Reason | Obstacle = Reason.SUITABLE
    if evidence and project not in admitted:
        reason = Obstacle.OTHER_PROJECTS
    return Answer(HostCheck.PROJECT, reason, tuple(evidence))


def answer_service(host: Host) -> Answer:
    """Answer as ``ComputeFilter`` does."""
    service = ComputeService.from_record(host)
    if service.disabled_reason is not None:
        why = service.disabled_reason or 'no reason given'
        evidence = Evidence('nova-compute', 'disabled', why)
        return Answer(
            HostCheck.SERVICE, Obstacle.SERVICE_DISABLED, (evidence,)
        )
    if service.troubles:
        evidence = Evidence('nova-compute', 'down')
        return Answer(HostCheck.SERVICE, Obstacle.SERVICE_DOWN, (evidence,))
    return Answer(HostCheck.SERVICE, Reason.SUITABLE)
