"""The methods by name; a method's file is imported when it is asked for."""

from __future__ import annotations

from importlib import import_module

from raydist.errors import ConfigError
from raydist.methods.method import Method
from raydist.registry import nearest

METHODS = {
    "bmil": "raydist.methods.bmil.method:BiasMitigation",
    "cba": "raydist.methods.cba.method:CausalBootstrappedAlignment",
    "dcl": "raydist.methods.dcl.method:DualContrast",
    "dmdl": "raydist.methods.dmdl.method:DualLevelDebiasing",
    "hil": "raydist.methods.hil.method:HierarchicalIdentityLearning",
    "hitpro": "raydist.methods.hitpro.method:HiTPro",
    "pgm": "raydist.methods.pgm.method:ProgressiveGraphMatching",
    "supervised": "raydist.methods.supervised.method:Supervised",
}


def method_class(name: str) -> type[Method]:
    """The class of a method.

    Raises:
        ConfigError: no method of that name.

    >>> method_class("dcl").__name__
    'DualContrast'
    """
    if name not in METHODS:
        raise ConfigError(f"method.name = {name!r}{nearest(name, METHODS)}; there are: {', '.join(METHODS)}")
    module, _, attribute = METHODS[name].partition(":")
    cls: type[Method] = getattr(import_module(module), attribute)
    return cls
