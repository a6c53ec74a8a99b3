# SPDX-License-Identifier: Apache-2.0
"""The description of vSphere's API that vCenter serves.

nova's driver reads it before it calls anything. It is made of what pyVmomi
knows. The operations name no faults: SOAP faults bring the names of their
types with them.
"""

import pathlib
from collections.abc import Iterable, Iterator
from typing import Any

from pyVmomi import VmomiSupport as support

_NAMESPACE = 'urn:vim25'
_REFERENCE = 'ManagedObjectReference'
# Of pyVmomi alone.
_NO_TYPE = 'DataObject'
# In a property it comes with a text, which is a type of its own.
_FAULT = 'MethodFault'
_FAULT_WITH_TEXT = 'LocalizedMethodFault'
_BASE = 'DynamicData'

_BEGIN = f"""<?xml version="1.0" encoding="UTF-8"?>
<definitions targetNamespace="{_NAMESPACE}"
 xmlns="http://schemas.xmlsoap.org/wsdl/"
 xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/"
 xmlns:vim25="{_NAMESPACE}">
<types>
<schema targetNamespace="{_NAMESPACE}" elementFormDefault="qualified"
 xmlns="http://www.w3.org/2001/XMLSchema"
 xmlns:vim25="{_NAMESPACE}"
 xmlns:xsd="http://www.w3.org/2001/XMLSchema">
<complexType name="{_REFERENCE}"><simpleContent>
<extension base="xsd:string">
<attribute name="type" type="xsd:string"/>
</extension>
</simpleContent></complexType>"""
_AFTER_TYPES = '</schema>\n</types>'
_BEGIN_PORT = '<portType name="VimPortType">'
_AFTER_PORT = """</portType>
<binding name="VimBinding" type="vim25:VimPortType">
<soap:binding style="document"
 transport="http://schemas.xmlsoap.org/soap/http"/>"""
_END = """</binding>
<service name="VimService">
<port binding="vim25:VimBinding" name="VimPort">
<soap:address location="https://127.0.0.1/sdk"/>
</port>
</service>
</definitions>
"""


def write(path: pathlib.Path) -> None:
    """Write the description into a file."""
    path.write_text('\n'.join(_lines()))


def _lines() -> Iterator[str]:
    methods = list(_methods())
    yield _BEGIN
    yield from _types()
    for method in methods:
        yield from _elements(method)
    yield _AFTER_TYPES
    for method in methods:
        yield from _messages(method.wsdlName)
    yield _BEGIN_PORT
    for method in methods:
        yield from _operation(method.wsdlName)
    yield _AFTER_PORT
    for method in methods:
        yield from _bound_operation(method.wsdlName)
    yield _END


def _methods() -> Iterator[Any]:
    """Return what pyVmomi knows of each method; each name once."""
    seen = set()
    for managed in _vim_types(support.ListManagedTypes()):
        for method in managed._methodInfo.values():
            # Several types may have a method of one name, with the same
            # parameters; and vSAN adds some with types of its own.
            kinds = [member.type for member in method.params]
            if (
                method.wsdlName not in seen
                and _is_vim(method.version)
                and all(map(_is_known, [*kinds, method.result]))
            ):
                seen.add(method.wsdlName)
                yield method


def _vim_types(names: Iterable[str]) -> Iterator[Any]:
    for name in names:
        found = support.GetVmodlType(name)
        if name != _NO_TYPE and _is_vim(found._version):
            yield found


def _is_vim(version: str) -> bool:
    return support.GetWsdlNamespace(version) == _NAMESPACE


def _is_known(kind: type) -> bool:
    namespace = support.GetQualifiedWsdlName(_item(kind))[0]
    return namespace in (_NAMESPACE, support.XMLNS_XSD)


def _item(kind: type) -> type:
    return kind.Item if issubclass(kind, support.Array) else kind


