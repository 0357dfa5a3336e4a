"""The facts that microppo.py teaches."""

import itertools
import math
import operator
import random

import pytest
from scripts import load

p = load("microppo.py")
VOCAB = "\nabe"
V = len(VOCAB)


@pytest.fixture
def model():
    model = p.init_model(V, random.Random(4))
    for a in p.parameters(model):
        a.data *= 5.0  # far from uniform guesses
    return model


def softmax(xs):
    exps = [math.exp(x) for x in xs]
    return [e / sum(exps) for e in exps]


def test_clip_and_its_derivative():
    for x, value, slope in (
        (-3.0, 0.8, 0), (0.79, 0.8, 0), (0.81, 0.81, 1), (1.0, 1.0, 1), (1.19, 1.19, 1),
        (1.21, 1.2, 0), (9.0, 1.2, 0),
    ):  # fmt: skip
        leaf = p.Value(x)
        out = leaf.clip(0.8, 1.2) * 3.0
        out.backward()
        assert out.data == pytest.approx(3.0 * value, rel=1e-12)
        assert leaf.grad == 3.0 * slope
    leaf = p.Value(7.0)
    out = leaf.clip(-math.inf, math.inf)
    out.backward()
    assert (out.data, leaf.grad) == (7.0, 1.0)


@pytest.mark.parametrize(
    ("ratio", "advantage", "value", "moves"),
    [  # figure 1 of the paper: A > 0 is flat above 1 + eps, A < 0 is flat below 1 - eps
        (1.5, 2.0, 2.4, False),
        (0.5, 2.0, 1.0, True),
        (1.5, -2.0, -3.0, True),
        (0.5, -2.0, -1.6, False),
        (1.1, 2.0, 2.2, True),
        (0.9, -2.0, -1.8, True),
    ],
)
def test_the_cases_of_the_clipped_surrogate(ratio, advantage, value, moves):
    old = -1.3
    log_p = p.Value(old + math.log(ratio))
    loss = p.surrogate(log_p, old, advantage, 0.2)
    loss.backward()
    assert loss.data == pytest.approx(value, rel=1e-12)
    # d ratio / d log p = ratio
    assert log_p.grad == pytest.approx(ratio * advantage * moves, rel=1e-12)
    log_p.grad = 0.0
    free = p.surrogate(log_p, old, advantage, math.inf)
    free.backward()
    assert free.data == pytest.approx(ratio * advantage, rel=1e-12)
    assert log_p.grad == pytest.approx(ratio * advantage, rel=1e-12)


def test_at_ratio_1_the_gradient_is_that_of_the_policy_gradient(model):
    tokens, advantages = [0, 1, 3, 2, 0], [0.5, -2.0, 1.0, 3.0]
    old = p.log_probs_floats(p.freeze(model), tokens)
    grads = []
    for terms in (
        lambda new: list(map(p.surrogate, new, old, advantages, [0.2] * 4)),
        lambda new: [a * b for a, b in zip(new, advantages)],
    ):
        for a in p.parameters(model):
            a.grad = 0.0
        p.vsum(terms(p.log_probs(model, tokens))).backward()
        grads.append([a.grad for a in p.parameters(model)])
    assert grads[0] == pytest.approx(grads[1], rel=1e-9, abs=1e-12)
    assert max(map(abs, grads[0])) > 0.1


def test_whole_loss_against_differences(model):
    tokens, advantages = [0, 1, 3, 2, 2, 0], [0.5, -2.0, 1.0, 3.0, -1.0]
    old = [a + b for a, b in zip(p.log_probs_floats(p.freeze(model), tokens),
                                 (0.3, 0.4, -0.1, -0.5, -0.6))]  # fmt: skip

    def loss():
        terms = map(p.surrogate, p.log_probs(model, tokens), old, advantages, [0.2] * 5)
        return p.vsum(list(terms)) * -0.2

    loss().backward()
    for matrix in model.values():
        for a in [row[i % len(row)] for i, row in enumerate(matrix[:5])]:
            before, h = a.data, 1e-6
            a.data = before + h
            above = loss().data
            a.data = before - h
            below = loss().data
            a.data = before
            assert a.grad == pytest.approx((above - below) / (2 * h), rel=1e-5, abs=1e-8)


