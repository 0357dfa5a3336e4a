"""A language model tuned on which of two words is better, with no reward in between.

Run it: python microdpo.py (40 seconds). A small GPT learns names and is frozen: the reference. It
makes up words in pairs; of each pair the one that suits a hidden taste is preferred, most of the
time. A copy, the policy, is then tuned on the pairs alone by direct preference optimization
(DPO). It prints how often the policy agrees with pairs it has not seen, and how often the noise
allows at best; where the chosen and the rejected words go; and how much of the taste a nat of
distance from the reference buys, beside fine-tuning on the chosen words and beside picking the
best of n. Read microgpt.py first: what both share is explained there.
Papers: DPO arXiv:2305.18290; the labels' noise: Bradley and Terry 1952; why the chosen words may
fall: arXiv:2402.13228, arXiv:2404.12358; the best of n: arXiv:2401.01879.
"""
import argparse, gc, math, operator, os, random, sys, time
STEPS = 1000              # training steps of the reference, a word each; DPO has half as many
LEARNING_RATE = 0.01      # of the reference; falls linearly to ~0
TUNE_RATE = 0.005         # of fine-tuning; DPO divides it by 2 beta (section 6); falls likewise
BETA1, BETA2 = 0.9, 0.99  # memory of Adam: about 10 and 100 steps (not the beta of DPO)
N_EMBD, N_HEAD, BLOCK_SIZE, INIT_STD = 8, 2, 16, 0.08  # half as wide as in microgpt.py
BETAS = (8.0, 2.0, 0.5)   # of DPO: the price, in reward, of a nat of distance from the reference
BETA = 0.5                # the one of these whose training is shown
BATCH = 2                 # pairs (in fine-tuning chosen words) in a step
PENALTY = 5               # taste: what a clash costs, in points (section 1)
SCALE = 0.4               # taste: p(label) = sigmoid(SCALE * difference in points)
N_TEST = 400              # held-out pairs
N_SAMPLES = 1000          # fresh words that a policy is measured on
VOWELS = "aeiouy"         # y too: "lery" takes turns

