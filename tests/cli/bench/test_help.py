import pytest


@pytest.mark.parametrize("command", ["cluster", "refresh", "scale", "train"])
def test_every_command_tells_its_arguments(raydist, command):
    result = raydist("bench", command, "--help")
    assert result.code == 0
    assert "--json" in result.out
