"""Linear layers by oneDNN: the same products and gradients, only while they are asked for."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from hierarcaps.runtime import onednn
from hierarcaps.runtime.onednn import linear_by_onednn

if not onednn._can():
    pytest.skip("this torch has no oneDNN for x86 processors", allow_module_level=True)

LINEAR = F.linear
CPU = torch.device("cpu")


@pytest.fixture
def products(monkeypatch) -> list[tuple[int, ...]]:
    """Shapes of what oneDNN was asked to multiply."""
    shapes = []
    product = onednn._product

    def noted(x, weight, bias=None):
        shapes.append((*x.shape, len(weight)))
        return product(x, weight, bias)

    monkeypatch.setattr(onednn, "_product", noted)
    return shapes


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(180, 384), (2, 90, 384), (6, 3, 10, 384)])
@pytest.mark.parametrize("transposed", [False, True])
def test_products_and_gradients_are_those_of_torch(products, shape, bias, transposed):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(shape, generator=generator)
    if transposed:
        x = x.transpose(0, -1).contiguous().transpose(0, -1)
    layer = nn.Linear(384, 512, bias=bias)
    weights = torch.randn(*shape[:-1], 512, generator=generator)

    def computed(dtype):
        layer.to(dtype).zero_grad()
        inputs = x.to(dtype, copy=True).requires_grad_()
        result = layer(inputs)
        result.transpose(0, -1).mul_(2)  # as DeBERTa does
        (result * weights.to(dtype)).sum().backward()
        return [result, inputs.grad, *(each.grad.clone() for each in layer.parameters())]

    with linear_by_onednn(CPU):
        found = computed(torch.float32)
        assert len(products) == 3
        expected = computed(torch.float64)
    assert len(products) == 3
    for one, other in zip(found, expected, strict=True):
        assert one.dtype == torch.float32
        torch.testing.assert_close(one.double(), other, rtol=1e-4, atol=2e-4)


def test_what_is_frozen_gets_no_gradient(products):
    layer = nn.Linear(256, 512).requires_grad_(False)
    x = torch.ones(300, 256, requires_grad=True)
    with linear_by_onednn(CPU):
        layer(x).sum().backward()
        assert len(products) == 2
        layer(x.detach())
    assert len(products) == 3
    assert layer.weight.grad is None


@pytest.mark.parametrize(
    ("x", "weight"),
    [
        (torch.ones(300, 256).double(), torch.ones(512, 256).double()),
        (torch.ones(300, 256).bfloat16(), torch.ones(512, 256).bfloat16()),
        (torch.ones(3, 256), torch.ones(256, 256)),
        (torch.ones(140_000), torch.ones(256, 140_000)),
    ],
    ids=["double", "half", "few", "vector"],
)
def test_all_else_is_left_to_torch(products, x, weight):
    with linear_by_onednn(CPU):
        assert torch.equal(F.linear(x, weight), LINEAR(x, weight))
    assert not products


def test_smaller_products_pay_where_shapes_are_few(products):
    layer, x = nn.Linear(256, 256), torch.ones(64, 256)
    with linear_by_onednn(CPU):
        layer(x)
        assert not products
        with linear_by_onednn(CPU, few_shapes=True):
            layer(x)
            assert len(products) == 1
    with linear_by_onednn(CPU):
        layer(x)
    assert len(products) == 1


def test_it_ends_with_the_last_that_asked():
    with linear_by_onednn(CPU):
        with pytest.raises(ValueError, match="stop"), linear_by_onednn(CPU):
            raise ValueError("stop")
        assert F.linear is not LINEAR
        assert not torch.backends.mha.get_fastpath_enabled()
    assert F.linear is LINEAR
    assert torch.backends.mha.get_fastpath_enabled()


@pytest.mark.parametrize("device", ["cuda", "cuda:1", "mps"])
def test_nothing_changes_for_models_elsewhere(device):
    with linear_by_onednn(torch.device(device)):
        assert F.linear is LINEAR
        assert torch.backends.mha.get_fastpath_enabled()


@pytest.mark.filterwarnings("ignore:TF32 acceleration")
def test_who_has_turned_onednn_off_is_left_alone():
    with torch.backends.mkldnn.flags(enabled=False), linear_by_onednn(CPU):
        assert F.linear is LINEAR


def test_attention_is_multiplied_likewise(products):
    attention = nn.MultiheadAttention(512, 4, batch_first=True).eval()
    x = torch.randn(2, 80, 512, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        expected, _ = attention(x, x, x, need_weights=False)
        with linear_by_onednn(CPU):
            found, _ = attention(x, x, x, need_weights=False)
    assert len(products) == 2
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
