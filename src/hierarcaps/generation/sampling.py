"""Which of many captions are written about: a sample that covers rare words, or a plain one.

Captions are read from a Parquet file of ``caption_files`` a batch at a time. What is
held is a number for each of them, and of the words and the texts what the sample can come to.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heapreplace
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np

from hierarcaps.generation.caption_files import BATCH_ROWS, count_rows
from hierarcaps.generation.preparation import open_database
from hierarcaps.generation.text import words

# What ``words`` finds, which itself reads the captions beyond ASCII. To split is the fastest.
_WORD = "[A-Za-z0-9]+(?:['-][A-Za-z0-9]+)*"
_BAGS = """
SELECT place, list_distinct(
  CASE WHEN regexp_full_match(caption, $plain) THEN string_split(lower(caption), ' ')
    WHEN strlen(caption) = length(caption) THEN regexp_extract_all(lower(caption), $word)
    ELSE words(caption) END
) AS bag
FROM part
"""
_PATTERNS = {"word": _WORD, "plain": f"{_WORD}(?: {_WORD})*"}
# Captions whose words are counted at once. To group those of 30 million DuckDB asks for more
# memory than it may have, however few the words; what parts give is grouped again.
_PART_BATCHES = 2_000_000 // BATCH_ROWS
_HOLDERS = f"""
INSERT INTO holders_of
SELECT word, count(*) AS holders, min(place) AS first, max(place) AS last, max(size) AS longest
FROM (SELECT place, unnest(bag) AS word, len(bag) AS size FROM ({_BAGS})) GROUP BY word
"""
_ALL_HOLDERS = """
SELECT word, sum(holders)::BIGINT AS holders, min(first) AS first, max(last) AS last,
  max(longest) AS longest
