"""Texts that people type: what is understood, how it is stored, and the words that refuse anything else."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema


@dataclass(frozen=True, slots=True)
class TypedText:
    """Metadata of a text field: `Annotated[str, TypedText(…)]`.

    In a JSON schema the pattern is the condition of a constant, so that a validator answers with the example: "'a
    length of time, such as 30m' was expected". A plain `pattern` would show people a regular expression
    (docs/decisions/0131).

    Attributes:
        pattern: What is understood, as `re.search` reads it.
        expected: What people should write, with an example: "a share, such as 20%".
        as_stored: Returns the one spelling of a text that the pattern matches.
    """

    pattern: str
    expected: str
    as_stored: Callable[[str], str] = str.strip

    def read(self, text: str) -> str:
        """Return a text as it is stored.

        Raises:
            ValueError: It is not understood. The message does not repeat it.
        """
        if not re.search(self.pattern, text):
            raise ValueError(f"write {self.expected}")
        return self.as_stored(text)

    def json_schema(self) -> dict[str, Any]:
        """Return the members that a JSON schema has for it, besides its type."""
        return {"if": {"pattern": self.pattern}, "else": {"const": self.expected}}

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Check the text after its type."""
        return core_schema.no_info_after_validator_function(self.read, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Say in the schema what is checked."""
        return {**handler(schema), **self.json_schema()}
