# SPDX-License-Identifier: Apache-2.0
"""Requests that nova keeps, with a scheduler hint that is nova's alone.

nova keeps the request for each server, of all cells, in the table
``request_specs`` of its API database, and asks for each move by it. The hint
``_nova_check_type`` is to be in a rebuild's request only while that is at
work (``nova.compute.api.API.rebuild``): ``request_is_rebuild`` of
``nova.scheduler.utils`` then has nova skip Placement and most filters.
"""

import json
from collections.abc import Collection, Iterator
from typing import Any

import sqlalchemy as sa
from nova.db.api import api as api_database
from nova.db.api import models
from nova.objects.cell_mapping import CellMapping

from hypervisor_affinity.status.statements import Statement
from hypervisor_affinity.status.statements import counted
from hypervisor_affinity.status.statements import warning

_HINT = '_nova_check_type'
# As nova compares it.
_VALUE = ['rebuild']
# Of candidates: a request may be some 100 KB long.
_AT_ONCE = 100


def read_hinted(context: Any) -> list[str]:
    """Return the ids of the servers whose request has the hint.

    Left out are those that are deleted, and those in cell0, which have no
    host and never get one. One statement, and one more for each hundred that
    are found; the database looks through the texts.
    """
    found: list[str] = []
    last = 0
    while True:
        rows = _candidates(context, last)
        found += [server for _, server, spec in rows if _has_hint(spec)]
        if len(rows) < _AT_ONCE:
            return found
        last = rows[-1][0]


@api_database.context_manager.reader
def _candidates(context: Any, last: int) -> list[Any]:
    """Return id, server and text of requests that have the word as a key.

    :param last: the id after which to begin
    """
    spec, mapping, cell = (
        models.RequestSpec,
        models.InstanceMapping,
        models.CellMapping,
    )
    return (
        context.session.query(spec.id, spec.instance_uuid, spec.spec)
        .join(mapping, mapping.instance_uuid == spec.instance_uuid)
        .outerjoin(cell, cell.id == mapping.cell_id)
        .filter(
            spec.id > last,
            spec.spec.contains(f'"{_HINT}":', autoescape=True),
            # Both may be NULL: for servers from before nova 17, and while a
            # server gets its host.
            sa.func.coalesce(mapping.queued_for_delete, False).is_(sa.false()),
            sa.func.coalesce(cell.uuid, '') != CellMapping.CELL0_UUID,
        )
        .order_by(spec.id)
        .limit(_AT_ONCE)
        .all()
    )


def _has_hint(text: str) -> bool:
    # The word may stand elsewhere: a user names hints as he likes.
    try:
        hints = json.loads(text)['nova_object.data']['scheduler_hints']
        return hints[_HINT] == _VALUE
    except (ValueError, LookupError, TypeError, RecursionError):
        # What nova cannot read either.
        return False


def check(servers: Collection[str]) -> Iterator[Statement]:
    """Find servers whose moves nova takes for rebuilds.

    :param servers: their ids
    """
    if servers:
        yield warning(
            f'{counted("server", servers)}: the stored request has the '
            f'scheduler hint {_HINT}, which is for nova alone. nova takes '
            'each move of such a server for a rebuild: most filters do not '
            'run, and nothing is claimed in Placement. Somebody has booted '
            'the server with the hint, or nova has left it there at the '
            'rebuild of a server from before nova 18. Check where the server '
            'is (hypervisor-affinity audit), give it its allocations '
            '(nova-manage placement heal_allocations), and remove the hint: '
            'the documentation of hypervisor-affinity-status says how.'
        )
