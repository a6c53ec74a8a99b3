# SPDX-License-Identifier: Apache-2.0
"""Hearing what this project's filters and weighers log."""

import logging


class Heard(logging.Handler):
    """What this project's own classes log.

    * ``warnings``: each once, in order
    """

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._texts: list[str] = []
        self._warnings: dict[str, None] = {}
        logger = logging.getLogger('hypervisor_affinity.scheduler')
        logger.handlers[:] = [self]
        logger.setLevel(logging.INFO)
        logger.propagate = False

    @property
    def warnings(self) -> list[str]:
        """All warnings, each once."""
        return list(self._warnings)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep what was logged."""
        if record.levelno >= logging.WARNING:
            self._warnings[record.getMessage()] = None
        else:
            self._texts.append(record.getMessage())

    def forget(self) -> None:
        """Forget what was said of requests."""
        self._texts.clear()

    def of(self, server: str) -> str:
        """Return why a server got no host; '' if nobody said."""
        beginning = f'No host for server {server}: '
        for text in reversed(self._texts):
            if text.startswith(beginning):
                return text.removeprefix(beginning)
        return ''
