"""Rewrites C++ of our style so that every mutant is compiled in and one is picked at run time.

An expression E with the mutants E1, E2 becomes (medius_mutant(1) ? (E1) : medius_mutant(2) ? (E2) : (E)), a
statement S that may be dropped becomes { if (!medius_mutant(3)) S }. Constants become functions, so that
the picked mutant reaches them, too. Whatever the little parser does not know stays as it is.
"""

import re

TOKEN = re.compile(
    r'\s+|//[^\n]*|/\*.*?\*/|(?:u8|L)?"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'|'
    r"\d[\w.']*(?:(?<=[eE])[+-]\d+)?|[A-Za-z_]\w*|::|->|\+\+|--|<=>|<<=|>>=|<<|<=|>=|==|!=|&&|\|\||"
    r"[-+*/%&|^]=|.", re.DOTALL)

FLIPS = {"<": ("<=", ">="), "<=": ("<", ">"), ">": (">=", "<="), ">=": (">", "<"), "==": ("!=",),
         "!=": ("==",), "&&": ("||",), "||": ("&&",), "+": ("-",), "-": ("+",), "*": ("/",),
         "/": ("*",), "%": ("+",)}
NAMES = {"<": "comparison", "<=": "comparison", ">": "comparison", ">=": "comparison",
         "==": "comparison", "!=": "comparison", "&&": "logic", "||": "logic"}
CALLS = {"at_most": ("at_least",), "at_least": ("at_most",), "clamped": ("medius_first",),
         "smaller": ("at_least",), "larger": ("medius_smaller",), "is_finite": ("medius_always",),
         "within": ("medius_always",), "absolute": ("medius_as_it_is",), "bound": ("medius_as_it_is",),
         "finite_or_zero": ("medius_as_it_is",)}
STD_CALLS = {"min": "max", "max": "min"}
SWAPS = {"felt_rise_per_s": "felt_fall_per_s", "felt_fall_per_s": "felt_rise_per_s",
         "freeze_age_ns": "unload_age_ns", "unload_age_ns": "freeze_age_ns",
         "kFastUnloadOverFall": "kEngageOverRise", "kEngageOverRise": "kFastUnloadOverFall",
         "governor_speed": "overspeed_trip", "overspeed_trip": "governor_speed",
         "kMissedFreeze": "kMissedUnload"}
REACTIONS = {"kFreezeIncreases": "kNone", "kSoftUnload": "kFreezeIncreases", "kFastUnload": "kSoftUnload",
             "kTorqueOff": "kFastUnload"}
OPEN, CLOSE = {"(": ")", "[": "]", "{": "}"}, {")": "(", "]": "[", "}": "{"}
ASSIGN = {"=", "+=", "-=", "*=", "/=", "|=", "&=", "^="}
OPPOSITE = {"+=": "-=", "-=": "+=", "*=": "/=", "/=": "*=", "|=": "&="}


class Mutant:
    def __init__(self, number, file, line, function, operator, change):
        self.number, self.file, self.line = number, file, line
        self.function, self.operator, self.change = function, operator, change
        self.key = ""

    def __str__(self):
        return f"{self.number:5d} {self.file}:{self.line} {self.key.split(' | ', 1)[1]}"


