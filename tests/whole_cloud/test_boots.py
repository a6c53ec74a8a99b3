# SPDX-License-Identifier: Apache-2.0
"""The case table in a whole cloud, as an ordinary user meets it.

Every verdict of a row shows by where its servers go. KVM comes first, so that
a server is on VMware if KVM was refused; and what KVM takes is booted once
more without KVM. On a real KVM host the guest says itself that it booted.
"""

import contextlib
import re
from typing import NamedTuple

import pytest

pytest.importorskip('keystone', reason='the extra `cloud` is not installed')

from openstack import exceptions

from testbed import boot_disks
from testbed.processes import allocations
from testbed.processes import polling
from testbed.processes.control import SCHEDULERS
from tests import case_table
from tests.whole_cloud.tenant import NO_HOST
from tests.whole_cloud.tenant import Seen
from tests.whole_cloud.tenant import Tenant
from tests.whole_cloud.tenant import disabled
from tests.whole_cloud.tenant import forget_failed_builds

# {side: host of the table}, in the order in which they are tried
SIDES = {'kvm': 'kvm', 'vmware': 'vcenter'}
HOSTS = {'kvm': ('kvm-1', 'kvm-2'), 'vmware': ('vc-1', 'vc-2')}
# In seconds, for all that nova-compute has started.
GUESTS_PATIENCE = 60
# {row: why no real KVM host of this cloud shows it}
NOT_ON_REAL_KVM = {
    'image_properties: an emulated architecture, which the vSphere driver '
    'does not read': "it needs QEMU's emulator of that architecture",
}
NOVAS_REASON = 'There are not enough hosts available.'


def verdicts(case):
    return {host.name: reason for host, reason in case.expected}


def fits(case):
    """Tell whether these hosts can show a row, with default options."""
    return (
        case.boot
        and not case.stock
        and not case.options
        and case.runs_on is None
        and not case.rebuild
        and verdicts(case).keys() >= set(SIDES.values())
    )


def side(case, without=None):
    """Return where a server of a row goes; None if it gets no host."""
    for name, host in SIDES.items():
        if name != without and verdicts(case)[host] == 'suitable':
            return name
    return None


ROWS = [case for case in case_table.cases() if fits(case)]
BOOTED = [case for case in ROWS if case.nova_api != 'refuses']
# {side that is not there: rows}
ROUNDS = {
    None: BOOTED,
    # What KVM takes has not shown what VMware makes of it. Of properties
    # that prove nothing, a boot on either side shows as much.
    'kvm': [
        case
        for case in BOOTED
        if side(case) == 'kvm'
        and (case.group != 'image_properties' or not side(case, 'kvm'))
    ],
    # That KVM refuses what VMware takes has shown, but not the reason.
    'vmware': [
        case for case in BOOTED if side(case) == 'vmware' and case.user
    ],
}
# nova writes it at level DEBUG, once for each request.
BEGINS = re.compile(r"Starting to schedule for instances: \['([^']+)'\]")


class Requests:
    """What the rows ask for; an image or a flavor of several is there once."""

    def __init__(self, tenant, rows):
        """Create images and flavors."""
        self._tenant = tenant
        self._images = self._create(
            lambda image: tenant.image(**image),
            [case.image for case in rows if 'disk_format' in case.image],
        )
        self._flavors = self._create(
            tenant.flavor, [case.extra_specs for case in rows]
        )

    def of(self, case):
        """Return what a server is asked for with."""
        request = {'flavor': self._flavors[key(case.extra_specs)]}
        image = self._images.get(key(case.image))
        if not case.volume:
            return {**request, 'image_id': image}
        device = {'boot_index': 0, 'destination_type': 'volume'}
        if image:
            device |= {
                'source_type': 'image',
                'uuid': image,
                'volume_size': 1,
                'delete_on_termination': True,
            }
        else:
            device |= {
                'source_type': 'volume',
                'uuid': self._tenant.volume(**case.image),
            }
        return {**request, 'block_device_mapping': [device]}

    def _create(self, create, wanted):
        unique = {key(mapping): mapping for mapping in wanted}
        made = self._tenant.at_once(create, unique.values())
        return dict(zip(unique, made, strict=True))


def key(mapping):
    return frozenset(mapping.items())


def guests_line(case):
    """Return what a guest of a row writes when it boots; None for nothing."""
    disk_format = case.image.get('disk_format')
    if disk_format == 'iso':
        # A CD-ROM's boot sector is not where a hard disk has it.
        return (
            None if case.volume else boot_disks.line('iso', boot_disks.CD_ROM)
        )
    return disk_format and boot_disks.line(disk_format)


def consoles(tenant, cases, servers):
    """Wait until the guests have booted, and return {server: its console}.

    Those of real KVM hosts only; what does not boot has no line in time.
    """
    lines = {
        server.id: line
        for case, server in zip(cases, servers, strict=True)
        if server.host in tenant.real_hosts
        and server.side == 'kvm'
        and server.status == 'ACTIVE'
        and (line := guests_line(case))
    }
    seen = {}

    def have_booted():
        waiting = [
            server
            for server in lines
            if lines[server] not in seen.get(server, '')
        ]
        seen.update(
            zip(waiting, tenant.at_once(tenant.console, waiting), strict=True)
        )
        return all(line in seen[server] for server, line in lines.items())

    with contextlib.suppress(TimeoutError):
        polling.until(have_booted, 'guests', GUESTS_PATIENCE)
    return seen


