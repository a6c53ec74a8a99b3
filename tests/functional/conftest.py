# SPDX-License-Identifier: Apache-2.0
import pytest

# isort: off
# First: it prepares the process for nova, and patches blocking functions.
from testbed.embedded_cloud import EmbeddedCloud
# isort: on

from hypervisor_affinity import conf
from testbed import example_conf


class Clouds:
    """The cloud of a module's tests, or one that a test has to itself.

    A process has one at a time: a test's own cloud ends the shared one, and
    who wants that next gets a new one. So tests with their own come last in
    a module.
    """

    def __init__(self):
        self._cloud = None
        self._shape = None
        self._mark = None

    def start(self, options, **arguments):
        """Start a cloud as the example nova.conf has it."""
        self.stop()
        merged = {'filter_scheduler': example_conf.filter_scheduler()}
        for group, values in (options or {}).items():
            merged.setdefault(group, {}).update(values)
        self._cloud = EmbeddedCloud(
            merged, register_options=[conf.register_opts], **arguments
        )
        self._cloud.start()
        return self._cloud

    def share(self, shape, build):
        """Return the cloud of that shape as it was built, or build it."""
        if self._shape != shape:
            cloud = build()
            self._shape, self._mark = shape, cloud.mark()
        return self._cloud

    def restore(self):
        """Undo what a test did to the shared cloud, if it runs still."""
        if self._mark is None:
            return
        try:
            self._mark.restore()
        except Exception:
            # So that the next test does not suffer for this one.
            self.stop()
            raise

    def stop(self):
        cloud, self._cloud = self._cloud, None
        self._shape = self._mark = None
        if cloud is not None:
            cloud.stop()


@pytest.fixture(scope='module')
def clouds():
    clouds = Clouds()
    yield clouds
    clouds.stop()


@pytest.fixture
def start_cloud(clouds):
    """Start a cloud of the test's own, as the example nova.conf has it.

    Options on top as {group: {name: value}}.
    """

    def start(options=None, **arguments):
        return clouds.start(options, **arguments)

    yield start
    clouds.stop()


@pytest.fixture
def share_cloud(clouds):
    """Have a cloud of some shape, which ``build`` makes if it must.

    All tests of a module share it, and find it as it was made.
    """
    yield clouds.share
    clouds.restore()


@pytest.fixture
def two_of_each(clouds, share_cloud):
    """A cloud of two KVM hosts and two vCenter hosts, in tagged aggregates."""

    def build():
        cloud = clouds.start({})
        for number in (1, 2):
            cloud.add_kvm_host(f'kvm-{number}')
            cloud.add_vcenter_host(f'vc-{number}')
        cloud.kvm = cloud.aggregates.create(
            'kvm',
            hosts=['kvm-1', 'kvm-2'],
            metadata={'hypervisor_type': 'kvm'},
        )
        cloud.vmware = cloud.aggregates.create(
            'vmware',
            hosts=['vc-1', 'vc-2'],
            metadata={'hypervisor_type': 'vmware'},
        )
        return cloud

    return share_cloud('two of each', build)