# ===== 1. Data ====================================================================================
# Given names, US Census Bureau, name frequencies of 1990 (public domain); 5 of 6 to train on
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
freddie claire wade lindsey austin lindsay stuart geneva fredrick guadalupe arturo""".split()

def encode(word, vocab):
    """Number the letters by their index in vocab, and mark start and end by 0, the boundary."""
    return [vocab.index(letter) for letter in f"\n{word}\n"]  # vocab[0] is "\n": it is in no word

def spell(tokens, vocab):
    """The word of these tokens, without the boundaries."""
    return "".join(vocab[token] for token in tokens if token)

# The taste that labels the pairs, and that no model is told: vowels and consonants are to take
# turns. "nora" does so 3 times: 3 points. "anna" has 2 turns and a clash: 2 - 5 = -3. Of the
# reference's neighbours about one in four clashes, so length alone costs a little.
def clashes(word):
    """How many neighbours in a word are of one kind, two vowels or two consonants."""
    return sum((a in VOWELS) == (b in VOWELS) for a, b in zip(word, word[1:]))

def taste(word):
    """The points of a word: neighbours that take turns, less PENALTY for each clash."""
    return max(0, len(word) - 1 - clashes(word)) - PENALTY * clashes(word)

def suits(word):
    """Whether a word meets the taste: 2 letters or more, and not one clash."""
    return len(word) > 1 and not clashes(word)

# ===== 2. Autograd ================================================================================
class Value:
    """A number that remembers what it was computed from, for backward(). See microgpt.py."""
    __slots__ = ("data", "grad", "_prev", "_local_grads")
    def __init__(self, data, children=(), local_grads=()):
        self.data, self.grad = data, 0.0
        self._prev, self._local_grads = children, local_grads
    def __add__(self, other):
        if isinstance(other, Value):
            return Value(self.data + other.data, (self, other), (1.0, 1.0))
        return Value(self.data + other, (self,), (1.0,))
    def __mul__(self, other):
        if isinstance(other, Value):
            return Value(self.data * other.data, (self, other), (other.data, self.data))
        return Value(self.data * other, (self,), (other,))
    def __pow__(self, exponent):
        out = self.data ** exponent  # and x ** 0 is constant: its derivative is 0, at x = 0 too
        if isinstance(out, complex): raise ValueError(f"({self.data}) ** {exponent} is not real")
        return Value(out, (self,), (exponent * self.data ** (exponent - 1) if exponent else 0.0,))
    def __neg__(self): return self * -1.0
    def __sub__(self, other): return self + -other
    def __truediv__(self, other): return self * other ** -1
    __radd__, __rmul__ = __add__, __mul__                     # number + Value, number * Value
    def __rsub__(self, other): return -self + other           # number - Value
    def __rtruediv__(self, other): return self ** -1 * other  # number / Value
    def __repr__(self): return f"Value(data={self.data}, grad={self.grad})"
    def tanh(self): out = math.tanh(self.data); return Value(out, (self,), (1.0 - out * out,))
    def exp(self): out = math.exp(self.data); return Value(out, (self,), (out,))
    def relu(self): return Value(max(self.data, 0.0), (self,), (1.0 if self.data > 0 else 0.0,))
    def log(self):
        clamped = max(self.data, 1e-10)
        return Value(math.log(clamped), (self,), (1.0 / clamped,))

    def _backward(self):
        grad = self.grad
        for child, local_grad in zip(self._prev, self._local_grads):
            child.grad += local_grad * grad

    def backward(self):
        """Add dL/dv to v.grad for each leaf v (a Value without children) that this L depends on."""
        self.grad = 1.0 if self._prev else self.grad + 1.0  # dL/dL
        topo, visited, stack = [], {self}, [(self, iter(self._prev))]
        while stack:
            for child in stack[-1][1]:
                if child._prev and child not in visited:
                    child.grad = 0.0
                    visited.add(child)
                    stack.append((child, iter(child._prev)))
                    break
            else:  # no break: all children are in the list, so now the node itself
                topo.append(stack.pop()[0])
        for node in reversed(topo): node._backward()

# --- AUTOGRAD IN THIS SCRIPT ---
# This Value class follows the canonical interface exactly.
# See docs/autograd-interface.md for the full specification.

def dot(a, b):
    """The dot product of two equally long sequences of Values, as one node."""
    a_data, b_data = [v.data for v in a], [v.data for v in b]
    return Value(math.fsum(map(operator.mul, a_data, b_data)), (*a, *b), (*b_data, *a_data))
def vsum(values):
    """The sum of a sequence of Values, as one node."""
    return Value(math.fsum([v.data for v in values]), (*values,), (1.0,) * len(values))
def linear(x, w):
    """The matrix product w x: the dot product of x with each row of w."""
    return [dot(row, x) for row in w]

def softmax(logits):
    """Turn logits, scores x of any size, into probabilities p_i = exp(x_i) / sum_j exp(x_j)."""
    max_val = max(v.data for v in logits)
    exp_vals = [(v - max_val).exp() for v in logits]
    inverse = vsum(exp_vals) ** -1
    return [e * inverse for e in exp_vals]

def rmsnorm(x):
    """x divided by its root mean square, lest sizes grow or fade on the way (1e-5: x may be 0)."""
    scale = (dot(x, x) / len(x) + 1e-5) ** -0.5
    return [v * scale for v in x]

def log_softmax(xs):
    """log p of each token, from logits that are floats: x_i - log sum_j exp(x_j)."""
    top = max(xs)  # as in softmax; and the sum is at least 1, so its log exists
    log_sum = top + math.log(math.fsum([math.exp(x - top) for x in xs]))
    return [x - log_sum for x in xs]

def log_prob(logits, target):
    """log p(target) as one node: its derivative by logit i is [i is the target] - p_i."""
    # safe_log(softmax(...)) ends at -23. DPO makes small probabilities smaller, and its gradient
    # must not end there: so log and softmax are one function here.
    log_p = log_softmax([v.data for v in logits])
    grads = [-math.exp(a) for a in log_p]
    grads[target] += 1.0
    return Value(log_p[target], (*logits,), (*grads,))

def sigmoid(x):
    """1 / (1 + exp(-x)) of a float; exp(-|x|) is at most 1, so that it cannot overflow."""
    e = math.exp(-abs(x))
    return (1.0 if x >= 0 else e) / (1.0 + e)

def softplus(x):
    """log(1 + exp(x)) = -log sigmoid(-x), as one node; its derivative is sigmoid(x)."""
    # It is max(x, 0) + log(1 + exp(-|x|)), where nothing overflows, and log1p(e) keeps what 1 + e
    # would round away. The log of sigmoid(-x) would be log(0) from x = 746 on.
    value = max(x.data, 0.0) + math.log1p(math.exp(-abs(x.data)))
    return Value(value, (x,), (sigmoid(x.data),))

# ===== 3. Model ===================================================================================
def init_model(vocab_size, rng):
    """Random parameters: {name: matrix}, a matrix being a list of rows of Values."""
    shapes = {"wte": (vocab_size, N_EMBD), "wpe": (BLOCK_SIZE, N_EMBD),
              "wq": (N_EMBD, N_EMBD), "wk": (N_EMBD, N_EMBD), "wv": (N_EMBD, N_EMBD),
              "wo": (N_EMBD, N_EMBD), "fc1": (4 * N_EMBD, N_EMBD), "fc2": (N_EMBD, 4 * N_EMBD),
              "lm_head": (vocab_size, N_EMBD)}
    return {name: [[Value(rng.gauss(0.0, INIT_STD)) for _ in range(columns)] for _ in range(rows)]
            for name, (rows, columns) in shapes.items()}

def parameters(model):
    """All parameters of a model as one list."""
    return [p for matrix in model.values() for row in matrix for p in row]

def freeze(model):
    """A copy of a model in plain floats, which no training can change."""
    return {name: [[p.data for p in row] for row in w] for name, w in model.items()}

def thaw(floats):
    """A copy of a frozen model, in Values, which can be trained."""
    return {name: [[Value(a) for a in row] for row in w] for name, w in floats.items()}

def gpt(model, token, cache):
    """Read one token more; return the logits. The model is microgpt's, and explained there."""
    keys, values = cache
    x = rmsnorm([t + p for t, p in zip(model["wte"][token], model["wpe"][len(keys)])])
    query, found, d = linear(x, model["wq"]), [], N_EMBD // N_HEAD
    keys.append(linear(x, model["wk"]))
    values.append(linear(x, model["wv"]))
    for head in [slice(i, i + d) for i in range(0, N_EMBD, d)]:
        attention = softmax([dot(query[head], key[head]) * d ** -0.5 for key in keys])
        found += [dot(attention, column) for column in zip(*[value[head] for value in values])]
    x = [a + b for a, b in zip(x, linear(found, model["wo"]))]
    hidden = [h.relu() for h in linear(rmsnorm(x), model["fc1"])]
    x = [a + b for a, b in zip(x, linear(hidden, model["fc2"]))]
    return linear(x, model["lm_head"])

