# SPDX-License-Identifier: Apache-2.0
"""``exporter`` as an operator starts and ends it."""

import importlib.util
import pathlib
import re
import signal
import socket
import urllib.request

import pytest

from hypervisor_affinity.cli import exporter
from hypervisor_affinity.cloud import files
from testbed.processes import polling
from testbed.processes import ports
from tests import vcenter_records as records
from tests.unit.cli import program
from tests.vcenter_records import cluster
from tests.vcenter_records import vcenter

PASSWORD = 's3cret'
# Whatever proxies there are, loopback is no matter of theirs.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@pytest.fixture
def snapshot(tmp_path):
    path = tmp_path / 'cloud.json'
    found = vcenter(cluster(drs='manual'))
    files.save(records.cloud(vcenters=[found]), path)
    return path


@pytest.fixture
def start():
    """Return a function that starts the exporter.

    When it serves, it returns the process and its port. It has to say that it
    serves where it was told to; of a name, somewhere.
    """
    processes = []

    def start(
        *arguments, address='127.0.0.1', named=False, before=(), **options
    ):
        (port,) = ports.free(1)
        process = program.start(
            *(*program.PROGRAM, *before, 'exporter'),
            *('--listen', f'{address}:{port}', *map(str, arguments)),
            **options,
        )
        processes.append(process)
        line = process.stderr.readline()
        where = r'(\[[0-9:]+\]|[0-9.]+)' if named else re.escape(address)
        said = f'serving http://{where}:{port}/metrics\n'
        assert re.fullmatch(said, line), line + process.stderr.read()
        return process, port

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def scrape(port, host='127.0.0.1'):
    with _OPENER.open(f'http://{host}:{port}/metrics', timeout=60) as answer:
        return answer.read().decode()


def scraped(port, text):
    """Return the metrics once they have this."""

    def with_text():
        metrics = scrape(port)
        return metrics if text in metrics else None

    return polling.until(with_text, text)


@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_a_signal(start, snapshot, number):
    process, port = start('--snapshot', snapshot)
    found = scraped(
        port,
        'hypervisor_affinity_vcenter_findings{check="drs_manual",'
        'severity="error",vcenter="vcenter.example.org"} 1.0\n',
    )
    assert (
        'hypervisor_affinity_cluster_drs{cluster="production",level="manual",'
        'vcenter="vcenter.example.org"} 1.0\n'
    ) in found
    assert 'hypervisor_affinity_compute_service_up{host="vc-1"} 1.0\n' in found
    process.send_signal(number)
    out, err = process.communicate()
    assert (process.returncode, out, err) == (0, '', '')


@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGINT])
def test_a_signal_as_soon_as_it_serves(start, snapshot, number):
    process, _ = start('--snapshot', snapshot)
    process.send_signal(number)
    out, err = process.communicate()
    assert (process.returncode, out, err) == (0, '', '')


def test_it_listens_on_loopback_only(start, snapshot):
    _, port = start('--snapshot', snapshot)
    # As the kernel has it: 127.0.0.1, from the right.
    local = f'0100007F:{port:04X}'
    listening = [
        line.split()[1]
        for name in ('tcp', 'tcp6')
        for line in pathlib.Path(f'/proc/net/{name}').read_text().splitlines()
        if line.split()[3] == '0A' and line.split()[1].endswith(f':{port:04X}')
    ]
    assert listening == [local]


def test_by_default_it_listens_on_loopback_too():
    parser = exporter.Exporter(None, None).get_parser('exporter')
    assert parser.parse_args([]).listen == ('127.0.0.1', 9894)


def test_ipv6(start, snapshot):
    if not _has_ipv6():
        pytest.skip('no IPv6 on loopback')
    _, port = start('--snapshot', snapshot, address='[::1]')
    assert 'hypervisor_affinity_build_info' in scrape(port, host='[::1]')


