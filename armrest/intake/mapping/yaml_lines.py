"""Parse YAML with line numbers, and with every scalar as the text that was written."""

from collections.abc import Sequence
from typing import Any

import yaml

from armrest.nesting import MAX_NESTING

Path = tuple[str | int, ...]


class YamlError(Exception):
    """The text is not YAML, or uses YAML features that mappings do not allow."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(line, message)
        self.line = line
        self.message = message


class LinedYaml:
    """A YAML document of mappings, lists and texts: `NO` is a country here, and `0010` is not a number.

    Attributes:
        data: The content.

    Raises:
        YamlError: It cannot be parsed, uses a tag or an alias, is nested too deeply, or has a duplicate key.
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
        """The line of the deepest existing part of this path."""
        nearest: Path = ()
        for part in path:
            nearest = (*nearest, part) if (*nearest, part) in self._lines else nearest
        return self._lines.get(nearest, 1)

    def _value(self, node: yaml.Node, path: Path) -> Any:
        if not node.tag.startswith("tag:yaml.org,2002:") or node.tag.startswith("tag:yaml.org,2002:python"):
            raise YamlError(_line(node.start_mark), "a mapping may not use tags (!); remove it")
        self._lines.setdefault(path, _line(node.start_mark))
        if isinstance(node, yaml.SequenceNode):
            return [self._value(item, (*path, index)) for index, item in enumerate(node.value)]
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        return None if node.tag == "tag:yaml.org,2002:null" and not node.value else _scalar(node)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        members: dict[str, Any] = {}
        for key, value in node.value:
            line = _line(key.start_mark)
            if not isinstance(key, yaml.ScalarNode):
                raise YamlError(line, "a key must be a text")
            name = _scalar(key)
            if name in members:
                raise YamlError(line, f'"{name}" occurs twice; remove one of them')
            self._lines[(*path, name)] = line
            members[name] = self._value(value, (*path, name))
        return members


def _check(text: str) -> None:
    """Check, before anything is built, that the text is not nested too deeply and has no alias.

    Raises:
        YamlError: It is nested too deeply, or has an alias.
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
        raise YamlError(_line(alias.start_mark), "a mapping may not use aliases (*); write the value out")


def _scalar(node: yaml.Node) -> str:
    text: str = node.value
    if not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
        raise YamlError(_line(node.start_mark), "half a character, as in \\ud83d, which cannot be sent; remove it")
    return text


def _line(mark: Any) -> int:
    return 1 if mark is None else mark.line + 1
