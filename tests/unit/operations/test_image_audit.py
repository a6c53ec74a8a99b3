# SPDX-License-Identifier: Apache-2.0
"""What an audit finds of an image, compared with what nova does with it."""

import types

import hypothesis
import msgspec
import pytest
from hypothesis import strategies
from nova import exception
from nova import objects
from nova.virt.ironic import driver as ironic
from nova.virt.vmwareapi import constants
from nova.virt.vmwareapi import images
from nova.virt.vmwareapi import vmops

from hypervisor_affinity.cloud.adapters import flat
from hypervisor_affinity.cloud.snapshot import Image
from hypervisor_affinity.core.demand import classify
from hypervisor_affinity.core.drivers import vmware
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.core.reason import Reason
from hypervisor_affinity.image.content import FileContent
from hypervisor_affinity.image.disk import Appliance
from hypervisor_affinity.image.disk import Disk
from hypervisor_affinity.image.inspection import inspect_content
from hypervisor_affinity.operations import image_audit
from hypervisor_affinity.operations.audit import Severity
from hypervisor_affinity.operations.classification import runs_nowhere
from hypervisor_affinity.operations.classification import unfit
from hypervisor_affinity.operations.image_audit import SEVERITIES
from hypervisor_affinity.operations.image_audit import Check
from hypervisor_affinity.operations.image_audit import audit
from tests import disk_files
from tests.installed import skip_without

IN_ORDER = {
    'hypervisor_type': 'vmware',
    'vmware_disktype': 'streamOptimized',
    'vmware_adaptertype': 'paraVirtual',
    'vmware_ostype': 'ubuntu64Guest',
}
FLEXIBLE = Policy(vmdk_images='flexible')


def vmdk(**properties):
    """Return a VMDK image in order, but for some properties; None: unset."""
    given = {**IN_ORDER, **properties}
    return Image(
        'x',
        'i-x',
        disk_format='vmdk',
        container_format='bare',
        properties={name: v for name, v in given.items() if v is not None},
    )


def found(image, policy=None, **known):
    """Return {check: changes}, and that each check is there once."""
    findings = audit(image, policy or Policy(), **known)
    checks = [finding.check for finding in findings]
    assert len(set(checks)) == len(checks)
    return {finding.check: finding.changes for finding in findings}


def advice(image, check, policy=None, **known):
    (text,) = [
        finding.advice
        for finding in audit(image, policy or Policy(), **known)
        if finding.check is check
    ]
    return text


def demand_of(image, policy=None):
    return classify(flat(image), {}, policy or Policy())


def mended(image, policy=None, **known):
    """Return an image after all changes that an audit proposes."""
    findings = audit(image, policy or Policy(), **known)
    properties = {**image.properties, **image_audit.changes(findings)}
    return msgspec.structs.replace(
        image,
        properties={
            name: value
            for name, value in properties.items()
            if value is not None
        },
        dropped=tuple(set(image.dropped) - set(properties)),
    )


def driver_reads(image):
    """Return what nova's vSphere driver makes of an image.

    :raises ValueError: as nova-api, if it refuses the image
    """
    meta = objects.ImageMeta.from_dict(
        {
            'disk_format': image.disk_format,
            'container_format': image.container_format,
            'properties': dict(image.properties),
        }
    )
    return images.VMwareImage.from_image(None, None, meta)


def driver_fetches(image):
    """Return the names of what the driver would call for an image.

    :raises InvalidDiskInfo: if it knows no way
    """
    driver = object.__new__(vmops.VMwareVMOps)
    request = types.SimpleNamespace(ii=driver_reads(image))
    return [call.__name__ for call in driver._get_image_callbacks(request)]


@pytest.fixture
def disk(tmp_path):
    """Return a function that writes a VMDK and returns what it is."""
    skip_without('qemu-img')

    def write(subformat='streamOptimized', **options):
        path = disk_files.vmdk(tmp_path, subformat, **options)
        with FileContent(path) as content:
            return inspect_content(content)

    return write


def test_the_drivers_defaults():
    assert image_audit.DEFAULT_DISK_TYPE == constants.DEFAULT_DISK_TYPE
    assert image_audit.DEFAULT_ADAPTER_TYPE == constants.DEFAULT_ADAPTER_TYPE


def test_every_check_has_a_severity():
    assert set(SEVERITIES) == set(Check)


