"""The facts that microgpt.py teaches."""

import math
import random

import pytest
from scripts import load

g = load("microgpt.py")
VOCAB = "\n" + "abcdefghijklmnopqrstuvwxyz"


@pytest.fixture(scope="module")
def model():
    """A model with larger parameters than a fresh one: softmax and relu are far from linear."""
    rng = random.Random(7)
    model = g.init_model(len(VOCAB), rng)
    for p in params_of(model):
        p.data *= 4.0
    return model


def params_of(model):
    return [p for w in model.values() for row in w for p in row]


def float_logits(model, tokens):
    """The logits after the last of tokens: the same transformer, written anew in plain floats."""
    w = {name: [[p.data for p in row] for row in matrix] for name, matrix in model.items()}

    def matmul(m, x):
        return [sum(a * b for a, b in zip(row, x)) for row in m]

    def norm(x):
        size = math.sqrt(sum(v * v for v in x) / len(x) + 1e-5)
        return [v / size for v in x]

    xs = [norm([a + b for a, b in zip(w["wte"][t], w["wpe"][i])]) for i, t in enumerate(tokens)]
    q = matmul(w["wq"], xs[-1])
    ks, vs = [matmul(w["wk"], x) for x in xs], [matmul(w["wv"], x) for x in xs]
    heads = []
    for h in range(0, 16, 4):
        scores = [sum(q[j] * k[j] for j in range(h, h + 4)) / math.sqrt(4) for k in ks]
        total = sum(math.exp(s) for s in scores)
        heads += [
            sum(math.exp(s) / total * v[j] for s, v in zip(scores, vs)) for j in range(h, h + 4)
        ]
    x = [a + b for a, b in zip(xs[-1], matmul(w["wo"], heads))]
    hidden = [max(v, 0.0) for v in matmul(w["fc1"], norm(x))]
    return matmul(w["lm_head"], [a + b for a, b in zip(x, matmul(w["fc2"], hidden))])


# --- Data ----------------------------------------------------------------------------------------


def test_names_are_the_census_list():
    assert len(g.NAMES) == len(set(g.NAMES)) == 600
    assert g.NAMES[:4] == ["mary", "james", "patricia", "john"]
    assert all(name.isascii() and name.islower() and len(name) < g.BLOCK_SIZE for name in g.NAMES)


def test_encode_marks_both_ends():
    assert g.encode("abz", VOCAB) == [0, 1, 2, 26, 0]


def test_read_words_keeps_each_line_once(tmp_path):
    path = tmp_path / "words.txt"
    words = [f"word{i}" for i in range(12)]
    path.write_bytes("\ufeff".encode() + "\r\n".join([*words, "", "word3", "  "]).encode())
    assert g.read_words(path) == words


# --- Model ---------------------------------------------------------------------------------------


def test_parameter_count_of_the_issue(model):
    assert len(params_of(model)) == 4192


def test_gpt_is_the_transformer_it_says_it_is(model):
    tokens = g.encode("rosetta", VOCAB)
    cache = [], [], []
    for i, token in enumerate(tokens[:-1]):
        logits = [v.data for v in g.gpt(model, token, cache)]
        assert logits == pytest.approx(float_logits(model, tokens[: i + 1]), rel=1e-11, abs=1e-11)


def test_attention_weights_are_causal_and_sum_to_one(model):
    cache = [], [], []
    for token in g.encode("anna", VOCAB)[:-1]:
        g.gpt(model, token, cache)
    for position, heads in enumerate(cache[2]):
        assert len(heads) == g.N_HEAD
        for weights in heads:
            assert len(weights) == position + 1
            assert math.fsum(weights) == pytest.approx(1.0, abs=1e-12)


