"""Mappings from YAML become frozen dataclasses; an unknown, missing or mistyped key is one clear error."""

import dataclasses
import difflib
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, cast

import yaml

T = TypeVar("T")


class _EachKeyOnce(yaml.SafeLoader):
    """To YAML the last of equal keys wins, and a source or a class that is written twice would go unnoticed."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        written = set()
        for key, _ in node.value:
            if (key.tag, str(key.value)) in written:
                raise yaml.constructor.ConstructorError(None, None, f"'{key.value}' stands there twice", key.start_mark)
            written.add((key.tag, str(key.value)))
        return super().construct_mapping(node, deep)


def load(cls: type[T], path: Path) -> T:
    """Read the YAML file `path` as the dataclass `cls`.

    Raises `ValueError` naming the file and the key when the file is missing, is not a mapping, or does not fit.
    """
    if not path.is_file():
        raise ValueError(f"{path} does not exist")
    try:
        mapping = yaml.load(path.read_text(encoding="utf-8"), Loader=_EachKeyOnce)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not valid YAML: {error}") from error
    return parse(cls, mapping, where=str(path))


def parse(cls: type[T], mapping: object, *, where: str) -> T:
    """Turn `mapping` into the dataclass `cls`, nested dataclasses included; `where` names the place in errors."""
    if not isinstance(mapping, Mapping):
        raise ValueError(f"{where}: expected a mapping of {cls.__name__} settings, got {type(mapping).__name__}")
    hints = typing.get_type_hints(cls)
    fields = {field.name: field for field in dataclasses.fields(cast(Any, cls)) if field.init}
    for key in mapping:
        if key not in fields:
            near = difflib.get_close_matches(str(key), fields, n=1, cutoff=0.0)
            raise ValueError(f"{where}: unknown key '{key}'; did you mean '{near[0]}'? Known keys: {', '.join(fields)}")
    values = {}
    for name, field in fields.items():
        if name in mapping:
            values[name] = _value(hints[name], mapping[name], where=f"{where}: {name}")
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise ValueError(f"{where}: key '{name}' is missing")
    try:
        return cls(**values)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from error


def _value(hint: Any, value: object, *, where: str) -> Any:
    if hint is Any:  # settings of another part, parsed by it
        return value
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        if value is None and type(None) in arguments:
            return None
        rest = [argument for argument in arguments if argument is not type(None)]
        assert len(rest) == 1, f"settings use only optional unions, not {hint}"
        return _value(rest[0], value, where=where)
    if origin is typing.Literal:
        if value not in arguments:
            raise ValueError(f"{where} is {value!r}; choose one of {', '.join(map(str, arguments))}")
        return value
    if dataclasses.is_dataclass(hint):
        return parse(cast(type[Any], hint), value, where=where)
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise ValueError(f"{where} must be a list, got {value!r}")
        return tuple(_value(arguments[0], item, where=f"{where}[{index}]") for index, item in enumerate(value))
    if origin is dict:
        if not isinstance(value, Mapping):
            raise ValueError(f"{where} must be a mapping, got {value!r}")
        return {
            _value(arguments[0], key, where=f"{where} key"): _value(arguments[1], item, where=f"{where}.{key}")
            for key, item in value.items()
        }
    if hint is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, hint) or (hint is int and isinstance(value, bool)):
        quotes = f'; write it in quotes: "{value}"' if hint is str and isinstance(value, bool | int | float) else ""
        raise ValueError(f"{where} must be of type {hint.__name__}, got {value!r}{quotes}")
    return value
