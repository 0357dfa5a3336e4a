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


def sharp_model():
    made = b.init_model(V, random.Random(4))
    for p in b.parameters(made):
        p.data *= 5.0  # far from uniform guesses
    return made


# --- The model and what decoders see of it --------------------------------------------------------


def test_word_loss_against_differences():
    made, tokens, h = sharp_model(), [0, 1, 3, 2, 3, 0], 1e-6
    params = b.parameters(made)
    b.word_loss(made, tokens).backward()
    used = [p for p in params if p.grad != 0.0]
    for p in random.Random(2).sample(used, 15):
        x = p.data
        p.data = x + h
        above = b.word_loss(made, tokens).data
        p.data = x - h
        below = b.word_loss(made, tokens).data
        p.data = x
        assert p.grad == pytest.approx((above - below) / (2 * h), rel=1e-4, abs=1e-8)


def test_train_takes_adam_steps_on_two_names_each():
    made, reference = [b.init_model(V, random.Random(5)) for _ in range(2)]
    words = [[0, 1, 2, 0], [0, 3, 0], [0, 2, 2, 1, 0]]
    b.train(made, words, 3)
    params = b.parameters(reference)
    m, v = [0.0] * len(params), [0.0] * len(params)
    for step, batch in ((1, words[:2]), (2, [words[2], words[0]]), (3, words[1:])):
        for p in params:
            p.grad = 0.0
        b.word_loss(reference, *batch).backward()
        b.adam_step(
            params, m, v, step, b.LEARNING_RATE * (4 - step) / 3, b.ADAM_BETA1, b.ADAM_BETA2
        )
    assert [p.data for p in b.parameters(made)] == pytest.approx([p.data for p in params], rel=1e-9)


def test_lm_is_the_log_of_softmax_however_prefixes_are_asked_for():
    made = sharp_model()
    lm, tokens = b.RememberingModel(b.freeze(made)), [0, 1, 3, 2, 3, 0]
    for i in (5, 1, 3, 2, 4):  # longer ones before shorter ones
        log_p = lm(tuple(tokens[:i]))
        assert sum(map(math.exp, log_p)) == pytest.approx(1.0)
        found = b.log_probs(made, tokens[: i + 1])[-1].data
        assert log_p[tokens[i]] == pytest.approx(found, rel=1e-9)


def test_after_the_longest_word_the_end_is_certain(monkeypatch):
    monkeypatch.setattr(b, "BLOCK_SIZE", 4)
    lm = b.RememberingModel(b.freeze(sharp_model()))
    words = all_words(lm)
    assert max(map(len, words)) == 5 and sum(words.values()) == pytest.approx(1.0)
    assert lm((0, 1, 2, 3)) == [0.0, -math.inf, -math.inf, -math.inf]
    rule = b.CountingRule([(0, 1, 2, 0)], V, lambda tokens: b.last_tokens(tokens, 1))
    words = all_words(b.lm_of_rule(rule, V))
    assert max(map(len, words)) == 5 and sum(words.values()) == pytest.approx(1.0)


def test_no_name_is_longer_than_what_was_trained():
    assert max(map(len, b.NAMES.split())) <= b.BLOCK_SIZE - 1


def test_cut_short_makes_one_distribution_over_words():
    lm = b.cut_short(peaked(3, longest=99), 3)
    words = all_words(lm)
    assert max(map(len, words)) == 4 and sum(words.values()) == pytest.approx(1.0)
    assert lm((0, 1)) == peaked(3, longest=99)((0, 1))


def test_log_softmax():
    found = b.log_softmax([1000.0, 1001.0, 999.0])
    total = math.exp(-1.0) + 1.0 + math.exp(-2.0)
    assert found == pytest.approx([x - math.log(total) for x in (-1.0, 0.0, -2.0)])


def test_the_start_is_no_word_and_the_empty_word_is_one():
    assert not b.is_complete(b.START) and not b.is_complete((0, 1))
    assert b.is_complete((0, 0)) and b.is_complete((0, 1, 0))
    assert b.n_letters((0, 0)) == 0 and b.n_letters((0, 3, 1, 0)) == 2
    assert b.show((0, 0), "xab") == "-" and b.show((0, 2, 1, 0), "xab") == "ba"


