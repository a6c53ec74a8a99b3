# SPDX-License-Identifier: Apache-2.0
"""Servers that are where they should not be."""

import msgspec
import pytest

from hypervisor_affinity.cloud.snapshot import Aggregate
from hypervisor_affinity.cloud.snapshot import Flavor
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.core.reason import Reason
from hypervisor_affinity.operations.audit import CloudCheck
from hypervisor_affinity.operations.audit import audit
from hypervisor_affinity.operations.audit.servers import BY_REASON
from tests.cloud_of_records import ISO
from tests.cloud_of_records import QCOW2
from tests.cloud_of_records import VMDK
from tests.cloud_of_records import both
from tests.cloud_of_records import server
from tests.unit.operations.audited import of_servers


def test_bound_to_esxi_on_kvm():
    assert of_servers(server('a', VMDK, 'kvm-1')) == [
        (CloudCheck.SERVER_MISPLACED, 'a', Reason.OTHER_HYPERVISOR)
    ]


def test_what_esxi_cannot_boot_on_esxi():
    assert of_servers(server('a', QCOW2, 'vc-1')) == [
        (CloudCheck.SERVER_MISPLACED, 'a', Reason.CANNOT_BOOT_HERE)
    ]


def test_what_esxi_refuses_on_esxi():
    distro = msgspec.structs.replace(
        ISO, id='i-2', properties={'os_distro': 'debian'}
    )
    vif = msgspec.structs.replace(
        ISO, id='i-3', properties={'hw_vif_model': 'rtl8139'}
    )
    assert of_servers(
        server('a', distro, 'vc-1'),
        server('b', vif, 'vc-1'),
        server('c', distro, 'kvm-1'),
        images=[distro, vif],
    ) == [
        (CloudCheck.SERVER_MISPLACED, 'a', Reason.CANNOT_BOOT_HERE),
        (CloudCheck.SERVER_MISPLACED, 'b', Reason.CANNOT_BOOT_HERE),
    ]


def test_what_only_a_rebuild_would_be_refused_for_runs_where_it_is():
    # Its guest id gives way to the format; it may have been set since.
    image = msgspec.structs.replace(VMDK, properties={'os_distro': 'debian'})
    assert of_servers(server('a', image, 'vc-1'), images=[image]) == []


def test_a_conversion_does_not_misplace_a_server():
    image = msgspec.structs.replace(
        QCOW2, properties={'vmware_ostype': 'debian12Guest'}
    )
    assert of_servers(
        server('a', image, 'kvm-1'),
        server('b', image, 'vc-1'),
        images=[image],
    ) == [(CloudCheck.SERVER_MISPLACED, 'b', Reason.CANNOT_BOOT_HERE)]


def test_flexible_on_licensed_esxi():
    assert of_servers(server('a', ISO, 'vc-1')) == [
        (CloudCheck.SERVER_NOT_PREFERRED, 'a', Reason.NOT_PREFERRED)
    ]


def test_the_operators_order_decides_what_is_preferred():
    policy = Policy(preferred_hypervisors=('vmware', 'kvm'))
    assert of_servers(
        server('a', ISO, 'vc-1'), server('b', ISO, 'kvm-1'), policy=policy
    ) == [(CloudCheck.SERVER_NOT_PREFERRED, 'b', Reason.NOT_PREFERRED)]


def test_the_flavor_counts_that_nova_kept_for_the_server():
    flavor = Flavor(
        'esxi',
        extra_specs={'hypervisor_affinity:hypervisor_type': 'vmware'},
    )
    assert of_servers(
        server('a', ISO, 'vc-1', flavor=flavor),
        server('b', ISO, 'kvm-1', flavor=flavor),
    ) == [(CloudCheck.SERVER_MISPLACED, 'b', Reason.OTHER_HYPERVISOR)]


def test_the_properties_of_the_boot_decide_where_it_belongs():
    now = msgspec.structs.replace(
        ISO, properties={'hypervisor_type': 'vmware'}
    )
    assert of_servers(
        server('a', ISO, 'kvm-1'), images=[now, QCOW2, VMDK]
    ) == [(CloudCheck.IMAGE_DRIFTED, 'a', Reason.OTHER_HYPERVISOR)]
    assert of_servers(
        server('a', now, 'kvm-1'), images=[ISO, QCOW2, VMDK]
    ) == [
        (CloudCheck.SERVER_MISPLACED, 'a', Reason.OTHER_HYPERVISOR),
        (CloudCheck.IMAGE_DRIFTED, 'a', ''),
    ]


def test_properties_that_mean_the_same_are_no_drift():
    now = msgspec.structs.replace(ISO, properties={'hw_disk_bus': 'sata'})
    assert (
        of_servers(server('a', ISO, 'kvm-1'), images=[now, QCOW2, VMDK]) == []
    )


