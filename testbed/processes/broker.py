# SPDX-License-Identifier: Apache-2.0
"""RabbitMQ, as Debian packages it, for one test run."""

import json
import pathlib
from collections.abc import Mapping

from testbed.processes import nova_conf
from testbed.processes.supervisor import Supervisor

# Not /usr/sbin/rabbitmq-server: that one changes to the user rabbitmq and
# writes to /var.
SERVER = pathlib.Path('/usr/lib/rabbitmq/bin/rabbitmq-server')
_VHOST = 'nova'
_USER = 'nova'
_PASSWORD = 'loopback'
_EPMD = 'epmd'
_RABBITMQ = 'rabbitmq'
# Also the names of what listens on these ports.
PORTS = (_RABBITMQ, 'rabbitmq-distribution', _EPMD)


class Broker:
    """A RabbitMQ node and its port mapper, on loopback only."""

    def __init__(
        self,
        folder: pathlib.Path,
        programs: Supervisor,
        ports: Mapping[str, int],
        prefix: str = '',
    ) -> None:
        """Write its configuration, and start nothing.

        :param folder: its own
        :param ports: of all in ``PORTS``
        :param prefix: of the names of its programs, where there is another
        """
        folder.mkdir(exist_ok=True)
        self._folder = folder
        self._programs = programs
        self._port, self._dist_port, self._epmd_port = (
            ports[name] for name in PORTS
        )
        self._write_configuration()
        # RabbitMQ would start one that outlives it if there were none.
        self._epmd = programs.add(
            prefix + _EPMD,
            [_EPMD, '-address', '127.0.0.1', '-port', str(self._epmd_port)],
            port=self._epmd_port,
        )
        self._server = programs.add(
            prefix + _RABBITMQ,
            [SERVER],
            self._environment(),
            port=self._port,
            ready_text='Starting broker... completed',
        )

    @property
    def options(self) -> nova_conf.Options:
        """Return what nova needs to find it."""
        return {'DEFAULT': {'transport_url': self.url}}

    @property
    def url(self) -> str:
        """Return where it is, as oslo.messaging takes it."""
        at = f'127.0.0.1:{self._port}'
        return f'rabbit://{_USER}:{_PASSWORD}@{at}/{_VHOST}'

    def start(self) -> None:
        """Start both; ``wait`` says when they serve."""
        self._epmd.start()
        self._epmd.wait()
        self._server.start()

    def wait(self) -> None:
        """Wait until it serves."""
        self._server.wait()

    def kill(self) -> None:
        """End it as a crash would; it can be started again."""
        self._server.kill()

    def remove(self) -> None:
        """End it for good."""
        for program in (self._server, self._epmd):
            self._programs.remove(program.name)

    def _environment(self) -> dict[str, str]:
        folder = self._folder
        return {
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
