# SPDX-License-Identifier: Apache-2.0
"""A session with one vCenter, by pyVmomi."""

import contextlib
import dataclasses
import http.client
import logging
import ssl
import threading
import zlib
from collections.abc import Callable, Iterator
from typing import Any, TypeVar
from xml.etree.ElementTree import ParseError
from xml.parsers.expat import ExpatError

import defusedxml
from defusedxml import ElementTree
from pyVmomi import SoapAdapter
from pyVmomi import VmomiSupport
from pyVmomi import vim
from pyVmomi import vmodl

from hypervisor_affinity import vcenter_conf
from hypervisor_affinity.cloud import bounds
from hypervisor_affinity.cloud.source import SourceError
from hypervisor_affinity.cloud.vcenter import answers
from hypervisor_affinity.cloud.vcenter.options import Access
from hypervisor_affinity.cloud.vcenter.reader import Content

LOG = logging.getLogger(__name__)

# In seconds without a byte: a call that reads a large cluster takes a few.
TIMEOUT = 60.0
# In seconds, for a call of another thread when the program ends, and then to
# log out.
_PATIENCE = 2.0
_PATH = '/sdk'
_VERSIONS = f'{_PATH}/vimServiceVersions.xml'

# What a call raises if its answer does not come whole.
_BROKEN = (http.client.HTTPException, ExpatError, OSError, zlib.error)

_Answer = TypeVar('_Answer')