FROM holders_of GROUP BY word ORDER BY first, word
"""
_LAST = f"""
INSERT INTO last_of
SELECT word, max(place, $depth) AS last
FROM (SELECT place, unnest(bag) AS word FROM ({_BAGS})) SEMI JOIN known USING (word)
GROUP BY word
"""
_ALL_LAST = """
SELECT word, max(place, $depth) AS last
FROM (SELECT word, unnest(last) AS place FROM last_of) GROUP BY word
"""


@dataclass(frozen=True)
class _Vocabulary:
    """The words that a sample can come to, in the order in which a shuffled reading meets them.

    Attributes:
        words: V words.
        last: per word the places of its last holders in that reading, rising: all of them, or
            more than the sample can take for this word.
    """

    words: Sequence[str]
    last: Sequence[Sequence[int]]


def sample_covering(captions: str | Path, size: int, seed: int) -> list[int]:
    """Choose captions so that rare words are covered about as well as common ones.

    A plain sample leaves rare concepts out, and a hierarchy model is blind to words that it never
    saw. Here each step takes the word covered least so far (first come, in a seeded order) and a
    random caption that contains it.

    Args:
        captions: Parquet file of normalised captions.
        size: how many to choose; all of them where there are fewer.
        seed: of the random order.

    Returns:
        Distinct row numbers, in the order chosen.
    """
    order = np.random.default_rng(seed).permutation(count_rows(captions))
    places = np.empty(len(order), dtype=np.int32)
    places[order] = np.arange(len(order), dtype=np.int32)
    del order  # eight bytes a caption, of which the batches need but four
    size = min(size, len(places))
    vocabulary = _read_vocabulary(captions, places, size)
    within_reach = np.zeros(len(places), dtype=bool)
    for holders in vocabulary.last:
        within_reach[holders] = True
    texts = {
        place: text
        for batch, there in _batches(captions, places)
        for place, text in _chosen(batch, there, within_reach[there])
    }
    chosen = _cover(vocabulary, texts, size)
    row_of = {int(places[row]): int(row) for row in np.flatnonzero(np.isin(places, chosen))}
    return [row_of[place] for place in chosen]


def sample_plainly(captions: str | Path, size: int, seed: int) -> list[int]:
    """Choose captions at random: distinct row numbers in a random order, ``size`` at most."""
    order = np.random.RandomState(seed).permutation(count_rows(captions))
    return order[:size].tolist()


def _cover(vocabulary: _Vocabulary, texts: dict[int, str], size: int) -> list[int]:
    """Return the places of the chosen captions, in the order chosen."""
    number_of = {word: number for number, word in enumerate(vocabulary.words)}
    covered = [0] * len(number_of)
    # By coverage, then by first come; what is covered since is put right when it comes up.
    least = [(0, number) for number in range(len(number_of))]
    heapify(least)
    queues = [list(holders) for holders in vocabulary.last]
    chosen: dict[int, None] = {}
    while len(chosen) < size and least:
        level, number = least[0]
        if covered[number] != level:
            heapreplace(least, (covered[number], number))
            continue
        queue = queues[number]
        while queue and queue[-1] in chosen:
            queue.pop()
        if not queue:
            heappop(least)
            continue
        place = queue.pop()
        chosen[place] = None
        for word in set(words(texts[place])):
            if word in number_of:
                covered[number_of[word]] += 1
    return list(chosen)


def _read_vocabulary(captions: str | Path, places: np.ndarray, size: int) -> _Vocabulary:
    """Return what a sample of ``size`` can come to.

    A chosen caption covers ``longest`` words at most. When a word is chosen for at coverage c, all
    words with c holders are covered c times, hence ``sum_w min(holders_w, c) <= size * longest``,
    and of its last holders c at most are chosen: it needs c + 1. Where there are more words than
    ``size * longest``, c is 0, and no word behind so many is come to.
    """
    with open_database() as database:
        _define_words(database)
        database.execute(
            "CREATE TABLE holders_of"
            "(word VARCHAR, holders BIGINT, first INT, last INT, longest INT)"
        )
        _insert_parts(database, captions, places, _HOLDERS, _PATTERNS)
        found = database.execute(_ALL_HOLDERS).fetchnumpy()
        reach = size * int(found["longest"].max(initial=0))
        known = found["word"][: reach + 1].tolist()
        depth = 1 + _greatest_coverage(found["holders"], reach)
        if depth == 1:
            return _Vocabulary(known, [[place] for place in found["last"][: reach + 1].tolist()])
        del found
        database.execute("CREATE TABLE known AS SELECT unnest($1::VARCHAR[]) AS word", [known])
        database.execute("CREATE TABLE last_of (word VARCHAR, last INT[])")
        _insert_parts(database, captions, places, _LAST, {**_PATTERNS, "depth": depth})
        rows = database.execute(_ALL_LAST, {"depth": depth}).fetchall()
    last = {word: holders[::-1] for word, holders in rows}
    return _Vocabulary(known, [last[word] for word in known])


def _greatest_coverage(holders: np.ndarray, reach: int) -> int:
    """Return the greatest c with ``sum_w min(holders_w, c) <= reach``, at most all holders."""
    rising = np.sort(holders)
    low, high = 0, int(rising[-1]) if len(rising) else 0
    while low < high:
        middle = (low + high + 1) // 2
        if int(np.minimum(rising, middle).sum()) <= reach:
            low = middle
        else:
            high = middle - 1
    return low


def _define_words(database: Any) -> None:
    import pyarrow as pa

    def words_all(captions: Any) -> Any:
        return pa.array([words(text) for text in captions.to_pylist()], pa.list_(pa.string()))

    database.create_function("words", words_all, ["VARCHAR"], "VARCHAR[]", type="arrow")


def _insert_parts(
    database: Any, captions: str | Path, places: np.ndarray, query: str, settings: dict[str, Any]
) -> None:
    batches = _batches(captions, places)
    for batch in batches:
        part = chain([batch], islice(batches, _PART_BATCHES - 1))
        database.register("part", _reader(part))
        database.execute(query, settings)


def _batches(captions: str | Path, places: np.ndarray) -> Iterator[tuple[Any, np.ndarray]]:
    """Yield the captions (an Arrow array) of a file in batches, and their places."""
    import pyarrow.parquet as pq

    start = 0
    with pq.ParquetFile(captions) as file:
        for batch in file.iter_batches(BATCH_ROWS, columns=["caption"]):
            yield batch.column(0), places[start : start + len(batch)]
            start += len(batch)


def _chosen(batch: Any, places: np.ndarray, mask: np.ndarray) -> Iterator[tuple[int, str]]:
    import pyarrow as pa

    return zip(places[mask].tolist(), batch.filter(pa.array(mask)).to_pylist(), strict=True)


def _reader(part: Iterable[tuple[Any, np.ndarray]]) -> Any:
    import pyarrow as pa

    schema = pa.schema([("caption", pa.string()), ("place", pa.int32())])
    batches = (pa.record_batch([batch, pa.array(there)], schema=schema) for batch, there in part)
    return pa.RecordBatchReader.from_batches(schema, batches)
