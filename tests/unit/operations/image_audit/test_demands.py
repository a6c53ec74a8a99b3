# SPDX-License-Identifier: Apache-2.0
"""Which images an audit finds to ask for what they cannot have."""

import pytest

from hypervisor_affinity.cloud.snapshot import Image
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.core.reason import Reason
from hypervisor_affinity.operations.image_audit import ImageCheck
from hypervisor_affinity.operations.image_audit import audit
from tests.unit.operations.image_audit.images import IN_ORDER
from tests.unit.operations.image_audit.images import advice
from tests.unit.operations.image_audit.images import demand_of
from tests.unit.operations.image_audit.images import fixed
from tests.unit.operations.image_audit.images import found
from tests.unit.operations.image_audit.images import vmdk


@pytest.mark.parametrize(
    ('disk_format', 'own', 'way'),
    [
        (
            'qcow2',
            {'hypervisor_type': 'vmware'},
            'set image property hypervisor_type=kvm',
        ),
        (
            'vhd',
            {'hypervisor_type': 'kvm'},
            'convert the image to qcow2',
        ),
        (
            'vmdk',
            {**IN_ORDER, 'hw_vif_model': 'virtio'},
            'set image property hw_vif_model to one of e1000, e1000e, pcnet, '
            'sriov, vmxnet, vmxnet3, or remove hw_vif_model',
        ),
        (
            'vmdk',
            {**IN_ORDER, 'hw_vif_model': 'rtl8139'},
            'set image property hw_vif_model to one of e1000',
        ),
        (
            'vmdk',
            {
                'hypervisor_type': 'vmware',
                'vmware_disktype': 'thin',
                'vmware_ostype': 'ubuntu64Guest',
                'hw_disk_bus': 'scsi',
                'hw_scsi_model': 'virtio-scsi',
            },
            'set image property hw_scsi_model to one of buslogic, lsilogic, '
            'lsisas1068, vmpvscsi, or remove hw_scsi_model and hw_disk_bus',
        ),
        (
            'vmdk',
            {**IN_ORDER, 'architecture': 'aarch64'},
            'set image property hypervisor_type=kvm',
        ),
    ],
)
def test_what_no_hypervisor_can_run(disk_format, own, way):
    image = Image('x', disk_format=disk_format, properties=own)
    assert demand_of(image).refusal is Reason.CANNOT_BOOT
    assert found(image) == {ImageCheck.CONTRADICTORY: {}}
    assert way in advice(image, ImageCheck.CONTRADICTORY)


def test_an_architecture_is_not_to_be_concealed():
    image = vmdk(architecture='aarch64')
    assert 'remove image property architecture' not in advice(
        image, ImageCheck.CONTRADICTORY
    )


def test_what_nova_lets_through_and_fails():
    image = vmdk(hw_emulation_architecture='aarch64')
    assert demand_of(image).refusal is None
    assert found(image) == {ImageCheck.CONTRADICTORY: {}}
    (finding,) = audit(image, Policy())
    assert finding.evidence == (
        'image needs VMware (hypervisor_type=vmware), where a server with '
        'hw_emulation_architecture=aarch64 would fail'
    )
    assert finding.advice.startswith('set image property hypervisor_type=kvm')


@pytest.mark.parametrize(
    ('disk_format', 'own', 'way'),
    [
        ('vhd', {}, 'convert the image to qcow2'),
        ('ploop', {}, 'convert the image to qcow2'),
        (
            'qcow2',
            {'vmware_adaptertype': 'busLogic'},
            'set image property vmware_adaptertype to one of lsiLogic, '
            'lsiLogicsas, paraVirtual, or remove vmware_adaptertype',
        ),
        (
            'iso',
            {'hw_vif_model': 'netfront'},
            'set image property hw_vif_model to one of e1000, e1000e, pcnet, '
            'vmxnet3, or remove hw_vif_model',
        ),
        (
            'iso',
            {'hw_disk_bus': 'xen', 'os_distro': 'debian'},
            'set image property hypervisor_type=vmware, and set image '
            'property os_distro to the guest id of its system',
        ),
    ],
)
def test_what_runs_nowhere_although_it_asks_for_nothing(disk_format, own, way):
    image = Image('x', disk_format=disk_format, properties=own)
    demand = demand_of(image)
    assert (demand.refusal, demand.impossible) == (None, {'kvm', 'vmware'})
    assert found(image) == {ImageCheck.RUNS_NOWHERE: {}}
    assert way in advice(image, ImageCheck.RUNS_NOWHERE)


