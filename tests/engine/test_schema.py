import os
import sys
import warnings
from pathlib import Path

import pytest
import torch
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from raydist.engine.schema import RECIPES, Config, load_config, method_params, with_values
from raydist.errors import ConfigError, RenamedKeyWarning
from raydist.methods.registry import METHODS
from raydist.types import Modality


@pytest.mark.parametrize("recipe", sorted(p.stem for p in RECIPES.glob("*.yaml")))
def test_every_recipe_is_valid_and_runs_as_it_is_written_back(recipe, tmp_path):
    config = load_config(recipe)
    (tmp_path / "config.yaml").write_text(config.dump())
    assert load_config(str(tmp_path / "config.yaml")) == config


@pytest.mark.parametrize("method", METHODS)
def test_a_method_named_on_the_command_line_comes_with_its_defaults(method):
    assert load_config("demo", [f"method.name={method}"]).method.name == method


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("train.epoch=3", r"unknown key train\.epoch: did you mean 'epochs'\?"),
        ("trian.epochs=3", r"unknown key trian: did you mean 'train'\?"),
        ("method.warmup=3", r"unknown key method\.warmup: did you mean 'warm_up'\?"),
        ("method.name=pmg", "did you mean 'pgm'"),
        ("train.epochs=0", r"train\.epochs = 0"),
        ("train.lr=fast", r"train\.lr = 'fast'"),
        ("clustering.eps={visible: 0.5}", "infrared"),
        ("data.name=hitsz_vcm", r"needs data\.root"),
        ("evaluation.split=validation", r"needs data\.validation_identities"),
        ("data.preset=cii", "smoke"),
        ("data.preset=smok", r"data\.preset = 'smok': did you mean 'smoke'\? There are: smoke, ci"),
        ("data.layout=hitsz", r"data\.layout = 'hitsz': did you mean 'hitsz_vcm'\? There are: hitsz_vcm"),
        ("data.name=regbd", r"data\.name = 'regbd': did you mean 'regdb'\? There are: synthetic, hitsz_vcm"),
        ("data.cache=of", r"data\.cache = 'of': did you mean 'off'\? There are: auto, packed, off"),
        ("encoder.name=resnet5", r"encoder\.name = 'resnet5': did you mean 'resnet50'\?"),
        (
            "encoder.pooling=gm",
            r"encoder\.pooling = 'gm': did you mean 'gem'\? There are: mean, gem, stripes",
        ),
        ("encoder.temporal=atention", r"encoder\.temporal = 'atention': did you mean 'attention'\?"),
        ("encoder.branches=2", r"encoder\.branches = 2: small has 1 branch"),
        ("encoder.branches=3", r"encoder\.branches = 3; there are: 1, 2"),
        ("evaluation.protocol=hitsz", r"evaluation\.protocol = 'hitsz': did you mean 'hitsz_vcm'\?"),
        ("evaluation.split=tests", r"evaluation\.split = 'tests': did you mean 'test'\?"),
        (
            "train.optimizer=adm",
            r"train\.optimizer = 'adm': did you mean 'adam'\? There are: adam, adamw, sgd",
        ),
        ("train.lr=true", r"train\.lr = True: true and false"),
        ("train.epochs=false", r"train\.epochs = False: true and false"),
        ("clustering.k1=true", r"clustering\.k1 = True: true and false"),
        ("clustering.distance=jacard", r"clustering\.distance = 'jacard': did you mean 'jaccard'\?"),
        (
            "clustering.algorithm=math:pi",
            r"expected a sub-class of raydist\.clustering\.clusterer\.Clusterer",
        ),
        ("clustering.eps={visible: true, infrared: 0.5}", r"clustering\.eps\.visible = True: true and false"),
        ("method.warm_up.temperature=true", r"method\.warm_up\.temperature = True"),
        ("method.name=collections:Counter", r"expected a sub-class of raydist\.methods\.method\.Method"),
        (
            "data.name=raydist.evaluation.protocols:LLCM",
            r"an instance of raydist\.data\.datasets\.dataset\.Dataset",
        ),
        ("encoder.name=nowhere:ENCODER", r"encoder\.name = 'nowhere:ENCODER' cannot be imported: No module"),
    ],
)
def test_a_wrong_word_is_told_with_its_path(word, message):
    with pytest.raises(ConfigError, match=message) as caught:
        load_config("demo", [word])
    assert "\n" not in str(caught.value)


def sections():
    """Every section with its name in the configuration; that of the default method for `method`."""
    for name, field in Config.model_fields.items():
        yield name, type(getattr(Config(), name)) if name == "method" else field.annotation


