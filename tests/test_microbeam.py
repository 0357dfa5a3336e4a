"""The facts that microbeam.py teaches."""

import itertools
import math
import random

import pytest
from scripts import load

b = load("microbeam.py")
V = 4


def peaked(seed, sharpness=2.0, vocab_size=V, longest=5):
    """An lm drawn at random: log p of the next token depends on the whole prefix."""

    def lm(y):
        if len(y) >= longest:
            return [0.0] + [-math.inf] * (vocab_size - 1)
        rng = random.Random(f"{seed} {y}")
        weights = [math.exp(sharpness * rng.gauss(0.0, 1.0)) for _ in range(vocab_size)]
        return [math.log(w / sum(weights)) for w in weights]

    return lm


def all_words(lm, prompt=b.START):
    """{word: probability} of all words, by brute force."""
    words, live = {}, {prompt: 1.0}
    while live:
        longer = {
            (*y, token): p * math.exp(a)
            for y, p in live.items()
            for token, a in enumerate(lm(y))
            if a > -math.inf
        }
        words.update({y: p for y, p in longer.items() if y[-1] == 0})
        live = {y: p for y, p in longer.items() if y[-1] != 0}
    return words


def model(n_embd=8):
    made = b.init_model(V, n_embd, random.Random(4))
    for w in made.values():
        for row in w:
            for p in row:
                p.data *= 5.0  # far from uniform guesses
    return made


def floats_of(made):
    return {name: [[p.data for p in row] for row in w] for name, w in made.items()}


def test_word_loss_against_differences():
    made = model()
    params = [p for w in made.values() for row in w for p in row]
    tokens = [0, 1, 3, 2, 3, 0]
    for p in params:
        p.grad = 0.0
    b.word_loss(made, tokens).backward()
    for p in random.Random(3).sample(params, 60):
        x, h = p.data, 1e-6
        p.data = x + h
        above = b.word_loss(made, tokens).data
        p.data = x - h
        below = b.word_loss(made, tokens).data
        p.data = x
        assert p.grad == pytest.approx((above - below) / (2 * h), rel=1e-4, abs=1e-8)


def test_floats_give_the_logits_of_gpt_to_the_bit():
    for n_embd in (b.DRAFT_EMBD, b.TARGET_EMBD):
        made = model(n_embd)
        floats, caches = floats_of(made), [([], []), ([], [])]
        for token in (0, 2, 1, 1, 3, 2):
            logits = b.gpt(made, token, caches[0])
            assert [v.data for v in logits] == b.gpt_floats(floats, token, caches[1])


def test_lm_is_the_log_of_softmax_however_prefixes_are_asked_for():
    made = model()
    lm = b.make_lm(floats_of(made))
    for y in ((0, 2, 3, 1), (0, 2, 1), (0, 3), (0, 2, 3, 2), (0, 2), (0, 2, 3, 1)):
        cache = [], []
        logits = [[v.data for v in b.gpt(made, token, cache)] for token in y][-1]
        exps = [math.exp(x) for x in logits]
        assert lm(y) == pytest.approx([math.log(e / sum(exps)) for e in exps], rel=1e-12)
    loss = b.word_loss(made, [0, 2, 3, 1, 0]).data
    assert -b.word_log_p(lm, (0, 2, 3, 1, 0)) / 4 == pytest.approx(loss, rel=1e-12)
    assert b.per_token(lm, [(0, 2, 3, 1, 0)]) == pytest.approx(-loss, rel=1e-12)


def test_train_takes_adam_steps(monkeypatch):
    docs, made, reference = [(0, 1, 0), (0, 2, 3, 0)], model(), model()
    trained = b.train("phase", made, docs, 3)
    params = [p for w in reference.values() for row in w for p in row]
    m, v = [0.0] * len(params), [0.0] * len(params)
    for step in (1, 2, 3):
        loss = b.word_loss(reference, docs[step % 2])
        for p in params:
            p.grad = 0.0
        loss.backward()
        b.adam_step(params, m, v, step, b.LEARNING_RATE * (4 - step) / 3, b.BETA1, b.BETA2)
    assert trained == floats_of(reference)


