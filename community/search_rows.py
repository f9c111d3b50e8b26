"""Conditions on rows that are searched: a column `words` of lexemes, and queries in the form of `search_text`."""

from __future__ import annotations

from django.db.models import BooleanField, F, Func, Value


class Matches(Func):
    """`words @@ query`, the query in the text form of `community.search_text.ts_query`.

    The query stands in the condition as a constant, so that the planner knows how many rows it will find.
    """

    template = "(%(expressions)s::tsquery)"
    arg_joiner = " @@ "
    output_field = BooleanField()

    def __init__(self, query: str) -> None:
        super().__init__(F("words"), Value(query))
