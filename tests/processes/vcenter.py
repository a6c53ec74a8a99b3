# SPDX-License-Identifier: Apache-2.0
"""A simulated vCenter, as a program of a cloud."""

import pathlib

from tests.processes import nova_conf
from tests.processes import vsphere
from tests.processes.supervisor import Supervisor
from tests.vcenter import certificates
from tests.vcenter import simulator

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
