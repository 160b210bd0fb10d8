import pytest

from raydist.distributed.driver.comparison import Comparison, plan_comparison


@pytest.fixture
def comparison(tmp_path) -> Comparison:
    """Two variants of a method, one epoch each."""
    words = ["train.iterations=1", "train.limit_epochs=1", f"run.dir={tmp_path}", "tracking.mlflow_uri=null"]
    return plan_comparison("smoke", ["dcl", "dcl+method.dual.momentum=0.5"], [0], words)
