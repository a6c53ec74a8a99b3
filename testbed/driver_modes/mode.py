# SPDX-License-Identifier: Apache-2.0
"""How nova's driver for vCenter is run."""

import json
import os
import pathlib
import subprocess
from typing import Any, NamedTuple

from testbed.processes import nova_conf
from testbed.processes import vsphere
from testbed.vcenter.simulator import VCenter

CLUSTER = 'first'

# It takes precedence over concurrency_backend, which nova 33 does not have.
_SWITCH = 'OS_NOVA_DISABLE_EVENTLET_PATCHING'
# In seconds. A run takes one or two minutes on a busy machine.
_TIMEOUT = 900


class Mode(NamedTuple):
    """One way to run it.

    * ``python``: of the environment that has nova
    * ``is_native``: whether threads are native, or eventlet's
    * ``path``: what ``patched.copy`` returned; None for oslo.vmware as it is
      installed
    """

    python: pathlib.Path
    is_native: bool
    path: pathlib.Path | None = None

    def run(self, program: pathlib.Path, *arguments: object) -> dict[str, Any]:
        """Return what a program writes.

        :param program: of ``programs``
        :raises ChildProcessError: it failed
        """
        environment = {**os.environ, _SWITCH: str(self.is_native).lower()}
        environment.pop('PYTHONPATH', None)
        if self.path:
            environment['PYTHONPATH'] = str(self.path)
        ended = subprocess.run(
            [self.python, program, *map(str, arguments)],
            env=environment,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT,
        )
        if ended.returncode:
            raise ChildProcessError(ended.stderr)
        return json.loads(ended.stdout)


def write_conf(
    folder: pathlib.Path, vcenter: VCenter, **changes: object
) -> str:
    """Write what nova-compute needs into a folder; return its argument.

    :param changes: options of [vmware]
    """
    conf = folder / 'nova.conf'
    options = vsphere.nova_options(
        vcenter.host,
        vcenter.port,
        vcenter.user,
        vcenter.password,
        vcenter.ca_file,
        CLUSTER,
    )
    # The environment says it, for every release of nova.
    del options['DEFAULT']['concurrency_backend']
    nova_conf.write(
        conf,
        options,
        {
            'DEFAULT': {
                'state_path': folder,
                'reserved_host_memory_mb': 0,
                # Which it has, and does not use.
                'transport_url': 'fake://',
            },
            'oslo_concurrency': {'lock_path': folder},
            'vmware': changes,
        },
    )
    return f'--config-file={conf}'