REWARDS, VALUES = [0.1, -0.4, 0.3, 2.0], [0.7, -0.2, 0.5, 1.1]


def test_gae_and_its_two_limits():
    errors = [r + b - a for r, a, b in zip(REWARDS, VALUES, [*VALUES[1:], 0.0])]
    assert p.gae(REWARDS, VALUES, 0.0) == pytest.approx(errors, rel=1e-12)
    to_go = [sum(REWARDS[t:]) - VALUES[t] for t in range(4)]
    assert p.gae(REWARDS, VALUES, 1.0) == pytest.approx(to_go, rel=1e-12)
    # equation 16 of the paper: the sum of (gamma lambda)^l delta_(t+l), with gamma 1
    sums = [sum(0.9**k * d for k, d in enumerate(errors[t:])) for t in range(4)]
    assert p.gae(REWARDS, VALUES, 0.9) == pytest.approx(sums, rel=1e-12)


def test_gae_is_the_weighted_mean_of_k_step_advantages():
    lam, found = 0.8, p.gae(REWARDS, VALUES, 0.8)
    for t in range(4):
        steps = [
            sum(REWARDS[t : t + k]) + (VALUES[t + k] if t + k < 4 else 0.0) - VALUES[t]
            for k in range(1, 200)
        ]
        mean = (1 - lam) * sum(lam**i * a for i, a in enumerate(steps))
        assert found[t] == pytest.approx(mean, rel=1e-9)


def test_rewards_of_tokens_sum_to_score_less_kl_cost():
    assert p.rewards([0.5, -1.0, 2.0], 3.0, 0.4) == pytest.approx([-0.2, 0.4, 2.2])
    assert p.rewards([0.5], 3.0, 0.0) == [3.0]


def test_normalize():
    rows = p.normalize([[1.0, 5.0], [], [9.0, -3.0, 2.0]])
    assert [len(row) for row in rows] == [2, 0, 3]
    flat = [a for row in rows for a in row]
    assert sum(flat) == pytest.approx(0.0, abs=1e-12)
    assert sum(a * a for a in flat) / 5 == pytest.approx(1.0, rel=1e-6)
    assert flat[0] < flat[4] < flat[1] < flat[2]
    assert p.normalize([[2.0, 2.0]]) == [[0.0, 0.0]]


def reward_loss(weights, chosen, rejected):
    margin = p.predict(weights, p.counts(chosen)) - p.predict(weights, p.counts(rejected))
    return math.log(1 + math.exp(-margin))


def test_gradient_of_the_reward_model_against_differences():
    chosen, rejected, h = [0, 1, 2, 1, 2, 0], [0, 3, 1, 2, 0], 1e-6
    weights = {
        pair: math.sin(3 * i) for i, pair in enumerate(itertools.product(range(V), repeat=2))
    }
    found = p.reward_gradient(weights, chosen, rejected)
    for pair in weights:
        losses = [
            reward_loss({**weights, pair: weights[pair] + d}, chosen, rejected) for d in (h, -h)
        ]
        numeric = (losses[0] - losses[1]) / (2 * h)
        assert found.get(pair, 0.0) == pytest.approx(numeric, rel=1e-5, abs=1e-9)
    assert found[1, 2] != 0 and found[3, 1] != 0 and found[2, 0] == 0


def test_score_of_a_word_by_hand():
    weights = {(0, 1): 0.5, (1, 2): -1.0, (2, 1): 4.0}
    assert p.predict(weights, p.counts([0, 1, 2, 1, 2, 0])) == 0.5 - 1.0 + 4.0 - 1.0


def test_reward_model_learns_what_is_preferred_and_is_standardized():
    good, bad, words = [0, 1, 2, 0], [0, 2, 2, 0], [[0, 1, 2, 0], [0, 2, 2, 0], [0, 3, 1, 2, 0]]
    weights, shift = p.fit_reward([(good, bad, 0.9)] * 9 + [(bad, good, 0.1)], words)
    scores = [p.predict(weights, p.counts(word)) - shift for word in words]
    assert scores[0] > scores[1]
    assert sum(scores) == pytest.approx(0.0, abs=1e-12)
    assert sum(a * a for a in scores) / 3 == pytest.approx(1.0, rel=1e-12)


