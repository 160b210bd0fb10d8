from raydist.methods.common.dual_contrast import DualContrastStage
from raydist.methods.common.warm_up import WarmUp
from raydist.methods.pgm.method import ProgressiveGraphMatching, ProgressiveGraphMatchingParams
from raydist.methods.pgm.stages import CrossContrastStage


def test_its_stages(context):
    stages = ProgressiveGraphMatching(ProgressiveGraphMatchingParams(), context).stages()
    assert [type(stage) for stage in stages] == [WarmUp, DualContrastStage, CrossContrastStage]