# --- Search ---------------------------------------------------------------------------------------


def test_exact_search_yields_all_words_in_order():
    for seed in range(20):
        lm, prompt = peaked(seed), [b.START, (0, 2)][seed % 2]
        words = all_words(lm, prompt)
        found = list(b.most_probable(lm, prompt))
        assert [one.word for one in found] == sorted(words, key=lambda y: -words[y])
        for one in found:
            assert math.exp(-one.cost) == pytest.approx(words[one.word], rel=1e-9)
        # The calls: each prefix with p >= p* once, and never more than 5 / p*.
        best = math.exp(-found[0].cost)
        prefixes = {y[:i] for y in words for i in range(len(prompt), len(y))}
        steps = {y: [lm(y[:i])[y[i]] for i in range(len(prompt), len(y))] for y in prefixes}
        p = {y: math.exp(sum(step)) for y, step in steps.items()}
        # (A prefix that is full is as probable as its word: it is read too.)
        assert found[0].calls == sum(p[y] >= best * (1 - 1e-9) for y in prefixes) <= 5 / best


def test_beam_of_width_1_is_greedy_and_a_wide_one_is_exact():
    hits = []
    for seed in range(40):
        lm = peaked(seed)
        best = next(b.most_probable(lm, b.START))
        greedy = b.greedy(lm, b.START)
        assert b.beam_search(lm, b.START, 1) == greedy
        assert greedy.calls == len(greedy.word) - 1
        assert b.beam_search(lm, b.START, V**5)[:2] == best[:2]
        hits.append([b.beam_search(lm, b.START, k).word == best.word for k in (1, 2, 4)])
    rates = [sum(column) for column in zip(*hits)]
    assert rates[0] < rates[1] < rates[2]


def test_greedy_takes_the_likeliest_token_and_misses_the_likeliest_word():
    table = {(0,): [0.0, 0.6, 0.4], (0, 1): [0.3, 0.3, 0.4], (0, 2): [0.9, 0.1, 0.0]}

    def lm(y):
        return [math.log(max(p, 1e-12)) for p in table.get(y, [1.0, 0.0, 0.0])]

    found = b.greedy(lm, b.START)
    assert (found.word, found.calls) == ((0, 1, 2, 0), 3)
    assert math.exp(-found.cost) == pytest.approx(0.24)
    found = b.beam_search(lm, b.START, 2)
    # 0.36 for the word in hand is more than what any prefix has left: no third step.
    assert (found.word, found.calls) == ((0, 2, 0), 3)
    assert math.exp(-found.cost) == pytest.approx(0.36)


def test_preconditions_of_beam_search():
    lm = peaked(1)
    for width, alpha in ((0, 0.0), (2, -0.1)):
        with pytest.raises(ValueError):
            b.beam_search(lm, b.START, width, alpha)
    assert b.beam_search(lm, (0, 2, 0), 3) == ((0, 2, 0), 0.0, 0)
    assert b.greedy(lm, (0, 2, 0)) == next(b.most_probable(lm, (0, 2, 0))) == ((0, 2, 0), 0.0, 0)


def test_length_normalization_is_that_of_the_paper_and_stops_when_nothing_can_win():
    for seed, alpha in itertools.product(range(15), (0.6, 1.0, 2.0)):
        lm = b.cut_short(peaked(seed, longest=99), 5)
        words = all_words(lm, (0, 1))
        scores = {y: math.log(p) / ((5 + len(y) - 2) / 6) ** alpha for y, p in words.items()}
        found = b.beam_search(lm, (0, 1), V**5, alpha)
        assert found.word == max(scores, key=scores.get)
        assert math.exp(-found.cost) == pytest.approx(words[found.word], rel=1e-9)
    assert b.length_divisor(1, 1.0) == 1.0 and b.length_divisor(7, 1.0) == 2.0
    assert b.length_divisor(7, 0.0) == 1.0