class Rewriter:
    def __init__(self, path, text, first_number, functions=None):
        self.path, self.functions = path, functions
        self.mutants, self.number = [], first_number
        self.macros = []
        self.all = [m.group(0) for m in TOKEN.finditer(text)]
        self.lines, line = [], 1
        for token in self.all:
            self.lines.append(line)
            line += token.count("\n")
        # Positions of what is code; preprocessor lines are blanked out of the parser's sight.
        self.code, at_line_start, directive = [], True, False
        for i, token in enumerate(self.all):
            if token.isspace():
                if "\n" in token:
                    at_line_start, directive = True, False
                continue
            if token.startswith(("//", "/*")):
                continue
            if token == "#" and at_line_start:
                directive = True
            at_line_start = False
            if not directive:
                self.code.append(i)
        self.tok = [self.all[i] for i in self.code]
        self.before, self.after = {}, {}  # text to put around token k
        self.replace = {}
        self.function, self.in_class = "", False

    # ---- helpers over code tokens ------------------------------------------------------------
    def match(self, k):
        depth = 0
        while k < len(self.tok):
            if self.tok[k] in OPEN:
                depth += 1
            elif self.tok[k] in CLOSE:
                depth -= 1
                if depth == 0:
                    return k
            k += 1
        return len(self.tok) - 1

    def until(self, k, stops, end):
        """First position from k on, at this depth, whose token is one of stops."""
        while k < end and self.tok[k] not in stops:
            k = self.match(k) + 1 if self.tok[k] in OPEN else k + 1
        return k

    def text(self, begin, end, swap=None):
        """Tokens begin..end as written, with swap = {position: text}."""
        out = []
        for k in range(begin, end):
            if k > begin:
                gap = self.all[self.code[k - 1] + 1:self.code[k]]
                out.append(" " if any(t.isspace() or t.startswith("/") for t in gap) else "")
            out.append(swap[k] if swap and k in swap else self.tok[k])
        return "".join(out)

    def spaced(self, k):
        return (k > 0 and self.code[k] - self.code[k - 1] > 1
                and k + 1 < len(self.code) and self.code[k + 1] - self.code[k] > 1)

    def add(self, k, operator, change):
        self.mutants.append(Mutant(self.number, self.path, self.lines[self.code[k]], self.function,
                                   operator, change))
        self.number += 1
        return self.number - 1

    # ---- mutants of an expression ------------------------------------------------------------
    def alternatives(self, begin, end, condition):
        """(position, operator, {position: new text}) of every mutant of tokens begin..end."""
        found = []
        # A sum of texts has no difference.
        texts = any(t.startswith('"') or t == "take" for t in self.tok[begin:end])
        for k in range(begin, end):
            token, prev = self.tok[k], self.tok[k - 1] if k else ""
            following = self.tok[k + 1] if k + 1 < len(self.tok) else ""
            if token == "+" and texts:
                continue
            if token in FLIPS and self.spaced(k):
                for new in FLIPS[token]:
                    found.append((k, NAMES.get(token, "arithmetic"), {k: new}))
            elif token == "-" and re.match(r"[\w(]", following):
                found.append((k, "sign", {k: " "}))
            elif token == "!":
                found.append((k, "negation", {k: "!!"}))  # still of type bool
            elif token in CALLS and following == "(" and prev not in (".", "->"):
                for new in CALLS[token]:
                    found.append((k, "helper", {k: new}))
            elif token in STD_CALLS and prev == "::" and following == "(":
                found.append((k, "helper", {k: STD_CALLS[token]}))
            elif token in ("true", "false"):
                found.append((k, "constant", {k: "false" if token == "true" else "true"}))
            elif token in SWAPS and following != "(":
                found.append((k, "limit swapped", {k: SWAPS[token]}))
            elif token in REACTIONS and self.tok[k - 2:k] == ["Reaction", "::"]:
                found.append((k, "reaction", {k: REACTIONS[token]}))
            elif re.match(r"\d", token) and prev not in ("<", "["):
                for new in self.numbers(token):
                    found.append((k, "constant", {k: new}))
        operators = [f for f in found if f[1] in ("comparison", "logic", "negation")]
        # Negating a lone comparison is its flip again.
        if condition and len({f[0] for f in operators}) != 1:
            found.append((begin, "condition negated",
                          {begin: "!(" + self.tok[begin], end - 1: self.tok[end - 1] + ")"}
                          if end - begin > 1 else {begin: f"!({self.tok[begin]})"}))
        return found

    @staticmethod
    def numbers(token):
        if token.startswith("0x") or "u" in token.lower() and "." not in token:
            return []
        plain = token.replace("'", "")
        try:
            value = float(plain)
        except ValueError:
            return []
        if "." in plain or "e" in plain:
            if value == 0.0:
                return ["1.0"]
            return [repr(value * 1.1), repr(value * 0.9), "0.0"]
        if value == 0:
            return ["1"]
        return [str(int(value) + 1), str(int(value) - 1)] + (["0"] if value > 1 else [])

    def has_statements(self, begin, end):
        return any(self.tok[k] == "{" and ";" in self.tok[k:self.match(k)] for k in range(begin, end))

    def expression(self, begin, end, condition=False):
        """Puts the mutants of tokens begin..end around them."""
        if begin >= end or not self.wanted():
            return
        if self.tok[begin] == "{":
            self.braces(begin, end)
            return
        if self.has_statements(begin, end):
            for k in range(begin, end):
                if self.tok[k] == "{" and ";" in self.tok[k:self.match(k)]:
                    self.body(k + 1, self.match(k))
            return
        head, kind = "", "bool" if condition else ""
        for k, operator, swap in self.alternatives(begin, end, condition):
            low, high = max(begin, min(swap) - 3), min(end, max(swap) + 4)
            if operator == "condition negated":
                low, high = begin, end
            change = self.text(low, high) + "  ->  " + self.text(low, high, swap)
            number = self.add(k, operator, re.sub(r"\s+", " ", change.replace("  ->  ", " -> ")))
            head += f"medius_mutant({number}) ? {kind}({self.text(begin, end, swap)}) : "
        if head:
            self.before[begin] = self.before.get(begin, "") + "(" + head + kind + "("
            self.after[end - 1] = "))" + self.after.get(end - 1, "")

    def braces(self, begin, end):
        """{.member = expression, ...} and tables of such and of plain values."""
        k, close = begin + 1, self.match(begin)
        while k < close:
            stop = self.until(k, (",",), close)
            if self.tok[k] == "{":
                self.braces(k, stop)
            elif self.tok[k] == "." and self.tok[k + 2] == "=":
                self.expression(k + 3, stop)
            elif not self.tok[k].startswith('"') and self.tok[k] != "&":
                self.expression(k, stop)
            k = stop + 1

    # ---- statements --------------------------------------------------------------------------
    def wanted(self):
        return self.functions is None or self.function in self.functions

    def body(self, k, end):
        while k < end:
            k = self.statement(k, end)

    def statement(self, k, end):
        token = self.tok[k]
        if token in ("{", "}", ";", "else", "do"):
            return k + 1
        if token in ("if", "while", "for", "switch"):
            paren = k + 1 if self.tok[k + 1] == "(" else k + 2
            close = self.match(paren)
            self.condition(token, paren + 1, close)
            return close + 1
        if token in ("case", "default"):
            return self.until(k, (":",), end) + 1
        stop = self.until(k, (";",), end)
        if token == "return":
            if stop > k + 1:
                self.expression(k + 1, stop)
        elif token not in ("using", "break", "continue", "static_assert", "goto"):
            self.simple(k, stop)
        return stop + 1

    def condition(self, keyword, begin, end):
        if keyword == "switch":
            return
        first = self.until(begin, (";",), end)
        if keyword == "for":
            if first < end:
                self.expression(first + 1, self.until(first + 1, (";",), end))
            return
        if first < end:
            self.simple(begin, first, droppable=False)
            begin = first + 1
        if self.until(begin, ASSIGN, end) == end:
            self.expression(begin, end, condition=True)

    def is_declaration(self, begin, end):
        k = begin
        if self.tok[k] in ("const", "constexpr", "static", "auto"):
            return True
        while k + 1 < end and re.match(r"\w", self.tok[k]) and self.tok[k + 1] == "::":
            k += 2
        if not re.match(r"[A-Za-z_]", self.tok[k]) or k + 1 >= end:
            return False
        k += 1
        if self.tok[k] == "<" and not self.spaced(k):
            while k < end and self.tok[k] != ">":
                k += 1
            k += 1
        while k < end and self.tok[k] in ("*", "&", "const"):
            k += 1
        return k < end and re.match(r"[A-Za-z_]", self.tok[k]) is not None

    def simple(self, begin, end, droppable=True):
        """A declaration, an assignment or a call, without its semicolon."""
        if begin >= end or not self.wanted():
            return
        assign = self.until(begin, ASSIGN, end)
        if self.is_declaration(begin, end):
            if assign < end and self.until(begin, (",",), assign) == assign:
                self.initialisers(begin, assign, end)
            elif assign == end and "(" in self.tok[begin:end]:
                paren = self.until(begin, ("(",), end)
                if self.tok[paren - 1] != ">":
                    self.arguments(paren)
            return
        if not droppable:
            return
        if assign < end:
            while assign < end:  # a = b, c = d
                stop = self.until(assign, (",",), end)
                self.expression(assign + 1, stop)
                assign = self.until(stop, ASSIGN, end)
            assign = self.until(begin, ASSIGN, end)
        elif self.until(begin, (",",), end) == end and not self.has_statements(begin, end):
            self.call(begin, end)
        drop = self.add(begin, "statement dropped", self.text(begin, end)[:120])
        head = f"if (medius_mutant({drop})) {{ }} else "
        if assign < end and self.tok[assign] in OPPOSITE and not self.has_statements(begin, end):
            new = OPPOSITE[self.tok[assign]]
            number = self.add(assign, "arithmetic", self.text(begin, end)[:100] + f" with {new}")
            head += f"if (medius_mutant({number})) {{ {self.text(begin, end, {assign: new})}; }} else "
        for token, new in (("++", "--"), ("--", "++")):
            if assign == end and self.tok[begin] == token:
                number = self.add(begin, "arithmetic", self.text(begin, end)[:100] + f" with {new}")
                head += f"if (medius_mutant({number})) {{ {self.text(begin, end, {begin: new})}; }} else "
        self.before[begin] = "{ " + head + self.before.get(begin, "")
        self.after[end] = self.after.get(end, "") + " }"  # behind the semicolon

    def initialisers(self, begin, assign, end):
        """T one = value, two = value; each by itself."""
        first = len(self.mutants)
        if self.tok[begin] not in ("const", "constexpr", "static") or self.has_statements(assign, end):
            self.expression(assign + 1, end)
            return
        while assign < end:
            stop = self.until(assign, (",",), end)
            self.expression(assign + 1, stop)
            assign = self.until(stop, ("=",), end)
        if self.tok[begin] == "constexpr" and len(self.mutants) > first:
            self.replace[begin] = "static const"  # which a lambda need not capture either

    def arguments(self, paren):
        k, close = paren + 1, self.match(paren)
        while k < close:
            stop = self.until(k, (",",), close)
            if self.tok[k] != "[":
                self.expression(k, stop)
            k = stop + 1

    def call(self, begin, end):
        """Mutants among the arguments of calls: f(a + b), statement.bind(x)."""
        for k in range(begin, end):
            if self.tok[k] == "(" and re.match(r"[\w)\]]", self.tok[k - 1]):
                if not any(self.tok[j] in OPEN and "(" in self.tok[k + 1:j + 1]
                           for j in range(k + 1, self.match(k))):
                    self.arguments(k)

    # ---- namespaces, classes, constants ------------------------------------------------------
    def declarations(self, k, end):
        while k < end:
            token = self.tok[k]
            if token in ("namespace", "extern"):
                k = self.until(k, ("{", ";"), end)
                if k < end and self.tok[k] == "{":
                    self.declarations(k + 1, self.match(k))
                    k = self.match(k)
                k += 1
                continue
            if token == "enum" or token == "using":
                k = self.until(k, (";",), end) + 1
                continue
            k = self.declaration(k, end)

    def declaration(self, begin, end):
        k, paren = begin, None
        while k < end and self.tok[k] not in (";", "{", "="):
            if self.tok[k] == "(" and paren is None and k > begin:
                paren = k
            k = self.match(k) + 1 if self.tok[k] in "([" else k + 1
        if k >= end or self.tok[k] == ";":
            return k + 1
        words = self.tok[begin:k]
        if self.tok[k] == "{" and ("struct" in words or "class" in words):
            outer, self.in_class = self.in_class, True
            self.declarations(k + 1, self.match(k))
            self.in_class = outer
            return self.until(k, (";",), end) + 1
        if self.tok[k] == "=" and paren is None:
            stop = self.until(k, (";",), end)
            self.constant(begin, k, stop)
            return stop + 1
        if self.tok[k] == "=":
            return self.until(k, (";",), end) + 1
        if paren is None:
            return self.until(k, (";",), end) + 1
        name = self.tok[paren - 1]
        if ":" in words:  # a constructor's initialisers
            return self.match(k) + 1
        self.function = name
        first = len(self.mutants)
        self.body(k + 1, self.match(k))
        self.function = ""
        if "constexpr" in words and len(self.mutants) > first or "constexpr" in words and self.macros:
            self.replace[begin + words.index("constexpr")] = "inline"
        return self.match(k) + 1

    def constant(self, begin, assign, end):
        """constexpr T kName = value;  ->  a function that gives it, and a macro in the name's place."""
        words = self.tok[begin:assign]
        if "constexpr" not in words or self.functions is not None:
            return
        array = words[-1] == "]"
        name = words[-3] if array and words[-2] == "[" else words[-1]
        # A class' own constants size its members: they must stay constants.
        if not name.startswith("k") or "Field" in words or self.in_class:
            return
        type_name = "".join(t + " " for t in words if t not in ("constexpr", "inline", "static")
                            and t not in (name, "[", "]")).replace(" :: ", "::")
        stop = self.until(assign, (",",), end)
        if stop == end:
            self.named_constant(begin, assign, end, name, type_name, "[]" if array else "")
            return
        # constexpr T kOne = 1, kTwo = 2;
        while True:
            self.named_constant(begin, assign, stop, name, type_name, "", always=True)
            if stop == end:
                return
            begin, assign, name = stop, stop + 2, self.tok[stop + 1]
            stop = self.until(assign, (",",), end)

    def named_constant(self, begin, assign, end, name, type_name, array, always=False):
        self.function = name
        first = len(self.mutants)
        self.expression(assign + 1, end)
        self.function = ""
        if len(self.mutants) == first and not always and not {m[0] for m in self.macros} & set(self.tok[assign:end]) \
                and not re.search(r"\(\)", "".join(self.tok[assign:end])):
            return
        for k in range(begin, assign):
            self.replace[k] = ""
        self.replace[assign] = (f"inline const auto& {name}_now() {{ static const {type_name}{name}_kept"
                                + array + " =")
        semicolon = ";" if self.tok[end] == "," else ""
        self.after[end - 1] = self.after.get(end - 1, "") + semicolon
        where = end - 1 if semicolon else end
        self.after[where] = self.after.get(where, "") + f" return {name}_kept; }}\n#define {name} {name}_now()\n"
        self.macros.append((name, end))

    def run(self, include):
        self.declarations(0, len(self.tok))
        out, position = [], {i: k for k, i in enumerate(self.code)}
        for i, token in enumerate(self.all):
            k = position.get(i)
            if k is None:
                out.append(token)
                continue
            out.append(self.before.get(k, ""))
            out.append(self.replace.get(k, token))
            out.append(self.after.get(k, ""))
        text = "".join(out)
        if "#pragma once" in text:
            quiet = f'#pragma once\n#pragma GCC system_header\n#include "{include}"'
            return text.replace("#pragma once", quiet, 1)
        return f'#include "{include}"\n' + text


def rewrite(path, text, first_number, include, functions=None):
    """(new text, mutants) of one file; `functions` restricts it to those of these names."""
    rewriter = Rewriter(path, text, first_number, functions)
    # A comment behind a macro's line must not be swallowed by it, and lines may get long: both are fine.
    changed = rewriter.run(include)
    seen = {}
    for mutant in rewriter.mutants:
        key = f"{path} | {mutant.function} | {mutant.operator} | {mutant.change}"
        seen[key] = seen.get(key, 0) + 1
        mutant.key = key if seen[key] == 1 else f"{key} | {seen[key]}"
    return changed, rewriter.mutants
