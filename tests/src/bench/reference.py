"""Drives a reference implementation of the match keys for the bench.

First line of the input: {"records": [...], "pairs": [[sought, registered], ...]}. Then one word a line; each is answered
with one line of JSON: labels, scores, or the nanoseconds of CPU time that one pass over all records or pairs took.
"""
import json
import sys
import time

sys.path.insert(0, sys.argv[1])
import kinmatch
import score

kinmatch.load_tables()
with open(sys.argv[1] + "/weights.json", encoding="utf8") as file:
    weights = json.load(file)


def forget():
    """Names of an earlier pass are as unknown as those of a first one."""
    for name in ("codes", "coarse", "place_code", "place_codes"):
        getattr(kinmatch, name).cache_clear()


def timed(work):
    forget()
    began = time.process_time_ns()
    work()
    return time.process_time_ns() - began


def main():
    given = json.loads(sys.stdin.readline())
    records = given["records"]
    prepared = [(score.prep(one), score.prep(other)) for one, other in given["pairs"]]
    each = lambda pair: score.score(score.features(*pair), weights)
    works = {
        "labels": lambda: [label for record in records for label in kinmatch.keys(record)],
        "scores": lambda: [round(1000 * each(pair)) for pair in prepared],
        "time keys": lambda: timed(lambda: [kinmatch.keys(record) for record in records]),
        "time scores": lambda: timed(lambda: [each(pair) for pair in prepared]),
    }
    print("true", flush=True)
    for line in sys.stdin:
        print(json.dumps(works[line.strip()]()), flush=True)


main()
