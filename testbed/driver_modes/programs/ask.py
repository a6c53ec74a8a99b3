# SPDX-License-Identifier: Apache-2.0
"""Ask vCenter in several threads at once, and compare the answers.

All use one session, as all of nova-compute does. Each asks for the names of
all objects of one type, again and again, and knows what is right.

    ask.py THREADS CALLS ARGUMENTS-OF-NOVA-COMPUTE

``CALLS`` is the number of calls of each thread. Writes as JSON ``right``,
``wrong`` and ``failed``, numbers of calls; ``errors``, {name of the exception:
calls}; and ``senders``, the number of native threads that sent a request.
"""

import collections
import json
import sys
import threading

import concurrency  # isort: split  # noqa: F401  (chooses)
import yielding
from nova import config
from oslo_vmware import service
from oslo_vmware import vim_util

_TYPES = (
    'VirtualMachine',
    'HostSystem',
    'Datastore',
    'ClusterComputeResource',
    'Folder',
    'ResourcePool',
)


def _count_senders() -> set[int]:
    """Return a set, to which each thread that sends something is added."""
    senders = set()
    send = service.RequestsTransport.send

    def counting(self, request):
        senders.add(threading.get_native_id())
        return send(self, request)

    service.RequestsTransport.send = counting
    return senders


class _Asking:
    def __init__(self, session) -> None:
        self._session = session
        self._wanted = {kind: self._ask(kind) for kind in _TYPES}
        self.outcomes = collections.Counter()
        self.errors = collections.Counter()

    def run(self, threads: int, calls: int) -> None:
        started = [
            threading.Thread(
                target=self._ask_often, args=(_TYPES[n % len(_TYPES)], calls)
            )
            for n in range(threads)
        ]
        for thread in started:
            thread.start()
        for thread in started:
            thread.join()

    def _ask_often(self, kind: str, calls: int) -> None:
        for _ in range(calls):
            try:
                found = self._ask(kind)
            except Exception as error:
                self.outcomes['failed'] += 1
                self.errors[type(error).__name__] += 1
            else:
                is_right = found == self._wanted[kind]
                self.outcomes['right' if is_right else 'wrong'] += 1

    def _ask(self, kind: str) -> dict[str, str]:
        """Return {id: name} of all that are of a type."""
        found = self._session._call_method(
            vim_util, 'get_objects', kind, 100, ['name']
        )
        return {
            entity.obj.value: entity.propSet[0].val for entity in found.objects
        }


def main() -> None:
    threads, calls = (int(number) for number in sys.argv[1:3])
    config.parse_args([sys.argv[0], *sys.argv[3:]], configure_db=False)
    # It takes options when it is imported.
    from nova.virt.vmwareapi import session as driver_session

    session = driver_session.VMwareAPISession()
    asking = _Asking(session)
    senders = _count_senders()
    yielding.begin()
    asking.run(threads, calls)
    json.dump(
        {
            **{
                outcome: asking.outcomes[outcome]
                for outcome in ('right', 'wrong', 'failed')
            },
            'errors': asking.errors,
            'senders': len(senders),
        },
        sys.stdout,
    )


if __name__ == '__main__':
    main()
