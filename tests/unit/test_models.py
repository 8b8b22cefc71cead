"""Models and dataclasses: how the value of a field is read, what is refused, and the schema that says so."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import pytest

from harness.errors import path_text
from harness.models import EMPTY, After, Before, Instead, Keywords, Model, Refusals, derived, read
from harness.schemas import mistakes, schema_of

DIGIT = Annotated[int, Keywords(minimum=1, maximum=9)]
NAME = Annotated[str, Keywords(pattern="^[a-z]+$", minLength=2, maxLength=3)]


class Point(Model):
    """A place on a plane."""

    x: int
    y: Annotated[float, "How high."] = 0.0


class Line(Model):
    points: tuple[Point, Point]
    tags: dict[str, str] = EMPTY

    @classmethod
    def complete(cls, values: dict[str, Any], refused: set[str], context: Any) -> None:
        if "points" in values and values["points"][0] == values["points"][1]:
            raise ValueError("the two points of a line differ")


class Trigger(Model):
    """As in a template: numbers and truth values may be texts, and unknown keys are passed over."""

    EXACT = False
    LIMIT: ClassVar[int] = 3
    batch_size: int = 1
    enabled: bool = False

    @staticmethod
    def key(name: str) -> str:
        return name.title().replace("_", "")


@dataclass(frozen=True)
class Circle:
    center: Point
    radius: float = 1.0


@pytest.mark.parametrize(
    "kind, value, expected",
    [
        (int, 3, 3),
        (float, 3, 3.0),
        (bool, True, True),
        (Any, [None], [None]),
        (int | None, None, None),
        (int | str, "x", "x"),
        (Literal["a", 1], 1, 1),
        (list[int], [1, 2], [1, 2]),
        (tuple[int, ...], [], ()),
        (tuple[int, str], [1, "x"], (1, "x")),
        (tuple, [1], (1,)),
        (dict[str, int], {"a": 1}, {"a": 1}),
        (dict, {"a": [1]}, {"a": [1]}),
        (DIGIT, 9, 9),
        (NAME, "abc", "abc"),
        (Annotated[int, Before(int)], "7", 7),
        (Annotated[int, After(str)], 7, "7"),
        (Annotated[int, Instead(lambda value, context: (value, context), {})], "x", ("x", "context")),
        (Point, {"x": 1}, Point(x=1)),
        (Circle, {"center": {"x": 1}, "radius": 2}, Circle(Point(x=1), 2.0)),
        (Trigger, {"BatchSize": " 7 ", "Enabled": "True", "More": 1}, Trigger(batch_size=7, enabled=True)),
        (Trigger, {"BatchSize": 7.0}, Trigger(batch_size=7)),
    ],
)
def test_a_value_is_read_by_its_kind(kind: Any, value: Any, expected: Any) -> None:
    """A list becomes a tuple, and a whole number a float, where the kind is one."""
    found = read(kind, value, "context")
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(
    "kind, value, sentences",
    [
        (int, True, ["got true; expected a whole number"]),
        (int, 2.0, ["got 2.0; expected a whole number"]),
        (int, "2", ["got '2'; expected a whole number"]),
        (float, 10**400, [f"got {str(10**400)[:59]}…; expected a number"]),
        (bool, 1, ["got 1; expected true or false"]),
        (Literal[1, 2], True, ["got true; expected one of 1, 2"]),
        (Literal["left", "right"], "rigth", ["got 'rigth'. Did you mean 'right'? Known: left, right"]),
        (DIGIT, 10, ["got 10; expected a whole number from 1 to 9"]),
        (NAME, "ab\n", ["got 'ab\\n'; expected a text that is not empty"]),
        (NAME, "a", ["got 'a'; expected a text that is not empty"]),
        (int | list[int], [1, "x"], ['got [1, "x"]; expected a whole number or a list, each entry a whole number']),
        (
            tuple[int, ...],
            [1, "x", None],
            ["[1]: got 'x'; expected a whole number", "[2]: got nothing; expected a whole number"],
        ),
        (tuple[int, int], [1], ["got [1]; expected a list of 2, each entry a whole number"]),
        (dict[str, bool], {"a": 1}, ["a: got 1; expected true or false"]),
        (Annotated[int, Before(int)], "x", ["invalid literal for int() with base 10: 'x'"]),
        (Point, 3, ["got 3; expected a mapping with x"]),
        (Point, {"y": "x"}, ["y: got 'x'; expected a number", "'x' is missing"]),
        (Point, {"x": 1, "yy": 1}, ["yy: 'yy' is not a key of a whole. Did you mean 'y'? Known: x, y"]),
        (Point, {"xx": 1}, ["xx: 'xx' is not a key of a whole. Did you mean 'x'? Known: x, y"]),
        (Line, {"points": [{"x": 1}, {"x": 1}]}, ["the two points of a line differ"]),
        (
            Line,
            {"points": [{"x": "a"}, 3], "tags": {"b": 1}},
            [
                "points[0].x: got 'a'; expected a whole number",
                "points[1]: got 3; expected a mapping with x",
                "tags.b: got 1; expected a text",
            ],
        ),
        (
            Circle,
            {"center": {"x": 1}, "radios": 2},
            ["radios: 'radios' is not a key of a whole. Did you mean 'radius'? Known: center, radius"],
        ),
        (
            Trigger,
            {"BatchSize": "x", "Enabled": 1},
            ["BatchSize: got 'x'; expected a whole number", "Enabled: got 1; expected true or false"],
        ),
    ],
)  # fmt: skip
def test_all_that_is_wrong_is_said_at_once(kind: Any, value: Any, sentences: list[str]) -> None:
    """Each with its path, with what was got, and with what is valid."""
    with pytest.raises(Refusals) as caught:
        read(kind, value)
    wrong = mistakes(caught.value, schema_of(kind), value, "a whole")
    assert [": ".join(filter(None, (path_text(each.path), each.message))) for each in wrong] == sentences


def test_a_model_does_not_change() -> None:
    """A copy may have other values. What is not given has its default, and is known not to be given."""
    point = Point(x=1)
    with pytest.raises(AttributeError, match="does not change"):
        point.x = 2  # type: ignore[misc]
    assert (point.replaced(y=2.0), point) == (Point(x=1, y=2.0), Point(x=1, y=0.0))
    assert (point.gives("x"), point.gives("y"), repr(point)) == (True, False, "Point(x=1, y=0.0)")


def test_the_schema_of_a_model_has_those_inside_it() -> None:
    """With descriptions, defaults that JSON can hold, and what is required."""
    fields: Mapping[str, Any] = {"start": (Point, Point(x=1)), "where": (Path, Path()), "size": (DIGIT | None, None)}
    with pytest.raises(TypeError, match="Path is no type of a field"):
        schema_of(derived("Shape", Line, fields))
    fields = {**fields, "where": (Annotated[Path, Instead(lambda value, context: Path(value), str)], Path())}
    point = {"$ref": "#/$defs/Point"}
    assert schema_of(derived("Shape", Line, fields)) == {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "points": {"type": "array", "minItems": 2, "maxItems": 2, "prefixItems": [point, point]},
            "tags": {"type": "object", "additionalProperties": {"type": "string"}, "default": {}},
            "start": {**point, "default": {"x": 1, "y": 0.0}},
            "where": {"type": "string"},
            "size": {"anyOf": [{"type": "integer", "minimum": 1, "maximum": 9}, {"type": "null"}], "default": None},
        },
        "required": ["points"],
        "$defs": {
            "Point": {
                "description": "A place on a plane.",
                "type": "object",
                "additionalProperties": False,
                "properties": {
                    "x": {"type": "integer"},
                    "y": {"type": "number", "description": "How high.", "default": 0.0},
                },
                "required": ["x"],
            }
        },
    }