def gpt_floats(floats, token, cache):
    """gpt without derivatives, on the floats of freeze(): the same numbers, to the last bit."""
    # Several times as fast, for sampling and measuring. Each line rounds as its twin in gpt does.
    def product(x, w): return [math.fsum(map(operator.mul, row, x)) for row in w]
    def norm(x):
        scale = (product(x, [x])[0] * len(x) ** -1 + 1e-5) ** -0.5
        return [a * scale for a in x]
    keys, values = cache
    x = norm(list(map(operator.add, floats["wte"][token], floats["wpe"][len(keys)])))
    query, found, d = product(x, floats["wq"]), [], N_EMBD // N_HEAD
    keys.append(product(x, floats["wk"]))
    values.append(product(x, floats["wv"]))
    for head in [slice(i, i + d) for i in range(0, N_EMBD, d)]:
        scores = [a * d ** -0.5 for a in product(query[head], [key[head] for key in keys])]
        top = max(scores)
        exp_vals = [math.exp(a - top) for a in scores]
        inverse = math.fsum(exp_vals) ** -1
        attention = [e * inverse for e in exp_vals]
        found += product(attention, zip(*[value[head] for value in values]))
    x = list(map(operator.add, x, product(found, floats["wo"])))
    hidden = [max(a, 0.0) for a in product(norm(x), floats["fc1"])]
    x = list(map(operator.add, x, product(hidden, floats["fc2"])))
    return product(x, floats["lm_head"])

