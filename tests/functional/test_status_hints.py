# SPDX-License-Identifier: Apache-2.0
"""Requests that nova keeps, with a hint that is to be nova's alone."""

import importlib.metadata
import json
import pathlib
import re
import sys
import threading

import pytest
import sqlalchemy
from nova import context as nova_context
from nova import objects
from nova.db.api import api as api_database
from nova.db.api import models
from oslo_utils import uuidutils
from sqlalchemy.engine import Engine

from hypervisor_affinity.operations.findings import Severity
from hypervisor_affinity.status import databases
from hypervisor_affinity.status import release
from hypervisor_affinity.status import stored_hints

PAGE = (
    pathlib.Path(__file__).parents[2]
    / 'doc/source/cli/hypervisor-affinity-status.rst'
)
HINT = '_nova_check_type'
REBUILD = {HINT: ['rebuild']}
# A user may name a hint so.
QUOTED = f'x"{HINT}'


@pytest.fixture
def statements():
    """What the test itself asks of stored requests."""
    found = []
    asking = threading.get_ident()

    def note(connection, cursor, statement, *rest):
        if (
            'request_specs' in statement
            and threading.get_ident() == asking
            and not statement.startswith('INSERT')
        ):
            found.append(statement)

    sqlalchemy.event.listen(Engine, 'before_cursor_execute', note)
    yield found
    sqlalchemy.event.remove(Engine, 'before_cursor_execute', note)


def found():
    """Return the outcome, and the ids of the servers in the databases."""
    cloud = databases.read_cloud()
    findings = list(stored_hints.check(cloud.hinted))
    assert [finding.severity for finding in findings] == [
        Severity.WARNING
    ] * bool(cloud.hinted)
    return set(cloud.hinted), ''.join(finding.text for finding in findings)


def give(server, hints):
    """Store hints as a nova does that takes them from users."""
    context = nova_context.get_admin_context()
    spec = objects.RequestSpec.get_by_instance_uuid(context, server.id)
    spec.scheduler_hints = hints
    spec.save()


def stored_hints_of(server):
    context = nova_context.get_admin_context()
    spec = objects.RequestSpec.get_by_instance_uuid(context, server.id)
    return spec.scheduler_hints or {}


def execute(statement):
    with api_database.get_engine().begin() as connection:
        connection.execute(sqlalchemy.text(statement))


def page_statement(server):
    """Return the statement that the page tells operators to run."""
    (statement,) = re.findall(
        r'^ +UPDATE request_specs .*?;$',
        PAGE.read_text(),
        re.MULTILINE | re.DOTALL,
    )
    return statement.replace('SERVER', server.id)


def test_who_has_the_hint(start_cloud, statements):
    cloud = start_cloud(cells=2)
    for cell in (1, 2):
        cloud.add_kvm_host(f'kvm-{cell}', cell=cell)
    image = cloud.images.create('image', 'qcow2')
    esxi = cloud.images.create('esxi', 'vmdk')
    hinted = [cloud.boot(image, host=f'kvm-{n}') for n in (1, 2)]
    deleted, quoted, other, value = (cloud.boot(image) for _ in range(4))
    without_host = cloud.boot(esxi)
    assert without_host.status == 'ERROR'
    for server in (*hinted, deleted, without_host):
        give(server, {'group': ['x'], **REBUILD})
    give(quoted, {QUOTED: ['rebuild']})
    give(other, {'group': [HINT], 'x': [f'"{HINT}": ["rebuild"]']})
    give(value, {HINT: ['other']})
    cloud.servers.delete([deleted])
    statements.clear()
    ids, text = found()
    assert ids == {server.id for server in hinted}
    assert len(statements) == 1
    assert text.startswith(
        f'2 servers ({", ".join(sorted(ids))}): the stored request has'
    )
    for server in hinted:
        execute(page_statement(server))
        assert stored_hints_of(server) == {'group': ['x']}
    assert found() == (set(), '')


def test_a_nova_takes_the_hint_from_users_as_its_version_says(two_of_each):
    cloud = two_of_each
    image = cloud.images.create('image', 'qcow2')
    server = cloud.boot(image, hints={HINT: 'rebuild', 'mine': 'x'})
    version = importlib.metadata.version('nova')
    takes = any(
        'CVE-2026-46448' in finding.text
        for finding in release.check(version, sys.version_info[:2])
    )
    stored = stored_hints_of(server)
    assert stored == {'mine': ['x'], **(REBUILD if takes else {})}


def test_a_rebuild_leaves_no_hint(two_of_each):
    cloud = two_of_each
    server = cloud.boot(cloud.images.create('image', 'qcow2'))
    other = cloud.images.create('other', 'qcow2')
    assert cloud.actions.rebuild(server, other).succeeded
    assert found() == (set(), '')


def test_a_rebuild_of_what_is_from_before_nova_18_leaves_it(two_of_each):
    """Its request lacks ``is_bfv``; nova adds that, and stores the rest."""
    cloud = two_of_each
    server = cloud.boot(cloud.images.create('image', 'qcow2'))
    execute(
        'UPDATE request_specs SET spec = JSON_REMOVE(spec,'
        ' \'$."nova_object.data".is_bfv\')'
    )
    other = cloud.images.create('other', 'qcow2')
    assert cloud.actions.rebuild(server, other).succeeded
    assert stored_hints_of(server) == REBUILD
    ids, text = found()
    assert ids == {server.id}
    assert 'before nova 18' in text
    execute(page_statement(server))
    assert stored_hints_of(server) == {}
    assert found() == (set(), '')
    assert cloud.actions.cold_migrate(server).succeeded


def test_many(two_of_each, statements):
    context = nova_context.get_admin_context()
    cell = objects.CellMappingList.get_all(context)[-1]
    ids = [uuidutils.generate_uuid() for _ in range(250)]
    specs = [{QUOTED: ['rebuild']}] * 125 + [REBUILD] * 125
    with api_database.get_engine().begin() as connection:
        connection.execute(
            sqlalchemy.insert(models.InstanceMapping),
            [
                {'instance_uuid': id, 'project_id': 'p', 'cell_id': cell.id}
                for id in ids
            ],
        )
        connection.execute(
            sqlalchemy.insert(models.RequestSpec),
            [
                {
                    'instance_uuid': id,
                    'spec': json.dumps(
                        {'nova_object.data': {'scheduler_hints': hints}}
                    ),
                }
                for id, hints in zip(ids, specs, strict=True)
            ],
        )
    statements.clear()
    hinted, text = found()
    assert hinted == set(ids[125:])
    assert '125 servers (' in text
    assert 'and 122 more)' in text
    assert len(statements) == 3