def _has_ipv6():
    try:
        socket.create_server(('::1', 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


def test_who_lets_others_read_is_warned(start, snapshot):
    process, port = start('--snapshot', snapshot, address='0.0.0.0')
    assert process.stderr.readline() == (
        'anyone who can reach this address can read all metrics, with the '
        'names of hosts and clusters\n'
    )
    assert 'hypervisor_affinity_build_info' in scrape(port)


@pytest.fixture
def refused(run):
    """Return a function that runs what is not to serve; its errors.

    If it would serve, it would find its port taken.
    """
    with socket.create_server(('127.0.0.1', 0)) as taken:
        port = taken.getsockname()[1]

        def refused(*arguments):
            listen = ('--listen', f'127.0.0.1:{port}')
            done = run('exporter', *listen, *arguments)
            assert (done.code, done.out) == (3, '')
            return done.err.replace(f' {port}', ' PORT')

        yield refused


def test_a_port_that_is_taken(refused, snapshot):
    assert refused('--snapshot', snapshot) == (
        'exporter: cannot listen on 127.0.0.1 port PORT: Address already in '
        'use; choose another one with --listen\n'
    )


def test_a_snapshot_and_files(run, snapshot):
    done = run(
        *('exporter', '--snapshot', snapshot, '--vcenter-conf', 'nova.conf')
    )
    assert (done.code, done.out) == (2, '')
    assert '--vcenter-conf cannot be combined' in done.err


@pytest.fixture
def misused(capsys):
    """Return a function that parses wrong arguments; what it says."""

    def misused(*arguments):
        parser = exporter.Exporter(None, None).get_parser('exporter')
        with pytest.raises(SystemExit) as ended:
            parser.parse_args(arguments)
        assert ended.value.code == 2
        return capsys.readouterr().err

    return misused


@pytest.mark.parametrize(
    'value',
    [
        '',
        ':',
        '9894',
        ':-1',
        '127.0.0.1',
        '127.0.0.1:',
        '127.0.0.1:0',
        '127.0.0.1:65536',
        '127.0.0.1:-1',
        '127.0.0.1:http',
        '127.0.0.1:٣',
        '::1:port',
        '::1:9894',
        '[::1:9894',
        '[127.0.0.1]:9894',
        '[localhost]:9894',
        '256.0.0.1:9894',
        '1:9894',
        'host.256:9894',
        'two words:9894',
        'http://localhost:9894',
        '-host:9894',
    ],
)
def test_a_wrong_address(misused, value):
    assert 'is not an address with a port, such as 127.0.0.1:9894,' in (
        misused(f'--listen={value}')
    )


@pytest.mark.parametrize(
    'value, host',
    [
        (':9894', ''),
        ('localhost:9894', 'localhost'),
        ('metrics-1.example.org:9894', 'metrics-1.example.org'),
        ('127.0.0.1:9894', '127.0.0.1'),
        ('[::1]:9894', '::1'),
    ],
)
def test_addresses(value, host):
    parser = exporter.Exporter(None, None).get_parser('exporter')
    assert parser.parse_args(['--listen', value]).listen == (host, 9894)


def test_a_name(start, snapshot):
    _, port = start('--snapshot', snapshot, address='localhost', named=True)
    assert 'hypervisor_affinity_build_info' in scrape(port, host='localhost')


def test_all_addresses(start, snapshot):
    process, port = start('--snapshot', snapshot, address='', named=True)
    assert process.stderr.readline().startswith('anyone who can reach this')
    hosts = ['127.0.0.1', *(['[::1]'] if _has_ipv6() else ())]
    for host in hosts:
        assert 'hypervisor_affinity_build_info' in scrape(port, host=host)


def test_a_name_that_nobody_has(run, snapshot, monkeypatch):
    def unknown(*arguments, **options):
        raise socket.gaierror(socket.EAI_NONAME, 'Name or service not known')

    monkeypatch.setattr(socket, 'getaddrinfo', unknown)
    done = run(
        *('exporter', '--listen', 'no-such-host.invalid:9894'),
        *('--snapshot', snapshot),
    )
    assert (done.code, done.out) == (3, '')
    assert done.err == (
        'exporter: cannot listen on no-such-host.invalid port 9894: Name or '
        'service not known; choose another one with --listen\n'
    )


@pytest.mark.parametrize(
    'value', ['0', '0.9', '-1', '86401', 'nan', 'inf', 'often', '', '1m']
)
def test_a_wrong_interval(misused, value):
    assert 'is not a number of seconds from 1 to 86400' in (
        misused(f'--interval={value}')
    )


def test_a_snapshot_that_is_none(refused, tmp_path):
    path = tmp_path / 'none.json'
    assert refused('--snapshot', path) == (
        f'exporter: {path}: No such file or directory\n'
    )


def test_a_wrong_option_of_ours(refused, snapshot, tmp_path):
    conf = tmp_path / 'nova.conf'
    conf.write_text('[hypervisor_affinity]\nvmdk_images = maybe\n')
    errors = refused('--snapshot', snapshot, '--nova-conf', conf)
    assert 'vmdk_images' in errors


def test_without_the_client_of_prometheus(refused, snapshot, monkeypatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        'find_spec',
        lambda name, *rest: (
            None if name == 'prometheus_client' else real(name, *rest)
        ),
    )
    assert refused('--snapshot', snapshot) == (
        'exporter: prometheus-client is not installed: pip install '
        "'hypervisor-affinity[exporter]'\n"
    )


def test_no_password_is_anywhere(start, tmp_path):
    # Neither nova nor vCenter answers there.
    (closed,) = ports.free(1)
    conf = tmp_path / 'nova.conf'
    conf.write_text(
        f'[vmware]\nhost_ip = 127.0.0.1\nhost_port = {closed}\n'
        f'host_username = nova\nhost_password = {PASSWORD}\n'
    )
    process, port = start(
        '--vcenter-conf',
        conf,
        before=(
            *('--os-auth-type', 'none'),
            *('--os-endpoint', f'http://127.0.0.1:{closed}'),
        ),
        cwd=tmp_path,
    )
    failed = 'hypervisor_affinity_read_errors_total{source="%s"} 1.0\n'
    shown = scraped(port, failed % 'openstack')
    assert failed % f'127.0.0.1:{closed}' in shown
    assert (
        f'hypervisor_affinity_read_success{{source="127.0.0.1:{closed}"}} 0.0'
    ) in shown
    for name in ('cmdline', 'environ'):
        process_file = pathlib.Path(f'/proc/{process.pid}/{name}')
        assert PASSWORD.encode() not in process_file.read_bytes()
    process.terminate()
    out, err = process.communicate()
    assert process.returncode == 0
    assert 'Connection refused; see whether vCenter is up' in err
    assert 'Traceback' not in err
    assert PASSWORD not in shown + out + err
