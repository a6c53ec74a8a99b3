# SPDX-License-Identifier: Apache-2.0
"""A simulated vCenter, as a program of a cloud."""

import contextlib
import pathlib
import ssl
from collections.abc import Iterator

from pyVim import connect
from pyVmomi import vim

from testbed.processes import nova_conf
from testbed.processes import polling
from testbed.processes import vsphere
from testbed.processes.supervisor import Supervisor
from testbed.vcenter import certificates
from testbed.vcenter import simulator

NAME = 'vcenter'
_CLUSTER = 'cluster-1'


class VCenter:
    """One cluster, which forgets its virtual machines when it is restarted."""

    def __init__(
        self, folder: pathlib.Path, programs: Supervisor, port: int
    ) -> None:
        """Write what it reads, and start nothing.

        :param folder: its own
        """
        folder.mkdir(exist_ok=True)
        self._folder = folder
        self._port = port
        pair, self._ca_file = certificates.load_or_sign(folder)
        self._vcenter = programs.add(
            NAME,
            simulator.command(
                folder / simulator.PROGRAM,
                folder,
                vsphere.cluster_inventory(_CLUSTER),
                pair,
                port,
            ),
            port=port,
        )

    def options(self) -> nova_conf.Options:
        """Return what nova's driver needs to find its cluster."""
        return vsphere.nova_options(
            '127.0.0.1',
            self._port,
            simulator.USER,
            simulator.PASSWORD,
            self._ca_file,
            _CLUSTER,
        )

    def start(self) -> None:
        """Start it; the first time it is built, which takes a while."""
        if not (self._folder / simulator.PROGRAM).exists():
            simulator.build(self._folder)
        self._vcenter.start()

    def wait(self) -> None:
        """Wait until it serves."""
        self._vcenter.wait()

    def holds(self, server: str) -> tuple[str, ...]:
        """Return what there is of a server: its VM, then its disks' files.

        A VM that is made anew has another id; the files are those that are
        really there.

        :returns: empty if there is nothing
        """
        with self._connected() as content:
            for vm in _vms(content):
                if vm.config.instanceUuid == server:
                    return (vm._moId, *sorted(_disk_files(vm)))
        return ()

    def config(self, server: str) -> vim.vm.ConfigInfo:
        """Return the configuration of a server's VM.

        :raises LookupError: there is none
        """
        with self._connected() as content:
            for config in (vm.config for vm in _vms(content)):
                if config.instanceUuid == server:
                    return config
        raise LookupError(f'no VM of server {server}')

    @contextlib.contextmanager
    def _connected(self) -> Iterator[vim.ServiceInstanceContent]:
        context = ssl.create_default_context(cafile=self._ca_file)
        with connect.SmartConnection(
            host='127.0.0.1',
            port=self._port,
            user=simulator.USER,
            pwd=simulator.PASSWORD,
            sslContext=context,
        ) as service:
            yield service.RetrieveContent()


def _vms(content: vim.ServiceInstanceContent) -> list[vim.VirtualMachine]:
    return content.viewManager.CreateContainerView(
        content.rootFolder, [vim.VirtualMachine], True
    ).view


def _disk_files(vm: vim.VirtualMachine) -> Iterator[str]:
    for device in vm.config.hardware.device:
        if not isinstance(device, vim.vm.device.VirtualDisk):
            continue
        folder, _, name = device.backing.fileName.rpartition('/')
        search = vim.host.DatastoreBrowser.SearchSpec(matchPattern=[name])
        browser = device.backing.datastore.browser
        task = browser.SearchDatastore_Task(folder, search)
        polling.until(
            lambda task=task: task.info.state == 'success', 'a search'
        )
        for found in task.info.result.file:
            yield f'{folder}/{found.path}'
