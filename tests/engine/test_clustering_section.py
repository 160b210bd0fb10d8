"""Keys of ``clustering`` that change nothing are warned of, on the command line and nowhere else."""

import warnings

import pytest

from raydist.cli.recipes import FOLDER
from raydist.engine.schema import load_config
from raydist.errors import NoEffectWarning


def warned(recipe: str, *words: str) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        load_config(recipe, words)
    return [str(one.message) for one in caught if one.category is NoEffectWarning]


@pytest.mark.parametrize(
    ("words", "lines"),
    [
        (["clustering.k1_intra=4", "clustering.eps=0.4"], []),
        (
            ["clustering.k1=99"],
            [
                "clustering.k1 has no effect with clustering.distance = camera-aware and "
                "clustering.algorithm = dbscan"
            ],
        ),
        (["clustering.k1=99", "clustering.distance=jaccard"], []),
        (
            ["clustering.min_cluster_size=3"],
            [
                "clustering.min_cluster_size has no effect with clustering.distance = camera-aware and "
                "clustering.algorithm = dbscan"
            ],
        ),
        (
            ["clustering.distance=jaccard", "clustering.k1={visible: 9, infrared: 40}", "clustering.k2=30"],
            ["clustering.k2 = 30 with k1 = 9: only the 9 ranked neighbours can be averaged"],
        ),
    ],
)
def test_keys_without_effect_are_named_once(words, lines):
    assert warned("demo", *words) == lines


def test_a_method_that_clusters_by_another_distance_too_uses_its_keys():
    assert warned("demo", "method.name=bmil", "clustering.k1=9", "clustering.k2=2") == []
    assert len(warned("demo", "method.name=bmil", "clustering.min_cluster_size=9")) == 1


def test_no_recipe_of_the_package_is_warned_of():
    """Those for published data need a folder that is not here; their values are checked with one."""
    for path in sorted(FOLDER.glob("[!_]*.yaml")):
        drawn = path.stem.endswith("demo") or path.stem in ("smoke", "ruler")
        assert warned(path.stem, *([] if drawn else ["data.root=nowhere"])) == [], path