def log_pi(model, tokens):
    """log pi(y) of a whole word y, in nats: the sum of log p over its tokens, its end included."""
    # The sum, not the mean per token: only the sum is the log of a word's probability, which
    # section 5 is about. Without the end, "mar" would stand for all words that begin so.
    cache = [], []
    return vsum([log_prob(gpt(model, a, cache), b) for a, b in zip(tokens, tokens[1:])])

def log_pi_floats(floats, tokens):
    """log_pi of a frozen model, as a float."""
    cache = [], []
    return math.fsum([log_softmax(gpt_floats(floats, a, cache))[b]
                      for a, b in zip(tokens, tokens[1:])])

def sample(floats, rng):
    """A word drawn with its probability pi(y), and log pi(y): (tokens, float)."""
    tokens, log_ps, cache = [0], [], ([], [])
    while len(tokens) <= BLOCK_SIZE and (len(tokens) == 1 or tokens[-1]):
        log_p = log_softmax(gpt_floats(floats, tokens[-1], cache))
        tokens += rng.choices(range(len(log_p)), [math.exp(a) for a in log_p])
        log_ps.append(log_p[tokens[-1]])
    return tokens, math.fsum(log_ps)

# ===== 4. Training ================================================================================
def adam_step(params, m, v, step, lr=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
    """Move params downhill. m, v: lists of 0.0 at first, updated in place; step counts from 1."""
    m_share, v_share = 1.0 - beta1 ** step, 1.0 - beta2 ** step
    for i, p in enumerate(params):
        m[i] = m_i = beta1 * m[i] + (1.0 - beta1) * p.grad
        v[i] = v_i = beta2 * v[i] + (1.0 - beta2) * p.grad * p.grad
        p.data -= lr * (m_i / m_share) / ((v_i / v_share) ** 0.5 + eps)

def progress(phase, step, steps, loss, start):
    """Report on stderr: a line that rewrites itself on a terminal, elsewhere a line each tenth."""
    terminal, passed = sys.stderr.isatty(), time.perf_counter() - start
    if terminal or step * 10 % steps < 10:
        print(f"{phase} {step}/{steps}  loss {loss:.3f}  {passed:.0f} s, "
              f"{passed / step * (steps - step):.0f} s left".ljust(58), file=sys.stderr,
              end="\r" if terminal and step < steps else "\n", flush=True)

def word_loss(model, tokens):
    """Cross-entropy: a word's mean of -log p(the token that came), in nats per token."""
    return log_pi(model, tokens) * (-1.0 / (len(tokens) - 1))

def train(phase, model, loss_of, batches, rate, watch=None):
    """A step of Adam for each batch, on the mean of loss_of(model, *example); return the losses."""
    params, steps, start = parameters(model), len(batches), time.perf_counter()
    m, v, losses = [0.0] * len(params), [0.0] * len(params), []
    for step, batch in enumerate(batches, 1):
        if watch: watch(step - 1)
        loss = vsum([loss_of(model, *example) for example in batch]) * (1.0 / len(batch))
        for p in params: p.grad = 0.0
        loss.backward()
        adam_step(params, m, v, step, rate * (steps - step + 1) / steps, BETA1, BETA2)
        losses.append(loss.data)
        progress(phase, step, steps, loss.data, start)
        del loss
    if watch: watch(steps)
    return losses

# ===== 5. The lesson: preferences without a reward model ==========================================
# The reward problem: words y of a high reward r(y), not far from the reference. pi(y) is the
# policy's probability of y, E the mean over its words, KL the mean of log(pi(y) / pi_ref(y)) over
# them: never below 0, as log u <= u - 1 and pi_ref / pi has mean 1. Beta is the price of a nat.
#     maximize over pi:   E r(y) - beta KL(pi || pi_ref)                                     (eq. 3)
# The best pi (in the paper: for a prompt x), where Z, a sum over all words, makes it sum to 1, is
#                         pi*(y) = pi_ref(y) exp(r(y) / beta) / Z                            (eq. 4)
# for with r from eq. 5, which is eq. 4 solved for it, eq. 3 is beta log Z - beta KL(pi || pi*):
#                         r(y) = beta log(pi*(y) / pi_ref(y)) + beta log Z                   (eq. 5)
# A label says: y_w was chosen over y_l, with probability sigmoid(r(y_w) - r(y_l)) in the model of
# Bradley and Terry, where beta log Z cancels. So pi, put for pi*, learns from labels directly:
#     L = -log sigmoid(beta log(pi(y_w) / pi_ref(y_w)) - beta log(pi(y_l) / pi_ref(y_l)))    (eq. 7)
# Over words of the reference, and so over those of the pairs, the mean of log(pi / pi_ref) is
# -KL(pi_ref || pi), below 0: the average word of a pair must lose. Chosen ones may lose too, as
# many of them are only the better of two bad words, and L knows only the difference.

def dpo_loss(policy, chosen, rejected, ref_chosen, ref_rejected, beta):
    """Equation 7. ref_chosen and ref_rejected are log pi_ref, floats that were computed once."""
    moved_chosen = log_pi(policy, chosen) - ref_chosen
    moved_rejected = log_pi(policy, rejected) - ref_rejected
    return softplus((moved_chosen - moved_rejected) * -beta)

def make_pairs(reference, vocab, n, rng):
    """n pairs drawn from the reference: (chosen, rejected, log pi_ref of each, p)."""
    # p is the probability that the label comes out as it did: below 1/2, the noise has won.
    pairs = []
    while len(pairs) < n:
        (a, log_a), (b, log_b) = sample(reference, rng), sample(reference, rng)
        p = sigmoid(SCALE * (taste(spell(a, vocab)) - taste(spell(b, vocab))))
        if rng.random() < p: pairs.append((a, b, log_a, log_b, p))
        else: pairs.append((b, a, log_b, log_a, 1.0 - p))
    return pairs

def mean(values):
    """The mean of numbers, 0 if there are none."""
    return math.fsum(values := list(values)) / max(1, len(values))

def agreement(scores, pairs):
    """How often scores (of chosen, of rejected) agree with the labels, and with fresh ones."""
    # Fresh labels for the same words would agree with probability p or 1 - p: the luck is averaged
    # out. Nobody does better than to side with the larger of the two each time: the ceiling.
    signs = [(a > b) - (a < b) for a, b in scores]  # 0, for equal scores, counts as half
    return mean(0.5 + 0.5 * sign for sign in signs), mean(
        0.5 + sign * (p - 0.5) for sign, (*_, p) in zip(signs, pairs))

def log_ratios(floats, pairs):
    """log(pi / pi_ref) of (chosen, rejected) for each pair."""
    return [(log_pi_floats(floats, chosen) - a, log_pi_floats(floats, rejected) - b)
            for chosen, rejected, a, b, _ in pairs]

def measure(floats, reference, pairs, vocab, n, rng):
    """Figures {name: figure} of a policy: n fresh words, and how it ranks held-out pairs."""
    drawn = [sample(floats, rng) for _ in range(n)]
    words = [spell(tokens, vocab) for tokens, _ in drawn]
    moved = [log_p - log_pi_floats(reference, tokens) for tokens, log_p in drawn]
    kl, ratios = mean(moved), log_ratios(floats, pairs)
    labels, fresh = agreement(ratios, pairs)
    good, bad = [mean(a for (a, _), (chosen, *_) in zip(ratios, pairs)
                      if suits(spell(chosen, vocab)) == kind) for kind in (True, False)]
    points = [*map(taste, words)]
    return {"words": words, "share": mean(map(suits, words)), "points": mean(points),
            "se": (mean((y - mean(points)) * (y - mean(points)) for y in points) / n) ** 0.5,
            "kl": kl, "error": (mean((a - kl) * (a - kl) for a in moved) / n) ** 0.5,
            "distinct": len(set(words)), "length": mean(map(len, words)), "labels": labels,
            "fresh": fresh, "chosen": mean(a for a, _ in ratios), "good": good, "bad": bad,
            "rejected": mean(b for _, b in ratios)}

def optimum(words, beta):
    """Equation 4 for the true reward, SCALE taste(y): its (KL, mean points, share that suits)."""
    # Words of the reference, weighed by exp(r / beta), stand for words of the optimum. No policy
    # has more points at its KL. (With a small beta few words carry all the weight: it is rough.)
    rewards = [SCALE * taste(word) / beta for word in words]
    shares = list(zip(map(math.exp, log_softmax(rewards)), words))
    return (math.fsum(p * math.log(p * len(words)) for p, _ in shares if p),
            math.fsum(p * taste(word) for p, word in shares),
            math.fsum(p for p, word in shares if suits(word)))

def best_of(words, n):
    """The best of n by taste: (KL, mean points); KL: mean log(n F^(n-1)), F the share below y."""
    # The k-th of N points in order is the best of n with probability (k / N)^n - ((k - 1) / N)^n.
    points, size = sorted(map(taste, words)), len(words)
    return math.log(n) - (n - 1) / n, math.fsum(
        y * (((k + 1) / size) ** n - (k / size) ** n) for k, y in enumerate(points))

def interpolate(points, x):
    """y at x, on straight lines between points (x, y) sorted by x."""
    for (x0, y0), (x1, y1) in zip(points, points[1:]):
        if x <= x1: return y0 + (y1 - y0) * max(0.0, x - x0) / max(x1 - x0, 1e-9)
    return points[-1][1]

def draw_plane(points, height, low, high, right):
    """Plot points (x, y, mark), x from 0 to right and y from low to high; later ones on top."""
    canvas = [[" "] * 61 for _ in range(height + 1)]
    for x, y, mark in points:
        row = round((high - y) / (high - low) * height)
        canvas[min(max(row, 0), height)][min(round(x / right * 60), 60)] = mark
    for i, line in enumerate(canvas):
        print(f"   {high - (high - low) * i / height:5.2f} |{''.join(line)}".rstrip())

# ===== 6. Run =====================================================================================
def run(main, doc, **more):
    """Parse the options, those in more ({name: type}) too, and call main with them."""
    sys.stdout, sys.stderr = [s or open(os.devnull, "w") for s in (sys.stdout, sys.stderr)]
    getattr(sys.stdout, "reconfigure", dict)(line_buffering=True, errors="backslashreplace")
    parser = argparse.ArgumentParser(description=doc)
    parser.error = lambda s: parser.exit(2, f"{parser.prog}: {' '.join(s.split())}; see --help\n")
    parser.add_argument("--steps", type=int, default=STEPS, help="training steps, 1 or more")
    parser.add_argument("--seed", type=int, default=42, help="where all randomness starts")
    for name, kind in more.items(): parser.add_argument(f"--{name}", type=kind, help=kind.__doc__)
    args, start = parser.parse_args(), time.perf_counter()
    if not 0 < args.steps <= 1e9: parser.error(f"argument --steps: {args.steps} is not 1 to 1e9")
    try:
        main(args)
        print(f"{time.perf_counter() - start:.1f} s in all", file=sys.stderr)
    except KeyboardInterrupt: os._exit(130)  # Ctrl-C
    except OSError: os._exit(1)  # nobody reads stdout any more, as in | head

def main(args):
    if sys.implementation.name == "cpython": gc.disable()  # graphs have no cycles to look for
    rng, words, size = random.Random(args.seed), list(NAMES), min(1.0, args.steps / STEPS)
    rng.shuffle(words)
    n_held_out, vocab = len(words) // 6, "\n" + "".join(sorted(set("".join(words))))
    docs = [encode(word, vocab) for word in words[n_held_out:]]
    held_out = [encode(word, vocab) for word in words[:n_held_out]]
    n_test, n_samples = max(12, int(size * N_TEST)), max(10, int(size * N_SAMPLES))
    steps = max(1, args.steps // 2)
    print(f"{len(docs)} names to train on, {len(held_out)} held out\n\n"
          "1. The reference: a GPT that has learned names, and is frozen from here on\n")
    model = init_model(len(vocab), rng)
    train("reference", model, word_loss,
          [[(docs[step % len(docs)],)] for step in range(args.steps)], LEARNING_RATE)
    reference = freeze(model)
    loss = (-math.fsum(log_pi_floats(reference, tokens) for tokens in held_out)
            / sum(len(tokens) - 1 for tokens in held_out))
    print(f"   {len(parameters(model))} parameters; {loss:.3f} nats per token on held-out names "
          f"(uniform: {math.log(len(vocab)):.3f})")
    print("\n2. The pairs: two words of the reference; which is preferred is partly chance\n")
    pairs = make_pairs(reference, vocab, steps * BATCH, rng)
    tests = make_pairs(reference, vocab, n_test, rng)
    drawn = [[spell(tokens, vocab) for tokens in pair[:2]] for pair in tests]
    points = [(taste(chosen), taste(rejected)) for chosen, rejected in drawn]
    print("   chosen           rejected          points    p(this label)")
    for (a, b), (x, y), pair in list(zip(drawn, points, tests))[:6]:
        print(f"   {a or '-':16} {b or '-':16} {x:3} : {y:3}     {pair[-1]:.2f}")
    print(f"\n   {len(pairs)} pairs to train on, {n_test} held out. How often a rule agrees with\n"
          "   their labels, and would with fresh ones for the same words:\n\n   labels  fresh")
    ceiling = mean(max(p, 1.0 - p) for *_, p in tests)
    for name, scores in (("shorter", [(-len(a), -len(b)) for a, b in drawn]),
                         ("likelier in the reference", [pair[2:4] for pair in tests]),
                         ("more points; its share of fresh labels is the ceiling", points)):
        print("    {:.3f}  {:.3f}  {}".format(*agreement(scores, tests), name))
    print(f"\n3. DPO, {steps} steps of {BATCH} pairs, each pair once: mean log(pi / pi_ref), in\n"
          f"   nats, of {n_test // 4} held-out pairs over training with beta {BETA}. c: chosen,\n"
          "   r: rejected, -: 0\n")
    def judged(floats): return measure(floats, reference, tests, vocab, n_samples, rng)
    def watch(step):
        if step == steps or step % max(1, steps // 12) == 0:
            ratios = log_ratios(freeze(policy), tests[:n_test // 4])
            curve.extend((step, mean(pair[i] for pair in ratios), "cr"[i]) for i in (1, 0))
    runs, curve, first = {"reference": judged(reference)}, [], []
    for beta in BETAS:
        policy, examples = thaw(reference), [(*pair[:4], beta) for pair in pairs]
        batches = [examples[i:i + BATCH] for i in range(0, len(pairs), BATCH)]
        # Adam cancels beta in the gradient, but the optimum is nearer as beta grows: smaller steps.
        first += train(f"DPO {beta}", policy, dpo_loss, batches, TUNE_RATE * 0.5 / beta,
                       watch if beta == BETA else None)[:1]
        runs[f"DPO {beta}"] = judged(freeze(policy))
    tuned, values = runs[f"DPO {BETA}"], [y for _, y, _ in curve] + [0.0]
    draw_plane([*((steps * i / 60, 0.0, "-") for i in range(61)), *curve],
         12, min(values), max(values), steps)
    print(f"         0{'steps':>30}{steps:30}\n\n"
          "         mean log(pi / pi_ref), all held-out pairs   r_w - r_l    agreement\n"
          "   beta  rejected  chosen  (of these: suit  not)   by eq. 5    labels  fresh")
    for beta in BETAS:
        f = runs[f"DPO {beta}"]
        print("   {:4}  {rejected:8.2f}  {chosen:6.2f}  {good:+14.2f} {bad:+5.2f} {:8.2f}       "
              "{labels:.3f}  {fresh:.3f}".format(beta, beta * (f["chosen"] - f["rejected"]), **f))
    print(f"   the true reward {SCALE * mean(x - y for x, y in points):37.2f}       "
          "{:.3f}  {:.3f}".format(*agreement(points, tests)))
    print(f"\n4. What a nat buys: {n_samples} fresh words of each policy. SFT: fine-tuning on the\n"
          f"   chosen words, {steps} steps of {BATCH}; +- standard error; right: eq. 4 for beta\n")
    policy = thaw(reference)
    train("SFT", policy, word_loss, [[(pair[0],) for pair in pairs[i:i + BATCH]]
                                     for i in range(0, len(pairs), BATCH)], TUNE_RATE)
    runs["SFT"] = sft = judged(freeze(policy))
    known = [spell(tokens, vocab) for pair in pairs + tests for tokens in pair[:2]]
    best = {f"DPO {beta}": optimum(known, beta) for beta in BETAS}
    print("             meets         mean              dis-  mean     eq. 4:\n"
          "             taste       points           KL tinct length   meets points    KL")
    for name, f in runs.items():
        print("   {:9} {share:6.1%} {points:6.2f} +-{se:.2f} {kl:6.3f} +-{error:.2f} {distinct:4} "
              "{length:5.2f}".format(name, **f), end="")
        print("  {2:6.1%} {1:6.2f} {0:6.3f}".format(*best[name]) if name in best else "")
    limit = [optimum(known, BETAS[-1] * 1.05 ** i)[:2] for i in range(120)]
    marks = [(kl, y, ".") for kl, y in limit] + [(*best_of(known, n), "b") for n in (2, 4, 8, 16)]
    marks += [(max(0.0, f["kl"]), f["points"], name[0]) for name, f in runs.items()]
    right = max(kl for kl, *_ in marks) ** 0.5
    print("\n   Mean points over the root of KL. r: reference, D: DPO, S: SFT, b: best of 2,\n"
          "   4, 8, 16 by the true taste (KL at most this), .: eq. 4, the most there is\n")
    draw_plane([(kl ** 0.5, *rest) for kl, *rest in marks], 16, runs["reference"]["points"],
         max(y for _, y, _ in marks), right)
    print(f"         0{right:60.2f}")
    print("\n5. Words, before and after (- is the empty word)\n")
    for name, f in runs.items():
        print(f"   {name:9} {' '.join(w or '-' for w in f['words'][:15])}"[:80].rsplit(" ", 1)[0])
    way, kls = (tuned["fresh"] - 0.5) / (ceiling - 0.5), [runs[f"DPO {b}"]["kl"] for b in BETAS]
    rise = 100 * (tuned["share"] - runs["reference"]["share"])
    same = all(log_pi_floats(reference, pair[i]) == pair[2 + i] for pair in tests for i in (0, 1))
    # DPO at SFT's KL, on the line from run to run over its root: KL grows as a change squared.
    path = sorted((max(0.0, f["kl"]) ** 0.5, f["points"]) for f in runs.values() if f is not sft)
    dpo, error = interpolate(path, max(0.0, sft["kl"]) ** 0.5), 2.0 ** 0.5 * sft["se"]
    print("\nclaims")
    for ok, claim in (
            (set(first) == {math.log(2)}, f"loss at step 0, each beta: ln 2 exactly: {first[0]!r}"),
            (same, f"after all training, log pi_ref of {2 * n_test} words is the same to the bit"),
            (way >= 0.8, f"beta {BETA}: held-out agreement {tuned['fresh']:.3f}, {way:.2f} >= 0.80 "
                         f"of the way 0.5 to {ceiling:.3f}"),
            (rise >= 25, f"beta {BETA}: {rise:.0f} >= 25 more of 100 words meet the taste"),
            (kls == sorted(set(kls)), "a smaller beta, with its larger rate, a larger KL: "
                                      f"{' < '.join(f'{kl:.3f}' for kl in kls)}"),
            (dpo - sft["points"] > 2 * error, f"at SFT's KL, {sft['kl']:.3f}, DPO's line has "
             f"{dpo:.2f} points, SFT {sft['points']:.2f}: > 2 x {error:.2f}")):
        print(f"[{'ok' if ok else 'no'}] {claim}")

# Try this, one line at a time (seed 42; KL, agreement: beta 8 0.009, 0.764; beta 0.5 1.778, 0.765):
# - TUNE_RATE for all beta: KL 0.311 < 0.610 < 1.762, where eq. 4 has 0.028 for beta 8.
# - the return of dpo_loss with log_pi alone, no reference: beta 0.5 has KL 4.476, agreement 0.630.
# - BETA, and its place in BETAS, 0.1: KL 25.750, words of 15.6 letters such as bitorapiryjolaga.
if __name__ == "__main__": run(main, __doc__)
