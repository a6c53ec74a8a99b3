# SPDX-License-Identifier: Apache-2.0
"""``exporter --notifications`` as an operator starts and ends it."""

import importlib.metadata
import importlib.util
import signal

import pytest

from hypervisor_affinity.cli import exporter
from testbed.processes import ports
from tests.unit.cli.test_exporter import PASSWORD

# Fixtures, which pytest finds by their names.
from tests.unit.cli.test_exporter import refused  # noqa: F401
from tests.unit.cli.test_exporter import scraped
from tests.unit.cli.test_exporter import snapshot  # noqa: F401
from tests.unit.cli.test_exporter import start  # noqa: F401

BUS = 'name a message bus with --nova-conf or --transport-url'
FOR_NOTIFICATIONS = (
    '--transport-url, --topic and --pool are for --notifications'
)


@pytest.mark.parametrize(
    'arguments, why',
    [
        (['--notifications'], BUS),
        (['--transport-url', 'fake:/'], FOR_NOTIFICATIONS),
        (['--topic', 'notifications'], FOR_NOTIFICATIONS),
        (['--pool', 'mine'], FOR_NOTIFICATIONS),
    ],
)
def test_arguments_that_do_not_go_together(run, snapshot, arguments, why):  # noqa: F811
    done = run('exporter', '--snapshot', snapshot, *arguments)
    assert (done.code, done.out, done.err) == (2, '', f'exporter: {why}\n')


def test_without_oslo_messaging(refused, snapshot, monkeypatch):  # noqa: F811
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        'find_spec',
        lambda name, *rest: (
            None if name == 'oslo_messaging' else real(name, *rest)
        ),
    )
    assert refused(
        *('--snapshot', snapshot, '--notifications'),
        *('--transport-url', 'fake:/'),
    ) == (
        'exporter: oslo.messaging is not installed: pip install '
        "'hypervisor-affinity[decisions]'\n"
    )


def test_its_queue_is_not_that_of_another_command():
    pools = [
        point.load().default_pool
        for point in importlib.metadata.entry_points(
            group='hypervisor_affinity.cli'
        )
        if hasattr(point.load(), 'default_pool')
    ]
    assert exporter.Exporter.default_pool in pools
    assert len(pools) == len(set(pools))


def test_decisions_are_counted(start, snapshot, tmp_path):  # noqa: F811
    conf = tmp_path / 'nova.conf'
    conf.write_text(
        '[DEFAULT]\ntransport_url = fake:/\n'
        '[hypervisor_affinity]\npreferred_hypervisors = lxc,kvm\n'
    )
    process, port = start(
        '--snapshot', snapshot, '--notifications', '--nova-conf', conf
    )
    assert process.stderr.readline() == 'connected to fake:///\n'
    found = scraped(port, 'hypervisor_affinity_message_bus_connected 1.0\n')
    for family in ('any', 'lxc', 'kvm'):
        assert (
            f'decisions_total{{hypervisor="{family}",mode="enforce",'
            'outcome="passed",reason="suitable"} 0.0\n'
        ) in found
    assert 'order_not_followed_total{hypervisor="lxc"} 0.0\n' in found
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate()
    assert (process.returncode, out, err) == (0, '', '')


def test_a_message_bus_that_is_away(start, snapshot):  # noqa: F811
    (closed,) = ports.free(1)
    url = f'rabbit://nova:{PASSWORD}@127.0.0.1:{closed}/v'
    process, port = start(
        *('--snapshot', snapshot, '--notifications', '--transport-url', url)
    )
    line = process.stderr.readline()
    assert line.startswith(
        f'no connection to rabbit://127.0.0.1:{closed}/v, trying again: '
    )
    found = scraped(port, 'compute_service_up{host="vc-1"} 1.0\n')
    assert 'hypervisor_affinity_message_bus_connected 0.0\n' in found
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate()
    assert (process.returncode, out, err) == (0, '', '')
    assert PASSWORD not in line + found
