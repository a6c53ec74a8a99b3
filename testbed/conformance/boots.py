# SPDX-License-Identifier: Apache-2.0
"""Booting the servers, each on the host that is to show what it makes of it.

The administrator names the host, which keeps the scheduler's filters out: the
driver itself is to answer.
"""

import concurrent.futures
import contextlib
import functools
import itertools
import uuid
from collections.abc import Callable, Iterator, Sequence

from openstack import exceptions
from openstack.compute.v2.server import Server

from hypervisor_affinity.core import properties
from testbed import boot_disks
from testbed.conformance import qemu
from testbed.conformance import refusals
from testbed.conformance import trials
from testbed.conformance import vsphere
from testbed.conformance.finding import Finding
from testbed.conformance.finding import Key
from testbed.conformance.finding import Outcome
from testbed.conformance.finding import Refuser
from testbed.conformance.finding import Trial
from testbed.processes import libvirt
from testbed.processes import networks
from testbed.processes import polling
from testbed.processes.cloud import Cloud
from testbed.processes.site import ADMIN

# {side: its host}
HOSTS = {trials.KVM: 'kvm-1', trials.VMWARE: 'vc-1'}
_THREADS = 6
# Servers that are there at the same time.
_WAVE = 24
_MICROVERSION = '2.85'
# In seconds, for a guest that has begun.
_PATIENCE = 30
# The property that shows on servers with a port alone.
_NIC = 'hw_vif_model'

Map = Callable[..., Iterator]