def test_reward_model_reaches_the_log_odds_of_its_labels(monkeypatch):
    # 3 of 4 labels for one side: the likelihood is best at a margin of log 3
    monkeypatch.setattr(p, "DECAY", 0.0)
    monkeypatch.setattr(p, "PASSES", 300)
    pairs = [([0, 1, 0], [0, 2, 0], 0.0)] * 3 + [([0, 2, 0], [0, 1, 0], 0.0)]
    weights = {}
    monkeypatch.setattr(p, "variance", lambda values: 1.0)  # so that the unit stays
    weights, _ = p.fit_reward(pairs, [[0, 1, 0]])
    margin = p.predict(weights, p.counts([0, 1, 0])) - p.predict(weights, p.counts([0, 2, 0]))
    assert margin == pytest.approx(math.log(3), abs=0.05)


def test_decay_pulls_the_weights_to_0(monkeypatch):
    monkeypatch.setattr(p, "PASSES", 300)
    monkeypatch.setattr(p, "variance", lambda values: 1.0)
    monkeypatch.setattr(p, "DECAY", 0.25)
    pairs = [([0, 1, 0], [0, 2, 0], 0.0)] * 3 + [([0, 2, 0], [0, 1, 0], 0.0)]
    weights, _ = p.fit_reward(pairs, [[0, 1, 0]])
    w = weights[0, 1]  # by symmetry all four weights are w or -w, and the margin is 4 w
    slope = 0.75 - 1 / (1 + math.exp(-4 * w))  # of the mean log-likelihood, by each weight
    assert w > 0.1 and slope == pytest.approx(0.25 * w, abs=0.02)


def test_gradient_of_the_value_function_against_differences():
    v, x, target, h = {"so far": 0.3, ("last", 2): -0.5}, None, 1.7, 1e-6
    x = {("length", 1): 1.0, ("last", 2): 1.0, "so far": -0.8}
    before = {name: v.get(name, 0.0) for name in x}
    p.fit_value(v, x, target)
    square = sum(a * a for a in x.values())
    for name in x:
        losses = [
            (p.predict({**before, name: before[name] + d}, x) - target) ** 2 / 2 for d in (h, -h)
        ]
        slope = (losses[0] - losses[1]) / (2 * h)
        assert v[name] == pytest.approx(before[name] - p.VALUE_RATE * slope / square, rel=1e-6)
    # a step takes away the share VALUE_RATE of the error
    left = (p.predict(v, x) - target) / (p.predict(before, x) - target)
    assert left == pytest.approx(1 - p.VALUE_RATE, rel=1e-9)


def test_features_see_no_future():
    weights = {(0, 1): 0.5, (1, 2): -1.0, (2, 2): 4.0, (2, 0): 9.0}
    states = p.features(weights, [0, 1, 2, 2, 0])
    assert len(states) == 4  # one for each token that is chosen
    assert [x["so far"] for x in states] == [0.0, 0.5, -0.5, 3.5]
    for t, last in enumerate([0, 1, 2, 2]):
        assert states[t] == {("length", t): 1.0, ("last", last): 1.0, "so far": states[t]["so far"]}
    assert p.features(weights, [0, 1, 2, 3])[:3] == states[:3]


def test_floats_are_the_same_model(model):
    floats, values, plain = p.freeze(model), ([], []), ([], [])
    for token in [0, 1, 3, 2, 2, 1]:
        logits = [a.data for a in p.gpt(model, token, values)]
        assert logits == pytest.approx(p.gpt_floats(floats, token, plain), rel=1e-12)
    tokens, cache = [0, 1, 3, 2, 0], ([], [])
    logs = [
        math.log(softmax(p.gpt_floats(floats, a, cache))[b]) for a, b in zip(tokens, tokens[1:])
    ]
    assert p.log_probs_floats(floats, tokens) == pytest.approx(logs, rel=1e-12)
    assert [a.data for a in p.log_probs(model, tokens)] == pytest.approx(logs, rel=1e-12)


def test_sample_draws_words_as_often_as_their_probability(model, monkeypatch):
    monkeypatch.setattr(p, "BLOCK_SIZE", 2)
    floats, rng, count, n = p.freeze(model), random.Random(3), {}, 800
    for _ in range(n):
        tokens, log_ps = p.sample(floats, rng)
        assert log_ps == p.log_probs_floats(floats, tokens)
        count[tuple(tokens)] = count.get(tuple(tokens), 0) + 1
    for tokens, found in count.items():
        assert tokens[0] == 0 and (len(tokens) == 3 or tokens[-1] == 0)
        share = math.exp(sum(p.log_probs_floats(floats, tokens)))
        assert abs(found - n * share) < 4.5 * (n * share * (1 - share)) ** 0.5 + 1


