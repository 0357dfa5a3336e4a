"""The facts that microdpo.py teaches."""

import itertools
import math
import random

import pytest
from scripts import load

d = load("microdpo.py")
VOCAB = "\nabe"
V = len(VOCAB)


@pytest.fixture
def model():
    model = d.init_model(V, random.Random(4))
    for p in d.parameters(model):
        p.data *= 5.0  # far from uniform guesses
    return model


def log_p(floats, tokens):
    """log pi(y), from softmax as it is written in books."""
    cache, total = ([], []), 0.0
    for a, b in zip(tokens, tokens[1:]):
        exps = [math.exp(x) for x in d.gpt_floats(floats, a, cache)]
        total += math.log(exps[b] / sum(exps))
    return total


def differences(loss_of, model):
    """Check the gradients of a loss against central differences, for some of each matrix."""
    for p in d.parameters(model):
        p.grad = 0.0
    loss_of().backward()
    for matrix in model.values():
        for p in [row[i % len(row)] for i, row in enumerate(matrix[:5])]:
            before, h = p.data, 1e-6
            p.data = before + h
            above = loss_of().data
            p.data = before - h
            below = loss_of().data
            p.data = before
            assert p.grad == pytest.approx((above - below) / (2 * h), rel=1e-5, abs=1e-8)


def test_dpo_loss_against_differences(model):
    args = [0, 1, 2, 0], [0, 3, 3, 1, 0], -3.5, -2.25, 0.7
    differences(lambda: d.dpo_loss(model, *args), model)


def test_word_loss_against_differences(model):
    differences(lambda: d.word_loss(model, [0, 1, 3, 2, 0]), model)


def test_dpo_loss_is_equation_7(model):
    chosen, rejected, ref_chosen, ref_rejected, beta = (
        [0, 1, 2, 0],
        [0, 3, 3, 1, 0],
        -9.0,
        -2.0,
        0.3,
    )
    floats = d.freeze(model)
    margin = beta * (log_p(floats, chosen) - ref_chosen) - beta * (
        log_p(floats, rejected) - ref_rejected
    )
    loss = d.dpo_loss(model, chosen, rejected, ref_chosen, ref_rejected, beta)
    assert loss.data == pytest.approx(-math.log(1 / (1 + math.exp(-margin))), rel=1e-12)


def test_gradient_of_dpo_is_that_of_the_paper(model):
    # -beta sigmoid(-margin) (grad log pi(y_w) - grad log pi(y_l)): section 4 of the paper
    chosen, rejected, beta = [0, 1, 2, 0], [0, 3, 3, 1, 0], 0.3
    loss = d.dpo_loss(model, chosen, rejected, -9.0, -2.0, beta)
    loss.backward()
    found = [p.grad for p in d.parameters(model)]
    grads = []
    for tokens in (chosen, rejected):
        for p in d.parameters(model):
            p.grad = 0.0
        d.log_pi(model, tokens).backward()
        grads.append([p.grad for p in d.parameters(model)])
    weight = -beta * (1 - math.exp(-loss.data))
    assert found == pytest.approx([weight * (a - b) for a, b in zip(*grads)], rel=1e-9, abs=1e-12)


def test_loss_of_a_copy_of_the_reference_is_ln_2_to_the_last_bit(model):
    reference = d.freeze(model)
    policy = d.thaw(reference)
    pairs = d.make_pairs(reference, VOCAB, 5, random.Random(1))
    for chosen, rejected, a, b, _ in pairs:
        for beta in d.BETAS:
            assert d.dpo_loss(policy, chosen, rejected, a, b, beta).data == math.log(2)


def test_training_the_policy_leaves_the_reference_alone(model):
    reference = d.freeze(model)
    policy = d.thaw(reference)
    pairs = d.make_pairs(reference, VOCAB, 4, random.Random(1))
    losses = d.train("DPO", policy, d.dpo_loss, [[(*pair[:4], 1.0)] for pair in pairs], 0.01)
    assert len(losses) == 4
    assert reference == d.freeze(model)
    assert reference != d.freeze(policy)


def test_train_steps_on_the_mean_of_a_batch(model):
    reference, seen = d.freeze(model), []
    batch = [([0, 1, 2, 0],), ([0, 3, 0],)]
    losses = d.train("SFT", model, d.word_loss, [batch, batch], 0.01, seen.append)
    assert seen == [0, 1, 2]
    other = d.thaw(reference)
    params = d.parameters(other)
    m, v = [0.0] * len(params), [0.0] * len(params)
    for step, rate in ((1, 0.01), (2, 0.005)):
        for p in params:
            p.grad = 0.0
        a, b = [d.word_loss(other, *example) for example in batch]
        loss = (a + b) / 2
        loss.backward()
        assert losses[step - 1] == pytest.approx(loss.data, rel=1e-12)
        d.adam_step(params, m, v, step, rate, d.BETA1, d.BETA2)
    assert [p.data for p in d.parameters(model)] == pytest.approx(
        [p.data for p in params], rel=1e-9
    )