class Boots:
    """A context manager with what the servers need; in the end it is gone.

    * ``versions``: as ``qemu.Machine`` has them, once a server ran
    """

    def __init__(
        self, cloud: Cloud, say: Callable[[str], object] = lambda text: None
    ) -> None:
        """Create nothing yet.

        :param say: is told now and then how far it is
        """
        self._say = say
        self._cloud = cloud
        # Not the cloud's own, which others use with another microversion.
        self._admin = cloud.connect(ADMIN)
        self._admin.compute.default_microversion = _MICROVERSION
        self._name = f'conformance-{uuid.uuid4()}'
        self._mine = {'name': self._name, 'all_projects': True}
        self._instances = cloud.folder / 'nova/instances'
        host = f'nova-compute-{HOSTS[trials.KVM]}'
        self._libvirt = cloud.folder / 'nova' / host / 'libvirt'
        self.versions: dict[str, str] = {}

    @staticmethod
    def lacks(cloud: Cloud) -> str | None:
        """Say why a cloud cannot show it; None if it can."""
        is_real = {host.name: host.is_real for host in cloud.hosts}
        for name in HOSTS.values():
            if not is_real.get(name):
                why = libvirt.lacks(cloud.folder) or 'the cloud was made so'
                return f'{name} is faked: {why}'
        return None

    def __enter__(self) -> 'Boots':
        """Create a network and a flavor."""
        network = self._admin.network
        with contextlib.ExitStack() as stack:
            self._network = networks.create(
                network,
                self._name,
                functools.partial(stack.callback, network.delete_network),
            )
            self._flavor = self._admin.compute.create_flavor(
                name=self._name, ram=64, vcpus=1, disk=1
            ).id
            stack.callback(self._admin.compute.delete_flavor, self._flavor)
            stack.callback(self._clear)
            self._undo = stack.pop_all()
        return self

    def __exit__(self, kind, error, traceback) -> None:
        """Delete them, once all servers are gone."""
        self._undo.close()

    def all(self) -> list[Trial]:
        """Return what there is to try with this cloud's Glance."""
        schema = self._admin.image.get('/schemas/image').json()['properties']
        return trials.trials(
            *(
                [value for value in schema[name]['enum'] if value]
                for name in properties.FORMAT_NAMES
            )
        )

    def run(self, wanted: Sequence[Trial]) -> list[Finding]:
        """Boot and delete a server for each; return what became of them.

        In waves of both sides, whose hosts then work at the same time.
        """
        found: dict[Key, Finding] = {}
        of_side = [
            [trial for trial in wanted if trial.side == side] for side in HOSTS
        ]
        mixed = [
            trial
            for each in itertools.zip_longest(*of_side)
            for trial in each
            if trial
        ]
        with concurrent.futures.ThreadPoolExecutor(_THREADS) as threads:
            for start in range(0, len(mixed), _WAVE):
                wave = mixed[start : start + _WAVE]
                for finding in self._wave(wave, threads.map):
                    found[finding.key] = finding
                self._say(f'{len(found)} of {len(mixed)} servers')
        return [found[trial.key] for trial in wanted]

    def _wave(self, wave: Sequence[Trial], at_once: Map) -> list[Finding]:
        compute = self._admin.compute
        begun = list(at_once(self._begin, wave))
        # One question for all: nova-api is what has most to do.
        polling.until(lambda: not self._are_there(status='BUILD'), 'servers')
        servers = {found.id: found for found in compute.servers(**self._mine)}
        findings = [
            each
            if isinstance(each, Finding)
            else self._look(trial, servers[each])
            for trial, each in zip(wave, begun, strict=True)
        ]
        list(at_once(compute.delete_server, servers))
        polling.until(lambda: not self._are_there(), 'the end of servers')
        images = self._admin.image.images(name=self._name)
        list(at_once(self._admin.image.delete_image, images))
        return findings

    def _begin(self, trial: Trial) -> str | Finding:
        """Ask for a server; return its id, or who refused to begin."""
        try:
            image = self._upload(trial)
        except exceptions.HttpException as error:
            return _refused(trial, refusals.by_api(Refuser.GLANCE, error))
        try:
            return self._admin.compute.create_server(
                name=self._name,
                image_id=image,
                flavor_id=self._flavor,
                networks=(
                    [{'uuid': self._network}] if trial.name == _NIC else 'none'
                ),
                availability_zone=f'nova:{HOSTS[trial.side]}',
            ).id
        except exceptions.HttpException as error:
            return _refused(trial, refusals.by_api(Refuser.NOVA_API, error))

    def _upload(self, trial: Trial) -> str:
        """Return the id of a new image.

        :raises openstack.exceptions.HttpException: Glance refuses it
        """
        proxy = self._admin.image
        image = proxy.create_image(
            name=self._name,
            allow_duplicates=True,
            **{'container_format': 'bare', **trial.image},
        )
        image.data = trials.content(trial.image)
        # Without a word from openstacksdk, if Glance refuses the content.
        exceptions.raise_from_response(image.upload(proxy))
        return image.id

    def _clear(self) -> None:
        """Delete what an interrupted run has left."""
        compute, image = self._admin.compute, self._admin.image
        for server in compute.servers(details=False, **self._mine):
            compute.delete_server(server)
        polling.until(lambda: not self._are_there(), 'the end of servers')
        for left in image.images(name=self._name):
            image.delete_image(left)

    def _are_there(self, **query: str) -> bool:
        found = self._admin.compute.servers(
            details=False, limit=1, **self._mine, **query
        )
        return next(found, None) is not None

    def _look(self, trial: Trial, server: Server) -> Finding:
        if server.status == 'ERROR':
            return _refused(trial, refusals.by_fault(server.fault))
        name = trial.novas_name
        if trial.side == trials.KVM:
            machine = qemu.Machine(self._libvirt, server.instance_name)
            self.versions |= machine.versions
            boots = self._has_booted(trial, server)
        else:
            machine = vsphere.Machine(
                self._cloud.site.vcenter.config(server.id)
            )
            boots = True
        outcome = Outcome.HANGS
        if boots:
            is_as_asked = machine.has(name, trial.found)
            outcome = Outcome.BOOTS if is_as_asked else Outcome.IGNORED
        return Finding(trial, outcome, machine.device(name))

    def _has_booted(self, trial: Trial, server: Server) -> bool:
        """Wait for what the guest writes, and tell whether it came."""
        label = trial.image['disk_format']
        is_cd_rom = label == 'iso'
        line = boot_disks.line(
            label, boot_disks.CD_ROM if is_cd_rom else boot_disks.HARD_DISK
        )
        # As the API shows it, which would ask nova-compute each time.
        console = self._instances / server.id / 'console.log'
        try:
            return polling.until(
                lambda: line in console.read_text(errors='replace'),
                'a guest',
                _PATIENCE,
            )
        except TimeoutError:
            return False


def _refused(trial: Trial, refusal: tuple[Refuser, str]) -> Finding:
    by, words = refusal
    return Finding(trial, Outcome.REFUSED, by=by, words=words)
