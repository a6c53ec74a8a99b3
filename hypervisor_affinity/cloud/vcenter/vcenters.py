# SPDX-License-Identifier: Apache-2.0
"""Several vCenters, to be read again and again."""

import functools
import logging
from collections.abc import Iterable, Iterator
from concurrent import futures

import msgspec

from hypervisor_affinity import redaction
from hypervisor_affinity.cloud.snapshot import VCenter
from hypervisor_affinity.cloud.source import SourceError
from hypervisor_affinity.cloud.vcenter import reader
from hypervisor_affinity.cloud.vcenter.options import Access
from hypervisor_affinity.cloud.vcenter.session import Session

LOG = logging.getLogger(__name__)

# vCenters that are read at the same time.
_THREADS = 8


class OneVCenter:
    """A vCenter.

    * ``name``: what to call it
    """

    def __init__(self, access: Access) -> None:
        """Ask nothing of it yet."""
        self.name = access.name
        self._access = access
        self._session = Session(access)

    def read(self) -> VCenter:
        """Return what it is like now; of a failure, the record says why."""
        known = VCenter(
            name=self.name,
            verified=not self._access.insecure,
            computes=self._access.computes,
        )
        try:
            return self._session.call(
                functools.partial(reader.read_vcenter, known=known)
            )
        except SourceError as error:
            return msgspec.structs.replace(known, error=str(error))
        except Exception as error:
            # Of its text nobody knows what it cites; and the others are read.
            LOG.debug(
                '%s cannot be read: %s\n%s',
                self.name,
                type(error).__name__,
                redaction.frames(error),
            )
            return msgspec.structs.replace(
                known,
                error=f'{self.name}: unexpected answer '
                f'({type(error).__name__}); run the command again with '
                '-vv, and report what it says about this',
            )

    def find_vm(self, uuid: str) -> str | None:
        """Return the id of the cluster that a VM is in now.

        :param uuid: the server's
        :returns: '' if it is in none; None if there is no such VM
        :raises SourceError: if vCenter does not answer
        """
        return self._session.call(functools.partial(reader.find_vm, uuid=uuid))

    def close(self) -> None:
        """Log out."""
        self._session.close()


class VCenters:
    """Several of them. A context manager: it logs out of all.

    * ``each``: them, in the order of the files
    """

    def __init__(self, accesses: Iterable[Access]) -> None:
        """Ask nothing of them yet."""
        self.each = tuple(map(OneVCenter, accesses))
        self._by_name = {vcenter.name: vcenter for vcenter in self.each}

    def __enter__(self) -> 'VCenters':
        """Return it."""
        return self

    def __exit__(self, *raised: object) -> None:
        """Log out of all."""
        for vcenter in self.each:
            vcenter.close()

    def read(self) -> Iterator[VCenter]:
        """Yield what each of them is like now."""
        with futures.ThreadPoolExecutor(_THREADS) as pool:
            yield from pool.map(OneVCenter.read, self.each)

    def find_vm(self, name: str, uuid: str) -> str | None:
        """Return the id of the cluster that a VM is in now.

        :param name: of the vCenter
        :param uuid: the server's
        :returns: '' if it is in none; None if there is no such VM
        :raises SourceError: if the vCenter does not answer
        """
        return self._by_name[name].find_vm(uuid)
