# SPDX-License-Identifier: Apache-2.0
"""Our plug-ins, in each nova-scheduler of nova's own tests."""

import functools

import nova.conf
from nova.scheduler import host_manager

from hypervisor_affinity import conf as our_conf
from hypervisor_affinity.scheduler import filters
from hypervisor_affinity.scheduler import observation
from testbed import example_conf

CONF = nova.conf.CONF

# No host says what it offers, so that each request would be refused.
_OURS = {
    'mode': 'observe',
    'unclassified_hosts': 'none',
    'placement_prefilter': True,
}
_ADDED = {
    'available_filters': 'hypervisor_affinity.scheduler.all_filters',
    'enabled_filters': filters.HypervisorAffinityFilter.__name__,
    'weight_classes': 'hypervisor_affinity.scheduler.all_weighers',
}


class Plugins:
    """Enabled wherever nova makes a host manager.

    * ``calls``: of the filter
    * ``refusals``: that mode enforce would have meant
    * ``own_filters``: host managers whose test has chosen filters by itself
    """

    def __init__(self) -> None:
        """Enable nothing yet."""
        self.calls = 0
        self.refusals = 0
        self.own_filters = 0
        self._default_filters = example_conf.default_filters()

    def enable(self) -> None:
        """Change nova's and our classes, for good."""
        manager, ours = host_manager.HostManager, filters
        begin = manager.__init__
        judge = ours.HypervisorAffinityFilter.filter_all
        report = observation.report_refusal

        @functools.wraps(begin)
        def begin_with_ours(this):
            self._add()
            begin(this)

        @functools.wraps(judge)
        def judge_counted(this, *arguments):
            self.calls += 1
            return judge(this, *arguments)

        @functools.wraps(report)
        def report_counted(found):
            self.refusals += found.judgement.would_refuse
            report(found)

        manager.__init__ = begin_with_ours
        ours.HypervisorAffinityFilter.filter_all = judge_counted
        observation.report_refusal = report_counted

    def _add(self) -> None:
        group = 'filter_scheduler'
        chosen = CONF.filter_scheduler.enabled_filters
        self.own_filters += chosen != self._default_filters
        for name, ours in _ADDED.items():
            # What the test has chosen stays, and nova's fixture forgets both.
            there = CONF[group][name]
            if ours not in there:
                CONF.set_override(name, [*there, ours], group)
        our_conf.register_opts(CONF)
        for name, value in _OURS.items():
            CONF.set_override(name, value, 'hypervisor_affinity')
