import pytest
import torch

from aigc_cli.gan.balance import balance_in_words, collapse_in_words, critic_accuracy, standing

TRAIN, VALID, GENERATED = torch.tensor([3.0, 5.0]), torch.tensor([2.0, 0.0]), torch.tensor([-1.0, 1.0])


def test_pairs_are_judged_by_order_and_pictures_by_sign():
    real, generated = torch.tensor([1.0, 2.0, -1.0, 4.0]), torch.tensor([0.0, 3.0, -2.0, -1.0])
    assert critic_accuracy(real, generated, divide=None).item() == 0.75
    assert critic_accuracy(real, generated, divide=0.0).item() == pytest.approx((3 / 4 + 2 / 4) / 2)


def test_paired_logits_are_divided_at_the_midpoint():
    """Means 4 and 0 divide at 2: held-out 2.0 is not above it, 0.0 neither; a shift of all changes nothing."""
    for shift in (0.0, -10.0):
        found = standing(TRAIN + shift, VALID + shift, GENERATED + shift, divide=None)
        assert found["critic_accuracy_train"] == 1 and found["critic_accuracy_generated"] == 1
        assert found["critic_accuracy_valid"] == 0
        assert found["overfitting"] == pytest.approx((4 - 1) / 4)


def test_textbook_logits_are_divided_at_zero():
    found = standing(TRAIN, VALID, GENERATED, divide=0.0)
    assert (found["critic_accuracy_valid"], found["critic_accuracy_generated"]) == (0.5, 0.5)


def test_overfitting_runs_from_0_to_1():
    assert standing(TRAIN, TRAIN, GENERATED, divide=None)["overfitting"] == 0
    assert standing(TRAIN, GENERATED, GENERATED, divide=None)["overfitting"] == 1
    assert standing(GENERATED, VALID, GENERATED, divide=None)["overfitting"] == 0


def test_without_held_out_pictures_their_numbers_are_left_out():
    assert set(standing(TRAIN, torch.empty(0), GENERATED, divide=None)) == {
        "critic_accuracy_train",
        "critic_accuracy_generated",
    }


def test_words():
    assert balance_in_words({}) == ""
    assert balance_in_words({"critic_accuracy": 0.95}) == "critic ahead (critic 95%)"
    assert balance_in_words({"critic_accuracy": 0.7, "spread": 0.9}) == "balanced (critic 70%)"
    assert balance_in_words({"critic_accuracy": 0.4}).startswith("generator ahead")
    assert "collapsed" in balance_in_words({"critic_accuracy": 0.7, "spread": 0.1})
    assert balance_in_words({"spread": 0.9, "spread_within": 0.42}) == "labels collapsed: spread 0.42 within them"
    assert balance_in_words({"spread": 0.9, "spread_within": 0.8}) == ""
    assert balance_in_words({"spread": 0.4, "spread_within": 0.4}) == ""  # little varied, within labels as a whole


def test_a_collapse_is_a_fall_to_next_to_nothing():
    assert collapse_in_words(0.05, 0.9) != ""
    assert collapse_in_words(0.2, 0.9) == ""  # low, but pictures that differ
    assert collapse_in_words(0.05, 0.1) == ""  # never was more
