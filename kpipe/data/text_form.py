"""TextForm: how files of texts are to be read, as the YAML says it."""

from __future__ import annotations

import re

from pydantic import Field, model_validator

from kpipe.spec.mistake import Problem
from kpipe.spec.spec import Spec, Tuple, refuse


class TextForm(Spec):
    """What a file does not say itself: its columns, what stands between them, what is to be taken out."""

    columns: Tuple[str] = Field((), description="names of the columns, where the file has no first row that names them")
    separator: str | None = Field(None, min_length=1, description="between columns; by default , and a tab in .tsv")
    quoted: bool | None = Field(
        None, description="cells may stand in quotation marks; by default where the separator is , or ;"
    )
    remove: dict[str, str] = Field(
        {}, description="for each column, a regular expression: what it matches is taken out of every cell"
    )

    @model_validator(mode="after")
    def _is_possible(self) -> TextForm:
        problems = [
            Problem(("columns",), f"`{name}` stands here twice")
            for name in dict.fromkeys(self.columns)
            if self.columns.count(name) > 1
        ]
        for column, pattern in self.remove.items():
            try:
                re.compile(pattern)
            except re.error as error:
                message, hint = (
                    f"`{pattern}` is no regular expression: {error}",
                    "put a \\ before a sign meant as it is",
                )
                problems.append(Problem(("remove", column), message, hint))
        if problems:
            raise refuse(*problems)
        return self

    def quotes(self, separator: str) -> bool:
        """Whether cells of a file with this separator may stand in quotation marks."""
        return separator in (",", ";") if self.quoted is None else self.quoted

    @property
    def form(self) -> TextForm:
        """These fields alone."""
        return TextForm.model_validate({name: getattr(self, name) for name in TextForm.model_fields})
