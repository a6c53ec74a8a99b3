# SPDX-License-Identifier: Apache-2.0
"""Operations on existing servers: moves, shelving, rebuild.

nova answers most of them with 202 before anything has happened. Each method
here waits until the server has come to rest and then tells how it ended.
"""

from collections.abc import Callable

from testbed.embedded_cloud import waiting
from testbed.embedded_cloud.api import ComputeApi
from testbed.embedded_cloud.results import ApiError
from testbed.embedded_cloud.results import Flavor
from testbed.embedded_cloud.results import Image
from testbed.embedded_cloud.results import Outcome
from testbed.embedded_cloud.results import Server
from testbed.embedded_cloud.servers import Servers

# Statuses of a migration record after which nothing more happens to it
# until somebody asks.
_MIGRATION_AT_REST = {
    'cancelled',
    'completed',
    'confirmed',
    'done',
    'error',
    'failed',
    'finished',
    'reverted',
}

# Says from the server before and after that the operation succeeded.
Proof = Callable[[Server, Server], bool]


class Actions:
    """``cloud.actions``.

    ``server`` is always read anew, so an outdated value will do. ``to``
    names the wanted host, None leaves it to the scheduler. Resize,
    shelving, unshelving (but to a host) and rebuild are requested by the
    ordinary user, the other moves by an admin.
    """

    def __init__(
        self,
        user: ComputeApi,
        admin: ComputeApi,
        servers: Servers,
        timeout: float = 60.0,
    ) -> None:
        self._user = user
        self._admin = admin
        self._servers = servers
        self._timeout = timeout

    def resize(self, server: Server, flavor: Flavor) -> Outcome:
        """Resize; it succeeded if the status is VERIFY_RESIZE."""
        return self._run(
            self._user,
            server,
            'resize',
            {'flavorRef': flavor.id},
            _has_status('VERIFY_RESIZE'),
        )

    def confirm_resize(self, server: Server) -> Outcome:
        """Confirm a resize or a cold migration."""
        return self._run(
            self._user,
            server,
            'confirmResize',
            None,
            _has_status('ACTIVE'),
            leaves='VERIFY_RESIZE',
        )

    def revert_resize(self, server: Server) -> Outcome:
        """Revert a resize or a cold migration."""
        return self._run(
            self._user,
            server,
            'revertResize',
            None,
            _has_status('ACTIVE'),
            leaves='VERIFY_RESIZE',
        )

    def cold_migrate(self, server: Server, to: str | None = None) -> Outcome:
        """Migrate cold; it succeeded if the status is VERIFY_RESIZE."""
        return self._run(
            self._admin,
            server,
            'migrate',
            None if to is None else {'host': to},
            _has_status('VERIFY_RESIZE'),
        )

    def live_migrate(self, server: Server, to: str | None = None) -> Outcome:
        """Migrate live."""
        return self._run(
            self._admin,
            server,
            'os-migrateLive',
            {'host': to, 'block_migration': 'auto'},
            _moved,
        )

    def evacuate(self, server: Server, to: str | None = None) -> Outcome:
        """Rebuild it elsewhere; its host must have failed.

        An evacuated server is stopped (API 2.95): SHUTOFF is success.
        """
        return self._run(
            self._admin,
            server,
            'evacuate',
            {} if to is None else {'host': to},
            _moved,
        )

    def shelve(self, server: Server) -> Outcome:
        """Shelve and offload: the server then has no host."""
        return self._run(
            self._user,
            server,
            'shelve',
            None,
            _has_status('SHELVED_OFFLOADED'),
        )

    def unshelve(
        self,
        server: Server,
        *,
        availability_zone: str | None = None,
        to: str | None = None,
    ) -> Outcome:
        """Unshelve, into a zone or, as an admin, to a host."""
        target = {}
        if availability_zone is not None:
            target['availability_zone'] = availability_zone
        if to is not None:
            target['host'] = to
        return self._run(
            self._user if to is None else self._admin,
            server,
            'unshelve',
            target or None,
            _has_status('ACTIVE'),
        )

    def rebuild(self, server: Server, image: Image) -> Outcome:
        """Rebuild on the same host with another image."""
        return self._run(self._user, server, 'rebuild', {'imageRef': image.id})

    def _run(
        self,
        api: ComputeApi,
        server: Server,
        operation: str,
        arguments: dict | None,
        proof: Proof | None = None,
        leaves: str | None = None,
    ) -> Outcome:
        """Request the operation, wait, and find out how it ended.

        ``proof`` None: it succeeded if no event failed and the server is
        not in ERROR. ``leaves``: a status that lasts until the operation
        is over; most operations set a task_state instead.
        """
        before = self._servers.get(server)
        path = f'/servers/{server.id}'
        try:
            api.post(f'{path}/action', {operation: arguments})
        except ApiError as refusal:
            return Outcome(
                operation,
                before,
                False,
                error=refusal.message,
                http_status=refusal.status,
            )
        waiting.until(
            lambda: self._at_rest(server.id, leaves),
            f'{operation} of {server.name} to end',
            self._timeout,
        )
        after = self._servers.get(server)
        failure = self._failed_event(server.id)
        if proof is None:
            succeeded = failure is None and after.status != 'ERROR'
        else:
            succeeded = proof(before, after)
        if succeeded:
            return Outcome(operation, after, True)
        seen = failure or {}
        return Outcome(
            operation,
            after,
            False,
            error=seen.get('details') or after.fault,
            traceback=seen.get('traceback'),
        )

    def _at_rest(self, server_id: str, leaves: str | None) -> bool:
        # The cheapest and most telling question first.
        server = self._admin.get(f'/servers/{server_id}')['server']
        if server['OS-EXT-STS:task_state'] is not None:
            return False
        if server['status'] == 'ERROR' and 'fault' not in server:
            return False
        events = self._events(server_id)
        if not events or any(e['finish_time'] is None for e in events):
            return False
        if server['status'] == leaves and not any(map(_failed, events)):
            return False
        migrations = self._admin.get(
            f'/os-migrations?instance_uuid={server_id}'
        )['migrations']
        return all(
            migration['status'] in _MIGRATION_AT_REST
            for migration in migrations
        )

    def _events(self, server_id: str) -> list[dict]:
        """Return the events of the newest action, the newest first."""
        path = f'/servers/{server_id}/os-instance-actions'
        newest = self._admin.get(path)['instanceActions'][0]
        action = self._admin.get(f'{path}/{newest["request_id"]}')
        return action['instanceAction']['events']

    def _failed_event(self, server_id: str) -> dict | None:
        """Return the newest failed event, or None."""
        events = self._events(server_id)
        return next((event for event in events if _failed(event)), None)


def _failed(event: dict) -> bool:
    return event['result'] == 'Error'


def _has_status(status: str) -> Proof:
    return lambda before, after: after.status == status


def _moved(before: Server, after: Server) -> bool:
    return after.host != before.host and after.status != 'ERROR'
