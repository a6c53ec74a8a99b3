# SPDX-License-Identifier: Apache-2.0
import gc
import os

import pytest
from oslo_config import cfg

from hypervisor_affinity import conf
from hypervisor_affinity.core.policy import Policy


@pytest.fixture
def configure(tmp_path):
    """Write nova.conf; return the path to give to oslo.config."""
    path = tmp_path / 'nova.conf'

    def write(text):
        path.write_text(f'[hypervisor_affinity]\n{text}\n')
        return str(path)

    return write


def load(path):
    opts = cfg.ConfigOpts()
    opts(['--config-file', path], project='nova')
    return opts


def test_the_policys_defaults_are_the_options(configure):
    opts = load(configure(''))
    conf.register_opts(opts)
    assert conf.read_policy(opts) == Policy()


def test_any_spelling_is_stored_as_its_family(configure):
    path = configure('preferred_hypervisors = VMware vCenter Server, QEMU,kvm')
    policy = conf.PolicySource(load(path)).current()
    assert policy.preferred_hypervisors == ('vmware', 'kvm')


WRONG = {
    'preferred_hypervisors': 'vmwrae',
    'flexible_placement': 'maybe',
    'unclassified_hosts': 'some',
    'vmdk_images': 'kvm',
    'placement_prefilter': 'sometimes',
    'weight_multiplier': 'nan',
    'tell_user': 'perhaps',
}


def test_every_option_has_a_wrong_value_here():
    ((_, opts),) = conf.list_opts()
    assert {opt.name for opt in opts} == set(WRONG)


@pytest.mark.parametrize(('option', 'value'), WRONG.items())
def test_a_wrong_option_stops_the_start_and_is_named(configure, option, value):
    path = configure(f'{option} = {value}')
    with pytest.raises(ValueError) as raised:
        conf.PolicySource(load(path))
    for named in (option, value, path):
        assert named in str(raised.value)


@pytest.mark.parametrize(('option', 'value'), WRONG.items())
def test_a_wrong_option_on_reload_keeps_what_was_in_force(
    configure, caplog, option, value
):
    opts = load(configure('weight_multiplier = 7\ntell_user = false'))
    source = conf.PolicySource(opts)
    before = source.current()
    configure(f'weight_multiplier = 8\n{option} = {value}')
    opts.mutate_config_files()
    assert source.current() == before
    (record,) = caplog.records
    assert record.levelname == 'ERROR'
    assert option in record.getMessage()
    configure('weight_multiplier = 9')
    opts.mutate_config_files()
    assert source.current().weight_multiplier == 9


def test_a_reload_counts_before_any_request_comes(configure):
    # nova with native threads reloads in the process that starts workers,
    # which serves none, and then replaces them.
    opts = load(configure('weight_multiplier = 7'))
    source = conf.PolicySource(opts)
    configure('weight_multiplier = 8')
    opts.mutate_config_files()
    configure('weight_multiplier = much')
    opts.mutate_config_files()
    assert source.current().weight_multiplier == 8


def test_a_new_process_reads_anew(configure, monkeypatch):
    # nova 32 with native threads reloads without calling hooks, and then
    # replaces its workers.
    opts = load(configure('weight_multiplier = 7'))
    source = conf.PolicySource(opts)
    configure('weight_multiplier = 8')
    opts.reload_config_files()
    assert source.current().weight_multiplier == 7
    monkeypatch.setattr(os, 'getpid', lambda: -1)
    assert source.current().weight_multiplier == 8


def test_a_request_during_a_reload_does_not_keep_the_old_values(configure):
    opts = load(configure('weight_multiplier = 7'))
    source = conf.PolicySource(opts)
    reload_files = opts._reload_config_files

    def reload_while_requests_run():
        namespace = reload_files()
        source.current()
        return namespace

    opts._reload_config_files = reload_while_requests_run
    configure('weight_multiplier = 8')
    opts.mutate_config_files()
    assert source.current().weight_multiplier == 8


def test_nothing_is_kept_of_a_source_that_is_gone(configure, caplog):
    opts = load(configure('weight_multiplier = 7'))
    conf.PolicySource(opts)
    gc.collect()
    configure('weight_multiplier = much')
    opts.mutate_config_files()
    assert caplog.records == []


def test_every_option_is_read_anew():
    ((_, opts),) = conf.list_opts()
    assert all(opt.mutable for opt in opts)


def test_every_option_has_a_page_of_help():
    ((group, opts),) = conf.list_opts()
    assert group.name == 'hypervisor_affinity'
    for opt in opts:
        assert len(opt.help) > 150, opt.name


def test_registering_twice_does_nothing():
    opts = cfg.ConfigOpts()
    conf.register_opts(opts)
    conf.register_opts(opts)
