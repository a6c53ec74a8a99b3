# SPDX-License-Identifier: Apache-2.0
import dataclasses
import gc
import logging
import os
import pathlib
import sys
import tempfile
import threading
from concurrent import futures

import hypothesis
import pytest
from hypothesis import strategies as st
from oslo_config import cfg

from hypervisor_affinity import conf
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.policy_source import PolicySource


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
    policy = PolicySource(load(path)).current()
    assert policy.preferred_hypervisors == ('vmware', 'kvm')


WRONG = {
    'preferred_hypervisors': 'vmwrae',
    'flexible_placement': 'maybe',
    'unclassified_hosts': 'some',
    'vmdk_images': 'kvm',
    'placement_prefilter': 'sometimes',
    'weight_multiplier': 'nan',
    'tell_user': 'perhaps',
    'mode': 'watch',
    'decision_notifications': 'seldom',
}


def test_every_option_has_a_wrong_value_here():
    ((_, opts),) = conf.list_opts()
    assert {opt.name for opt in opts} == set(WRONG)


@pytest.mark.parametrize('value', ['', ' ', 'inf', '-inf', '$', '$$'])
def test_a_multiplier_that_cannot_be_added_up(configure, value):
    with pytest.raises(ValueError, match='weight_multiplier'):
        PolicySource(load(configure(f'weight_multiplier = {value}')))


@pytest.mark.parametrize(('option', 'value'), WRONG.items())
def test_a_wrong_option_stops_the_start_and_is_named(configure, option, value):
    path = configure(f'{option} = {value}')
    with pytest.raises(ValueError) as raised:
        PolicySource(load(path))
    for named in (option, value, path):
        assert named in str(raised.value)


@pytest.mark.parametrize(('option', 'value'), WRONG.items())
def test_a_wrong_option_on_reload_keeps_what_was_in_force(
    configure, caplog, option, value
):
    opts = load(configure('weight_multiplier = 7\ntell_user = false'))
    source = PolicySource(opts)
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


# What oslo.config raises on reading these is no ValueError.
REFERENCES = {
    'no such option': ('vmdk_images', '$nope'),
    'no such option, in a list': ('preferred_hypervisors', 'kvm,$nope'),
    'no such option, for a number': ('weight_multiplier', '${nope}'),
    'no such option, for a flag': ('tell_user', '$nope'),
    'no such group': ('placement_prefilter', '$no.pe'),
    'a group': ('flexible_placement', '$hypervisor_affinity'),
    'itself': ('unclassified_hosts', '$unclassified_hosts'),
}
references = pytest.mark.parametrize(
    ('option', 'value'), REFERENCES.values(), ids=REFERENCES
)


def shown(value):
    """Return what may be cited: the rest may be the end of a password."""
    return value.partition('$')[0] + '$…'


@references
def test_a_reference_to_nothing_stops_the_start_and_is_named(
    configure, option, value
):
    path = configure(f'{option} = {value}')
    with pytest.raises(ValueError) as raised:
        PolicySource(load(path))
    for named in (f'{option} = ', shown(value), path, '$$'):
        assert named in str(raised.value)
    # A traceback of a thousand calls would hide it.
    assert raised.value.__context__ is None


@references
def test_a_reference_to_nothing_on_reload_keeps_what_was_in_force(
    configure, caplog, option, value
):
    opts = load(configure('weight_multiplier = 7\ntell_user = false'))
    source = PolicySource(opts)
    before = source.current()
    path = configure(f'weight_multiplier = 8\n{option} = {value}')
    for _ in range(2):
        opts.mutate_config_files()
        assert source.current() == before
    (record,) = caplog.records
    assert record.levelname == 'ERROR'
    for named in (f'{option} = ', shown(value), path):
        assert named in record.getMessage()
    configure('weight_multiplier = 9')
    opts.mutate_config_files()
    assert source.current().weight_multiplier == 9


@references
def test_a_reference_to_nothing_is_no_matter_to_new_workers(
    configure, caplog, monkeypatch, option, value
):
    # They are forked from the process that has reloaded.
    opts = load(configure('weight_multiplier = 7'))
    source = PolicySource(opts)
    before = source.current()
    configure(f'weight_multiplier = 8\n{option} = {value}')
    opts.mutate_config_files()
    monkeypatch.setattr(os, 'getpid', lambda: -1)
    assert source.current() == before
    assert len(caplog.records) == 1


def test_a_reference_to_another_option_counts(configure):
    text = 'flexible_placement = strict\nvmdk_images = ${preferred_hypervisor}'
    opts = load(configure(text))
    opts.register_opt(cfg.StrOpt('preferred_hypervisor', default='flexible'))
    assert PolicySource(opts).current().vmdk_images == 'flexible'


def test_what_a_reference_leads_to_is_not_cited(configure):
    opts = load(configure('vmdk_images = $password'))
    opts.register_opt(cfg.StrOpt('password', default='s3cret', secret=True))
    with pytest.raises(ValueError) as raised:
        PolicySource(opts)
    assert 'vmdk_images = ' in str(raised.value)
    assert 's3cret' not in str(raised.value)


def test_a_reference_in_the_environment_is_named(configure, monkeypatch):
    monkeypatch.setenv('OS_HYPERVISOR_AFFINITY__VMDK_IMAGES', '$nope')
    with pytest.raises(ValueError) as raised:
        PolicySource(load(configure('')))
    for named in ('vmdk_images', 'OS_HYPERVISOR_AFFINITY__VMDK_IMAGES'):
        assert named in str(raised.value)


WRONG_AT_RELOAD = [*WRONG.items(), *REFERENCES.values()]


