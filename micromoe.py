"""An expert that is not asked costs room and little work: more parameters for the same work.

    python micromoe.py        about 40 seconds; nothing to install, nothing to download

In a mixture of experts (MoE), several small networks, the experts, stand side by side, and another
one, the router, picks a few of them for each token. Here such a mixture guesses words letter by
letter. It has seen the letters of six words of the same kind, but nobody tells it which kind that
is. You will see what the mixture costs, by counting, and what it gains over one network that always
works as a whole ("dense"); what becomes of the experts when nobody keeps the router fair; and which
expert took what.

When to use one: where work is scarcer than memory, as in the largest language models. When not: on
a small machine, as all experts have to be in memory for the few that work.

Read it from top to bottom. You need Python and school calculus; what machine learning adds is
explained on the way. Section 2 is shared by all scripts of this collection: if you know it, go on
at section 3. (What comes back later to the letter, and may be skipped too: parameters(), freeze(),
adam_step(), Estimate, mean_and_error(), loss_difference().) Sections 3 and 4 are the lesson,
section 5 asks what the experts become, section 6 measures it all. Section 7 has main(), and things
to try: there the tutorial ends. Below are tools and the words.

Papers: mixtures with a top-k router, arXiv:1701.06538; one expert for each token and the balancing
loss, Switch, arXiv:2101.03961; large models of this kind, arXiv:2401.04088; Adam, arXiv:1412.6980.
"""

import argparse
import collections
import gc
import math
import operator
import os
import random
import select
import sys
import time
from typing import NamedTuple

# The model, section 3.
N_HINTS = 6  # words of the same kind whose letters are shown before a word
N_STREAM = 12  # numbers that stand for a token; an expert reads them and gives as many
N_HIDDEN = 4  # hidden units of an expert
N_EXPERTS = 8  # experts of a mixture
TOP_K = 2  # experts that work on a token

# The training, section 4.
STEPS = 2200  # steps of learning, of one word each, for each of the five models
LEARNING_RATE = 0.02  # how far a parameter moves in an early step; falls almost to 0
# (At three other seeds, 0.01 and 0.04 were worse for mixture, all experts and both dense layers.)
ADAM_BETA1, ADAM_BETA2 = 0.9, 0.99  # the optimizer averages over about 10 and 100 steps
BALANCE = 0.1  # weight of the loss that keeps the router fair
MEMORY = 0.99  # the load of an expert is a running mean over about 100 words

# The experiments, section 6.
HELD_OUT_SHARE = 6  # one word in six is held out: no model learns from it
N_DRAWS = 3  # times that hints are drawn for each of them
EXPERT_NAMES = "ABCDEFGH"  # how experts are called in the output: one letter for each
N_SHUFFLES = 99  # times that the kinds are shuffled over the words, to see what chance does


# ===== 1. Data: words of four kinds, and hints of which it is =====================================
#
# The words at the end of the file are given names, Japanese surnames, Spanish verbs and genera of
# animals and plants. The task is to guess the next letter of a word. A token is a number: 0 is the
# boundary, where a word starts or ends, and the others are letters. For "doi", the guesses are
#
#     0 4 15 9 0:    0 -> 4,  4 -> 15,  15 -> 9,  9 -> 0
#
# Which letter comes next depends on the kind: after "e", a Spanish verb likes an "r". No model is
# told the kind. But before each word it sees hints: N_HINTS other words of the same kind, and of
# them only the letters, in any order. For each token, the boundary included, the hints have an
# excess, its share in them less its share in all words to learn from. For example, if 0.15 of their
# tokens are "r", and 0.07 of all, the excess of "r" is 0.08.
#
# As in microgpt.py, a guess pays -log p, if p is the probability that it gave to the right token,
# and the loss is the mean of that. (Guessing one of 27 tokens at random costs log 27 = 3.30 nats,
# the unit of natural logarithms.) No model learns from the words that are held out. Their hints
# come from the words to learn from, so that no held-out word is a hint for another.

BOUNDARY = "<>"  # two characters, so that no letter can be mistaken for it


class Document(NamedTuple):
    """A word to guess, and what is known before."""

    excess: list  # for each token of the vocabulary, what the hints have more of it than usual
    tokens: list  # the word, with the boundary on both sides
    kind: str  # for the tables only: no model reads it


def make_vocabulary(words):
    """All tokens, in order: token i stands for vocabulary[i]."""
    return [BOUNDARY] + sorted(set("".join(words)))


def tokenize(word, vocabulary):
    """Turn a word into a list of tokens, with the boundary on both sides."""
    letters = [vocabulary.index(letter) for letter in word]
    return [0] + letters + [0]


def letter_shares(words, vocabulary):
    """For each token its share in the words; for each word, one boundary is counted."""
    counts = collections.Counter("".join(words))
    counts[BOUNDARY] = len(words)
    total = sum(counts.values())
    return [counts[letter] / total for letter in vocabulary]


class Words(NamedTuple):
    """All words of the collection, split in two, and what is known of them."""

    kind_of: dict
    train: list
    held_out: list
    vocabulary: list
    usual: list  # the share of each token in all words to learn from


def split_words(rng):
    """Shuffle the words of all kinds and hold out some."""
    kind_of = {word: kind for kind, words in KINDS.items() for word in words.split()}
    words = list(kind_of)
    rng.shuffle(words)
    n_held_out = len(words) // HELD_OUT_SHARE
    train = words[n_held_out:]
    vocabulary = make_vocabulary(words)
    usual = letter_shares(train, vocabulary)
    return Words(kind_of, train, words[:n_held_out], vocabulary, usual)


def make_documents(words, some, rng):
    """A Document for each of some words, one by one, with hints from the words to learn from."""
    by_kind = {kind: [w for w in words.train if words.kind_of[w] == kind] for kind in KINDS}
    for word in some:
        kind = words.kind_of[word]
        hints = [other for other in rng.sample(by_kind[kind], N_HINTS + 1) if other != word]
        shares = letter_shares(hints[:N_HINTS], words.vocabulary)
        excess = [share - usual for share, usual in zip(shares, words.usual)]
        yield Document(excess, tokenize(word, words.vocabulary), kind)


def words_in_turn(words, n, rng):
    """n words to learn from, one by one, in a random order, each once before any comes again."""
    turn = []
    for _ in range(n):
        turn = turn or rng.sample(words.train, len(words.train))
        yield turn.pop(0)


def documents_to_learn_from(words, seed, steps):
    """The Documents of a training, one by one: the same for each model."""
    some = words_in_turn(words, steps, random.Random(f"{seed} turns"))
    return make_documents(words, some, random.Random(f"{seed} hints"))


# ===== 2. Autograd: derivatives without doing the calculus by hand ================================
#
# The model has parameters: numbers that start out random and are to become good ones. How good they
# are is measured by a single number, the loss L, which is small when the model does well. To
# improve a parameter p we need the derivative dL/dp, the rate at which L grows as p grows. Where it
# is positive, p should shrink; where it is negative, p should grow. All these derivatives together
# are called the gradient.
#
# L comes from the parameters by thousands of small operations. Let each operation remember the
# numbers that went into it, its children, and its own derivative with respect to each of them. For
# c = a * b these derivatives are dc/da = b and dc/db = a. Then walk backwards, from L to the
# parameters. A number c that knows dL/dc can tell each child its share by the chain rule:
#
#     dL/da = dL/dc * dc/da
#
# A small example: a = 2, b = 5, c = a * b = 10 and L = c + b = 15. Backwards,
#
#     dL/dL = 1
#     dL/dc = 1                                 as L = c + b
#     dL/da = dL/dc * dc/da      = 1 * 5     = 5
#     dL/db = dL/dc * dc/db + 1  = 1 * 2 + 1 = 3     b reaches L by two routes: they add up
#
# One such walk gives all derivatives at once. It is called backpropagation.