def test_the_worked_step_of_a_beam():
    costs = {(0, 1): 1.6, (0, 2): 2.0, (0, 1, 3): 2.4, (0, 1, 0): 2.6, (0, 2, 3): 2.7}

    def lm(y):
        before = costs.get(y, 0.0)
        return [before - costs.get((*y, token), 99.0) for token in range(4)]

    found = b.beam_search(lm, b.START, 2)
    assert found.word == (0, 1, 0) and found.cost == pytest.approx(2.6)


def test_length_normalization_counts_the_tokens_after_the_prompt():
    def lm(y):  # after (0, 1): the end at once, for 1.55, or after two letters more, for 2
        return {2: [-1.55, -1.0], 3: [-9.0, -1.0], 4: [0.0, -9.0]}[len(y)]

    # 2 / (5 + 3) < 1.55 / (5 + 1), but 2 / (5 + 5) > 1.55 / (5 + 3), were the prompt counted too.
    assert b.beam_search(lm, (0, 1), 9, 1.0).word == (0, 1, 1, 1, 0)


# --- Drawing --------------------------------------------------------------------------------------

LOG_P = [math.log(p) for p in (0.1, 0.4, 0.2, 0.3)]


def normalized(weights):
    return [w / sum(weights) for w in weights]


def test_rules_keep_what_they_say():
    assert normalized(b.temperature(LOG_P, 1.0)) == pytest.approx([0.1, 0.4, 0.2, 0.3])
    squares = [0.01, 0.16, 0.04, 0.09]
    assert normalized(b.temperature(LOG_P, 0.5)) == pytest.approx(normalized(squares))
    assert b.top_k(LOG_P, 2) == pytest.approx([0.0, 0.4, 0.0, 0.3])
    assert b.top_k(LOG_P, 9) == pytest.approx([0.1, 0.4, 0.2, 0.3])
    assert b.nucleus(LOG_P, 0.39) == pytest.approx([0.0, 0.4, 0.0, 0.0])
    assert b.nucleus(LOG_P, 0.41) == pytest.approx([0.0, 0.4, 0.0, 0.3])  # the one that crosses
    assert b.nucleus(LOG_P, 0.89) == pytest.approx([0.0, 0.4, 0.2, 0.3])
    assert b.nucleus(LOG_P, 1.0) == pytest.approx([0.1, 0.4, 0.2, 0.3])
    assert b.min_p(LOG_P, 0.51) == pytest.approx([0.0, 0.4, 0.0, 0.3])
    assert b.min_p(LOG_P, 0.49) == pytest.approx([0.0, 0.4, 0.2, 0.3])


def test_settings_at_the_edge():
    assert b.temperature(LOG_P, 0) == [0.0, 1.0, 0.0, 0.0]  # greedy
    assert b.temperature([-math.inf, 0.0], 0) == [0.0, 1.0]
    assert b.temperature([-2.3] * 10, 0.003) == [1.0] * 10  # no weight underflows to 0
    assert normalized(b.temperature(LOG_P, 1e-4)) == pytest.approx([0.0, 1.0, 0.0, 0.0])
    assert b.top_k(LOG_P, 0) == pytest.approx([0.1, 0.4, 0.2, 0.3])  # off
    assert b.nucleus(LOG_P, 0) == pytest.approx([0.0, 0.4, 0.0, 0.0])  # one token at least
    assert b.min_p(LOG_P, 0) == pytest.approx([0.1, 0.4, 0.2, 0.3])  # off
    certain = [0.0, -math.inf, -math.inf]
    for rule in (b.temperature, b.top_k, b.nucleus, b.min_p):
        assert rule(certain, 1) == [1.0, 0.0, 0.0]


def test_the_table_of_the_rules():
    for p, rows in (
        ((0.9, 0.06, 0.03, 0.01), "99 0 0 0, 94 6 0 0, 100 0 0 0, 100 0 0 0"),
        ((0.31, 0.28, 0.22, 0.19), "37 30 19 14, 53 47 0 0, 38 35 27 0, 31 28 22 19"),
    ):
        log_p = [math.log(x) for x in p]
        settings = ((b.temperature, 0.5), (b.top_k, 2), (b.nucleus, 0.8), (b.min_p, 0.1))
        found = [normalized(rule(log_p, setting)) for rule, setting in settings]
        shown = [" ".join([f"{100 * w:.0f}" for w in weights]) for weights in found]
        assert ", ".join(shown) == rows


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


