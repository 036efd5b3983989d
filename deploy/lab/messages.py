"""The messages of labgrid's coordinator that are used here, as protobuf classes that are made when this is imported.

The table says names, numbers and types of the interface as the coordinator's own reflection shows them; fields that
are not in it are skipped by protobuf. labgrid's own files (LGPL 2.1) are not copied. The interface may change with
labgrid: tested with TESTED.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

TESTED = "26.0.1"
SERVICE = "/labgrid.Coordinator/"
PACKAGE = "labgrid"
_F = descriptor_pb2.FieldDescriptorProto
_SCALARS = {
    "string": _F.TYPE_STRING,
    "bool": _F.TYPE_BOOL,
    "int64": _F.TYPE_INT64,
    "uint64": _F.TYPE_UINT64,
    "int32": _F.TYPE_INT32,
    "double": _F.TYPE_DOUBLE,
}
TABLE = """
Sync: id=1 uint64
StartupDone: version=1 string, name=2 string
Subscribe: all_places=2 bool|kind, all_resources=3 bool|kind
ClientInMessage: sync=1 Sync|kind, startup=2 StartupDone|kind, subscribe=3 Subscribe|kind
Path: exporter_name=1 string?, group_name=2 string, resource_name=3 string
MapValue: bool_value=1 bool|kind, int_value=2 int64|kind, uint_value=3 uint64|kind, float_value=4 double|kind
MapValue: string_value=5 string|kind
Resource: path=1 Path, cls=2 string, params=3 map<MapValue>, extra=4 map<MapValue>, acquired=5 string, avail=6 bool
ResourceMatch: exporter=1 string, group=2 string, cls=3 string, name=4 string?, rename=5 string?
Place: name=1 string, tags=4 map<string>, matches=5 ResourceMatch*, acquired=6 string?, acquired_resources=7 string*
Place: changed=10 double, reservation=11 string?
UpdateResponse: resource=1 Resource|kind, del_resource=2 Path|kind, place=3 Place|kind, del_place=4 string|kind
ClientOutMessage: sync=1 Sync?, updates=2 UpdateResponse*
AcquirePlaceRequest: placename=1 string
ReleasePlaceRequest: placename=1 string, fromuser=2 string?
Filter: filter=1 map<string>
Reservation: owner=1 string, token=2 string, state=3 int32, filters=5 map<Filter>, allocations=6 map<string>
CreateReservationRequest: filters=1 map<Filter>, prio=2 double
CreateReservationResponse: reservation=1 Reservation
PollReservationRequest: token=1 string
PollReservationResponse: reservation=1 Reservation
CancelReservationRequest: token=1 string
GetReservationsResponse: reservations=1 Reservation*
GetReservationsRequest:
Empty:
"""
"""Message: field=number type. `*` is repeated, `?` optional, `map<T>` a map from string, `|name` in that oneof."""


def _describe(table: str) -> descriptor_pb2.FileDescriptorProto:
    file = descriptor_pb2.FileDescriptorProto(name="coordinator.proto", package=PACKAGE, syntax="proto3")
    messages: dict[str, descriptor_pb2.DescriptorProto] = {}
    for line in table.strip().splitlines():
        name, _, texts = line.partition(":")
        message = messages[name] if name in messages else file.message_type.add(name=name)
        messages[name] = message
        for text in filter(None, map(str.strip, texts.split(","))):
            field_name, _, rest = text.partition("=")
            number, _, kind = rest.partition(" ")
            _add_field(message, field_name, int(number), kind)
    return file


def _add_field(message: descriptor_pb2.DescriptorProto, name: str, number: int, kind: str) -> None:
    kind, _, oneof = kind.partition("|")
    field = message.field.add(name=name, number=number, label=_F.LABEL_OPTIONAL)
    if kind.startswith("map<"):
        entry = message.nested_type.add(name="".join(part.title() for part in name.split("_")) + "Entry")
        entry.options.map_entry = True
        _set_type(entry.field.add(name="key", number=1, label=_F.LABEL_OPTIONAL), "string")
        _set_type(entry.field.add(name="value", number=2, label=_F.LABEL_OPTIONAL), kind[4:-1])
        field.label, field.type = _F.LABEL_REPEATED, _F.TYPE_MESSAGE
        field.type_name = f".{PACKAGE}.{message.name}.{entry.name}"
        return
    if kind.endswith("*"):
        field.label = _F.LABEL_REPEATED
    if kind.endswith("?"):
        oneof, field.proto3_optional = f"_{name}", True
    _set_type(field, kind.rstrip("*?"))
    if oneof:
        there = [one.name for one in message.oneof_decl]
        if oneof not in there:
            message.oneof_decl.add(name=oneof)
            there.append(oneof)
        field.oneof_index = there.index(oneof)


def _set_type(field: descriptor_pb2.FieldDescriptorProto, kind: str) -> None:
    if kind in _SCALARS:
        field.type = _SCALARS[kind]
    else:
        field.type, field.type_name = _F.TYPE_MESSAGE, f".{PACKAGE}.{kind}"


def _classes() -> dict[str, Any]:
    file = _describe(TABLE)
    pool = descriptor_pool.DescriptorPool()  # of our own: labgrid in the same process would register the same names
    pool.Add(file)
    described = pool.FindFileByName(file.name)
    return {name: message_factory.GetMessageClass(one) for name, one in described.message_types_by_name.items()}


MESSAGES = _classes()
"""The classes by name. protobuf makes them while this runs: no type checker knows them."""
