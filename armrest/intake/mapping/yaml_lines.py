"""YAML with the line of everything in it, where every scalar is the text that it is written as."""

from collections.abc import Sequence
from typing import Any

import yaml

from armrest.nesting import MAX_NESTING

Path = tuple[str | int, ...]


class YamlError(Exception):
    """It is not YAML, or more of YAML than a mapping needs."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(line, message)
        self.line = line
        self.message = message


class LinedYaml:
    """A YAML document of mappings, lists and texts: `NO` is a country here, and `0010` no number.

    Attributes:
        data: What it holds.

    Raises:
        NotReadable: It cannot be read, uses a tag or an alias, nests too deep, or names a key twice.
    """

    def __init__(self, text: str) -> None:
        self._lines: dict[Path, int] = {}
        try:
            _check(text)
            node = yaml.compose(text, yaml.SafeLoader)
        except yaml.MarkedYAMLError as error:
            raise YamlError(_line(error.problem_mark), f"not YAML: {error.problem}") from None
        except yaml.YAMLError:
            raise YamlError(1, "not YAML: it holds characters that YAML does not allow") from None
        self.data: Any = self._value(node, ()) if node else None

    def line_of(self, path: Sequence[str | int]) -> int:
        """The line of the deepest part of this path that there is."""
        here: Path = ()
        for part in path:
            here = (*here, part) if (*here, part) in self._lines else here
        return self._lines.get(here, 1)

    def _value(self, node: yaml.Node, path: Path) -> Any:
        if not node.tag.startswith("tag:yaml.org,2002:") or node.tag.startswith("tag:yaml.org,2002:python"):
            raise YamlError(_line(node.start_mark), "tags (!) are not for mappings; take it out")
        self._lines.setdefault(path, _line(node.start_mark))
        if isinstance(node, yaml.SequenceNode):
            return [self._value(item, (*path, at)) for at, item in enumerate(node.value)]
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        return None if node.tag == "tag:yaml.org,2002:null" and not node.value else _scalar(node)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in node.value:
            line = _line(key.start_mark)
            if not isinstance(key, yaml.ScalarNode):
                raise YamlError(line, "a key must be a text")
            name = _scalar(key)
            if name in found:
                raise YamlError(line, f'"{name}" stands twice; take one of them out')
            self._lines[(*path, name)] = line
            found[name] = self._value(value, (*path, name))
        return found


def _check(text: str) -> None:
    """Make sure, before anything is built of it, that it nests no deeper than a mapping needs, and has no alias.

    Raises:
        NotReadable: It does, or has one.
        yaml.YAMLError: It is not YAML.
    """
    depth = 0
    alias: yaml.AliasEvent | None = None
    for event in yaml.parse(text, yaml.SafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_NESTING:
            raise YamlError(_line(event.start_mark), f"nested deeper than {MAX_NESTING} levels")
        if alias is None and isinstance(event, yaml.AliasEvent):
            alias = event
    if alias is not None:
        raise YamlError(_line(alias.start_mark), "aliases (*) are not for mappings; write it out")


def _scalar(node: yaml.Node) -> str:
    text: str = node.value
    if not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
        raise YamlError(_line(node.start_mark), "half a character, as in \\ud83d, which cannot be sent; take it out")
    return text


def _line(mark: Any) -> int:
    return 1 if mark is None else mark.line + 1
