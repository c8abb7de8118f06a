"""What dbt's Python does over and over for each node: done once, or not at all where nobody asks for it.

Each statement and result is what it would be. The tests hold that; dbt is held to its minor version by dbt_project.yml.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache, partial
from typing import Any

from jinja2.environment import TemplateModule

QUIET = ("debug", "test", "info")
"""Levels of events that stand in no log of a build."""
Function = Callable[..., Any]


@contextmanager
def shortcuts(heard: Collection[str] | None = None) -> Iterator[None]:
    """Have dbt take them meanwhile. `heard`: of the events below a warning those that anybody hears; None: all."""
    from dbt.adapters.base.impl import BaseAdapter
    from dbt.compilation import Linker
    from dbt.context.macros import MacroNamespaceBuilder
    from dbt.context.manifest import ManifestContext
    from dbt_common.clients import agate_helper
    from dbt_common.clients.jinja import BaseMacroGenerator, MacroFuzzEnvironment
    from dbt_common.events.base_types import BaseEvent
    from dbt_common.events.event_manager import EventManager

    taken: list[tuple[Any, str, Callable[[Function], Function]]] = [
        (BaseMacroGenerator, "get_macro", lambda _: _macro),
        (MacroNamespaceBuilder, "build_namespace", _with_all_macros),
        (ManifestContext, "to_dict", _laid_together),
        (BaseAdapter, "set_macro_context_generator", _with_kept_contexts),
        (BaseAdapter, "get_relation", _found_by_name),
        (MacroFuzzEnvironment, "compile", _compiled_once),
        (agate_helper, "build_type_tester", _built_once),
        (agate_helper, "empty_table", cache),
    ]
    if heard is not None:
        taken += [
            (BaseEvent, "__init__", partial(_noting, heard)),
            (EventManager, "fire_event", partial(_firing, heard)),
            # Of what stands in a file that nobody reads.
            (Linker, "get_graph_summary", lambda _: lambda *_: {}),
        ]
    with ExitStack() as stack:
        for owner, name, other in taken:
            stack.enter_context(_in_place_of(owner, name, other))
        yield


@contextmanager
def _in_place_of(owner: Any, name: str, other: Callable[[Function], Function]) -> Iterator[None]:
    is_own = name in vars(owner)
    found = getattr(owner, name)
    setattr(owner, name, other(found))
    try:
        yield
    finally:
        if is_own:
            setattr(owner, name, found)
        else:
            delattr(owner, name)


def _macro(generator: Any) -> Any:
    """The macro that a generator calls, put into its context once, where dbt does so for each call.

    It looks names up in the context when it is called.
    """
    made = vars(generator).get("_made")
    if made is None:
        template, context = generator.get_template(), generator.context
        # Behind the context's own names, and in the same dictionary: dbt chains two, which is slow in Python.
        for name, value in template.globals.items():
            context.setdefault(name, value)
        own = template.environment.context_class(template.environment, context, template.name, template.blocks)
        made = generator._made = vars(TemplateModule(template, own))[f"dbt_macro__{generator.get_name()}"]
    return made


def _with_all_macros(build: Function) -> Function:
    """Makes seven hundred generators for each context without asking of each macro where it belongs."""
    from dbt.clients.jinja import MacroGenerator

    def build_namespace(builder: Any, macros_by_package: Any, context: dict[str, Any]) -> Any:
        for package, macros in macros_by_package.items():
            made = {}
            for name, macro in macros.items():
                made[name] = generator = MacroGenerator.__new__(MacroGenerator)
                generator.macro, generator.context = macro, context
                generator.node, generator.stack = builder.node, builder.thread_ctx
            if package in builder.internal_package_names:
                builder.internal_packages[package] = made
            else:
                builder.packages[package] = made
                if package == builder.search_package:
                    builder.locals.update(made)
                elif package == builder.root_package:
                    builder.globals.update(made)
        return build(builder, {}, context)

    return build_namespace


def _laid_together(_: Function) -> Function:
    """Lays a context's dictionaries upon each other, where dbt looks each name up in five, one by one."""
    from dbt.context.configured import ConfiguredContext
    from dbt.context.macro_resolver import TestMacroNamespace

    def to_dict(context: Any) -> dict[str, Any]:
        names: dict[str, Any] = ConfiguredContext.to_dict(context)
        space = context.namespace
        if isinstance(space, TestMacroNamespace):
            layers = [space.local_namespace, space.project_namespace]
        else:
            # What is found first is laid on last.
            layers = [*space._search_order()][::-1]
        for layer in layers:
            names.update(layer)
        return names

    return to_dict


