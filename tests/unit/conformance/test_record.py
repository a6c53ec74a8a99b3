# SPDX-License-Identifier: Apache-2.0
"""The committed findings against the core's tables, nova and the page."""

import collections
import dataclasses
from importlib import metadata

import pytest
from nova.objects import fields

from testbed.conformance import finding
from testbed.conformance import pages
from testbed.conformance import tables
from testbed.conformance import trials
from testbed.conformance.finding import Finding
from testbed.conformance.finding import Outcome
from testbed.conformance.finding import Trial

RECORD = finding.read()


def values(side, name):
    return {
        found.key.value
        for found in RECORD.findings
        if (found.key.side, found.key.name) == (side, name)
    }


def test_drivers_do_what_the_tables_say_or_there_is_a_reason():
    assert tables.unexplained(RECORD.findings) == []


@pytest.mark.parametrize('number', range(len(tables.DIFFERENCES)))
def test_every_reason_is_still_needed(number):
    known = tables.DIFFERENCES[number]
    found = [each.key for each in RECORD.findings if known.has(each)]
    assert {key.name for key in found} == known.values.keys()
    for name, listed in known.values.items():
        if listed:
            assert {k.value for k in found if k.name == name} == set(listed)


def test_a_reason_explains_nothing_else():
    counts = collections.Counter(
        found.key
        for found in RECORD.findings
        for known in tables.DIFFERENCES
        if known.has(found)
    )
    assert set(counts.values()) == {1}


@pytest.mark.parametrize(
    ('image', 'outcome'),
    [
        # As the table says.
        ({'disk_format': 'qcow2', 'hw_disk_bus': 'sata'}, Outcome.REFUSED),
        ({'disk_format': 'qcow2', 'hw_disk_bus': 'sata'}, Outcome.IGNORED),
        ({'disk_format': 'qcow2', 'hw_disk_bus': 'sata'}, Outcome.HANGS),
        ({'disk_format': 'qcow2', 'hw_disk_bus': 'xen'}, Outcome.BOOTS),
        ({'disk_format': 'qcow2', 'hw_disk_bus': 'xen'}, Outcome.IGNORED),
    ],
)
def test_what_differs_without_a_reason_is_named(image, outcome):
    found = Finding(Trial('kvm', 'hw_disk_bus', image), outcome)
    assert tables.unexplained([found]) == [found]
    right = dataclasses.replace(found, outcome=tables.foretold(found.trial))
    assert tables.unexplained([right]) == []


def test_who_hangs_is_as_good_as_refused():
    image = {'disk_format': 'qcow2', 'hw_disk_bus': 'xen'}
    hangs = Finding(Trial('kvm', 'hw_disk_bus', image), Outcome.HANGS)
    assert tables.foretold(hangs.trial) is Outcome.REFUSED
    assert tables.unexplained([hangs]) == []


def test_the_page_shows_these_findings():
    for name, text in pages.parts(RECORD).items():
        path = finding.FILE.with_name(f'{name}.rst')
        assert path.read_text() == text, 'python -m testbed.conformance'


def test_what_is_written_is_read(tmp_path):
    finding.write(RECORD, tmp_path / 'findings.json')
    assert finding.read(tmp_path / 'findings.json') == RECORD


def test_no_server_shows_two_things_at_once():
    keys = [found.key for found in RECORD.findings]
    assert len(keys) == len(set(keys))


def test_every_value_of_novas_is_there():
    if metadata.version('nova') != RECORD.versions['nova']:
        pytest.skip('the findings are of another nova')
    for side in trials.SIDES:
        models = {*fields.VIFModel.ALL, *fields.VIFModel.LEGACY_VALUES}
        assert values(side, 'hw_vif_model') == models
        assert values(side, 'hw_disk_bus') == set(fields.DiskBus.ALL)
        assert values(side, 'hw_scsi_model') == set(fields.SCSIModel.ALL)
        assert values(side, 'architecture') == set(fields.Architecture.ALL)
    formats = [sorted(values('kvm', name)) for name in pages.TITLES]
    known = {found.key for found in RECORD.findings}
    assert {trial.key for trial in trials.trials(*formats)} == known


def test_what_is_refused_has_words_and_what_runs_has_none():
    for found in RECORD.findings:
        is_refused = found.outcome is Outcome.REFUSED
        assert is_refused == bool(found.by) == bool(found.words)
