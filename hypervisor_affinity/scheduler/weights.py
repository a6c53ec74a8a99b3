# SPDX-License-Identifier: Apache-2.0
"""The scheduler weigher."""

from collections.abc import Callable
from typing import Any, NamedTuple

import nova.conf
from nova.scheduler import weights
from oslo_log import log as logging

from hypervisor_affinity.core import preference
from hypervisor_affinity.core.offer import HostOffer
from hypervisor_affinity.core.policy import Mode
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.policy_source import PolicySource
from hypervisor_affinity.scheduler import adapters
from hypervisor_affinity.scheduler import demands
from hypervisor_affinity.scheduler import observation
from hypervisor_affinity.scheduler.per_offer import once_per_offer

LOG = logging.getLogger(__name__)


class HypervisorAffinityWeigher(weights.BaseHostWeigher):
    """Weighs hosts by the order in which hypervisors are to be tried.

    The weights come multiplied already, so that the option is read once per
    request and an aggregate's override once per distinct offer:
    ``weight_multiplier``, which nova asks for every host, stays 1. minval
    and maxval keep nova from stretching the scores between the candidates at
    hand, so that a host's weight does not depend on the others.

    Hosts in mode observe all weigh as much as those of the first choice, so
    that an enforced host of a later choice gives way to them: 0, if that is
    the mode of all but some aggregates, whose hosts weigh less then.
    """

    minval = 0.0
    maxval = 1.0

    def __init__(self) -> None:
        """Read the options.

        :raises ValueError: if one is wrong: nova-scheduler must not start
        """
        super().__init__()
        self._policies = PolicySource(nova.conf.CONF)

    @property
    def policy(self) -> Policy:
        """What the options say at the moment."""
        return self._policies.current()

    def weigh_objects(
        self, weighed_obj_list: Any, weight_properties: Any
    ) -> list[float]:
        """Return each host's score times its multiplier.

        :param weighed_obj_list: ``WeighedHost`` objects
        :param weight_properties: the ``RequestSpec``
        :returns: weights in the order of the hosts; 0 for what cannot be
            read, which the filter reports
        """
        try:
            return self._weigh(weighed_obj_list, weight_properties)
        except Exception:
            LOG.debug('A request cannot be weighed', exc_info=True)
            return [0.0] * len(weighed_obj_list)

    def _weigh(
        self, weighed_obj_list: Any, weight_properties: Any
    ) -> list[float]:
        policy = self.policy
        demand = demands.read_demand(weight_properties, policy)
        wanted = preference.order(demand, policy)
        modes: set[Mode] = set()

        def in_order(offer: HostOffer) -> float:
            modes.add(offer.mode)
            return preference.weight(offer, wanted, policy)

        # Of an observed host, and of all where observing is the rule.
        aside = max(policy.weight_multiplier, 0.0)
        base = aside if policy.mode is Mode.OBSERVE else 0.0

        def by_mode(offer: HostOffer) -> float:
            observed = offer.mode is Mode.OBSERVE
            return (aside if observed else in_order(offer)) - base

        weigh = _Weighing(weighed_obj_list, weight_properties, policy)
        enforced = weigh.each(in_order)
        if modes == {Mode.OBSERVE} == {policy.mode}:
            given = [0.0] * len(enforced)
        elif modes == {Mode.ENFORCE} == {policy.mode}:
            given = enforced
        else:
            given = weigh.each(by_mode)
        if Mode.OBSERVE in modes:
            try:
                observation.report_other_host(
                    weight_properties, weighed_obj_list, given, enforced
                )
            except Exception:
                LOG.debug('Hosts cannot be compared', exc_info=True)
        return given

    def _weigh_object(self, obj: Any, weight_properties: Any) -> float:
        host = weights.WeighedHost(obj, 0.0)
        return self.weigh_objects([host], weight_properties)[0]


class _Weighing(NamedTuple):
    """The hosts of a request, each distinct offer of which is weighed once."""

    weighed: Any
    request_spec: Any
    policy: Policy

    def each(self, weigh: Callable[[HostOffer], float]) -> list[float]:
        """Return the weights in the order of the hosts."""

        def weigh_host(host_state: Any) -> float:
            try:
                offer = adapters.read_host(host_state, self.policy)
            except Exception:
                LOG.debug('A host cannot be weighed', exc_info=True)
                return 0.0
            return weigh(offer)

        found = observation.weigh_again(
            self.request_spec, self.weighed, weigh_host
        )
        if found is not None:
            return found
        hosts = (weighed.obj for weighed in self.weighed)
        return list(once_per_offer(weigh_host, hosts))