def _with_kept_contexts(put: Function) -> Function:
    """Keeps the context of a macro that the adapter calls, by thread: dbt makes one for each rename."""

    def set_generator(adapter: Any, make: Function) -> None:
        kept = threading.local()

        def context_of(macro: Any, config: Any, resolver: Any, package: str | None) -> dict[str, Any]:
            found = vars(kept).setdefault("contexts", {})
            key = macro.unique_id, package
            if key not in found or found[key][:2] != (id(config), id(resolver)):
                found[key] = (id(config), id(resolver), make(macro, config, resolver, package), config, resolver)
            context: dict[str, Any] = found[key][2]
            return context

        put(adapter, context_of)

    return set_generator


def _found_by_name(find: Function) -> Function:
    """Finds a relation of the cache by its name, where dbt compares it with each of its schema."""
    from dbt.adapters.reference_keys import _ReferenceKey

    def get_relation(adapter: Any, database: str, schema: str, identifier: str) -> Any:
        if adapter._schema_is_cached(database, schema):
            key = _ReferenceKey(*(name and name.lower() for name in (database, schema, identifier)))
            found = adapter.cache.relations.get(key)
            if found is None:
                return None
            if (found.inner.database, found.inner.schema, found.inner.identifier) == (database, schema, identifier):
                return found.inner
        return find(adapter, database, schema, identifier)

    return get_relation


def _compiled_once(compile_: Function) -> Function:
    """Keeps what Jinja makes of a text: each model has the same hooks."""
    kept: dict[tuple[Any, ...], Any] = {}

    def compile_once(environment: Any, source: Any, *args: Any, **kwargs: Any) -> Any:
        if args or kwargs or not isinstance(source, str):
            return compile_(environment, source, *args, **kwargs)
        key = type(environment), source
        if key not in kept:
            kept[key] = compile_(environment, source)
        return kept[key]

    return compile_once


def _built_once(build: Function) -> Function:
    """Keeps what guesses the types of a query's columns: it is made of a calendar of all languages each time."""
    kept: dict[tuple[Any, ...], Any] = {}

    def build_once(text_columns: Any, string_null_values: Any = ("null", "")) -> Any:
        key = tuple(text_columns), tuple(string_null_values)
        if key not in kept:
            kept[key] = build(*key)
        return kept[key]

    return build_once


def _noting(heard: Collection[str], make: Function) -> Function:
    """Makes no message of an event that nobody hears."""

    def note(event: Any, *args: Any, **kwargs: Any) -> None:
        if _is_heard(event, None, heard):
            make(event, *args, **kwargs)
        else:
            # Who fires it may still say that it is of a higher level.
            object.__setattr__(event, "_make", partial(make, event, *args, **kwargs))

    return note


def _firing(heard: Collection[str], fire: Function) -> Function:
    def fire_heard(manager: Any, event: Any, level: Any = None, *args: Any, **kwargs: Any) -> None:
        if _is_heard(event, level, heard):
            vars(event).pop("_make", _nothing)()
            fire(manager, event, level, *args, **kwargs)

    return fire_heard


def _nothing() -> None: ...


def _is_heard(event: Any, level: Any, heard: Collection[str]) -> bool:
    return (level or event.level_tag()).value not in QUIET or type(event).__name__ in heard
