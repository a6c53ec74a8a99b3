# SPDX-License-Identifier: Apache-2.0
"""The plug-in under DevStack's own functions, every phase."""

import configparser
import contextlib

import pytest

from hypervisor_affinity.scheduler import filters
from hypervisor_affinity.scheduler import weights
from testbed import example_conf
from tests.unit.devstack.stage import SUBNODE
from tests.unit.devstack.stage import VCENTER
from tests.unit.devstack.stage import Stage

STOCK_FILTERS = 'nova.scheduler.filters.all_filters'
OUR_FILTERS = 'hypervisor_affinity.scheduler.all_filters'
OUR_WEIGHERS = 'hypervisor_affinity.scheduler.all_weighers'


@pytest.fixture
def stage(tmp_path):
    return Stage(tmp_path)


def _read(path):
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.read(path)
    return parser


def _filter_scheduler(stage):
    return example_conf.load(stage.nova_conf).filter_scheduler


@pytest.fixture(params=['once', 'twice'])
def stacked(stage, request):
    stage.run(*(['stack'] if request.param == 'once' else ['stack', 'stack']))
    return stage


def test_aggregates_hold_the_hosts_by_their_drivers(stacked):
    assert stacked.cloud()['aggregates'] == {
        'kvm': {
            'hosts': ['here', 'far'],
            'properties': {'hypervisor_type': 'kvm'},
        },
        'vmware': {
            'hosts': [VCENTER],
            'properties': {'hypervisor_type': 'vmware'},
        },
    }


def test_two_kinds_of_images_are_registered(stacked):
    assert stacked.cloud()['images'] == {
        'hypervisor-affinity-kvm': {
            'disk_format': 'qcow2',
            'properties': [],
            'magic': 'QFI\xfb',
        },
        'hypervisor-affinity-vmware': {
            'disk_format': 'vmdk',
            'properties': [
                'vmware_disktype=streamOptimized',
                'vmware_adaptertype=lsiLogic',
            ],
            'magic': 'KDMV',
        },
    }


@pytest.fixture
def settings(stacked):
    options = _filter_scheduler(stacked)
    return {
        name: options[name]
        for name in ('available_filters', 'enabled_filters', 'weight_classes')
    }


def test_novas_host_manager_loads_what_was_written(
    stacked, build_host_manager
):
    manager = build_host_manager()
    enabled = [type(one).__name__ for one in manager.enabled_filters]
    assert enabled.count('HypervisorAffinityFilter') == 1
    assert set(enabled) >= set(example_conf.default_filters())
    # The stock ones would leave no host and give no reason.
    ours = enabled.index('HypervisorAffinityFilter')
    assert ours == enabled.index('ComputeCapabilitiesFilter') - 1
    assert ours < enabled.index('ImagePropertiesFilter')
    weighers = [type(one) for one in manager.weighers]
    assert weighers.count(weights.HypervisorAffinityWeigher) == 1
    assert len(weighers) > 10
    assert filters.HypervisorAffinityFilter in manager.filter_cls_map.values()


def test_the_package_is_installed_from_its_checkout(stage):
    stage.run('stack')
    (line,) = [
        line for line in stage.log('pip') if 'checkout-of-any-name' in line
    ]
    assert '-e' in line.split()


def test_options_are_written_and_tempest_is_told(stage):
    stage.run(
        'stack',
        HYPERVISOR_AFFINITY_FLEXIBLE_PLACEMENT='strict',
        HYPERVISOR_AFFINITY_PREFERRED_HYPERVISORS='vmware,kvm',
        HYPERVISOR_AFFINITY_PLACEMENT_PREFILTER='True',
    )
    conf = example_conf.load(stage.nova_conf).hypervisor_affinity
    assert conf.flexible_placement == 'strict'
    assert conf.preferred_hypervisors == ['vmware', 'kvm']
    assert conf.placement_prefilter is True
    tempest = _read(stage.tempest_conf)
    assert dict(tempest['hypervisor_affinity']) == {
        'flexible_placement': 'strict',
        'placement_prefilter': 'True',
        'preferred_hypervisors': 'vmware,kvm',
    }
    assert tempest['service_available']['hypervisor_affinity'] == 'True'