@pytest.mark.parametrize(
    'image',
    [
        vmdk(),
        Image('q', disk_format='qcow2', properties={'os_distro': 'ubuntu'}),
        Image('i', disk_format='iso'),
        # It says KVM, and nothing of ESXi.
        Image(
            'k',
            disk_format='vmdk',
            properties={'hypervisor_type': 'kvm', 'os_distro': 'ubuntu'},
        ),
        vmdk(hw_disk_type='streamOptimized', img_hv_type='VMware'),
    ],
)
def test_in_order(image):
    assert found(image) == {}


@pytest.mark.parametrize(
    ('name', 'value', 'right'),
    [
        ('hypervisor_type', 'esxi', 'vmware'),
        ('hypervisor_type', 'VMware vCenter Server', 'vmware'),
        ('hypervisor_type', 'vsphere', 'vmware'),
        ('vmware_adaptertype', 'IDE', 'ide'),
        ('vmware_adaptertype', 'pvscsi', 'paraVirtual'),
        ('vmware_adaptertype', 'LSI Logic SAS', 'lsiLogicsas'),
        ('hw_scsi_model', 'pvscsi', 'vmpvscsi'),
        ('hw_disk_bus', 'SCSI', 'scsi'),
        ('hw_vif_model', 'vmxnet-3', 'vmxnet3'),
        ('architecture', 'x64', 'x86_64'),
        ('hw_architecture', 'x86-64', 'x86_64'),
    ],
)
def test_a_value_that_nova_refuses_has_a_right_spelling(name, value, right):
    image = vmdk(**{name: value})
    with pytest.raises(ValueError, match=r'(?i)valid'):
        driver_reads(image)
    assert found(image) == {Check.VALUE_REFUSED: {name: right}}
    driver_reads(mended(image))


@pytest.mark.parametrize(
    ('name', 'value', 'hint'),
    [
        ('vmware_adaptertype', 'virtio', 'must be one of buslogic, '),
        ('vmware_image_version', 'one', 'must be an integer'),
        ('hypervisor_type', 'powervm', 'must be one of'),
    ],
)
def test_a_value_that_nova_refuses_and_nobody_can_mend(name, value, hint):
    image = vmdk(**{name: value})
    with pytest.raises(ValueError, match=r'(?i)valid|invalid literal'):
        driver_reads(image)
    assert found(image)[Check.VALUE_REFUSED] == {}
    assert hint in advice(image, Check.VALUE_REFUSED)


@pytest.mark.parametrize('hypervisor_type', ['vmware', None])
@pytest.mark.parametrize('name', ['vmware_disktype', 'hw_disk_type'])
def test_the_driver_tells_case_apart(name, hypervisor_type):
    image = vmdk(
        **{'vmware_disktype': None, name: 'streamoptimized'},
        hypervisor_type=hypervisor_type,
    )
    assert demand_of(image).refusal is Reason.CANNOT_BOOT
    with pytest.raises(exception.InvalidDiskInfo):
        driver_fetches(image)
    assert found(image) == {Check.DISK_TYPE_UNKNOWN: {name: 'streamOptimized'}}
    assert driver_fetches(mended(image)) == driver_fetches(vmdk())


def test_one_wrong_value_does_not_hide_another():
    image = vmdk(
        hypervisor_type=None,
        vmware_disktype='SPARSE',
        vmware_adaptertype='pvscsi',
        os_distro='ubuntu',
    )
    assert found(image) == {
        Check.VALUE_REFUSED: {'vmware_adaptertype': 'paraVirtual'},
        Check.DISK_TYPE_UNKNOWN: {'vmware_disktype': 'sparse'},
        Check.GUEST_ID_LOST: {'os_distro': 'ubuntu64Guest'},
    }
    after = mended(image)
    assert found(after) == {}
    assert demand_of(after).required == {'vmware'}


def test_a_disk_type_that_no_hypervisor_reads():
    # The core takes it for an image of KVM, as which it would run.
    image = Image('x', disk_format='vmdk', properties={'hw_disk_type': 'fat'})
    assert demand_of(image).impossible == {'vmware'}
    assert found(image)[Check.DISK_TYPE_UNKNOWN] == {}
    told = advice(image, Check.DISK_TYPE_UNKNOWN)
    assert told.startswith('set one of eagerZeroedThick')
    assert told.endswith('or set hypervisor_type=kvm, if it is for KVM')
    # Neither reads it.
    own = {'hw_disk_type': 'fat', 'hypervisor_type': 'kvm'}
    assert found(Image('x', disk_format='vmdk', properties=own)) == {}