@pytest.mark.parametrize(("name", "section"), [pair for pair in sections() if pair[0] != "method"])
def test_every_key_is_described_in_one_line(name, section):
    for key, field in section.model_fields.items():
        assert field.description, f"{name}.{key}"
        assert "\n" not in field.description
        assert len(field.description) <= 100


def test_a_part_of_ones_own_is_written_back_and_read_again(tmp_path):
    words = ["method.name=raydist.methods.dcl.method:DualContrast", "method.dual.temperature=0.1"]
    words += [
        "encoder.name=raydist.encoders.resnet:RESNET18",
        "evaluation.protocol=raydist.evaluation.protocols:LLCM",
    ]
    words += ["data.name=raydist.data.datasets.llcm:LLCM", "data.root=x"]
    config = load_config("demo", words)
    (tmp_path / "config.yaml").write_text(config.dump())
    again = load_config(str(tmp_path / "config.yaml"))
    assert again == config
    assert again.method.name == "raydist.methods.dcl.method:DualContrast"
    assert with_values(config, [(("train", "lr"), 0.1)]).method == config.method


@pytest.mark.filterwarnings("default")
def test_old_names_are_taken_from_the_command_line_and_in_spaces():
    new = load_config("demo", ["method.name=dcl", "method.dual.momentum=0.4"])
    with pytest.warns(RenamedKeyWarning, match=r"^method\.dual\.keep is now called method\.dual\.momentum"):
        assert load_config("demo", ["method.name=dcl", "method.dual.keep=0.4"]) == new
    with pytest.warns(RenamedKeyWarning, match=r"^method\.dual\.keep is now called method\.dual\.momentum"):
        assert with_values(new, [(("method", "dual", "keep"), 0.3)]).method.dual.momentum == 0.3


def test_eps_may_be_given_per_modality():
    section = load_config("demo", ["clustering.eps={visible: 0.4, infrared: 0.6}"]).clustering
    assert [section.spec(m).eps for m in Modality] == [0.4, 0.6]


def test_the_preset_null_can_be_named():
    assert load_config("demo", ["data.preset=null"]).data.preset == "null"


def test_relative_paths_lead_from_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = load_config("demo", ["data.name=manifest", "data.root=m.csv"])
    assert config.data.root == str(tmp_path / "m.csv")
    assert config.tracking.mlflow_uri == f"sqlite:///{tmp_path}/runs/mlflow.db"
    assert Path(config.run.dir) == tmp_path / "runs"


