"""What distributed PostgreSQL (Citus 13) refuses in a statement, or does on the coordinator, read from the statement.

A relation is spread (rows lie on the node of their property) or shared (every node has it, or the coordinator brings
it to the nodes). What stands by itself and cannot be worked out where the rows lie is planned apart, and its result
brought to every node; what refers to rows of the query around it must be worked out where they lie.
https://docs.citusdata.com/en/stable/develop/reference_workarounds.html and, for what it leaves open, its source:
https://github.com/citusdata/citus/blob/main/src/backend/distributed/planner/query_pushdown_planning.c
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import sqlglot
from sqlglot import exp

KEY = "property_key"
"""The distribution column."""
REFUSED = {
    "merge": "MERGE",
    "grouping sets": "GROUPING SETS, ROLLUP or CUBE",
    "recursive CTE": "WITH RECURSIVE",
    "row lock": "SELECT FOR UPDATE or SHARE",
    "sample": "TABLESAMPLE",
    "join": "a join of spread relations without the property",
    "correlation": "a subquery of spread rows that refers to the query around it otherwise than by the property",
    "step": "a subquery of spread rows in an expression that refers to a CTE or subquery of the query around it",
    "lateral": "an outer join with a lateral subquery that has spread rows elsewhere than in its own FROM",
    "gathered": "an outer join with a lateral subquery of spread rows, by the property of a CTE that is named twice",
    "ledger": "a join of a ledger, which stays on the coordinator, with a spread relation",
    "nothing": "a subquery of spread rows that stands by itself and has no column",
    "existence": "rows of a shared relation kept by what there is of spread ones",
    "cut": "LIMIT, OFFSET, INTERSECT, EXCEPT or a CTE in a subquery that refers to the query around it",
    "sum": "an aggregate, DISTINCT or window without the property in a subquery that refers to the query around it",
    "table function": "a function of a row, as a table, that is not immutable",
    "conflict": "ON CONFLICT without the property",
}
"""Rules by name: what fails, unless Citus finds a way that its documentation does not promise."""
ON_EVERY_NODE = ("property", "grant", "modelled_update")
"""Of the ledgers' schema, what is shared (load/schema.py)."""
GATHERED = {
    "window": "a window over spread rows that is not by property",
    "outer join": "an outer join that keeps rows of a shared relation beside a spread one",
}
"""Rules by name: what runs, but on the coordinator, to which the spread rows are sent."""


@dataclass(frozen=True)
class Breach:
    """A rule that a statement breaks, and where."""

    rule: str
    where: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.where}"


@dataclass(frozen=True)
class Relations:
    """What is known of relations by name: those that are spread, the SQL of views; all others are shared."""

    spread: frozenset[str]
    views: Mapping[str, str] = field(default_factory=dict)
    immutable: frozenset[str] = frozenset({"generate_series", "unnest"})
    """Functions of which every form is immutable, or that are judged by their arguments."""

    def is_spread(self, name: str) -> bool:
        """Whether a table is, or a view reads one that is."""
        if name in self.views:
            return any(self.is_spread(table.name) for table in _parse(self.views[name]).find_all(exp.Table))
        return name in self.spread


def breaches(statement: str, relations: Relations) -> list[Breach]:
    """The rules that a statement breaks."""
    tree = _parse(statement)
    found = [*_words(tree)]
    query = _as_query(tree)
    if query is not None:
        _Reading(relations, found).read(query, {}, {})
    return list(dict.fromkeys(found))


def _parse(statement: str) -> exp.Expression:
    return sqlglot.parse_one(statement, dialect="postgres")


def _as_query(tree: exp.Expression) -> exp.Expression | None:
    """The query of a statement; DELETE ... USING is the join that it makes."""
    if isinstance(tree, exp.Delete):
        query = exp.select("*").from_(tree.this.copy())
        for used in tree.args.get("using") or []:
            query = query.join(used.copy(), join_type="cross")
        where = tree.args.get("where")
        return query.where(where.this.copy()) if where else query
    if isinstance(tree, exp.Create | exp.Insert):
        return tree.expression if isinstance(tree.expression, exp.Query) else None
    return tree if isinstance(tree, exp.Query) else None


def _words(tree: exp.Expression) -> Iterator[Breach]:
    """What is refused wherever it stands."""
    for node in tree.walk():
        if isinstance(node, exp.Merge):
            yield _breach("merge", node)
        if isinstance(node, exp.Cube | exp.Rollup | exp.GroupingSets):
            yield _breach("grouping sets", node)
        if isinstance(node, exp.With) and node.recursive:
            yield _breach("recursive CTE", node)
        if isinstance(node, exp.Lock):
            yield _breach("row lock", node)
        if isinstance(node, exp.TableSample):
            yield _breach("sample", node)
        if isinstance(node, exp.OnConflict) and KEY not in _names(node.args.get("conflict_keys") or []):
            yield _breach("conflict", node)