def test_a_disk_type_that_the_content_proves_moves_no_image(disk):
    content = disk(adapter_type='lsilogic')
    image = Image(
        'x',
        disk_format='vmdk',
        container_format='bare',
        properties={'hw_disk_type': 'fat'},
    )
    assert found(image, disk=content)[Check.DISK_TYPE_UNKNOWN] == {}
    assert (
        'set hw_disk_type=streamOptimized; then: image needs VMware'
    ) in advice(image, Check.DISK_TYPE_UNKNOWN, disk=content)


def test_a_disk_type_that_does_not_exist():
    image = vmdk(vmware_disktype='fat')
    with pytest.raises(exception.InvalidDiskInfo):
        driver_fetches(image)
    assert found(image) == {Check.DISK_TYPE_UNKNOWN: {}}
    assert 'set one of eagerZeroedThick' in advice(
        image, Check.DISK_TYPE_UNKNOWN
    )


@pytest.mark.parametrize(
    ('subformat', 'expected'),
    [('streamOptimized', 'streamOptimized'), ('monolithicSparse', 'sparse')],
)
@pytest.mark.parametrize(
    ('value', 'check'),
    [
        (None, Check.DISK_TYPE_MISSING),
        ('thin', Check.DISK_TYPE_WRONG),
        ('fat', Check.DISK_TYPE_UNKNOWN),
        ('PREALLOCATED', Check.DISK_TYPE_UNKNOWN),
    ],
)
def test_the_content_tells_the_disk_type(
    disk, subformat, expected, value, check
):
    content = disk(subformat, adapter_type='lsilogic')
    image = vmdk(vmware_disktype=value)
    assert found(image, disk=content) == {check: {'vmware_disktype': expected}}
    after = mended(image, disk=content)
    assert found(after, disk=content) == {}
    assert driver_reads(after).disk_type == expected


def test_a_flat_extent_needs_no_disk_type():
    flat = Disk(name='x', format='raw', virtual_bytes=1, file_bytes=1)
    image = vmdk(vmware_disktype=None)
    # Neither Glance nor KVM would take it.
    assert found(image, disk=flat) == {Check.CONTENT_REFUSED: {}}
    assert driver_reads(image).disk_type in vmware.FLAT_DISK_TYPES
    # Or something else that only looks raw.
    wrong = vmdk(vmware_disktype='sparse')
    assert found(wrong, disk=flat)[Check.DISK_TYPE_WRONG] == {}
    assert 'set one of preallocated, thin' in advice(
        wrong, Check.DISK_TYPE_WRONG, disk=flat
    )
    for value in vmware.FLAT_DISK_TYPES:
        right = vmdk(vmware_disktype=value)
        assert Check.DISK_TYPE_WRONG not in found(right, disk=flat)


def test_without_the_content_a_missing_disk_type_is_for_the_owner():
    image = vmdk(vmware_disktype=None)
    assert found(image) == {Check.DISK_TYPE_MISSING: {}}
    assert 'image inspect' in advice(image, Check.DISK_TYPE_MISSING)


def test_an_ova_has_one_disk_type():
    image = msgspec.structs.replace(
        vmdk(vmware_disktype=None), container_format='ova'
    )
    assert found(image) == {
        Check.DISK_TYPE_MISSING: {'vmware_disktype': 'streamOptimized'}
    }


def test_no_change_moves_an_image_to_another_hypervisor(disk):
    content = disk(adapter_type='lsilogic')
    image = Image(
        'x', disk_format='vmdk', container_format='bare', properties={}
    )
    assert found(image, FLEXIBLE, disk=content) == {
        Check.DISK_TYPE_MISSING: {}
    }
    assert (
        'set vmware_disktype=streamOptimized; then: image needs VMware'
    ) in advice(image, Check.DISK_TYPE_MISSING, FLEXIBLE, disk=content)


@pytest.mark.parametrize(
    ('said', 'changes'),
    [
        ('ide', {Check.ADAPTER_MISSING: {'vmware_adaptertype': 'ide'}}),
        (
            'buslogic',
            {Check.ADAPTER_MISSING: {'vmware_adaptertype': 'busLogic'}},
        ),
        ('lsilogic', {}),
    ],
)
def test_the_descriptor_tells_the_adapter(disk, said, changes):
    content = disk('monolithicSparse', adapter_type=said)
    image = vmdk(vmware_adaptertype=None, vmware_disktype='sparse')
    assert driver_reads(image).adapter_type == 'lsiLogic'
    assert found(image, disk=content) == changes
    assert driver_reads(mended(image, disk=content)).adapter_type.lower() == (
        said
    )
    # What the owner said counts.
    own = {'vmware_disktype': 'sparse'}
    assert found(vmdk(**own), disk=content) == {}
    own['hw_scsi_model'] = 'lsilogic'
    assert found(vmdk(**own), disk=content).keys() <= {Check.NAMES_DIFFER}


