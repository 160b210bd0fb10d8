"""The methods by name; a method's module is imported when it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from raydist.registry import Attribute, Entry, Registry

if TYPE_CHECKING:
    from raydist.methods.method import Method

METHODS: Registry[type[Method]] = Registry(
    "method.name",
    {
        "adca": Entry(
            "raydist.methods.adca.method:AggregationLearning",
            "cluster contrast with memories aggregated across the modalities by votes (ACM MM 2022)",
        ),
        "bmil": Entry(
            "raydist.methods.bmil.method:BiasMitigation",
            "modality-aware Jaccard distance and joint clusters, split into proxies (AAAI 2026)",
        ),
        "cba": Entry(
            "raydist.methods.cba.method:CausalBootstrappedAlignment",
            "causal warm-up, then infrared clusters refined along visible prototypes (arXiv 2604.15631)",
        ),
        "dcl": Entry(
            "raydist.methods.dcl.method:DualContrast",
            "cluster contrast within each modality (ADCA, ACM MM 2022, stage 1)",
        ),
        "dmdl": Entry(
            "raydist.methods.dmdl.method:DualLevelDebiasing",
            "adjusted likelihood and two views that correct each other's labels (Pattern Recognition 176)",
        ),
        "dotla": Entry(
            "raydist.methods.dotla.method:DualOptimalTransport",
            "labels across by optimal transport, refined by neighbours of the other modality (ACM MM 2023)",
        ),
        "hil": Entry(
            "raydist.methods.hil.method:HierarchicalIdentityLearning",
            "labels by reverse selection and several centres a cluster (arXiv 2509.11587)",
        ),
        "hitpro": Entry(
            "raydist.methods.hitpro.method:HiTPro",
            "a prototype a tracklet, linked across cameras and modalities, no clusters (arXiv 2604.21324)",
        ),
        "mbccm": Entry(
            "raydist.methods.mbccm.method:BilateralClusterMatching",
            "bilateral many-to-many matching of clusters, memories that both modalities share (ACM MM 2023)",
        ),
        "pgm": Entry(
            "raydist.methods.pgm.method:ProgressiveGraphMatching",
            "progressive graph matching of clusters, alternate cross contrast (CVPR 2023)",
        ),
        "sdcl": Entry(
            "raydist.methods.sdcl.method:ShallowDeepCollaboration",
            "a shallow branch beside the deep one, labels on which the neighbours by both agree (CVPR 2024)",
        ),
        "supervised": Entry(
            "raydist.methods.supervised.method:Supervised",
            "identity loss and triplets on the true identities: the upper bound, not an unsupervised method",
        ),
    },
    kind="raydist.methods.method:Method",
    subclass=True,
    needs={"Params": Attribute("raydist.methods.method:Params", subclass=True)},
)


def method_class(name: str) -> type[Method]:
    """The class of a method.

    Args:
        name: of `METHODS`, or ``package.module:Name``.

    Raises:
        ConfigError: no method of that name, or what has that name is no method.

    >>> method_class("dcl").__name__
    'DualContrast'
    """
    return METHODS.load(name)
