"""One word, one meaning: names and docstrings use the words of the field and no others."""

import ast
import re
from collections.abc import Iterator

INSTEAD = {
    "abroad": "other_cameras",
    "descriptor": "feature",
    "domain": "modality",
    "doubt": "uncertainty",
    "everybody": "every row, all workers",
    "everybodys": "gather",
    "fellows": "workers, process group",
    "judge": "evaluate_retrieval",
    "nobody": "NO_ROW, none, padding",
    "pseudo": "labels",
    "remembering": "cached, once",
    "seat": "column of a ranked list, place",
    "seats": "neighbours, ranked lists",
    "stray": "outlier",
    "strays": "outliers",
    "substep": "OptimizerStep, step",
    "substeps": "steps",
    "surely": "_retry_lost_shards",
    "told": "logged, reported",
}
"""Word that no name contains -> what to say instead."""

INSTEAD_OF_NAMES = {
    "alone": "SingleProcess, isolated",
    "apart": "run_in_thread, distinct",
    "attempt": "run_guarded",
    "begin": "start, setup_worker",
    "describe": "diagnose, facts, label_diagnostics",
    "figures": "metrics",
    "held": "read, cached, set",
    "helpers": "group_actors",
    "hold": "set_features",
    "keep": "momentum of a memory; mask, kept",
    "say": "on_event, log, emit",
    "segment": "sub_tracklet",
    "setting": "context, MethodContext",
    "slot": "prototype, row",
    "slots": "prototypes, rows",
    "spectrum": "modality",
    "tell": "log, report, emit",
    "version": "clip_view, ClipView",
    "world": "process_group, ProcessGroup",
}
"""Whole name, in small letters -> what to say instead; as a part of a longer name the word may stand."""

ELSEWHERE = {
    "alone": ("data/synthetic/", "neighbours/"),  # one kernel, one row
    "attempt": ("distributed/",),  # of a group of workers, of a question to the shards
    "begin": ("data/", "neighbours/", "reports/"),  # of a range
    "figures": ("reports/",),  # pictures
    "keep": ("association/", "data/", "evaluation/", "neighbours/", "engine/checkpoint.py"),  # what stays
    "held": ("data/transforms/clips.py",),  # frames that are shown again
    "hold": ("data/transforms/clips.py",),
    "pseudo": ("data/transforms/augment.py",),  # pseudo-colour
    "slot": ("data/", "methods/"),  # of a buffer; of an instance memory: the prototype of one tracklet
    "slots": ("data/", "distributed/", "engine/", "losses/", "memories/", "methods/"),
    "spectrum": ("benchmarks/",),  # eigenvalues
    "stray": ("data/frames/decoding.py",),  # bytes
    "version": (
        "__init__.py",
        "cli/",
        "distributed/",
        "engine/environment.py",
    ),  # of a package, of the state of a shard
    "world": ("data/synthetic/",),  # the drawn one
}
"""Word -> where it has its ordinary meaning."""

NOT_IN_DOCSTRINGS = {
    "abroad": "in other cameras",
    "doubt": "uncertainty",
    "everybody": "all people, all rows",
    "fellows": "other workers",
    "judge": "evaluate",
    "nobody": "no row, no person",
    "seat": "place in a ranked list",
    "seats": "places of a ranked list",
    "sits": "is, stands",
    "somebody": "a person",
    "strays": "outliers",
    "told": "logged, reported, passed",
}
"""Word that no docstring contains -> what to say instead."""

FOUND_AT_MOST = 5
"""Functions with a local name `found`, which says nothing of what it is."""


def defined(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Every name that a file gives to something, with its line: functions, classes, arguments, variables,
    attributes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name, node.lineno
        elif isinstance(node, ast.arg):
            yield node.arg, node.lineno
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id, node.lineno
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr, node.lineno
        elif isinstance(node, ast.alias) and node.asname:
            yield node.asname, node.lineno


def words_of(name: str) -> set[str]:
    """The words of a name, in lower case.

    >>> sorted(words_of("_ClusteredOnce_of2"))
    ['clustered', 'of', 'once']
    """
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)}


def is_ordinary(word: str, file: str) -> bool:
    """Whether a banned word has its ordinary meaning in a file."""
    return file.startswith(ELSEWHERE.get(word, ("-",)))


def test_no_name_has_a_banned_word(trees):
    banned = []
    for file, tree in trees.items():
        for name, line in defined(tree):
            words = (words_of(name) & set(INSTEAD)) | ({name.strip("_").lower()} & set(INSTEAD_OF_NAMES))
            for word in sorted(words):
                if not is_ordinary(word, file):
                    banned.append(
                        f"{file}:{line}: {name}; instead of {word}: {(INSTEAD | INSTEAD_OF_NAMES)[word]}"
                    )
    assert not banned, f"{len(banned)} names:\n" + "\n".join(dict.fromkeys(banned))


def test_no_docstring_has_a_word_that_needs_a_riddle_solved(trees):
    banned = []
    kinds = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    for file, tree in trees.items():
        for node in (node for node in ast.walk(tree) if isinstance(node, kinds)):
            for word in sorted(
                set(re.findall("[a-z]+", (ast.get_docstring(node) or "").lower())) & set(NOT_IN_DOCSTRINGS)
            ):
                name = getattr(node, "name", "the file itself")
                banned.append(f"{file}: {name}; instead of {word}: {NOT_IN_DOCSTRINGS[word]}")
    assert not banned, f"{len(banned)} docstrings:\n" + "\n".join(banned)


def test_a_name_says_more_than_that_something_was_found(trees):
    functions = [
        f"{file}:{node.lineno}: {node.name}"
        for file, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and any(
            isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store) and one.id == "found"
            for one in ast.walk(node)
        )
    ]
    assert len(functions) <= FOUND_AT_MOST, f"{len(functions)} functions:\n" + "\n".join(functions)
