# SPDX-License-Identifier: Apache-2.0
"""The program that simulates a vCenter, built and started."""

import json
import os
import pathlib
import ssl
import subprocess

from pyVim import connect
from pyVmomi import vim

from testbed.processes import ports
from testbed.processes.child import Child
from testbed.vcenter import wsdl
from testbed.vcenter.certificates import Pair
from testbed.vcenter.inventory import Inventory

GO = 'go'
# Where Debian has libraries in Go: there are no modules of them.
_GOPATH = pathlib.Path('/usr/share/gocode')
GOVMOMI = _GOPATH / 'src/github.com/vmware/govmomi/simulator'
_SOURCE = pathlib.Path(__file__).parent / 'simulator'
PROGRAM = 'vcenter'
USER = 'administrator@vsphere.local'
PASSWORD = 'loopback'
# Beside the program.
_WSDL = 'vimService.wsdl'


def build(folder: pathlib.Path) -> pathlib.Path:
    """Return the program, built in this folder.

    The first time takes much longer: Go keeps what it compiled.
    """
    program = folder / PROGRAM
    environment = {
        **os.environ,
        # So that no C compiler is needed.
        'CGO_ENABLED': '0',
        'GO111MODULE': 'off',
        'GOFLAGS': '',
        'GOPATH': str(_GOPATH),
    }
    built = subprocess.run(
        [GO, 'build', '-o', program, '.'],
        cwd=_SOURCE,
        env=environment,
        capture_output=True,
        text=True,
    )
    if built.returncode:
        raise ChildProcessError(built.stderr)
    wsdl.write(folder / _WSDL)
    return program


def command(
    program: pathlib.Path,
    folder: pathlib.Path,
    inventory: Inventory,
    pair: Pair,
    port: int,
    user: str = USER,
    password: str = PASSWORD,
) -> list[str | pathlib.Path]:
    """Return how to start it, once what it reads is written.

    :param program: what ``build`` returned
    :param folder: its own, for all files
    :param port: on loopback
    :param user: the only one, who may do everything
    """
    command = [program]
    files = {
        'description': inventory.document(),
        'credentials': {'user': user, 'password': password},
    }
    for name, content in files.items():
        path = folder / f'{name}.json'
        path.write_text(json.dumps(content))
        command += [f'-{name}', path]
    return [
        *command,
        *('-certificate', pair.certificate),
        *('-key', pair.key),
        *('-port', str(port)),
        *('-storage', folder),
        *('-wsdl', program.with_name(_WSDL)),
    ]


class VCenter:
    """A vCenter on loopback, which may be stopped and started again.

    A context manager: it runs inside, unless it is stopped there.

    * ``host``, ``port``: where it is
    * ``user``, ``password``: of the only user, who may do everything
    * ``ca_file``: what its certificate is to be verified by
    """

    host = '127.0.0.1'
    user = USER
    password = PASSWORD

    def __init__(
        self,
        program: pathlib.Path,
        folder: pathlib.Path,
        inventory: Inventory,
        pair: Pair,
        ca_file: pathlib.Path,
    ) -> None:
        """Write what it reads, and start nothing.

        :param program: what ``build`` returned
        :param folder: its own, for all files
        """
        self._folder = folder
        (self.port,) = ports.free(1)
        self.ca_file = ca_file
        self._command = command(
            program,
            folder,
            inventory,
            pair,
            self.port,
            self.user,
            self.password,
        )
        self._starts = 0
        self._process: Child | None = None
        self._stubs = []

    def __enter__(self) -> 'VCenter':
        """Start it."""
        self.start()
        return self

    def __exit__(self, kind, error, traceback) -> None:
        """End it, if it still runs."""
        self.kill()

    def start(self) -> None:
        """Start it, with all as it was described, and wait for it."""
        self._starts += 1
        self._process = Child(
            self._command, self._folder / f'vcenter-{self._starts}.log'
        )
        self._process.wait_for_text('serving ')

    def stop(self) -> int:
        """Ask it to end, and return its exit code."""
        self._disconnect()
        return self._process.stop()

    def kill(self) -> None:
        """End it as a crash would."""
        self._disconnect()
        if self._process:
            self._process.kill()

    def log(self) -> str:
        """Return what it wrote since it started the last time."""
        return self._process.log()

    def connect(self) -> vim.ServiceInstance:
        """Return a new session of its administrator."""
        context = ssl.create_default_context(cafile=self.ca_file)
        service = connect.SmartConnect(
            host=self.host,
            port=self.port,
            user=self.user,
            pwd=self.password,
            sslContext=context,
        )
        self._stubs.append(service._stub)
        return service

    def _disconnect(self) -> None:
        while self._stubs:
            self._stubs.pop().DropConnections()
