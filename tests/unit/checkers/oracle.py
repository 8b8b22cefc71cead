"""Counts the anomalies of a history by brute force: slow, without an index, and without a word about blame."""

from itertools import combinations


class Oracle:
    def __init__(self, operations):
        self.puts = [op for op in operations if op.f == "put"]
        self.calls = [op for op in operations if op.value.get("effect") and op.type == "ok"]
        writes = [op for op in operations if op.process.startswith("writer") and "." in op.f and op.type == "ok"]
        self.answered = {intent for op in writes for intent in op.value["intents"]}
        self.discards = [op.value["sequence_numbers"] for op in operations if op.f == "discard"]
        self.rest = any(op.value.get("quiet") for op in operations)
        seen = [op for op in operations if op.process == "observer"]
        self.effects, self.records, self.letters, states = (
            [op.value for op in seen if op.f == f] for f in ("effect", "record", "dead_letter", "state")
        )
        self.source, self.view = (
            {state["item"]: state["intent"] for state in states if state["role"] == role} for role in ("source", "view")
        )
        self.index = bool(self.effects) or not self.view
        self.invoked = list(dict.fromkeys(op.value["intent"] for op in self.puts))
        self.everything = {*self.invoked, *(value["intent"] for value in self.effects + self.records)}

    def told(self, intent):
        mine = [op.type for op in self.puts if op.value["intent"] == intent]
        if "ok" in mine:
            return "yes"
        return "never" if not mine else "no" if mine.count("fail") == mine.count("invoke") else "perhaps"

    def promised(self, intent):
        recorded = any(record["intent"] == intent for record in self.records)
        unanswered = intent not in self.answered
        return self.told(intent) == "yes" or (self.told(intent) == "perhaps" and recorded and unanswered)

    def applied(self, intent):
        here = [effect for effect in self.effects if effect["intent"] == intent]
        return max(sum(effect["count"] for effect in here if effect["sink"] == sink) for sink in ("Effects", "Queue"))

    def acted(self, intent):
        return self.applied(intent) or (not self.index and any(intent in op.value["intents"] for op in self.calls))

    def dead(self, intent):
        numbers = [record["sequence_number"] for record in self.records if record["intent"] == intent]
        return any(number in self.batch(letter) for letter in self.letters for number in numbers)

    def batch(self, letter):
        exact = [numbers for numbers in self.discards if (numbers[0], numbers[-1]) == (letter["start"], letter["end"])]
        return exact[-1] if exact else [str(number) for number in range(int(letter["start"]), int(letter["end"]) + 1)]

    def upside_down(self, item):
        order = list(dict.fromkeys(record["intent"] for record in self.records if record["item"] == item))
        for first, second in combinations(order, 2):
            for sink in ("Effects", "Queue"):
                one, two = ([e["order"] for e in self.effects if (e["intent"], e["sink"]) == (intent, sink)
                             and e["order"] is not None] for intent in (first, second))  # fmt: skip
                if one and two and min(one) > min(two):
                    return True
        return False

    def wrong(self, item):
        mine = [intent for intent in self.invoked if intent.startswith(item + "/")]
        last = max([place for place, intent in enumerate(mine) if self.told(intent) == "yes"], default=-1)
        later = [intent for intent in mine[last + 1 :] if self.told(intent) == "perhaps"]
        return self.source[item] not in [mine[last] if last >= 0 else None, *later]

    def counts(self):
        lagging = [item for item in self.source if self.view and self.view.get(item) != self.source[item]]
        return {
            "lost": sum(
                self.promised(i) and not self.applied(i) and not self.dead(i) for i in self.invoked if self.index
            )
            * self.rest,
            "duplicated": sum(self.applied(i) > 1 for i in self.everything),
            "phantom": sum(self.applied(i) > 0 and self.told(i) in ("no", "never") for i in self.everything),
            "reordered": sum(self.upside_down(item) for item in self.source),
            "wrong_final_state": (sum(self.wrong(item) for item in self.source) + len(lagging)) * self.rest,
            "dead_lettered": sum(self.dead(i) and not self.acted(i) for i in self.everything) * self.rest,
        }
