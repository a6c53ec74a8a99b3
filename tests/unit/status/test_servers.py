# SPDX-License-Identifier: Apache-2.0
import pytest
from nova.objects import fields

from hypervisor_affinity.operations.findings import Severity
from hypervisor_affinity.status import servers
from hypervisor_affinity.status.databases import EmulatedServer
from tests.unit.scheduler import novas_drivers


def found(*architectures):
    return list(
        servers.check_emulated(
            EmulatedServer(f'id-{number}', architecture)
            for number, architecture in enumerate(architectures)
        )
    )


def test_no_such_server():
    assert found() == []
    assert found(None, '') == []


@pytest.mark.parametrize('architecture', sorted(fields.Architecture.ALL))
def test_all_architectures_of_nova(architecture):
    reported = {triple[0] for triple in novas_drivers.vsphere_reports()}
    findings = found(architecture)
    assert bool(findings) is (architecture not in reported)
    for finding in findings:
        assert finding.severity is Severity.WARNING
        assert '1 server (id-0) on vCenter hosts' in finding.text
        assert f'hw_emulation_architecture={architecture},' in finding.text


@pytest.mark.parametrize('spelling', ['AMD64', 'i386', 'X86_64'])
def test_what_nova_makes_of_a_spelling(spelling):
    # nova keeps what the image's owner wrote.
    assert fields.Architecture.canonicalize(spelling) in ('i686', 'x86_64')
    assert found(spelling) == []


def test_a_finding_for_each_architecture():
    arm, mainframe = found('s390x', 'AArch64', *['aarch64'] * 4)
    assert '5 servers (id-1, id-2, id-3 and 2 more)' in arm.text
    assert '1 server (id-0)' in mainframe.text
