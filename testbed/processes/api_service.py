# SPDX-License-Identifier: Apache-2.0
"""What the APIs of all services have in common."""

import abc
import pathlib
import sys

from testbed.processes import nova_conf
from testbed.processes import programs
from testbed.processes.program import Command
from testbed.processes.site import Site
from testbed.processes.supervisor import BIN

# Where the services' packages put what is to be in /etc.
ETC = pathlib.Path(sys.prefix, 'etc')


class ApiService(abc.ABC):
    """A service with a database, a configuration file and an API.

    * ``name``: of the service, its user in Keystone and its log
    * ``conf_name``: of its configuration file
    * ``wsgi``: the module that has its application
    """

    name: str
    conf_name: str
    wsgi: str

    def __init__(self, site: Site) -> None:
        """Write its configuration, and start nothing."""
        self.site = site
        self.folder = site.folder / self.name
        self.folder.mkdir(exist_ok=True)
        self.conf = self.folder / self.conf_name
        nova_conf.write(self.conf, self.options())
        port = site.ports[self.name]
        self._api = site.programs.add(
            f'{self.name}-api',
            [
                sys.executable,
                programs.SERVE_WSGI,
                self.wsgi,
                str(port),
                f'--config-file={self.conf}',
            ],
            {**site.environment(), **self.environment()},
            port=port,
        )

    @abc.abstractmethod
    def options(self) -> nova_conf.Options:
        """Return the content of its configuration file."""

    @abc.abstractmethod
    def syncs(self) -> dict[str, Command]:
        """Return {name of the log: command} that fill its databases."""

    def environment(self) -> dict[str, str]:
        """Return what says where its configuration is.

        Of those that ignore the argument, each has a variable of its own.
        """
        return {}

    def program(
        self,
        name: str,
        *arguments: str | pathlib.Path,
        conf: pathlib.Path | None = None,
    ) -> Command:
        """Return the command of one of its programs.

        :param conf: instead of the usual configuration
        """
        return [BIN / name, f'--config-file={conf or self.conf}', *arguments]

    def start(self) -> None:
        """Start its API."""
        self._api.start()

    def wait(self) -> None:
        """Wait until its API is served."""
        self._api.wait()

    def kill(self) -> None:
        """End its API as a crash would; it may be started again."""
        self._api.kill()
