# SPDX-License-Identifier: Apache-2.0
"""Why each host would take a request or not.

Our own answer is the filter's. The others are nova's and Placement's, as far
as the APIs tell what those decide by: they are there because a host has to
pass all of them. Where they do not tell, a host passes as far as is known, and
its answer says what is not.

``answers`` has the shape of it; ``scheduler_filters`` and ``placement`` say
what these would decide.
"""

import functools
from collections.abc import Callable, Iterable

from hypervisor_affinity.cloud.resource_request import ResourceRequest
from hypervisor_affinity.cloud.resource_request import read_request
from hypervisor_affinity.cloud.snapshot import Host
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.core.reason import Evidence
from hypervisor_affinity.core.reason import Reason
from hypervisor_affinity.operations import judging
from hypervisor_affinity.operations.explanation import placement
from hypervisor_affinity.operations.explanation import scheduler_filters
from hypervisor_affinity.operations.explanation.answers import Answer
from hypervisor_affinity.operations.explanation.answers import Explanation
from hypervisor_affinity.operations.explanation.answers import Group
from hypervisor_affinity.operations.explanation.answers import HostAnswer
from hypervisor_affinity.operations.explanation.answers import HostCheck
from hypervisor_affinity.operations.explanation.answers import Obstacle
from hypervisor_affinity.operations.offers import HostOffers
from hypervisor_affinity.operations.requests import Request

__all__ = [
    'Answer',
    'Explanation',
    'Group',
    'HostAnswer',
    'HostCheck',
    'Obstacle',
    'explain',
]


def explain(
    request: Request,
    hosts: Iterable[Host],
    offers: HostOffers,
    policy: Policy,
    project: str | None = None,
) -> Explanation:
    """Ask every check about every host that matters.

    :param project: id of the project whose request it is; None to leave
        projects out
    """
    asked = read_request(
        request.flavor, request.image or {}, volume=request.volume
    )
    answers = []
    for host in hosts:
        if request.host not in (None, host.name):
            continue
        aggregates = offers.aggregates(host)
        checks = _checks(request, host, offers, policy, asked)
        if project is not None:
            by_project = functools.partial(
                scheduler_filters.answer_project, aggregates, project
            )
            checks[HostCheck.PROJECT] = by_project
        found = tuple(
            _answer(check, host, checks[check])
            for check in HostCheck
            if check in checks
        )
        names = tuple(aggregate.name for aggregate in aggregates)
        answers.append(HostAnswer(host, found, names))
    return Explanation(request.title, request.demand, tuple(answers))


def _checks(
    request: Request,
    host: Host,
    offers: HostOffers,
    policy: Policy,
    asked: ResourceRequest,
) -> dict[HostCheck, Callable[[], Answer]]:
    """Return what answers for a host, but for what depends on the project."""
    rebuild = request.demand.rebuild
    traits = (
        placement.answer_traits_of_rebuild
        if rebuild
        else placement.answer_traits
    )
    checks = {
        HostCheck.HYPERVISOR: lambda: scheduler_filters.answer_hypervisor(
            request, host, offers, policy
        ),
        HostCheck.IMAGE_PROPERTIES: lambda: (
            scheduler_filters.answer_image_properties(request, host)
        ),
        HostCheck.CAPABILITIES: lambda: scheduler_filters.answer_capabilities(
            request, host
        ),
        HostCheck.SERVICE: lambda: scheduler_filters.answer_service(host),
        HostCheck.TRAITS: lambda: traits(host, asked),
        HostCheck.ROOM: lambda: placement.answer_room(host, asked),
    }
    if request.origin is not None:
        checks[HostCheck.MOVE] = lambda: scheduler_filters.answer_move(
            request, host
        )
    if rebuild:
        # nova does not run that filter for one, and the server has its place.
        for check in (HostCheck.CAPABILITIES, HostCheck.ROOM):
            checks[check] = functools.partial(Answer, check, Reason.SUITABLE)
    return checks


def _answer(check: HostCheck, host: Host, ask: Callable[[], Answer]) -> Answer:
    """Return an answer, also where something is not as anybody foresaw."""
    try:
        return ask()
    except Exception as error:
        why = judging.evidence(f'{check} of host {host.name}', error)
        evidence = Evidence('hypervisor-affinity', why)
        return Answer(check, Obstacle.NOT_JUDGED, (evidence,))
