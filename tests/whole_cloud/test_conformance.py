# SPDX-License-Identifier: Apache-2.0
"""Running drivers do what the committed results say.

One server for each kind of answer, so that this takes a minute: ``python -m
testbed.conformance`` boots one for each value.
"""

import random

import pytest

pytest.importorskip('keystone', reason='the extra `cloud` is not installed')

from testbed.conformance import finding
from testbed.conformance import tables
from testbed.conformance import versions
from testbed.conformance.boots import Boots
from tests.whole_cloud.tenant import forget_failed_builds


def sample(findings):
    """Return one finding of each property, side and outcome.

    At random: each run shows other values, and in time all.
    """
    kinds = {}
    for found in findings:
        kind = (found.key.side, found.key.name, found.outcome)
        kinds.setdefault(kind, []).append(found)
    return [random.choice(kind) for kind in kinds.values()]


def answer(found):
    """Return what may not change: not the words, which may name an address."""
    return found.outcome, found.by, found.device


def test_drivers_do_what_the_results_say(whole_cloud):
    lacks = Boots.lacks(whole_cloud)
    if lacks:
        pytest.skip(f'this cannot be run: {lacks}')
    record = finding.read()
    expected = sample(record.findings)
    assert len(expected) >= 30
    try:
        with Boots(whole_cloud) as boots:
            found = boots.run([each.trial for each in expected])
    finally:
        forget_failed_builds(whole_cloud)
    assert tables.unexplained(found) == []
    # Others may have other words for it, or do it otherwise.
    if {**versions.of_packages(), **boots.versions} == record.versions:
        pairs = zip(expected, found, strict=True)
        differ = [pair for pair in pairs if len(set(map(answer, pair))) > 1]
        assert differ == []
