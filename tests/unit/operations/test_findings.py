# SPDX-License-Identifier: Apache-2.0
"""What findings and checks of all areas have in common."""

import pathlib
import re

import pytest

from hypervisor_affinity.operations.audit import CloudCheck
from hypervisor_affinity.operations.findings import IN_FINDING
from hypervisor_affinity.operations.findings import Check
from hypervisor_affinity.operations.findings import Finding
from hypervisor_affinity.operations.findings import Remedy
from hypervisor_affinity.operations.findings import Severity
from hypervisor_affinity.operations.image_audit import ImageCheck
from hypervisor_affinity.operations.vcenter.checks import VCenterCheck

PAGES = pathlib.Path(__file__).parents[3] / 'doc/source/cli'


class Colour(Check):
    RED = 'red', Severity.ERROR, 'paint it', 'It is red.'
    GREY = 'grey', Severity.INFO, IN_FINDING, 'It is ``grey``.'


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


@pytest.mark.parametrize(
    'values', [('x',), ('x', Severity.INFO), ('x', Severity.INFO, 'do it')]
)
def test_a_check_that_lacks_something_is_refused(values):
    with pytest.raises(TypeError, match='meaning'):

        class Forgetful(Check):
            X = values


@pytest.mark.parametrize(
    'check', [*CloudCheck, *ImageCheck, *VCenterCheck], ids=str
)
def test_a_meaning_is_a_sentence(check):
    assert re.fullmatch(r'[A-Z`a-z].*\.', check.meaning)
    assert '\n' not in check.meaning


@pytest.mark.parametrize(
    ('page', 'area'),
    [
        ('audit', CloudCheck),
        ('image-audit', ImageCheck),
        ('vcenter-check', VCenterCheck),
    ],
)
def test_the_page_of_the_command_lists_its_checks(page, area):
    """The directive makes the list."""
    listing = f'\n.. code-list:: {area.__module__} {area.__name__}\n'
    assert listing in (PAGES / f'{page}.rst').read_text()