def test_drawing_and_its_entropy(monkeypatch):
    lm = peaked(5, longest=3)
    found = paths(monkeypatch, lambda: b.draw_word(lm, b.nucleus, 0.7, None))
    assert sum(found.values()) == pytest.approx(1.0)
    for (_, cost), p in found.items():
        assert math.exp(-cost) == pytest.approx(p)
    plain = paths(monkeypatch, lambda: b.draw_word(lm, b.temperature, 1.0, None)[0])
    assert plain == pytest.approx(all_words(lm))


# --- Speculation ----------------------------------------------------------------------------------


@pytest.mark.parametrize("k", [1, 2, 3, 5])
@pytest.mark.parametrize("sharpness", [0.7, 2.0])
def test_speculation_has_exactly_the_targets_distribution(monkeypatch, k, sharpness):
    target, draft = [peaked(seed, sharpness, 3, longest=3) for seed in (1, 2)]
    words = all_words(target)
    found = paths(monkeypatch, lambda: b.speculate(target, draft, k, None)[0])
    assert found == pytest.approx(words, abs=1e-12)


@pytest.mark.parametrize(
    "wrong",
    [
        {"instead_of": lambda p, q: p},
        {"stay_probability": lambda p, q: 1.0},
        {"stay_probability": lambda p, q: float(p >= q)},
    ],
)
def test_wrong_rules_have_another_distribution(monkeypatch, wrong):
    target, draft = [peaked(seed, 1.0, 3, longest=3) for seed in (1, 2)]
    words, rule = all_words(target), b.RIGHT_CHECK._replace(**wrong)
    found = paths(monkeypatch, lambda: b.speculate(target, draft, 2, None, rule)[0])
    assert max(abs(found.get(y, 0.0) - p) for y, p in words.items()) > 0.01


def test_the_example_of_speculation():
    p, q = [0.5, 0.3, 0.2], [0.8, 0.1, 0.1]
    kept = [y * b.stay_probability(x, y) for x, y in zip(p, q)]
    assert kept == pytest.approx([0.5, 0.1, 0.1])
    assert b.instead_of(p, q) == pytest.approx([0.0, 0.2, 0.1])
    assert b.instead_of(p, p) == p  # nothing is left, but for rounding


def test_calls_and_what_stays():
    target, draft, rng = peaked(1, 1.0, longest=9), peaked(2, 1.0, longest=9), random.Random(3)
    for k in (1, 3):
        stayed, overlaps, variance = 0, 0.0, 0.0
        for _ in range(400):
            word, calls = b.speculate(target, draft, k, rng)
            n_tokens = 0
            for call in calls:
                n_kept = sum(call.tested)
                assert n_kept >= len(call.tested) - 1 and len(call.tested) <= k
                # One more than what was kept, unless the word ended with a guess that was kept.
                n_tokens += n_kept + 1
                stayed += n_kept
                overlaps += sum(call.overlaps)
                variance += sum(o * (1 - o) for o in call.overlaps)
            assert len(word) - 1 in (n_tokens, n_tokens - 1)
        assert abs(stayed - overlaps) < 4 * math.sqrt(variance)  # they stay with 1 - TV
    # The first overlap is 1 - TV of the two first distributions.
    p, q = [[math.exp(a) for a in lm(b.START)] for lm in (target, draft)]
    tv = sum(abs(x - z) for x, z in zip(p, q)) / 2
    assert b.speculate(target, draft, 1, rng)[1][0].overlaps[0] == pytest.approx(1 - tv)


def test_a_perfect_draft_always_stays():
    lm, rng = peaked(1, longest=9), random.Random(4)
    for _ in range(50):
        word, calls = b.speculate(lm, lm, 3, rng)
        assert all([all(call.tested) for call in calls])
        assert len(calls) == math.ceil((len(word) - 1) / 4)
        assert sum([call.n_places for call in calls]) == len(word) - 1


def test_tokens_by_formula():
    call = b.Call([1, 0], [0.5, 0.5], 3)
    assert b.tokens_by_formula(0.5, call) == 1.75
    assert b.tokens_by_formula(0.5, call._replace(n_places=2)) == 1.5