def test_cut_makes_one_distribution_over_words():
    endless = peaked(1, longest=99)
    lm = b.cut(endless, 5)
    words = all_words(lm)
    assert sum(words.values()) == pytest.approx(1.0, rel=1e-12)
    assert max(map(len, words)) == 6 and lm((0, 1)) == endless((0, 1))
    assert b.make_lm(floats_of(model()))((0,) + (1,) * (b.BLOCK_SIZE - 1)) == [
        0.0,
        *[-math.inf] * 3,
    ]


def test_start_is_no_word_and_the_empty_word_is_one():
    assert not b.ended(b.START) and b.ended((0, 0)) and not b.ended((0, 1)) and b.ended((0, 1, 0))


def test_uniform_cost_search_yields_all_words_in_order():
    for seed in range(20):
        lm, prompt = peaked(seed), [b.START, (0, 2)][seed % 2]
        words = all_words(lm, prompt)
        found = list(b.likeliest(lm, prompt))
        assert [y for _, y, _ in found] == sorted(words, key=lambda y: -words[y])
        for cost, y, _ in found:
            assert math.exp(-cost) == pytest.approx(words[y], rel=1e-9)
        # The calls: each prefix with p >= p* once, and never more than 5 / p*.
        cost, _, calls = found[0]
        prefixes = {y[:i] for y in words for i in range(len(prompt), len(y))}
        steps = {y: [lm(y[:i])[y[i]] for i in range(len(prompt), len(y))] for y in prefixes}
        p = {y: math.exp(sum(step)) for y, step in steps.items()}
        # (A prefix that is full is as probable as its word: it is read too.)
        best = math.exp(-cost)
        assert calls == sum(p[y] >= best * (1 - 1e-9) for y in prefixes) <= 5 / best


def test_beam_of_width_1_is_greedy_and_a_wide_one_is_exact():
    found = []
    for seed in range(40):
        lm = peaked(seed)
        best = next(b.likeliest(lm, b.START))
        greedy = b.greedy(lm, b.START)
        assert b.beam_search(lm, b.START, 1) == greedy
        assert greedy[2] == len(greedy[1]) - 1
        assert b.beam_search(lm, b.START, V**5)[:2] == best[:2]
        found.append([b.beam_search(lm, b.START, k)[1] == best[1] for k in (1, 2, 4)])
    rates = [sum(column) for column in zip(*found)]
    assert rates[0] < rates[1] < rates[2]


def test_greedy_takes_the_likeliest_token_and_misses_the_likeliest_word():
    table = {(0,): [0.0, 0.6, 0.4], (0, 1): [0.3, 0.3, 0.4], (0, 2): [0.9, 0.1, 0.0]}

    def lm(y):
        return [math.log(max(p, 1e-12)) for p in table.get(y, [1.0, 0.0, 0.0])]

    cost, y, calls = b.greedy(lm, b.START)
    assert (y, calls) == ((0, 1, 2, 0), 3) and math.exp(-cost) == pytest.approx(0.24)
    cost, y, calls = b.beam_search(lm, b.START, 2)
    # 0.36 for the word in hand is more than what any prefix has left: no third step.
    assert (y, calls) == ((0, 2, 0), 3) and math.exp(-cost) == pytest.approx(0.36)


def test_length_normalization_is_that_of_the_paper_and_stops_when_nothing_can_win():
    for seed, alpha in itertools.product(range(15), (0.6, 1.0, 2.0)):
        lm = b.cut(peaked(seed, longest=99), 5)
        words = all_words(lm, (0, 1))
        scores = {y: math.log(p) / ((5 + len(y) - 2) / 6) ** alpha for y, p in words.items()}
        cost, y, _ = b.beam_search(lm, (0, 1), V**5, alpha)
        assert y == max(scores, key=scores.get)
        assert math.exp(-cost) == pytest.approx(words[y], rel=1e-9)


def test_length_normalization_counts_the_tokens_after_the_prompt():
    def lm(y):  # after (0, 1): the end at once, for 1.55, or after two letters more, for 2
        return {2: [-1.55, -1.0], 3: [-9.0, -1.0], 4: [0.0, -9.0]}[len(y)]

    # 2 / (5 + 3) < 1.55 / (5 + 1), but 2 / (5 + 5) > 1.55 / (5 + 3), were the prompt counted too.
    assert b.beam_search(lm, (0, 1), 9, 1.0)[1] == (0, 1, 1, 1, 0)


