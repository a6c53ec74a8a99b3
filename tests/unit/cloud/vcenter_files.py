# SPDX-License-Identifier: Apache-2.0
"""Files of options that name a vCenter."""

import traceback

import pytest

from hypervisor_affinity.cloud.source import SourceError
from hypervisor_affinity.cloud.vcenter import options

PASSWORD = 'swordfish'
NOVAS = {
    'host_ip': 'vc.example.org',
    'host_username': 'nova',
    'host_password': PASSWORD,
    'cluster_name': 'first',
}


def section(group, values):
    lines = [f'{name} = {value}' for name, value in values.items()]
    return '\n'.join([f'[{group}]', *lines, ''])


def read(*paths):
    return options.read_accesses(paths)


def error_of(*paths):
    with pytest.raises(SourceError) as caught:
        read(*paths)
    text = str(caught.value)
    assert '\n' not in text
    shown = ''.join(traceback.format_exception(caught.value))
    assert PASSWORD not in text + repr(caught.value) + shown
    return text


def without(values, *names):
    return {name: values[name] for name in values if name not in names}