def test_what_names_another_hypervisor_may_run_there():
    image = Image(
        'x', disk_format='vhd', properties={'hypervisor_type': 'hyperv'}
    )
    assert found(image) == {}


@pytest.mark.parametrize(
    ('own', 'removed'),
    [
        ({'vmware_ostype': 'ubuntu64Guest'}, {'vmware_ostype'}),
        # nova would read the other one, then.
        (
            {
                'vmware_ostype': 'ubuntu64Guest',
                'os_distro': 'ubuntu64Guest',
            },
            {'vmware_ostype', 'os_distro'},
        ),
        # This one nova does not read.
        (
            {'vmware_ostype': 'ubuntu64Guest', 'os_distro': 'ubuntu'},
            {'vmware_ostype'},
        ),
        ({'vmware_ostype': 'UBUNTU64Guest'}, {'vmware_ostype'}),
        (
            {
                'vmware_image_version': '1',
                'vmware_linked_clone': 'true',
                'vmware_disktype': 'streamoptimized',
                'hypervisor_type': 'kvm',
            },
            {'vmware_image_version', 'vmware_linked_clone', 'vmware_disktype'},
        ),
    ],
)
@pytest.mark.parametrize('disk_format', ['qcow2', 'raw'])
def test_what_a_conversion_leaves(disk_format, own, removed):
    image = Image('x', disk_format=disk_format, properties=own)
    assert found(image) == {ImageCheck.LEFT_OVER: dict.fromkeys(removed)}
    (finding,) = audit(image, Policy())
    assert finding.evidence.endswith(
        f'; VMware cannot boot an image with disk_format={disk_format}'
    )
    after = fixed(image)
    assert found(after) == {}
    before, now = demand_of(image), demand_of(after)
    assert (now.required, now.impossible) == (
        before.required,
        before.impossible,
    )
    assert not now.leftovers


def test_what_another_driver_reads_is_not_left_over():
    image = Image(
        'x',
        disk_format='qcow2',
        properties={'vmware_adaptertype': 'paraVirtual'},
    )
    assert found(image) == {}


def test_a_disk_of_esxi_may_be_meant_for_it():
    own = {'vmware_ostype': 'ubuntu64Guest', 'hw_vif_model': 'virtio'}
    image = Image('x', disk_format='vmdk', properties=own)
    assert demand_of(image).leftovers
    assert found(image) == {ImageCheck.LEFT_OVER: {}}
    assert advice(image, ImageCheck.LEFT_OVER) == (
        'remove vmware_ostype; or, if it is for VMware, correct '
        'hw_vif_model=virtio'
    )


def test_another_hypervisor_than_what_is_set_for():
    image = vmdk(hypervisor_type='kvm')
    assert found(image) == {ImageCheck.SIGNS_OVERRIDDEN: {}}
    (finding,) = audit(image, Policy())
    assert finding.evidence == (
        'image needs KVM (hypervisor_type=kvm); only ESXi reads '
        'vmware_disktype=streamOptimized, vmware_ostype=ubuntu64Guest'
    )


@pytest.mark.parametrize(
    'name', ['architecture', 'hw_architecture', 'hw_emulation_architecture']
)
def test_what_esxi_cannot_run_needs_nothing_for_it(name):
    own = {'hypervisor_type': 'vmware', name: 'aarch64'}
    image = Image('x', disk_format='vmdk', properties=own)
    assert found(image) == {ImageCheck.CONTRADICTORY: {}}


@pytest.mark.parametrize(
    'own',
    [
        {'hw_vif_model': 'lan9118'},
        {'hypervisor_type': 'vmware', 'vmware_disktype': 'streamoptimized'},
    ],
)
def test_more_than_one_thing_to_correct_is_no_dead_end(own):
    image = Image('x', disk_format='vhd', properties=own)
    for finding in audit(image, Policy()):
        assert 'classify' not in finding.advice


def test_a_conversion_to_vmdk_needs_a_right_disk_type():
    own = {'hypervisor_type': 'vmware', 'vmware_disktype': 'streamoptimized'}
    image = Image('x', disk_format='vhd', properties=own)
    assert 'vmdk, and set image property vmware_disktype to one of' in (
        advice(image, ImageCheck.CONTRADICTORY)
    )


def test_no_disk_type_of_a_flat_disk_on_an_iso():
    own = {'hypervisor_type': 'vmware', 'vmware_disktype': 'fat'}
    image = Image('x', disk_format='iso', properties=own)
    assert ImageCheck.CONTRADICTORY in found(image)