LOG_P = [math.log(p) for p in (0.1, 0.4, 0.2, 0.3)]


def normalized(weights):
    return [w / sum(weights) for w in weights]


def test_samplers_keep_what_their_definitions_keep():
    assert b.temperature(LOG_P, 1.0) == pytest.approx([0.1, 0.4, 0.2, 0.3])
    squares = [0.01, 0.16, 0.04, 0.09]
    assert normalized(b.temperature(LOG_P, 0.5)) == pytest.approx(normalized(squares))
    assert b.top_k(LOG_P, 2) == pytest.approx([0.0, 0.4, 0.0, 0.3])
    assert b.top_k(LOG_P, 9) == pytest.approx([0.1, 0.4, 0.2, 0.3])
    assert b.nucleus(LOG_P, 0.39) == pytest.approx([0.0, 0.4, 0.0, 0.0])  # at least one
    assert b.nucleus(LOG_P, 0.41) == pytest.approx([0.0, 0.4, 0.0, 0.3])  # the one that crosses
    assert b.nucleus(LOG_P, 0.89) == pytest.approx([0.0, 0.4, 0.2, 0.3])
    assert b.nucleus(LOG_P, 1.0) == pytest.approx([0.1, 0.4, 0.2, 0.3])
    assert b.min_p(LOG_P, 0.51) == pytest.approx([0.0, 0.4, 0.0, 0.3])
    assert b.min_p(LOG_P, 0.49) == pytest.approx([0.0, 0.4, 0.2, 0.3])
    full = [0.0, -math.inf, -math.inf]
    for rule, settings in b.SAMPLERS:
        for setting in settings:
            assert rule(full, setting) == [1.0, 0.0, 0.0]


def paths(monkeypatch, run):
    """{what run() returns: its probability}, over every outcome of every draw in it."""
    results, todo = {}, [[]]
    while todo:
        script, place, p = todo.pop(), 0, 1.0

        def pick(weights, rng, script=script):
            nonlocal place, p
            if place == len(script):  # a new draw: take one outcome, leave the others for later
                first, *others = [i for i, w in enumerate(weights) if w > 0]
                todo.extend([*script, other] for other in others)
                script.append(first)
            place, p = place + 1, p * weights[script[place]] / math.fsum(weights)
            return script[place - 1]

        monkeypatch.setattr(b, "pick", pick)
        result = run()
        results[result] = results.get(result, 0.0) + p
    return results


@pytest.mark.parametrize("k", [1, 2, 3, 5])
@pytest.mark.parametrize("sharpness", [0.7, 2.0])
def test_speculation_has_exactly_the_targets_distribution(monkeypatch, k, sharpness):
    target, draft = [peaked(seed, sharpness, 3, longest=3) for seed in (1, 2)]
    words = all_words(target)
    found = paths(monkeypatch, lambda: b.speculate(target, draft, b.START, k, None)[0])
    assert found == pytest.approx(words, abs=1e-12)


@pytest.mark.parametrize(
    "wrong",
    [{"instead": lambda p, q: p}, {"stay": lambda p, q: 1.0}, {"stay": lambda p, q: p >= q}],
)
def test_wrong_rules_have_another_distribution(monkeypatch, wrong):
    target, draft = [peaked(seed, 1.0, 3, longest=3) for seed in (1, 2)]
    words = all_words(target)
    found = paths(monkeypatch, lambda: b.speculate(target, draft, b.START, 2, None, **wrong)[0])
    assert max(abs(found.get(y, 0.0) - p) for y, p in words.items()) > 0.01


def test_sampling_and_its_entropy(monkeypatch):
    lm = peaked(5, longest=3)
    found = paths(monkeypatch, lambda: b.sample(lm, b.START, b.nucleus, 0.7, None))
    assert sum(found.values()) == pytest.approx(1.0)
    for (cost, _), p in found.items():
        assert math.exp(-cost) == pytest.approx(p)
    plain = paths(monkeypatch, lambda: b.sample(lm, b.START, b.temperature, 1.0, None)[1])
    assert plain == pytest.approx(all_words(lm))


