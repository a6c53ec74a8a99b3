# SPDX-License-Identifier: Apache-2.0
"""Reading properties with calls as bare as they can be."""

from collections.abc import Sequence
from typing import Any

from pyVmomi import vmodl

_collector = vmodl.query.PropertyCollector


def wanted(objects: Sequence[Any], *paths: str) -> Any:
    """Return what asks for properties of objects of one type."""
    return _collector.FilterSpec(
        objectSet=[_collector.ObjectSpec(obj=found) for found in objects],
        propSet=[
            _collector.PropertySpec(type=type(objects[0]), pathSet=list(paths))
        ],
    )


def read(content: Any, found: Any, *paths: str) -> dict[str, Any]:
    """Return {path: value} of one object, without what has no value."""
    (answer,) = content.propertyCollector.RetrievePropertiesEx(
        [wanted([found], *paths)], _collector.RetrieveOptions()
    ).objects
    return {value.name: value.val for value in answer.propSet}
