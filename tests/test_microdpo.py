"""The facts that microdpo.py teaches."""

import itertools
import math
import random

import pytest
from scripts import load

d = load("microdpo.py")
g = load("microgpt.py")
VOCABULARY = ["<>", "a", "b", "e"]
V = len(VOCABULARY)


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    monkeypatch.setattr(d, "show_progress", lambda *args: None)


@pytest.fixture
def model():
    model = d.init_model(V, random.Random(4))
    for p in d.parameters(model):
        p.data *= 5.0  # far from uniform guesses
    return model


@pytest.fixture
def frozen(model):
    return d.freeze(model)


def other_model(seed=9):
    return d.freeze(d.init_model(V, random.Random(seed)))


def log_p(frozen, tokens):
    """log of the probability of a word, from softmax as it is written in books."""
    caches, total = d.new_caches(), 0.0
    for a, b in zip(tokens, tokens[1:]):
        exps = [math.exp(x) for x in d.gpt(frozen, a, caches)]
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


PAIR = d.Pair("ab", "eea", [0, 1, 2, 0], [0, 3, 3, 1, 0], -9.0, -2.0, 0.7)


def test_dpo_loss_against_differences(model):
    differences(lambda: d.dpo_loss(model, PAIR, 0.7), model)


def test_word_loss_against_differences(model):
    differences(lambda: d.word_loss(model, [0, 1, 3, 2, 0]), model)


def test_dpo_loss_is_equation_7(model, frozen):
    beta = 0.3
    reward_chosen = beta * (log_p(frozen, PAIR.chosen_tokens) + 9.0)
    reward_rejected = beta * (log_p(frozen, PAIR.rejected_tokens) + 2.0)
    expected = -math.log(1 / (1 + math.exp(-(reward_chosen - reward_rejected))))
    assert d.dpo_loss(model, PAIR, beta).data == pytest.approx(expected, rel=1e-12)
    assert d.dpo_loss(frozen, PAIR, beta) == pytest.approx(expected, rel=1e-12)


def test_gradient_of_dpo_is_that_of_the_paper(model):
    # -beta sigmoid(-margin) (grad log pi(y_w) - grad log pi(y_l)): section 4 of the paper
    beta = 0.3
    loss = d.dpo_loss(model, PAIR, beta)
    loss.backward()
    found = [p.grad for p in d.parameters(model)]
    grads = []
    for tokens in (PAIR.chosen_tokens, PAIR.rejected_tokens):
        for p in d.parameters(model):
            p.grad = 0.0
        d.log_prob_of_word(model, tokens).backward()
        grads.append([p.grad for p in d.parameters(model)])
    weight = -beta * (1 - math.exp(-loss.data))
    assert found == pytest.approx([weight * (a - b) for a, b in zip(*grads)], rel=1e-9, abs=1e-12)


def test_loss_of_a_copy_of_the_reference_is_ln_2_to_the_last_bit(frozen):
    policy = d.thaw(frozen)
    for pair in d.make_pairs(frozen, VOCABULARY, 5, random.Random(1)):
        for beta in d.BETAS:
            assert d.dpo_loss(policy, pair, beta).data == math.log(2)


def test_training_a_policy_leaves_the_reference_alone(frozen):
    before = {name: [list(row) for row in w] for name, w in frozen.items()}
    pairs = d.make_pairs(frozen, VOCABULARY, 6, random.Random(1))
    policies, curve = d.train_policies(frozen, pairs, pairs, 3)
    assert frozen == before
    assert policies[0].frozen is frozen
    assert [p.beta for p in policies] == [0.0, *d.BETAS, 0.0, 0.0]
    assert [p.label for p in policies][-2:] == [f"SFT {rate}" for rate in d.SFT_RATES]
    assert len({str(p.frozen) for p in policies}) == len(policies)
    assert set(curve) == {0, 1, 2, 3} and all(r == (0.0, 0.0) for r in curve[0])
    assert curve[3] == d.log_ratios(policies[3].frozen, pairs)


