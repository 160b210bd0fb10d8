"""Every published method and data set is cited, and the package can be."""

import re

import yaml

import raydist
from raydist.cli.guide import page
from raydist.data.datasets.registry import DATASETS
from raydist.methods.registry import METHODS


def rows(text, heading):
    """First cells of the table below a heading."""
    section = text.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    return set(re.findall(r"^\| `(\w+)` \|", section, re.M))


def test_every_method_and_data_set_has_its_paper():
    text = page("citing")
    assert rows(text, "Methods") == set(METHODS)
    own = {"manifest"}  # the user's tracklets: they are cited by their owner
    assert rows(text, "Data sets") | own == set(DATASETS)


def test_the_citation_of_the_readme_is_whole(readme_blocks):
    (block,) = [one for one in readme_blocks if one.text.startswith("cff-version")]
    citation = yaml.safe_load(block.text)
    assert {"message", "type", "title", "authors", "license"} <= set(citation)
    assert citation["version"] == raydist.__version__
    assert re.fullmatch(r"1\.\d\.\d", citation["cff-version"])