def test_log_prob_and_its_gradient_where_safe_log_would_stop():
    logits = [p.Value(x) for x in (0.0, 1.0, -800.0)]
    out = p.log_prob(logits, 2)
    out.backward()
    assert out.data == pytest.approx(-800 - math.log(1 + math.e), rel=1e-12)
    assert [x.grad for x in logits] == pytest.approx([-1 / (1 + math.e), -math.e / (1 + math.e), 1])


def test_taste():
    words = ["nora", "anna", "banana", "scott", "nananana", "a", ""]
    assert [p.clashes(word) for word in words] == [0, 1, 0, 2, 0, 0, 0]
    assert [p.excess(word) for word in words] == [0, 0, 1, 0, 4, 0, 0]
    c = p.PENALTY
    assert [p.taste(word) for word in words] == [3, 2 - c, 5 - c, 2 - 2 * c, 7 - 4 * c, 0, 0]


def test_labels_are_bradley_and_terrys(model, monkeypatch):
    monkeypatch.setattr(p, "BLOCK_SIZE", 3)
    pairs = p.make_pairs(p.freeze(model), VOCAB, 400, random.Random(1))
    assert len(pairs) == 400
    for chosen, rejected, share in pairs[:100]:
        gap = p.taste(p.spell(chosen, VOCAB)) - p.taste(p.spell(rejected, VOCAB))
        assert share == pytest.approx(1 / (1 + math.exp(-p.SCALE * gap)), rel=1e-9)
    right = sum(share > 0.5 for *_, share in pairs) + 0.5 * sum(share == 0.5 for *_, share in pairs)
    top = sum(max(share, 1 - share) for *_, share in pairs) / 400
    assert right / 400 == pytest.approx(top, abs=4 * 0.5 / 400**0.5)
    assert top < 0.99


def test_agreement_by_hand():
    pairs = [([], [], share) for share in (0.9, 0.2, 0.7)]
    found = p.agreement([(2, 1), (1, 2), (0, 0)], pairs)
    assert found == pytest.approx((0.9 + 0.8 + 0.5) / 3)
    assert p.agreement([(5, 1)], pairs[:1]) == pytest.approx(0.9)


def test_best_of_n_by_enumeration():
    scores, points = [3.0, -1.0, 2.0, 0.5], [1.0, 7.0, -4.0, 2.0]
    draws = itertools.product(zip(scores, points), repeat=3)
    exact = sum(max(draw)[1] for draw in draws) / 64
    assert p.best_of(3, scores, points) == pytest.approx(exact)
    assert p.best_of(1, scores, points) == pytest.approx(6.0 / 4)


def test_rollout_and_figures(model, monkeypatch):
    monkeypatch.setattr(p, "BLOCK_SIZE", 2)
    floats = p.freeze(model)
    reference = p.freeze(p.init_model(V, random.Random(9)))
    words = [[0, 0], *([0, a, b] for a in range(1, V) for b in range(V))]
    logs = [[sum(p.log_probs_floats(m, y)) for m in (floats, reference)] for y in words]
    kl = sum(math.exp(a) * (a - b) for a, b in logs)
    square = sum(math.exp(a) * (a - b) ** 2 for a, b in logs)
    batch = p.rollout(floats, reference, len, 1000, random.Random(2))
    found = p.figures(batch, VOCAB)
    assert found["kl"] == pytest.approx(kl, abs=4 * ((square - kl * kl) / 1000) ** 0.5)
    assert kl > 8 * ((square - kl * kl) / 1000) ** 0.5
    for tokens, old, moved, r in batch[:20]:
        ref = p.log_probs_floats(reference, tokens)
        assert moved == list(map(operator.sub, old, ref)) and r == len(tokens)
    assert found["kl"] == pytest.approx(sum(sum(moved) for _, _, moved, _ in batch) / 1000)
    drawn = [p.spell(tokens, VOCAB) for tokens, *_ in batch]
    assert found["words"] == drawn
    assert found["distinct"] == len(set(drawn)) / 1000
    assert found["pairs"] == len(set(word for word in drawn if len(word) == 2))
    assert found["true"] == pytest.approx(sum(map(p.taste, drawn)) / 1000)
    assert found["reward"] == pytest.approx(sum(len(t) for t, *_ in batch) / 1000)
    assert found["aim"] == pytest.approx(found["reward"] - p.BETA * found["kl"])
    points = list(map(p.taste, drawn))
    spread = sum((a - found["true"]) ** 2 for a in points) / 1000
    assert found["se"] == pytest.approx((spread / 1000) ** 0.5)
    assert found["excess"] == pytest.approx(sum(map(p.excess, drawn)) / 1000)