def test_a_step_is_on_the_mean_of_its_pairs_at_the_rate_of_its_beta(frozen):
    pairs = d.make_pairs(frozen, VOCABULARY, 3, random.Random(1))
    found = d.train_by_dpo(frozen, pairs, 1.0, 2)
    policy = d.thaw(frozen)
    params = d.parameters(policy)
    m, v = [0.0] * len(params), [0.0] * len(params)
    for step, some in ((1, pairs[:2]), (2, [pairs[2], pairs[0]])):
        for p in params:
            p.grad = 0.0
        a, b = [d.dpo_loss(policy, pair, 1.0) for pair in some]
        ((a + b) / 2).backward()
        rate = d.DPO_RATES[1.0] * (1.0, 0.5)[step - 1]
        d.adam_step(params, m, v, step, rate, d.ADAM_BETA1, d.ADAM_BETA2)
    for name, w in d.freeze(policy).items():
        for row, other in zip(w, found[name]):
            assert other == pytest.approx(row, rel=1e-9, abs=1e-12)


def test_fine_tuning_learns_from_the_chosen_words_only(frozen):
    pairs = d.make_pairs(frozen, VOCABULARY, 4, random.Random(1))
    swapped = [pair._replace(rejected_tokens=[0, 0], ref_chosen=9.0) for pair in pairs]
    tuned = d.fine_tune(frozen, pairs, 0.01, 4)
    assert tuned == d.fine_tune(frozen, swapped, 0.01, 4)
    words = [pair.chosen_tokens for pair in pairs]
    assert d.word_loss(tuned, *words) < d.word_loss(frozen, *words) - 0.005


def test_batches_go_round():
    assert [d.batch_of("abcde", step, 2) for step in (1, 2, 3)] == [
        ["a", "b"],
        ["c", "d"],
        ["e", "a"],
    ]


def test_floats_are_the_same_numbers_to_the_last_bit(model, frozen):
    tokens = [0, 1, 3, 2, 0]
    assert d.log_prob_of_word(model, tokens).data == d.log_prob_of_word(frozen, tokens)
    assert d.log_prob_of_word(frozen, tokens) == pytest.approx(log_p(frozen, tokens), rel=1e-12)
    assert d.word_loss(model, tokens).data == pytest.approx(-log_p(frozen, tokens) / 4, rel=1e-12)


def test_the_guesses_are_microgpts(frozen, monkeypatch):
    for name in ("N_EMBD", "N_HEAD", "BLOCK_SIZE"):
        monkeypatch.setattr(g, name, getattr(d, name))
    tokens = [0, 1, 3, 2, 2, 0]
    assert d.log_probs(frozen, tokens) == pytest.approx(g.log_probs(frozen, tokens), rel=1e-9)


def words_up_to(n):
    for length in range(n + 1):
        for letters in itertools.product(VOCABULARY[1:], repeat=length):
            yield "".join(letters)


def test_probabilities_of_all_words_sum_to_1(frozen, monkeypatch):
    # so the sum includes the end, and a word that is cut off counts without one
    monkeypatch.setattr(d, "BLOCK_SIZE", 3)
    tokens = [d.tokenize_written(word, VOCABULARY) for word in words_up_to(3)]
    assert [len(some) for some in tokens[:2]] == [2, 3] and len(tokens[-1]) == 4
    total = math.fsum([math.exp(d.log_prob_of_word(frozen, some)) for some in tokens])
    assert total == pytest.approx(1.0, rel=1e-12)


def test_words_are_drawn_as_often_as_their_probability(frozen, monkeypatch):
    monkeypatch.setattr(d, "BLOCK_SIZE", 2)
    rng, count, n = random.Random(3), {}, 2000
    for _ in range(n):
        word = d.sample(frozen, VOCABULARY, 1.0, rng)
        count[word] = count.get(word, 0) + 1
    for word, found in count.items():
        p = math.exp(d.log_prob_of_word(frozen, d.tokenize_written(word, VOCABULARY)))
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
        assert out.data == d.softplus(x) == pytest.approx(exact, rel=1e-12)
        slope = math.exp(x) / (1 + math.exp(x)) if x < 30 else 1.0
        assert leaf.grad == d.sigmoid(x) == pytest.approx(slope, rel=1e-12)