def test_speculated_and_foretold():
    lm, other = peaked(1, 1.0, longest=6), peaked(2, 1.0, longest=6)
    result = b.speculate_often(lm, lm, 2, 1.0, random.Random(1))
    assert result.kept.mean == 1.0 and result.overlap == pytest.approx(1.0)
    assert result.per_call.mean == pytest.approx(result.formula)
    words = [(0, 1, 0), (0, 2, 3, 0)]
    by_hand = []
    for prefix in ((0,), (0, 1), (0,), (0, 2), (0, 2, 3)):
        by_hand.append(sum(math.exp(min(x, y)) for x, y in zip(lm(prefix), other(prefix))))
    assert b.foretell(lm, other, words).mean == pytest.approx(sum(by_hand) / 5)


def test_chi_square_by_hand():
    shares = [0.5, 0.3, 0.15, 0.05]

    def lm(y):
        return [math.log(p) for p in shares] if len(y) == 1 else [0.0] + [-math.inf] * 3

    # Expected of 40: 20, 12, and 6 + 2 that are too few and share a bin. Of 200: all four apart.
    statistic, limit = b.chi_square([(0, 0)] * 26 + [(0, 1, 0)] * 9 + [(0, 2, 0)] * 5, lm)
    assert statistic == pytest.approx(36 / 20 + 9 / 12 + 9 / 8)
    assert limit == pytest.approx(13.816, rel=0.03)  # tables: 2 degrees of freedom, 0.001
    statistic, limit = b.chi_square([(0, 0)] * 200, lm)
    assert statistic == pytest.approx(10000 / 100 + 60 + 30 + 10)
    assert limit == pytest.approx(16.266, rel=0.03)  # 3 degrees
    shares[:] = [0.5, 0.4, 0.05, 0.05]  # of 210 the last two are 10.5 each: still bins of their own
    assert b.chi_square([(0, 0)] * 210, lm).limit == pytest.approx(16.266, rel=0.03)


def test_limit_against_tables():
    def lm(y):
        return [-math.log(101)] * 101 if len(y) == 1 else [0.0] + [-math.inf] * 100

    words = [(0, 0)] * 2020
    assert b.chi_square(words, lm).limit == pytest.approx(149.449, rel=2e-3)  # 100 degrees


# --- The experiments ------------------------------------------------------------------------------


@pytest.fixture
def world(monkeypatch):
    """A world of words of three letters, with an untrained model."""
    for name, value in (("N_SAMPLES", 30), ("N_PROMPTS", 6), ("N_TESTED", 800)):
        monkeypatch.setattr(b, name, value)
    monkeypatch.setattr(b, "WIDTHS", (2, 4))
    monkeypatch.setattr(b, "BLOCK_SIZE", 7)
    words = ["ab", "abc", "ba", "cab", "bac", "aab", "abb"]
    vocabulary = b.make_vocabulary(words)
    tokens = [tuple(b.tokenize(word, vocabulary)) for word in words]
    model = b.RememberingModel(b.freeze(b.init_model(len(vocabulary), random.Random(1))))
    counting = {}
    for name, longest in (("letters", 0), ("pairs", 1), ("fours", 3)):
        counting[name] = b.counting_rule(b.Data(vocabulary, tokens, tokens[:3]), longest)
    return b.World(vocabulary, tokens, tokens[:3], model, counting)


def test_prompts_are_different_beginnings(monkeypatch):
    monkeypatch.setattr(b, "N_PROMPTS", 5)
    held_out = [(0, 1, 2, 0), (0, 1, 3, 0), (0, 2, 0)]
    assert b.prompts_of(held_out) == [(0,), (0, 1), (0, 2), (0, 1, 2), (0, 1, 3)]


