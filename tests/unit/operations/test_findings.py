# SPDX-License-Identifier: Apache-2.0
"""What findings and checks of all areas have in common."""

import pytest

from hypervisor_affinity.operations.findings import IN_FINDING
from hypervisor_affinity.operations.findings import Check
from hypervisor_affinity.operations.findings import Finding
from hypervisor_affinity.operations.findings import Remedy
from hypervisor_affinity.operations.findings import Severity


class Colour(Check):
    RED = 'red', Severity.ERROR, 'paint it'
    GREY = 'grey', Severity.INFO, IN_FINDING


def test_a_check_is_its_code():
    assert Colour.RED == 'red' == f'{Colour.RED}' == Colour.RED.value
    assert Colour('red') is Colour.RED


def test_a_finding_has_the_severity_and_the_advice_of_its_check():
    finding = Finding(Colour.RED, 'wall', 'seen')
    assert (finding.severity, finding.advice) == (Severity.ERROR, 'paint it')
    assert finding.changes == {}


def test_a_remedy_counts_for_its_finding_alone():
    remedy = Remedy('wash it', {'colour': None})
    finding = Finding(Colour.GREY, 'wall', 'seen', remedy=remedy)
    assert (finding.advice, finding.changes) == ('wash it', {'colour': None})


@pytest.mark.parametrize('values', [('x',), ('x', Severity.INFO)])
def test_a_check_without_severity_or_advice_is_refused(values):
    with pytest.raises(TypeError, match='advice'):

        class Forgetful(Check):
            X = values