def setting(model, beta, clip, iterations, size=16, seed=3):
    weights = {(0, 1): 0.5, (1, 2): 1.0, (2, 1): 1.0, (3, 3): -2.0, (2, 0): 0.3}
    return p.ppo("t", p.freeze(model), weights, lambda y: p.predict(weights, p.counts(y)), VOCAB,
                 beta, clip, iterations, size, random.Random(seed))  # fmt: skip


def test_ppo_raises_the_reward_and_the_kl_cost_holds_it_back(model, monkeypatch):
    monkeypatch.setattr(p, "BLOCK_SIZE", 3)
    monkeypatch.setattr(p, "POLICY_RATE", 0.02)
    before = p.freeze(model)
    floats, rows = setting(model, 0.0, 0.2, 4)
    assert p.freeze(model) == before != floats  # the reference itself is left alone
    assert rows[0]["kl"] == 0.0 and rows[0]["explained"] == 0.0
    assert rows[-1]["reward"] > rows[0]["reward"] + 0.5
    held = setting(model, 20.0, 0.2, 4)[1]
    assert rows[-1]["kl"] > 0.2 and rows[-1]["kl"] > 2 * abs(held[-1]["kl"])


def test_rows_of_ppo_by_hand(model, monkeypatch):
    """One iteration again, in the plain words of the paper."""
    monkeypatch.setattr(p, "BLOCK_SIZE", 6)
    monkeypatch.setattr(p, "EPOCHS", 2)
    monkeypatch.setattr(p, "MINIBATCH", 4)
    monkeypatch.setattr(p, "POLICY_RATE", 0.05)
    weights = {(0, 1): 0.5, (1, 2): 1.0}
    floats, reference, rng = p.freeze(model), p.freeze(model), random.Random(5)
    got, (row,) = p.ppo("t", reference, weights, len, VOCAB, 0.4, 0.2, 1, 6, random.Random(5))
    batch = [p.sample(floats, rng) for _ in range(6)]
    raw = []  # V is 0 at first, and so is log(pi / pi_ref): only the last token has a reward
    for tokens, old in batch:
        n = len(old)
        raw.append([len(tokens) * p.LAMBDA ** (n - 1 - t) for t in range(n)])
    flat = [a for r in raw for a in r]
    middle = sum(flat) / len(flat)
    sd = (sum((a - middle) ** 2 for a in flat) / len(flat)) ** 0.5
    policy = p.thaw(floats)
    params = p.parameters(policy)
    m, v, ratios, step = [0.0] * len(params), [0.0] * len(params), [], 0
    orders = [rng.sample(range(6), 6) for _ in range(2)]
    for epoch, order in enumerate(orders):
        for part in (order[:4], order[4:]):
            terms = []
            for k in part:
                for new, o, a in zip(p.log_probs(policy, batch[k][0]), batch[k][1], raw[k]):
                    a = (a - middle) / sd
                    ratio = math.exp(new.data - o)
                    cut = a > 0 and ratio > 1.2 or a < 0 and ratio < 0.8
                    ratios.append((epoch, ratio, cut))
                    # the gradient of ratio A, or none
                    terms.append(new * (0.0 if cut else ratio * a))
            for q in params:
                q.grad = 0.0
            (p.vsum(terms) * (-1.0 / len(terms))).backward()
            step += 1
            p.adam_step(params, m, v, step, 0.05, p.BETA1, p.BETA2)
    trained = [a for matrix in got.values() for r in matrix for a in r]
    assert trained == pytest.approx([q.data for q in params], rel=1e-6, abs=1e-9)
    last = [r for epoch, r, _ in ratios if epoch == 1]
    assert row["step"] == pytest.approx(sum(r - 1 - math.log(r) for r in last) / len(last))
    assert row["outside"] == sum(abs(r - 1) > 0.2 for _, r, _ in ratios) / len(ratios) > 0.1
    assert row["cut"] == sum(cut for *_, cut in ratios) / len(ratios) > 0.05
    assert row["cut"] < row["outside"]


