"""Conditions: a tree whose operands are checked becomes a function of an item and the values of a call."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from harness.dynamodb.grammar import Call, Literal, Name
from harness.dynamodb.paths import Path, read, spelled
from harness.dynamodb.values import (
    MAX_LEVELS,
    SCALARS,
    SETS,
    TYPES,
    Item,
    Value,
    compare,
    invalid,
    type_of,
    wrong_operand,
)

Values = Mapping[str, Value]
Reading = Callable[[Item, Values], Value | None]
Predicate = Callable[[Item, Values], bool]
MAX_IN = 100
_COUNTS = {
    "a condition": {
        **dict.fromkeys(("attribute_exists", "attribute_not_exists", "size"), 1),
        **dict.fromkeys(("attribute_type", "begins_with", "contains"), 2),
    },
    "an update": {"if_not_exists": 2, "list_append": 2},
}
_SIZED = ("S", "B", *SETS, "L", "M")


@dataclass(frozen=True, slots=True)
class Operand:
    """How an operand is read, and what is clear about it beforehand: its type, its path, its placeholder."""

    read: Reading
    type: str | None = None
    path: Path | None = None
    placeholder: str | None = None


class Compiler:
    """Puts names into paths, and notes which names and values an expression uses."""

    def __init__(self, names: Mapping[str, str], types: Mapping[str, str], where: str = "a condition") -> None:
        self._names = names
        self._types = types
        self._where = where
        self.function: Callable[[Call], Operand] = self._size  # makes an operand of a function
        self.used: set[str] = set()
        self.paths: list[Path] = []
        self.checks: list[Callable[[Values], None]] = []  # of what only the values themselves can tell

    def path(self, name: Name) -> Path:
        path = tuple([self._step(step) for step in name.steps])
        if len(path) > MAX_LEVELS:
            raise invalid(f"The document path has too many nesting levels; nesting levels: {len(path)}")
        self.paths.append(path)
        return path

    def _step(self, step: str | int) -> str | int:
        if type(step) is int:
            return step
        word = str(step)
        if word[0] != "#":
            if word.upper() in RESERVED:
                raise invalid(f"Attribute name is a reserved keyword; reserved keyword: {word}")
            return word
        if word not in self._names:
            problem = "An expression attribute name used in the document path is not defined; attribute name"
            raise invalid(f"{problem}: {word}")
        self.used.add(word)
        return self._names[word]

    def operand(self, node: Any) -> Operand:
        if isinstance(node, Name):
            path = self.path(node)
            if len(path) == 1:
                name = str(path[0])
                return Operand(lambda item, values: item.get(name), path=path)
            return Operand(lambda item, values: read(item, path), path=path)
        if isinstance(node, Literal):
            placeholder = node.placeholder
            if placeholder not in self._types:
                problem = "An expression attribute value used in expression is not defined; attribute value"
                raise invalid(f"{problem}: {placeholder}")
            self.used.add(placeholder)
            return Operand(lambda item, values: values[placeholder], self._types[placeholder], None, placeholder)
        return self.function(node)

    def _size(self, call: Call) -> Operand:
        (sized, *_) = operands = self.arguments(call)
        if call.operator != "size":
            raise misplaced(call)
        check_types("size", operands, _SIZED)
        return Operand(lambda item, values: _size(sized.read(item, values)), "N")

    def arguments(self, call: Call) -> list[Operand]:
        """The operands of a function that stands where it may."""
        name, count = call.operator, _COUNTS[self._where].get(call.operator)
        if count is None:
            if any(name in functions for functions in _COUNTS.values()):
                raise invalid(f"The function is not allowed in {self._where} expression; function: {name}")
            raise invalid(f"Invalid function name; function: {name}")
        operands = [self.operand(node) for node in call.operands]
        if len(operands) != count:
            raise wrong_operand("Incorrect number of operands", name, f", number of operands: {len(operands)}")
        return operands

    def condition(self, call: Call) -> Predicate:
        if call.operator not in ("AND", "OR", "NOT"):
            return self._test(call)
        parts = [self.condition(part) for part in call.operands]
        if call.operator == "NOT":
            (negated,) = parts
            return lambda item, values: not negated(item, values)
        combined = all if call.operator == "AND" else any
        return lambda item, values: combined([part(item, values) for part in parts])

    def _test(self, call: Call) -> Predicate:
        """A comparison, or a function that is a condition by itself."""
        name = call.operator
        operands = self.arguments(call) if call.is_function else [self.operand(node) for node in call.operands]
        if name == "size":
            raise misplaced(call)
        holds, types = _TESTS[name]
        if name in ("attribute_exists", "attribute_not_exists"):
            check_path(name, operands[0])
        elif name == "attribute_type":
            self._check_type_name(operands[1])
        else:
            check_distinct(name, operands)
            if name == "IN" and len(operands) > MAX_IN + 1:
                problem = "The IN operator is provided with too many operands; number of operands"
                raise invalid(f"{problem}: {len(operands) - 1}")
            check_types(name, operands, types)
            if name == "BETWEEN":
                self._check_bounds(*operands[1:])
        return lambda item, values: holds(*[operand.read(item, values) for operand in operands])

    def _check_bounds(self, low: Operand, high: Operand) -> None:
        if low.placeholder is None or high.placeholder is None:
            return
        lower, upper = low.placeholder, high.placeholder

        def check(values: Values) -> None:
            order = compare(values[lower], values[upper])
            if order in (-1, 0):
                return
            problem = "same data type for lower and upper bounds"
            if order == 1:
                problem = "upper bound to be greater than or equal to lower bound"
            bounds = [f"AttributeValue: {{{type_of(v)}:{v[type_of(v)]}}}" for v in (values[lower], values[upper])]
            raise invalid(
                f"The BETWEEN operator requires {problem}; lower bound operand: {bounds[0]}, "
                f"upper bound operand: {bounds[1]}"
            )

        self.checks.append(check)

    def _check_type_name(self, operand: Operand) -> None:
        placeholder = operand.placeholder
        if placeholder is None or operand.type != "S":
            kinds = operand.type or f"{{{','.join(TYPES)}}}"
            raise wrong_operand("Incorrect operand type", "attribute_type", f", operand type: {kinds}")

        def check(values: Values) -> None:
            if values[placeholder]["S"] not in TYPES:
                problem = f"Invalid attribute type name found; type: {values[placeholder]['S']}"
                raise invalid(f"{problem}, valid types: {{{','.join(TYPES)}}}")

        self.checks.append(check)


def misplaced(call: Call) -> Exception:
    return invalid(f"The function is not allowed to be used this way in an expression; function: {call.operator}")


def check_types(operator: str, operands: Sequence[Operand], types: Sequence[str]) -> None:
    """Raises Rejected for an operand whose type is known, and is another one."""
    for operand in operands:
        if operand.type is not None and operand.type not in types:
            raise wrong_operand("Incorrect operand type", operator, f", operand type: {operand.type}")


def check_path(function: str, operand: Operand) -> None:
    if operand.path is None:
        raise invalid(f"Operator or function requires a document path; operator or function: {function}")


def check_distinct(operator: str, operands: list[Operand]) -> None:
    first, *rest = operands
    if first.path is not None and any(first.path == other.path for other in rest):
        raise invalid(
            "The first operand must be distinct from the remaining operands for this operator or function; "
            f"operator: {operator}, first operand: {spelled(first.path)}"
        )


def _equal(left: Value | None, right: Value | None) -> bool:
    return left is not None and left == right


def _is_in(value: Value | None, *options: Value | None) -> bool:
    return any([_equal(value, option) for option in options])


def _compares(orders: tuple[int, ...], left: Value | None, right: Value | None) -> bool:
    return left is not None and right is not None and compare(left, right) in orders


def _is_between(value: Value | None, low: Value | None, high: Value | None) -> bool:
    return _compares((0, 1), value, low) and _compares((-1, 0), value, high)


def _has_type(value: Value | None, kind: Value | None) -> bool:
    return value is not None and kind is not None and kind["S"] in value


def _size(value: Value | None) -> Value | None:
    """What size() gives: characters, bytes, or elements; None for a value that has no size."""
    kind = "NULL" if value is None else type_of(value)
    if value is None or kind not in _SIZED:
        return None
    return {"N": str(len(b64decode(value[kind]) if kind == "B" else value[kind]))}


def begins_with(whole: Value | None, start: Value | None) -> bool:
    if whole is None or start is None or list(whole) != list(start):
        return False
    if "S" in whole:
        return bool(whole["S"].startswith(start["S"]))
    return "B" in whole and b64decode(whole["B"]).startswith(b64decode(start["B"]))


def contains(whole: Value | None, part: Value | None) -> bool:
    """A text in a text, bytes in bytes, an element in a set or a list."""
    if whole is None or part is None:
        return False
    kind, part_kind = type_of(whole), type_of(part)
    if kind == "L":
        return part in whole["L"]
    if kind in SETS:
        return kind[0] == part_kind and part[part_kind] in whole[kind]
    if kind != part_kind or kind not in ("S", "B"):
        return False
    if kind == "S":
        return part["S"] in whole["S"]
    return b64decode(part["B"]) in b64decode(whole["B"])


_TESTS: dict[str, tuple[Callable[..., bool], tuple[str, ...]]] = {  # what holds of which types of values
    "=": (_equal, TYPES),
    "<>": (lambda left, right: not _equal(left, right), TYPES),
    "<": (partial(_compares, (-1,)), SCALARS),
    "<=": (partial(_compares, (-1, 0)), SCALARS),
    ">": (partial(_compares, (1,)), SCALARS),
    ">=": (partial(_compares, (0, 1)), SCALARS),
    "BETWEEN": (_is_between, SCALARS),
    "IN": (_is_in, TYPES),
    "attribute_exists": (lambda value: value is not None, TYPES),
    "attribute_not_exists": (lambda value: value is None, TYPES),
    "attribute_type": (_has_type, TYPES),
    "begins_with": (begins_with, ("S", "B")),
    "contains": (contains, TYPES),
}


_WORDS = """
ABORT ABSOLUTE ACTION ADD AFTER AGENT AGGREGATE ALL ALLOCATE ALTER ANALYZE AND ANY ARCHIVE ARE ARRAY AS ASC ASCII
ASENSITIVE ASSERTION ASYMMETRIC AT ATOMIC ATTACH ATTRIBUTE AUTH AUTHORIZATION AUTHORIZE AUTO AVG BACK BACKUP BASE
BATCH BEFORE BEGIN BETWEEN BIGINT BINARY BIT BLOB BLOCK BOOLEAN BOTH BREADTH BUCKET BULK BY BYTE CALL CALLED CALLING
CAPACITY CASCADE CASCADED CASE CAST CATALOG CHAR CHARACTER CHECK CLASS CLOB CLOSE CLUSTER CLUSTERED CLUSTERING
CLUSTERS COALESCE COLLATE COLLATION COLLECTION COLUMN COLUMNS COMBINE COMMENT COMMIT COMPACT COMPILE COMPRESS
CONDITION CONFLICT CONNECT CONNECTION CONSISTENCY CONSISTENT CONSTRAINT CONSTRAINTS CONSTRUCTOR CONSUMED CONTINUE
CONVERT COPY CORRESPONDING COUNT COUNTER CREATE CROSS CUBE CURRENT CURSOR CYCLE DATA DATABASE DATE DATETIME DAY
DEALLOCATE DEC DECIMAL DECLARE DEFAULT DEFERRABLE DEFERRED DEFINE DEFINED DEFINITION DELETE DELIMITED DEPTH DEREF DESC
DESCRIBE DESCRIPTOR DETACH DETERMINISTIC DIAGNOSTICS DIRECTORIES DISABLE DISCONNECT DISTINCT DISTRIBUTE DO DOMAIN
DOUBLE DROP DUMP DURATION DYNAMIC EACH ELEMENT ELSE ELSEIF EMPTY ENABLE END EQUAL EQUALS ERROR ESCAPE ESCAPED EVAL
EVALUATE EXCEEDED EXCEPT EXCEPTION EXCEPTIONS EXCLUSIVE EXEC EXECUTE EXISTS EXIT EXPLAIN EXPLODE EXPORT EXPRESSION
EXTENDED EXTERNAL EXTRACT FAIL FALSE FAMILY FETCH FIELDS FILE FILTER FILTERING FINAL FINISH FIRST FIXED FLATTERN FLOAT
FOR FORCE FOREIGN FORMAT FORWARD FOUND FREE FROM FULL FUNCTION FUNCTIONS GENERAL GENERATE GET GLOB GLOBAL GO GOTO
GRANT GREATER GROUP GROUPING HANDLER HASH HAVE HAVING HEAP HIDDEN HOLD HOUR IDENTIFIED IDENTITY IF IGNORE IMMEDIATE
IMPORT IN INCLUDING INCLUSIVE INCREMENT INCREMENTAL INDEX INDEXED INDEXES INDICATOR INFINITE INITIALLY INLINE INNER
INNTER INOUT INPUT INSENSITIVE INSERT INSTEAD INT INTEGER INTERSECT INTERVAL INTO INVALIDATE IS ISOLATION ITEM ITEMS
ITERATE JOIN KEY KEYS LAG LANGUAGE LARGE LAST LATERAL LEAD LEADING LEAVE LEFT LENGTH LESS LEVEL LIKE LIMIT LIMITED
LINES LIST LOAD LOCAL LOCALTIME LOCALTIMESTAMP LOCATION LOCATOR LOCK LOCKS LOG LOGED LONG LOOP LOWER MAP MATCH
MATERIALIZED MAX MAXLEN MEMBER MERGE METHOD METRICS MIN MINUS MINUTE MISSING MOD MODE MODIFIES MODIFY MODULE MONTH
MULTI MULTISET NAME NAMES NATIONAL NATURAL NCHAR NCLOB NEW NEXT NO NONE NOT NULL NULLIF NUMBER NUMERIC OBJECT OF
OFFLINE OFFSET OLD ON ONLINE ONLY OPAQUE OPEN OPERATOR OPTION OR ORDER ORDINALITY OTHER OTHERS OUT OUTER OUTPUT OVER
OVERLAPS OVERRIDE OWNER PAD PARALLEL PARAMETER PARAMETERS PARTIAL PARTITION PARTITIONED PARTITIONS PATH PERCENT
PERCENTILE PERMISSION PERMISSIONS PIPE PIPELINED PLAN POOL POSITION PRECISION PREPARE PRESERVE PRIMARY PRIOR PRIVATE
PRIVILEGES PROCEDURE PROCESSED PROJECT PROJECTION PROPERTY PROVISIONING PUBLIC PUT QUERY QUIT QUORUM RAISE RANDOM
RANGE RANK RAW READ READS REAL REBUILD RECORD RECURSIVE REDUCE REF REFERENCE REFERENCES REFERENCING REGEXP REGION
REINDEX RELATIVE RELEASE REMAINDER RENAME REPEAT REPLACE REQUEST RESET RESIGNAL RESOURCE RESPONSE RESTORE RESTRICT
RESULT RETURN RETURNING RETURNS REVERSE REVOKE RIGHT ROLE ROLES ROLLBACK ROLLUP ROUTINE ROW ROWS RULE RULES SAMPLE
SATISFIES SAVE SAVEPOINT SCAN SCHEMA SCOPE SCROLL SEARCH SECOND SECTION SEGMENT SEGMENTS SELECT SELF SEMI SENSITIVE
SEPARATE SEQUENCE SERIALIZABLE SESSION SET SETS SHARD SHARE SHARED SHORT SHOW SIGNAL SIMILAR SIZE SKEWED SMALLINT
SNAPSHOT SOME SOURCE SPACE SPACES SPARSE SPECIFIC SPECIFICTYPE SPLIT SQL SQLCODE SQLERROR SQLEXCEPTION SQLSTATE
SQLWARNING START STATE STATIC STATUS STORAGE STORE STORED STREAM STRING STRUCT STYLE SUB SUBMULTISET SUBPARTITION
SUBSTRING SUBTYPE SUM SUPER SYMMETRIC SYNONYM SYSTEM TABLE TABLESAMPLE TEMP TEMPORARY TERMINATED TEXT THAN THEN
THROUGHPUT TIME TIMESTAMP TIMEZONE TINYINT TO TOKEN TOTAL TOUCH TRAILING TRANSACTION TRANSFORM TRANSLATE TRANSLATION
TREAT TRIGGER TRIM TRUE TRUNCATE TTL TUPLE TYPE UNDER UNDO UNION UNIQUE UNIT UNKNOWN UNLOGGED UNNEST UNPROCESSED
UNSIGNED UNTIL UPDATE UPPER URL USAGE USE USER USERS USING UUID VACUUM VALUE VALUED VALUES VARCHAR VARIABLE VARIANCE
VARINT VARYING VIEW VIEWS VIRTUAL VOID WAIT WHEN WHENEVER WHERE WHILE WINDOW WITH WITHIN WITHOUT WORK WRAPPED WRITE
YEAR ZONE
"""
RESERVED = frozenset(_WORDS.split())
