# SPDX-License-Identifier: Apache-2.0
from hypervisor_affinity import conf as our_conf
from hypervisor_affinity.operations.findings import Severity
from hypervisor_affinity.status import plugins

STRICT = '[hypervisor_affinity]\nflexible_placement = strict\n'


def of_filter(conf):
    return list(plugins.check_filter(conf))


def of_weigher(conf):
    return list(plugins.check_weigher(conf, our_conf.read_policy(conf)))


def filters(*lines):
    return '\n'.join(('[filter_scheduler]', *lines, ''))


OURS = 'available_filters = hypervisor_affinity.scheduler.all_filters'
NOVAS = 'available_filters = nova.scheduler.filters.all_filters'


def test_the_example_is_in_order(load_example):
    conf = load_example()
    assert of_filter(conf) == []
    assert of_weigher(conf) == []


def test_novas_defaults_have_neither(load):
    conf = load()
    available, enabled = of_filter(conf)
    assert available.severity is enabled.severity is Severity.ERROR
    assert OURS in available.text
    assert 'enabled_filters' in enabled.text
    (weigher,) = of_weigher(conf)
    assert weigher.severity is Severity.ERROR
    assert 'hypervisor_affinity.scheduler.all_weighers' in weigher.text


def test_a_class_may_be_named_by_its_own_path(load):
    conf = load(
        filters(
            NOVAS,
            'available_filters = hypervisor_affinity.scheduler.filters.'
            'HypervisorAffinityFilter',
            'enabled_filters = HypervisorAffinityFilter,ComputeFilter',
        )
    )
    assert of_filter(conf) == []


def test_ours_available_and_not_enabled(load):
    (finding,) = of_filter(load(filters(NOVAS, OURS)))
    assert finding.severity is Severity.ERROR
    assert 'is not enabled' in finding.text


def test_novas_filters_are_missing(load):
    (finding,) = of_filter(
        load(
            filters(
                OURS, 'enabled_filters=HypervisorAffinityFilter,ComputeFilter'
            )
        )
    )
    assert finding.severity is Severity.ERROR
    assert 'names ComputeFilter,' in finding.text
    assert NOVAS in finding.text


def test_a_path_that_does_not_load(load):
    conf = load(filters(NOVAS, OURS, 'available_filters = no.such.thing'))
    unloadable, _ = of_filter(conf)
    assert unloadable.severity is Severity.ERROR
    assert 'no.such.thing' in unloadable.text
    assert 'does not start' in unloadable.text
    (unloadable,) = of_weigher(
        load(
            filters(
                'weight_classes = nova.scheduler.weights.all_weighers,'
                'hypervisor_affinity.scheduler.all_weighers,no.such.thing'
            )
        )
    )
    assert 'weight_classes names no.such.thing' in unloadable.text


def test_another_filter_strikes_out_hosts_first(load):
    conf = load(
        filters(
            NOVAS,
            OURS,
            'enabled_filters=ImagePropertiesFilter,HypervisorAffinityFilter',
        )
    )
    (finding,) = of_filter(conf)
    assert finding.severity is Severity.WARNING
    assert 'after ImagePropertiesFilter in' in finding.text


def test_strict_placement_needs_no_weigher(load):
    assert of_weigher(load(STRICT)) == []


def test_novas_weighers_are_missing(load):
    conf = load(
        filters('weight_classes = hypervisor_affinity.scheduler.all_weighers')
    )
    (finding,) = of_weigher(conf)
    assert finding.severity is Severity.WARNING
    assert 'nova.scheduler.weights.all_weighers' in finding.text
