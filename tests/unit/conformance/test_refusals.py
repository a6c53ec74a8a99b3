# SPDX-License-Identifier: Apache-2.0
"""Who refused a server, from what nova-compute wrote into its fault."""

import http

import pytest
import requests
from openstack import exceptions

from testbed.conformance import refusals
from testbed.conformance.finding import Refuser

LATER = """

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/x/site-packages/nova/compute/manager.py", line 2, in _build
    raise exception.RescheduledException(
nova.exception.RescheduledException: Build of instance was re-scheduled: it
"""


def fault(file, raised, through='nova/virt/libvirt/driver.py'):
    """Return the fault of a server that was to be spawned.

    :param file: that raised it
    :param through: of nova's, whose function that was in
    """
    return {
        'message': 'it',
        'details': f"""Traceback (most recent call last):
  File "/x/site-packages/nova/compute/manager.py", line 1, in _build
    self.driver.spawn(
    ^^^^^^^^^^^^^^^^^^
  File "/x/site-packages/{through}", line 1, in spawn
    self.begin()
  File "/x/site-packages/{file}", line 1, in begin
    raise it
{raised}{LATER}""",
    }


@pytest.mark.parametrize(
    ('given', 'by', 'words'),
    [
        (
            fault(
                'nova/virt/libvirt/vif.py',
                "nova.exception.UnsupportedHardware: Requested 'vmxnet'",
            ),
            Refuser.DRIVER,
            "Requested 'vmxnet'",
        ),
        (
            fault(
                'nova/virt/images.py',
                'nova.exception.ImageUnacceptable: Image '
                '6f11b7bf-0d49-4600-a0a1-e44a58fdc6b3 is unacceptable',
            ),
            Refuser.FORMAT_CHECK,
            'Image ID is unacceptable',
        ),
        (
            fault(
                'libvirt.py',
                'libvirt.libvirtError: unsupported configuration: buslogic',
            ),
            Refuser.LIBVIRT,
            'unsupported configuration: buslogic',
        ),
        (
            fault(
                'libvirt.py',
                'libvirt.libvirtError: internal error: qemu unexpectedly '
                'closed the monitor: 2026-11-30T23:17:39.268086Z '
                'qemu-system-x86_64: -device {"driver":"igb","addr":"0x2"}: '
                "'igb' is not a valid device model name",
            ),
            Refuser.QEMU,
            "'igb' is not a valid device model name",
        ),
        (
            fault(
                'oslo_vmware/api.py',
                'oslo_vmware.exceptions.FileNotFoundException: no file',
                'nova/virt/vmwareapi/vmops.py',
            ),
            Refuser.VCENTER,
            'no file',
        ),
        (
            fault(
                'oslo_vmware/rw_handles.py',
                'oslo_vmware.exceptions.ImageTransferException: Incomplete '
                'upload to https://127.0.0.1:1/nfc/x.vmdk.',
                'nova/virt/vmwareapi/vmops.py',
            ),
            Refuser.DRIVER,
            'Incomplete upload to URL.',
        ),
    ],
)
def test_who_and_with_which_words(given, by, words):
    assert refusals.by_fault(given) == (by, words)


@pytest.mark.parametrize(
    'given',
    [
        {'message': 'it'},
        {'message': 'it', 'details': 'no traceback'},
        # Nobody's answer to what was asked.
        fault('oslo_messaging/x.py', 'oslo_messaging.MessagingTimeout: late'),
        fault('nova/virt/libvirt/driver.py', 'KeyError: 1'),
    ],
)
def test_what_else_goes_wrong_is_no_refusal(given):
    with pytest.raises(ValueError):
        refusals.by_fault(given)


def test_a_patched_library_is_known_wherever_it_is():
    given = fault(
        'oslo_vmware/rw_handles.py',
        'oslo_vmware.exceptions.VimException: Incomplete VMDK upload',
        'nova/virt/vmwareapi/images.py',
    )
    installed = '/x/site-packages/oslo_vmware'
    details = given['details'].replace(installed, '/patched/oslo_vmware')
    assert details != given['details']
    expected = Refuser.DRIVER, 'Incomplete VMDK upload'
    assert refusals.by_fault(given) == expected
    assert refusals.by_fault({**given, 'details': details}) == expected


def http_error(status, content_type, body):
    response = requests.Response()
    response.status_code = status
    response.reason = http.HTTPStatus(status).phrase
    response.url = 'http://127.0.0.1:1/v2/images'
    response.headers['Content-Type'] = content_type
    response._content = body.encode()
    with pytest.raises(exceptions.HttpException) as raised:
        exceptions.raise_from_response(response)
    return raised.value


@pytest.mark.parametrize(
    ('error', 'words'),
    [
        (
            http_error(
                415,
                'text/plain; charset=UTF-8',
                '415 Unsupported Media Type\n\nThis is not supported.\n\n'
                ' Image disk_format vmdk does not match stream data gpt',
            ),
            'This is not supported. Image disk_format vmdk does not match '
            'stream data gpt',
        ),
        (
            http_error(
                400,
                'text/html; charset=UTF-8',
                '<html><head><title>400 Bad Request</title></head><body>'
                '<h1>400 Bad Request</h1>&#x27;x&#x27; is not one of '
                '[&#x27;y&#x27;]<br />\n\nFailed validating it</body></html>',
            ),
            "'x' is not one of ['y']",
        ),
        (
            http_error(
                400,
                'application/json',
                '{"badRequest": {"code": 400, "message": "Invalid image"}}',
            ),
            'Invalid image',
        ),
    ],
)
def test_what_an_api_says(error, words):
    by, said = refusals.by_api(Refuser.GLANCE, error)
    assert by is Refuser.GLANCE
    assert said == words


def test_an_api_that_fails_refuses_nothing():
    error = http_error(503, 'text/plain', '503 Service Unavailable\n\nlater')
    with pytest.raises(ValueError, match='Glance failed'):
        refusals.by_api(Refuser.GLANCE, error)