def test_the_adapter_of_an_imported_disk_may_be_right_as_it_is(disk):
    image = vmdk(vmware_adaptertype=None)
    content = disk('streamOptimized', adapter_type='ide')
    assert found(image, disk=content) == {Check.ADAPTER_MISSING: {}}
    assert advice(image, Check.ADAPTER_MISSING, disk=content) == (
        'set vmware_adaptertype=ide if its servers do not boot'
    )


def test_the_adapter_of_a_flexible_image_is_left_alone(disk):
    # On KVM, too, nova reads it.
    image = Image('x', disk_format='vmdk', container_format='bare')
    content = disk(adapter_type='ide')
    assert found(image, FLEXIBLE, disk=content).keys() == {
        Check.DISK_TYPE_MISSING
    }


def test_a_distribution_hides_the_guest_id():
    image = vmdk(os_distro='ubuntu')
    assert driver_reads(image).os_type == 'ubuntu'
    assert found(image) == {
        Check.GUEST_ID_LOST: {'os_distro': 'ubuntu64Guest'}
    }
    after = mended(image)
    assert driver_reads(after).os_type == 'ubuntu64Guest'
    assert found(after) == {}


@pytest.mark.parametrize(
    ('hidden', 'guest_id'),
    [
        ('UBUNTU64guest', 'ubuntu64Guest'),
        # What the owner said, not what follows from the distribution.
        ('other6xLinux64Guest', 'other6xLinux64Guest'),
    ],
)
def test_what_is_hidden_is_what_the_owner_wants(hidden, guest_id):
    image = vmdk(os_distro='ubuntu', vmware_ostype=hidden)
    assert found(image) == {Check.GUEST_ID_LOST: {'os_distro': guest_id}}


@pytest.mark.parametrize(
    ('version', 'architecture', 'guest_id'),
    [
        (None, None, 'otherLinux64Guest'),
        ('12', None, 'debian12_64Guest'),
        ('12', 'i686', 'debian12Guest'),
        ('12', 'x86_64', 'debian12_64Guest'),
    ],
)
def test_a_distribution_is_no_guest_id(version, architecture, guest_id):
    image = vmdk(
        vmware_ostype=None, os_distro='debian', architecture=architecture
    )
    dropped = {'os_version': version} if version else {}
    image = msgspec.structs.replace(image, dropped=tuple(dropped))
    assert driver_reads(image).os_type not in constants.VALID_OS_TYPES
    assert found(image, values=dropped) == {
        Check.GUEST_ID_IS_DISTRO: {'os_distro': guest_id}
    }
    assert driver_reads(mended(image, values=dropped)).os_type == guest_id


@pytest.mark.parametrize(
    ('distro', 'dropped'), [('debian', ('os_version',)), ('plan9', ())]
)
def test_a_distribution_of_which_no_guest_id_is_known(distro, dropped):
    # A snapshot does not have the version.
    image = msgspec.structs.replace(
        vmdk(vmware_ostype=None, os_distro=distro), dropped=dropped
    )
    assert found(image) == {Check.GUEST_ID_IS_DISTRO: {}}


def test_a_distribution_keeps_a_flexible_image_off_esxi():
    image = Image('x', disk_format='iso', properties={'os_distro': 'debian'})
    assert demand_of(image).impossible == {'vmware'}
    assert found(image) == {Check.DISTRO_ON_ESXI: {}}
    (finding,) = audit(image, Policy())
    assert finding.evidence == 'image cannot run on VMware (os_distro=debian)'
    assert finding.advice == (
        'leave it, for KVM alone; set os_distro to otherLinux64Guest, for '
        'ESXi alone; remove os_distro, for both'
    )


