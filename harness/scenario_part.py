"""What every mapping of a scenario has in common, and those that say where intents and items are found."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from harness.attribution import checked

Expression = Annotated[str, Field(min_length=1), AfterValidator(checked)]


class Part(BaseModel):
    """No key that is not known, no value of a near type."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Sink(Part):
    """A table of the template where effects land; its rows are read as plain JSON."""

    role: Literal["ledger", "view"] = Field(
        "ledger", description="A row for each effect, or the latest state of each item."
    )
    intent: Expression = Field("intent", description="Where a row says which intent it is of.")
    item: Expression | None = Field(
        None, description="Where a row says of which item; `item` in a ledger, the key in a view unless given."
    )
    count: Expression | None = Field(None, description="Where a row says how many effects it stands for; else one.")


class Source(Part):
    """The table or the Kinesis stream that triggers the function."""

    intent: Expression = Field("intent", description="Where an item says which intent has made it what it is.")
    item: Expression | None = Field(None, description="Where an item says its name; `id` or else its key unless given.")


def named(value: Any) -> Any:
    """A function that is named and no more."""
    return {"name": value} if isinstance(value, str) else value
