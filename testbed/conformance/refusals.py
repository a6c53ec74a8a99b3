# SPDX-License-Identifier: Apache-2.0
"""Who refused a server, and with which words."""

import html
import http
import re
from collections.abc import Mapping
from typing import Any

from openstack import exceptions

from testbed.conformance.finding import Refuser

# The first one is what went wrong; what follows is how nova-compute took it.
_NEXT_OR_CAUSED = re.compile(
    r'\n\n(?:During handling of|The above exception was)'
)
# The last line of a traceback, and what belongs to it.
_RAISED = re.compile(r'^(?P<kind>[A-Za-z_][\w.]*)(?:: (?P<words>.*))?\Z', re.S)
_FRAME = re.compile(r'^  File "([^"]+)"', re.M)

# {beginning of an exception's name, file that it passed through: who raises
# it}; the first that fits.
_REFUSERS = {
    ('libvirt.', 'nova/virt/libvirt/'): Refuser.LIBVIRT,
    # What the driver's library itself finds wrong about a transfer.
    ('oslo_vmware.', 'oslo_vmware/rw_handles.py'): Refuser.DRIVER,
    ('oslo_vmware.', 'nova/virt/vmwareapi/'): Refuser.VCENTER,
    ('nova.', 'nova/virt/images.py'): Refuser.FORMAT_CHECK,
    ('nova.', 'nova/virt/'): Refuser.DRIVER,
}
# libvirt hands on what QEMU wrote when it ended.
_OF_QEMU = re.compile(r'.*qemu-system-\w+: (?:-\w+ \{.*?\}: )?', re.S)
# What differs each time.
_ID = re.compile(r'\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b')
_INSTANCE = re.compile(r'\binstance-[0-9a-f]{8}\b')
_URL = re.compile(r'https?://\S+[^\s.,]')
_TAG = re.compile(r'<[^>]*>')
# Before and after what an API has to say.
_STATUS = re.compile(r'.*\b\d{3} [A-Z][A-Za-z ]+\s', re.S)
_SCHEMA = 'Failed validating '
# All machine types of QEMU, for example.
_LONG_LIST = re.compile(r'\[[^\]]{200,}\]')


def by_api(
    by: Refuser, error: exceptions.HttpException
) -> tuple[Refuser, str]:
    """Return who refused a request, and the words.

    :param by: whose API it was
    :raises ValueError: nobody refused it: the service failed
    """
    answer = error.response
    if error.status_code >= http.HTTPStatus.INTERNAL_SERVER_ERROR:
        raise ValueError(f'{by} failed: {error}') from error
    if 'json' in answer.headers['Content-Type']:
        # {kind of error: what is said of it}
        (told,) = answer.json().values()
        return by, _plain(told['message'])
    words = _STATUS.sub('', html.unescape(_TAG.sub(' ', answer.text)))
    return by, _plain(words.partition(_SCHEMA)[0])


def by_fault(fault: Mapping[str, Any]) -> tuple[Refuser, str]:
    """Return who refused a server, and the words.

    :param fault: of the server, as an administrator sees it
    :raises ValueError: nobody refused it, as far as can be seen: something
        else went wrong
    """
    traceback = (fault.get('details') or '').rstrip()
    first = _NEXT_OR_CAUSED.split(traceback, maxsplit=1)[0].rstrip()
    # After the last frame, whose lines are indented.
    _, _, ending = first[first.rfind('\n  ') + 1 :].partition('\n')
    raised = _RAISED.match(ending)
    if raised is None:
        raise ValueError(f'no reason in the fault of a server: {fault}')
    words = raised['words'] or raised['kind']
    by = _refuser(raised['kind'], first)
    if by is None:
        raise ValueError(f'nobody refused a server, but: {first}')
    if by is Refuser.LIBVIRT and _OF_QEMU.match(words):
        by, words = Refuser.QEMU, _OF_QEMU.sub('', words)
    return by, _plain(words)


def _refuser(kind: str, traceback: str) -> Refuser | None:
    files = _FRAME.findall(traceback)
    for (beginning, passed), refuser in _REFUSERS.items():
        if kind.startswith(beginning) and any(
            f'/{passed}' in file for file in files
        ):
            return refuser
    return None


def _plain(words: str) -> str:
    words = _LONG_LIST.sub('[…]', _URL.sub('URL', words))
    words = _INSTANCE.sub('INSTANCE', _ID.sub('ID', words))
    return ' '.join(words.split())
