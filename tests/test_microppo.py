"""The facts that microppo.py teaches."""

import itertools
import math
import random

import pytest
from scripts import load

p = load("microppo.py")
g = load("microgpt.py")
VOCABULARY = ["<>", "a", "b", "e"]
V = len(VOCABULARY)


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    monkeypatch.setattr(p, "show_progress", lambda *args: None)


@pytest.fixture
def model():
    model = p.init_model(V, random.Random(4))
    for a in p.parameters(model):
        a.data *= 5.0  # far from uniform guesses
    return model


@pytest.fixture
def frozen(model):
    return p.freeze(model)


PAIRS = [p.Pair("aba", "bba", 0.9), p.Pair("ebe", "aeb", 0.8), p.Pair("ba", "bbb", 0.7)]


@pytest.fixture
def world(frozen):
    return p.World(VOCABULARY, frozen, p.RewardModel(PAIRS))


SETTINGS = p.Settings("some", 0.4, 0.2, 0.01, 3)


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
    assert math.isnan(p.Value(math.nan).clip(0.8, 1.2).data)


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
    assert p.is_cut(math.log(ratio), advantage, 0.2) == (not moves)
    assert not p.is_cut(math.log(ratio), advantage, math.inf)
    log_p.grad = 0.0
    free = p.surrogate(log_p, old, advantage, math.inf)
    free.backward()
    assert free.data == pytest.approx(ratio * advantage, rel=1e-12)
    assert log_p.grad == pytest.approx(ratio * advantage, rel=1e-12)


def test_a_ratio_that_no_float_can_hold():
    log_p = p.Value(710.0)
    loss = p.surrogate(log_p, 0.0, 1.0, 0.2)
    loss.backward()
    assert (loss.data, log_p.grad) == (1.2, 0.0)
    assert math.isfinite(p.surrogate(p.Value(710.0), 0.0, -1.0, math.inf).data)
    for log_ratio in (20.5, -20.5):  # as 20 and -20
        far = p.surrogate(p.Value(log_ratio), 0.0, 1.0, math.inf).data
        assert far == pytest.approx(math.exp(math.copysign(20.0, log_ratio)), rel=1e-12)
    assert math.isfinite(p.kl_term(800.0))


def test_at_ratio_1_the_gradient_is_that_of_the_policy_gradient(model, frozen):
    tokens, advantages = [0, 1, 3, 2, 0], [0.5, -2.0, 1.0, 3.0]
    old = p.log_probs(frozen, tokens)
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


def test_whole_loss_against_differences(model, frozen):
    tokens, advantages = [0, 1, 3, 2, 2, 0], [0.5, -2.0, 1.0, 3.0, -1.0]
    shifts = (0.3, 0.4, -0.1, -0.5, -0.6)
    old = [a + b for a, b in zip(p.log_probs(frozen, tokens), shifts)]

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
    after = [*VALUES[1:], 0.0]
    one_step = [r + b - a for r, a, b in zip(REWARDS, VALUES, after)]
    assert p.gae(REWARDS, VALUES, 0.0) == pytest.approx(one_step)
    all_steps = [sum(REWARDS[t:]) - VALUES[t] for t in range(4)]
    assert p.gae(REWARDS, VALUES, 1.0) == pytest.approx(all_steps)
    found = p.gae(REWARDS, VALUES, 0.9)
    for t in range(4):
        expected = sum(0.9 ** (k - t) * one_step[k] for k in range(t, 4))
        assert found[t] == pytest.approx(expected)


def test_the_example_of_advantages():
    rewards, values = [-0.1, -0.2, 0.8], [0.2, 0.4, 0.7]
    assert p.gae(rewards, values, 0.0)[0] == pytest.approx(0.1)
    assert p.gae(rewards, values, 1.0)[0] == pytest.approx(0.3)


