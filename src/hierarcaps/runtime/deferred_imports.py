"""Importing what takes names from large packages, without these packages until a name is used."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import Any


@contextmanager
def deferred_imports(*modules: str) -> Iterator[None]:
    """Let what is imported within take names from ``modules`` that are looked up when used.

    ``from timm.layers import Mlp`` gives something that stands for ``Mlp``: who calls it, asks for
    an attribute of it or whether a thing is an instance of it imports timm, and asks timm's. A name
    that the module lacks is missed then and not before. A module that is imported already or that
    is not installed has nothing to wait for, and is left as it is.

    Args:
        modules: each with all that is below it.
    """
    waiting = [
        name
        for name in modules
        if name not in sys.modules and find_spec(name.partition(".")[0]) is not None
    ]
    finder = _Finder(waiting)
    sys.modules.update({name: _StandIn(name) for name in waiting})
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        for name, module in list(sys.modules.items()):
            if isinstance(module, _StandIn):
                del sys.modules[name]


class _Deferred:
    """Stands for a name of a module, a class or a function."""

    def __init__(self, module: str, name: str) -> None:
        self._module, self._name = module, name

    def _found(self) -> Any:
        return getattr(import_module(self._module), self._name)

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        return self._found()(*arguments, **options)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._found(), name)

    def __instancecheck__(self, instance: object) -> bool:
        return isinstance(instance, self._found())

    # A subclass, or a type that it is a part of, cannot wait.
    def __mro_entries__(self, _bases: tuple[object, ...]) -> tuple[type, ...]:
        return (self._found(),)

    def __or__(self, other: Any) -> Any:
        return self._found() | other


class _StandIn(ModuleType):
    """A module whose names are deferred."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.__spec__ = ModuleSpec(name, None, is_package=True)
        self.__path__: list[str] = []

    def __getattr__(self, name: str) -> _Deferred:
        if name.startswith("__"):  # asked by the import system, not for a name of the module
            raise AttributeError(name)
        return _Deferred(self.__name__, name)


class _Finder(MetaPathFinder, Loader):
    """Finds what is below the deferred modules."""

    def __init__(self, modules: Sequence[str]) -> None:
        self._below = tuple(f"{name}." for name in modules)

    def find_spec(
        self, fullname: str, path: object, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return ModuleSpec(fullname, self) if fullname.startswith(self._below) else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _StandIn(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        pass
