# SPDX-License-Identifier: Apache-2.0
"""An explanation as a page: one file that needs nothing but a browser.

Whoever may name an image, a host or an aggregate writes into this page. All
of that becomes text, never script or style; besides, the page's
Content-Security-Policy lets its own script and style run, and nothing else
load.
"""

import base64
import hashlib
import pathlib

import jinja2
import markupsafe

from hypervisor_affinity.cli import explain_ranking
from hypervisor_affinity.cloud import files
from hypervisor_affinity.core.explanation import demand_text
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.core.printable import printable
from hypervisor_affinity.operations.explanation import Explanation


def write(
    path: pathlib.Path,
    explanation: Explanation,
    policy: Policy,
    *,
    taken_from: str,
    taken_at: str,
) -> None:
    """Write the page; of a failure nothing is left behind.

    :raises SourceError: if it cannot be written
    """
    page = render(
        explanation, policy, taken_from=taken_from, taken_at=taken_at
    )
    with files.replacing(path) as file:
        file.write(page.encode())


def render(
    explanation: Explanation,
    policy: Policy,
    *,
    taken_from: str,
    taken_at: str,
) -> str:
    """Return the page.

    :param policy: by which it is explained
    :param taken_from: what the facts were read from
    :param taken_at: when, as ISO 8601; '' if that is not known
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(__package__, '.'),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters['digest'] = _digest
    environment.filters['jointed'] = _jointed
    # All hosts had the same checks.
    answers = explanation.hosts[0].answers if explanation.hosts else ()
    return environment.get_template('page.html.j2').render(
        title=explanation.title,
        demand=explanation.demand,
        demand_text=demand_text(explanation.demand),
        passing=explanation.passing,
        uncertain=explanation.uncertain,
        total=len(explanation.hosts),
        checks=[answer.check for answer in answers],
        groups=explanation.groups(),
        ranking=explanation.ranking,
        place=explanation.place,
        headlines=explain_ranking.headlines(explanation, policy),
        shares=explain_ranking.words,
        taken_from=taken_from,
        taken_at=taken_at,
    )


def _shown(value: object) -> object:
    """Return what others named so that it can be seen.

    A mark of the direction of writing would turn the words beside a name, too.
    """
    # What is marked as HTML is of this project, or was here before.
    if isinstance(value, str) and not hasattr(value, '__html__'):
        return printable(value)
    return value


def _jointed(code: str) -> markupsafe.Markup:
    """Return a code that a line ends within only between its words."""
    return markupsafe.Markup('_<wbr>').join(code.split('_'))


def _digest(text: str) -> str:
    """Return how a Content-Security-Policy names inline script or style."""
    digest = hashlib.sha256(text.encode()).digest()
    return f'sha256-{base64.b64encode(digest).decode()}'
