import pickle
from textwrap import dedent

import numpy as np
import pytest

from raydist.clustering.choices import CLUSTERINGS, declared_parameters
from raydist.clustering.spec import ClusterSpec, cluster_features
from raydist.engine.schema import load_config
from raydist.errors import ConfigError
from raydist.neighbours.jaccard.distances import DISTANCES
from raydist.types import Modality

OWN = '''
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from raydist.clustering.clusterer import Clusterer
from raydist.neighbours.jaccard.plain import PlainJaccard
from raydist.parameters import parameter


@dataclass(frozen=True)
class CloseOnes(PlainJaccard):
    """The plain distance without neighbours below a similarity."""

    k1: int = parameter(12, ge=3, per_modality=True)
    least: float = parameter(0.5, ge=-1, le=1, help="The smallest similarity of a neighbour.")

    name: ClassVar[str] = "close-ones"

    def ranked_lists(self, rows, within, across):
        close = within[1] >= self.least
        within = np.where(close, within[0], -1), np.where(close, within[1], -np.inf)
        return super().ranked_lists(rows, within, across)


@dataclass(frozen=True)
class NearestPairs(Clusterer):
    reach: float = parameter(0.4, gt=0, le=1)

    name: ClassVar[str] = "nearest-pairs"

    @property
    def radius(self):
        return self.reach

    def labels(self, edges, num_rows):
        labels = np.full(num_rows, -1)
        for number, e in enumerate(np.flatnonzero(edges.distance <= self.reach)[:1]):
            labels[[edges.i[e], edges.j[e]]] = number
        return labels


@dataclass(frozen=True)
class WithoutDefault(PlainJaccard):
    shape: tuple = ()
'''

DISTANCE, ALGORITHM = "parts_of_my_own:CloseOnes", "parts_of_my_own:NearestPairs"


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A module outside of the package with a distance and an algorithm."""
    (tmp_path / "parts_of_my_own.py").write_text(dedent(OWN))
    monkeypatch.syspath_prepend(str(tmp_path))


@pytest.mark.parametrize("registry", [DISTANCES, CLUSTERINGS])
def test_every_name_has_help_and_a_class_of_that_name(registry):
    for name, entry in registry.entries.items():
        assert entry.help
        assert registry.load(name).name == name


def test_a_parameter_has_one_default_whatever_is_chosen():
    """Distances that share a parameter agree on its default: choosing another one changes nothing else."""
    defaults = {name: one.default for name, one in declared_parameters().items()}
    for distance in DISTANCES:
        for algorithm in CLUSTERINGS:
            declared = declared_parameters(distance, algorithm)
            assert {name: one.default for name, one in declared.items()} == defaults


@pytest.mark.usefixtures("own")
def test_a_distance_of_ones_own_clusters(crowd):
    x, _ = crowd(300, 0)
    spec = ClusterSpec(DISTANCE, least=0.6)
    assert (spec.metric.k1, spec.k1, spec.least, spec.k2) == (12, 12, 0.6, 6)
    loose = cluster_features(x, spec.with_values(least=-1.0), num_slabs=3)
    assert np.array_equal(loose.labels, cluster_features(x, ClusterSpec(k1=12)).labels)
    assert len(cluster_features(x, spec).edges) < len(loose.edges)
    assert pickle.loads(pickle.dumps(spec)) == spec
    assert pickle.loads(pickle.dumps(spec.metric)) == spec.metric


@pytest.mark.usefixtures("own")
def test_an_algorithm_of_ones_own_clusters(crowd):
    x, _ = crowd(300, 0)
    clustering = cluster_features(x, ClusterSpec(algorithm=ALGORITHM))
    assert clustering.num_clusters == 1
    assert clustering.edges.distance.max() <= 0.4 + 1e-6


@pytest.mark.usefixtures("own")
def test_the_configuration_takes_the_keys_of_ones_own_and_writes_them_back(tmp_path):
    words = [
        f"clustering.distance={DISTANCE}",
        f"clustering.algorithm={ALGORITHM}",
        "clustering.least=0.25",
        "clustering.k1={visible: 5, infrared: 6}",
    ]
    config = load_config("pgm-demo", words)
    assert [config.clustering.spec(m).metric.k1 for m in Modality] == [5, 6]
    assert {config.clustering.spec(m).metric.least for m in Modality} == {0.25}
    assert config.clustering.spec(Modality.VISIBLE).radius == 0.4
    (tmp_path / "config.yaml").write_text(config.dump())
    assert load_config(str(tmp_path / "config.yaml")) == config
    assert pickle.loads(pickle.dumps(config)) == config


@pytest.mark.usefixtures("own")
def test_the_defaults_of_ones_own_take_the_place_of_those_of_the_package():
    section = type(load_config("demo").clustering)
    assert section.model_validate({"distance": DISTANCE}).spec(Modality.VISIBLE).k1 == 12
    assert section.model_validate({"distance": DISTANCE, "k1": 30}).spec(Modality.VISIBLE).k1 == 30


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            [f"clustering.distance={DISTANCE}", "clustering.leest=1"],
            r"clustering\.leest: did you mean 'least'\?",
        ),
        ([f"clustering.distance={DISTANCE}", "clustering.least=3"], r"clustering\.least = 3"),
        ([f"clustering.distance={DISTANCE}", "clustering.k1=2"], r"clustering\.k1 = 2"),
        (["clustering.least=0.5"], r"unknown key clustering\.least"),
        (["clustering.distance=parts_of_my_own:NearestPairs"], "sub-class of raydist.+Distance"),
        (["clustering.distance=parts_of_my_own:Nothing"], "cannot be imported"),
        (["clustering.distance=parts_of_my_own:WithoutDefault"], "WithoutDefault.shape is of type"),
        (["clustering.distance=jacard"], "did you mean 'jaccard'"),
        (["clustering.algorithm=dbscn"], "did you mean 'dbscan'"),
        (["clustering.distance=modality-aware", "clustering.k1=1"], r"clustering\.k1 = 1"),
        (["clustering.distance=jaccard", "clustering.gate=0.5"], r"gate = 0\.5 with jaccard.*modality-aware"),
        (["clustering.algorithm=hdbscan", "clustering.self_paced=true"], "self_paced with hdbscan.*dbscan"),
        (["clustering.eps={visible: 0.5, infrared: 7}"], r"clustering\.eps\.infrared = 7"),
    ],
)
def test_a_wrong_word_is_answered_with_its_path(words, message):
    with pytest.raises(ConfigError, match=message):
        load_config("demo", words)


def test_unknown_parameters_are_refused():
    with pytest.raises(ConfigError, match="unknown parameter epss: did you mean 'eps'"):
        ClusterSpec(epss=1)
    with pytest.raises(AttributeError, match="no parameter 'k3'"):
        _ = ClusterSpec().k3
