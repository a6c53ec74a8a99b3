# SPDX-License-Identifier: Apache-2.0
"""What the APIs of all services have in common."""

import abc
import pathlib
import sys

from tests.processes import nova_conf
from tests.processes import programs
from tests.processes import supervisor
from tests.processes.child import Child
from tests.processes.site import Site
from tests.processes.supervisor import BIN
from tests.processes.supervisor import Command

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
        """Write its configuration."""
        self.site = site
        self.folder = site.folder / self.name
        self.folder.mkdir()
        self.conf = self.folder / self.conf_name
        nova_conf.write(self.conf, self.options())
        self._process: Child | None = None

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
        self._process = self.site.programs.start(
            f'{self.name}-api',
            [
                sys.executable,
                programs.SERVE_WSGI,
                self.wsgi,
                str(self.site.ports[self.name]),
                f'--config-file={self.conf}',
            ],
            {**self.site.environment(), **self.environment()},
        )

    def wait(self) -> None:
        """Wait until its API is served."""
        supervisor.wait_for_port(self._process, self.site.ports[self.name])

    def kill(self) -> None:
        """End its API as a crash would; it may be started again."""
        self._process.kill()