def test_what_nova_froze_and_does_not_show_is_the_images():
    # Its only sign is a property that no server of nova's API has.
    image = msgspec.structs.replace(
        ISO, properties={'vmware_adaptertype': 'busLogic'}
    )
    assert of_servers(
        server('a', image, 'vc-1', image_properties={}),
        server('b', image, 'kvm-1', image_properties={}),
        images=[image],
    ) == [(CloudCheck.SERVER_MISPLACED, 'b', Reason.OTHER_HYPERVISOR)]


def test_without_what_nova_froze_the_image_has_to_do():
    now = msgspec.structs.replace(
        ISO, properties={'hypervisor_type': 'vmware'}
    )
    assert of_servers(
        server('a', now, 'kvm-1', image_properties=None), images=[now]
    ) == [(CloudCheck.SERVER_MISPLACED, 'a', Reason.OTHER_HYPERVISOR)]


def test_an_image_that_is_gone():
    gone = server('a', VMDK, 'kvm-1')
    assert of_servers(gone, images=[ISO]) == [
        (CloudCheck.SERVER_UNDETERMINED, 'a', '')
    ]


def test_a_volume_tells_by_its_images_properties():
    bound = {'vmware_ostype': 'rhel7_64Guest'}
    assert of_servers(
        server('a', None, 'kvm-1', image_properties=bound),
        server('b', None, 'vc-1', image_properties=bound),
    ) == [(CloudCheck.SERVER_MISPLACED, 'a', Reason.OTHER_HYPERVISOR)]


def test_a_server_without_a_host_is_nowhere_wrong():
    assert (
        of_servers(
            server('a', VMDK, None, status='SHELVED_OFFLOADED'),
            server('b', VMDK, None, status='ERROR'),
        )
        == []
    )


def test_aggregates_that_would_not_admit_it():
    aggregates = [
        Aggregate(
            'vmware',
            'a-1',
            {
                'hypervisor_type': 'vmware',
                'hypervisor_affinity_admit': 'required',
                'vmware_ostype': 'rhel*',
            },
            ('vc-1',),
        ),
        Aggregate(
            'kvm', 'a-2', {'hypervisor_type': 'kvm'}, ('kvm-1', 'kvm-2')
        ),
    ]
    other = msgspec.structs.replace(
        VMDK, id='i-2', properties={'vmware_ostype': 'ubuntu64Guest'}
    )
    assert of_servers(
        server('a', ISO, 'vc-1'),
        server('b', other, 'vc-1'),
        aggregates=aggregates,
        images=[ISO, other],
    ) == [
        (CloudCheck.SERVER_NOT_ACCEPTED, 'a', Reason.ADMITS_REQUIRED_ONLY),
        (CloudCheck.SERVER_NOT_ACCEPTED, 'b', Reason.PROPERTY_NOT_ACCEPTED),
    ]


def test_a_server_whose_signs_contradict_each_other():
    flavor = Flavor(
        'kvm', extra_specs={'hypervisor_affinity:hypervisor_type': 'kvm'}
    )
    image = msgspec.structs.replace(
        VMDK, properties={'hypervisor_type': 'vmware'}
    )
    assert of_servers(
        server('a', image, 'vc-1', flavor=flavor), images=[image]
    ) == [(CloudCheck.SERVER_REFUSED, 'a', Reason.CONTRADICTORY_SIGNS)]


def test_findings_say_what_they_rest_on():
    source = both(servers=[server('a', VMDK, 'kvm-1')])
    (finding,) = audit(source, Policy())
    assert finding.evidence == (
        'image needs VMware (disk_format=vmdk); '
        'aggregate kvm hypervisor_type=kvm; driver hypervisor_type=QEMU'
    )
    assert finding.about.host == 'kvm-1'
    assert finding.about.id == 's-a'


@pytest.mark.parametrize('reason', list(Reason))
def test_every_verdict_on_a_server_has_a_check(reason):
    never = {
        Reason.SUITABLE,
        # Of requests and hosts that the scheduler cannot read.
        Reason.UNREADABLE_REQUEST,
        Reason.UNREADABLE_HOST,
        # Said of the host.
        Reason.CONTRADICTORY_HOST,
        Reason.UNCLASSIFIED_HOST,
        # Of moves, and of room for new servers.
        Reason.LEAVES_HYPERVISOR,
        Reason.UNDETERMINED_SERVER,
        Reason.RESERVED,
    }
    assert (reason in BY_REASON) is (reason not in never)


def test_a_host_in_the_wrong_aggregate_does_not_hide_a_server():
    aggregates = [
        Aggregate('vmware', 'a-1', {'hypervisor_type': 'vmware'}, ('kvm-1',))
    ]
    assert of_servers(
        server('a', VMDK, 'kvm-1'),
        server('b', QCOW2, 'kvm-1'),
        aggregates=aggregates,
    ) == [
        (CloudCheck.SERVER_MISPLACED, 'a', Reason.OTHER_HYPERVISOR),
    ]
