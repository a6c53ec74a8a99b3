# SPDX-License-Identifier: Apache-2.0
"""The case table against the core alone."""

import pytest

from hypervisor_affinity.core import explanation
from hypervisor_affinity.core.reason import Reason
from tests import case_table
from tests.case_verdicts import demand_of
from tests.case_verdicts import offer_of
from tests.case_verdicts import policy_of
from tests.case_verdicts import verdict_on


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