class Value:
    """A number that remembers what it was computed from.

    data          the number, a float
    grad          dL/d(data), known after L.backward()
    _prev         its children, the Values that it was computed from; a leaf has none
    _local_grads  d(data)/d(child.data) for each child, in the same order
    """

    __slots__ = ("data", "grad", "_prev", "_local_grads")

    def __init__(self, data, children=(), local_grads=()):
        self.data = data
        self.grad = 0.0
        self._prev = children
        self._local_grads = local_grads

    def __add__(self, other):
        if isinstance(other, Value):
            return Value(self.data + other.data, (self, other), (1.0, 1.0))
        return Value(self.data + other, (self,), (1.0,))

    def __mul__(self, other):
        if isinstance(other, Value):
            return Value(self.data * other.data, (self, other), (other.data, self.data))
        return Value(self.data * other, (self,), (other,))

    def __pow__(self, exponent):  # the exponent is a plain number
        result = self.data**exponent
        if isinstance(result, complex):
            raise ValueError(f"({self.data}) ** {exponent} is not a real number")
        slope = exponent * self.data ** (exponent - 1) if exponent else 0.0  # x ** 0 is constant
        return Value(result, (self,), (slope,))

    def __neg__(self):
        return self * -1.0

    def __sub__(self, other):
        return self + (-other)

    def __truediv__(self, other):
        return self * other**-1.0

    def __radd__(self, other):  # number + Value
        return self + other

    def __rmul__(self, other):  # number * Value
        return self * other

    def __rsub__(self, other):  # number - Value
        return -self + other

    def __rtruediv__(self, other):  # number / Value
        return self**-1.0 * other

    def __repr__(self):
        return f"Value(data={self.data}, grad={self.grad})"

    def tanh(self):
        result = math.tanh(self.data)
        return Value(result, (self,), (1.0 - result * result,))

    def exp(self):
        result = math.exp(self.data)
        return Value(result, (self,), (result,))

    def relu(self):
        if self.data <= 0.0:
            return Value(0.0)  # flat here: no gradient goes back, so it is a leaf
        return Value(self.data, (self,), (1.0,))

    def log(self):
        # log(0) does not exist. A number below 1e-10 counts as 1e-10, in the slope, too.
        clamped = max(self.data, 1e-10)
        return Value(math.log(clamped), (self,), (1.0 / clamped,))

    def _backward(self):
        """Give each child its share of this node's gradient, by the chain rule."""
        grad = self.grad
        for child, local_grad in zip(self._prev, self._local_grads):
            child.grad += local_grad * grad  # += because a child may be used more than once

    def backward(self):
        """Compute dL/dv for every Value v that this one, L, was computed from.

        Leaves, such as parameters, add it to the grad they have: clear it before each step.
        """
        # A node, a Value with children, may pass its gradient on only after all nodes that use it
        # have passed on theirs. So list the nodes, each after its children (a topological order),
        # and walk the list from its end. Recursion would make the list like this:
        #
        #     def visit(node):
        #         if node not in visited:
        #             visited.add(node)
        #             for child in node._prev:
        #                 visit(child)
        #             order.append(node)
        #
        # But Python stops recursion at about 1,000 calls, so we keep a stack and pop from its end:
        #     a new node            push it again, then a mark, written |, then its children
        #     a mark                all children of the node before it are listed: pop and list it
        #     a node seen before    nothing is left to do
        #
        # For L = c + d, c = a * b and d = c * a (a and b are leaves, and pass nothing on):
        #
        #     stack                       list      popped is
        #     L                                     L, new: push L, |, c and d
        #     L | c d                               d, new: push d, | and c
        #     L | c d | c                           c, new: push c and |
        #     L | c d | c |                         a mark: pop and list c
        #     L | c d |                   c         a mark: pop and list d
        #     L | c                       c d       c, seen before
        #     L |                         c d       a mark: pop and list L
        #                                 c d L     walk back: L, d, c
        order = []
        visited = set()
        stack = [self] if self._prev else []  # a leaf has nothing to pass on
        while stack:
            node = stack.pop()
            if node is None:  # the mark |
                order.append(stack.pop())
            elif node not in visited:
                visited.add(node)
                node.grad = 0.0  # forget an earlier walk; only leaves keep what they have
                stack.append(node)
                stack.append(None)
                for child in node._prev:
                    if child._prev and child not in visited:
                        stack.append(child)
        self.grad += 1.0  # dL/dL
        for node in reversed(order):
            node._backward()


# --- AUTOGRAD IN THIS SCRIPT ---
# This Value class follows the canonical interface exactly.
# See docs/autograd-interface.md for the full specification.

# (The other scripts of the collection share this class, and that page describes it. You need not
# read it for this file.)
#
# The model will be built from the functions below. A node may stand for any function whose
# derivatives we can write down. The dot product s = a1*b1 + ... + an*bn would take 2n - 1 nodes of
# + and *. As a single node with 2n children it is the same sum with far less bookkeeping:
# ds/d(ai) = bi and ds/d(bi) = ai.
#
# Where no derivative is needed, as in a model that is only used, plain floats will do. So these
# functions give Values for Values and floats for floats. math.fsum rounds a sum only once, which
# makes it the same on every version of Python.


def dot(a, b):
    """The dot product of two equally long lists, of Values (as one node) or of floats."""
    if not isinstance(a[0], Value):
        return math.fsum(map(operator.mul, a, b))
    a_data = [v.data for v in a]
    b_data = [v.data for v in b]
    total = math.fsum(map(operator.mul, a_data, b_data))
    return Value(total, (*a, *b), (*b_data, *a_data))


def vsum(values):
    """The sum of a list, of Values (as one node) or of floats."""
    if not isinstance(values[0], Value):
        return math.fsum(values)
    total = math.fsum([v.data for v in values])
    return Value(total, tuple(values), (1.0,) * len(values))


def exp(x):
    """e to the power of a Value or a float."""
    return x.exp() if isinstance(x, Value) else math.exp(x)


def linear(x, matrix):
    """Matrix times vector: the dot product of each row with x. Gives a number for each row."""
    if not isinstance(x[0], Value):
        return [dot(row, x) for row in matrix]
    # The same for Values. As x stands in every product, its numbers are read only once.
    x_data = [v.data for v in x]
    products = []
    for row in matrix:
        row_data = [v.data for v in row]
        total = math.fsum(map(operator.mul, row_data, x_data))
        products.append(Value(total, (*row, *x), (*x_data, *row_data)))
    return products


def add(x, y):
    """The sum of two equally long vectors, number by number."""
    return [a + b for a, b in zip(x, y)]


def softmax(logits):
    """Turn scores of any size (logits) into probabilities: p_i = exp(x_i) / sum_j exp(x_j)."""
    # Subtracting the same number from all scores changes nothing: it cancels in the fraction. We
    # subtract the largest, so that no exponent is above 0; exp(710) is more than a float can hold.
    largest = max(x.data if isinstance(x, Value) else x for x in logits)
    exps = [exp(x - largest) for x in logits]
    inverse = vsum(exps) ** -1
    return [e * inverse for e in exps]


# ===== 3. Model: a layer of which each token uses a part ==========================================
#
# For each guess, the model knows the token before it and the hints. Both become N_STREAM numbers,
# and are added. The sum h takes the part of x in microgpt.py, the residual stream: a layer reads it
# and adds to it.
#
#     h       =  (the vector of the token) + (the sum over all tokens i of excess_i * hint vector_i)
#     h'      =  h + layer(h)
#     logits  =  O h' + c          scores for the next token; softmax makes probabilities of them
#
# The vectors, the matrix O (N_STREAM weights for each token) and the numbers c (the bias) are
# learned. This file is about the layer. In microgpt.py it is called the MLP, and there is one in
# each block. Large language models have them by the dozen, and most of their parameters stand
# there. So that is where a mixture of experts saves work.
#
# A dense layer is one such MLP. It computes some numbers from h, its hidden units, and from them
# N_STREAM numbers to add to h. (This one has a bias, and tanh in the place of relu.)
#
#     expert(h)  =  W_out tanh(W_in h + b)
#
#     W_in     for each hidden unit, a row of N_STREAM weights
#     b        for each hidden unit, a number (the bias)
#     W_out    for each of the N_STREAM results, a row with a weight for each hidden unit
#     tanh     squashes a number to the range from -1 to 1
#
# All of a dense layer works on every token.
#
# A mixture has N_EXPERTS such networks, the experts, and a router, which chooses among them:
#
#     scores    =  R h + r                          a number for each expert
#     chosen    =  the TOP_K experts with the highest scores
#     gates     =  softmax of their scores          so that they add up to 1
#     layer(h)  =  sum over the chosen e of  gate_e * expert_e(h)
#
# For example, of the scores 1.2, -0.3, 0.7 and 0.1 the first and the third are the highest. Their
# gates are 0.62 and 0.38, as exp(1.2) / (exp(1.2) + exp(0.7)) = 0.62. The other two experts are not
# multiplied by 0: they are not computed at all, neither on the way to the loss nor on the way back.
# (What still visits all experts is the optimizer and, in this file, copying them as floats for each
# word. Neither is counted below.)


