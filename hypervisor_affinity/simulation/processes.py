# SPDX-License-Identifier: Apache-2.0
"""Playing a scenario with several schedulers, each in a process of its own.

nova's configuration, and the lists that plug-ins add to, are one for a
process. What shows the results never imports nova.
"""

import dataclasses
import importlib.util
import logging
import multiprocessing
import signal
import warnings
from collections.abc import Callable, Iterator, Mapping
from multiprocessing import connection
from typing import Any

from hypervisor_affinity import conf_files
from hypervisor_affinity.operations import judging
from hypervisor_affinity.simulation import scenario
from hypervisor_affinity.simulation.actions import rehearse
from hypervisor_affinity.simulation.outcome import Run
from hypervisor_affinity.simulation.scenario import ScenarioError
from hypervisor_affinity.simulation.world import World

# A fork would inherit nova if the caller has it, as under OpenStackClient
# with other plug-ins.
CONTEXT = multiprocessing.get_context('spawn')


@dataclasses.dataclass(frozen=True, slots=True)
class Setting:
    """What is played, whatever the scheduler.

    :ivar name: of the scenario, for messages
    :ivar cloud: the whole one, before the first step
    :ivar files: nova.conf
    :ivar options: of nova.conf; override all others
    :ivar exact: whether nova is to look at each host for each request
    """

    name: str
    story: scenario.Scenario
    cloud: scenario.Cloud
    files: tuple[str, ...] = ()
    options: scenario.Options | None = None
    exact: bool = False


def has_nova() -> bool:
    """Tell whether nova is installed where this runs."""
    return importlib.util.find_spec('nova') is not None


def play_all(
    setting: Setting, progress: Callable[[int], Any] = lambda done: None
) -> list[Run]:
    """Play with every scheduler of a scenario, all at a time.

    :param progress: called with the number of requests so far, of all
    :raises ScenarioError: if the scenario, or an option, is wrong
    """
    rehearse(setting.story, setting.cloud, setting.name)
    schedulers = setting.story.schedulers or {'nova-scheduler': {}}
    done = dict.fromkeys(schedulers, 0)
    runs: dict[str, Run] = {}
    for name, message in _messages(setting, schedulers):
        if isinstance(message, int):
            done[name] = message
            progress(sum(done.values()))
        elif isinstance(message, Run):
            runs[name] = message
        else:
            raise ScenarioError(f'{name}: {message}')
    return [runs[name] for name in schedulers]


def _messages(
    setting: Setting, schedulers: Mapping[str, scenario.Options]
) -> Iterator[tuple[str, Any]]:
    """Yield what the processes say, and end them."""
    processes = []
    names: dict[connection.Connection, str] = {}
    try:
        for name, options in schedulers.items():
            receiver, sender = CONTEXT.Pipe(duplex=False)
            process = CONTEXT.Process(
                target=_play, args=(sender, setting, name, options)
            )
            process.start()
            processes.append(process)
            sender.close()
            names[receiver] = name
        while names:
            ready = connection.wait(list(names))
            for receiver in [r for r in names if r in ready]:
                try:
                    message = receiver.recv()
                except EOFError:
                    message = 'its process ended unexpectedly'
                yield names[receiver], message
                if not isinstance(message, int):
                    del names[receiver]
    finally:
        for process in processes:
            process.terminate()
            process.join()


def _play(
    sender: connection.Connection,
    setting: Setting,
    name: str,
    options: scenario.Options,
) -> None:
    """Play with one scheduler, in a process of its own."""
    # Ctrl-C is for the parent, who ends this process.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    warnings.simplefilter('ignore')
    # What nova logs is for its own operator, and as much as hosts times
    # requests.
    logging.getLogger().addHandler(logging.NullHandler())
    logging.getLogger('nova').setLevel(logging.CRITICAL)
    try:
        sender.send(play(setting, name, options, sender.send))
    except ScenarioError as error:
        sender.send(str(error))
    except Exception as error:
        sender.send(f'unexpected {judging.what(error)}; please report it')


def play(
    setting: Setting,
    name: str,
    options: scenario.Options,
    progress: Callable[[int], Any] = lambda done: None,
) -> Run:
    """Play with one scheduler, in this process.

    :param options: of the scheduler
    :raises ScenarioError: if the scenario, or an option, is wrong
    """
    # Here, where nova is needed, and in no process that does without.
    from nova.conf import CONF

    from hypervisor_affinity.simulation import settings
    from hypervisor_affinity.simulation.player import Player
    from hypervisor_affinity.simulation.scheduler import Scheduler

    story = setting.story
    world = World(setting.cloud, setting.name)
    try:
        # Filters and weighers read theirs as they go.
        with conf_files.values(CONF):
            settings.check(
                story,
                name,
                setting.name,
                setting.files,
                setting.options or {},
            )
            scheduler = Scheduler(
                world,
                setting.files,
                story.options,
                options,
                setting.options or {},
                exact=setting.exact,
                seed=story.seed,
            )
            return Player(world, scheduler, progress).play(name, story.steps)
    except conf_files.ConfError as error:
        raise ScenarioError(str(error)) from None
