# SPDX-License-Identifier: Apache-2.0
"""Which runs of tempest are no success."""

import pytest

pytest.importorskip('subunit', reason='tempest is not installed')

from testbed.processes.tempest_run import Outcome

PASSED = 'plugin.SomeTest.test_passed'
BROKEN = 'plugin.SomeTest.test_broken'
SKIPPED = {'plugin.SomeTest.test_skipped': 'glance is not available'}


def complaints(code=0, passed=(PASSED,), broken=(), skipped=()):
    outcome = Outcome(code, passed, broken, dict(skipped))
    return outcome.complaints(expected_skips=['test_expected'])


def test_success():
    assert complaints() == []


def test_expected_skip():
    assert complaints(skipped={'plugin.SomeTest.test_expected': 'so'}) == []


def test_failed_test_is_named():
    assert complaints(code=1, broken=[BROKEN]) == [f'failed: {BROKEN}']


def test_skipped_test_is_named_with_its_reason():
    assert complaints(skipped=SKIPPED) == [
        'skipped: plugin.SomeTest.test_skipped: glance is not available'
    ]


def test_no_test():
    assert complaints(passed=()) == ['no test passed']


def test_tempest_failed_otherwise():
    assert complaints(code=2) == ['tempest exited with status 2']