def _types() -> Iterator[str]:
    items = ['xsd:' + name for name in ('anyType', 'boolean', 'byte')]
    items += ['xsd:' + name for name in ('double', 'int', 'long', 'short')]
    items += ['xsd:string', f'vim25:{_REFERENCE}']
    for found in _vim_types(support.ListEnumTypes()):
        name = support.GetWsdlName(found)
        items.append(f'vim25:{name}')
        yield f'<simpleType name="{name}"><restriction base="xsd:string">'
        for value in found.values:
            yield f'<enumeration value="{value}"/>'
        yield '</restriction></simpleType>'
    for found in _vim_types(support.ListDataTypes()):
        items.append(f'vim25:{support.GetWsdlName(found)}')
        yield from _data(found)
    for item in items:
        name = item.partition(':')[2]
        name = name[0].upper() + name[1:]
        yield (
            f'<complexType name="ArrayOf{name}"><sequence>'
            f'<element name="{name}" type="{item}" minOccurs="0"'
            ' maxOccurs="unbounded"/></sequence></complexType>'
        )


def _data(found: Any) -> Iterator[str]:
    name = support.GetWsdlName(found)
    parent = support.GetWsdlName(found.__bases__[0])
    if name == _FAULT_WITH_TEXT:
        # Of a fault pyVmomi makes it a kind.
        parent = _BASE
    yield f'<complexType name="{name}">'
    if parent != _NO_TYPE:
        yield f'<complexContent><extension base="vim25:{parent}">'
    yield '<sequence>'
    for member in found._propList:
        # pyVmomi keeps the text there; and vSAN adds some of its own types.
        if (name, member.name) != (_FAULT, 'msg') and _is_known(member.type):
            yield _element(member, name)
    yield '</sequence>'
    if parent != _NO_TYPE:
        yield '</extension></complexContent>'
    yield '</complexType>'


def _element(member: Any, of: str = '') -> str:
    """Return the element of a property or a parameter.

    :param of: the type that has the property
    """
    is_array = issubclass(member.type, support.Array)
    kind = _kind(_item(member.type))
    if kind == f'vim25:{_FAULT}' and of != _FAULT_WITH_TEXT:
        kind = f'vim25:{_FAULT_WITH_TEXT}'
    text = f'<element name="{member.name}" type="{kind}"'
    if member.flags & support.F_OPTIONAL or is_array:
        text += ' minOccurs="0"'
    if is_array:
        text += ' maxOccurs="unbounded"'
    return text + '/>'


def _kind(found: type) -> str:
    """Return the name of a type that is no array, with its prefix."""
    if issubclass(found, support.ManagedObject):
        return f'vim25:{_REFERENCE}'
    namespace, name = support.GetQualifiedWsdlName(found)
    if namespace == support.XMLNS_XSD:
        return f'xsd:{name}'
    if issubclass(found, (support.DataObject, support.Enum)):
        return f'vim25:{name}'
    # Names of types, methods and properties.
    return 'xsd:string'


def _elements(method: Any) -> Iterator[str]:
    name = method.wsdlName
    yield (
        f'<element name="{name}"><complexType><sequence>'
        f'<element name="_this" type="vim25:{_REFERENCE}"/>'
    )
    for parameter in method.params:
        yield _element(parameter)
    yield '</sequence></complexType></element>'
    yield f'<element name="{name}Response"><complexType><sequence>'
    if method.result is not support.NoneType:
        yield _element(
            support.Object(
                name='returnval',
                type=method.result,
                flags=method.resultFlags,
            )
        )
    yield '</sequence></complexType></element>'


def _messages(name: str) -> Iterator[str]:
    for message, element in (('Request', ''), ('Response', 'Response')):
        yield (
            f'<message name="{name}{message}Msg">'
            f'<part name="parameters" element="vim25:{name}{element}"/>'
            '</message>'
        )


def _operation(name: str) -> Iterator[str]:
    yield (
        f'<operation name="{name}">'
        f'<input message="vim25:{name}RequestMsg"/>'
        f'<output message="vim25:{name}ResponseMsg"/>'
        '</operation>'
    )


def _bound_operation(name: str) -> Iterator[str]:
    yield (
        f'<operation name="{name}">'
        '<soap:operation soapAction="urn:vim25/8.0" style="document"/>'
        '<input><soap:body use="literal"/></input>'
        '<output><soap:body use="literal"/></output>'
        '</operation>'
    )