@pytest.mark.parametrize(
    ('properties', 'required', 'impossible'),
    [
        ({'os_distro': 'debian'}, None, {'vmware'}),
        ({'os_distro': 'otherLinux64Guest'}, {'vmware'}, set()),
        ({}, None, set()),
    ],
)
def test_what_is_told_of_a_distribution_is_so(
    properties, required, impossible
):
    demand = demand_of(Image('x', disk_format='iso', properties=properties))
    assert (demand.required, demand.impossible) == (required, impossible)


def test_a_guest_id_that_a_flexible_image_has_lost():
    image = Image(
        'x',
        disk_format='iso',
        properties={'os_distro': 'debian', 'vmware_ostype': 'debian12Guest'},
    )
    assert found(image) == {Check.GUEST_ID_LOST: {}}
    assert advice(image, Check.GUEST_ID_LOST) == (
        'set os_distro to debian12Guest, for ESXi; remove vmware_ostype, for '
        'KVM'
    )


@pytest.mark.parametrize('disk_format', ['qcow2', 'raw'])
def test_a_distribution_is_right_where_esxi_is_out_of_question(disk_format):
    image = Image(
        'x', disk_format=disk_format, properties={'os_distro': 'debian'}
    )
    assert found(image) == {}


@pytest.mark.parametrize(
    ('value', 'changes'),
    [
        ('UBUNTU64GUEST', {'vmware_ostype': 'ubuntu64Guest'}),
        ('debian31_64Guest', {}),
    ],
)
def test_a_guest_id_that_is_not_known(value, changes):
    assert found(vmdk(vmware_ostype=value)) == {
        Check.GUEST_ID_UNKNOWN: changes
    }


def test_no_guest_id():
    image = vmdk(vmware_ostype=None)
    assert driver_reads(image).os_type == constants.DEFAULT_OS_TYPE
    assert found(image) == {Check.GUEST_ID_MISSING: {}}
    appliance = Appliance(
        'x.vmdk',
        512,
        1024,
        guest_id='rhel9_64Guest',
        adapter_type='paraVirtual',
    )
    ova = Disk(
        name='x',
        format='vmdk',
        virtual_bytes=1,
        file_bytes=1,
        create_type='streamOptimized',
        appliance=appliance,
    )
    image = msgspec.structs.replace(image, container_format='ova')
    assert found(image, disk=ova) == {
        Check.GUEST_ID_MISSING: {'vmware_ostype': 'rhel9_64Guest'}
    }


@pytest.mark.parametrize(
    ('own', 'wins'),
    [
        ({'hypervisor_type': 'vmware', 'img_hv_type': 'kvm'}, 'img_hv_type'),
        (
            {'vmware_disktype': 'sparse', 'hw_disk_type': 'thin'},
            'hw_disk_type',
        ),
        (
            {
                'vmware_adaptertype': 'paraVirtual',
                'hw_scsi_model': 'lsilogic',
            },
            'hw_scsi_model',
        ),
        ({'vmware_adaptertype': 'ide', 'hw_disk_bus': 'scsi'}, 'hw_disk_bus'),
    ],
)
def test_two_names(own, wins):
    image = Image('x', disk_format='vmdk', properties=own)
    read = objects.ImageMetaProps.from_dict(dict(own))
    assert read.get(wins) == own[wins]
    assert found(image)[Check.NAMES_DIFFER] == {}
    (text,) = [
        finding.evidence
        for finding in audit(image, Policy())
        if finding.check is Check.NAMES_DIFFER
    ]
    assert text.endswith(f'nova reads {wins}')


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
    assert found(image) == {Check.CONTRADICTORY: {}}
    assert way in advice(image, Check.CONTRADICTORY)


def test_an_architecture_is_not_to_be_concealed():
    image = vmdk(architecture='aarch64')
    assert 'remove image property architecture' not in advice(
        image, Check.CONTRADICTORY
    )


def test_what_nova_lets_through_and_fails():
    image = vmdk(hw_emulation_architecture='aarch64')
    assert demand_of(image).refusal is None
    assert found(image) == {Check.CONTRADICTORY: {}}
    (finding,) = audit(image, Policy())
    assert finding.evidence == (
        'image needs VMware (hypervisor_type=vmware), where a server with '
        'hw_emulation_architecture=aarch64 would fail'
    )
    assert finding.advice.startswith('set image property hypervisor_type=kvm')


def test_other_checks_see_an_image_that_cannot_boot():
    image = vmdk(hw_vif_model='virtio', os_distro='ubuntu')
    assert found(image) == {
        Check.CONTRADICTORY: {},
        Check.GUEST_ID_LOST: {'os_distro': 'ubuntu64Guest'},
    }


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
    assert found(image) == {Check.RUNS_NOWHERE: {}}
    assert way in advice(image, Check.RUNS_NOWHERE)


