# SPDX-License-Identifier: Apache-2.0
"""What others write is cited on one line, and never at length."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hypervisor_affinity.core.printable import LONGEST
from hypervisor_affinity.core.printable import cited
from hypervisor_affinity.core.reason import Evidence
from hypervisor_affinity.core.reason import Problem


@pytest.mark.parametrize(
    ('text', 'shown'),
    [
        ('', ''),
        ('ubuntu64Guest', 'ubuntu64Guest'),
        ('Größe 大', 'Größe 大'),
        ('a\nERROR b', 'a\\nERROR b'),
        ('\x1b[31m', '\\x1b[31m'),
        ('a' * 255, 'a' * 255),
        ('a' * 256, 'a' * 254 + '…'),
        ('\0' * 60_000, '\\x00' * 63 + '\\x' + '…'),
    ],
)
def test_cited(text, shown):
    assert cited(text) == shown


@given(st.text(), st.integers(0, 300))
def test_it_is_short_and_printable_whatever_it_is(text, times):
    found = cited(text * times)
    assert len(found) <= LONGEST
    assert found.isprintable()


def test_all_parts_of_a_complaint_are():
    evidence = Evidence('aggregate ' + 'a' * 999, 'key', 'b' * 999)
    complaint = str(Problem(evidence, 'c\n' * 999))
    assert len(complaint) <= 3 * LONGEST + 4
    assert complaint.isprintable()
