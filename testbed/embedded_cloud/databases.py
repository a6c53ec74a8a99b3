# SPDX-License-Identifier: Apache-2.0
"""What is in the databases of a cloud: copying it, and putting it back."""

import sqlite3
from collections.abc import Mapping

import nova.context
from nova.db.api import api as api_database
from oslo_utils import timeutils
from placement import db_api as placement_database

# What a service writes although nothing has happened to it.
_VOLATILE = {'updated_at', 'generation', 'report_count', 'last_seen_up'}

# Of all of a row but what is volatile: (column, value).
Row = tuple[tuple[str, object], ...]


class Databases:
    """Those of nova-api, of each cell and of Placement, in memory."""

    def __init__(self, cell_mappings: Mapping[str, object]) -> None:
        self._engines = {
            'api': api_database.get_engine(),
            'placement': placement_database.get_placement_engine(),
        }
        self._cells = list(cell_mappings)
        context = nova.context.get_admin_context()
        for name, mapping in cell_mappings.items():
            with nova.context.target_cell(context, mapping) as targeted:
                manager = targeted.db_connection
                self._engines[name] = manager.writer.get_engine()

    def copy(self) -> dict[str, sqlite3.Connection]:
        """Return a copy of each."""
        copies = {}
        for name in self._engines:
            copies[name] = sqlite3.connect(':memory:')
            self._open(name).backup(copies[name])
        return copies

    def put_back(self, copies: Mapping[str, sqlite3.Connection]) -> None:
        """Replace all that is in them, and have services seen up just now.

        Raises RuntimeError if one of them is in use.
        """
        in_use = [n for n in self._engines if self._open(n).in_transaction]
        if in_use:
            raise RuntimeError(f'databases in use: {", ".join(in_use)}')
        for name, kept in copies.items():
            kept.backup(self._open(name))
        now = timeutils.utcnow().isoformat(' ')
        for name in self._cells:
            with self._open(name) as connection:
                connection.execute(
                    'UPDATE services SET last_seen_up = ?', [now]
                )

    def contents(self) -> dict[str, list[Row]]:
        """Return what is in each table, but for what is volatile."""
        return {
            f'{name}.{table}': [
                tuple(pair for pair in row if pair[0] not in _VOLATILE)
                for row in _rows(self._open(name), table)
            ]
            for name in self._engines
            for table in _tables(self._open(name))
        }

    def unfinished(self) -> int:
        """Return the number of events of actions that have not ended."""
        # Of a build that was tried on several hosts, nova ends one only.
        statement = (
            'SELECT COUNT(*) FROM (SELECT 1 FROM instance_actions_events'
            ' GROUP BY action_id, event HAVING COUNT(finish_time) = 0)'
        )
        return sum(
            self._open(name).execute(statement).fetchone()[0]
            for name in self._cells
        )

    def records_of(self, host: str, node: str) -> list[Row]:
        """Return what changes in the databases when a host does something.

        What is claimed there, and what is not any more, shows in the times
        of its node and in the generation of its provider.
        """
        found = [
            *_rows(self._open('placement'), 'resource_providers', 'name', node)
        ]
        for name in self._cells:
            connection = self._open(name)
            found += _rows(connection, 'compute_nodes', 'host', host)
            found += (
                tuple(pair for pair in row if pair[0] not in _VOLATILE)
                for row in _rows(connection, 'services', 'host', host)
            )
        return found

    def _open(self, name: str) -> sqlite3.Connection:
        # A database in memory has one connection, whoever asks for it.
        with self._engines[name].connect() as connection:
            return connection.connection.driver_connection


def _tables(connection: sqlite3.Connection) -> list[str]:
    found = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table'"
        " AND name NOT LIKE 'sqlite_%' ORDER BY name"
    )
    return [name for (name,) in found]


def _rows(
    connection: sqlite3.Connection,
    table: str,
    column: str | None = None,
    value: str = '',
) -> list[Row]:
    where, values = '', []
    if column is not None:
        where, values = f' WHERE {column} = ?', [value]
    cursor = connection.execute(f'SELECT * FROM {table}{where}', values)
    names = [described[0] for described in cursor.description]
    return [tuple(zip(names, row, strict=True)) for row in cursor]