def test_word_loss_against_finite_differences(model):
    tokens = g.encode("jo", VOCAB)
    params = params_of(model)
    for p in params:
        p.grad = 0.0
    g.word_loss(model, tokens).backward()
    rng = random.Random(1)
    chosen = [
        rng.choice([p for row in matrix for p in row])
        for matrix in model.values()
        for _ in range(3)
    ]
    chosen += [model["wte"][t][3] for t in tokens[:3]] + [model["wpe"][i][5] for i in range(3)]
    assert sum(p.grad != 0.0 for p in chosen) > 15
    for p in chosen:
        x, h = p.data, 1e-6
        p.data = x + h
        above = g.word_loss(model, tokens).data
        p.data = x - h
        below = g.word_loss(model, tokens).data
        p.data = x
        assert p.grad == pytest.approx((above - below) / (2 * h), rel=1e-4, abs=1e-8)


def test_word_loss_is_cross_entropy_in_nats(model):
    tokens = g.encode("eve", VOCAB)
    nats = []
    for i, target in enumerate(tokens[1:], 1):
        logits = float_logits(model, tokens[:i])
        nats.append(math.log(sum(math.exp(v) for v in logits)) - logits[target])
    assert g.word_loss(model, tokens).data == pytest.approx(sum(nats) / len(nats), rel=1e-11)


def test_evaluate_counts_each_token_once(model):
    docs = [g.encode("al", VOCAB), g.encode("margaret", VOCAB)]
    losses = [g.word_loss(model, tokens).data for tokens in docs]
    assert g.evaluate(model, docs) == pytest.approx((3 * losses[0] + 9 * losses[1]) / 12, rel=1e-12)


# --- Sampling ------------------------------------------------------------------------------------


class Chance:
    """Stands in for random.Random: takes the tokens it was given and notes the weights it saw."""

    def __init__(self, tokens):
        self.tokens, self.seen = list(tokens), []

    def choices(self, population, weights):
        self.seen.append(list(weights))
        return [self.tokens.pop(0)]


def test_sample_feeds_each_token_back_at_its_temperature(model):
    chance = Chance([3, 1, 0])
    assert g.sample(model, VOCAB, 0.5, chance) == "ca"
    for i, tokens in enumerate([[0], [0, 3], [0, 3, 1]]):
        logits = float_logits(model, tokens)
        total = sum(math.exp(v / 0.5) for v in logits)
        assert chance.seen[i] == pytest.approx(
            [math.exp(v / 0.5) / total for v in logits], rel=1e-9
        )


def test_sample_ends_with_the_context(model):
    assert g.sample(model, VOCAB, 1.0, Chance([5] * 99)) == "e" * g.BLOCK_SIZE


# --- The lesson ----------------------------------------------------------------------------------


def test_ngram_loss_by_hand():
    vocab = "\nab"
    docs = [g.encode("ab", vocab), g.encode("aba", vocab)]
    held_out = [g.encode("ab", vocab)]
    # Of the 7 tokens after a start, a is 3, b 2, the end 2. Of pairs: start a is 2 of 2, a b 2 of
    # 3, b end 1 of 2.
    for n, shares in ((1, [(3, 7), (2, 7), (2, 7)]), (2, [(2, 2), (2, 3), (1, 2)])):
        losses = []
        for alpha in (0.03, 0.1, 0.2, 0.5, 1, 9):
            nats = [math.log((of + 3 * alpha) / (count + alpha)) for count, of in shares]
            losses.append(sum(nats) / 3)
        assert g.ngram_loss(docs, held_out, 3, n) == pytest.approx(min(losses), rel=1e-12)


def test_count_nodes_counts_each_computed_value_once():
    a, b = g.Value(1.0), g.Value(2.0)
    c = a * b
    assert g.count_nodes(c + c * c) == 3


def test_unfused_and_fused_training_agree_for_20_steps():
    docs = [g.encode(name, VOCAB) for name in g.NAMES if len(name) <= 4][:20]
    losses = []
    for build in (g.unfused_loss, g.word_loss):
        model = g.init_model(len(VOCAB), random.Random(3))
        params = params_of(model)
        m, v = [0.0] * len(params), [0.0] * len(params)
        losses.append([])
        for step, tokens in enumerate(docs, 1):
            for p in params:
                p.grad = 0.0
            loss = build(model, tokens)
            loss.backward()
            g.adam_step(params, m, v, step, 0.005, g.BETA1, g.BETA2)
            losses[-1].append(loss.data)
    assert losses[0] == pytest.approx(losses[1], abs=1e-9)


