"""What is installed, beside what raydist declares that it needs."""

from __future__ import annotations

import sys
from importlib import metadata

from raydist.health.finding import Finding

SHOWN = (
    "torch", "ray", "mlflow", "hdbscan", "numba", "numpy", "scipy", "scikit-learn", "pyarrow",
    "opencv-python-headless", "pillow", "optuna",
)  # fmt: skip
"""Packages that are always listed; others where something is wrong with them."""

FAISS = ("faiss-cpu", "faiss-gpu")


def version_of(name: str) -> str | None:
    """The installed version; None where it is not installed."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def check_python() -> Finding:
    """The interpreter."""
    from packaging.specifiers import SpecifierSet

    release, wanted = sys.version.split()[0], metadata.metadata("raydist")["Requires-Python"]
    if SpecifierSet(wanted).contains(release, prereleases=True):
        return Finding("python", "fine", release)
    return Finding("python", "stops", f"{release}, expected {wanted}", f"install raydist in Python {wanted}")


def check_packages() -> list[Finding]:
    """Every package that raydist declares: whether it is there, in a version that was tried."""
    from packaging.requirements import Requirement

    findings = []
    for text in metadata.requires("raydist") or []:
        needed = Requirement(text)
        if needed.name in FAISS or (needed.marker and not needed.marker.evaluate({"extra": ""})):
            continue
        one = check_package(needed.name, str(needed.specifier))
        if one.level != "fine" or needed.name in SHOWN:
            findings.append(one)
    return [*findings, check_faiss(), check_ray_serve()]


def check_package(name: str, wanted: str) -> Finding:
    """One package.

    Args:
        name: of the distribution.
        wanted: versions that pyproject.toml allows, such as ``>=2,<3``.
    """
    from packaging.specifiers import SpecifierSet

    release, install = version_of(name), f"pip install '{name}{wanted}'"
    if release is None:
        return Finding(name, "stops", f"not installed, expected {wanted or 'any version'}", install)
    if not SpecifierSet(wanted).contains(release, prereleases=True):
        return Finding(name, "warning", f"{release}, expected {wanted}", install)
    return Finding(name, "fine", release)


def check_faiss() -> Finding:
    """The library of neighbour searches, which has two distributions."""
    for name in FAISS:
        if release := version_of(name):
            return Finding("faiss", "fine", f"{name} {release}")
    return Finding(
        "faiss", "warning", "not installed: searches are exact, ivf is refused", "pip install faiss-cpu"
    )


def check_ray_serve() -> Finding:
    """What Ray Serve needs, which is an extra: only the gallery asks for it."""
    from packaging.requirements import Requirement

    needed = [Requirement(text) for text in (metadata.requires("ray") if version_of("ray") else None) or []]
    missing = [
        one.name
        for one in needed
        if one.marker and one.marker.evaluate({"extra": "serve"}) and version_of(one.name) is None
    ]
    if missing:
        text = f"not installed ({', '.join(missing)}), for raydist serve alone: pip install 'raydist[serve]'"
        return Finding("ray serve", "fine", text)
    return Finding("ray serve", "fine", "installed, for raydist serve")


def check_devices() -> Finding:
    """The GPUs that torch can use here."""
    try:
        import torch
    except (ImportError, OSError) as error:
        return Finding(
            "torch", "stops", f"cannot be imported ({error})", "pip install --force-reinstall torch"
        )
    count = torch.cuda.device_count()
    if not count:
        built = torch.version.cuda
        return Finding("GPUs", "fine", f"none; torch is {'for CUDA ' + built if built else 'for CPUs'}")
    names = ", ".join(torch.cuda.get_device_name(number) for number in range(count))
    return Finding("GPUs", "fine", f"{count} (CUDA {torch.version.cuda}): {names}")