def test_in_a_ray_job_they_lead_from_the_home(tmp_path, monkeypatch):
    monkeypatch.setenv("RAYDIST_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("RAY_JOB_CONFIG_JSON_ENV_VAR", '{"metadata": {"job_submission_id": "raysubmit_1"}}')
    assert load_config("demo").run.dir == str(tmp_path / "home" / "runs")


def test_the_configuration_is_frozen():
    with pytest.raises(ValueError, match="frozen"):
        Config().train.lr = 1.0


VERSION_BEFORE = yaml.safe_load((Path(__file__).parent / "methods_0_4_0.yaml").read_text(encoding="utf-8"))
NEW_NAMES = {"keep": "momentum", "keep_slot": "slot_momentum", "versions": "clip_views"}


def leaves(raw, *path):
    if isinstance(raw, dict):
        for key, value in raw.items():
            yield from leaves(value, *path, NEW_NAMES.get(key, key))
    else:
        yield path, raw


@pytest.mark.parametrize("before", VERSION_BEFORE, ids=lambda before: before["recipes"][0])
def test_the_method_of_every_recipe_of_version_0_4_0_is_taken_with_all_its_values(before):
    today = dict(leaves(method_params(before["method"]).model_dump(mode="json")))
    kept = dict(leaves(before["method"]))
    assert {path: today[path] for path in kept} == kept


@pytest.mark.parametrize("key", ["run.seed", "data.preset_seed", "tune.seed"])
def test_a_seed_that_no_generator_takes_is_refused(key):
    assert load_config("smoke", [f"{key}={2**63 - 1}"])
    with pytest.raises(ConfigError, match=rf"^{key} = 9223372036854775808: .* less than or equal to"):
        load_config("smoke", [f"{key}={2**63}"])


@pytest.mark.parametrize("key", ["method.name", "clustering.distance", "clustering.algorithm"])
@pytest.mark.parametrize("value", ["null", "true", "[pgm]", "7"])
def test_a_name_that_is_no_text_is_refused(key, value):
    with pytest.raises(ConfigError, match=rf"^{key} = .*: expected a name, which is text$"):
        load_config("smoke", [f"{key}={value}"])


def test_a_method_that_is_no_section_is_refused(tmp_path):
    (tmp_path / "x.yaml").write_text("method: 5")
    with pytest.raises(ConfigError, match=r"^method = 5 \(int\): expected a section with a name"):
        load_config(str(tmp_path / "x.yaml"))
    assert load_config(str(tmp_path / "x.yaml"), ["method.name=pgm"]).method.name == "pgm"


OWN_PARTS = """
from dataclasses import dataclass
import torch
from raydist.clustering.clusterer import Clusterer
from raydist.methods.method import Method, Params
from raydist.neighbours.jaccard.plain import PlainJaccard

class NoParams(Method):
    def stages(self): return []

class Mapped(NoParams):
    Params = dict

class NoStages(Method):
    Params = Params

class NoRadius(Clusterer):
    name = "mine"
    def labels(self, edges, num_rows): return []

@dataclass(frozen=True)
class Nested(PlainJaccard):
    name = "mine"
    algorithm: str = "x"

def counted(width): return width

def failing(width): raise RuntimeError("too\\nwide")

def flat(width): return torch.nn.Flatten()
"""


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("method.name=own_parts:NoParams", "is not finished: define Params, a sub-class of raydist.methods"),
        (
            "method.name=own_parts:Mapped",
            "is not finished: define Params, a sub-class of .*, but it is <class",
        ),
        ("method.name=own_parts:NoStages", "is not finished: define stages in it"),
        ("clustering.algorithm=own_parts:NoRadius", "is not finished: define radius in it"),
        ("clustering.distance=own_parts:Nested", r"^Nested\.algorithm: a parameter cannot have this name"),
        ("encoder.temporal=own_parts:counted", r"that makes a torch module, but it makes 256 \(int\)$"),
        ("encoder.temporal=own_parts:failing", "called with 256 it fails: RuntimeError: too wide$"),
    ],
)
def test_an_unfinished_part_is_refused_when_the_configuration_is_loaded(word, message, tmp_path, monkeypatch):
    (tmp_path / "own_parts.py").write_text(OWN_PARTS)
    monkeypatch.syspath_prepend(tmp_path)
    before = torch.get_rng_state()
    try:
        assert load_config("smoke", ["encoder.temporal=own_parts:flat"])
        with pytest.raises(ConfigError, match=message):
            load_config("smoke", [word])
    finally:
        sys.modules.pop("own_parts", None)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("0", r"data\.trial = 0 \(int\): expected the number of a split, from 1, or all"),
        ("-3", r"data\.trial = -3 \(int\): expected the number"),
        ("every", r"data\.trial = 'every' \(str\): expected the number of a split, from 1, or all"),
        ("1.5", r"data\.trial = 1\.5 \(float\): expected the number"),
        ("[1, 2]", r"data\.trial = \[1, 2\] \(list\): expected the number"),
        ("true", r"data\.trial = True: true and false are not values of this key"),
        ("11", r"data\.trial = 11: data set regdb has the splits 1 to 10, or all, a run on each"),
    ],
)
def test_a_split_that_there_is_not_is_one_error(value, message):
    with pytest.raises(ConfigError, match=f"^{message}") as error:
        load_config("smoke", ["data.name=regdb", "data.root=x", f"data.trial={value}"])
    assert len(str(error.value).splitlines()) == 1


EPOCHS = "expected a number of epochs, at least 1, or a list of epochs upwards, such as [20, 40]"
MOMENT = "expected a share of the stage, 0 to 1, or epoch N, such as epoch 5"
RAMP = (
    "expected pairs of a moment and the value from there on, at least 0, the moments upwards, such as "
    "[[epoch 5, 0.5], [epoch 9, 1]]"
)
BOTH = "expected a whole number, at least 1, or one for visible and one for infrared"


@pytest.mark.parametrize(
    ("key", "value", "given", "expected"),
    [
        ("train.step_epochs", "0", "0", EPOCHS),
        ("train.step_epochs", "2.5", "2.5", EPOCHS),
        ("train.step_epochs", "epoch 3", "'epoch 3'", EPOCHS),
        ("train.step_epochs", "[40, 20]", "[40, 20]", EPOCHS),
        ("method.cross.step_epochs", "[20, x]", "[20, 'x']", EPOCHS),
        ("method.cross.paired_from", "40", "40", MOMENT),
        ("method.cross.paired_from", "epoch -1", "'epoch -1'", MOMENT),
        ("method.cross.triplet", "[[epoch 9, 1], [epoch 5, 2]]", "[['epoch 9', 1], ['epoch 5', 2]]", RAMP),
        ("method.cross.triplet", "[[40, 1]]", "[[40, 1]]", RAMP),
        ("method.cross.sample_match", "2", "2", "expected a list"),
        ("train.batch_identities", "0", "0", BOTH),
        ("train.batch_identities", "{visible: 8, thermal: 4}", "{'visible': 8, 'thermal': 4}", BOTH),
    ],
)
def test_a_value_of_no_type_that_a_key_takes_is_one_error(key, value, given, expected):
    with pytest.raises(ConfigError) as error:
        load_config("smoke", ["method.name=dmdl", f"{key}={value}"])
    assert str(error.value) == f"{key} = {given}: {expected}"


