"""Between packages go typed values: a mapping of names to anything appears only where JSON, YAML or MLflow
begins."""

import ast
from collections.abc import Iterator

BORDERS = {
    "cli/": "prints JSON",
    "config.py": "lays YAML files over each other before they become sections",
    "yaml_files.py": "reads YAML",
    "tracking/": "hands values to MLflow and to metrics.jsonl",
    "distributed/tune/": "overrides methods of Ray Tune, whose results are mappings",
    "engine/checkpoint.py": "writes and reads state.json",
    "engine/comparison_table.py": "writes the JSON file of a table",
    "engine/environment.py": "makes environment.json",
    "engine/events.py": "writes and reads the rows of metrics.jsonl",
    "engine/published.py": "reads the YAML of published settings, whose values are those of any key",
    "engine/reference.py": "reads JSON schemas",
    "engine/schema.py": "checks sections as YAML gives them",
    "engine/checkpoint_content.py": "reads the state.json of checkpoints",
    "engine/splits.py": "writes the summary.json of all splits",
    "engine/summary.py": "writes and reads summary.json",
    "engine/run_folder.py": "writes and reads the JSON files of a run",
    "tuning/analysis.py": "values of the JSON summary of a study",
    "tuning/report.py": "writes and reads rows of trials.jsonl",
    "tuning/summary.py": "writes and reads summary.json of a study",
    "tuning/space.py": "reads the YAML of a search space; a sample maps dotted paths to values",
    "tuning/trackers.py": "hands samples to MLflow",
}
"""File or folder of the package -> why its public signatures may name such a mapping."""

MAPPINGS = {"dict", "Dict", "Mapping", "MutableMapping", "defaultdict", "OrderedDict"}


def is_untyped(node: ast.AST) -> bool:
    """Whether a node is `dict[str, Any]`, `Mapping[str, Any]` or alike."""
    if not (isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Tuple)):
        return False
    name = ast.unparse(node.value).split(".")[-1]
    return name in MAPPINGS and [ast.unparse(part) for part in node.slice.elts] == ["str", "Any"]


def own_aliases(tree: ast.Module) -> set[str]:
    """Names that a module gives to such a mapping, as in `Message = dict[str, Any]`."""
    names = set()
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(map(is_untyped, ast.walk(node.value))):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return names


def aliases(file: str, trees: dict[str, ast.Module]) -> set[str]:
    """The aliases that a file may use: its own, and those that it imports from other files of the package."""
    names = own_aliases(trees[file])
    for node in ast.walk(trees[file]):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("raydist."):
            path = node.module.removeprefix("raydist.").replace(".", "/")
            source = trees.get(f"{path}.py") or trees.get(f"{path}/__init__.py")
            known = own_aliases(source) if source else set()
            names |= {one.asname or one.name for one in node.names if one.name in known}
    return names


def annotations(body: list[ast.stmt], owner: str = "") -> Iterator[tuple[str, ast.expr]]:
    """Every annotation of a public function, method or field, with the name of what it belongs to."""
    for node in body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from annotations(node.body, f"{node.name}.")
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and is_public(node.name):
            arguments = [one for one in ast.walk(node.args) if isinstance(one, ast.arg)]
            types = [*(one.annotation for one in arguments), node.returns]
            yield from ((owner + node.name, annotation) for annotation in types if annotation)
        elif owner and isinstance(node, ast.AnnAssign) and is_public(ast.unparse(node.target)):
            yield owner + ast.unparse(node.target), node.annotation


def is_public(name: str) -> bool:
    """Whether a name is for others to use; the arguments of a class count."""
    return name == "__init__" or not name.startswith("_")


def test_untyped_mappings_stay_at_the_borders(trees):
    untyped = []
    for file, tree in trees.items():
        if file.startswith(tuple(BORDERS)):
            continue
        known = aliases(file, trees)
        for name, annotation in annotations(tree.body):
            parts = list(ast.walk(annotation))
            if any(is_untyped(part) or (isinstance(part, ast.Name) and part.id in known) for part in parts):
                untyped.append(f"{file}: {name}: {ast.unparse(annotation)}")
    assert not untyped, "public signatures with mappings of anything:\n" + "\n".join(untyped)


def test_every_border_is_needed(trees):
    """An entry of the list goes when its file is gone or typed."""
    unneeded = []
    for border in BORDERS:
        files = [file for file in trees if file.startswith(border)]
        named = {ast.unparse(part) for file in files for part in ast.walk(trees[file]) if is_untyped(part)}
        if not named:
            unneeded.append(border)
    assert not unneeded