def gaussian_rows(rows, columns, std, rng):
    """A matrix of random Values."""
    return [[Value(rng.gauss(0.0, std)) for _ in range(columns)] for _ in range(rows)]


class Variant(NamedTuple):
    """One of the models that are compared."""

    label: str
    n_experts: int  # 1 makes it dense
    n_hidden: int  # hidden units of each expert
    top_k: int
    balance: float  # weight of the balancing loss


def init_variant(variant, vocabulary_size, rng):
    """All matrices of a model, by name."""
    model = {
        "token": gaussian_rows(vocabulary_size, N_STREAM, 0.5, rng),
        "hint": gaussian_rows(vocabulary_size, N_STREAM, 1.0, rng),
        "output.weight": gaussian_rows(vocabulary_size, N_STREAM, N_STREAM**-0.5, rng),
        "output.bias": [[Value(0.0) for _ in range(vocabulary_size)]],
    }
    for e in range(variant.n_experts):
        model[f"expert{e}.in"] = gaussian_rows(variant.n_hidden, N_STREAM, N_STREAM**-0.5, rng)
        model[f"expert{e}.bias"] = [[Value(0.0) for _ in range(variant.n_hidden)]]
        std = 0.5 * variant.n_hidden**-0.5
        model[f"expert{e}.out"] = gaussian_rows(N_STREAM, variant.n_hidden, std, rng)
    if variant.n_experts > 1:  # small weights: at first the gates are nearly equal
        model["router.weight"] = gaussian_rows(variant.n_experts, N_STREAM, 0.1, rng)
        model["router.bias"] = [[Value(0.0) for _ in range(variant.n_experts)]]
    return model


def parameters(model):
    """All parameters of the model, as one flat list of Values."""
    return [p for matrix in model.values() for row in matrix for p in row]


def freeze(model):
    """A copy of the model in plain floats, for reading and writing without derivatives."""
    return {name: [[p.data for p in row] for row in matrix] for name, matrix in model.items()}


# Work is counted where it is done. The functions below get a Counter, work, and add to it how many
# multiplications they do, under the name of the part of the layer that they do it for: the router,
# the experts, or mixing their results. (Not counted: the slope of tanh, the softmax of the gates,
# and the balancing loss. The way back through the router is added in train().) Experts and mixing
# are computed with floats. How the gradient comes back through them is a matter of section 4.


def counted_linear(x, matrix, part, work):
    """Matrix times vector, all floats."""
    work[part] += len(matrix) * len(x)
    return [math.fsum(map(operator.mul, row, x)) for row in matrix]


class Expert(NamedTuple):
    """The weights of an expert, Values or floats."""

    w_in: list  # a row of N_STREAM weights for each hidden unit
    bias: list
    w_out: list  # a row of weights of all hidden units for each of N_STREAM results


def floats_of(expert):
    """The same weights as floats."""
    w_in = [[p.data for p in row] for row in expert.w_in]
    w_out = [[p.data for p in row] for row in expert.w_out]
    return Expert(w_in, [p.data for p in expert.bias], w_out)


def get_experts(model):
    """The Experts of a model."""
    experts = []
    while f"expert{len(experts)}.in" in model:
        name = f"expert{len(experts)}"
        bias = model[f"{name}.bias"][0]
        experts.append(Expert(model[f"{name}.in"], bias, model[f"{name}.out"]))
    return experts


def run_expert(expert, h, work):
    """(hidden, result) of an expert on h, all floats."""
    sums = add(counted_linear(h, expert.w_in, "experts", work), expert.bias)
    hidden = [math.tanh(a) for a in sums]
    return hidden, counted_linear(hidden, expert.w_out, "experts", work)


def mix(gates, runs, work):
    """sum of gate * result over the runs of the chosen experts; without gates, the only result."""
    results = [result for _, result in runs]
    if not gates:
        return results[0]
    return counted_linear(gates, list(zip(*results)), "mixing", work)


class Route(NamedTuple):
    """Which experts work on a token."""

    chosen: list  # the numbers of these experts, the one with the highest score first
    gates: list  # of these, Values or floats
    scores: list  # of all experts, Values or floats


def choose_experts(model, h, top_k, work):
    """The Route of a token. A dense model has no router: its only expert works, without a gate."""
    if "router.weight" not in model:
        return Route([0], [], [])
    work["router"] += len(model["router.weight"]) * len(h)
    scores = add(linear(h, model["router.weight"]), model["router.bias"][0])
    numbers = [s.data if isinstance(s, Value) else s for s in scores]
    ranking = sorted(range(len(scores)), key=lambda e: -numbers[e])
    chosen = ranking[:top_k]
    return Route(chosen, softmax([scores[e] for e in chosen]), scores)


def layer(h, gates, experts, float_experts, work):
    """layer(h): what the chosen experts give, weighted by their gates: of Values or of floats."""
    if isinstance(h[0], Value):  # in training; the class stands in section 4
        return ExpertsNode(h, gates, experts, float_experts, work).results()
    return mix(gates, [run_expert(expert, h, work) for expert in float_experts], work)


def weighted_sum(weights, rows):
    """The sum of weight * row over some rows, of Values (a node for each number) or of floats."""
    columns = list(zip(*rows))
    if not isinstance(rows[0][0], Value):
        return [dot(weights, column) for column in columns]
    sums = []
    for column in columns:
        total = math.fsum(map(operator.mul, weights, [v.data for v in column]))
        sums.append(Value(total, column, tuple(weights)))
    return sums


def log_prob(logits, target):
    """log softmax(logits)[target], of Values (as one node) or of floats."""
    # log p = x_target - log(sum of exp(x_j)). The derivative by x_i is -p_i, and one more for the
    # target. In one formula, no p can round to 0 before its logarithm is taken.
    are_values = isinstance(logits[0], Value)
    numbers = [x.data for x in logits] if are_values else logits
    largest = max(numbers)
    exps = [math.exp(x - largest) for x in numbers]
    total = math.fsum(exps)
    result = numbers[target] - largest - math.log(total)
    if not are_values:
        return result
    slopes = [-e / total for e in exps]
    slopes[target] += 1.0
    return Value(result, tuple(logits), tuple(slopes))


class Reading(NamedTuple):
    """What a model made of a document."""

    loss: object  # the mean of -log p over its tokens, a Value or a float
    routes: list  # a Route for each token; those of a dense model say nothing


def read_document(model, document, top_k, work):
    """Let a model of Values or floats guess each token of a document."""
    experts = get_experts(model)
    float_experts = experts
    if isinstance(model["token"][0][0], Value):
        float_experts = [floats_of(expert) for expert in experts]
    hint_sum = weighted_sum(document.excess, model["hint"])
    log_probs = []
    routes = []
    for token, target in zip(document.tokens, document.tokens[1:]):
        h = add(model["token"][token], hint_sum)
        route = choose_experts(model, h, top_k, work)
        at_work = [experts[e] for e in route.chosen]
        float_at_work = [float_experts[e] for e in route.chosen]
        y = layer(h, route.gates, at_work, float_at_work, work)
        logits = add(linear(add(h, y), model["output.weight"]), model["output.bias"][0])
        log_probs.append(log_prob(logits, target))
        routes.append(route)
    return Reading(vsum(log_probs) * (-1.0 / len(log_probs)), routes)