def test_floats_are_the_same_numbers_to_the_last_bit(model):
    floats, values, plain = d.freeze(model), ([], []), ([], [])
    for token in [0, 1, 3, 2, 2, 1]:
        logits = d.gpt(model, token, values)
        assert [logit.data for logit in logits] == d.gpt_floats(floats, token, plain)
    tokens = [0, 1, 3, 2, 0]
    assert d.log_pi(model, tokens).data == d.log_pi_floats(floats, tokens)
    assert d.log_pi_floats(floats, tokens) == pytest.approx(log_p(floats, tokens), rel=1e-12)
    assert d.word_loss(model, tokens).data == pytest.approx(-log_p(floats, tokens) / 4, rel=1e-12)


def test_probabilities_of_all_words_sum_to_1(model, monkeypatch):
    # so the sum includes the end, and a word that is cut off counts without one
    monkeypatch.setattr(d, "BLOCK_SIZE", 3)
    floats, total = d.freeze(model), 0.0
    for n in range(4):
        for letters in itertools.product(range(1, V), repeat=n):
            total += math.exp(d.log_pi_floats(floats, [0, *letters, *[0] * (n < 3)]))
    assert total == pytest.approx(1.0, rel=1e-12)


def test_sample_draws_words_as_often_as_their_probability(model, monkeypatch):
    monkeypatch.setattr(d, "BLOCK_SIZE", 2)
    floats, rng, count, n = d.freeze(model), random.Random(3), {}, 2000
    for _ in range(n):
        tokens, log_pi = d.sample(floats, rng)
        assert log_pi == d.log_pi_floats(floats, tokens)
        count[tuple(tokens)] = count.get(tuple(tokens), 0) + 1
    for tokens, found in count.items():
        assert tokens[0] == 0 and (len(tokens) == 3 or tokens[-1] == 0)
        p = math.exp(d.log_pi_floats(floats, tokens))
        assert abs(found - n * p) < 4.5 * (n * p * (1 - p)) ** 0.5 + 1


def test_log_prob_and_its_gradient_where_safe_log_would_stop():
    logits = [d.Value(x) for x in (0.0, 1.0, -800.0)]
    out = d.log_prob(logits, 2)
    out.backward()
    assert out.data == pytest.approx(-800 - math.log(1 + math.e), rel=1e-12)
    assert [x.grad for x in logits] == pytest.approx([-1 / (1 + math.e), -math.e / (1 + math.e), 1])


def test_softplus_and_sigmoid():
    for x in (-800.0, -40.0, -3.0, 0.0, 2.0, 800.0):
        leaf = d.Value(x)
        out = d.softplus(leaf)
        out.backward()
        exact = math.log1p(math.exp(x)) if x < 30 else x
        assert out.data == pytest.approx(exact, rel=1e-12)
        slope = math.exp(x) / (1 + math.exp(x)) if x < 30 else 1.0
        assert leaf.grad == d.sigmoid(x) == pytest.approx(slope, rel=1e-12)


def test_taste():
    assert [d.clashes(word) for word in ("nora", "anna", "scott", "ea", "a", "")] == [
        0, 1, 2, 1, 0, 0,
    ]  # fmt: skip
    assert [d.taste(word) for word in ("nora", "anna", "scott", "a", "")] == [
        3, 2 - d.PENALTY, 2 - 2 * d.PENALTY, 0, 0,
    ]  # fmt: skip
    assert [d.suits(word) for word in ("nora", "my", "anna", "a", "")] == [
        True, True, False, False, False,
    ]  # fmt: skip


def test_labels_are_bradley_and_terrys(model):
    reference = d.freeze(model)
    pairs = d.make_pairs(reference, VOCAB, 800, random.Random(1))
    assert len(pairs) == 800
    for chosen, rejected, a, b, p in pairs[:100]:
        assert (a, b) == (d.log_pi_floats(reference, chosen), d.log_pi_floats(reference, rejected))
        gap = d.taste(d.spell(chosen, VOCAB)) - d.taste(d.spell(rejected, VOCAB))
        assert p == pytest.approx(1 / (1 + math.exp(-d.SCALE * gap)), rel=1e-9)
    # the taste agrees with as many labels as the ceiling says, within 4 standard errors
    gaps = [(d.taste(d.spell(c, VOCAB)), d.taste(d.spell(r, VOCAB))) for c, r, *_ in pairs]
    labels, fresh = d.agreement(gaps, pairs)
    assert fresh == pytest.approx(d.mean(max(p, 1 - p) for *_, p in pairs), rel=1e-12)
    assert labels == pytest.approx(fresh, abs=4 * 0.5 / 800**0.5)
    assert fresh < 0.99


def test_agreement_by_hand():
    pairs = [([], [], 0.0, 0.0, p) for p in (0.9, 0.2, 0.7)]
    labels, fresh = d.agreement([(2, 1), (1, 2), (0, 0)], pairs)
    assert labels == pytest.approx((1 + 0 + 0.5) / 3)
    assert fresh == pytest.approx((0.9 + 0.8 + 0.5) / 3)
    assert d.agreement([(5, 1)], pairs[:1]) == (1.0, pytest.approx(0.9))