def test_taste():
    words = ("nora", "anna", "scott", "ea", "a", "")
    assert [d.n_clashes(word) for word in words] == [0, 1, 2, 1, 0, 0]
    assert [d.points(word) for word in words] == [3, 2 - 5, 2 - 10, -5, 0, 0]
    assert [d.meets_taste(word) for word in (*words, "my")] == [1, 0, 0, 0, 0, 0, 1]


def test_labels_are_bradley_and_terrys(frozen):
    pairs = d.make_pairs(frozen, VOCABULARY, 300, random.Random(1))
    assert len(pairs) == 300
    for pair in pairs[:100]:
        assert pair.chosen != pair.rejected
        assert pair.chosen_tokens == d.tokenize_written(pair.chosen, VOCABULARY)
        assert pair.ref_chosen == d.log_prob_of_word(frozen, pair.chosen_tokens)
        assert pair.ref_rejected == d.log_prob_of_word(frozen, pair.rejected_tokens)
        gap = d.points(pair.chosen) - d.points(pair.rejected)
        assert pair.p_label == pytest.approx(1 / (1 + math.exp(-d.SCALE * gap)), rel=1e-9)
    # as many labels are right as they say, within 4 standard errors
    right = [pair.p_label > 0.5 for pair in pairs]
    sure = d.mean_of([max(pair.p_label, 1 - pair.p_label) for pair in pairs])
    assert sum(right) / 300 == pytest.approx(sure, abs=4 * 0.5 / 300**0.5)
    assert sure < 0.99


def test_agreement_by_hand():
    pairs = [PAIR._replace(p_label=p) for p in (0.9, 0.2, 0.7)]
    scores = [d.Scores(2, 1), d.Scores(1, 2), d.Scores(0, 0)]
    assert d.agreement(scores, pairs) == pytest.approx([0.9, 0.8, 0.5])
    pair = d.Pair("eb", "abe", [0, 3, 2, 0], [0, 1, 2, 3, 0], -5.0, -4.0, 0.7)
    rules = d.simple_rules([pair])
    assert d.agreement(rules["the shorter word"], [pair]) == [0.7]
    assert d.agreement(rules["the likelier word"], [pair]) == pytest.approx([0.3])
    assert d.agreement(d.points_of_pairs([pair]), [pair]) == pytest.approx([0.3])


def test_kl_is_estimated_without_bias(frozen, monkeypatch):
    monkeypatch.setattr(d, "BLOCK_SIZE", 2)
    monkeypatch.setattr(d, "N_SAMPLES", 800)
    reference = other_model()
    words = list(words_up_to(2))
    logs = []
    for word in words:
        tokens = d.tokenize_written(word, VOCABULARY)
        logs.append((log_p(frozen, tokens), log_p(reference, tokens)))
    exact = sum(math.exp(a) * (a - b) for a, b in logs)
    writing = d.write(d.Policy("some", "D", 1.0, frozen), reference, VOCABULARY, 2)
    kl = writing.kl()
    assert abs(kl.mean - exact) < 4 * kl.error < 0.3 * exact
    variance = sum(math.exp(a) * (a - b - exact) ** 2 for a, b in logs)
    assert kl.error == pytest.approx((variance / 800) ** 0.5, rel=0.15)
    assert writing.distance() == kl.mean**0.5
    assert writing.mean_points().mean == pytest.approx(sum(map(d.points, writing.words)) / 800)
    same = d.write(d.Policy("reference", "r", 0.0, reference), reference, VOCABULARY, 2)
    assert same.kl() == (0.0, 0.0)


def test_log_ratios_of_pairs_and_the_table_of_part_2(frozen):
    reference = other_model()
    pairs = d.make_pairs(reference, VOCABULARY, 40, random.Random(1))
    ratios = d.log_ratios(frozen, pairs)
    moved = []
    for pair in pairs:
        some = (pair.chosen_tokens, pair.rejected_tokens)
        moved.append([log_p(frozen, y) - log_p(reference, y) for y in some])
    assert [r.chosen for r in ratios] == pytest.approx([a for a, _ in moved])
    assert [r.rejected for r in ratios] == pytest.approx([b for _, b in moved])
    meets = [a for (a, _), pair in zip(moved, pairs) if d.meets_taste(pair.chosen)]
    others = [a for (a, _), pair in zip(moved, pairs) if not d.meets_taste(pair.chosen)]
    assert [e.mean for e in d.chosen_by_taste(ratios, pairs)] == pytest.approx(
        [sum(some) / len(some) for some in (meets, others)]
    )
    row = d.row_of_part_2(2.0, ratios, pairs).split()
    chosen, rejected = sum(a for a, _ in moved) / 40, sum(b for _, b in moved) / 40
    assert float(row[0]) == pytest.approx(rejected, abs=0.006)
    assert float(row[1]) == pytest.approx(chosen, abs=0.006)
    assert float(row[4]) == pytest.approx(2.0 * (chosen - rejected), abs=0.006)


