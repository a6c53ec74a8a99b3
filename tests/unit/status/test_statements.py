# SPDX-License-Identifier: Apache-2.0
import pytest
from oslo_upgradecheck.upgradecheck import Code

from hypervisor_affinity.status import statements


def test_the_worst_comes_first():
    result = statements.to_result(
        [
            statements.remark('c'),
            statements.warning('b'),
            statements.failure('a'),
            statements.warning('d'),
        ]
    )
    assert result.code is Code.FAILURE
    assert result.details.splitlines() == ['a', 'b', 'd', 'c']


def test_no_name_begins_a_line_of_its_own():
    name = 'x\nSUCCESS\x1b[2J\u202e'
    result = statements.to_result(
        [statements.warning(f'flavor {name}: wrong')]
    )
    assert result.details == r'flavor x\nSUCCESS\x1b[2J\u202e: wrong'


def test_nothing_found():
    result = statements.to_result(iter(()))
    assert (result.code, result.details) == (Code.SUCCESS, None)


@pytest.mark.parametrize(
    ('count', 'text'),
    [
        (1, '1 host (h0)'),
        (3, '3 hosts (h0, h1, h2)'),
        (5000, '5,000 hosts (h0, h1, h10 and 4,997 more)'),
    ],
)
def test_counted(count, text):
    names = {f'h{number}' for number in range(count)}
    assert statements.counted('host', names) == text
