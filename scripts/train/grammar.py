"""A small text grammar: rules, bindings that stay consistent within a document, articles and plurals.

Template syntax
    (a|b|c)      one of the alternatives (may be nested; an empty alternative is allowed)
    {rule}       a random item of the rule, expanded; an item is not repeated within a document if avoidable
    {key=rule}   the same, and remembers the text as `key`
    {key}        the remembered text; `{key.s}` and `{rule.s}` give the plural
    %a, a        "a" or "an", whichever suits the next word
Sentences are capitalised by `tidy`.
"""

import re

ALTERNATIVES = re.compile(r"\(([^()]*\|[^()]*)\)")
SLOT = re.compile(r"\{(?:(\w+)=)?(\w+)(\.s)?\}")
ARTICLE = re.compile(r"(%a|\ba|(?:^|(?<=[.!?] ))A) ([A-Za-z0-9]+)")
SENTENCE_START = re.compile(r"(^|[.!?] |\n)([a-z])")
IRREGULAR = {
    "loaf": "loaves",
    "leaf": "leaves",
    "knife": "knives",
    "shelf": "shelves",
    "scarf": "scarves",
    "man": "men",
    "woman": "women",
    "child": "children",
    "goose": "geese",
    "mouse": "mice",
    "sheep": "sheep",
    "fish": "fish",
    "tomato": "tomatoes",
    "potato": "potatoes",
    "foot": "feet",
    "calf": "calves",
}
AN_EXCEPTIONS = ("hour", "honest", "heir")
A_EXCEPTIONS = ("one", "uni", "use", "eu", "usual")
AN_NUMBERS = re.compile(r"(8|11|18)(\D|$)|8\d")


def words(text):
    """Split a comma-separated list."""
    return [w.strip() for w in text.replace("\n", " ").split(",") if w.strip()]


def lines(text):
    """Split a block into its non-empty lines."""
    return [line.strip() for line in text.splitlines() if line.strip()]


def plural(noun):
    """Return the plural of a noun (its last word is inflected)."""
    head, space, last = noun.rpartition(" ")
    if last in IRREGULAR:
        return head + space + IRREGULAR[last]
    if re.search(r"(s|x|z|ch|sh)$", last):
        return noun + "es"
    if re.search(r"[^aeiou]y$", last):
        return noun[:-1] + "ies"
    return noun + "s"


def article(word):
    """Return "a" or "an" for the word that follows."""
    low = word.lower()
    if low[0].isdigit():
        return "an" if AN_NUMBERS.match(low) else "a"
    if low.startswith(AN_EXCEPTIONS):
        return "an"
    if low.startswith(A_EXCEPTIONS):
        return "a"
    return "an" if low[0] in "aeiou" else "a"


def tidy(text):
    """Resolve articles, squeeze spaces and capitalise sentence starts."""
    text = ARTICLE.sub(lambda m: f"{article(m[2])} {m[2]}", text)
    text = re.sub(r" +", " ", text)
    text = re.sub(r" ([.,;:?!])", r"\1", text)
    return SENTENCE_START.sub(lambda m: m[1] + m[2].upper(), text.strip())


class Expander:
    """Expands templates for one document: bindings and already used items live as long as the object."""

    def __init__(self, rng, rules, bound=None):
        self.rng = rng
        self.rules = rules
        self.bound = dict(bound or {})
        self.used = {}

    def choose(self, rule):
        """Pick an item of a rule, avoiding those used before in this document."""
        items = self.rules[rule]
        used = self.used.setdefault(rule, set())
        if len(used) == len(items):
            used.clear()
        while True:
            index = self.rng.randrange(len(items))
            if index not in used:
                used.add(index)
                return items[index]

    def slot(self, match):
        """Expand one `{...}`."""
        key, name, mark = match.groups()
        value = self.bound.get(name) if key is None else None
        if callable(value):
            value = value()
        if value is None:
            value = self.expand(self.choose(name))
        if key:
            self.bound[key] = value
        return plural(value) if mark else value

    def expand(self, template):
        """Expand alternatives, then slots from left to right."""
        while True:
            template, count = ALTERNATIVES.subn(lambda m: self.rng.choice(m[1].split("|")), template)
            if count == 0:
                break
        return SLOT.sub(self.slot, template)
