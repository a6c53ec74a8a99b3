# SPDX-License-Identifier: Apache-2.0
"""A whole nova and Placement in this process, to place servers on.

nova's own API, conductor, scheduler and compute services and a real
Placement, on SQLite in memory, with messages passed in memory; only the
hypervisors, Glance, Cinder, Neutron and Keystone are pretended. Made from
the test fixtures that nova's and placement's wheels contain::

    from testbed.embedded_cloud import EmbeddedCloud

    with EmbeddedCloud({"filter_scheduler": {"enabled_filters": [
            "ComputeFilter", "ImagePropertiesFilter"]}}) as cloud:
        cloud.add_kvm_host("kvm1")
        cloud.add_vcenter_host("vcenter1", esxi_hosts=20)
        cloud.aggregates.create("esxi", hosts=["vcenter1"],
                                metadata={"hypervisor_type": "vmware"})
        image = cloud.images.create(
            "windows", "vmdk", properties={"hypervisor_type": "vmware"})
        server = cloud.boot(image)
        assert server.hypervisor == "VMware vCenter Server", server.fault

Another cloud costs a second or two of a processor; to bring one back to how
it was costs a tenth of that::

        mark = cloud.mark()
        cloud.boot(image)
        mark.restore()

Importing this package replaces blocking functions of the standard library
by eventlet's, for the whole process; see ``preparation``. Import it before
anything that makes connections or locks.

What the embedding hides: all services share one process, one configuration
and one clock; messages are never lost; there is no Keystone, so no service
catalogue and no token; quotas are off; periodic tasks do not run.
"""

# isort: off
# First: it prepares the process for nova, and patches blocking functions.
from testbed.embedded_cloud.preparation import EmbeddedCloudUnavailable
# isort: on

from hypervisor_affinity.fake_compute import faces
from hypervisor_affinity.fake_compute.drivers import Capacity
from hypervisor_affinity.fake_compute.faces import HypervisorFace
from testbed.embedded_cloud.cloud import EmbeddedCloud
from testbed.embedded_cloud.hosts import Host
from testbed.embedded_cloud.logs import LogLine
from testbed.embedded_cloud.results import Aggregate
from testbed.embedded_cloud.results import ApiError
from testbed.embedded_cloud.results import CloudTimeout
from testbed.embedded_cloud.results import Flavor
from testbed.embedded_cloud.results import Image
from testbed.embedded_cloud.results import Outcome
from testbed.embedded_cloud.results import Server
from testbed.embedded_cloud.results import Volume

__all__ = [
    'Aggregate',
    'ApiError',
    'Capacity',
    'CloudTimeout',
    'EmbeddedCloud',
    'EmbeddedCloudUnavailable',
    'Flavor',
    'Host',
    'HypervisorFace',
    'Image',
    'LogLine',
    'Outcome',
    'Server',
    'Volume',
    'faces',
]
