"""Real files of torch.save, and torch's own reading of them and of what became of them."""

from __future__ import annotations

import io

import pytest
import torch
from safetensors.torch import load

from tests.registry.converting.build import converted


def _state() -> dict[str, torch.Tensor]:
    torch.manual_seed(8)
    base = torch.randn(60, 40)
    return {
        "plain": base,
        "tied": base,
        "rows": base[10:20],
        "transposed": torch.randn(30, 7).T,
        "channels_last": torch.randn(8, 16, 3, 3).to(memory_format=torch.channels_last),
        "steps": torch.randn(50, 50)[::7, ::3],
        "expanded": torch.randn(1, 5).expand(4, 5),
        "parameter": torch.nn.Parameter(torch.randn(3)),
        "scalar": torch.tensor(3.5),
        "empty": torch.zeros(0, 4),
        "bool": torch.tensor([True, False, True]),
        "int64": torch.arange(77),
        "int8": torch.arange(-3, 3, dtype=torch.int8),
        "half": torch.randn(9).half(),
        "bfloat16": torch.randn(9).bfloat16(),
        "double": torch.randn(9).double(),
        "complex": torch.randn(4, dtype=torch.complex64),
        "e4m3": torch.randn(9).to(torch.float8_e4m3fn),
        "e5m2": torch.randn(9).to(torch.float8_e5m2),
        "uint16": torch.arange(5).to(torch.uint16),
    }


def _bytes_of(tensor: torch.Tensor) -> bytes:
    return tensor.detach().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_torch_reads_the_same_tensors_out_of_both_files(zipped):
    # The layout before the zip knows no types that have no storage class.
    state = {name: tensor for name, tensor in _state().items() if zipped or name not in {"e4m3", "e5m2", "uint16"}}
    held = io.BytesIO()
    torch.save({"state_dict": state, "epoch": 3}, held, _use_new_zipfile_serialization=zipped)
    source = torch.load(io.BytesIO(held.getvalue()), weights_only=True)["state_dict"]

    found, report, result = converted(held.getvalue())

    ours = load(result)
    assert ours.keys() == source.keys() == found.keys()
    assert report.shared == [["plain", "rows", "tied"]]
    for name, tensor in source.items():
        assert (ours[name].dtype, ours[name].shape) == (tensor.dtype, tensor.shape)
        assert _bytes_of(ours[name]) == _bytes_of(tensor)


def test_a_whole_module_and_its_optimizer_come_out_as_the_module():
    module = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))
    optimizer = torch.optim.Adam(module.parameters())
    module(torch.randn(2, 3, 8, 8)).sum().backward()
    optimizer.step()
    held = io.BytesIO()
    torch.save({"model": module.state_dict(), "optimizer": optimizer.state_dict(), "scaler": {}}, held)

    _found, report, result = converted(held.getvalue())

    ours = load(result)
    assert all(torch.equal(ours[name], tensor) for name, tensor in module.state_dict().items())
    assert report.left_out == ["optimizer", "scaler"]
