# SPDX-License-Identifier: Apache-2.0
"""The simulator as a server: sessions, certificates, starts and ends."""

import ssl
from concurrent import futures

import pytest
from pyVmomi import vim

from testbed.vcenter import inventory
from testbed.vcenter.certificates import Authority
from tests.vcenter import properties
from tests.vcenter.administrator import Administrator

HOSTS = 20


def one_cluster(**fields):
    return inventory.Inventory(clusters=[inventory.cluster('first')], **fields)


@pytest.fixture
def vcenter(start_vcenter):
    return start_vcenter(one_cluster())


def read(service):
    """Read something, once, with what the client knows already."""
    content = service.content
    return properties.read(content, content.rootFolder, 'name')


@pytest.mark.parametrize('wrong', ['user', 'password'])
def test_wrong_credentials(vcenter, wrong):
    setattr(vcenter, wrong, 'wrong')
    with pytest.raises(vim.fault.InvalidLogin):
        vcenter.connect()


def test_no_session_after_the_end_of_one(vcenter):
    service = vcenter.connect()
    content = service.content
    assert read(service)
    content.sessionManager.Logout()
    # Without a session vCenter still says who it is.
    assert service.RetrieveContent().about.version == '8.0.3'
    for call in (
        lambda: read(service),
        lambda: content.rootFolder.name,
        lambda: content.sessionManager.sessionList,
        lambda: content.viewManager.CreateContainerView(
            content.rootFolder, [vim.HostSystem], True
        ),
        lambda: vim.HostSystem('host-1', service._stub).DisconnectHost_Task(),
    ):
        with pytest.raises(vim.fault.NotAuthenticated):
            call()


def test_an_administrator_ends_sessions(vcenter):
    admin = Administrator(vcenter.connect())
    assert admin.end_sessions() == 0
    others = [vcenter.connect(), vcenter.connect()]
    assert len(admin.sessions()) == 2
    assert admin.end_sessions() == 2
    assert admin.sessions() == []
    for service in others:
        with pytest.raises(vim.fault.NotAuthenticated):
            read(service)
    assert admin.cluster('first')


def test_who_logs_out_leaves_no_session(vcenter):
    admin = Administrator(vcenter.connect())
    service = vcenter.connect()
    (session,) = admin.sessions()
    assert session.userName == vcenter.user
    service.content.sessionManager.Logout()
    assert admin.sessions() == []


def test_two_vcenters(start_vcenter):
    first = start_vcenter(one_cluster())
    second = start_vcenter(
        one_cluster(
            instance_uuid=inventory.make_uuid('second'), version='7.0.3'
        )
    )
    one, two = (
        Administrator(vcenter.connect()) for vcenter in (first, second)
    )
    assert one.content.about.instanceUuid != two.content.about.instanceUuid
    assert two.content.about.version == '7.0.3'
    # Each counts for itself.
    assert one.cluster('first')._moId == two.cluster('first')._moId
    one.set_drs('first', 'off')
    assert two.cluster('first').configurationEx.drsConfig.enabled


@pytest.mark.parametrize('end', ['stop', 'kill'])
def test_it_starts_again(vcenter, end):
    service = vcenter.connect()
    admin = Administrator(service)
    admin.set_ha('first', False)
    moids = [host._moId for host in admin.cluster('first').host]
    getattr(vcenter, end)()
    with pytest.raises(OSError):
        vcenter.connect()
    vcenter.start()
    with pytest.raises(vim.fault.NotAuthenticated):
        read(service)
    admin = Administrator(vcenter.connect())
    cluster = admin.cluster('first')
    assert [host._moId for host in cluster.host] == moids
    # As it was described, not as it was.
    assert cluster.configurationEx.dasConfig.enabled


def test_it_ends_when_asked(vcenter):
    vcenter.connect()
    assert vcenter.stop() == 0


@pytest.mark.parametrize(
    ('sign', 'says'),
    [
        (lambda ours, other: other.sign(), 'local issuer'),
        (lambda ours, other: ours.sign('vc.example.org'), 'not valid for'),
        (lambda ours, other: ours.sign_expired(), 'expired'),
    ],
    ids=['authority', 'name', 'time'],
)
def test_wrong_certificates(start_vcenter, authority, tmp_path, sign, says):
    pair = sign(authority, Authority(tmp_path, 'other'))
    vcenter = start_vcenter(one_cluster(), pair)
    with pytest.raises(ssl.SSLCertVerificationError, match=says):
        vcenter.connect()


def test_many_sessions_at_the_same_time(vcenter):
    host = 'first-esxi-01.example.org'

    def change():
        admin = Administrator(vcenter.connect())
        for drs in ('manual', 'off', 'fullyAutomated') * 10:
            admin.set_drs('first', drs)
        admin.content.sessionManager.Logout()

    def look():
        admin = Administrator(vcenter.connect())
        for _ in range(30):
            assert len(admin.cluster('first').host) == 4
            assert admin.host(host).runtime.connectionState == 'connected'
        admin.content.sessionManager.Logout()

    with futures.ThreadPoolExecutor() as pool:
        done = [pool.submit(work) for work in (change, look) * 2]
        for one in done:
            one.result()
    assert Administrator(vcenter.connect()).sessions() == []
    assert 'panic' not in vcenter.log()


def test_a_large_one(start_vcenter):
    clusters = [inventory.cluster(name, HOSTS) for name in ('first', 'second')]
    datastores = [
        inventory.datastore(cluster.name, cluster.hosts)
        for cluster in clusters
    ]
    vcenter = start_vcenter(
        inventory.Inventory(
            clusters=clusters,
            datastores=datastores,
            vms=[
                vm
                for cluster, datastore in zip(
                    clusters, datastores, strict=True
                )
                for vm in inventory.vms(cluster, datastore, 1000)
            ],
        )
    )
    admin = Administrator(vcenter.connect())
    for cluster in clusters:
        hosts = admin.cluster(cluster.name).host
        assert [len(host.vm) for host in hosts] == [50] * HOSTS
