# SPDX-License-Identifier: Apache-2.0
"""The case table against the core alone."""

import pytest

from hypervisor_affinity.core import explanation
from hypervisor_affinity.core.demand import classify
from hypervisor_affinity.core.offer import AggregateTags
from hypervisor_affinity.core.offer import DriverReport
from hypervisor_affinity.core.offer import read_offer
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.core.reason import Reason
from hypervisor_affinity.core.verdict import Room
from hypervisor_affinity.core.verdict import judge
from hypervisor_affinity.core.verdict import judge_room
from tests import case_table


def policy_of(case):
    options = dict(case.options)
    if 'preferred_hypervisors' in options:
        order = tuple(options['preferred_hypervisors'])
        options['preferred_hypervisors'] = order
    return Policy(**options)


def demand_of(case):
    return classify(
        case.image or {},
        case.extra_specs,
        policy_of(case),
        volume=case.volume,
        runs_on=case.runs_on,
        rebuild=case.rebuild,
    )


def offer_of(host, policy):
    tags = [
        AggregateTags(f'{host.name}-{number}', metadata)
        for number, metadata in enumerate(host.aggregates)
    ]
    report = DriverReport(
        host.driver['hypervisor_type'], tuple(host.driver['supported'])
    )
    return read_offer(tags, report, policy)


def verdict_on(case, host):
    policy = policy_of(case)
    verdict = judge(demand_of(case), offer_of(host, policy), policy)
    room = Room(
        ram_limit=case_table.RAM_MB,
        ram_used=case_table.RAM_MB * host.used / 100,
        ram_asked=case_table.RAM_MB / 10,
        vcpus_limit=case_table.VCPUS,
        vcpus_used=case_table.VCPUS * host.used / 100,
        vcpus_asked=case_table.VCPUS / 10,
    )
    return judge_room(verdict, room)


@pytest.mark.parametrize('case', case_table.cases(), ids=str)
def test_demand(case):
    demand = demand_of(case)
    assert demand.refusal == case.refusal
    if not case.refusal:
        assert demand.required == case.required


@pytest.mark.parametrize('case', case_table.cases(), ids=str)
def test_verdicts(case):
    found = {
        host.name: str(verdict_on(case, host).reason)
        for host, _ in case.expected
    }
    assert found == {host.name: reason for host, reason in case.expected}


@pytest.mark.parametrize(
    'case', [case for case in case_table.cases() if case.user], ids=str
)
def test_user_text(case):
    verdicts = [verdict_on(case, host) for host, _ in case.expected]
    rejecting = {v.reason: v for v in verdicts if not v.passes}
    text = explanation.user_text(demand_of(case), rejecting)
    assert text == case.user


@pytest.mark.parametrize(
    'case', [case for case in case_table.cases() if case.warns], ids=str
)
def test_what_cannot_be_read_is_named(case):
    problems = list(demand_of(case).problems)
    for host, _ in case.expected:
        problems += offer_of(host, policy_of(case)).problems
    assert any(case.warns in str(problem) for problem in problems)


def test_every_reason_is_shown_by_a_case():
    shown = {
        reason for case in case_table.cases() for _, reason in case.expected
    }
    # These two are what is left when an object of nova's breaks.
    broken = {Reason.UNREADABLE_REQUEST, Reason.UNREADABLE_HOST}
    assert shown == set(Reason) - broken


def test_names_are_unique():
    names = [str(case) for case in case_table.cases()]
    assert len(names) == len(set(names))
