# SPDX-License-Identifier: Apache-2.0
"""MariaDB, as Debian packages it, with a data folder of its own."""

import os
import pathlib
import pwd
from collections.abc import Iterable

from tests.processes import ports
from tests.processes import supervisor
from tests.processes.supervisor import Supervisor

SERVER = pathlib.Path('/usr/sbin/mariadbd')
_INSTALL = pathlib.Path('/usr/bin/mariadb-install-db')
_USER = 'cloud'
_PASSWORD = 'loopback'


class MariaDb:
    """The server, with one empty database for each name."""

    def __init__(
        self,
        folder: pathlib.Path,
        programs: Supervisor,
        names: Iterable[str],
    ) -> None:
        """Start it; ``wait`` says when it serves."""
        (self._port,) = ports.free(1)
        statements = folder / 'databases.sql'
        statements.write_text(''.join(_statements(names)))
        data = folder / 'data'
        own = [
            # The server's own settings are for another data folder.
            '--no-defaults',
            f'--datadir={data}',
        ]
        programs.run(
            'mariadb-install',
            [
                # Not --user: it would also change the owner of what it finds
                # in the system's folders.
                _INSTALL,
                *own,
                '--auth-root-authentication-method=normal',
                '--skip-test-db',
            ],
        )
        self._child = programs.start(
            'mariadb',
            [
                SERVER,
                *own,
                # Else it refuses to run as root.
                f'--user={pwd.getpwuid(os.getuid()).pw_name}',
                '--bind-address=127.0.0.1',
                f'--port={self._port}',
                # In the data folder: the path of a socket must be short.
                '--socket=server.sock',
                f'--pid-file={folder}/server.pid',
                f'--init-file={statements}',
                '--character-set-server=utf8mb4',
                '--collation-server=utf8mb4_general_ci',
                '--max-connections=1000',
                '--skip-name-resolve',
                # What is lost in a crash is not missed.
                '--innodb-flush-log-at-trx-commit=0',
                '--loose-innodb-flush-method=nosync',
                '--skip-innodb-doublewrite',
            ],
        )

    def wait(self) -> None:
        """Wait until it serves."""
        supervisor.wait_for_port(self._child, self._port)

    def url(self, name: str) -> str:
        """Return what SQLAlchemy needs to open a database."""
        at = f'127.0.0.1:{self._port}'
        return f'mysql+pymysql://{_USER}:{_PASSWORD}@{at}/{name}?charset=utf8'


def _statements(names: Iterable[str]) -> Iterable[str]:
    # --init-file takes one statement a line.
    yield f"CREATE USER {_USER}@'127.0.0.1' IDENTIFIED BY '{_PASSWORD}';\n"
    for name in names:
        yield f'CREATE DATABASE {name} CHARACTER SET utf8mb3;\n'
        yield f"GRANT ALL ON {name}.* TO {_USER}@'127.0.0.1';\n"
