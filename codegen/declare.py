"""What a stage module declares to the plan: its signals, and the C structs of what it keeps.

From these follow the taps, the structs of the headers and the size of an instance. A module has
STAGE, a `Stage`, and what it needs of:

tables()     name -> (C type, values, format); C symbol percepnet_<name>
constants()  name -> value; C macro PERCEPNET_<name>
bounds()     (accumulator, worst case, limit)
plan()       what its template prints beyond these
"""

from dataclasses import dataclass, field

import numpy as np

FRAME = "frames[0]"  # waits for the network
WORK = "work"  # of one frame at a time
IO = "io"  # of the network
POINTER_BYTES = 8  # at most


@dataclass(frozen=True)
class Field:
    """A member of a C struct.

    type: a numpy integer, a Struct, or C text of a pointer. dims: numbers, names of constants, or
    sums of these as "HOP + 1". note: what a comment says.
    """

    name: str
    type: "str | Struct"
    dims: tuple[str | int, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Struct:
    """percepnet_<name>."""

    name: str
    fields: tuple[Field, ...]


@dataclass(frozen=True)
class Signal:
    """A recorded signal of a frame. place: the part of an instance where it lies.

    Of a Struct every field is recorded, as <name>_<field>; {name} in its formats is the signal's.
    """

    name: str
    type: str | Struct
    dims: tuple[str | int, ...]
    format: str | dict[str, str]
    place: str

    def taps(self, stage: str, constants: dict[str, int]) -> list[dict]:
        """{name, C field, dtype, count, bytes of one, stage, format} of what is recorded."""
        if isinstance(self.type, str):
            parts = [(self.name, f"{self.place}.{self.name}", self.type, self.dims, self.format)]
        else:
            parts = [
                (f"{self.name}_{field.name}", f"{self.place}.{self.name}.{field.name}", field.type,
                 field.dims, self.format[field.name].format(name=self.name))
                for field in self.type.fields
            ]  # fmt: skip
        return [
            {"name": name, "field": field, "dtype": dtype, "count": count(dims, constants),
             "bytes": np.dtype(dtype).itemsize, "stage": stage, "format": text}
            for name, field, dtype, dims, text in parts
        ]  # fmt: skip

    def as_field(self) -> Field:
        """The member of its place."""
        note = self.format if isinstance(self.format, str) else ""
        return Field(self.name, self.type, self.dims, note)


@dataclass(frozen=True)
class Stage:
    """What a stage makes, keeps from call to call, and needs for one call only.

    signals: in any order; past and scratch: fields of an instance. settings: which of
    `reference.suppressor.RANGES` are its own, and what the header says of each.
    """

    signals: tuple[Signal, ...] = ()
    past: tuple[Field, ...] = ()
    scratch: tuple[Field, ...] = ()
    settings: dict[str, str] = field(default_factory=dict)


def count(dims: tuple[str | int, ...], constants: dict[str, int]) -> int:
    """Values of a field."""
    total = 1
    for dim in dims:
        total *= sum(int(t) if t.isdigit() else constants[t] for t in str(dim).split(" + "))
    return total


def size(of: str | Struct, constants: dict[str, int]) -> tuple[int, int]:
    """(bytes, alignment) of a type, the largest that any target gives it."""
    if isinstance(of, str):
        known = POINTER_BYTES if of.endswith("*") else np.dtype(of).itemsize
        return known, known
    at, most = 0, 1
    for member in of.fields:
        each, align = size(member.type, constants)
        at = -(-at // align) * align + each * count(member.dims, constants)
        most = max(most, align)
    return -(-at // most) * most, most


def text(struct: Struct) -> list[dict[str, str]]:
    """{declaration, note} of every field, as templates print them."""
    return [{"declaration": _declaration(field), "note": field.note} for field in struct.fields]


def nested(struct: Struct) -> dict[str, Struct]:
    """The struct and all inside it by name."""
    found = {struct.name: struct}
    for member in struct.fields:
        if isinstance(member.type, Struct):
            found |= nested(member.type)
    return found


def _declaration(field: Field) -> str:
    if isinstance(field.type, Struct):
        head = f"percepnet_{field.type.name} "
    else:
        head = field.type if field.type.endswith("*") else f"{field.type}_t "
    terms = [[t if t.isdigit() else f"PERCEPNET_{t}" for t in str(dim).split(" + ")]
             for dim in field.dims]  # fmt: skip
    return head + field.name + "".join(f"[{' + '.join(part)}]" for part in terms)
