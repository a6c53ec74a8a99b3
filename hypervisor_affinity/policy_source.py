# SPDX-License-Identifier: Apache-2.0
"""The Policy in force, as a service's configuration is loaded again."""

import contextlib
import dataclasses
import os
import threading
import weakref

from oslo_config import cfg
from oslo_log import log as logging

from hypervisor_affinity.conf import group
from hypervisor_affinity.conf import read_policy
from hypervisor_affinity.conf import register_opts
from hypervisor_affinity.core.policy import Policy

LOG = logging.getLogger(__name__)


class PolicySource:
    """The Policy in force, as nova's configuration changes under it.

    Those of one configuration are of one mind, and complain once.
    """

    def __init__(self, conf: cfg.ConfigOpts):
        """Read the Policy.

        :raises ValueError: if an option is wrong: a service must not start
        """
        register_opts(conf)
        shared = _IN_FORCE.get(id(conf))
        if shared is None:
            shared = _IN_FORCE[id(conf)] = _InForce(conf)
        else:
            shared.read()
        self._shared = shared

    def current(self) -> Policy:
        """Return the Policy for one request; never raises."""
        return self._shared.policy()


class _InForce:
    """What counts of one configuration, for all who ask."""

    def __init__(self, conf: cfg.ConfigOpts):
        self._conf = conf
        # What one thread shows, another must not take for what is written.
        self._lock = threading.Lock()
        self._is_shown = False
        self.read()
        self._read_by = os.getpid()
        # Not read for each request: while oslo.config reloads its files, that
        # would put old values into its cache, where they stay.
        reread = weakref.WeakMethod(self._reread)

        def follow(conf: cfg.ConfigOpts, changes: object) -> None:
            if method := reread():
                method()

        conf.register_mutate_hook(follow)

    def read(self) -> None:
        """Read the options.

        :raises ValueError: if one is wrong; all stay in force then
        """
        with self._lock:
            self._read()

    def policy(self) -> Policy:
        """Return the Policy for one request."""
        # With native threads, nova reloads in a process that serves no
        # request and forks those that do from it. That of nova 32 calls no
        # hook (oslo.service 4.3).
        if self._read_by != os.getpid():
            with self._lock:
                if self._read_by != os.getpid():
                    self._read_or_keep()
                    # Only now: a request that comes meanwhile is to wait.
                    self._read_by = os.getpid()
        return self._policy

    def _reread(self) -> None:
        with self._lock:
            self._read_or_keep()

    def _read(self) -> None:
        self._unshow()
        self._policy = read_policy(self._conf)
        self._refused: str | None = None

    def _read_or_keep(self) -> None:
        # If a value is wrong, the whole Policy stays: half of a new
        # configuration is nobody's intent. And whatever is raised: here, it
        # would end nova's reload, or a request.
        try:
            self._read()
        except Exception as error:
            if str(error) != self._refused:
                self._refused = str(error)
                LOG.error(
                    'The new [hypervisor_affinity] options were not loaded; '
                    'those in force stay: %s',
                    error,
                )
            self._show()

    def _show(self) -> None:
        """Have oslo.config say what is in force, not what is written.

        oslo.service logs all options when it has reloaded, and one that
        cannot be read ends a process.
        """
        self._is_shown = True
        for name, value in dataclasses.asdict(self._policy).items():
            if isinstance(value, tuple):
                value = list(value)
            with contextlib.suppress(Exception):
                self._conf.set_override(name, value, group.name)

    def _unshow(self) -> None:
        if self._is_shown:
            for option in dataclasses.fields(Policy):
                with contextlib.suppress(Exception):
                    self._conf.clear_override(option.name, group.name)
            self._is_shown = False


# By the identity of the configuration, which each of them keeps.
_IN_FORCE: weakref.WeakValueDictionary[int, _InForce] = (
    weakref.WeakValueDictionary()
)