def test_what_names_another_hypervisor_may_run_there():
    image = Image(
        'x', disk_format='vhd', properties={'hypervisor_type': 'hyperv'}
    )
    assert found(image) == {}


def test_a_type_that_no_host_reports():
    reported = {
        hypervisor_type
        for _, hypervisor_type, _ in ironic._get_nodes_supported_instances(
            'x86_64'
        )
    }
    assert reported == {'baremetal'}
    image = Image(
        'x', disk_format='qcow2', properties={'hypervisor_type': 'Ironic'}
    )
    assert found(image) == {
        Check.TYPE_UNREPORTED: {'hypervisor_type': 'baremetal'}
    }
    after = mended(image)
    assert found(after) == {}
    assert demand_of(after).required == demand_of(image).required


@pytest.mark.parametrize(
    'named', ['kvm', 'qemu', 'KVM', 'baremetal', 'vmware', 'xen', 'lxc']
)
def test_a_type_that_a_host_may_report(named):
    image = Image(
        'x', disk_format='iso', properties={'hypervisor_type': named}
    )
    assert Check.TYPE_UNREPORTED not in found(image)


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
    assert found(image) == {Check.LEFT_OVER: dict.fromkeys(removed)}
    (finding,) = audit(image, Policy())
    assert finding.evidence.endswith(
        f'; VMware cannot run disk_format={disk_format}'
    )
    after = mended(image)
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
    assert found(image) == {Check.LEFT_OVER: {}}
    assert advice(image, Check.LEFT_OVER) == (
        'remove vmware_ostype; or, if it is for VMware, correct '
        'hw_vif_model=virtio'
    )


def test_another_hypervisor_than_what_is_set_for():
    image = vmdk(hypervisor_type='kvm')
    assert found(image) == {Check.SIGNS_OVERRIDDEN: {}}
    (finding,) = audit(image, Policy())
    assert finding.evidence == (
        'image needs KVM (hypervisor_type=kvm); only ESXi reads '
        'vmware_disktype=streamOptimized, vmware_ostype=ubuntu64Guest'
    )


@pytest.mark.parametrize('subformat', ['twoGbMaxExtentSparse'])
def test_content_of_several_files(tmp_path, subformat):
    image = vmdk()
    several = Disk(
        name='x',
        format='vmdk',
        formats=('vmdk',),
        virtual_bytes=1,
        file_bytes=1,
        create_type=subformat,
    )
    assert found(image, disk=several) == {Check.CONTENT_REFUSED: {}}
    assert 'image prepare' in advice(
        image, Check.CONTENT_REFUSED, disk=several
    )


def test_content_in_another_format():
    other = Disk(
        name='x',
        format='qcow2',
        formats=('qcow2',),
        virtual_bytes=1,
        file_bytes=1,
    )
    (finding,) = audit(vmdk(), Policy(), disk=other)
    assert finding.check is Check.CONTENT_REFUSED
    assert 'the content is qcow2, not vmdk' in finding.evidence


def test_content_that_cannot_be_inspected():
    finding = image_audit.unreadable('x: the header is cut')
    assert (finding.check, finding.changes) == (Check.CONTENT_UNREADABLE, {})


@pytest.mark.parametrize(
    'name', ['vmware_disk_type', 'VMWARE_DISKTYPE', 'vmware-disktype']
)
def test_a_misspelt_name(name):
    image = msgspec.structs.replace(
        vmdk(vmware_disktype=None), dropped=(name,)
    )
    dropped = {name: 'SPARSE'}
    read = objects.ImageMetaProps.from_dict({**image.properties, **dropped})
    assert read.get('hw_disk_type') is None
    assert found(image, values=dropped)[Check.PROPERTY_DROPPED] == {
        'vmware_disktype': 'sparse',
        name: None,
    }
    assert found(mended(image, values=dropped)) == {}
    # Its value is not known.
    assert found(image)[Check.PROPERTY_DROPPED] == {}


def test_the_content_knows_better_than_a_misspelt_property(disk):
    image = msgspec.structs.replace(
        vmdk(vmware_disktype=None), dropped=('vmware_disk_type',)
    )
    after = mended(
        image,
        values={'vmware_disk_type': 'sparse'},
        disk=disk(adapter_type='lsilogic'),
    )
    assert after.properties['vmware_disktype'] == 'streamOptimized'