def test_rewards_of_tokens_sum_to_score_less_kl_cost():
    rewards = p.token_rewards([0.5, -0.25, 1.0], 2.0, 0.4)
    assert rewards == pytest.approx([-0.2, 0.1, 1.6])
    assert math.fsum(rewards) == pytest.approx(2.0 - 0.4 * 1.25)


def test_reward_gradient_against_differences():
    reward_model = p.RewardModel(PAIRS)
    pair = p.Pair("abae", "beb", 0.9)

    def loss():
        gap = reward_model.raw_score(pair.chosen) - reward_model.raw_score(pair.rejected)
        return math.log1p(math.exp(-gap))

    gradient = reward_model.gradient(pair)
    assert set(gradient) == set(p.count_neighbours("abae")) | set(p.count_neighbours("beb"))
    for key, slope in gradient.items():
        before, h = reward_model.weights[key], 1e-6
        reward_model.weights[key] = before + h
        above = loss()
        reward_model.weights[key] = before - h
        below = loss()
        reward_model.weights[key] = before
        assert slope == pytest.approx((above - below) / (2 * h), rel=1e-6, abs=1e-9)


def test_score_of_a_word_by_hand():
    reward_model = p.RewardModel(PAIRS)
    reward_model.weights = {("<>", "b"): 1.0, ("b", "b"): -3.0, ("b", "<>"): 0.5, ("a", "b"): 9.0}
    reward_model.mean, reward_model.std = 0.25, 2.0
    cut = "ab" * (p.BLOCK_SIZE // 2)
    assert ("b", "<>") not in p.count_neighbours(cut) and ("b", "<>") in p.count_neighbours("ab")
    assert p.count_neighbours("bbb") == {("<>", "b"): 1, ("b", "b"): 2, ("b", "<>"): 1}
    assert reward_model.raw_score("bbb") == pytest.approx(-4.5)
    assert reward_model.score("bbb") == pytest.approx((-4.5 - 0.25) / 2)
    assert reward_model.score("") == pytest.approx(-0.125)
    assert reward_model.scores_so_far("bb") == pytest.approx([0.0, 0.5, -1.0])
    assert dict(reward_model.weights).keys() == {
        ("<>", "b"), ("b", "b"), ("b", "<>"), ("a", "b"),
    }  # fmt: skip


def test_reward_model_prefers_what_was_chosen_and_is_standardized():
    reward_model = p.RewardModel(PAIRS * 20)
    for pair in PAIRS:
        assert reward_model.score(pair.chosen) > reward_model.score(pair.rejected)
    scores = [reward_model.score(w) for pair in PAIRS for w in (pair.chosen, pair.rejected)]
    assert p.mean_of(scores) == pytest.approx(0.0, abs=1e-9)
    assert p.variance_of(scores) == pytest.approx(1.0)


def test_reward_model_reaches_the_log_odds_of_its_labels(monkeypatch):
    monkeypatch.setattr(p, "DECAY", 0.0)
    monkeypatch.setattr(p, "PASSES", 200)
    reward_model = p.RewardModel([p.Pair("a", "b", 0.5)] * 3 + [p.Pair("b", "a", 0.5)])
    gap = reward_model.raw_score("a") - reward_model.raw_score("b")
    assert gap == pytest.approx(math.log(3), abs=0.05)


def test_decay_pulls_the_weights_to_0(monkeypatch):
    sizes = []
    for decay in (0.0, 0.02, 0.2):
        monkeypatch.setattr(p, "DECAY", decay)
        weights = p.RewardModel(PAIRS * 20).weights
        sizes.append(sum(w * w for w in weights.values()))
    assert sizes[0] > 1.2 * sizes[1] > 1.44 * sizes[2] > 0


def test_value_function_corrects_a_share_of_its_error(monkeypatch):
    value_function = p.ValueFunction()
    state = {("last token", 3): 1.0, "so far": -2.0}
    value_function.learn(state, 5.0)
    assert value_function.guess(state) == pytest.approx(p.VALUE_RATE * 5.0)
    share = p.VALUE_RATE * 5.0 / 5.0
    assert value_function.weights["so far"] == pytest.approx(-2.0 * share)
    for _ in range(300):
        value_function.learn(state, 5.0)
        value_function.learn({("last token", 1): 1.0, "so far": 1.0}, 2.0)
    assert value_function.guess(state) == pytest.approx(5.0, abs=1e-3)


def test_states_see_no_future():
    reward_model = p.RewardModel(PAIRS)
    long, short = [
        p.states_of(word, p.tokenize_written(word, VOCABULARY), reward_model)
        for word in ("abae", "abb")
    ]
    assert len(long) == 5 and len(short) == 4
    assert long[:3] == short[:3]
    assert long[2] == {
        ("last token", 2): 1.0,
        ("position", 2): 1.0,
        "so far": pytest.approx(
            (reward_model.weights["<>", "a"] + reward_model.weights["a", "b"]) / reward_model.std
        ),
    }
    cut = "a" * p.BLOCK_SIZE
    assert len(p.states_of(cut, p.tokenize_written(cut, VOCABULARY), reward_model)) == p.BLOCK_SIZE


def words_up_to(n):
    for length in range(n + 1):
        for letters in itertools.product(VOCABULARY[1:], repeat=length):
            yield "".join(letters)


def test_probabilities_of_all_words_sum_to_1(frozen, monkeypatch):
    monkeypatch.setattr(p, "BLOCK_SIZE", 3)
    log_ps = []
    for word in words_up_to(3):
        log_ps.append(math.fsum(p.log_probs(frozen, p.tokenize_written(word, VOCABULARY))))
    assert math.fsum(map(math.exp, log_ps)) == pytest.approx(1.0, rel=1e-12)


def test_the_guesses_are_microgpts(model, frozen, monkeypatch):
    for name in ("N_EMBD", "N_HEAD", "BLOCK_SIZE"):
        monkeypatch.setattr(g, name, getattr(p, name))
    tokens = [0, 1, 3, 2, 2, 0]
    assert p.log_probs(frozen, tokens) == pytest.approx(g.log_probs(frozen, tokens), rel=1e-9)
    assert [x.data for x in p.log_probs(model, tokens)] == p.log_probs(frozen, tokens)


def test_taste():
    words = ("nora", "anna", "banana", "ea", "a", "", "nanananana")
    assert [p.n_clashes(word) for word in words] == [0, 1, 0, 1, 0, 0, 0]
    assert [p.n_in_excess(word) for word in words] == [0, 0, 1, 0, 0, 0, 6]
    assert [p.points(word) for word in words] == [3, -3, 0, -5, 0, 0, 9 - 30]


def test_labels_are_bradley_and_terrys(frozen):
    pairs = p.make_pairs(frozen, VOCABULARY, 150, random.Random(1))
    for pair in pairs[:60]:
        assert pair.chosen != pair.rejected
        gap = p.points(pair.chosen) - p.points(pair.rejected)
        assert pair.p_label == pytest.approx(1 / (1 + math.exp(-p.SCALE * gap)), rel=1e-9)
    right = [pair.p_label > 0.5 for pair in pairs]
    sure = p.mean_of([max(pair.p_label, 1 - pair.p_label) for pair in pairs])
    assert sum(right) / 150 == pytest.approx(sure, abs=4 * 0.5 / 150**0.5)
    assert sure < 0.99


def test_agreement_by_hand():
    pairs = [p.Pair("ab", "aba", 0.9), p.Pair("abb", "a", 0.2), p.Pair("a", "b", 0.7)]
    assert p.agreement(p.minus_length, pairs) == pytest.approx([0.9, 0.8, 0.5])


def test_best_of_n_by_enumeration():
    writing = p.Writing(list("uvwx"), [0.5, -1.0, 0.5, 2.0], [3.0, 1.0, -7.0, 4.0], [0.0] * 4)
    rewards, points = 0.0, 0.0
    triples = list(itertools.product(range(4), repeat=3))
    for triple in triples:
        top = max(writing.rewards[i] for i in triple)
        best = [i for i in range(4) if writing.rewards[i] == top and i in triple]
        # of words with equal reward, each counts as often
        equal = [i for i in range(4) if writing.rewards[i] == top]
        rewards += top
        points += p.mean_of([writing.points[i] for i in equal])
        assert best
    found = p.best_of_n(writing, 3)
    assert found.reward == pytest.approx(rewards / len(triples))
    assert found.points.mean == pytest.approx(points / len(triples))
    assert found.kl_at_most == pytest.approx(math.log(3) - 2 / 3)
    tied = p.Writing(["a", "b"], [0.0, 0.0], [0.0, 1.0], [0.0, 0.0])
    assert p.best_of_n(tied, 2).points.mean == pytest.approx(0.5)
    assert p.best_of_n(writing, 1).points.mean == pytest.approx(0.25)


def test_an_episode_is_what_the_policy_wrote(world, model):
    policy = p.freeze(p.init_model(V, random.Random(7)))
    value_function = p.ValueFunction()
    value_function.weights["position", 0] = 0.7
    episode = p.write_episode(policy, value_function, world, SETTINGS, random.Random(3))
    assert episode.word == p.sample(policy, VOCABULARY, 1.0, random.Random(3))
    assert episode.tokens == p.tokenize_written(episode.word, VOCABULARY)
    assert episode.old_log_probs == p.log_probs(policy, episode.tokens)
    by_reference = p.log_probs(world.reference, episode.tokens)
    moved = [a - b for a, b in zip(episode.old_log_probs, by_reference)]
    assert episode.log_ratios == pytest.approx(moved)
    assert episode.score == world.reward_model.score(episode.word)
    assert episode.values[0] == 0.7 and len(episode.values) == len(moved)
    rewards = p.token_rewards(moved, episode.score, 0.4)
    assert episode.advantages == pytest.approx(p.gae(rewards, episode.values, p.GAE_LAMBDA))


def test_learning_from_a_batch_step_by_step(world, monkeypatch):
    monkeypatch.setattr(p, "EPOCHS", 2)
    monkeypatch.setattr(p, "MINIBATCH", 2)
    value_function = p.ValueFunction()
    rng = random.Random(3)
    batch = [
        p.write_episode(world.reference, value_function, world, SETTINGS, rng) for _ in range(4)
    ]
    policy, twin = p.thaw(world.reference), p.thaw(world.reference)
    updates = p.learn_from(
        batch, policy, p.Optimizer(policy), value_function, SETTINGS, random.Random(5)
    )
    advantages = p.normalized_advantages(batch)
    flat = [a for row in advantages for a in row]
    assert p.mean_of(flat) == pytest.approx(0.0, abs=1e-9)
    assert p.variance_of(flat) == pytest.approx(1.0)
    optimizer, rng, targets = p.Optimizer(twin), random.Random(5), p.ValueFunction()
    for epoch in range(2):
        order = rng.sample(range(4), 4)
        seen = []
        for part in (order[:2], order[2:]):
            terms = []
            for k in part:
                new = p.log_probs(twin, batch[k].tokens)
                for a, old, advantage in zip(new, batch[k].old_log_probs, advantages[k]):
                    terms.append(p.surrogate(a, old, advantage, 0.2))
                    seen.append(a.data - old)
                for state, v, a in zip(batch[k].states, batch[k].values, batch[k].advantages):
                    targets.learn(state, v + a)
            optimizer.descend(p.vsum(terms) * (-1.0 / len(terms)), SETTINGS.rate)
        assert [u.log_ratio for u in updates[epoch]] == pytest.approx(seen, abs=1e-9)
    for a, b in zip(p.parameters(policy), p.parameters(twin)):
        assert a.data == pytest.approx(b.data, rel=1e-9, abs=1e-12)
    assert targets.weights == pytest.approx(dict(value_function.weights))
    first = batch_sizes(batch, random.Random(5).sample(range(4), 4)[:2])
    assert all(u.log_ratio == 0.0 and not u.is_cut for u in updates[0][:first])
    assert any(u.log_ratio != 0.0 for u in updates[1])


def batch_sizes(batch, order):
    return sum(len(batch[k].old_log_probs) for k in order)


def test_ppo_raises_the_reward_and_leaves_the_reference_alone(world, monkeypatch):
    monkeypatch.setattr(p, "BATCH", 10)
    monkeypatch.setattr(p, "MINIBATCH", 5)
    before = {name: [list(row) for row in w] for name, w in world.reference.items()}
    runs = {}
    for price in (0.4, 0.0):
        settings = p.Settings("some", price, 0.2, 0.02, 9)
        policy, runs[price] = p.ppo(world, settings, 9, 1)
        assert policy != world.reference
    assert world.reference == before
    for records in runs.values():
        assert len(records) == 9
        assert abs(records[0].kl) < 1e-12 and records[0].explained == 0.0
        assert records[-1].reward > records[0].reward + 0.15
    assert runs[0.0][-1].kl > runs[0.4][-1].kl + 0.2


def test_record_by_hand():
    def episode(word, score, log_ratios, values, advantages):
        n = len(values)
        return p.Episode(word, [0] * (n + 1), [0.0] * n, log_ratios, score, [], values, advantages)

    batch = [episode("ab", 1.0, [0.5, -0.1, 0.0], [1.0, 2.0, 3.0], [0.5, 0.5, -1.0])]
    batch.append(episode("bb", 0.0, [0.2, 0.4], [0.0, 1.0], [1.0, -1.0]))
    updates = [[p.Update(0.0, False), p.Update(0.4, True)], [p.Update(-0.3, True)]]
    record = p.make_record(batch, updates)
    assert record.reward == 0.5
    assert record.points == pytest.approx((1 - 5) / 2)
    assert record.kl == pytest.approx((0.4 + 0.6) / 2)
    assert record.cut == pytest.approx(2 / 3)
    assert record.step_kl == pytest.approx(math.exp(-0.3) - 1 + 0.3)  # of the last epoch
    advantages, returns = [0.5, 0.5, -1.0, 1.0, -1.0], [1.5, 2.5, 2.0, 1.0, 0.0]
    share = 1 - p.variance_of(advantages) / p.variance_of(returns)
    assert record.explained == pytest.approx(share)


def test_kl_term_has_the_mean_of_the_kl_divergence():
    old, new = [0.5, 0.3, 0.2], [0.2, 0.3, 0.5]
    exact = sum(a * math.log(a / b) for a, b in zip(old, new))
    terms = [p.kl_term(math.log(b / a)) for a, b in zip(old, new)]
    assert min(terms) >= 0.0
    assert sum(a * term for a, term in zip(old, terms)) == pytest.approx(exact)


def test_the_example_of_two_words():
    # pi(a) = sigmoid(t), rewards 3 and 1: the gradient, by drawing and by adding up
    slope = p.sigmoid(0.0) * (1 - p.sigmoid(0.0))
    assert 2 * slope == 0.5
    d_log_a, d_log_b = 1 - p.sigmoid(0.0), -p.sigmoid(0.0)
    assert 0.5 * 3 * d_log_a + 0.5 * 1 * d_log_b == pytest.approx(0.5)
    assert (3 - 2) * d_log_a == (1 - 2) * d_log_b == 0.5


def test_training_of_the_reference_is_adam_on_two_names_a_step(monkeypatch):
    data = p.Data(VOCABULARY, [[0, 1, 2, 0], [0, 3, 0], [0, 2, 1, 1, 0]], [])
    found = p.train_reference(data, 3, 9)
    model = p.init_model(V, random.Random("9 reference"))
    params = p.parameters(model)
    m, v = [0.0] * len(params), [0.0] * len(params)
    for step, (i, j) in enumerate(((0, 1), (2, 0), (1, 2)), 1):
        for a in params:
            a.grad = 0.0
        p.word_loss(model, data.train_set[i], data.train_set[j]).backward()
        rate = p.REFERENCE_RATE * ((4 - step) / 3)
        p.adam_step(params, m, v, step, rate, p.ADAM_BETA1, p.ADAM_BETA2)
    assert found == p.freeze(model)


def test_variety_and_aim():
    assert p.n_different_pairs(["aba", "ab", "e"]) == 2
    writing = p.Writing(["a", "b"], [1.0, 2.0], [0, 0], [0.5, -0.5])
    assert writing.aims() == pytest.approx([1.0 - p.KL_PRICE * 0.5, 2.0 + p.KL_PRICE * 0.5])


def test_an_untrained_policy_makes_no_claim_of_part_3_good():
    same = p.Writing(["nora", "anna"], [0.1, 0.2], [3, -3], [0.0, 0.1])
    claims = p.claims_of_part_3({label: same for label in ("PPO", "no clip", "no price")})
    assert [claim[:4] for claim in claims] == ["[no]"] * 3
    cheating = p.Writing(["nanananana", "nonononono"], [3.0, 3.0], [-21, -21], [9.0, 9.0])
    lost = p.Writing(["nora", "anna"], [0.1, 0.2], [3, -3], [5.0, 5.1])
    claims = p.claims_of_part_3({"PPO": same, "no clip": lost, "no price": cheating})
    assert [claim[:4] for claim in claims][:2] == ["[ok]"] * 2


def test_writing_measures_what_the_policy_writes(world, monkeypatch):
    monkeypatch.setattr(p, "N_SAMPLES", 30)
    policy = p.freeze(p.init_model(V, random.Random(7)))
    writing = p.write(policy, world, "some", 1)
    for word, reward, number, log_ratio in zip(*writing):
        tokens = p.tokenize_written(word, VOCABULARY)
        assert reward == world.reward_model.score(word) and number == p.points(word)
        gap = math.fsum(p.log_probs(policy, tokens)) - math.fsum(
            p.log_probs(world.reference, tokens)
        )
        assert log_ratio == pytest.approx(gap, abs=1e-12)
    assert len(set(writing.words)) > 10


def test_the_picture_has_reward_and_points(capsys):
    def record(reward, points, kl):
        return p.Record(reward, points, 0.0, kl, 0.0, 0.0, 0.0)

    reference = p.Writing(["a", "b"], [0.0, 0.0], [-1.0, 1.0], [0.0, 0.0])
    runs = {"PPO": [record(2.0, 1.0, 1.0)], "no price": [record(4.0, -4.0, 4.0)]}
    p.draw_plane(runs, reference, width=20, height=9)
    rows = [row[11:] for row in capsys.readouterr().out.splitlines()[:9]]
    assert rows[0].find("r") == 20 and rows[8].find("t") == 20
    assert rows[2].find("R") == 10 and rows[3].find("T") == 10
    assert rows[4] == "-" * 21


def test_names_are_split_without_overlap():
    data = p.split_data(random.Random(4))
    names = [tuple(tokens) for tokens in data.train_set + data.held_out]
    assert len(set(names)) == len(names) and len(data.held_out) == p.N_HELD_OUT
    assert max(map(len, names)) <= p.BLOCK_SIZE + 1


def test_a_row_has_means_and_errors():
    writing = p.Writing(["nora", "anna"], [1.0, 2.0], [3, -3], [0.5, 1.5])
    cells = p.row_of_writing(writing).replace("+-", "").split()
    error = (18 / 2) ** 0.5
    expected = [1.5, 0.0, error, 1.0, 0.5, 1.5 - p.KL_PRICE]
    assert [float(cell) for cell in cells] == pytest.approx(expected, abs=0.006)