def test_all_splits_need_a_data_set_that_has_several():
    config = load_config("smoke", ["data.name=regdb", "data.root=x", "data.trial=all"])
    assert Config.model_validate(yaml.safe_load(config.dump())).data.trial == "all"
    refused = r"^data\.trial = all: data set \w+ has one split; leave it out$"
    for words in ([], ["data.name=sysu_mm01", "data.root=x"]):
        with pytest.raises(ConfigError, match=refused):
            load_config("smoke", [*words, "data.trial=all"])
    # an encoder of the twelfth split of some set can be evaluated on another set
    assert load_config("smoke", ["data.trial=12"]).data.trial == 12


@pytest.mark.parametrize("method", ["cba", "hitpro", "hil", "supervised"])
def test_features_of_any_length_are_for_methods_that_take_them(method):
    words = (f"method.name={method}", "clustering.renormalise=false")
    with pytest.raises(ConfigError, match=f"the method {method} takes features of unit length"):
        load_config("smoke", words)
    assert load_config("smoke", ("method.name=dcl", "clustering.renormalise=false"))


def test_features_of_any_length_are_for_distances_that_rank_them():
    words = ("method.name=dcl", "clustering.renormalise=false", "clustering.distance=camera-aware")
    with pytest.raises(ConfigError, match=r"renormalise = False with camera-aware.*or modality-aware"):
        load_config("smoke", words)


NUM_FUZZED = int(os.environ.get("RAYDIST_FUZZ", "50"))
"""Inputs of each fuzz test; ``RAYDIST_FUZZ=10000`` tries more of them."""

ANY_INPUT = settings(
    deadline=None, derandomize=True, max_examples=NUM_FUZZED,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip


def load_or_refuse(recipe, words):
    """Load a configuration, which reads back as it was written, or fail with one bounded ConfigError."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        refusal = None
        try:
            config = load_config(recipe, words)
        except ConfigError as error:
            refusal = str(error)
    if refusal is not None:
        assert 0 < len(refusal) < 20_000
        return
    assert isinstance(config, Config)
    assert yaml.safe_load(config.dump())


@ANY_INPUT
@given(st.data())
def test_any_file_gives_a_configuration_or_an_error(tmp_path, edited, data):
    content = (RECIPES / "smoke.yaml").read_bytes().partition(b"extends")[2]
    content = b"extends" + content + b"ray: {num_workers: 1}\ntracking: {mlflow_uri: null}\nrun: {seed: 3}\n"
    (tmp_path / "x.yaml").write_bytes(data.draw(edited(content)))
    load_or_refuse(str(tmp_path / "x.yaml"), [])


KEYS = [f"{section}.{key}" for section, values in load_config("smoke").model_dump().items() for key in values]
ODD_VALUE = st.one_of(
    st.sampled_from(
        ["true", "1e999", "-1", "0", "9" * 30, "9" * 5000, "null", "[1, [2]]", "{a: {b: 1}}", "~x/y"]
    ),
    st.sampled_from(
        ["", "[" * 300, '"\\ud800"', '"\\0"', "&a [*a]", "x" * 5000, "\udcff", "a:b", ":", "1e-5", "0.5"]
    ),
    st.text(max_size=8),
)
WORD = st.one_of(
    st.builds("{}={}".format, st.sampled_from(KEYS), ODD_VALUE),
    st.builds("{}.{}={}".format, st.sampled_from(KEYS), st.text(max_size=4), ODD_VALUE),
    st.text(max_size=12),
    st.builds("{}={}".format, st.sampled_from(["a." * 2000 + "b", "method.name", "train.\udcff"]), ODD_VALUE),
)


@ANY_INPUT
@given(st.one_of(st.just("smoke"), st.just("smoke"), st.just("smoke"), ODD_VALUE), st.lists(WORD, max_size=3))
def test_any_words_give_a_configuration_or_an_error(recipe, words):
    load_or_refuse(recipe, words)
