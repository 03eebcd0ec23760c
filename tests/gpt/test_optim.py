import pytest
import torch
from torch import nn

from aigc_cli.gpt.optim import NEWTON_SCHULZ, NEWTON_SCHULZ_STEPS, Muon, clipped, orthogonalised


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("shape", [(3, 8, 8), (2, 4, 9), (2, 9, 4)])
def test_orthogonalising_keeps_the_singular_vectors_and_evens_the_values(shape):
    stack = randn(*shape)
    u, _, vh = torch.linalg.svd(stack, full_matrices=False)
    inner = u.mT @ orthogonalised(stack) @ vh.mT
    values = inner.diagonal(dim1=1, dim2=2)
    assert float((inner - torch.diag_embed(values)).abs().max()) < 1e-3
    assert float(values.min()) > 0.3 and float(values.max()) < 1.3


def test_orthogonalising_does_not_depend_on_scale_or_company():
    stack = randn(3, 5, 7)
    torch.testing.assert_close(orthogonalised(stack * 1000), orthogonalised(stack))
    torch.testing.assert_close(orthogonalised(stack[1:2]), orthogonalised(stack)[1:2])
    assert torch.isfinite(orthogonalised(torch.zeros(1, 3, 3))).all()


def test_a_fused_matrix_moves_as_its_sections_do():
    fused, parts = nn.Parameter(randn(6, 4)), [nn.Parameter(randn(6, 4)[:2]), nn.Parameter(randn(6, 4)[2:])]
    together = Muon({"qk": fused}, {"qk": [2, 4]}, momentum=0.95)
    apart = Muon({"q": parts[0], "k": parts[1]}, {}, momentum=0.95)
    for step in range(3):
        gradient = randn(6, 4, seed=step)
        fused.grad, parts[0].grad, parts[1].grad = gradient, gradient[:2].clone(), gradient[2:].clone()
        together.step(0.1, 0.2)
        apart.step(0.1, 0.2)
    torch.testing.assert_close(fused.detach(), torch.cat([part.detach() for part in parts]))


def test_first_muon_step_moves_by_the_learning_rate():
    matrix = nn.Parameter(torch.zeros(16, 16))
    matrix.grad = randn(16, 16)
    Muon({"m": matrix}, {}, momentum=0.95).step(0.01, 0.0)
    assert float(matrix.detach().norm()) == pytest.approx(0.01 * 16**0.5, rel=0.2)


def test_restored_state_goes_on_bit_equal():
    def make(parameter):
        return Muon({"p": parameter}, {}, momentum=0.95)

    def steps(optimizer, parameter, numbers):
        for number in numbers:
            parameter.grad = randn(4, 4, seed=number)
            optimizer.step(0.1, 0.01)

    straight = nn.Parameter(randn(4, 4))
    optimizer = make(straight)
    steps(optimizer, straight, range(3))
    saved = {name: tensor.clone() for name, tensor in optimizer.state().items()}
    resumed = nn.Parameter(straight.detach().clone())
    again = make(resumed)
    again.restore(saved)
    steps(optimizer, straight, range(3, 6))
    steps(again, resumed, range(3, 6))
    assert torch.equal(straight, resumed)


def test_clipping_scales_all_gradients_together():
    a, b = nn.Parameter(torch.zeros(2)), nn.Parameter(torch.zeros(1))
    a.grad, b.grad = torch.tensor([3.0, 0.0]), torch.tensor([4.0])
    assert float(clipped([a, b], 10.0)) == 5.0
    assert a.grad.tolist() == [3.0, 0.0]
    assert float(clipped([a, b], 1.0)) == 5.0
    torch.testing.assert_close(torch.cat([a.grad, b.grad]), torch.tensor([0.6, 0.0, 0.8]), atol=1e-5, rtol=1e-5)
    assert float(clipped([a, b], 0.0)) == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("shape", [(6, 6), (4, 9), (9, 4)])
def test_orthogonalising_is_the_quintic_of_each_singular_value(shape):
    """In float64 against the singular value decomposition, and so within its bound of U V^T."""
    matrix = randn(*shape).double()
    u, values, vh = torch.linalg.svd(matrix, full_matrices=False)
    a, b, c = NEWTON_SCHULZ
    values = values / values.norm()
    for _ in range(NEWTON_SCHULZ_STEPS):
        values = a * values + b * values**3 + c * values**5
    ours = orthogonalised(matrix[None])[0]
    torch.testing.assert_close(ours, u @ values.diag() @ vh)
    assert torch.linalg.matrix_norm(ours - u @ vh, 2) == pytest.approx(float((values - 1).abs().max()))
    assert float((values - 1).abs().max()) < 0.4