@pytest.mark.parametrize(
    ('name', 'value', 'said'),
    [
        # Not misspelt, but like another name.
        ('vmware_adapter', 'paraVirtual', 'is vmware_adaptertype meant?'),
        # Its right name is there.
        ('vmware_adapter_type', 'ide', 'its name is vmware_adaptertype'),
        # It would be refused.
        ('img_Version', 'one', 'img_version must be an integer'),
        # nova reads its other name.
        ('hv_type', 'kvm', 'its name is hypervisor_type, which is set'),
        # It would move the image to KVM.
        ('img_hv-type', 'kvm', 'then: image needs KVM'),
        # vSphere would get it for a guest id.
        ('os-distro', 'debian', 'then: a server with os_distro=debian would'),
        # It has many meanings.
        ('nic', 'vmxnet3', 'is hw_vif_model meant?'),
    ],
)
def test_a_misspelt_name_that_is_for_the_owner(name, value, said):
    image = msgspec.structs.replace(vmdk(), dropped=(name,))
    dropped = {name: value}
    assert found(image, values=dropped) == {Check.PROPERTY_DROPPED: {}}
    assert said in advice(image, Check.PROPERTY_DROPPED, values=dropped)


@pytest.mark.parametrize(
    ('name', 'value', 'changes'),
    [
        (
            'hypervisor',
            'VMware',
            {'hypervisor_type': 'vmware', 'hypervisor': None},
        ),
        ('hv_type', 'vsphere', {'hypervisor_type': 'vmware', 'hv_type': None}),
        (
            'vmware_guestid',
            'UBUNTU64guest',
            {'vmware_ostype': 'ubuntu64Guest', 'vmware_guestid': None},
        ),
        (
            'vmware_scsi_adapter',
            'pvscsi',
            {
                'vmware_adaptertype': 'paraVirtual',
                'vmware_scsi_adapter': None,
            },
        ),
        (
            'hw_nic_model',
            'VMXNET3',
            {'hw_vif_model': 'vmxnet3', 'hw_nic_model': None},
        ),
        ('cpu_arch', 'amd64', {'architecture': 'x86_64', 'cpu_arch': None}),
        (
            'linked_clone',
            'true',
            {'vmware_linked_clone': 'true', 'linked_clone': None},
        ),
    ],
)
def test_another_name_for_a_property(name, value, changes):
    image = Image(
        'x',
        disk_format='vmdk',
        properties={'vmware_disktype': 'streamOptimized'},
        dropped=(name,),
    )
    told = found(image, values={name: value})
    assert told[Check.PROPERTY_DROPPED] == changes
    after = mended(image, values={name: value})
    assert Check.PROPERTY_DROPPED not in found(after, values={})
    # nova takes it.
    driver_reads(after)


@pytest.mark.parametrize(
    ('name', 'value', 'said'),
    [
        ('vmware_guestos', 'ubuntu', 'ubuntu is no guest id of vSphere'),
        ('vmware_provisioning', 'lazy', 'lazy is none of sparse, '),
        ('hypervisor_name', 'ESXi 8', 'img_hv_type must be one of'),
    ],
)
def test_another_name_for_a_property_with_no_value_of_it(name, value, said):
    image = Image('x', disk_format='iso', dropped=(name,))
    values = {name: value}
    assert found(image, values=values) == {Check.PROPERTY_DROPPED: {}}
    assert said in advice(image, Check.PROPERTY_DROPPED, values=values)


def test_another_name_for_a_property_that_would_move_an_image():
    image = Image('x', disk_format='vmdk', dropped=('hypervisor',))
    values = {'hypervisor': 'kvm'}
    assert found(image, values=values)[Check.PROPERTY_DROPPED] == {}
    assert advice(image, Check.PROPERTY_DROPPED, values=values) == (
        'set hypervisor_type=kvm, remove hypervisor; then: image needs KVM '
        '(hypervisor_type=kvm)'
    )


@pytest.mark.parametrize(
    'name',
    [
        'base_image_ref',
        'image_type',
        'kernel_id',
        'os_version',
        'vmware_create_type',
        'vmware_tools_version',
    ],
)
def test_what_nova_drops_and_others_read(name):
    image = msgspec.structs.replace(vmdk(), dropped=(name,))
    assert found(image, values={name: '1'}) == {}