def _breach(rule: str, node: exp.Expression) -> Breach:
    text = " ".join(node.sql(dialect="postgres", comments=False).split())
    return Breach(rule, text if len(text) <= 160 else f"{text[:157]}...")


def _names(nodes: Iterable[exp.Expression]) -> set[str]:
    return {column.name for node in nodes for column in node.find_all(exp.Column, exp.Identifier)}


@dataclass
class _Reading:
    """One pass over a query and all below it."""

    relations: Relations
    found: list[Breach]

    def read(self, query: exp.Expression, ctes: dict[str, bool], outer: dict[str, bool]) -> bool:
        """Judge a query; whether it is spread. `ctes` and `outer` (of the queries around it): whether each is."""
        ctes = dict(ctes)
        for cte in _ctes(query):
            ctes[cte.alias] = self.read(cte.this, ctes, {})
        if isinstance(query, exp.Subquery):
            return self.read(query.this, ctes, outer)
        if isinstance(query, exp.SetOperation):
            return bool(self.read(query.this, ctes, outer) | self.read(query.expression, ctes, outer))
        if not isinstance(query, exp.Select):
            return False
        return self._select(query, ctes, outer)

    def _select(self, select: exp.Select, ctes: dict[str, bool], outer: dict[str, bool]) -> bool:
        inner: dict[str, bool] = {}
        for source, join in _sources(select):
            is_spread = self._source(source, ctes, outer | inner)
            if join is not None:
                self._outer_join(join, is_spread, inner)
            inner[source.alias_or_name] = is_spread
            if join is not None and join.side == "LEFT" and isinstance(source, exp.Lateral):
                self._gathered(source, select) if is_spread else self._lateral(source, ctes)
        classes = _equal_keys(select, inner.keys() | outer.keys())
        spread = [alias for alias, is_spread in inner.items() if is_spread]
        if any(not classes.same(spread[0], alias) for alias in spread[1:]):
            self.found.append(_breach("join", select.args.get("from_") or select))
        if spread and (ledger := next((s for s, _ in _sources(select) if self._is_ledger(s)), None)):
            self.found.append(_breach("ledger", ledger))
        steps = {source.alias_or_name for source, _ in _sources(select) if self._is_step(source, ctes)}
        for nested in _nested(select):
            self._nested(nested, ctes, outer | inner, steps)
        is_spread = bool(spread)
        if is_spread:
            self._windows(select)
        return is_spread

    def _is_ledger(self, source: exp.Expression) -> bool:
        if not isinstance(source, exp.Table) or source.db != "ops":
            return False
        return source.name not in ON_EVERY_NODE and not self.relations.is_spread(source.name)

    def _source(self, source: exp.Expression, ctes: dict[str, bool], around: dict[str, bool]) -> bool:
        if isinstance(source, exp.Table) and isinstance(source.this, exp.Identifier):
            return ctes[source.name] if source.name in ctes and not source.db else self.relations.is_spread(source.name)
        below = source.this if isinstance(source, exp.Lateral) else source
        if isinstance(below, exp.Subquery):
            is_spread = self.read(below, ctes, around)
            if is_spread and isinstance(source, exp.Lateral) and (names := _refers(below, around)):
                self._correlated(below, {name: around[name] for name in names})
            return is_spread
        function = below.this if isinstance(below, exp.Table) else below
        if isinstance(function, exp.Func) and _refers(function, around) and not self._is_immutable(function):
            self.found.append(_breach("table function", function))
        return False

    def _is_immutable(self, function: exp.Func) -> bool:
        if isinstance(function, exp.GenerateSeries):
            # Of integers, or of timestamps without a zone; dates become timestamps with one.
            bounds = [function.args["start"], function.args["end"]]
            return function.args.get("step") is None or all(
                isinstance(bound, exp.Cast) and bound.to.is_type("timestamp") for bound in bounds
            )
        name = function.name if isinstance(function, exp.Anonymous) else function.sql_name()
        return name.lower() in self.relations.immutable

    def _outer_join(self, join: exp.Join, is_spread: bool, before: dict[str, bool]) -> None:
        kept_before = join.side in ("LEFT", "FULL") and is_spread and not any(before.values())
        kept_joined = join.side in ("RIGHT", "FULL") and not is_spread and any(before.values())
        if kept_before or kept_joined:
            self.found.append(_breach("outer join", join))

    def _is_step(self, source: exp.Expression, ctes: dict[str, bool]) -> bool:
        """Whether a relation of FROM is a CTE or a subquery, and no table."""
        return not isinstance(source, exp.Table) or (source.name in ctes and not source.db)

    def _lateral(self, lateral: exp.Lateral, ctes: dict[str, bool]) -> None:
        """A lateral subquery that is outer joined, and that is not itself spread."""
        if any(ctes.get(table.name, self.relations.is_spread(table.name)) for table in lateral.find_all(exp.Table)):
            self.found.append(_breach("lateral", lateral))

    def _gathered(self, lateral: exp.Lateral, select: exp.Select) -> None:
        """A lateral subquery of spread rows that is outer joined."""
        around = {source.alias_or_name for source, _ in _sources(select)}
        if any(_is_of_gathered(select, name) for name in _refers(lateral, around)):
            self.found.append(_breach("gathered", lateral))

    def _nested(self, nested: exp.Expression, ctes: dict[str, bool], around: dict[str, bool], steps: set[str]) -> None:
        """A subquery of an expression. `steps`: the CTEs and subqueries of the FROM beside it."""
        is_spread = self.read(nested, ctes, around)
        names = _refers(nested, around)
        if is_spread and not names and not all(select.expressions for select in _selects(nested)):
            self.found.append(_breach("nothing", nested))
        if is_spread and names:
            if names & steps:
                self.found.append(_breach("step", nested))
            self._correlated(nested, {name: around[name] for name in names})
            if not any(around.values()):
                self.found.append(_breach("existence", nested))

    def _correlated(self, query: exp.Expression, around: dict[str, bool]) -> None:
        for select in _selects(query):
            inner = {source.alias_or_name for source, _ in _sources(select)}
            classes = _equal_keys(select, inner | around.keys())
            if not any(classes.same(mine, theirs) for mine in inner for theirs in around):
                self.found.append(_breach("correlation", select))
            grouped = _by_key(select, select.args.get("group"))
            if (_aggregates(select) and not grouped) or (
                (distinct := select.args.get("distinct")) and not _distinct_by_key(select, distinct)
            ):
                self.found.append(_breach("sum", select))
            if any(KEY not in _names(_partition(select, window)) for window in _own(select, exp.Window)):
                self.found.append(_breach("sum", select))
        body = query.unnest()
        if (
            any(node.args.get("limit") or node.args.get("offset") for node in (query, body, *_selects(query)))
            or query.find(exp.Intersect, exp.Except)
            or _ctes(body)
        ):
            self.found.append(_breach("cut", query))

    def _windows(self, select: exp.Select) -> None:
        for window in _own(select, exp.Window):
            if KEY not in _names(_partition(select, window)):
                self.found.append(_breach("window", window))


