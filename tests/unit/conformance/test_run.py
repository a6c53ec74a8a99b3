# SPDX-License-Identifier: Apache-2.0
"""What is tried, where it can be, and how results are put together."""

import io
import os
import pathlib
import sys
import tarfile
import types

import pytest
from nova.virt.vmwareapi import images

from testbed.conformance import __main__ as command
from testbed.conformance import finding
from testbed.conformance import trials
from testbed.conformance import versions
from testbed.conformance.boots import Boots
from testbed.conformance.finding import Finding
from testbed.conformance.finding import Outcome
from testbed.conformance.finding import Record
from testbed.conformance.finding import Trial
from testbed.processes import compute
from testbed.processes import directory
from tests.installed import skip_without


def cloud(kvm, *beside):
    return types.SimpleNamespace(
        hosts=(kvm('kvm-1', *beside), compute.vsphere_host('vc-1')),
        folder=pathlib.Path('/cloud'),
    )


def test_a_faked_kvm_shows_nothing():
    lacks = Boots.lacks(cloud(compute.faked_kvm_host))
    assert lacks.startswith('kvm-1 is faked: ')


def test_a_real_one_does():
    assert Boots.lacks(cloud(compute.kvm_host, 'qemu')) is None


def found(name, value, outcome=Outcome.BOOTS):
    image = {'disk_format': 'qcow2', name: value}
    return Finding(Trial('kvm', name, image), outcome)


def test_other_findings_of_a_property_take_its_place():
    first, second, third = (
        found('hw_disk_bus', 'ide'),
        found('hw_vif_model', 'e1000'),
        found('architecture', 'x86_64'),
    )
    versions = {'nova': '34', 'QEMU': '7'}
    record = Record({}, [])
    for each in (first, second, third):
        record = record.with_property(each.trial.name, [each], versions)
    assert record == Record(versions, [first, second, third])
    other = found('hw_vif_model', 'pcnet', Outcome.HANGS)
    # Of a property that only Glance refuses, QEMU says nothing.
    replaced = record.with_property('hw_vif_model', [other], {'nova': '34'})
    assert replaced == Record(versions, [first, other, third])


def test_findings_of_different_versions_are_not_mixed():
    record = Record({'nova': '34'}, [found('hw_disk_bus', 'ide')])
    with pytest.raises(ValueError, match='of nova 34, and now it is 35'):
        record.with_property('hw_vif_model', [], {'nova': '35'})


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Return a function that runs the command on a cloud that is no good."""
    monkeypatch.setattr(directory, 'is_in', lambda folder: True)
    monkeypatch.setattr(compute, 'hosts', lambda folder: ())
    monkeypatch.setattr(command, 'Cloud', lambda *beside, **options: None)
    monkeypatch.setattr(Boots, 'lacks', lambda cloud: None)

    def run(*arguments):
        argv = ['conformance', f'--directory={tmp_path}', *arguments]
        monkeypatch.setattr(sys, 'argv', argv)
        with pytest.raises(SystemExit) as ended:
            command.main()
        return ended.value.code

    return run


def test_what_is_refused_before_anything_is_booted(run, monkeypatch, tmp_path):
    before = finding.FILE.read_bytes()
    said = 'this cannot be run: '
    assert run('--property=hw_nothing') == (
        f'{said}no such property: hw_nothing'
    )
    monkeypatch.setattr(versions, 'of_packages', lambda: {'nova': '1'})
    found = finding.read().versions['nova']
    assert run('--property=hw_vif_model') == (
        f'{said}the other findings are of nova {found}, and now it is 1'
    )
    monkeypatch.setattr(os, 'access', lambda path, mode: False)
    assert run().endswith('findings.json cannot be written')
    monkeypatch.setattr(os, 'geteuid', lambda: os.getuid() + 1000)
    assert f'this is a cloud of {tmp_path.owner()}' in run()
    assert finding.FILE.read_bytes() == before


def test_nova_finds_the_disk_in_an_ova():
    skip_without('qemu-img')
    image = {'disk_format': 'vmdk', 'container_format': 'ova'}
    with tarfile.open(fileobj=io.BytesIO(trials.content(image))) as archive:
        descriptor, disk = archive.getmembers()
        text = archive.extractfile(descriptor).read()
        content = archive.extractfile(disk).read()
    assert disk.name == images.get_vmdk_name_from_ovf(text)
    assert content.startswith(b'KDMV')


def test_a_flat_disk_is_its_content_alone():
    skip_without('qemu-img')
    flat, sparse = (
        trials.content({'disk_format': 'vmdk', 'vmware_disktype': kind})
        for kind in ('thin', 'sparse')
    )
    assert flat[510:512] == b'\x55\xaa'
    assert b'createType="monolithicSparse"' in sparse


@pytest.mark.parametrize('name', ['vmware_disktype', 'vmware_ostype'])
def test_one_value_differs_from_another_by_its_case_alone(name):
    every = trials.trials(['qcow2', 'vmdk'], ['bare', 'ova'])
    values = {trial.key.value for trial in every if trial.name == name}
    mixed = {value for value in values if value != value.lower()}
    assert len(values & {value.lower() for value in mixed}) == 1
