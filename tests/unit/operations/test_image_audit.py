# SPDX-License-Identifier: Apache-2.0
"""What an audit finds of an image, compared with what nova does with it."""

import types

import msgspec
import pytest
from nova import exception
from nova import objects
from nova.virt.vmwareapi import constants
from nova.virt.vmwareapi import images
from nova.virt.vmwareapi import vmops

from hypervisor_affinity.cloud.snapshot import Image
from hypervisor_affinity.core.demand import classify
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.image.content import FileContent
from hypervisor_affinity.image.disk import Appliance
from hypervisor_affinity.image.disk import Disk
from hypervisor_affinity.image.inspection import inspect_content
from hypervisor_affinity.operations import image_audit
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
    assert set(image_audit.FLAT_DISK_TYPES) == set(
        constants.SUPPORTED_FLAT_VARIANTS
    )


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
        ('vmware_adaptertype', 'IDE', 'ide'),
        ('vmware_adaptertype', 'pvscsi', 'paraVirtual'),
        ('vmware_adaptertype', 'LSI Logic SAS', 'lsiLogicsas'),
        ('hw_scsi_model', 'pvscsi', 'vmpvscsi'),
        ('hw_disk_bus', 'SCSI', 'scsi'),
        ('hw_vif_model', 'vmxnet-3', 'vmxnet3'),
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


@pytest.mark.parametrize('name', ['vmware_disktype', 'hw_disk_type'])
def test_the_driver_tells_case_apart(name):
    image = vmdk(**{'vmware_disktype': None, name: 'streamoptimized'})
    with pytest.raises(exception.InvalidDiskInfo):
        driver_fetches(image)
    assert found(image) == {Check.DISK_TYPE_UNKNOWN: {name: 'streamOptimized'}}
    assert driver_fetches(mended(image)) == driver_fetches(vmdk())


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
    assert driver_reads(image).disk_type in image_audit.FLAT_DISK_TYPES
    # Or something else that only looks raw.
    wrong = vmdk(vmware_disktype='sparse')
    assert found(wrong, disk=flat)[Check.DISK_TYPE_WRONG] == {}
    assert 'set one of preallocated, thin' in advice(
        wrong, Check.DISK_TYPE_WRONG, disk=flat
    )
    for value in image_audit.FLAT_DISK_TYPES:
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


def test_a_flexible_image_is_not_bound_by_an_audit():
    image = Image('x', disk_format='iso', properties={'os_distro': 'debian'})
    assert found(image) == {Check.DISTRO_ON_ESXI: {}}
    both = msgspec.structs.replace(
        image,
        properties={'os_distro': 'debian', 'vmware_ostype': 'debian12Guest'},
    )
    assert found(both) == {Check.GUEST_ID_LOST: {}}


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
            {'vmware_ostype': 'ubuntu64Guest'},
            'remove image property vmware_ostype, or convert the image to '
            'vmdk',
        ),
        (
            'qcow2',
            {'hypervisor_type': 'vmware'},
            'set image property hypervisor_type=kvm',
        ),
        (
            'vmdk',
            {**IN_ORDER, 'hw_vif_model': 'virtio'},
            'set hw_vif_model=VirtualVmxnet3',
        ),
    ],
)
def test_what_no_hypervisor_can_run(disk_format, own, way):
    image = Image('x', disk_format=disk_format, properties=own)
    assert classify({**own, 'disk_format': disk_format}, {}, Policy()).refusal
    assert found(image) == {Check.CONTRADICTORY: {}}
    assert way in advice(image, Check.CONTRADICTORY)


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
        # It would move the image to KVM.
        ('img_hv-type', 'kvm', 'then: image needs KVM'),
    ],
)
def test_a_misspelt_name_that_is_for_the_owner(name, value, said):
    image = msgspec.structs.replace(vmdk(), dropped=(name,))
    dropped = {name: value}
    assert found(image, values=dropped) == {Check.PROPERTY_DROPPED: {}}
    assert said in advice(image, Check.PROPERTY_DROPPED, values=dropped)


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


def test_what_nova_manage_would_split_is_not_for_a_server():
    assert image_audit.for_servers(vmdk(), {'vmware_ostype': 'a=b'}) == {}