def test_without_the_clip_nothing_is_cut_and_steps_go_further(model, monkeypatch):
    monkeypatch.setattr(p, "BLOCK_SIZE", 3)
    monkeypatch.setattr(p, "POLICY_RATE", 0.05)
    (clipped, (row,)), (loose, (other,)) = [setting(model, 0.0, c, 1) for c in (0.2, math.inf)]
    assert row["cut"] > 0.05 and other["cut"] == 0.0
    assert other["step"] > row["step"] and loose != clipped


def test_pretrain_is_adam_on_nats_per_token(model, monkeypatch):
    docs, twin = [[0, 1, 0], [0, 2, 1, 3, 2, 0]], p.thaw(p.freeze(model))
    p.pretrain(model, docs, 2)
    params = p.parameters(twin)
    m, v = [0.0] * len(params), [0.0] * len(params)
    for step, tokens in enumerate((docs[1], docs[0]), 1):
        for q in params:
            q.grad = 0.0
        terms = p.log_probs(twin, tokens)
        (p.vsum(terms) * (-1.0 / len(terms))).backward()
        rate = p.LEARNING_RATE * (3 - step) / 2
        p.adam_step(params, m, v, step, rate, p.BETA1, p.BETA2)
    assert [q.data for q in p.parameters(model)] == pytest.approx([q.data for q in params])


def test_second_iteration_uses_the_value_function_of_the_first(model, monkeypatch):
    monkeypatch.setattr(p, "BLOCK_SIZE", 6)
    weights, beta, n, rng = {(0, 1): 0.5, (1, 2): 1.0}, 0.4, 12, random.Random(5)
    reference = p.freeze(model)

    def run(iterations):
        return p.ppo(
            "t", reference, weights, len, VOCAB, beta, 0.2, iterations, n, random.Random(5)
        )

    after_one = run(1)[0]
    row = run(2)[1][1]
    v, parts = {}, []
    for floats in (reference, after_one):
        batch = p.rollout(floats, reference, len, n, rng)
        states = [p.features(weights, tokens) for tokens, *_ in batch]
        values = [[p.predict(v, x) for x in states_of_one] for states_of_one in states]
        raw, returns = [], []
        for (_, _, moved, r), known in zip(batch, values):
            rewards, known = [-beta * a for a in moved], [*known, 0.0]
            rewards[-1] += r
            deltas = [a + known[t + 1] - known[t] for t, a in enumerate(rewards)]
            raw.append([
                sum(d * p.LAMBDA**k for k, d in enumerate(deltas[t:])) for t in range(len(deltas))
            ])  # fmt: skip
            returns.append([a + b for a, b in zip(raw[-1], known)])
        parts = [[a for one in table for a in one] for table in (raw, returns)]
        for order in [rng.sample(range(n), n) for _ in range(p.EPOCHS)]:
            for k in order:
                for x, target in zip(states[k], returns[k]):
                    p.fit_value(v, x, target)
    errors, flat = parts

    def variance(a):
        return sum((b - sum(a) / len(a)) ** 2 for b in a) / len(a)

    assert row["explained"] == pytest.approx(1 - variance(errors) / variance(flat))


def test_value_function_comes_to_explain_the_returns(model, monkeypatch):
    monkeypatch.setattr(p, "BLOCK_SIZE", 4)
    rows = setting(model, 0.1, 0.2, 6)[1]
    assert rows[0]["explained"] == 0.0
    assert min(row["explained"] for row in rows[3:]) > 0.3


def test_picture(capsys):
    p.draw_plane([(2.0, 1.0, "a"), (1.0, 0.0, "b"), (0.0, -1.0, "c"), (1.0, 0.0, "d")])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 17
    assert lines[0] == "    1.00 |" + " " * 60 + "a"
    assert lines[8] == "    0.00 |" + "-" * 30 + "d" + "-" * 30
    assert lines[16] == "   -1.00 |c"