def test_without_options_the_defaults_of_the_package_hold(stage):
    stage.run('stack')
    assert 'hypervisor_affinity' not in _read(stage.nova_conf)
    assert 'hypervisor_affinity' not in _read(stage.tempest_conf)


def test_fake_vcenter_is_a_service_with_a_state_of_its_own(stage):
    stage.run('stack', HYPERVISOR_AFFINITY_FAKE_VCENTER_ESXI_HOSTS='7')
    conf = _read(stage.vcenter_conf)
    assert conf['DEFAULT']['host'] == VCENTER
    assert conf['DEFAULT']['compute_driver'] == (
        'hypervisor_affinity_fake.VCenterDriver'
    )
    assert conf['DEFAULT']['state_path'].endswith(VCENTER)
    assert conf['hypervisor_affinity_fake_compute']['esxi_hosts'] == '7'
    # What n-cpu was told about its cell.
    assert conf['neutron']['a'] == 'x'
    unit = stage.folder / 'systemd/devstack@n-cpu-vcenter.service'
    assert _read(unit)['Service']['ExecStart'].endswith(
        f'hypervisor-affinity-fake-compute --config-file {stage.vcenter_conf}'
    )
    assert 'start devstack@n-cpu-vcenter.service' in stage.log('systemctl')


@pytest.mark.parametrize(
    'settings',
    [
        {'VIRT_DRIVER': 'vsphere'},
        {'HYPERVISOR_AFFINITY_FAKE_VCENTER': 'False'},
    ],
)
def test_no_fake_vcenter(stage, settings):
    stage.run('stack', **settings)
    assert not stage.vcenter_conf.exists()
    assert stage.log('systemctl') == []


def test_fake_vcenter_that_registers_late_is_waited_for(stage):
    stage.map_late()
    stage.run('stack')
    assert stage.cloud()['aggregates']['vmware']['hosts'] == [VCENTER]


def test_fake_vcenter_that_never_registers_fails_the_stack(stage):
    stage.set_cloud(
        hosts={'here': 'QEMU', 'far': 'QEMU', 'metal': 'ironic'},
        mapped=['here', 'far', 'metal'],
    )
    ended = stage.try_to_run('stack', READY_TIMEOUT='1')
    assert ended.returncode != 0
    assert f'{VCENTER} did not register' in ended.stdout


def test_cloud_that_fails_fails_the_stack(stage):
    stage.set_cloud(is_up=False)
    ended = stage.try_to_run('stack')
    assert ended.returncode != 0
    assert 'Unable to establish connection' in ended.stdout


def test_neutrons_background_job_loses_nothing(stage):
    stage.run('stack', NEUTRON_SECONDS='3')
    conf = _read(stage.nova_conf)
    assert set(conf['neutron']) >= set('abcdefgh')
    assert OUR_FILTERS in _filter_scheduler(stage).available_filters


def test_filters_and_weighers_of_other_plugins_stay(stage):
    other = (
        'iniset_multiline "$NOVA_CONF" filter_scheduler available_filters '
        'nova.scheduler.filters.all_filters other.filters;'
        'iniset "$NOVA_CONF" filter_scheduler weight_classes '
        '"nova.scheduler.weights.all_weighers, other.Weigher"'
    )
    stage.run('stack', 'unstack', OTHER_PLUGIN=other)
    options = _filter_scheduler(stage)
    assert options.available_filters == [STOCK_FILTERS, 'other.filters']
    assert options.weight_classes[-1] == 'other.Weigher'
    stage.run('stack', OTHER_PLUGIN=other)
    options = _filter_scheduler(stage)
    assert options.available_filters == [
        STOCK_FILTERS,
        'other.filters',
        OUR_FILTERS,
    ]
    assert options.weight_classes[-2:] == ['other.Weigher', OUR_WEIGHERS]