class Session:
    """A session, logged in when it is first used and after it has expired.

    One call at a time.
    """

    def __init__(self, access: Access, timeout: float = TIMEOUT) -> None:
        """Ask nothing yet."""
        self._access = access
        self._timeout = timeout
        self._stub: SoapAdapter.SoapStubAdapter | None = None
        # None if it is not logged in.
        self._content: Content | None = None
        self._lock = threading.Lock()

    def call(self, ask: Callable[[Content], _Answer]) -> _Answer:
        """Return what ``ask`` returns, which gets vCenter's managers.

        All that it asks of vCenter, and logging in, is within the bounds.

        It is asked again if the session has expired, or a connection that was
        kept is broken, as after vCenter was started again.

        :raises SourceError: if vCenter does not answer
        """
        with self._lock, self._explained(), bounds.within(self._access.bounds):
            if self._content is not None:
                with contextlib.suppress(vim.fault.NotAuthenticated):
                    return self._ask_again_if_broken(ask)
            self._content = self._log_in()
            return ask(self._content)

    def close(self) -> None:
        """Log out, as far as vCenter still listens.

        Of one that keeps a call waiting, the session ends when it expires.
        """
        if not self._lock.acquire(timeout=_PATIENCE):
            return
        try:
            content, self._content = self._content, None
            if content is not None:
                limits = dataclasses.replace(
                    self._access.bounds, seconds=_PATIENCE
                )
                # Whatever it answers, nobody asks it again.
                with contextlib.suppress(Exception), bounds.within(limits):
                    content.sessionManager.Logout()
            self._drop()
        finally:
            self._lock.release()

    def _ask_again_if_broken(
        self, ask: Callable[[Content], _Answer]
    ) -> _Answer:
        try:
            return ask(self._content)
        except TimeoutError:
            # Once is long enough.
            raise
        except _BROKEN:
            if self._stub is not None:
                self._stub.DropConnections()
            return ask(self._content)

    def _log_in(self) -> Content:
        access = self._access
        context = self._trust()
        self._drop()
        self._stub = SoapAdapter.SoapStubAdapter(
            host=access.address,
            port=access.port,
            path=_PATH,
            version=self._version(context),
            sslContext=context,
            httpConnectionTimeout=self._timeout,
        )
        self._stub.scheme = answers.Connection
        service = vim.ServiceInstance('ServiceInstance', self._stub)
        content: Content = service.RetrieveContent()
        content.sessionManager.Login(access.user, access.password)
        return content

    def _drop(self) -> None:
        if self._stub is not None:
            self._stub.DropConnections()
            self._stub = None

    def _trust(self) -> ssl.SSLContext:
        """Return what vCenter's certificate is verified by."""
        if self._access.insecure:
            # As [vmware] insecure has it; every check warns of it.
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            return context
        file = self._access.ca_file
        try:
            return ssl.create_default_context(cafile=file)
        except OSError as error:
            raise SourceError(
                f'{self._name}: ca_file {file} cannot be used: '
                f'{error.strerror or error}'
            ) from error

    def _version(self, context: ssl.SSLContext) -> str:
        """Return the newest version of the API that both sides know.

        As ``pyVim.connect`` does, which waits for an answer for ever.
        """
        connection = bounds.Connection(
            self._access.address,
            self._access.port,
            timeout=self._timeout,
            context=context,
        )
        with contextlib.closing(connection):
            connection.request('GET', _VERSIONS)
            answer = connection.getresponse()
            text = answer.read()
        try:
            listed = {
                element.text
                for element in ElementTree.fromstring(text).iter('version')
            }
        except (ParseError, defusedxml.DefusedXmlException):
            listed = set()
        for version in VmomiSupport.GetServiceVersions('vim25'):
            if VmomiSupport.versionIdMap[version] in listed:
                return version
        raise SourceError(
            f'{self._name}: the answer ({answer.status} {answer.reason}) is '
            'not from a vCenter of a known release; check host_ip and '
            'host_port'
        )

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn what goes wrong into an error that says what to do.

        From None, since the call that failed may have the password.
        """
        try:
            yield
        except Exception as error:
            reason = self._reason(error)
            if reason is None:
                raise
            raise SourceError(f'{self._name}: {reason}') from None

    def _reason(self, error: Exception) -> str | None:
        """Say what went wrong; None for what is no matter of vCenter."""
        if isinstance(error, bounds.Unacceptable):
            return (
                f'{error}; see whether vCenter is up, or set a longer '
                'reading_deadline or a higher reading_limit in '
                f'[{vcenter_conf.GROUP}]'
            )
        if isinstance(error, vmodl.MethodFault):
            return self._explain_fault(error)
        if isinstance(error, OSError):
            return self._explain_connection(error)
        # How pyVmomi stumbles over what it does not expect.
        stumbles = (AttributeError, TypeError, *_BROKEN)
        if isinstance(error, stumbles) or type(error) is Exception:
            LOG.debug('An answer of %s', self._name, exc_info=error)
            return (
                'the answer is incomplete, or not from vCenter '
                f'({type(error).__name__}); see whether vCenter is up, and '
                'look for a proxy in front of it'
            )
        return None

    def _explain_fault(self, fault: Any) -> str:
        """Say what vCenter has against a call."""
        user = self._access.user
        if isinstance(fault, vim.fault.InvalidLogin):
            return (
                f'it refuses user {user!r} or the password; check '
                'host_username and host_password'
            )
        if isinstance(fault, vim.fault.NoPermission):
            right = getattr(fault, 'privilegeId', None) or 'System.Read'
            return (
                f'user {user!r} lacks the privilege {right}; give it the role '
                'Read-only at the top of the inventory, with propagation to '
                'children'
            )
        return f'{_words(fault)}; see the log of vpxd'

    def _explain_connection(self, error: OSError) -> str:
        """Say what is wrong with a connection."""
        if isinstance(error, ssl.SSLCertVerificationError):
            return (
                'its certificate is not trusted '
                f'({error.verify_message.rstrip(".")}); set ca_file to the '
                'certificate of its CA'
            )
        if isinstance(error, ssl.SSLError):
            return f'no TLS connection ({error.reason}); check host_port'
        if isinstance(error, TimeoutError):
            return (
                f'no answer within {self._timeout:g} s; see whether vCenter '
                'is up'
            )
        return (
            f'{error.strerror or error}; see whether vCenter is up and can be '
            'reached from here'
        )

    @property
    def _name(self) -> str:
        return f'vCenter {self._access.name}'


def _words(error: Any) -> str:
    """Return what vCenter says of a fault, in one line, and its kind."""
    text = ' '.join((error.msg or '').split())[:200].rstrip('.')
    kind = type(error).__name__.rpartition('.')[2]
    return f'{text} ({kind})' if text else kind