def test_searches_are_compared_with_the_exact_one(world, capsys):
    prompts = b.prompts_of(world.held_out)
    found = b.all_searches(world.lm, prompts)
    best = [max(all_words(world.lm, prompt).values()) for prompt in prompts[-2:]]
    assert [math.exp(-one.cost) for one in found["exact"][-2:]] == pytest.approx(best)
    assert list(found) == [
        "greedy",
        "beam 2",
        "beam 4",
        "exact",
        "beam 4, alpha 0.6",
        "beam 4, alpha 1.0",
    ]
    b.searching(world, 1)
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    exact = [row for row in rows if row[:1] == ["exact"]][0]
    assert exact[4] == "100%" and float(exact[1]) == pytest.approx(
        -sum([one.cost for one in found["exact"]]) / len(prompts), abs=1e-3
    )
    greedy = [row for row in rows if row[:1] == ["greedy"]][0]
    hits = [one.word == other.word for one, other in zip(found["greedy"], found["exact"])]
    assert greedy[4] == f"{sum(hits) / len(hits):.0%}"


def test_drawn_after_prompts_has_the_odds_of_the_model(world, monkeypatch):
    lm = peaked(5, longest=3)
    found = paths(monkeypatch, lambda: b.drawn_after(lm, [(0, 2)], None)[0])
    words = all_words(lm, (0, 2))
    assert {one.word: p for one, p in found.items()} == pytest.approx(words)
    for one, p in found.items():
        assert math.exp(-one.cost) == pytest.approx(p) and one.calls == len(one.word) - 2


def test_cost_of_a_word():
    lm = peaked(5, longest=3)
    for word, p in all_words(lm).items():
        assert math.exp(-b.cost_of(lm, word)) == pytest.approx(p)


def test_an_untrained_model_is_not_judged_better_when_cut(world, capsys):
    claims = b.ways_of_drawing(world, 3)
    assert claims[0].startswith("[no]") or claims[1].startswith("[no]")
    out = capsys.readouterr().out
    assert out.count(" +- ") >= 2 * 13 + 1


def test_leads_at_equal_entropy(world, monkeypatch, capsys):
    capsys.readouterr()
    ways = b.draw_in_all_ways(world, 3)
    shown = capsys.readouterr().err.splitlines()
    assert shown[-1].startswith(f"drawing, min_p  {len(b.MIN_PS)}/{len(b.MIN_PS)}")
    assert shown[0].startswith(f"drawing, temperature  1/{len(b.TEMPERATURES)}")
    leads = b.at_equal_entropy(ways)
    assert list(leads) == [key for key in ways if key[0] != "temperature"]
    way = ways["min_p", 0.1]
    wanted = b.temperature_judged_at(ways, way.entropy.mean).mean - way.judged.mean
    assert leads["min_p", 0.1].mean == pytest.approx(wanted)


def test_judge_is_the_loss_of_the_rule(world):
    words = [(0, 1, 0), (0, 2, 1, 0)]
    rule = world.counting["fours"]
    nats = [
        -math.log(rule.probability(word[:i], word[i]))
        for word in words
        for i in range(1, len(word))
    ]
    assert b.judge(rule, words).mean == pytest.approx(sum(nats) / len(nats))
    way = b.sampled([*words, words[0]], [1.0, 2.0, 3.0], rule)
    assert way.distinct == pytest.approx(2 / 3) and way.entropy.mean == 2.0


def test_temperature_at_equal_entropy(monkeypatch):
    def way(judged, entropy):
        return b.Sampled([], [], b.Estimate(judged, 0.3), b.Estimate(entropy, 0.0), 1.0)

    monkeypatch.setattr(b, "TEMPERATURES", (0.5, 0.7, 1.0, 1.3))
    ways = {}
    for t, judged, entropy in zip(b.TEMPERATURES, (1.0, 2.0, 4.0, 8.0), (1.0, 2.0, 3.0, 4.0)):
        ways["temperature", t] = way(judged, entropy)
    assert b.temperature_judged_at(ways, 2.5).mean == 3.0
    assert b.temperature_judged_at(ways, 2.5).error == pytest.approx(math.hypot(0.15, 0.15))
    assert b.temperature_judged_at(ways, 1.0).mean == 1.0
    assert b.temperature_judged_at(ways, 3.5).mean == 6.0
    assert b.temperature_judged_at(ways, 0.5).mean == 0.5  # the line goes on


