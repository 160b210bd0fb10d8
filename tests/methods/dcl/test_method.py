from raydist.methods.common.dual_contrast import DualContrastStage
from raydist.methods.common.warm_up import WarmUp
from raydist.methods.dcl.method import DualContrast, DualContrastMethodParams


def test_its_stages(context):
    stages = DualContrast(DualContrastMethodParams(), context).stages()
    assert [type(stage) for stage in stages] == [WarmUp, DualContrastStage]