def test_calls_and_acceptance_of_speculation():
    target, draft, rng = peaked(1, 1.0, longest=9), peaked(2, 1.0, longest=9), random.Random(3)
    for k in (1, 3):
        stays, overlaps, variance = 0, 0.0, 0.0
        for _ in range(400):
            y, rounds = b.speculate(target, draft, b.START, k, rng)
            tokens = 0
            for places, trials in rounds:
                accepted = sum(s for s, _ in trials)
                assert accepted >= len(trials) - 1 and len(trials) <= k
                # One more than what was accepted, unless the word ended with an accepted token.
                tokens += accepted + 1
                assert accepted + 1 <= places + 1 <= k + 2
                stays += accepted
                overlaps += sum(o for _, o in trials)
                variance += sum(o * (1 - o) for _, o in trials)
            assert len(y) - 1 in (tokens, tokens - 1)
        assert abs(stays - overlaps) < 4 * math.sqrt(variance)
    # The first overlap is 1 - TV of the two first distributions.
    p, q = [[math.exp(a) for a in lm(b.START)] for lm in (target, draft)]
    tv = sum(abs(x - z) for x, z in zip(p, q)) / 2
    assert b.speculate(target, draft, b.START, 1, rng)[1][0][1][0][1] == pytest.approx(1 - tv)


def test_a_perfect_draft_is_always_accepted():
    lm, rng = peaked(1, longest=9), random.Random(4)
    for _ in range(50):
        y, rounds = b.speculate(lm, lm, b.START, 3, rng)
        assert all(stays for _, trials in rounds for stays, _ in trials)
        assert len(rounds) == math.ceil((len(y) - 1) / 4)
        assert sum(places for places, _ in rounds) == len(y) - 1


def test_chi_square_by_hand():
    shares = [0.5, 0.3, 0.15, 0.05]

    def lm(y):
        return [math.log(p) for p in shares] if len(y) == 1 else [0.0] + [-math.inf] * 3

    # Expected of 40: 20, 12, and 6 + 2 that are too few and share a bin. Of 200: all four apart.
    statistic, limit = b.chi_square([(0, 0)] * 26 + [(0, 1, 0)] * 9 + [(0, 2, 0)] * 5, lm)
    assert statistic == pytest.approx(36 / 20 + 9 / 12 + 9 / 8)
    assert limit == pytest.approx(9.210, rel=0.01)  # tables: 2 degrees of freedom
    statistic, limit = b.chi_square([(0, 0)] * 200, lm)
    assert statistic == pytest.approx(10000 / 100 + 60 + 30 + 10)
    assert limit == pytest.approx(11.345, rel=0.01)  # 3 degrees
    shares[:] = [0.5, 0.4, 0.05, 0.05]  # of 210 the last two are 10.5 each: still bins of their own
    assert b.chi_square([(0, 0)] * 210, lm)[1] == pytest.approx(11.345, rel=0.01)


def test_quantile_against_tables():
    def lm(y):
        return [-math.log(101)] * 101 if len(y) == 1 else [0.0] + [-math.inf] * 100

    words = [(0, 0)] * 2020
    assert b.chi_square(words, lm)[1] == pytest.approx(135.807, rel=1e-3)  # 100 degrees


def test_counted_pairs():
    lm = b.count_pairs([(0, 1, 1, 2, 0), (0, 2, 0)], 3)
    expected = [0.5 / (2 + 1.5), 1.5 / (2 + 1.5), 1.5 / (2 + 1.5)]  # 1 is followed by 1 and 2
    assert lm((0, 2, 1)) == pytest.approx([math.log(p) for p in expected])
    assert b.pairs_of([(0, 1, 0), (0, 0)]) == [(0, 1), (1, 0), (0, 0)]


def test_plane(capsys):
    b.draw_plane([(0.0, 0.5, "a"), (10.0, 1.0, "b"), (5.0, 0.75, "-"), (5.0, 0.75, "c")], 10.0)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 17
    start = lines[0].index("|") + 1
    assert lines[0].index("b") == start + 60 and lines[0].split()[0] == "1.00"
    assert lines[16].index("a") == start and lines[16].split()[0] == "0.50"
    assert lines[8].index("c") == start + 30 and "-" not in "".join(lines)