def test_the_best_policy_moves_words_as_step_2_says():
    words, beta = ["nora", "anna", "my", "nora"], 2.0
    pair = d.Pair("nora", "anna", [], [], 0.0, 0.0, 0.9)
    z = sum(math.exp(d.SCALE * d.points(word) / beta) for word in words) / 4
    (found,) = d.best_log_ratios(words, [pair], beta)
    assert found.chosen == pytest.approx(d.SCALE * 3 / beta - math.log(z))
    assert found.rejected == pytest.approx(d.SCALE * -3 / beta - math.log(z))
    # so that the probabilities of all words still add up to 1
    every = d.best_log_ratios(words, [pair._replace(chosen=w) for w in words], beta)
    assert sum(math.exp(x.chosen) for x in every) / 4 == pytest.approx(1.0)
    assert math.isfinite(d.best_log_ratios(words, [pair], 1e-4)[0].chosen)
    assert d.words_of([pair]) == ["nora", "anna"]


def test_an_untrained_policy_makes_no_claim_good(frozen):
    pairs = d.make_pairs(frozen, VOCABULARY, 60, random.Random(1))
    claims = d.claims_of_part_2(0.5, d.log_ratios(frozen, pairs), pairs)
    assert [claim[:4] for claim in claims] == ["[no]"] * 3
    few = d.chosen_by_taste([d.Scores(0.0, 0.0)] * 2, [PAIR, PAIR._replace(chosen="bb")])
    assert all(math.isnan(some.mean) for some in few)


def test_the_best_policy_is_step_2_and_nothing_nearby_has_more_reward():
    words, beta = ["nora", "anna", "scott", "my", "nora"], 3.0
    weights = [math.exp(d.SCALE * d.points(word) / beta) for word in words]
    shares = [weight / sum(weights) for weight in weights]
    best = d.best_policy(words, beta)
    assert best.kl == pytest.approx(sum(p * math.log(p / 0.2) for p in shares))
    assert best.points == pytest.approx(sum(p * d.points(w) for p, w in zip(shares, words)))
    rng = random.Random(1)
    for _ in range(50):
        others = [p * math.exp(rng.gauss(0.0, 0.1)) for p in shares]
        others = [p / sum(others) for p in others]
        reward = sum(d.SCALE * p * d.points(word) for p, word in zip(others, words))
        distance = sum(p * math.log(p / 0.2) for p in others)
        assert reward - beta * distance < d.SCALE * best.points - beta * best.kl
    assert d.best_policy(words, 1e-4).points == 3.0  # all weight on the best, without an error


def test_best_of_n_by_enumeration():
    words = ["nora", "anna", "scott", "my", "io", "nora"]
    triples = itertools.product(map(d.points, words), repeat=3)
    found = d.best_of_n(words, 3)
    assert found.points == pytest.approx(sum(map(max, triples)) / 216)
    assert found.kl == pytest.approx(math.log(3) - 2 / 3)
    one = d.best_of_n(words, 1)
    assert one == (0.0, pytest.approx(sum(map(d.points, words)) / 6))


def writing(kl, points, spread=0.0):
    return d.Writing(["a", "b"], [points - spread, points + spread], [kl, kl])


def test_the_lead_at_equal_kl_is_on_the_line_over_the_root():
    line = [writing(0.0, -2.0), writing(0.25, 1.0), writing(1.0, 3.0)]
    lead = d.lead_at_equal_kl(line, writing(0.5625, 0.5))  # roots 0, 0.5, 0.75 and 1
    assert lead.mean == pytest.approx(2.0 - 0.5) and lead.error == pytest.approx(0.0)
    assert d.lead_at_equal_kl(line, writing(0.04, 0.0)).mean == pytest.approx(-0.8)
    assert d.neighbours(line, 7.0) == (line[1], line[2])


