# SPDX-License-Identifier: Apache-2.0
"""What the core makes of a row of the case table: for tests and pages."""

from hypervisor_affinity.core.demand import Demand
from hypervisor_affinity.core.demand import classify
from hypervisor_affinity.core.offer import AggregateTags
from hypervisor_affinity.core.offer import DriverReport
from hypervisor_affinity.core.offer import HostOffer
from hypervisor_affinity.core.offer import read_offer
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.core.verdict import Room
from hypervisor_affinity.core.verdict import Verdict
from hypervisor_affinity.core.verdict import judge
from hypervisor_affinity.core.verdict import judge_room
from tests import case_table
from tests.case_table import Case
from tests.case_table import Host


def policy_of(case: Case) -> Policy:
    """Return the options of a row."""
    options = dict(case.options)
    if 'preferred_hypervisors' in options:
        order = tuple(options['preferred_hypervisors'])
        options['preferred_hypervisors'] = order
    return Policy(**options)


def demand_of(case: Case) -> Demand:
    """Return what a row's request asks."""
    return classify(
        case.image or {},
        case.extra_specs,
        policy_of(case),
        volume=case.volume,
        underneath=case.runs_on,
        grows=case.has < case_table.ASKED,
        rebuild=case.rebuild,
    )


def offer_of(host: Host, policy: Policy) -> HostOffer:
    """Return what a host of the table offers."""
    tags = [
        AggregateTags(f'{host.name}-{number}', metadata)
        for number, metadata in enumerate(host.aggregates)
    ]
    report = DriverReport(
        host.driver['hypervisor_type'], tuple(host.driver['supported'])
    )
    return read_offer(tags, report, policy)


def verdict_on(case: Case, host: Host) -> Verdict:
    """Return the core's answer for one host of a row."""
    policy = policy_of(case)
    verdict = judge(demand_of(case), offer_of(host, policy), policy)
    asked = case_table.ASKED
    if case.runs_on is not None:
        asked -= case.has
    room = Room(
        ram_limit=case_table.RAM_MB,
        ram_used=case_table.RAM_MB * host.used / 100,
        ram_asked=case_table.RAM_MB * asked / 100,
        vcpus_limit=case_table.VCPUS,
        vcpus_used=case_table.VCPUS * host.used / 100,
        vcpus_asked=case_table.VCPUS * asked / 100,
    )
    return judge_room(verdict, room)