def test_unfused_loss_takes_products_and_sums_apart_and_puts_the_fused_back(model):
    fused = g.dot, g.vsum
    loss = g.unfused_loss(model, g.encode("al", VOCAB))
    assert (g.dot, g.vsum) == fused
    seen, stack = {loss}, [loss]
    while stack:
        node = stack.pop()
        assert len(node._prev) <= 2
        stack += set(node._prev) - seen
        seen.update(node._prev)
    with pytest.raises(IndexError):
        g.unfused_loss(model, [0, 99])
    assert (g.dot, g.vsum) == fused


def test_train_lowers_the_loss_and_reports_where():
    docs = [g.encode(name, VOCAB) for name in ("anna", "ann", "hanna")]
    model = g.init_model(len(VOCAB), random.Random(5))
    curves = g.train(model, params_of(model), docs, docs, 30)
    assert sorted(curves["o"]) == [0, 8, 15, 23, 30]
    assert sorted(curves["."]) == list(range(1, 31))
    assert curves["o"][0] == pytest.approx(math.log(27), abs=0.3)
    assert curves["o"][30] < 1.7  # it has learned three names nearly by heart
    assert curves["o"][30] == g.evaluate(model, docs)


def test_train_takes_adam_steps_on_one_word_after_another():
    docs = [g.encode(name, VOCAB) for name in ("anna", "bob", "eve")]
    model, reference = [g.init_model(len(VOCAB), random.Random(5)) for _ in range(2)]
    g.train(model, params_of(model), docs, docs[:1], 4)
    params = params_of(reference)
    m, v = [0.0] * len(params), [0.0] * len(params)
    for step, tokens in enumerate([docs[1], docs[2], docs[0], docs[1]], 1):
        for p in params:
            p.grad = 0.0
        g.word_loss(reference, tokens).backward()
        lr = g.LEARNING_RATE * {1: 1.0, 2: 0.75, 3: 0.5, 4: 0.25}[step]
        g.adam_step(params, m, v, step, lr, g.BETA1, g.BETA2)
    assert [p.data for p in params_of(model)] == pytest.approx([p.data for p in params], rel=1e-12)


def test_the_curve_of_training_is_a_running_mean_of_the_losses(monkeypatch):
    model, losses = g.init_model(len(VOCAB), random.Random(3)), []
    monkeypatch.setattr(g, "progress", lambda *args: losses.append(args[3]))
    docs = [g.encode(word, VOCAB) for word in ("anna", "bob", "mary")]
    curve = g.train(model, params_of(model), docs, docs[:1], 70)["."]
    smooth = losses[0]
    for step, loss in enumerate(losses, 1):  # a mean of all so far, after 50 steps of about 50
        smooth += max(0.02, 1 / step) * (loss - smooth)
        assert curve[step] == pytest.approx(smooth)
    assert curve[3] == pytest.approx(sum(losses[:3]) / 3)


def test_draw_curves_puts_marks_where_they_belong(capsys):
    g.draw_curves({"x": {0: 4.0, 10: 1.0}}, {"line": 2.5}, 10)
    lines = capsys.readouterr().out.splitlines()[1:]
    assert len(lines) == 16
    assert lines[0] == " 4.00 x"
    assert lines[-1] == " 1.00 " + " " * 60 + "x"
    assert [line for line in lines if "line" in line] == [f" {lines[8][1:5]} " + "-" * 61 + " line"]


def test_draw_attention_shows_the_weights(model, capsys):
    g.draw_attention(model, "abba", VOCAB)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "   ".join(["  .abba"] * 4)
    assert [line[0] for line in lines[1:]] == list(".abba")
    cache = [], [], []
    for token in [0, 1, 2, 2, 1]:
        g.gpt(model, token, cache)
    for i, line in enumerate(lines[1:]):
        line = line.ljust(40)
        for head in range(4):
            cells = line[10 * head + 2 : 10 * head + 7]
            expected = "".join(" .:-=+*#%@"[min(int(10 * w), 9)] for w in cache[2][i][head])
            assert cells == expected.ljust(5)