class _Classes:
    """Relations of which the property is equal."""

    def __init__(self) -> None:
        self._class_of: dict[str, str] = {}

    def find(self, name: str) -> str:
        while (above := self._class_of.get(name, name)) != name:
            name = above
        return name

    def join(self, left: str, right: str) -> None:
        self._class_of[self.find(left)] = self.find(right)

    def same(self, left: str, right: str) -> bool:
        return self.find(left) == self.find(right)


def _equal_keys(select: exp.Select, aliases: Iterable[str]) -> _Classes:
    """By the conditions of WHERE, ON and USING, and of lateral queries, all of which must hold."""
    known, classes = set(aliases), _Classes()
    before: list[str] = []
    for source, join in _sources(select):
        alias = source.alias_or_name
        if join is not None:
            if KEY in _names(join.args.get("using") or []) and before:
                classes.join(before[-1], alias)
            _equate(classes, join.args.get("on"), known)
        below = source.this if isinstance(source, exp.Lateral) else None
        if isinstance(below, exp.Subquery):
            for inside in _selects(below):
                mine = {s.alias_or_name for s, _ in _sources(inside)}
                within = _equal_keys(inside, mine | known)
                for outside in known - mine - {alias}:
                    if any(within.same(m, outside) for m in mine):
                        classes.join(alias, outside)
        before.append(alias)
    where = select.args.get("where")
    _equate(classes, where and where.this, known)
    return classes


def _equate(classes: _Classes, condition: exp.Expression | None, known: set[str]) -> None:
    if condition is None:
        return
    for term in condition.flatten() if isinstance(condition, exp.And) else [condition]:
        term = term.unnest()
        if isinstance(term, exp.And):
            _equate(classes, term, known)
        if isinstance(term, exp.EQ):
            pairs = zip(_row(term.left), _row(term.right), strict=False)
            for left, right in pairs:
                is_key = all(isinstance(side, exp.Column) and side.name == KEY for side in (left, right))
                if is_key and {left.table, right.table} <= known:
                    classes.join(left.table, right.table)


def _row(side: exp.Expression) -> list[exp.Expression]:
    return side.expressions if isinstance(side, exp.Tuple) else [side.unnest()]


def _ctes(query: exp.Expression) -> list[exp.CTE]:
    clause = query.args.get("with_")
    return list(clause.expressions) if clause else []