def test_the_error_at_equal_kl_covers_points_and_distance():
    line = [writing(0.0, -2.0), writing(0.25, 1.0, 0.3), writing(1.0, 3.0, 0.2)]
    error = d.lead_at_equal_kl(line, writing(0.5625, 0.5, 0.1)).error
    assert error == pytest.approx(math.hypot(0.5 * 0.3, 0.5 * 0.2, 0.1))
    # a slope of 4 points over the root is 4 / (2 * 0.75) for a nat
    noisy = d.Writing(["a", "b"], [0.5, 0.5], [0.5625 - 0.3, 0.5625 + 0.3])
    line = [writing(0.0, -2.0), writing(0.25, 1.0), writing(1.0, 3.0)]
    assert d.lead_at_equal_kl(line, noisy).error == pytest.approx(0.3 * 4 / 1.5)
    # words with more points that are farther off are less of an error than either alone
    along = d.Writing(["a", "b"], [0.5 - 0.8, 0.5 + 0.8], noisy.log_ratios)
    assert d.lead_at_equal_kl(line, along).error == pytest.approx(0.0, abs=1e-9)


def test_estimate():
    found = d.estimate([1.0, 2.0, 6.0])
    assert found == (3.0, pytest.approx((14 / 2 / 3) ** 0.5))
    assert d.difference([5.0, 1.0], [1.0, 1.0]) == (2.0, 2.0)


def test_pictures(capsys):
    curve = {0: [d.Scores(0.0, 0.0)] * 2, 10: [d.Scores(-1.0, -3.0), d.Scores(-1.0, -1.0)]}
    d.draw_curves(curve, width=10, height=5)
    rows = [row[10:] for row in capsys.readouterr().out.splitlines()[:5]]
    assert rows == ["c----------", "", " " * 10 + "c", "", " " * 10 + "r"]
    policies = [d.Policy(str(i), mark, 0.0, {}) for i, mark in enumerate("rDS")]
    writings = {"0": writing(0.0, 0.0), "1": writing(4.0, 8.0), "2": writing(1.0, 4.0)}
    d.draw_plane(policies, writings, ["a"], width=20, height=5)
    rows = [row[11:] for row in capsys.readouterr().out.splitlines()[:5]]
    assert rows[0].find("D") == 20 and rows[2].find("S") == 10 and rows[4][0] in "r"


def test_names_are_split_without_overlap():
    data = d.split_data(random.Random(4))
    names = [tuple(tokens) for tokens in data.train_set + data.held_out]
    assert len(set(names)) == len(names) == len(d.NAMES.split())
    assert len(data.held_out) == d.N_HELD_OUT
    assert max(map(len, names)) <= d.BLOCK_SIZE + 1


def test_the_reference_learns_two_names_a_step():
    data = d.Data(VOCABULARY, [[0, 1, 2, 0], [0, 3, 0], [0, 2, 1, 1, 0]], [])
    found = d.train_reference(data, 2, 9)
    model = d.init_model(V, random.Random("9 reference"))
    params = d.parameters(model)
    m, v = [0.0] * len(params), [0.0] * len(params)
    for step, (i, j) in enumerate(((0, 1), (2, 0)), 1):
        for p in params:
            p.grad = 0.0
        d.word_loss(model, data.train_set[i], data.train_set[j]).backward()
        rate = d.REFERENCE_RATE * ((3 - step) / 2)
        d.adam_step(params, m, v, step, rate, d.ADAM_BETA1, d.ADAM_BETA2)
    assert found == d.freeze(model)


def test_a_policy_is_looked_at_twelve_times_and_before(monkeypatch):
    monkeypatch.setattr(d, "log_ratios", lambda *args: [])
    monkeypatch.setattr(d, "freeze", lambda policy: policy)

    def train(reference, pairs, beta, steps, after_step):
        for step in range(1, steps + 1):
            after_step("policy", step)

    monkeypatch.setattr(d, "train_by_dpo", train)
    _, curve = d.train_and_watch("reference", [], [], 0.5, 24)
    assert list(curve) == [0, *range(2, 25, 2)]