def test_kl_is_estimated_without_bias(model, monkeypatch):
    monkeypatch.setattr(d, "BLOCK_SIZE", 2)
    floats = d.freeze(model)
    reference = d.freeze(d.init_model(V, random.Random(9)))
    words = [[0, 0], *([0, a, b] for a in range(1, V) for b in range(V))]
    logs = [(log_p(floats, tokens), log_p(reference, tokens)) for tokens in words]
    exact = sum(math.exp(a) * (a - b) for a, b in logs)
    figures = d.measure(floats, reference, [], VOCAB, 2000, random.Random(2))
    assert abs(figures["kl"] - exact) < 4 * figures["error"] < 0.3 * exact
    variance = sum(math.exp(a) * (a - b - exact) ** 2 for a, b in logs)
    assert figures["error"] == pytest.approx((variance / 2000) ** 0.5, rel=0.1)
    suits = sum(math.exp(a) * d.suits(d.spell(y, VOCAB)) for (a, _), y in zip(logs, words))
    assert figures["share"] == pytest.approx(suits, abs=0.05)
    points = [d.taste(word) for word in figures["words"]]
    center = sum(points) / 2000
    assert figures["points"] == pytest.approx(center)
    error = (sum((y - center) ** 2 for y in points) / 2000 / 2000) ** 0.5
    assert figures["se"] == pytest.approx(error)
    same = d.measure(reference, reference, [], VOCAB, 50, random.Random(2))
    assert same["kl"] == same["error"] == 0.0


def test_figures_of_a_policy_on_pairs(model):
    floats = d.freeze(model)
    reference = d.freeze(d.init_model(V, random.Random(9)))
    pairs = d.make_pairs(reference, VOCAB, 40, random.Random(1))
    figures = d.measure(floats, reference, pairs, VOCAB, 5, random.Random(2))
    moved = [[log_p(floats, y) - log_p(reference, y) for y in pair[:2]] for pair in pairs]
    assert figures["chosen"] == pytest.approx(sum(a for a, _ in moved) / 40)
    assert figures["rejected"] == pytest.approx(sum(b for _, b in moved) / 40)
    suit = [d.suits(d.spell(pair[0], VOCAB)) for pair in pairs]
    for key, kind in (("good", True), ("bad", False)):
        part = [a for (a, _), s in zip(moved, suit) if s == kind]
        assert figures[key] == pytest.approx(sum(part) / len(part))
    ties = sum(pair[0] == pair[1] for pair in pairs)  # the same word twice: half a vote each
    assert figures["labels"] == pytest.approx((sum(a > b for a, b in moved) + 0.5 * ties) / 40)


def test_optimum_is_equation_4_and_nothing_nearby_has_more_reward():
    words, beta = ["nora", "anna", "scott", "my", "nora"], 3.0
    weights = [math.exp(d.SCALE * d.taste(word) / beta) for word in words]
    shares = [weight / sum(weights) for weight in weights]
    kl, points, share = d.optimum(words, beta)
    assert kl == pytest.approx(sum(p * math.log(p / 0.2) for p in shares))
    assert points == pytest.approx(sum(p * d.taste(word) for p, word in zip(shares, words)))
    assert share == pytest.approx(shares[0] + shares[3] + shares[4])
    rng = random.Random(1)
    for _ in range(50):
        others = [p * math.exp(rng.gauss(0.0, 0.1)) for p in shares]
        others = [p / sum(others) for p in others]
        reward = sum(d.SCALE * p * d.taste(word) for p, word in zip(others, words))
        distance = sum(p * math.log(p / 0.2) for p in others)
        assert reward - beta * distance < d.SCALE * points - beta * kl


def test_best_of_n_by_enumeration():
    words = ["nora", "anna", "scott", "my"]
    triples = itertools.product(map(d.taste, words), repeat=3)
    kl, points = d.best_of(words, 3)
    assert points == pytest.approx(sum(map(max, triples)) / 64)
    assert kl == pytest.approx(math.log(3) - 2 / 3)
    assert d.best_of(words, 1) == (0.0, pytest.approx(sum(map(d.taste, words)) / 4))


def test_interpolate():
    points = [(0.0, 1.0), (0.5, 3.0), (2.0, 0.0)]
    assert [d.interpolate(points, x) for x in (-1.0, 0.0, 0.25, 0.5, 1.0, 9.0)] == [
        1.0, 1.0, 2.0, 3.0, 2.0, 0.0,
    ]  # fmt: skip


def test_picture(capsys):
    points = [(0.0, 1.0, "a"), (10.0, 0.0, "b"), (5.0, 9.0, "c"), (5.0, -9.0, "d")]
    d.draw_plane(points, 2, 0.0, 1.0, 10)
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "    1.00 |a" + " " * 29 + "c",
        "    0.50 |",
        "    0.00 |" + " " * 30 + "d" + " " * 29 + "b",
    ]
