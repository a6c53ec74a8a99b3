# SPDX-License-Identifier: Apache-2.0
"""A DevStack whose cloud is pretended, to run the plug-in in."""

import json
import os
import pathlib
import shlex
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).parents[3]
_HERE = pathlib.Path(__file__).parent
_DEVSTACK = 'DEVSTACK_DIR'

CONTROLLER = (
    'mysql,rabbit,key,g-api,placement-api,n-api,n-cond,n-sch,n-cpu,tempest'
)
SUBNODE = 'n-cpu,placement-client'

VCENTER = 'here-vcenter'
HOSTS = {
    'here': 'QEMU',
    'far': 'QEMU',
    VCENTER: 'VMware vCenter Server',
    'metal': 'ironic',
}


class Stage:
    """DevStack's real functions; commands that would act are stubs.

    What the stubs hide: packages are not installed, services are not started
    and the cloud is a file; `openstack` answers as far as the plug-in asks.
    """

    def __init__(self, folder: pathlib.Path) -> None:
        """Copy DevStack, which writes into its own folder."""
        source = os.environ.get(_DEVSTACK)
        if not source:
            pytest.skip(f'{_DEVSTACK} does not name a checkout of DevStack')
        if not shutil.which('qemu-img'):
            pytest.skip('qemu-img is missing: install qemu-utils')
        self.folder = folder
        self._devstack = folder / 'devstack'
        shutil.copytree(
            source, self._devstack, ignore=shutil.ignore_patterns('.git')
        )
        self._plugin = folder / 'checkout-of-any-name'
        self._plugin.mkdir()
        shutil.copytree(ROOT / 'devstack', self._plugin / 'devstack')
        shutil.copy(ROOT / 'setup.cfg', self._plugin)
        self._discover('here', 'far', VCENTER, 'metal')
        self.set_cloud(
            is_up=True,
            hosts=HOSTS,
            mapped=list(HOSTS),
            aggregates={},
            images={},
        )
        self._place_commands()

    @property
    def nova_conf(self) -> pathlib.Path:
        """Return the file of nova-scheduler and nova-api."""
        return self.folder / 'etc/nova/nova.conf'

    @property
    def vcenter_conf(self) -> pathlib.Path:
        """Return the file of the fake vCenter."""
        return self.folder / f'etc/nova/{VCENTER}/nova-cpu.conf'

    @property
    def tempest_conf(self) -> pathlib.Path:
        """Return the file of Tempest."""
        return self.folder / 'etc/tempest.conf'

    def cloud(self) -> dict:
        """Return what the cloud holds."""
        return json.loads((self.folder / 'cloud.json').read_text())

    def set_cloud(self, **changes: object) -> None:
        """Change the cloud from outside."""
        path = self.folder / 'cloud.json'
        state = json.loads(path.read_text()) if path.exists() else {}
        path.write_text(json.dumps(state | changes))

    def map_late(self) -> None:
        """Let the fake vCenter register after stack.sh's discovery."""
        self.set_cloud(mapped=['here', 'far', 'metal'])

    def log(self, command: str) -> list[str]:
        """Return what a stub was asked for."""
        path = self.folder / f'{command}.log'
        return path.read_text().splitlines() if path.exists() else []

    def run(self, *steps: str, services=CONTROLLER, **settings: str) -> str:
        """Run stack, unstack or clean; return the output.

        :param settings: variables of local.conf
        """
        ended = self.try_to_run(*steps, services=services, **settings)
        assert ended.returncode == 0, ended.stdout[-4000:]
        return ended.stdout

    def try_to_run(
        self, *steps: str, services=CONTROLLER, **settings: str
    ) -> subprocess.CompletedProcess:
        """Run them, whatever comes of it."""
        variables = {
            'HOST_IP': '127.0.0.1',
            'DEST': str(self.folder / 'opt'),
            'DATA_DIR': str(self.folder / 'opt/data'),
            'VIRT_DRIVER': 'libvirt',
            'ENABLED_SERVICES': services,
            'HYPERVISOR_AFFINITY_FAKE_VCENTER_HOST': VCENTER,
            **settings,
        }
        (self._devstack / '.localrc.auto').write_text(
            ''.join(
                f'{name}={shlex.quote(value)}\n'
                for name, value in variables.items()
            )
        )
        return subprocess.run(
            ['bash', _HERE / 'drive.sh', *steps],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={
                'PATH': f'{self.folder}/bin:{os.environ["PATH"]}:/usr/sbin',
                'HOME': str(self.folder),
                'DEVSTACK_DIR': str(self._devstack),
                'PLUGIN_DIR': str(self._plugin),
                'WORK': str(self.folder),
            },
        )

    def _place_commands(self) -> None:
        programs = self.folder / 'bin'
        shutil.copytree(_HERE / 'stubs', programs)
        venv = self.folder / 'opt/data/venv/bin'
        edit = self.folder / 'opt/requirements/.venv/bin'
        for folder, name in (
            (venv, 'pip'),
            (venv, 'pip3'),
            (edit, 'edit-constraints'),
        ):
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy(_HERE / 'stubs/pip', folder / name)
        (self.folder / 'opt/requirements/upper-constraints.txt').touch()

    def _discover(self, *hosts: str) -> None:
        # The real one calls nova-manage.
        script = self._devstack / 'tools/discover_hosts.sh'
        script.write_text(
            '#!/usr/bin/env python3\n'
            'import json, pathlib\n'
            f'path = pathlib.Path({str(self.folder / "cloud.json")!r})\n'
            'state = json.loads(path.read_text())\n'
            f'state["mapped"] = {list(hosts)!r}\n'
            'path.write_text(json.dumps(state))\n'
        )