# ===== 4. Training ================================================================================
#
# A step of training: show the model some examples and compute its loss; walk back through the
# graph for the gradient; move each parameter a little against its derivative. Then the next step.


def adam_step(params, m, v, step, lr=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
    """Move each parameter a little against its gradient. m, v: floats, changed in place."""
    # The plain rule p -= lr * grad leaps where gradients are large and crawls where they are small.
    # Adam (adaptive moments) keeps two running means for each parameter:
    #     m, of its gradient: the direction, with less of the noise of single examples;
    #     v, of its squared gradient: the square of its usual size.
    # A step of lr * m / sqrt(v) has then about the same scale for large and small gradients. Both
    # means start at 0, so early on they are too small by the factor 1 - beta^step; dividing by it
    # corrects them. eps avoids 0/0 for a parameter that has had no gradient yet.
    m_correction = 1.0 - beta1**step
    v_correction = 1.0 - beta2**step
    for i, p in enumerate(params):
        m[i] = beta1 * m[i] + (1.0 - beta1) * p.grad
        v[i] = beta2 * v[i] + (1.0 - beta2) * p.grad * p.grad
        p.data -= lr * (m[i] / m_correction) / ((v[i] / v_correction) ** 0.5 + eps)


# Nothing in the loss makes the router fair. An expert that is chosen is trained, becomes better,
# and may be chosen more; one that is not chosen gets no gradient. In a large model, where each has
# a machine of its own, all others wait for the busiest. Hence a second loss, the balancing loss.
# With f_e, the load of expert e (the share of all choices that fell on it of late), and P_e, the
# router's probability of e (the softmax of all scores, not only of the chosen), it is
#
#     N_EXPERTS * (sum over e of f_e * P_e)
#
# f is a count, without a derivative. What the router can change is P: it pays for probability that
# is given to busy experts. With four experts, loads 0.4, 0.3, 0.2, 0.1 and all P = 0.25, it is 1;
# with P = 0.1, 0.2, 0.3 and 0.4, where more goes to the idle ones, it is 0.8.
#
# (An expert that is not chosen gets no gradient, but Adam moves it on for a while, by its mean of
# earlier ones. After a first step of 0.02, and no more gradients, these moves add up to 0.10.)


def balance_loss(scores, load):
    """N_EXPERTS * sum of load_e * P_e for a token (Switch, equation 4, where f is of a batch)."""
    n = len(scores)
    return vsum([p * (n * share) for share, p in zip(load, softmax(scores))])


def count_choices(routes, n_experts):
    """How often each expert was chosen in some routes."""
    counts = [0] * n_experts
    for route in routes:
        for e in route.chosen:
            counts[e] += 1
    return counts


class Trained(NamedTuple):
    """A model after its training."""

    model: dict
    counts: list  # for each training step, how often each expert was chosen
    work: dict  # multiplications in the layer, by part
    tokens: list  # for each training step, how many tokens were guessed


def train(variant, model, documents, steps):
    """A step of Adam for each of the documents."""
    params = parameters(model)
    m = [0.0] * len(params)
    v = [0.0] * len(params)
    load = [1.0 / variant.n_experts] * variant.n_experts
    trained = Trained(model, [], collections.Counter(), [])
    start = time.perf_counter()
    for step, document in enumerate(documents, 1):
        loss, routes = read_document(model, document, variant.top_k, trained.work)
        counts = count_choices(routes, variant.n_experts)
        total = sum(counts)
        load = [MEMORY * f + (1.0 - MEMORY) * n / total for f, n in zip(load, counts)]
        trained.counts.append(counts)
        trained.tokens.append(len(routes))
        if variant.balance:
            balance = [balance_loss(route.scores, load) for route in routes]
            objective = loss + vsum(balance) * (variant.balance / len(balance))
        else:
            objective = loss
        for p in params:
            p.grad = 0.0  # forget the step before: gradients would add up
        objective.backward()
        remaining = (steps - step + 1) / steps  # long steps first, then short ones
        adam_step(params, m, v, step, LEARNING_RATE * remaining, ADAM_BETA1, ADAM_BETA2)
        show_progress(f"{variant.label}, loss {loss.data:.3f}", step, steps, start)
        del loss, routes, objective  # frees this step's graph before the next one is built
    if "router.weight" in model:
        trained.work["router"] += work_back_through_router(variant) * sum(trained.tokens)
    return trained


def work_back_through_router(variant):
    """Multiplications for a token on the way back through the router, which the graph does."""
    # A score with a gradient gives two products for each of its weights. Without a balancing loss,
    # these are the scores of the chosen experts; with it, all of them.
    n_scores = variant.n_experts if variant.balance else variant.top_k
    return 2 * N_STREAM * n_scores


# ----- The way back through the experts -----------------------------------------------------------
#
# From here to the end of the section it is about how the gradient is computed, and no more about
# what a mixture is: you may go on at section 5.
#
# Made of Values, an expert would be some 30 nodes of the graph for each token. Here all that the
# experts do for a token is one node, an ExpertsNode. It computes with floats, and its _backward()
# says, by the chain rule, what its children and the weights get. First for y, the sum over the
# chosen experts e of gate_e * out_e:
#
#     dL/d(gate_e)        =  sum over i of  dL/dy[i] * out_e[i]
#     dL/d(out_e[i])      =  gate_e * dL/dy[i]
#
# Then within an expert, with out = W_out hidden, hidden = tanh(a) and a = W_in h + b:
#
#     dL/d(W_out[i][j])   =  dL/d(out[i]) * hidden[j]
#     dL/d(hidden[j])     =  sum over i of  dL/d(out[i]) * W_out[i][j]
#     dL/da[j]            =  dL/d(hidden[j]) * (1 - hidden[j]^2)        the slope of tanh
#     dL/d(W_in[j][k])    =  dL/da[j] * h[k]                            and dL/db[j] = dL/da[j]
#     dL/dh[k]            =  sum over j of  dL/da[j] * W_in[j][k]       added up over the experts
#
# dL/d(gate) says whether more of a chosen expert would have helped. That is all that the router
# learns from the loss. It learns nothing about the experts that it did not choose.


class ExpertsNode(Value):
    """What the chosen experts do for a token. The N_STREAM numbers that come out: results()."""

    # A Value is one number, and this node has N_STREAM results. So each is a Value of its own, a
    # Result, with this node as its only child:
    #
    #     h, gates  ->  this node  ->  N_STREAM Results  ->  the rest of the graph
    #
    # On the way back, each Result writes its gradient into d_y, a list of this node. backward()
    # comes to the node after all of them. Then d_y is complete, and _backward() does by hand what
    # the lines above say. (The node does not know its Results: with references both ways they would
    # be a cycle, which Python does not free without the cyclic collector.)

    __slots__ = ("d_y", "h", "gates", "experts", "float_experts", "runs", "work")

    def __init__(self, h, gates, experts, float_experts, work):
        """h, gates: Values. experts: the chosen ones; float_experts: the same as floats."""
        children = (*h, *gates)
        super().__init__(0.0, children, (0.0,) * len(children))  # its data mean nothing
        self.d_y = [0.0] * len(h)
        self.h = [v.data for v in h]
        self.gates = [gate.data for gate in gates]
        self.experts = experts
        self.float_experts = float_experts
        self.work = work
        self.runs = [run_expert(expert, self.h, work) for expert in float_experts]

    def results(self):
        """layer(h), as Values."""
        numbers = mix(self.gates, self.runs, self.work)
        return [Result(number, self, i) for i, number in enumerate(numbers)]

    def _backward(self):
        n = len(self.h)
        h_children, gate_children = self._prev[:n], self._prev[n:]
        d_y = self.d_y
        if gate_children:
            results = [result for _, result in self.runs]
            d_gates = counted_linear(d_y, results, "mixing", self.work)
            for child, d in zip(gate_children, d_gates):
                child.grad += d
        for i in range(len(self.runs)):
            d_result = d_y
            if gate_children:
                self.work["mixing"] += n
                d_result = [self.gates[i] * d for d in d_y]
            d_h = self.back_through_expert(i, d_result)
            for child, d in zip(h_children, d_h):
                child.grad += d

    def back_through_expert(self, i, d_result):
        """Add to the gradients of the weights of the i-th chosen expert, and return dL/dh."""
        leaves, weights = self.experts[i], self.float_experts[i]
        hidden, _ = self.runs[i]
        part, work = "experts", self.work
        add_outer(leaves.w_out, d_result, hidden, part, work)
        d_hidden = counted_linear(d_result, list(zip(*weights.w_out)), part, work)
        d_a = [d * (1.0 - x * x) for d, x in zip(d_hidden, hidden)]
        add_outer(leaves.w_in, d_a, self.h, part, work)
        for p, d in zip(leaves.bias, d_a):
            p.grad += d
        return counted_linear(d_a, list(zip(*weights.w_in)), part, work)


class Result(Value):
    """The i-th number that comes out of an ExpertsNode."""

    __slots__ = ("i",)

    def __init__(self, data, node, i):
        super().__init__(data, (node,), (0.0,))
        self.i = i

    def _backward(self):
        (node,) = self._prev
        node.d_y[self.i] = self.grad


def add_outer(rows, left, right, part, work):
    """Add left[i] * right[j] to the gradient of each Value rows[i][j]."""
    work[part] += len(left) * len(right)
    for row, a in zip(rows, left):
        for p, b in zip(row, right):
            p.grad += a * b


# ===== 5. The lesson, its second half: what an expert is an expert for ============================
#
# Part 1 of the output shows what a mixture costs and gains, part 2 who gets the work. But what do
# experts become experts for? Here there are four kinds of words, and nobody told the router so. Let
# a table count how often each expert was a token's first choice, for each kind:
#
#                 expert A   expert B
#     verbs              3          1
#     names              1          3
#
# To hear "A" changes the chance of a verb from 1/2 to 3/4. How much the expert tells of the kind is
# measured in bits, by the mutual information (log2 is the logarithm to the base 2):
#
#     the mean, over all that is counted, of  log2 (p(kind given expert) / p(kind))
#     =  (3 log2 1.5 + 1 log2 0.5 + 1 log2 0.5 + 3 log2 1.5) / 8  =  0.19 bits
#
# To tell four equal kinds with certainty takes 2 bits. Counts of few words come out above 0 by
# chance alone; how far, is seen by shuffling the kinds over the words. And as some letters are more
# frequent in one kind, an expert for a letter tells of kinds, too. For example, if all "k" go to
# expert A and only surnames have a "k", A tells of surnames, but no more than the "k" does. So what
# counts is how much it tells of the kind if the token is known. For that there is a table for each
# token, of the choices for this token only; in the table of "k", A stands alone, and tells nothing.
# The bits of the tables are averaged, each token as often as it was counted.


def mutual_information(table):
    """Bits that the column tells of the row, for a table of counts: {row: list of counts}."""
    rows = list(table.values())
    row_totals = [sum(row) for row in rows]
    column_totals = [sum(column) for column in zip(*rows)]
    total = sum(row_totals)
    terms = []
    for row, row_total in zip(rows, row_totals):
        for n, column_total in zip(row, column_totals):
            if n:
                terms.append(n * math.log2(n * total / (row_total * column_total)))
    return math.fsum(terms) / total


class Choice(NamedTuple):
    """The first choice of the router for a token, and what is known of the token."""

    expert: int
    kind: str  # the kind of its word
    token: int  # after which the next one is guessed


def first_choices(variant, frozen, documents):
    """The Choices for each document, as a list of lists."""
    result = []
    for document in documents:
        routes = read_document(frozen, document, variant.top_k, collections.Counter()).routes
        pairs = zip(routes, document.tokens)
        result.append([Choice(route.chosen[0], document.kind, token) for route, token in pairs])
    return result


# ===== 6. Experiments =============================================================================
#
# The output has three parts, with a function for each: it measures, prints, and returns its claims.
# A claim is a statement that the run could have refuted; check() marks it as [ok] or [no]. Whatever
# is trained or drawn has a random generator of its own, so that a change in one place does not
# change the figures of another. What only plots stands among the tools in section 7.
#
# Figures come with a standard error, written +-: how far off they typically are because only so
# many examples were looked at. Chance alone puts a figure more than two standard errors off about
# once in twenty times. Where a claim says "over 2 x" some figure, that figure is an error.


class Estimate(NamedTuple):
    """A measured figure and its standard error."""

    mean: float
    error: float


def mean_and_error(totals, counts):
    """The Estimate of sum(totals) / sum(counts); each word gives a total and a count."""
    # If all words cost the same per token, each total would be mean * count. How far the totals are
    # from that says how much the mean depends on which words happened to be looked at. As chance
    # moves some up and others down, these deviations are squared before they are added:
    #
    #     error  =  sqrt(sum of (total - mean * count)^2) / sum of counts
    #
    # For example, three words of 4, 4 and 2 tokens cost one model 2, 0 and 1 nats more than
    # another:
    #
    #     mean   =  (2 + 0 + 1) / (4 + 4 + 2)  =  0.3 nats per token
    #     error  =  sqrt((2 - 1.2)^2 + (0 - 1.2)^2 + (1 - 0.6)^2) / 10  =  0.15
    #
    # That another seed also trains another model comes on top, and is not in it.
    n = sum(counts)
    if n == 0:
        return Estimate(math.nan, math.nan)
    mean = math.fsum(totals) / n
    deviations = [total - mean * count for total, count in zip(totals, counts)]
    return Estimate(mean, math.sqrt(math.fsum([d * d for d in deviations])) / n)


def loss_difference(nats_a, nats_b, token_lists):
    """By how much the loss of a is above that of b, in nats per token: an Estimate."""
    # Word by word: what is hard about a word is hard for both, and cancels.
    differences = [a - b for a, b in zip(nats_a, nats_b)]
    return mean_and_error(differences, [len(tokens) - 1 for tokens in token_lists])


def all_variants():
    """The models to compare: the mixture and two variants, and two dense ones of its measure."""
    # A dense layer gets as many hidden units as it needs for the work, or the size, of the mixture.
    per_unit = 2 * N_STREAM  # multiplications for a hidden unit, and parameters but for its bias
    router = N_EXPERTS * N_STREAM
    work = TOP_K * N_HIDDEN * per_unit + router + TOP_K * N_STREAM
    size = N_EXPERTS * N_HIDDEN * (per_unit + 1) + router + N_EXPERTS
    return [
        Variant("mixture", N_EXPERTS, N_HIDDEN, TOP_K, BALANCE),
        Variant("all experts", N_EXPERTS, N_HIDDEN, N_EXPERTS, 0.0),
        Variant("dense, same work", 1, math.ceil(work / per_unit), 1, 0.0),
        Variant("dense, same size", 1, math.ceil(size / (per_unit + 1)), 1, 0.0),
        Variant("no balance", N_EXPERTS, N_HIDDEN, TOP_K, 0.0),
    ]


# ----- Part 1: what the mixture costs, and what it gains ------------------------------------------


def word_nats(variant, model, held_out, work):
    """-log p of each held-out word, in nats: the mean over the N_DRAWS lists of documents."""
    frozen = freeze(model)
    by_draw = []
    for documents in held_out:
        losses = [read_document(frozen, d, variant.top_k, work).loss for d in documents]
        by_draw.append([loss * (len(d.tokens) - 1) for loss, d in zip(losses, documents)])
    return [math.fsum(nats) / len(nats) for nats in zip(*by_draw)]


def n_layer_parameters(model):
    """How many parameters stand in the experts and the router."""
    in_layer = [model[name] for name in model if name.startswith(("expert", "router"))]
    return sum([len(row) for matrix in in_layer for row in matrix])


def cost_and_gain(variants, trained, held_out):
    """Part 1: the loss of all models on held-out words, beside what their layer costs."""
    token_lists = [document.tokens for document in held_out[0]]
    n_tokens = [len(tokens) - 1 for tokens in token_lists]
    n_read = sum(n_tokens) * len(held_out)
    print("\n1. What it costs, and what it gains\n")
    print("   Three columns are of the layer alone, its router included: parameters, and")
    print("   multiplications for a token in reading and in training. Then the loss on")
    print("   held-out words, in nats per token, and how far it is above the mixture's.\n")
    print("                      parameters  reading  training    loss   above the mixture")
    nats = {}
    above = {}
    for variant in variants:
        model, _, training_work, tokens = trained[variant.label]
        work = collections.Counter()
        nats[variant.label] = word_nats(variant, model, held_out, work)
        row = f"   {variant.label:18} {n_layer_parameters(model):10,}"
        row += f"{sum(work.values()) / n_read:9,.0f}"
        row += f"{sum(training_work.values()) / sum(tokens):10,.0f}"
        row += f"{mean_and_error(nats[variant.label], n_tokens).mean:10.3f}"
        if variant.label != "mixture":
            above[variant.label] = loss_difference(
                nats[variant.label], nats["mixture"], token_lists
            )
            row += "   {:+.3f} +- {:.3f}".format(*above[variant.label])
        print(row)
    change, error = above["all experts"]
    print("\n   If all experts work on each token, the loss differs from the mixture's by")
    print(f"   {change:+.3f} +- {error:.3f}. What the choice saves is work.")
    claims = []
    for label in ("dense, same work", "dense, same size"):
        lead = above[label]
        statement = f"{label}: {lead.mean:.3f} above the mixture, over 2 x {lead.error:.3f}"
        claims.append(check(lead.mean > 2 * lead.error, statement))
    return claims


# ----- Part 2: who gets the work ------------------------------------------------------------------


def loads(counts):
    """The share of all choices that fell on each expert in some training steps."""
    totals = [sum(column) for column in zip(*counts)]
    return [total / sum(totals) for total in totals]


def who_gets_the_work(trained):
    """Part 2: the load of each expert over training, with and without the balancing loss."""
    names = ", ".join(EXPERT_NAMES[:N_EXPERTS])
    print("\n2. Who gets the work\n")
    print("   A row for each tenth of training, a letter for each 32nd part of the choices:")
    print(f"   on which of {names} they fell; {32 // N_EXPERTS} letters for each are fair.\n")
    with_loss, without = trained["mixture"].counts, trained["no balance"].counts
    draw_loads({"with the balancing loss": with_loss, "without": without})
    last = len(with_loss) * 3 // 4
    low, high = least_and_largest(with_loss[last:])
    low_without, high_without = least_and_largest(without[last:])
    print(
        f"\n   No share can be above {1 / TOP_K:.2f}. In the last quarter the least and the largest"
    )
    print(f"   are, with this loss, {low:.2f} and {high:.2f}; without it,", end=" ")
    print(f"{low_without:.2f} and {high_without:.2f}.")
    half = 0.5 / N_EXPERTS  # of a fair share
    statement = (
        f"without balance, the least share is {low_without:.3f}, below {half:.3f}, half of fair"
    )
    return [
        check(
            low > half, f"with balance, the least share is {low:.3f}, over {half:.3f}, half of fair"
        ),
        check(low_without < half, statement),
    ]


def least_and_largest(counts):
    """The smallest and the largest load of an expert in some training steps."""
    shares = loads(counts)
    return min(shares), max(shares)


# ----- Part 3: what the experts became ------------------------------------------------------------


def what_the_experts_became(variant, trained, held_out, vocabulary, seed):
    """Part 3: which expert takes which tokens and which kinds of words."""
    fresh = init_variant(variant, len(vocabulary), random.Random(f"{seed} start"))
    before = first_choices(variant, freeze(fresh), held_out)
    after = first_choices(variant, freeze(trained["mixture"].model), held_out)
    print("\n3. What the experts became\n")
    print("   The share of each kind's tokens that have an expert as their first choice:\n")
    print("            " + "".join([f"{name:>8}" for name in EXPERT_NAMES[:N_EXPERTS]]))
    for kind, counts in sorted(count_by(kind_of_choice, after).items()):
        print(f"   {kind:9}" + "".join([f"{n / sum(counts):8.2f}" for n in counts]))
    print("\n   The tokens that have it as their first choice in more than half of all cases:\n")
    by_token = sorted(count_by(token_of_choice, after).items())
    for e in range(N_EXPERTS):
        mostly = [token for token, counts in by_token if 2 * counts[e] > sum(counts)]
        print(f"   {EXPERT_NAMES[e]}  {' '.join([vocabulary[token] for token in mostly])}".rstrip())

    shuffled = shuffle_kinds(after, random.Random(f"{seed} shuffles"))
    by_chance = max([bits_given_token(choices) for choices in shuffled])
    print("\n   How many bits the first choice tells     of the     of the    of the kind,")
    print("                                             token       kind   token known")
    for label, choices in {"trained": after, "untrained": before}.items():
        of_token = bits_told(token_of_choice, choices)
        of_kind = bits_told(kind_of_choice, choices)
        print(f"   {label:36} {of_token:9.3f} {of_kind:10.3f} {bits_given_token(choices):13.3f}")
    print(f"   {'kinds shuffled over the words, most':36} {by_chance:34.3f}")
    trained_bits, untrained_bits = bits_given_token(after), bits_given_token(before)
    statement = f"kind, token known: {trained_bits:.3f} bits, over {untrained_bits:.3f} untrained"
    statement += f" and {by_chance:.3f} shuffled"
    return [check(trained_bits > max(untrained_bits, by_chance), statement)]


def kind_of_choice(choice):
    """The kind of the word that a Choice was made for."""
    return choice.kind


def token_of_choice(choice):
    """The token that a Choice was made for."""
    return choice.token


def count_by(row_of, choices_of_words):
    """How often each expert was chosen: a table {row: counts}; row_of says the row of a Choice."""
    table = {}
    for choices in choices_of_words:
        for choice in choices:
            counts = table.setdefault(row_of(choice), [0] * N_EXPERTS)
            counts[choice.expert] += 1
    return table


def bits_told(row_of, choices_of_words):
    """How many bits the first choice tells of the row."""
    return mutual_information(count_by(row_of, choices_of_words))


def bits_given_token(choices_of_words):
    """How many bits the first choice tells of the kind if the token is known."""
    by_token = {}
    for choices in choices_of_words:
        for choice in choices:
            by_token.setdefault(choice.token, []).append(choice)
    bits = [len(some) * bits_told(kind_of_choice, [some]) for some in by_token.values()]
    return math.fsum(bits) / sum([len(some) for some in by_token.values()])


def shuffle_kinds(choices_of_words, rng):
    """The same Choices N_SHUFFLES times, each time with the kinds shuffled over the words."""
    kinds = [choices[0].kind for choices in choices_of_words]
    result = []
    for _ in range(N_SHUFFLES):
        rng.shuffle(kinds)
        shuffled = []
        for kind, choices in zip(kinds, choices_of_words):
            shuffled.append([choice._replace(kind=kind) for choice in choices])
        result.append(shuffled)
    return result


# ===== 7. Run =====================================================================================


def main(args):
    """The whole experiment, from the words to the claims."""
    words = split_words(random.Random(args.seed))
    size = len(words.vocabulary)
    hints_rng = random.Random(f"{args.seed} held out")
    held_out = [list(make_documents(words, words.held_out, hints_rng)) for _ in range(N_DRAWS)]
    print(f"{len(words.train)} words of {len(KINDS)} kinds to learn from,", end=" ")
    print(f"{len(words.held_out)} held out.")
    variants = all_variants()
    trained = {}
    for variant in variants:
        model = init_variant(variant, size, random.Random(f"{args.seed} start"))
        documents = documents_to_learn_from(words, args.seed, args.steps)
        trained[variant.label] = train(variant, model, documents, args.steps)
    claims = cost_and_gain(variants, trained, held_out)
    claims += who_gets_the_work(trained)
    claims += what_the_experts_became(
        variants[0], trained, held_out[0], words.vocabulary, args.seed
    )
    print_claims(claims, args.steps)


# ----- Try this -----------------------------------------------------------------------------------
#
# By how much the dense layer of the same work is above the mixture, in nats per token, as the mean
# of the seeds 42, 1 and 2, with the lowest and the highest of them. First as the file stands, then
# with one line changed:
#
#   as it stands                                           0.047  (0.037 to 0.056)
# - N_HIDDEN = 8                                           0.049  (0.037 to 0.062)
# - N_EXPERTS = 4                                          0.030  (0.016 to 0.041)
# - BALANCE = 1.0                                          0.040  (0.029 to 0.054)
# - TOP_K = 1                                              0.014  (0.005 to 0.025)
# - in make_documents(), rng.sample(words.train, ...)      0.006  (0.004 to 0.008)
#
# Larger experts and a stronger balancing loss change nothing that could be told from luck. With
# half of the experts the gain seems smaller. With one expert for each token, most of it is gone:
# its gate is always 1, so that the loss on words teaches the router nothing, and a third of the
# work is gone, too. (Switch has one expert for each token too, but its gate is the softmax over all
# scores.) The last line takes the hints from words of any kind, so that they tell nothing: then
# nearly nothing is gained.
#
# ----- What came of it ----------------------------------------------------------------------------
#
# Over twenty more seeds, the dense layer of the same work was 0.050 above the mixture on average
# (from 0.026 to 0.095), and that of the same size, which does 2.8 times the work, 0.047 (0.028 to
# 0.071). All experts at work changed the loss by -0.005 (-0.026 to 0.022). So of the two dense
# layers the larger one is no better here, while eight experts seem better than four. It may be the
# gates: with them the layer can be another function for each token and kind. (A dense layer with
# gates was not tried.) Choosing a few experts makes that cheap, and at no loss that could be told
# from luck. Without the balancing loss, the least chosen expert got at most 1 in 100 choices of the
# last quarter at each of the twenty seeds. The loss on words is a little higher for that on
# average, by 0.009 (-0.013 to 0.025; at the default seed by more than at any of the twenty), but
# not always; and the room that the idle experts take is wasted.
#
# What did the experts become? Over the same twenty seeds, the first choice tells 1.87 bits of the
# token on average, about what an untrained router tells of it, 1.94. Of the kind, if the token is
# known, it tells 0.71 bits, and untrained 0.18: most of it is what training added. The routers of
# Mixtral, a large model, were found to go by tokens and syntax more than by topics
# (arXiv:2401.04088).
#
# Next in this collection: microkv.py, on what a model that writes has to remember.
#
# This is the end of the tutorial. Below are tools, for whoever wants to change something, and the
# words.

# ----- Tools of this script: drawing --------------------------------------------------------------


def draw_loads(columns):
    """Stacked bars {title: counts}: a row for each tenth, a letter for each 32nd of the choices."""
    print("   " + "".join([f"{title:36}" for title in columns]).rstrip())
    for tenth in range(10):
        line = "   "
        for counts in columns.values():
            first = tenth * len(counts) // 10
            past = max((tenth + 1) * len(counts) // 10, first + 1)
            bar = ""
            end = 0.0
            for letter, share in zip(EXPERT_NAMES, loads(counts[first:past])):
                end += share
                bar += letter * (round(32 * end) - len(bar))
            line += f"{bar:36}"
        print(line.rstrip())


# ----- Tools of all scripts: claims, progress, the command line -----------------------------------


def check(holds, statement):
    """A claim as a line of text: [ok] if it holds, else [no]."""
    return f"[{'ok' if holds else 'no'}] {statement}"


def print_claims(claims, steps):
    """The last part of the output: what was claimed, and whether it came out so."""
    print("\nclaims")
    if steps < STEPS:
        print(f"(They are meant for {STEPS:,} steps. After fewer, a [no] is no surprise.)")
    for claim in claims:
        print(claim)


def completes_part(step, steps, parts):
    """Whether this step completes one more of so many equal parts of all steps."""
    return step * parts // steps > (step - 1) * parts // steps


def show_progress(phase, step, steps, start):
    """Report on stderr. On a terminal one line rewrites itself; in a file, a line each tenth."""
    if reader_has_gone():
        raise BrokenPipeError
    on_terminal = sys.stderr.isatty()
    if on_terminal or completes_part(step, steps, 10):
        elapsed = time.perf_counter() - start
        left = elapsed / step * (steps - step)
        text = f"{phase}  {step}/{steps}  {elapsed:.0f} s, {left:.0f} s left"
        end = "\r" if on_terminal and step < steps else "\n"
        print(f"{text:58}", end=end, file=sys.stderr, flush=True)


def reader_has_gone():
    """Whether stdout is a pipe that nobody reads any more, as after | head -1."""
    if not hasattr(select, "poll"):  # as on Windows
        return False
    poll = select.poll()
    poll.register(1, 0)
    return any([event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0)])


def whole_number(text):
    """A whole number from the command line."""
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None


def number_of_steps(text):
    """The value of --steps."""
    steps = whole_number(text)
    if not 1 <= steps <= 10**9:
        raise argparse.ArgumentTypeError(f"{text} is not from 1 to 1,000,000,000")
    return steps


def run(**more_options):
    """Read the command line, run main, and end quietly when interrupted."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    steps_help = f"how many steps to train (default {STEPS})"
    parser.add_argument(
        "--steps", type=number_of_steps, default=STEPS, metavar="N", help=steps_help
    )
    seed_help = "where all randomness starts (default 42)"
    parser.add_argument("--seed", type=whole_number, default=42, metavar="N", help=seed_help)
    for name, settings in more_options.items():
        parser.add_argument(f"--{name}", **settings)
    args = parser.parse_args()
    sys.stderr = sys.stderr or open(os.devnull, "w")
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace", line_buffering=True)
    if sys.implementation.name == "cpython":
        gc.disable()  # graphs have no cycles, so searching them for cycles would only take time
    start = time.perf_counter()
    try:
        main(args)
        print(f"{time.perf_counter() - start:.1f} s in all", file=sys.stderr)
    except KeyboardInterrupt:
        print(f"\n{parser.prog}: stopped", file=sys.stderr)
        os._exit(130)
    except OSError as error:  # the output cannot be written
        if not isinstance(error, BrokenPipeError):  # that one is somebody's | head: end quietly
            print(f"{parser.prog}: {error}", file=sys.stderr)
        os._exit(1)


# ===== 8. The words: listed by hand, but for the given names ======================================

KINDS = {
    # Given names, US Census Bureau, name frequencies of 1990 (public domain): the first 300
    "name": """mary james patricia john linda robert barbara michael elizabeth william jennifer
david maria richard susan charles margaret joseph dorothy thomas lisa christopher nancy daniel karen
paul betty mark helen donald sandra george donna kenneth carol steven ruth edward sharon brian
michelle ronald laura anthony sarah kevin kimberly jason deborah matthew jessica gary shirley
timothy cynthia jose angela larry melissa jeffrey brenda frank amy scott anna eric rebecca stephen
virginia andrew kathleen raymond pamela gregory martha joshua debra jerry amanda dennis stephanie
walter carolyn patrick christine peter marie harold janet douglas catherine henry frances carl ann
arthur joyce ryan diane roger alice joe julie juan heather jack teresa albert doris jonathan gloria
justin evelyn terry jean gerald cheryl keith mildred samuel katherine willie joan ralph ashley
lawrence judith nicholas rose roy janice benjamin kelly bruce nicole brandon judy adam christina
harry kathy fred theresa wayne beverly billy denise steve tammy louis irene jeremy jane aaron lori
randy rachel howard marilyn eugene andrea carlos kathryn russell louise bobby sara victor anne
martin jacqueline ernest wanda phillip bonnie todd julia jesse ruby craig lois alan tina shawn
phyllis clarence norma sean paula philip diana chris annie johnny lillian earl emily jimmy robin
antonio peggy danny crystal bryan gladys tony rita luis dawn mike connie stanley florence leonard
tracy nathan edna dale tiffany manuel carmen rodney rosa curtis cindy norman grace allen wendy
marvin victoria vincent edith glenn kim jeffery sherry travis sylvia jeff josephine chad thelma
jacob shannon lee sheila melvin ethel alfred ellen kyle elaine francis marjorie bradley carrie jesus
charlotte herbert monica frederick esther ray pauline joel emma edwin juanita don anita eddie rhonda
ricky hazel troy amber randall eva barry debbie alexander april bernard leslie mario clara leroy
lucille francisco jamie marcus joanne micheal eleanor theodore valerie clifford danielle miguel""",
    # Common Japanese surnames, in Latin letters
    "surname": """sato suzuki takahashi tanaka watanabe ito yamamoto nakamura kobayashi kato yoshida
yamada sasaki yamaguchi matsumoto inoue kimura hayashi shimizu saito mori abe ikeda hashimoto
yamashita ishikawa nakajima maeda fujita goto ogawa okada hasegawa murakami kondo ishii sakamoto
endo aoki fujii nishimura fukuda ota miura okamoto matsuda nakagawa nakano harada fujiwara ono
tamura takeuchi kaneko wada nakayama ishida ueda morita hara shibata sakai kudo yokoyama miyazaki
miyamoto uchida takagi ando taniguchi ohno maruyama imai kono fujimoto murata takeda ueno sugiyama
masuda sugawara hirano kojima otsuka chiba kubo matsui iwasaki sakurai kinoshita noguchi matsuo
nomura kikuchi sano onishi sugimoto arai hamada ichikawa furukawa mizuno komatsu shimada koyama
kawaguchi yamanaka nishida kitamura igarashi higuchi kawamura yamazaki adachi nagata kawasaki iida
nishikawa hirata nakata honda tsuchiya azuma aoyama iwata kuroda nagai kawai hoshino tsuji ishihara
okabe kawakami matsuoka tanabe sekiguchi nakanishi shinohara matsubara iwamoto hattori tsukamoto
kurihara kataoka toyoda asano yoshikawa morimoto hirai nagashima oshima kamata horiguchi kishimoto
sakaguchi nishiyama ogata tominaga nagao araki yano kuriyama haraguchi matsushita matsunaga ishiguro
miyata kawashima kitagawa fukushima okazaki minami hotta iwai shirai takano kasahara yasuda nakai
tsuda kurata hayakawa kagawa kawano asai uemura uchiyama takashima tokunaga mochizuki nagasawa ozawa
ozaki koizumi kuwabara nishio tada tokuda yagi yokota yoshimura yoshioka muramatsu mizutani miyake
miyagawa mitsui mikami matsumura kuroki kumagai kobori katayama kamiya izumi iwase inagaki imamura
ikeuchi hosokawa horiuchi horikawa hori hirose hirayama hayami hanada fukui fujioka fujikawa ebihara
doi""",
    # Spanish verbs
    "verb": """hablar comer vivir tener hacer poder decir querer saber llegar pasar deber poner
parecer quedar creer llevar dejar seguir encontrar llamar venir pensar salir volver tomar conocer
sentir tratar mirar contar empezar esperar buscar existir entrar trabajar escribir perder producir
ocurrir entender pedir recibir recordar terminar permitir aparecer conseguir comenzar servir sacar
necesitar mantener resultar leer caer cambiar presentar crear abrir considerar acabar convertir
ganar formar traer partir morir aceptar realizar suponer comprender lograr explicar preguntar tocar
reconocer estudiar alcanzar nacer dirigir correr utilizar pagar ayudar gustar jugar escuchar cumplir
ofrecer descubrir levantar intentar usar acercar andar armar arrancar asegurar atender avisar bailar
bajar barrer batir beber borrar brillar brincar caminar cansar cantar cargar casar cazar cenar
cerrar cocer cocinar coger colgar colocar comprar conducir contestar copiar coser costar crecer
cruzar cubrir cuidar dar decidir dedicar defender depender desear despertar destruir detener
devolver dibujar discutir disfrutar doblar doler dormir dudar durar echar elegir empujar encender
enfadar engordar enojar entregar enviar envolver errar escapar esconder evitar exigir fabricar
faltar firmar freir fumar funcionar girar gobernar golpear gritar guardar guiar haber herir hervir
huir imaginar impedir imprimir incluir indicar insistir invitar lanzar lavar limpiar llenar llorar
llover luchar mandar manejar marcar medir mejorar mentir mezclar molestar montar morder mostrar
mover nadar navegar negar nevar notar obedecer obligar obtener odiar oler olvidar opinar ordenar
parar pegar peinar pelear pescar pesar picar pintar pisar planchar plantar practicar preferir
preparar prestar probar prohibir prometer proponer proteger quejar quemar quitar rascar recoger
recorrer regalar regar regresar reir repetir responder reunir rezar robar rodear romper saltar
saludar secar sembrar separar soltar sonar sonreir soplar subir sufrir sugerir temblar temer tejer
tirar torcer toser traducir tragar unir vencer vender ver vestir viajar vigilar visitar volar votar
zurcir""",
    # Genera of animals, plants, fungi, bacteria and other single cells
    "genus": """canis felis ursus equus bos ovis capra sus lepus mus rattus sciurus castor vulpes
lynx panthera acinonyx hyaena giraffa loxodonta elephas hippopotamus cervus alces rangifer bison
camelus lama macaca papio gorilla pongo homo lemur talpa sorex erinaceus vespertilio balaena
delphinus orcinus phoca lutra mustela meles corvus pica turdus passer sturnus hirundo apus falco
aquila buteo accipiter bubo strix columba gallus anas anser cygnus ciconia ardea larus struthio
crocodylus python vipera natrix lacerta testudo rana bufo hyla salamandra triturus salmo esox
cyprinus anguilla gadus thunnus apis bombus vespa formica papilio pieris musca culex quercus fagus
betula pinus abies picea larix salix populus acer tilia ulmus fraxinus juglans corylus malus pyrus
prunus rubus fragaria ribes vitis ficus olea citrus solanum nicotiana lavandula mentha salvia thymus
ocimum origanum primula viola ranunculus anemone clematis papaver brassica raphanus sinapis
trifolium medicago pisum phaseolus lathyrus vicia lupinus acacia eucalyptus myrtus hedera aralia
daucus apium petroselinum foeniculum allium lilium tulipa narcissus iris crocus hyacinthus galanthus
orchis ophrys zea triticum hordeum avena secale oryza poa festuca lolium carex juncus typha musa
cocos phoenix cedrus cupressus juniperus taxus ginkgo cycas equisetum pteridium sphagnum amanita
boletus agaricus penicillium aspergillus saccharomyces escherichia salmonella streptococcus
staphylococcus bacillus clostridium vibrio plasmodium amoeba paramecium euglena hydra aurelia
asterias echinus helix limax octopus sepia loligo nautilus mytilus ostrea pecten homarus cancer
daphnia artemia limulus araneus lycosa scorpio ixodes periplaneta blatta mantis locusta gryllus
cicada aphis cimex pediculus carabus lucanus scarabaeus coccinella tenebrio drosophila aedes
anopheles glossina bombyx danaus vanessa manta raja squalus carcharodon acipenser clupea engraulis
perca xiphias hippocampus danio carassius silurus iguana varanus chamaeleo boa naja alligator
gavialis chelonia aptenodytes spheniscus diomedea pelecanus sula fregata phalacrocorax grus rallus
fulica vanellus sterna cuculus tyto upupa alcedo merops picus alauda parus sitta troglodytes
fringilla carduelis loxia emberiza tachyglossus macropus phascolarctos didelphis dasypus""",
}


if __name__ == "__main__":
    run()
