# SPDX-License-Identifier: Apache-2.0
"""RabbitMQ, as Debian packages it, for one test run."""

import json
import os
import pathlib
import shutil
import subprocess

from tests.processes import nova_conf
from tests.processes import ports
from tests.processes.child import Child

# Not /usr/sbin/rabbitmq-server: that one changes to the user rabbitmq and
# writes to /var.
SERVER = pathlib.Path('/usr/lib/rabbitmq/bin/rabbitmq-server')
_VHOST = 'nova'
_USER = 'nova'
_PASSWORD = 'loopback'


class Broker:
    """A RabbitMQ node and its port mapper, on loopback only."""

    def __init__(self, folder: pathlib.Path) -> None:
        """Start both; ``wait`` says when they serve."""
        self._folder = folder
        self._port, self._dist_port, self._epmd_port = ports.free(3)
        self._write_configuration()
        self._epmd = self._start_epmd()
        self._server = Child(
            [SERVER], folder / 'broker.log', self._environment()
        )

    @property
    def options(self) -> nova_conf.Options:
        """Return what nova needs to find it."""
        at = f'127.0.0.1:{self._port}'
        url = f'rabbit://{_USER}:{_PASSWORD}@{at}/{_VHOST}'
        return {'DEFAULT': {'transport_url': url}}

    def wait(self) -> None:
        """Wait until it serves."""
        self._server.wait_for_text('Starting broker... completed')

    def stop(self) -> None:
        """Stop both."""
        try:
            self._server.stop()
        finally:
            self._server.kill()
            self._epmd.kill()

    def _start_epmd(self) -> Child:
        # Before RabbitMQ, which starts one that outlives it if there is none.
        epmd = shutil.which('epmd')
        port = ['-port', str(self._epmd_port)]
        environment = self._environment()
        child = Child(
            [epmd, '-address', '127.0.0.1', *port],
            self._folder / 'epmd.log',
            environment,
        )

        def answers() -> bool:
            asked = subprocess.run(
                [epmd, *port, '-names'], env=environment, capture_output=True
            )
            return asked.returncode == 0

        child.wait_until(answers, 'answering')
        return child

    def _environment(self) -> dict[str, str]:
        # Nothing of the caller's: RabbitMQ reads variables of common names,
        # such as LOGS.
        folder = self._folder
        return {
            'PATH': os.defpath,
            'HOME': str(folder),
            'LC_ALL': 'C.UTF-8',
            'ERL_EPMD_ADDRESS': '127.0.0.1',
            'ERL_EPMD_PORT': str(self._epmd_port),
            'RABBITMQ_CONF_ENV_FILE': str(folder / 'none'),
            'RABBITMQ_CONFIG_FILE': str(folder / 'rabbitmq.conf'),
            'RABBITMQ_DIST_PORT': str(self._dist_port),
            'RABBITMQ_ENABLED_PLUGINS_FILE': str(folder / 'plugins'),
            'RABBITMQ_LOG_BASE': str(folder / 'log'),
            'RABBITMQ_MNESIA_BASE': str(folder / 'mnesia'),
            'RABBITMQ_NODENAME': f'affinity-{self._port}@localhost',
            'RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS': (
                '+S 2:2 -kernel inet_dist_use_interface {127,0,0,1}'
            ),
        }

    def _write_configuration(self) -> None:
        everything = {'configure': '.*', 'write': '.*', 'read': '.*'}
        definitions = {
            'vhosts': [{'name': _VHOST}],
            'users': [{'name': _USER, 'password': _PASSWORD, 'tags': ''}],
            'permissions': [{'user': _USER, 'vhost': _VHOST, **everything}],
        }
        path = self._folder / 'definitions.json'
        path.write_text(json.dumps(definitions))
        (self._folder / 'rabbitmq.conf').write_text(
            f'listeners.tcp.1 = 127.0.0.1:{self._port}\n'
            f'load_definitions = {path}\n'
            # With less, RabbitMQ would take no messages, and nova would wait.
            'disk_free_limit.absolute = 1MB\n'
        )
