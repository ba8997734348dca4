"""Checks the book: every link leads somewhere, every chapter is in the summary, and tables that repeat the sources repeat
them exactly.

    python3 docs/check.py
"""

import re
import sys
from pathlib import Path

DOCS = Path(__file__).parent
SRC = DOCS / "src"
ROOT = DOCS.parent
CHAPTERS = sorted(SRC.rglob("*.md"))
problems = []


def anchor(heading):
    """As mdBook makes ids of headings."""
    text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading.strip())
    kept = "".join(c if c.isalnum() or c in "_-" else " " if c.isspace() else "" for c in text.lower())
    return kept.replace(" ", "-")


def prose(path):
    """A chapter without its fenced blocks."""
    return re.sub(r"^```.*?^```", "", path.read_text(), flags=re.M | re.S)


anchors = {path: {anchor(h) for h in re.findall(r"^#+ (.*)$", prose(path), re.M)} for path in CHAPTERS}
for path in CHAPTERS:
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(path)):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, part = target.partition("#")
        to = (path.parent / file).resolve() if file else path
        if not to.is_file():
            problems.append(f"{path.relative_to(SRC)}: {target}: no such file")
        elif part and part not in anchors.get(to, set()):
            problems.append(f"{path.relative_to(SRC)}: {target}: no such heading")

summary = (SRC / "SUMMARY.md").read_text()
for path in CHAPTERS:
    name = str(path.relative_to(SRC))
    if name != "SUMMARY.md" and f"({name})" not in summary:
        problems.append(f"{name} is not in the summary")

source = (ROOT / "crates/types/src/outcome.rs").read_text()
codes = re.findall(r'^    (\w+) = (\d{3}), "([^"]*)";', source, re.M)
table = re.findall(r"^\| (\d{3}) \| `(\w+)` \| (.*) \|$", (SRC / "traders/rejections.md").read_text(), re.M)
if not codes or [(code, name, sentence) for name, code, sentence in codes] != table:
    problems.append("traders/rejections.md is not the table of crates/types/src/outcome.rs")

source = (ROOT / "crates/types/src/command.rs").read_text()
tags = {int(tag) for tag in re.findall(r"pub const \w+: u8 = (\d+);", source)}
encodings = (SRC / "reference/encodings.md").read_text()
commands = encodings.split("## Commands")[1].split("## Sequenced")[0]
if not tags or tags != {int(tag) for tag in re.findall(r"^\| (\d+) \|", commands, re.M)}:
    problems.append("reference/encodings.md does not have the command tags of crates/types/src/command.rs")

source = (ROOT / "crates/types/src/event.rs").read_text()
variants = source.split("pub enum Event {")[1].split("\n}\n")[0]
count = len(re.findall(r"^    [A-Z]\w+[({]| {4}[A-Z]\w+ \{", variants, re.M))
events = re.findall(r"^\| (\d+) \|", encodings.split("## Events")[1], re.M)
# A fill has two tags.
if len(events) != count + 1:
    problems.append(f"reference/encodings.md has {len(events)} event tags, {count + 1} are needed")

for name in ("config.rs",):
    source = (ROOT / "crates/exchange/src" / name).read_text().split("pub struct Config {")[1].split("\n}\n")[0]
    chapter = (SRC / "operators/configuration.md").read_text()
    for field in re.findall(r"^    pub (\w+):", source, re.M):
        if f"`{field}" not in chapter:
            problems.append(f"operators/configuration.md lacks {field}")

chapter = (SRC / "operators/recovery.md").read_text()
for crate, enum in (("journal", "JournalError"), ("exchange", "ExchangeError"), ("exchange", "Fault")):
    source = (ROOT / f"crates/{crate}/src/error.rs").read_text().split(f"pub enum {enum} {{")[1].split("\n}\n")[0]
    for variant in re.findall(r"^    ([A-Z]\w+)[ ({,]", source, re.M):
        if f"`{variant}`" not in chapter:
            problems.append(f"operators/recovery.md lacks {enum}::{variant}")
source = (ROOT / "crates/exchange/src/error.rs").read_text().split("pub enum Refused {")[1].split("\n}\n")[0]
for variant in re.findall(r"^    ([A-Z]\w+)[ ({,]", source, re.M):
    if f"`{variant}`" not in (SRC / "traders/rejections.md").read_text():
        problems.append(f"traders/rejections.md lacks Refused::{variant}")

# What is registered for Prometheus, wherever that is; counts get `_total`.
registered = set()
for path in sorted((ROOT / "crates").rglob("*.rs")):
    source = path.read_text().split("#[cfg(test)]")[0]
    for kind, name in re.findall(r'\bfigures\.(now|count|each_now|each_count)\(\s*"(\w+)"', source):
        registered.add(f"glassbook_{name}" + ("_total" if "count" in kind else ""))
table = re.findall(r"^\| `(glassbook_\w+)(?:\{\w+\})?` \|", (SRC / "operators/monitoring.md").read_text(), re.M)
for name in sorted(registered ^ set(table)):
    where = "is not in the code" if name in table else "is not in the table"
    problems.append(f"operators/monitoring.md: {name} {where}")
if not registered:
    problems.append("no figures are found in crates/")

# The checks of health, too.
checks = set()
for path in sorted((ROOT / "crates").rglob("*.rs")):
    checks |= set(re.findall(r'\bhealth\.(?:add|beat)\("(\w+)"', path.read_text().split("#[cfg(test)]")[0]))
chapter = (SRC / "operators/monitoring.md").read_text().split("## Health")[1].split("## Figures")[0]
for name in sorted(checks ^ set(re.findall(r"^\| `(\w+)` \|", chapter, re.M))):
    problems.append(f"operators/monitoring.md: the table of checks and the code differ in {name}")

print("\n".join(problems) or f"{len(CHAPTERS)} chapters: links and tables are right")
sys.exit(bool(problems))