@pytest.mark.parametrize(
    ('image', 'expected'),
    [
        (
            vmdk(os_distro='ubuntu', vmware_disktype='SPARSE'),
            {'os_distro': 'ubuntu64Guest', 'hw_disk_type': 'sparse'},
        ),
        (
            vmdk(vmware_adaptertype='IDE'),
            {'hw_disk_bus': 'ide'},
        ),
        (
            vmdk(vmware_adaptertype='pvscsi', hypervisor_type='esxi'),
            {
                'hw_disk_bus': 'scsi',
                'hw_scsi_model': 'vmpvscsi',
                'img_hv_type': 'vmware',
            },
        ),
        # Of the adapter, nova reads another name.
        (
            vmdk(vmware_adaptertype='pvscsi', hw_scsi_model='lsilogic'),
            {'hw_disk_bus': 'scsi', 'hw_scsi_model': 'lsilogic'},
        ),
    ],
)
def test_what_a_change_is_to_a_server(image, expected):
    changes = image_audit.changes(audit(image, Policy()))
    given = image_audit.for_servers(image, changes)
    assert given == expected
    # It is what nova makes of the image then.
    read = objects.ImageMetaProps.from_dict(dict(mended(image).properties))
    assert {name: read.get(name) for name in given} == given


# Right ones, wrong ones, and such as others are hidden by.
VALUES = {
    'hypervisor_type': 'vmware kvm esxi vsphere ironic powervm xen',
    'img_hv_type': 'vmware kvm',
    'vmware_disktype': 'thin streamOptimized streamoptimized fat',
    'hw_disk_type': 'thin SPARSE nvme',
    'vmware_ostype': 'ubuntu64Guest UBUNTU64GUEST ubuntu foo',
    'os_distro': 'debian12Guest ubuntu plan9',
    'vmware_adaptertype': 'paraVirtual busLogic pvscsi IDE virtio',
    'hw_disk_bus': 'scsi virtio ide xen SCSI',
    'hw_scsi_model': 'lsilogic buslogic virtio-scsi pvscsi',
    'hw_vif_model': 'e1000 virtio vmxnet netfront sriov vmxnet-3',
    'architecture': 'x86_64 aarch64 arm64 i386',
    'hw_emulation_architecture': 'aarch64',
    'vmware_linked_clone': 'true',
    'vmware_image_version': '1 one',
}
any_image = strategies.builds(
    Image,
    strategies.just('x'),
    disk_format=strategies.sampled_from(['vmdk', 'vmdk', 'iso', 'raw', 'vhd']),
    container_format=strategies.sampled_from(['bare', 'bare', 'ova']),
    properties=strategies.fixed_dictionaries(
        {},
        optional={
            name: strategies.sampled_from(values.split())
            for name, values in VALUES.items()
        },
    ),
)
any_policy = strategies.sampled_from([Policy(), FLEXIBLE])
any_disk = strategies.none() | strategies.sampled_from(
    ['streamOptimized', 'monolithicSparse']
).map(
    lambda create_type: Disk(
        name='x',
        format='vmdk',
        formats=('vmdk',),
        virtual_bytes=1,
        file_bytes=1,
        create_type=create_type,
        adapter_type='buslogic',
    )
)


@hypothesis.given(any_image, any_policy, any_disk)
@hypothesis.settings(max_examples=500)
def test_of_any_image_no_change_moves_it(image, policy, disk):
    before = demand_of(image, policy)
    hypothesis.assume(not refused(image))
    after = demand_of(mended(image, policy, disk=disk), policy)
    assert after.required == before.required
    if before.refusal:
        # It may boot now where it asked to.
        assert after.refusal in (None, before.refusal)
    else:
        assert not after.refusal
        assert before.required or after.impossible == before.impossible


@hypothesis.given(any_image, any_policy)
@hypothesis.settings(max_examples=500)
def test_of_any_image_that_runs_nowhere_something_is_told(image, policy):
    demand = demand_of(image, policy)
    hypothesis.assume(
        refused(image)
        or demand.refusal
        or runs_nowhere(demand)
        or unfit(demand)
    )
    assert any(
        finding.severity is Severity.ERROR
        for finding in audit(image, policy, disk=None)
    )


def refused(image):
    try:
        objects.ImageMetaProps.from_dict(dict(image.properties))
    except ValueError:
        return True
    return False


def test_what_nova_manage_would_split_is_not_for_a_server():
    assert image_audit.for_servers(vmdk(), {'vmware_ostype': 'a=b'}) == {}
