"""A language model is tuned on which of two words is better, with no reward in between.

    python microdpo.py        about 30 seconds; nothing to install, nothing to download

A small GPT learns given names and is frozen: the reference. It makes up words in pairs, and of each
pair the word that suits a hidden taste better is preferred, most of the time. A copy of the
reference, the policy, then learns from these preferences alone, by direct preference optimization
(DPO). You will see how often the policy ranks new pairs as the labels do; which words become less
likely, even of those that were preferred; and what the policy's words gain for their distance from
the reference, beside training on the preferred words and beside picking the best of several.

When to use it: if it is easier to say which of two outputs is better than to write a good one, or
to give it points. When not: if good outputs can be written down, which is simpler to learn from; or
if outputs can get points while training, which says more than pairs that were labelled before.

Read it from top to bottom. You need Python and school calculus; what machine learning adds is
explained on the way. If you know microgpt.py, read section 1, and go on at section 5: what comes
before is the same there but for log_prob() and log_prob_of_word() of section 3, and for thaw(),
batch_of() and train() of section 4, all short. Section 5 is the lesson, section 6 measures it.
Section 7 has main(), and things to try: there the tutorial ends. Below are tools and the names.

Papers: DPO, arXiv:2305.18290; labels as noisy comparisons, Bradley and Terry 1952; why preferred
words may become less likely, arXiv:2402.13228 and arXiv:2404.12358; the best of n,
arXiv:2401.01879; RMSNorm, arXiv:1910.07467; Adam, arXiv:1412.6980.
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

# The data, section 1.
N_HELD_OUT = 100  # names that the reference does not learn from
VOWELS = "aeiouy"  # "y" too: in "lery" vowels and consonants take turns
PENALTY = 5  # points that a clash costs
SCALE = 0.4  # how sure a label is: sigmoid(SCALE * difference in points)
N_TEST_PAIRS = 300  # pairs that no policy learns from

# The model. What these words mean is said in section 3.
N_LAYER = 1  # transformer blocks, one after the other
N_EMBD = 8  # each position of a word is described by this many numbers
N_HEAD = 2  # attention heads of a block; N_EMBD must be a multiple of it
BLOCK_SIZE = 16  # the longest sequence of tokens that the model can read
INIT_STD = 0.08  # standard deviation of the random numbers that the model starts from

# The training, section 4. The beta of Adam is another thing than the beta of DPO.
STEPS = 500  # steps in which the reference learns names, two names each
REFERENCE_RATE = 0.014  # how far a parameter moves in an early step; falls almost to 0
ADAM_BETA1, ADAM_BETA2 = 0.9, 0.99  # the optimizer averages over about 10 and 100 steps
TUNING_STEPS = 300  # steps in which a policy learns, from BATCH new pairs each
BATCH = 2

# The experiments, section 6. For each beta and for fine-tuning, the rate is the one with the least
# of its own loss on pairs that were not learned from, at four other seeds; half and twice as much
# were worse. (The second rate of SFT was not chosen so.)
BETAS = (2.0, 1.0, 0.5)  # the price of a nat of distance from the reference, section 5
DPO_RATES = {2.0: 0.00125, 1.0: 0.0025, 0.5: 0.005}  # for each of them
SFT_RATES = (0.00125, 0.01)  # of fine-tuning: the best one, and one that goes far
N_SAMPLES = 800  # words of each policy that it is judged by
N_WATCHED = 60  # pairs that are followed while a policy learns


# ===== 1. Data: names, and which of two words is better ===========================================
#
# The names stand at the end of the file: mary, james, patricia ... A model sees no letters, only
# numbers called tokens. Token 0 is the boundary: a word starts here, or ends here. The other 26
# tokens are the letters.
#
#     tokenize("mary", vocabulary)  =  [0, 13, 1, 18, 25, 0]
#
# The task is always the same: given the tokens so far, say how likely each token is to come next. A
# name of four letters is five such tasks: 0 -> m, m -> a, a -> r, r -> y, y -> 0.
#
# A guess is judged by the probability p that it gave to the token that really came: it pays -log p.
# The mean of that over many guesses is called the loss; the better the guesses, the smaller it is.
# A model that has learned names can also write: draw a token by these probabilities, let it read
# that, draw the next one.
#
# Somebody has a taste in words: vowels and consonants should take turns. Two neighbours in a word,
# a vowel and a consonant, earn a point; two of one kind, a clash, cost 5. "nora" has three turns
# and 3 points. In "anna", a-n and n-a are turns and n-n is a clash: 2 - 5 = -3 points.
#
# No model is told this rule. All it gets are pairs of words with a label, which says which of the
# two was preferred. And labels are noisy, as with people: the better word is not always chosen, but
# the more often, the more points it is ahead. With d points more, it is chosen with the probability
#
#     sigmoid(0.4 * d)      where sigmoid(x) = 1 / (1 + exp(-x)), a number between 0 and 1
#
# "nora" against "anna": d = 6, and sigmoid(2.4) = 0.92. Of 100 such pairs, 8 have the wrong label.

BOUNDARY = "<>"  # two characters, so that no letter can be mistaken for it


def make_vocabulary(words):
    """All tokens, in order: token i stands for vocabulary[i]."""
    return [BOUNDARY] + sorted(set("".join(words)))


def tokenize(word, vocabulary):
    """Turn a word into a list of tokens, with the boundary on both sides."""
    letters = [vocabulary.index(letter) for letter in word]
    return [0] + letters + [0]


class Data(NamedTuple):
    """The names, split in two, as lists of tokens."""

    vocabulary: list
    train_set: list
    held_out: list  # the reference does not learn from these


def split_data(rng):
    """Shuffle the names and hold out N_HELD_OUT of them."""
    names = NAMES.split()
    rng.shuffle(names)
    vocabulary = make_vocabulary(names)
    tokens = [tokenize(name, vocabulary) for name in names]
    return Data(vocabulary, tokens[N_HELD_OUT:], tokens[:N_HELD_OUT])


def tokenize_written(word, vocabulary):
    """The tokens of a word that a model wrote: without an end, if it had no room for one."""
    # After BLOCK_SIZE letters the model can read no more. Such a word has no end: it stands for all
    # words that begin so, and its probability is theirs together.
    return tokenize(word, vocabulary)[: BLOCK_SIZE + 1]


def n_clashes(word):
    """How many neighbours in a word are of one kind, two vowels or two consonants."""
    return sum([(a in VOWELS) == (b in VOWELS) for a, b in zip(word, word[1:])])


def points(word):
    """The taste: a point for neighbours that take turns, minus PENALTY for each clash."""
    n_neighbours = max(0, len(word) - 1)
    n_turns = n_neighbours - n_clashes(word)
    return n_turns - PENALTY * n_clashes(word)


def meets_taste(word):
    """Whether a word has two letters or more, and not one clash."""
    return len(word) > 1 and n_clashes(word) == 0


def sigmoid(x):
    """1 / (1 + exp(-x)) of a float: S-shaped, from 0 to 1, and 1/2 at 0."""
    e = math.exp(-abs(x))  # at most 1, so nothing overflows
    return (1.0 if x >= 0.0 else e) / (1.0 + e)


class Pair(NamedTuple):
    """Two words of the reference, of which one was preferred."""

    chosen: str
    rejected: str
    chosen_tokens: list
    rejected_tokens: list
    ref_chosen: float  # log of the probability of the chosen word in the reference
    ref_rejected: float
    p_label: float  # the probability that the label came out as it did


def make_pairs(reference, vocabulary, n, rng):
    """n pairs of different words that the reference writes, each with a label."""
    pairs = []
    while len(pairs) < n:
        a = sample(reference, vocabulary, 1.0, rng)
        b = sample(reference, vocabulary, 1.0, rng)
        if a == b:
            continue
        p_a = sigmoid(SCALE * (points(a) - points(b)))
        if rng.random() < p_a:
            pairs.append(make_pair(a, b, p_a, reference, vocabulary))
        else:
            pairs.append(make_pair(b, a, 1.0 - p_a, reference, vocabulary))
    return pairs


def make_pair(chosen, rejected, p_label, reference, vocabulary):
    """A Pair, with what the reference says of both words, which is computed only once."""
    tokens = [tokenize_written(word, vocabulary) for word in (chosen, rejected)]
    log_ps = [log_prob_of_word(reference, some) for some in tokens]
    return Pair(chosen, rejected, *tokens, *log_ps, p_label)


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


def relu(x):
    """The larger of x and 0, for a Value or a float."""
    return x.relu() if isinstance(x, Value) else max(x, 0.0)


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


def rmsnorm(x):
    """Divide a vector by the root of its mean square, so that its numbers are about 1 in size."""
    # Without it, sizes could grow or shrink from layer to layer. 1e-5 avoids a division by 0.
    mean_square = dot(x, x) * (1.0 / len(x))
    scale = (mean_square + 1e-5) ** -0.5
    return [v * scale for v in x]


# ===== 3. Model: the transformer ==================================================================
#
# The model reads a word token by token, and says after each one how likely every token is to come
# next. It describes each position of the word by a vector: a list of N_EMBD numbers. At first these
# come from two tables, one row for each token and one for each position, added up. That is called
# the embedding; its rows start random and are learned like all else. Then each block changes the
# description twice:
#
#     attention   lets a position collect what it needs from all positions so far
#     MLP         works on what one position has collected
#
# At the end a last matrix turns the description into a score for each token, called its logit, and
# softmax (section 2) turns the scores into probabilities. In short:
#
#     token and position  ->  N_EMBD numbers  ->  attention, MLP  ->  N_EMBD numbers  ->  all logits
#
# This is GPT-2 made small and plain. What differs: N_LAYER blocks, where GPT-2 has 12 to 48;
# letters instead of pieces of words; RMSNorm without learned factors instead of LayerNorm, one more
# of it after the embedding and none at the end; relu instead of gelu; no biases, no dropout, the
# same spread of random numbers in all matrices; and lm_head is a matrix of its own, where GPT-2
# uses the token embedding again.


def random_matrix(rows, columns, rng):
    """A matrix of random Values: a list of rows, each a list of as many numbers as columns."""
    return [[Value(rng.gauss(0.0, INIT_STD)) for _ in range(columns)] for _ in range(rows)]


def init_model(vocabulary_size, rng):
    """All matrices of the model by name, filled with random numbers."""
    model = {
        "token_embedding": random_matrix(vocabulary_size, N_EMBD, rng),  # a row for each token
        "position_embedding": random_matrix(BLOCK_SIZE, N_EMBD, rng),  # a row for each position
        "lm_head": random_matrix(vocabulary_size, N_EMBD, rng),  # vector -> a logit for each token
    }
    for i in range(N_LAYER):
        for name in ("query", "key", "value", "output"):
            model[f"layer{i}.{name}"] = random_matrix(N_EMBD, N_EMBD, rng)  # vector -> vector
        model[f"layer{i}.fc1"] = random_matrix(4 * N_EMBD, N_EMBD, rng)  # vector -> hidden units
        model[f"layer{i}.fc2"] = random_matrix(N_EMBD, 4 * N_EMBD, rng)  # hidden units -> vector
    return model


def parameters(model):
    """All parameters of the model, as one flat list of Values."""
    return [p for matrix in model.values() for row in matrix for p in row]


def freeze(model):
    """A copy of the model in plain floats, for reading and writing without derivatives."""
    return {name: [[p.data for p in row] for row in matrix] for name, matrix in model.items()}


class Cache:
    """What a block keeps of the positions that it has read, the newest last."""

    def __init__(self):
        self.keys = []  # a vector for each position
        self.values = []  # a vector for each position
        self.weights = []  # for each position the weights of each head; kept only to be looked at


def new_caches():
    """Empty caches, one for each block, to start reading a word."""
    return [Cache() for _ in range(N_LAYER)]


def attention(x, model, layer, cache):
    """Let the newest position, described by the vector x, collect what it needs. Gives a vector."""
    # From x each position makes three vectors of the same length: a query (what am I looking for?),
    # a key (what is there to be found here?) and a value (what do I hand over? Nothing to do with
    # the class Value). The newest query is compared with each key so far by a dot product; the
    # better they match, the larger the score. softmax turns the scores into weights that add up to
    # 1, and the values are averaged with them.
    #
    # Say the model reads "ma", "a" being the newest, and vectors had 4 numbers. The query of "a" is
    # (2, 0, 1, 0):
    #
    #                    key           product   score   weight   first number of the value
    #     boundary   (0, 1, 0, 2)         0        0      0.09               3
    #     m          (1, 0, 2, 1)         4        2      0.67               1
    #     a          (0, 3, 2, 0)         2        1      0.24               0
    #
    # So the first number that "a" collects is 0.09 * 3 + 0.67 * 1 + 0.24 * 0 = 0.94. A score is the
    # product divided by sqrt(4), the root of the length: a sum of n random products of either sign
    # has a size of about sqrt(n), and with very large scores all weight would fall on one position,
    # where the derivatives of softmax are near 0.
    #
    # All this is done N_HEAD times side by side, each time on another slice of the three vectors,
    # so that one position can look for several things. Each of these is called a head. What the
    # heads have collected is joined to one vector, and the output matrix mixes it.
    #
    # No position can look ahead: later keys are not in the cache yet. (A GPT that reads all of a
    # text at once must hide what is later: the causal mask.) The keys and values in the cache are
    # part of the same graph, so gradients reach the earlier positions through them.
    size = len(x) // N_HEAD
    query = linear(x, model[f"{layer}.query"])  # as long as x
    cache.keys.append(linear(x, model[f"{layer}.key"]))
    cache.values.append(linear(x, model[f"{layer}.value"]))
    collected = []
    weights_of_heads = []
    for start in range(0, len(x), size):
        head = slice(start, start + size)
        scores = [dot(query[head], key[head]) * size**-0.5 for key in cache.keys]
        weights = softmax(scores)
        for j in range(start, start + size):
            number_j_of_values = [value[j] for value in cache.values]
            collected.append(dot(weights, number_j_of_values))  # their weighted mean
        weights_of_heads.append(weights)
    cache.weights.append(weights_of_heads)
    return linear(collected, model[f"{layer}.output"])


def mlp(x, model, layer):
    """Work on the vector x of one position alone. Gives a vector of the same length."""
    # MLP is short for multi-layer perceptron: a matrix (fc1), relu, another matrix (fc2). Each of
    # the 4 * N_EMBD numbers in between, a hidden unit, asks something about x: it is 0, for no, or
    # positive, the more so the clearer the answer. A unit of 0.5 adds 0.5 times its own column of
    # fc2 to the result. Without relu the two matrices would collapse into one.
    hidden = [relu(h) for h in linear(x, model[f"{layer}.fc1"])]
    return linear(hidden, model[f"{layer}.fc2"])


def gpt(model, token, caches):
    """Read one more token. Return the logits, a score for each token as the next one."""
    # x describes the newest position by N_EMBD numbers. Attention and MLP each add something to it
    # and never replace it. Sums pass a gradient on unchanged, so it also reaches what lies far
    # below, which deep models need. x is called the residual stream. It grows with each thing that
    # is added, so attention and MLP read a normalized copy. (For the first attention that changes
    # little, as x has just been normalized.)
    position = len(caches[0].keys)
    x = add(model["token_embedding"][token], model["position_embedding"][position])
    x = rmsnorm(x)
    for i, cache in enumerate(caches):
        x = add(x, attention(rmsnorm(x), model, f"layer{i}", cache))
        x = add(x, mlp(rmsnorm(x), model, f"layer{i}"))
    return linear(x, model["lm_head"])


# From the logits to log p is one function here. (Most scripts of this collection take the logarithm
# of softmax's p, and cut it off below 1e-10. DPO makes small probabilities smaller still, and has
# to keep count of them, with their gradients.)


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


def log_probs(model, tokens):
    """Let the model read a word. Return log p(next token) at each position, as one list."""
    caches = new_caches()
    result = []
    for token, target in zip(tokens, tokens[1:]):
        result.append(log_prob(gpt(model, token, caches), target))
    return result


def log_prob_of_word(model, tokens):
    """log of the probability that the model writes this word, in nats."""
    # The sum over its tokens, its end included, and not their mean as in the loss below: section 5
    # is about the probabilities of whole words.
    return vsum(log_probs(model, tokens))


def word_loss(model, *words):
    """The mean of -log p(next token) over all tokens of one or more words, lists of tokens."""
    # If the model gave probability p to the token that really came, it pays -log p: 0 for p = 1,
    # 0.69 for p = 1/2, 3.30 for p = 1/27. Why the logarithm? The probability of a whole word is the
    # product of those of its tokens, and logarithms turn it into a sum. The unit is the nat, as
    # these logarithms are natural ones. The mean is called cross-entropy.
    all_log_probs = []
    for tokens in words:
        all_log_probs += log_probs(model, tokens)
    return vsum(all_log_probs) * (-1.0 / len(all_log_probs))


def next_token(logits, temperature, rng):
    """Draw a token at random, with the probabilities that the logits (floats) stand for."""
    # Dividing the logits by a temperature below 1 widens the gaps between them: likely tokens
    # become likelier still. Towards 0 only the likeliest is left.
    if temperature == 0:
        return logits.index(max(logits))
    probs = softmax([logit / temperature for logit in logits])
    return rng.choices(range(len(probs)), probs)[0]


def sample(frozen, vocabulary, temperature, rng):
    """Let a frozen model write a word: draw a token, let the model read it, draw the next one."""
    caches = new_caches()
    token = 0
    word = ""
    while len(word) < BLOCK_SIZE:
        logits = gpt(frozen, token, caches)
        token = next_token(logits, temperature, rng)
        if token == 0:
            break
        word += vocabulary[token]
    return word


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


def thaw(frozen):
    """A model of Values from a frozen one: the opposite of freeze()."""
    return {name: [[Value(p) for p in row] for row in matrix] for name, matrix in frozen.items()}


def batch_of(examples, step, size):
    """The examples of a step (counted from 1): the list in order, and over again at its end."""
    first = (step - 1) * size
    return [examples[i % len(examples)] for i in range(first, first + size)]


def train(label, model, loss_of_step, steps, rate, after_step=None):
    """steps steps of Adam on loss_of_step(model, step), where step counts from 1.

    If there is a function after_step(model, step), it is called after each of them.
    """
    params = parameters(model)
    m = [0.0] * len(params)
    v = [0.0] * len(params)
    start = time.perf_counter()
    for step in range(1, steps + 1):
        loss = loss_of_step(model, step)
        for p in params:
            p.grad = 0.0  # forget the step before: gradients would add up
        loss.backward()
        remaining = (steps - step + 1) / steps  # long steps at first, short ones to settle
        adam_step(params, m, v, step, rate * remaining, ADAM_BETA1, ADAM_BETA2)
        show_progress(f"{label}, loss {loss.data:.3f}", step, steps, start)
        del loss  # frees this step's graph before the next one is built
        if after_step:
            after_step(model, step)


# ===== 5. The lesson: preferences without a reward model ==========================================
#
# We want a policy, a model whose words people prefer. Nobody says how good a word is. All there is
# are pairs: of these two words, this one was preferred. Four steps lead from there to a loss.
#
# Step 1: what we would want if each word y had a reward r(y). A high mean reward, at a small
# distance from the reference, the model that we start from:
#
#     maximize over pi:   the mean, over words y of pi, of   r(y) - beta * log(pi(y) / pi_ref(y))
#
# pi(y) is the probability that the policy writes y, and pi_ref(y) that the reference does. The mean
# of log(pi(y) / pi_ref(y)) is called the KL divergence of pi from pi_ref. It is 0 if the two are
# the same, else positive, and is measured in nats. beta is its price: what a nat costs in reward.
# The distance matters because the reference knows what a name looks like, and the reward does not.
# (In the run, the distance also depends on the learning rate: see the end of "Try this".)
#
# For example, if the reference writes two words equally often and the policy one of them always, KL
# is log(1 / 0.5) = 0.69 nats.
#
# Step 2: the policy that achieves it. It is the reference, tilted towards high rewards:
#
#     pi*(y)  =  pi_ref(y) * exp(r(y) / beta) / Z        Z makes the probabilities add up to 1
#
# With two words, equally likely in the reference, of rewards 1 and 0, and beta = 1, the factors are
# e and 1, so pi* is 0.73 and 0.27. With beta = 0.1 it is nearly 1 and 0: if distance is cheap, the
# better word takes all.
#
# To see that nothing is better, solve that line for r:
#
#     r(y)  =  beta * log(pi*(y) / pi_ref(y)) + beta * log(Z)
#
# and put it into what step 1 maximizes. Then pi_ref cancels:
#
#     r(y) - beta * log(pi(y) / pi_ref(y))  =  beta * log(Z) - beta * log(pi(y) / pi*(y))
#
# The mean of the last logarithm over words y of pi is the KL divergence of pi from pi*. It is 0 for
# pi = pi*, else positive. So what step 1 maximizes is largest for pi = pi*. (Why is a KL divergence
# never negative? log(x) is at most x - 1. So the mean of log(pi* / pi) is at most that of pi* / pi
# - 1; and over words of pi, pi* / pi has mean 1, as the probabilities pi* add up to 1.)
#
# Step 3: what a label tells of rewards. In the model of Bradley and Terry, of two words w and l, w
# is preferred with the probability
#
#     p(w over l)  =  sigmoid(r(w) - r(l))
#
# (The labels of section 1 are of this kind, with the reward SCALE * points.) Put r from step 2 in.
# beta * log(Z), a sum over all words that nobody could compute, stands in both rewards and cancels:
#
#     r(w) - r(l)  =  beta * log(pi*(w) / pi_ref(w)) - beta * log(pi*(l) / pi_ref(l))
#
# Step 4: learn pi* from the labels. Put any policy pi in the place of pi*, and the last two lines
# say how likely it makes the labels that we have. We look for the pi that makes them the most
# likely. As with names, that is the one with the smallest mean of -log p:
#
#     L  =  -log sigmoid(beta * log(pi(w) / pi_ref(w)) - beta * log(pi(l) / pi_ref(l)))
#
# No reward is left in it, and nothing is sampled while training. At first the policy is the
# reference, both logarithms are 0, and L is -log sigmoid(0) = log 2 = 0.69. When w has become e
# times likelier than in the reference and l e times less likely, and beta is 0.5, it is
# -log sigmoid(0.5 + 0.5) = 0.31.
#
#     in the paper (arXiv:2305.18290)     here
#     pi_theta, pi_ref                    policy, reference
#     y_w, y_l                            chosen, rejected
#     beta * log(pi / pi_ref)             the implicit reward: reward_chosen, reward_rejected
#     equations 3, 4, 5, 6, 7             steps 1, 2, 2, 3, 4


def softplus(x):
    """log(1 + exp(x)), which is -log sigmoid(-x), of a Value (as one node) or a float."""
    # It is computed as max(x, 0) + log(1 + exp(-|x|)), in which nothing can overflow; log1p(e) is
    # log(1 + e) without the rounding of 1 + e. Its derivative is sigmoid(x).
    number = x.data if isinstance(x, Value) else x
    result = max(number, 0.0) + math.log1p(math.exp(-abs(number)))
    return Value(result, (x,), (sigmoid(number),)) if isinstance(x, Value) else result


def dpo_loss(policy, pair, beta):
    """Step 4 for one pair. What the reference says of its words are floats, computed once."""
    reward_chosen = (log_prob_of_word(policy, pair.chosen_tokens) - pair.ref_chosen) * beta
    reward_rejected = (log_prob_of_word(policy, pair.rejected_tokens) - pair.ref_rejected) * beta
    return softplus(reward_rejected - reward_chosen)  # -log sigmoid(x) = softplus(-x)


# What does a step of training do? The derivatives of L by the two implicit rewards are
#
#     dL/d(reward_chosen)    =  -sigmoid(reward_rejected - reward_chosen)
#     dL/d(reward_rejected)  =  +sigmoid(reward_rejected - reward_chosen)
#
# So the chosen word is pushed up and the rejected one down with the same force, which is largest
# where the implicit rewards are in the wrong order.
#
# Yet the chosen word may become less likely, and that is no accident. The best policy, by step 2,
# has
#
#     log(pi*(y) / pi_ref(y))  =  r(y) / beta - log(Z)
#
# Words whose reward is below beta * log(Z) become less likely, chosen or not. Z is the mean of
# exp(r / beta) over words of the reference, and with a small beta the best words decide it. Say
# three words are equally likely, with the rewards 0, 1 and 2. With beta = 1, Z is (1 + 2.7 + 7.4) /
# 3 = 3.7, log(Z) is 1.3, and only the last one rises. So many a chosen word, which is no more than
# the better of two bad ones, has to fall. L does not mind, as it knows only the difference. (Over
# all words of the reference, the mean of the logarithm is below 0 for any policy but the reference:
# it is minus the KL divergence of the reference from the policy.) In part 2 you will see which
# words rise, beside what they should do.
#
# (The papers named at the top go on from here.)
#
# Three more things are needed for the experiment, to have something to compare with.
#
# The best policy. Step 2 says what it is, and here, as we made the labels, we know the reward. Take
# n words of the reference, and weigh each by exp(r(y) / beta), so that the weights add up to 1:
# weighted means over them are means over words of pi*, and n times its weight is pi*/pi_ref of a
# word. Words of rewards 1 and 0 and beta = 1 have the weights 0.73 and 0.27, as above, in place of
# 1/2 each. This is an estimate, and a rough one for a small beta, where few words carry all the
# weight.
#
# The best of n. Let the reference write n words and keep the one with the most points. That asks
# the taste itself, n times for each word, and needs no training. Its KL divergence from the
# reference is at most log(n) - (n - 1) / n: for n = 4, 0.64 nats.
#
# Fine-tuning (SFT, supervised fine-tuning). Train a copy of the reference on the chosen words, with
# the loss of section 3, as if they were names.


class Scores(NamedTuple):
    """What a rule or a policy thinks of the two words of a pair."""

    chosen: float
    rejected: float


class Spot(NamedTuple):
    """Where a policy stands: how far from the reference, and how good its words are."""

    kl: float  # in nats
    points: float  # the mean over its words


def best_policy(words, beta):
    """The Spot of pi* of step 2, estimated from words of the reference."""
    weights = softmax([SCALE * points(word) / beta for word in words])
    nats = [w * math.log(w * len(words)) for w in weights if w > 0.0]
    mean_points = math.fsum([w * points(word) for w, word in zip(weights, words)])
    return Spot(math.fsum(nats), mean_points)


def best_log_ratios(words, pairs, beta):
    """log(pi* / pi_ref) of both words of each pair, as Scores; log(Z) is estimated from words."""
    rewards = [SCALE * points(word) / beta for word in words]
    largest = max(rewards)  # taken off first, so that no exponent is above 0
    mean_exp = math.fsum([math.exp(reward - largest) for reward in rewards]) / len(rewards)
    log_z = largest + math.log(mean_exp)
    result = []
    for pair in pairs:
        chosen, rejected = [SCALE * points(word) / beta for word in (pair.chosen, pair.rejected)]
        result.append(Scores(chosen - log_z, rejected - log_z))
    return result


def best_of_n(words, n):
    """The Spot of the best of n words by points, estimated from words of the reference."""
    # Say a share F of all words has fewer points than some number, and a share f just so many. The
    # best of n has just so many if all n have so many or fewer, but not all fewer: with the
    # probability (F + f)^n - F^n. For F = 0.5, f = 0.2 and n = 4 that is 0.24 - 0.06 = 0.18.
    counts = collections.Counter([points(word) for word in words])
    n_below = 0
    mean_points = 0.0
    for number in sorted(counts):
        n_so_far = n_below + counts[number]
        p = (n_so_far / len(words)) ** n - (n_below / len(words)) ** n
        mean_points += p * number
        n_below = n_so_far
    return Spot(math.log(n) - (n - 1) / n, mean_points)


# ===== 6. Experiments =============================================================================
#
# The output has four parts, with a function for each: it prints, and returns its claims if it has
# any. A claim is a statement that the run could have refuted; check() marks it as [ok] or [no].
# What is drawn has a random generator of its own, so that a change in one place does not change the
# figures of another. What only plots stands among the tools in section 7.
#
# Figures come with a standard error, written +-: how far off they typically are because only so
# many examples were looked at. Chance alone puts a figure more than two standard errors off about
# once in twenty times. Where a claim says "over 2 x" some figure, that figure is an error.


class Estimate(NamedTuple):
    """A measured figure and its standard error."""

    mean: float
    error: float


def mean_of(values):
    """The mean of a list of floats."""
    return math.fsum(values) / len(values)


def estimate(values):
    """The Estimate of the mean of a list of floats."""
    # The variance is the mean of the squared deviations. (They are divided by n - 1 and not by n:
    # taken from the mean of the same values, they come out a little too small.) The variance of the
    # mean of n values is n times smaller. That another seed also trains another model comes on top,
    # and is not in it.
    n = len(values)
    mean = mean_of(values)
    variance = math.fsum([(value - mean) * (value - mean) for value in values]) / (n - 1)
    return Estimate(mean, math.sqrt(variance / n))


def difference(a, b):
    """By how much the list a is above b on average, item by item: an Estimate."""
    return estimate([x - y for x, y in zip(a, b)])


# ----- Part 1: the pairs --------------------------------------------------------------------------


def train_reference(data, steps, seed):
    """The frozen model that has learned names."""

    def loss_of_step(model, step):
        return word_loss(model, *batch_of(data.train_set, step, 2))

    model = init_model(len(data.vocabulary), random.Random(f"{seed} reference"))
    train("reference", model, loss_of_step, steps, REFERENCE_RATE)
    return freeze(model)


def agreement(scores, pairs):
    """For each pair, the expected share of new labels that a ranking by score gets right."""
    # For each pair we know how likely its label was, so the luck of this one label can be left out.
    # Say "nora" was chosen over "anna", which is the label in 0.92 of all cases: a rule that
    # prefers "nora" counts 0.92, and one that prefers "anna" 0.08. Equal scores count half.
    shares = []
    for score, pair in zip(scores, pairs):
        if score.chosen > score.rejected:
            shares.append(pair.p_label)
        elif score.chosen < score.rejected:
            shares.append(1.0 - pair.p_label)
        else:
            shares.append(0.5)
    return shares


def simple_rules(pairs):
    """{name: Scores of each pair} of rules that know nothing of the labels."""
    return {
        "the shorter word": [Scores(-len(p.chosen), -len(p.rejected)) for p in pairs],
        "the likelier word": [Scores(p.ref_chosen, p.ref_rejected) for p in pairs],
    }


def points_of_pairs(pairs):
    """The Scores of somebody who knows the taste."""
    return [Scores(points(pair.chosen), points(pair.rejected)) for pair in pairs]


def print_pairs(pairs):
    """Some pairs, and how sure their labels were."""
    print("   chosen           rejected          points       p(this label)")
    for pair in pairs:
        words = f"{pair.chosen or '(empty)':16} {pair.rejected or '(empty)':16}"
        print(
            f"   {words} {points(pair.chosen):3} to {points(pair.rejected):3} {pair.p_label:12.2f}"
        )


def what_the_labels_say(reference, data, pairs, test_pairs):
    """Part 1: the reference, some pairs, and how far they can be foreseen."""
    loss = word_loss(reference, *data.held_out)
    uniform = math.log(len(data.vocabulary))
    print("\n1. The pairs\n")
    print(f"   The reference has a loss of {loss:.3f} nats per token on held-out names, where all")
    print(
        f"   tokens alike would have {uniform:.3f}. It wrote {len(pairs)} pairs to learn from, and"
    )
    print(f"   {len(test_pairs)} to test by. Some of these:\n")
    print_pairs(test_pairs[:6])
    print("\n   Who can tell which word is preferred? The expected share of new labels that")
    print("   are guessed right by one who always says\n")
    rules = simple_rules(test_pairs)
    rules["the word with more points"] = points_of_pairs(test_pairs)
    for name, scores in rules.items():
        share = estimate(agreement(scores, test_pairs))
        print(f"   {name:28} {share.mean:.3f} +- {share.error:.3f}")
    print("\n   The last is the most that anybody can have. The rest is noise in the labels.")


# ----- Part 2: what happens to the words of a pair ------------------------------------------------


def log_ratios(frozen, pairs):
    """log(pi / pi_ref) of both words of each pair, as Scores."""
    result = []
    for pair in pairs:
        chosen = log_prob_of_word(frozen, pair.chosen_tokens) - pair.ref_chosen
        rejected = log_prob_of_word(frozen, pair.rejected_tokens) - pair.ref_rejected
        result.append(Scores(chosen, rejected))
    return result


def train_by_dpo(reference, pairs, beta, steps, after_step=None):
    """A policy that has learned from the pairs, frozen."""

    def loss_of_step(policy, step):
        losses = [dpo_loss(policy, pair, beta) for pair in batch_of(pairs, step, BATCH)]
        return vsum(losses) * (1.0 / len(losses))

    policy = thaw(reference)
    train(f"DPO {beta}", policy, loss_of_step, steps, DPO_RATES[beta], after_step)
    return freeze(policy)


def train_and_watch(reference, pairs, watched, beta, steps):
    """The same, and {step: log-ratios of the watched pairs} while it learns."""
    curve = {0: log_ratios(reference, watched)}

    def watch(policy, step):
        if completes_part(step, steps, 12):
            curve[step] = log_ratios(freeze(policy), watched)

    return train_by_dpo(reference, pairs, beta, steps, watch), curve


def where_the_words_go(policies, curve, known, test_pairs):
    """Part 2: what becomes of chosen and rejected words, and how well policies rank new pairs."""
    smallest = min(policies)
    print("\n2. What happens to the words of a pair\n")
    print(f"   While the policy of beta {smallest} learns: the mean of log(pi / pi_ref) over the")
    print("   words of held-out pairs. At 0 a word is as likely as in the reference, at -1")
    print(f"   it is e times less likely. {N_WATCHED} pairs; c: chosen words, r: rejected words.\n")
    draw_curves(curve)
    print(
        f"\n   The same after training, over all {len(test_pairs)} pairs. The chosen words are also"
    )
    print("   taken apart: those that meet the taste, and the others. Then by how much the")
    print("   implicit reward of the chosen word is above that of the rejected one, the")
    print("   margin; and the share of new labels that it ranks right. Below each beta, the")
    print("   best policy:\n")
    print("             rejected   chosen   that meet    others   margin    right")
    ratios = {beta: log_ratios(policy, test_pairs) for beta, policy in policies.items()}
    for beta in policies:
        print(f"   beta {beta}  {row_of_part_2(beta, ratios[beta], test_pairs)}")
        best = best_log_ratios(known, test_pairs, beta)
        print(f"   the best  {row_of_part_2(beta, best, test_pairs)}")
    return claims_of_part_2(smallest, ratios[smallest], test_pairs)


def words_of(pairs):
    """All words of some pairs."""
    return [word for pair in pairs for word in (pair.chosen, pair.rejected)]


def chosen_by_taste(ratios, test_pairs):
    """The mean log-ratio of the chosen words that meet the taste, and of others: two Estimates."""
    meet, others = [], []
    for ratio, pair in zip(ratios, test_pairs):
        if meets_taste(pair.chosen):
            meet.append(ratio.chosen)
        else:
            others.append(ratio.chosen)
    unknown = Estimate(math.nan, math.nan)  # after few steps the reference writes no such words
    return [estimate(some) if len(some) > 1 else unknown for some in (meet, others)]


def row_of_part_2(beta, ratios, test_pairs):
    """A row of the table of part 2."""
    rejected = mean_of([ratio.rejected for ratio in ratios])
    chosen = mean_of([ratio.chosen for ratio in ratios])
    meet, others = chosen_by_taste(ratios, test_pairs)
    agrees = mean_of(agreement(ratios, test_pairs))
    row = f"{rejected:8.2f} {chosen:8.2f} {meet.mean:11.2f} {others.mean:9.2f}"
    return f"{row} {beta * (chosen - rejected):8.2f} {agrees:8.3f}"


def claims_of_part_2(beta, ratios, test_pairs):
    """That the policy has learned the taste; and which chosen words become less likely."""
    ours = agreement(ratios, test_pairs)
    rules = [agreement(scores, test_pairs) for scores in simple_rules(test_pairs).values()]
    lead = difference(ours, max(rules, key=mean_of))
    chosen = estimate([ratio.chosen for ratio in ratios])
    meet, _ = chosen_by_taste(ratios, test_pairs)
    fall = f"beta {beta}: chosen words fall by {-chosen.mean:.2f}, over 2 x {chosen.error:.2f}"
    rise = f"beta {beta}: those that meet the taste rise by {meet.mean:.2f}, over 2 x"
    name = f"beta {beta}: {lead.mean:.3f} more ranked right than by a simple rule"
    return [
        check(lead.mean > 2 * lead.error, f"{name}, over 2 x {lead.error:.3f}"),
        check(chosen.mean < -2 * chosen.error, fall),
        check(meet.mean > 2 * meet.error, f"{rise} {meet.error:.2f}"),
    ]


# ----- Part 3: what a nat buys --------------------------------------------------------------------


class Policy(NamedTuple):
    """A model that writes words."""

    label: str
    mark: str  # in the picture
    beta: float  # of DPO; 0 for the others
    frozen: dict


class Writing(NamedTuple):
    """What a policy writes: N_SAMPLES words."""

    words: list
    points: list  # of each word
    log_ratios: list  # for each word log(pi / pi_ref); their mean is the KL divergence

    def kl(self):
        """The KL divergence of the policy from the reference: an Estimate."""
        return estimate(self.log_ratios)

    def mean_points(self):
        """The mean of points: an Estimate."""
        return estimate(self.points)

    def distance(self):
        """The root of KL. (The estimate of KL may come out a little below 0.)"""
        return math.sqrt(max(0.0, self.kl().mean))


def write(policy, reference, vocabulary, seed):
    """Let a policy write, and measure it."""
    rng = random.Random(f"{seed} {policy.label}")
    words = []
    log_ratios = []
    start = time.perf_counter()
    for i in range(N_SAMPLES):
        word = sample(policy.frozen, vocabulary, 1.0, rng)
        tokens = tokenize_written(word, vocabulary)
        log_pi = log_prob_of_word(policy.frozen, tokens)
        log_ratios.append(log_pi - log_prob_of_word(reference, tokens))
        words.append(word)
        show_progress(f"writing, {policy.label}", i + 1, N_SAMPLES, start)
    return Writing(words, [points(word) for word in words], log_ratios)


def fine_tune(reference, pairs, rate, steps):
    """A copy of the reference that has learned from the chosen words as if they were names."""
    words = [pair.chosen_tokens for pair in pairs]

    def loss_of_step(policy, step):
        return word_loss(policy, *batch_of(words, step, BATCH))

    policy = thaw(reference)
    train(f"SFT {rate}", policy, loss_of_step, steps, rate)
    return freeze(policy)


def neighbours(line, distance):
    """The two Writings of a line, sorted by distance, between which a distance lies."""
    for near, far in zip(line, line[1:]):
        if near.distance() <= distance < far.distance():
            return near, far
    return line[-2], line[-1]


def lead_at_equal_kl(line, other):
    """By how many points a line of Writings is above another one at its KL: an Estimate."""
    # KL grows as the square of a small change, and points as the change itself. So over the root of
    # KL a straight line from one policy to the next is not far off.
    distance = other.distance()
    near, far = neighbours(line, distance)
    length = max(far.distance() - near.distance(), 1e-9)
    t = (distance - near.distance()) / length
    on_line = (1.0 - t) * near.mean_points().mean + t * far.mean_points().mean
    slope = (far.mean_points().mean - near.mean_points().mean) / length
    # Three sets of words were drawn by chance, those of both ends of the line and of the other
    # policy. In each, chance moves the points, and also the distance at which they are compared.
    # Say the line rises by 4 points for 1 of distance, and the distance is 0.5. If KL, 0.25, is off
    # by 0.01, its root is off by 0.01 / (2 * 0.5) = 0.01, and the line there by 0.04 points: 4 for
    # each nat. Both errors come from the same words, so they are taken together, word by word:
    #
    #     points of the word  -  4 * log(pi / pi_ref) of the word
    errors = []
    for writing, weight in ((near, 1.0 - t), (far, t), (other, 1.0)):
        per_nat = slope / (2.0 * writing.distance()) if writing.distance() > 0.0 else 0.0
        of_words = [y - per_nat * x for y, x in zip(writing.points, writing.log_ratios)]
        errors.append(weight * estimate(of_words).error)
    return Estimate(on_line - other.mean_points().mean, math.hypot(*errors))


def what_a_nat_buys(policies, writings, known, pairs):
    """Part 3: points and distance of all policies, beside the best that there could be."""
    print("\n3. What a nat buys\n")
    print(f"   {N_SAMPLES} words of each policy: its KL divergence from the reference, the mean of")
    print("   points, how many words meet the taste, how many are different, their length.")
    print("   SFT is fine-tuning on the chosen words. At the right, the best policy for a")
    print("   beta, estimated from words of the reference.\n")
    print("                                                                      best")
    print("                        KL           points   meet differ length     KL points")
    for policy in policies:
        print(row_of_part_3(policy, writings[policy.label], known))
    for n in (4, 8):
        best = best_of_n(known, n)
        print(f"   best of {n}  < {best.kl:5.3f}          {best.points:8.2f}")
    print("\n   Points over the root of KL. D: DPO, S: SFT, r: reference, b: the best of 2,")
    print("   4, 8 and 16 words by the true taste, with at most this KL, .: the best policy")
    print("   at this distance, by the same estimate.\n")
    draw_plane(policies, writings, known)
    return claims_of_part_3(policies, writings, pairs)


def row_of_part_3(policy, writing, known):
    """A row of the table of part 3."""
    n = len(writing.words)
    meet = sum([meets_taste(word) for word in writing.words]) / n
    length = sum([len(word) for word in writing.words]) / n
    kl, mean_points = writing.kl(), writing.mean_points()
    row = f"   {policy.label:11} {kl.mean:6.3f} +- {kl.error:.3f}"
    row += f" {mean_points.mean:7.2f} +- {mean_points.error:.2f}"
    row += f" {meet:5.0%} {len(set(writing.words)):6} {length:6.2f}"
    if policy.beta:
        best = best_policy(known, policy.beta)
        row += f" {best.kl:6.2f} {best.points:6.2f}"
    return row


def claims_of_part_3(policies, writings, pairs):
    """DPO goes beyond the chosen words; and it has more points than fine-tuning that goes far."""
    smallest = f"DPO {min(BETAS)}"
    learned_from = estimate([points(pair.chosen) for pair in pairs])
    ours = writings[smallest].mean_points()
    beyond = ours.mean - learned_from.mean
    error = math.hypot(ours.error, learned_from.error)
    line = [writings[policy.label] for policy in policies if policy.mark in "rD"]
    line.sort(key=lambda writing: writing.distance())
    print("\n   By how many points the line of DPO is above fine-tuning at equal KL,")
    print("   estimated between two policies:\n")
    leads = {}
    for rate in SFT_RATES:
        leads[rate] = lead_at_equal_kl(line, writings[f"SFT {rate}"])
        print(f"   SFT {rate:<8} {leads[rate].mean:+.2f} +- {leads[rate].error:.2f}")
    lead = leads[max(SFT_RATES)]
    print(f"\n   Fine-tuning copies the chosen words, which have {learned_from.mean:.2f} points")
    print(f"   on average. DPO with beta {min(BETAS)} comes to {ours.mean:.2f}.")
    statement = f"{smallest}: {beyond:.2f} points more than the chosen words, over 2 x {error:.2f}"
    at_kl = (
        f"SFT {max(SFT_RATES)}: DPO leads by {lead.mean:.2f} at its KL, over 2 x {lead.error:.2f}"
    )
    return [check(beyond > 2 * error, statement), check(lead.mean > 2 * lead.error, at_kl)]


# ----- Part 4: words ------------------------------------------------------------------------------


def print_words(policies, writings):
    """Part 4: the first words of each policy."""
    print("\n4. Words (* meets the taste)\n")
    for policy in policies:
        row = f"   {policy.label:11}"
        for word in writings[policy.label].words:
            marked = f" {word or '(empty)'}{'*' if meets_taste(word) else ''}"
            if len(row) + len(marked) > 78:
                break
            row += marked
        print(row)


# ===== 7. Run =====================================================================================


def main(args):
    """The whole experiment, from the names to the claims."""
    data = split_data(random.Random(args.seed))
    steps = max(1, min(TUNING_STEPS, TUNING_STEPS * args.steps // STEPS))
    print(f"{len(data.train_set)} names to learn from, {len(data.held_out)} held out.")
    reference = train_reference(data, args.steps, args.seed)
    rng = random.Random(f"{args.seed} pairs")
    pairs = make_pairs(reference, data.vocabulary, steps * BATCH, rng)
    rng = random.Random(f"{args.seed} test pairs")
    test_pairs = make_pairs(reference, data.vocabulary, N_TEST_PAIRS, rng)
    known = words_of(pairs + test_pairs)
    what_the_labels_say(reference, data, pairs, test_pairs)
    policies, curve = train_policies(reference, pairs, test_pairs, steps)
    by_beta = {policy.beta: policy.frozen for policy in policies if policy.beta}
    claims = where_the_words_go(by_beta, curve, known, test_pairs)
    writings = {}
    for policy in policies:
        writings[policy.label] = write(policy, reference, data.vocabulary, args.seed)
    claims += what_a_nat_buys(policies, writings, known, pairs)
    print_words(policies, writings)
    print_claims(claims, args.steps)


def train_policies(reference, pairs, test_pairs, steps):
    """All Policies, the reference first; and the curve of part 2 of the smallest beta."""
    policies = [Policy("reference", "r", 0.0, reference)]
    for beta in BETAS:
        if beta == min(BETAS):
            watched = test_pairs[:N_WATCHED]
            frozen, curve = train_and_watch(reference, pairs, watched, beta, steps)
        else:
            frozen = train_by_dpo(reference, pairs, beta, steps)
        policies.append(Policy(f"DPO {beta}", "D", beta, frozen))
    for rate in SFT_RATES:
        frozen = fine_tune(reference, pairs, rate, steps)
        policies.append(Policy(f"SFT {rate}", "S", 0.0, frozen))
    return policies, curve


# ----- Try this -----------------------------------------------------------------------------------
#
# What becomes of the policy with beta 0.5: its KL divergence from the reference, the mean of its
# points, and the share of new labels that it ranks right. Means of the seeds 42, 1 and 2, with the
# lowest and the highest of them, first as the file stands, then with one change:
#
#                           KL                    points                right
#   as it stands            1.45 (1.28 to 1.58)   3.42 (3.03 to 3.93)   0.774 (0.752 to 0.806)
# - TUNING_STEPS = 1200     2.26 (1.93 to 2.52)   5.12 (4.91 to 5.32)   0.806 (0.794 to 0.825)
# - SCALE = 4.0             2.33 (1.54 to 3.73)   4.73 (3.50 to 6.38)   0.857 (0.828 to 0.883)
# - no reference            3.10 (2.58 to 3.40)   2.43 (1.47 to 3.20)   0.623 (0.607 to 0.643)
#
# With four times as many pairs and steps it has about the points of the best policy, which are 5.2
# at 1.8 nats, but is farther away; and it ranks nearly as many labels right as the taste itself,
# 0.830. SCALE = 4.0 makes the rewards ten times as large: the better word is nearly always
# preferred, and the taste itself ranks 0.969 right. The last line is dpo_loss() without
# "- pair.ref_chosen" and "- pair.ref_rejected": the policy goes farther from the reference, for
# less. (Its last column is still measured against the reference, which it was not trained to use.)
#
# With DPO_RATES = {2.0: 0.005, 1.0: 0.005, 0.5: 0.005}, the policy of beta 2 has a KL of 0.42 (0.40
# to 0.45) instead of 0.11 (0.08 to 0.12), where the best policy has 0.35. So a beta does not fix
# the distance: how far a policy gets in so few steps is decided by its rate, too.
#
# ----- What came of it ----------------------------------------------------------------------------
#
# Over the seeds 100 to 119, the policy of beta 0.5 ranked 0.767 of new labels right (from 0.713 to
# 0.799), which is 0.159 more than the better simple rule (0.124 to 0.203). The taste itself ranks
# 0.827 right. Chosen words fell by 0.98 on average (0.66 to 1.53), and those of them that meet the
# taste rose by 0.63 (0.36 to 0.94). At the distance of the farther fine-tuning, DPO had 0.91 points
# more (0.44 to 1.50). At that of the other, which has the better rate for its own loss, it had 0.22
# more (-0.09 to 0.53): near the reference, copying good words does nearly as well. But what copies
# the chosen words aims no farther than at them, and DPO went on to 3.33 points (2.11 to 4.11).
#
# It is not the best policy. In a pair the implicit rewards should differ as the true ones do, by
# 2.05 on average, and with beta 0.5 they differed by 1.17. Picking the best of n words by the true
# taste is almost the best there is at each distance: the best of 8 came to 4.08 points (3.70 to
# 4.41) at a smaller distance than beta 0.5. If somebody can mark each word as it is written, that
# is hard to beat.
#
# All this is the best case for DPO: the labels are of just the kind that step 3 assumes, and the
# pairs were written by the reference itself.
#
# Next in this collection: microppo.py, where the reward is learned first, and then climbed.
#
# This is the end of the tutorial. Below are tools, for whoever wants to change something, and the
# names.

# ----- Tools of this script: drawing --------------------------------------------------------------


def draw_curves(curve, width=60, height=13):
    """Plot the mean log-ratio of chosen (c) and rejected (r) words over the steps of training."""
    marks = []
    for step, ratios in curve.items():
        marks.append((step, mean_of([ratio.rejected for ratio in ratios]), "r"))
        marks.append((step, mean_of([ratio.chosen for ratio in ratios]), "c"))
    high = max([0.0] + [y for _, y, _ in marks])
    low = min([-0.01] + [y for _, y, _ in marks])
    last = max(curve)
    canvas = [[" "] * (width + 1) for _ in range(height)]

    def row_of(y):
        return round((high - y) / (high - low) * (height - 1))

    canvas[row_of(0.0)] = ["-"] * (width + 1)
    for step, y, mark in marks:
        canvas[row_of(y)][round(step / last * width)] = mark
    for row, cells in enumerate(canvas):
        y = high - (high - low) * row / (height - 1)
        print(f"   {y:6.2f} {''.join(cells)}".rstrip())
    print(f"          0{'steps':^{width - 6}}{last:6}")


def draw_plane(policies, writings, known, width=60, height=17):
    """Plot points over the root of KL: policies, the best of n, and the best at each distance."""
    marks = []
    for i in range(120):
        best = best_policy(known, 0.5 * min(BETAS) * 1.06**i)
        marks.append((math.sqrt(max(0.0, best.kl)), best.points, "."))
    for n in (2, 4, 8, 16):
        best = best_of_n(known, n)
        marks.append((math.sqrt(max(0.0, best.kl)), best.points, "b"))
    for policy in policies:
        writing = writings[policy.label]
        marks.append((writing.distance(), writing.mean_points().mean, policy.mark))
    right = max([x for x, _, mark in marks if mark != "."])
    marks = [mark for mark in marks if mark[0] <= right]
    high = max([y for _, y, _ in marks])
    low = min([y for _, y, _ in marks])
    canvas = [[" "] * (width + 1) for _ in range(height)]
    for x, y, mark in marks:
        row = round((high - y) / max(high - low, 0.01) * (height - 1))
        canvas[row][round(x / max(right, 0.01) * width)] = mark
    for row, cells in enumerate(canvas):
        y = high - (high - low) * row / (height - 1)
        print(f"   {y:6.2f} |{''.join(cells)}".rstrip())
    print("          +" + "-" * (width + 1))
    print(f"           0{'the root of KL':^{width - 6}}{right:6.2f}")


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


# ===== 8. The names ===============================================================================

# Given names, US Census Bureau, name frequencies of 1990 (public domain)
NAMES = """mary james patricia john linda robert barbara michael elizabeth william jennifer david
maria richard susan charles margaret joseph dorothy thomas lisa christopher nancy daniel karen paul
betty mark helen donald sandra george donna kenneth carol steven ruth edward sharon brian michelle
ronald laura anthony sarah kevin kimberly jason deborah matthew jessica gary shirley timothy cynthia
jose angela larry melissa jeffrey brenda frank amy scott anna eric rebecca stephen virginia andrew
kathleen raymond pamela gregory martha joshua debra jerry amanda dennis stephanie walter carolyn
patrick christine peter marie harold janet douglas catherine henry frances carl ann arthur joyce
ryan diane roger alice joe julie juan heather jack teresa albert doris jonathan gloria justin evelyn
terry jean gerald cheryl keith mildred samuel katherine willie joan ralph ashley lawrence judith
nicholas rose roy janice benjamin kelly bruce nicole brandon judy adam christina harry kathy fred
theresa wayne beverly billy denise steve tammy louis irene jeremy jane aaron lori randy rachel
howard marilyn eugene andrea carlos kathryn russell louise bobby sara victor anne martin jacqueline
ernest wanda phillip bonnie todd julia jesse ruby craig lois alan tina shawn phyllis clarence norma
sean paula philip diana chris annie johnny lillian earl emily jimmy robin antonio peggy danny
crystal bryan gladys tony rita luis dawn mike connie stanley florence leonard tracy nathan edna dale
tiffany manuel carmen rodney rosa curtis cindy norman grace allen wendy marvin victoria vincent
edith glenn kim jeffery sherry travis sylvia jeff josephine chad thelma jacob shannon lee sheila
melvin ethel alfred ellen kyle elaine francis marjorie bradley carrie jesus charlotte herbert monica
frederick esther ray pauline joel emma edwin juanita don anita eddie rhonda ricky hazel troy amber
randall eva barry debbie alexander april bernard leslie mario clara leroy lucille francisco jamie
marcus joanne micheal eleanor theodore valerie clifford danielle miguel megan oscar alicia jay
suzanne jim michele tom gail calvin bertha alex darlene jon veronica ronnie jill bill erin lloyd
geraldine tommy lauren leon cathy derek joann warren lorraine darrell lynn jerome sally floyd regina
leo erica alvin beatrice tim dolores wesley bernice gordon audrey dean yvonne greg annette jorge
june dustin samantha pedro marion derrick dana dan stacy lewis ana zachary renee corey ida herman
vivian maurice roberta vernon holly roberto brittany clyde melanie glen loretta hector yolanda shane
jeanette ricardo laurie sam katie rick kristen lester vanessa brent alma ramon sue charlie elsie
tyler beth gilbert jeanne gene vicki marc carla reginald tara ruben rosemary brett eileen angel
terri nathaniel gertrude rafael lucy tonya edgar ella milton stacey raul wilma ben gina chester
kristin cecil jessie duane natalie franklin agnes andre vera elmer brad charlene gabriel bessie ron
delores mitchell melinda roland pearl arnold arlene harvey maureen jared colleen adrian allison karl
tamara cory joy claude georgia erik constance darryl lillie claudia neil jackie marcia christian
tanya javier nellie fernando minnie clinton marlene ted heidi mathew glenda tyrone lydia darren
viola lonnie courtney lance marian cody stella julio caroline dora kurt jo allan vickie nelson
mattie guy clayton maxine hugh irma max mabel dwayne marsha dwight myrtle armando lena felix christy
jimmie deanna everett patsy jordan hilda ian gwendolyn wallace jennie ken nora bob margie jaime nina
casey cassandra alfredo leah alberto penny dave kay ivan priscilla johnnie naomi sidney carole byron
brandy julian olga isaac billie morris dianne clifton tracey willard leona daryl jenny ross felicia
virgil sonia andy miriam marshall velma salvador becky perry bobbie kirk violet sergio kristina toni
misty seth mae kent shelly terrance daisy rene ramona eduardo sherri terrence erika enrique katrina
freddie claire wade lindsey austin lindsay stuart geneva fredrick guadalupe arturo"""


if __name__ == "__main__":
    run()