class Outcomes(NamedTuple):
    """What became of all boots.

    * ``servers``: {side that is not there: {number of the row: server}}
    * ``consoles``: {server on a real KVM host: what its guest wrote}
    * ``differences``: between nova and Placement after the first round
    * ``shares``: ids of the first round's servers that each scheduler had
    """

    servers: dict[str | None, dict[int, Seen]]
    consoles: dict[str, str]
    differences: list[str]
    shares: list[set[str]]


@pytest.fixture(scope='module')
def outcomes(whole_cloud):
    forget_failed_builds(whole_cloud)
    servers, written = {}, {}
    is_real = all(host.is_real for host in whole_cloud.hosts_of('kvm'))
    # A real vCenter boots only streamOptimized disks.
    with Tenant(whole_cloud) as tenant, disabled(whole_cloud, 'vc-1'):
        requests = Requests(tenant, BOOTED)
        for without, cases in ROUNDS.items():
            with disabled(whole_cloud, *HOSTS.get(without, ())):
                booted = {
                    number: case
                    for number, case in enumerate(cases)
                    if not (is_real and str(case) in NOT_ON_REAL_KVM)
                }
                made = tenant.boot_all(map(requests.of, booted.values()))
            servers[without] = dict(zip(booted, made, strict=True))
            written |= consoles(tenant, booted.values(), made)
            if without is None:
                differences = allocations.differences(whole_cloud)
            # A project may have ten volumes.
            tenant.clear()
    ids = {server.id for server in servers[None].values()}
    shares = [
        ids.intersection(BEGINS.findall(whole_cloud.programs[name].log()))
        for name in SCHEDULERS
    ]
    return Outcomes(servers, written, differences, shares)


BOOTS = [
    pytest.param(without, number, id=f'{case}, without {without}')
    for without, cases in ROUNDS.items()
    for number, case in enumerate(cases)
]


@pytest.mark.parametrize(('without', 'number'), BOOTS)
def test_row(outcomes, without, number):
    case = ROUNDS[without][number]
    server = outcomes.servers[without].get(number)
    if not server:
        pytest.skip(NOT_ON_REAL_KVM[str(case)])
    expected = side(case, without)
    if expected:
        assert (server.status, server.fault) == ('ACTIVE', None)
        assert server.side == expected
        if server.id in outcomes.consoles:
            assert guests_line(case) in outcomes.consoles[server.id]
        return
    assert (server.status, server.host) == ('ERROR', None)
    if case.user:
        assert server.fault == NO_HOST + case.user
    else:
        assert server.fault.startswith(NO_HOST)
        assert NOVAS_REASON not in server.fault


def test_no_row_is_left_out(outcomes):
    left_out = [
        case
        for case in case_table.cases()
        if case not in ROWS
        and case.group in ('flavors', 'formats', 'image_properties')
    ]
    shown_elsewhere = [
        case
        for case in left_out
        if case.options or case.stock or not case.boot
    ]
    assert left_out == shown_elsewhere
    assert len(BOOTED) >= 115
    assert NOT_ON_REAL_KVM.keys() <= {str(case) for case in BOOTED}


@pytest.mark.usefixtures('real_kvm')
def test_guests_say_that_they_booted(outcomes):
    # The others are from a volume without a boot sector.
    assert len(outcomes.consoles) >= 50


def test_both_schedulers_had_their_share(outcomes):
    first, second = outcomes.shares
    servers = outcomes.servers[None].values()
    assert first | second == {server.id for server in servers}
    assert first & second == set()
    assert min(len(first), len(second)) >= 10


def test_placement_has_allocated_what_nova_has(outcomes):
    assert outcomes.differences == []


def test_nova_api_refuses(tenant):
    flavor = tenant.flavor()

    def complaint(case):
        image = tenant.image(**case.image)
        with pytest.raises(exceptions.BadRequestException) as refused:
            tenant.begin(flavor, image_id=image)
        return str(refused.value)

    refused = [case for case in ROWS if case not in BOOTED]
    assert len(refused) >= 5
    for case, text in zip(
        refused, tenant.at_once(complaint, refused), strict=True
    ):
        (wrong,) = set(case.image.values()) - {'vmdk', 'iso'}
        assert wrong in text


@pytest.fixture
def tenant(whole_cloud):
    with Tenant(whole_cloud) as tenant:
        yield tenant


def test_a_vcenter_takes_streamoptimized_disks(whole_cloud, tenant):
    image = tenant.image('vmdk', vmware_disktype='streamOptimized')
    with disabled(whole_cloud, 'vc-2'):
        server = tenant.boot(tenant.flavor(), image_id=image)
    assert (server.status, server.fault) == ('ACTIVE', None)
    assert server.host == 'vc-1'
