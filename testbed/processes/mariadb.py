# SPDX-License-Identifier: Apache-2.0
"""MariaDB, as Debian packages it, with a data folder of its own."""

import os
import pathlib
import pwd
from collections.abc import Iterable

from testbed.processes.supervisor import Supervisor

NAME = 'mariadb'
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
        port: int,
        names: Iterable[str],
    ) -> None:
        """Start nothing.

        :param folder: its own
        """
        folder.mkdir(exist_ok=True)
        self._programs = programs
        self._port = port
        self._data = folder / 'data'
        self._own = [
            # The server's own settings are for another data folder.
            '--no-defaults',
            f'--datadir={self._data}',
        ]
        statements = folder / 'databases.sql'
        statements.write_text(''.join(_statements(names)))
        self._server = programs.add(
            NAME,
            [
                SERVER,
                *self._own,
                # Else it refuses to run as root.
                f'--user={pwd.getpwuid(os.getuid()).pw_name}',
                '--bind-address=127.0.0.1',
                f'--port={port}',
                # In the data folder: the path of a socket must be short.
                '--socket=server.sock',
                f'--pid-file={folder}/server.pid',
                f'--init-file={statements}',
                '--character-set-server=utf8mb4',
                '--collation-server=utf8mb4_general_ci',
                '--max-connections=1000',
                '--skip-name-resolve',
                # What was committed outlives the server, though not a power
                # failure of the machine.
                '--innodb-flush-log-at-trx-commit=2',
                '--loose-innodb-flush-method=nosync',
            ],
            port=port,
        )

    def start(self) -> None:
        """Start it; ``wait`` says when it serves."""
        if not self._data.exists():
            self._programs.run(
                'mariadb-install',
                [
                    # Not --user: it would also change the owner of what it
                    # finds in the system's folders.
                    _INSTALL,
                    *self._own,
                    '--auth-root-authentication-method=normal',
                    '--skip-test-db',
                ],
            )
        self._server.start()

    def wait(self) -> None:
        """Wait until it serves."""
        self._server.wait()

    def url(self, name: str) -> str:
        """Return what SQLAlchemy needs to open a database."""
        at = f'127.0.0.1:{self._port}'
        return f'mysql+pymysql://{_USER}:{_PASSWORD}@{at}/{name}?charset=utf8'


def _statements(names: Iterable[str]) -> Iterable[str]:
    # --init-file takes one statement a line.
    user = f"{_USER}@'127.0.0.1'"
    yield f"CREATE USER IF NOT EXISTS {user} IDENTIFIED BY '{_PASSWORD}';\n"
    for name in names:
        yield f'CREATE DATABASE IF NOT EXISTS {name} CHARACTER SET utf8mb3;\n'
        yield f'GRANT ALL ON {name}.* TO {user};\n'
