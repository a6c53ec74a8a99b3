# SPDX-License-Identifier: Apache-2.0
"""Schedulers in processes of their own."""

import dataclasses
import os
import subprocess
import sys

import pytest

from hypervisor_affinity.simulation import processes
from hypervisor_affinity.simulation.scenario import ScenarioError
from tests.unit.simulation import stories
from tests.unit.simulation.stories import boot
from tests.unit.simulation.stories import hypervisors


def test_each_scheduler_has_its_own_options_and_counts():
    seen = []
    setting = stories.setting(
        boot('qcow2', count=3), schedulers={'ours': {}, 'stock': stories.STOCK}
    )
    ours, stock = processes.play_all(setting, seen.append)
    assert (ours.scheduler, stock.scheduler) == ('ours', 'stock')
    assert hypervisors(ours) == ['KVM'] * 3
    assert hypervisors(stock) == ['VMware'] * 3
    assert sorted(seen) == [1, 2, 3, 4, 5, 6]


@pytest.mark.long
def test_wrong_option_of_one_scheduler_ends_it_all():
    setting = stories.setting(
        boot('qcow2'),
        schedulers={'ours': {}, 'other': {'scheduler': {'no_option': 1}}},
    )
    complaint = (
        r"^other: the story: at \$\.schedulers\['other'\]\.scheduler\."
        'no_option: a scenario cannot set this option. '
    )
    with pytest.raises(ScenarioError, match=complaint):
        processes.play_all(setting)


def test_wrong_name_is_complained_of_before_a_process_starts(monkeypatch):
    monkeypatch.setattr(processes, 'CONTEXT', None)
    with pytest.raises(ScenarioError, match="has no image 'no'"):
        processes.play_all(stories.setting(boot('no')))


def die(*args):
    os._exit(9)


def test_process_that_dies_is_reported(monkeypatch):
    monkeypatch.setattr(processes, '_play', die)
    with pytest.raises(ScenarioError, match='nova-scheduler: its process end'):
        processes.play_all(stories.setting(boot('iso')))


@pytest.mark.long
def test_options_of_the_command_go_first():
    setting = stories.setting(
        boot('qcow2'), schedulers={'stock': stories.STOCK}
    )
    enabled = {'enabled_filters': ['ComputeFilter', 'ImagePropertiesFilter']}
    setting = dataclasses.replace(
        setting,
        options={'filter_scheduler': {**enabled, 'ram_weight_multiplier': -9}},
    )
    (run,) = processes.play_all(setting)
    assert hypervisors(run) == ['KVM']


@pytest.mark.long
def test_who_shows_the_results_never_imports_nova():
    code = (
        'import sys; import hypervisor_affinity.cli.simulate; '
        'import hypervisor_affinity.cli.explain; '
        'sys.exit("nova" in sys.modules or "matplotlib" in sys.modules)'
    )
    subprocess.run([sys.executable, '-c', code], check=True)