@pytest.mark.parametrize(('option', 'value'), WRONG_AT_RELOAD)
def test_whoever_shows_all_options_sees_those_in_force(
    configure, option, value
):
    """oslo.service does after SIGHUP; what it cannot read ends a process."""
    opts = load(configure('weight_multiplier = 7\ntell_user = false'))
    source = PolicySource(opts)
    configure(f'weight_multiplier = 8\n{option} = {value}')
    opts.mutate_config_files()
    opts.log_opt_values(logging.getLogger(__name__), logging.DEBUG)
    assert opts.hypervisor_affinity.weight_multiplier == 7
    configure('weight_multiplier = 9\nvmdk_images = flexible')
    opts.mutate_config_files()
    assert opts.hypervisor_affinity.weight_multiplier == 9
    assert opts.hypervisor_affinity.vmdk_images == 'flexible'
    assert source.current() == conf.read_policy(opts)


def test_filter_and_weigher_say_it_once(configure, caplog):
    opts = load(configure('weight_multiplier = 7'))
    sources = [PolicySource(opts) for _ in range(2)]
    for value in ('$nope', '$nope', 'sometimes', '$nope'):
        configure(f'vmdk_images = {value}')
        opts.mutate_config_files()
        assert [source.current().vmdk_images for source in sources] == [
            'vmware',
            'vmware',
        ]
    assert len(caplog.records) == 3
    configure('vmdk_images = flexible')
    opts.mutate_config_files()
    assert [source.current().vmdk_images for source in sources] == [
        'flexible',
        'flexible',
    ]


def test_configurations_are_kept_apart(configure, tmp_path):
    first = load(configure('weight_multiplier = 7'))
    other = tmp_path / 'other.conf'
    other.write_text('[hypervisor_affinity]\nweight_multiplier = 8\n')
    sources = [PolicySource(first), PolicySource(load(str(other)))]
    assert [source.current().weight_multiplier for source in sources] == [7, 8]


def test_nothing_of_ours_breaks_a_reload(configure, caplog):
    opts = load(configure('weight_multiplier = 7'))
    source = PolicySource(opts)
    # As a later oslo.config may.
    opts.set_override = opts.clear_override = None
    configure('weight_multiplier = 8\nvmdk_images = $nope')
    opts.mutate_config_files()
    assert source.current().weight_multiplier == 7
    assert [record.levelname for record in caplog.records] == ['ERROR']
    configure('weight_multiplier = 9')
    opts.mutate_config_files()
    assert source.current().weight_multiplier == 9


def test_a_reload_counts_before_any_request_comes(configure):
    # nova with native threads reloads in the process that starts workers,
    # which serves none, and then replaces them.
    opts = load(configure('weight_multiplier = 7'))
    source = PolicySource(opts)
    configure('weight_multiplier = 8')
    opts.mutate_config_files()
    configure('weight_multiplier = much')
    opts.mutate_config_files()
    assert source.current().weight_multiplier == 8


def test_a_new_process_reads_anew(configure, monkeypatch):
    # nova 32 with native threads reloads without calling hooks, and then
    # replaces its workers.
    opts = load(configure('weight_multiplier = 7'))
    source = PolicySource(opts)
    configure('weight_multiplier = 8')
    opts.reload_config_files()
    assert source.current().weight_multiplier == 7
    monkeypatch.setattr(os, 'getpid', lambda: -1)
    assert source.current().weight_multiplier == 8


def test_many_threads_of_a_new_process_are_of_one_mind(
    configure, caplog, monkeypatch
):
    opts = load(configure('weight_multiplier = 7\ntell_user = false'))
    source = PolicySource(opts)
    before = source.current()
    together = threading.Barrier(8)

    def ask(number):
        together.wait()
        return source.current()

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with futures.ThreadPoolExecutor(8) as threads:
            for process in range(30):
                configure(
                    'weight_multiplier = 8\npreferred_hypervisors = kvm\n'
                    f'tell_user = {process}$nope'
                )
                opts.reload_config_files()
                monkeypatch.setattr(os, 'getpid', lambda pid=process: -pid)
                assert set(threads.map(ask, range(8))) == {before}
                assert len(caplog.records) == process + 1
    finally:
        sys.setswitchinterval(interval)


WORDS = st.sampled_from(
    [
        *('$', '${', '}', '$$', '\\$', ',', '.', ' ', '"', "'", '[', '='),
        *('$nope', '$no.pe', '$hypervisor_affinity', '$host'),
        *(f'${name}' for name in WRONG),
        *(f'$hypervisor_affinity.{name}' for name in WRONG),
        *('kvm', 'vmware', 'strict', 'any', 'flexible', 'true', '7', 'nan'),
    ]
)
VALUES = st.lists(
    WORDS | st.text(st.characters(exclude_categories=['C', 'Z']), max_size=3),
    max_size=4,
).map(''.join)


@hypothesis.given(
    values=st.dictionaries(st.sampled_from(sorted(WRONG)), VALUES),
    first=st.booleans(),
)
def test_whatever_is_written(values, first):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / 'nova.conf'
        path.write_text('')
        opts = load(str(path))
        opts.register_opt(cfg.StrOpt('host', default='x'))
        source = None if first else PolicySource(opts)
        lines = [f'{name} = {value}' for name, value in values.items()]
        path.write_text('\n'.join(['[hypervisor_affinity]', *lines, '']))
        if source is None:
            try:
                source = PolicySource(load(str(path)))
            except ValueError as error:
                assert any(name in str(error) for name in values)
                return
        opts.mutate_config_files()
        assert None not in dataclasses.astuple(source.current())
        opts.log_opt_values(logging.getLogger(__name__), logging.DEBUG)


def test_a_request_during_a_reload_does_not_keep_the_old_values(configure):
    opts = load(configure('weight_multiplier = 7'))
    source = PolicySource(opts)
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
    PolicySource(opts)
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