def _is_of_gathered(select: exp.Select, alias: str) -> bool:
    """Whether a relation's property is that of a CTE which PostgreSQL works out by itself: named twice, or told to be.

    Citus brings such a CTE's rows to the coordinator, and knows no longer where they lay.
    """
    source = next(source for source, _ in _sources(select) if source.alias_or_name == alias)
    if isinstance(source, exp.Table):
        cte = None if source.db else _cte(select, source.name)
        if cte is None:
            return False
        if cte.args.get("materialized") or _times_named(cte) > 1:
            return True
        below = cte.this
    else:
        below = source.this
    return any(_is_of_gathered(inner, whose) for inner in _selects(below) if (whose := _key_source(inner)))


def _key_source(select: exp.Select) -> str | None:
    """The relation of a select whose property it gives."""
    aliases = [source.alias_or_name for source, _ in _sources(select)]
    for expression in select.expressions:
        if isinstance(expression, exp.Column) and expression.name in (KEY, "*"):
            return expression.table or aliases[0]
        if isinstance(expression, exp.Star) and aliases:
            return aliases[0]
    return None


def _cte(node: exp.Expression, name: str) -> exp.CTE | None:
    """The CTE of that name that a query can see."""
    if (found := next((cte for cte in _ctes(node) if cte.alias == name), None)) is not None:
        return found
    around = node.find_ancestor(exp.Query)
    return None if around is None else _cte(around, name)


def _times_named(cte: exp.CTE) -> int:
    around = cte.find_ancestor(exp.Query)
    assert around is not None
    return sum(1 for table in around.find_all(exp.Table) if table.name == cte.alias and not table.db)


def _sources(select: exp.Select) -> list[tuple[exp.Expression, exp.Join | None]]:
    first = select.args.get("from_")
    found: list[tuple[exp.Expression, exp.Join | None]] = [(first.this, None)] if first else []
    for source in [first.this] if first else []:
        found += [(join.this, join) for join in source.args.get("joins") or []]
    found += [(join.this, join) for join in select.args.get("joins") or []]
    return found + [(lateral, None) for lateral in select.args.get("laterals") or []]


def _selects(query: exp.Expression) -> list[exp.Select]:
    """The selects that a query's rows come from: those of a union, each."""
    body = query.unnest()
    if isinstance(body, exp.SetOperation):
        return _selects(body.this) + _selects(body.expression)
    return [body] if isinstance(body, exp.Select) else []


def _expressions(select: exp.Select) -> Iterator[exp.Expression]:
    """Everything in a select that is no relation."""
    for name, value in select.args.items():
        if name in ("from_", "joins", "laterals", "with_"):
            continue
        yield from (
            node for node in (value if isinstance(value, list) else [value]) if isinstance(node, exp.Expression)
        )
    for _, join in _sources(select):
        if join is not None and join.args.get("on"):
            yield join.args["on"]


def _own(select: exp.Select, *kinds: type[exp.Expression]) -> Iterator[exp.Expression]:
    """Nodes of a kind in a select's own expressions, not in those of subqueries."""
    for expression in _expressions(select):
        for node in expression.walk(prune=lambda node: isinstance(node, exp.Query)):
            if isinstance(node, kinds):
                yield node


def _partition(select: exp.Select, window: exp.Expression) -> list[exp.Expression]:
    """What a window is partitioned by, where it stands or where its name does, which may go on from another name."""
    named = {definition.name: definition for definition in select.args.get("windows") or []}
    while window.alias in named:
        window = named[window.alias]
    by: list[exp.Expression] = window.args.get("partition_by") or []
    return by


def _nested(select: exp.Select) -> Iterator[exp.Expression]:
    """The subqueries of a select's own expressions."""
    yield from _own(select, exp.Query)


def _refers(query: exp.Expression, around: Iterable[str]) -> set[str]:
    """The relations around a query that it refers to."""
    mine = {source.alias_or_name for select in query.find_all(exp.Select) for source, _ in _sources(select)}
    return {column.table for column in query.find_all(exp.Column)} & set(around) - mine


def _aggregates(select: exp.Select) -> bool:
    return any(
        not isinstance(node.parent, exp.Window) and not isinstance(node.parent and node.parent.parent, exp.Window)
        for node in _own(select, exp.AggFunc)
    )


def _by_key(select: exp.Select, group: exp.Expression | None) -> bool:
    if group is None:
        return False
    chosen = [
        select.expressions[int(node.this) - 1] if isinstance(node, exp.Literal) and not node.is_string else node
        for node in group.expressions
    ]
    return KEY in _names(chosen)


def _distinct_by_key(select: exp.Select, distinct: exp.Expression) -> bool:
    on = distinct.args.get("on")
    return KEY in _names([on] if on else select.expressions)