def test_the_odds_are_tested_with_rules_that_are_wrong(world, capsys, monkeypatch):
    draft = peaked(3, 1.5, len(world.vocabulary), longest=99)
    monkeypatch.setattr(b, "lm_of_rule", lambda *args: draft)
    claims = b.test_the_odds(world, 1)
    assert [claim[:4] for claim in claims] == ["[ok]", "[ok]"]
    wrong = b.RIGHT_CHECK._replace(stay_probability=lambda p, q: 1.0)
    monkeypatch.setattr(b, "RIGHT_CHECK", wrong)
    assert b.test_the_odds(world, 1)[0].startswith("[no]")


def test_gap_and_estimate():
    assert b.estimate([1.0, 2.0, 3.0]).mean == 2.0
    found = b.gap(b.Estimate(3.0, 0.3), b.Estimate(1.0, 0.4))
    assert found.mean == 2.0 and found.error == pytest.approx(0.5)


def test_pictures(capsys):
    b.draw_bars(5.0, [5.0, 5.5, 9.0, 99.0], [7.0] * 4, width=50)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "   (A mark stands for 2.0 of 100.)"
    rows = {line.split()[0]: line.partition("to")[2] for line in lines[2:]}
    assert rows["-4"].count("*") == 25 and "<" in rows["-4"]
    assert rows["-6"].count("o") == 50 and rows["-8"].count("*") == 12
    assert rows["-28"].count("*") == 12 and rows["-28"].endswith("and less")
    b.draw_bars(5.0, [9.0 + i for i in range(10)], [9.0 + i for i in range(10)])
    assert "mark" not in capsys.readouterr().out  # 20 of 100 are 20 marks
    b.draw_bars(5.0, [1.0, 9.0], [9.0])  # only if there is something above -2 it has a row
    assert capsys.readouterr().out.splitlines()[2].split()[:3] == ["0", "to", "-2"]


def test_plane(capsys):
    def way(judged, entropy):
        return b.Sampled([], [], b.Estimate(judged, 0.0), b.Estimate(entropy, 0.0), 1.0)

    ways = {
        ("temperature", 1.0): way(3.0, 10.0),
        ("top_k", 3): way(1.0, 0.0),
        ("min_p", 0.1): way(2.0, 5.0),
    }
    b.draw_plane(ways, 2.5, width=10, height=5)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "     1.00 |k" and lines[2] == "     2.00 |     m"
    assert lines[3] == "     2.50 |" + "-" * 11 and lines[4] == "     3.00 |" + " " * 10 + "P"


def test_part_2_draws_with_the_odds_of_the_model(world, capsys):
    b.most_probable_words(world, 1)
    out = capsys.readouterr().out
    assert "   -   " in out and "most probable word" in out
    rng = random.Random("1 part 2")
    costs = [b.draw_word(world.lm, b.temperature, 1.0, rng)[1] for _ in range(b.N_SAMPLES)]
    assert f"drawn {-sum(costs) / len(costs):.1f}," in out
    best = next(b.most_probable(world.lm, b.START))
    assert f"the most probable word {-best.cost:.1f}." in out


def test_a_beam_stops_when_no_word_can_win(monkeypatch):
    monkeypatch.setattr(b, "BLOCK_SIZE", 4)
    asked = []

    def lm(y):  # the end costs 1 at once; two letters cost 0.6 each, and then the end is free
        asked.append(y)
        return {1: [-1.0, -0.6], 2: [-9.0, -0.6], 3: [0.0, -9.0]}[len(y)]

    # After one letter 0.6 / divisor is below 1.0, after two 1.2 / ((5 + 4) / 6) is, too: 0.8.
    assert b.beam_search(lm, b.START, 2, 1.0).word == (0, 1, 1, 0)
    assert b.beam_search(lm, b.START, 2, 0.0).calls == 2  # 1.2 cannot win against 1.0 any more
    # With alpha = 0.4 the divisor of the longest word is 1.5^0.4 = 1.176, and 1.2 / 1.176 > 1.0. If
    # a word could be two tokens longer, it would be 1.28, and 1.2 / 1.28 < 1.0.
    assert b.beam_search(lm, b.START, 2, 0.4).calls == 2