@pytest.mark.parametrize('times', [1, 2])
def test_unstack_undoes_everything(stage, times):
    stage.run('stack', *['unstack'] * times)
    _assert_nothing_is_left(stage)


def test_clean_undoes_everything(stage):
    stage.run('stack', 'clean')
    _assert_nothing_is_left(stage)
    assert not (stage.folder / f'opt/data/nova/{VCENTER}').exists()


def _assert_nothing_is_left(stage):
    cloud = stage.cloud()
    assert cloud['aggregates'] == {}
    assert cloud['images'] == {}
    n_cpu = stage.nova_conf.with_name('nova-cpu.conf')
    for path in (stage.nova_conf, n_cpu, stage.tempest_conf):
        text = path.read_text()
        assert 'hypervisor_affinity' not in text
        assert 'HypervisorAffinity' not in text
    options = _filter_scheduler(stage)
    assert options.available_filters == [STOCK_FILTERS]
    assert options.weight_classes == ['nova.scheduler.weights.all_weighers']
    assert set(options.enabled_filters) >= set(example_conf.default_filters())
    # And nothing of others is gone.
    assert set(_read(stage.nova_conf)['neutron']) >= set('abcdefgh')
    assert not stage.vcenter_conf.parent.exists()
    assert 'stop devstack@n-cpu-vcenter.service' in stage.log('systemctl')
    assert not list(stage.folder.glob('enabled-*'))


def test_unstack_of_a_dead_cloud_goes_on(stage):
    stage.run('stack')
    stage.set_cloud(is_up=False)
    output = stage.run('unstack', 'clean')
    assert 'The cloud does not answer' in output
    assert not stage.vcenter_conf.exists()


def test_unstack_before_any_stack(stage):
    stage.run('unstack', 'clean')


def test_members_that_others_added_do_not_stop_unstack(stage):
    stage.run('stack')
    cloud = stage.cloud()
    cloud['aggregates']['kvm']['hosts'].append('metal')
    stage.set_cloud(**cloud)
    stage.run('unstack')
    assert stage.cloud()['aggregates'] == {}


def test_compute_only_node_asks_no_api(stage):
    stage.run('stack', 'unstack', 'clean', services=SUBNODE)
    assert stage.log('openstack') == []
    assert OUR_FILTERS not in stage.nova_conf.read_text()
    assert stage.log('pip') == []


def test_compute_only_node_with_a_fake_vcenter(stage):
    stage.run(
        'stack', services=SUBNODE, HYPERVISOR_AFFINITY_FAKE_VCENTER='True'
    )
    assert stage.log('openstack') == []
    assert stage.vcenter_conf.exists()
    assert 'start devstack@n-cpu-vcenter.service' in stage.log('systemctl')


@pytest.mark.parametrize('xtrace', ['set -o xtrace', 'set +o xtrace'])
def test_the_shell_is_left_as_it_was(stage, xtrace):
    stage.run('stack', 'stack', 'unstack', 'clean', OTHER_PLUGIN=xtrace)
    phases = 0
    for before in stage.folder.glob('before-*'):
        after = stage.folder / before.name.replace('before', 'after')
        assert after.read_text() == before.read_text(), before.name
        phases += 1
    assert phases == 7


def test_tempest_installs_the_tests_once(stage):
    script = 'echo "PLUGINS=$TEMPEST_PLUGINS=" ; load_plugin_settings'
    with contextlib.suppress(KeyError):
        output = stage.run('stack', 'stack', OTHER_PLUGIN=script)
    seen = [line for line in output.splitlines() if 'PLUGINS=' in line]
    assert seen
    for line in seen:
        assert line.count('checkout-of-any-name') == 1
